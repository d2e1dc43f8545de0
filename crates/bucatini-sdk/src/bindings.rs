//! What `wit-bindgen` makes of `wit/`: the imports once, and one module per exported interface, so that a component exports
//! exactly what its macro names.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction, clippy::pedantic)]

pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package bucatini:sdk;
            world imports {
                import bucatini:connect/schema-store@0.1.0;
                import bucatini:connect/logging@0.1.0;
                import bucatini:connect/configs@0.1.0;
            }
        ",
        generate_all,
    });
}

pub mod plugin {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package bucatini:sdk; world exported-plugin { export bucatini:connect/plugin@0.1.0; }",
        pub_export_macro: true,
        with: {
            "bucatini:connect/errors@0.1.0": crate::bindings::imports::bucatini::connect::errors,
            "bucatini:connect/configs@0.1.0": crate::bindings::imports::bucatini::connect::configs,
        },
    });
}

pub mod converter {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package bucatini:sdk; world exported-converter { export bucatini:connect/converter@0.1.0; }",
        pub_export_macro: true,
        with: { "bucatini:connect/errors@0.1.0": crate::bindings::imports::bucatini::connect::errors },
    });
}

pub mod transformation {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package bucatini:sdk; world exported-transformation { export bucatini:connect/transformation@0.1.0; }",
        pub_export_macro: true,
        with: { "bucatini:connect/errors@0.1.0": crate::bindings::imports::bucatini::connect::errors },
    });
}

pub mod predicate {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package bucatini:sdk; world exported-predicate { export bucatini:connect/predicate@0.1.0; }",
        pub_export_macro: true,
    });
}
