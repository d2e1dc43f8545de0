//! The shipped components: what they may reach and what they offer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;

#[test]
fn a_shipped_component_reaches_its_host_and_nothing_else() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    for (package, role) in [
        ("component-avro-converter", "converter"),
        ("component-extract-new-record-state", "transformation"),
        ("component-wal2json", "converter"),
    ] {
        let component = component_build::build(package, target).unwrap();
        let named = |names: &[&str]| names.iter().map(|n| format!("bucatini:connect/{n}@0.1.0")).collect::<Vec<_>>();
        let imports = component_build::imports(&component).unwrap();
        assert_eq!(imports, named(&["configs", "errors", "logging", "schema-store", "schemas"]), "{package}");
        let mut exports = named(&["plugin", role]);
        exports.sort();
        assert_eq!(component_build::exports(&component).unwrap(), exports, "{package}");
        assert!(component.len() < 2 << 20, "{package}: {} bytes", component.len());
    }
}

/// A module with an import of its own, as a WASI target would give it, is not wrapped.
#[test]
fn other_imports_are_refused() {
    let wit = component_build::wit()
        .unwrap()
        .replace("world base {", "world base { import other: interface { get: func() -> u64; }");
    let module = "(module (import \"other\" \"get\" (func (result i64))) (memory (export \"memory\") 1)
        (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export \"bucatini:connect/plugin@0.1.0#describe\") (result i32) unreachable)
        (func (export \"bucatini:connect/plugin@0.1.0#configure\") (param i32 i32 i32) (result i32) unreachable))";
    let component = component_build::by_hand(module, &wit, "base").unwrap();
    assert_eq!(component_build::imports(&component).unwrap().iter().filter(|i| i.as_str() == "other").count(), 1);
    let refused = component_build::check(&component).unwrap_err();
    assert!(refused.contains("found other"), "{refused}");
}
