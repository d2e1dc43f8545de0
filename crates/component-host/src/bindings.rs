//! What `wasmtime` makes of `wit/`: the imports and the common export once, then each role's export.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction, clippy::pedantic)]

pub mod base {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "bucatini:connect/base",
        imports: { default: trappable },
    });
}

pub mod converter {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package bucatini:host; world converter { export bucatini:connect/converter@0.1.0; }",
        with: { "bucatini:connect/errors": crate::bindings::base::bucatini::connect::errors },
    });
}

pub mod transformation {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package bucatini:host; world transformation { export bucatini:connect/transformation@0.1.0; }",
        with: { "bucatini:connect/errors": crate::bindings::base::bucatini::connect::errors },
    });
}

pub mod predicate {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package bucatini:host; world predicate { export bucatini:connect/predicate@0.1.0; }",
    });
}
