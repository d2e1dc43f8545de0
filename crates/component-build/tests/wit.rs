//! The WIT package: valid, and its worlds are what the documentation says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use wit_parser::Resolve;

#[test]
fn each_world_imports_the_host_and_exports_one_role() {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(component_build::workspace().join("wit")).unwrap();
    assert_eq!(resolve.packages[package].name.to_string(), "bucatini:connect@0.1.0");
    for (world, role) in
        [("converter-plugin", "converter"), ("transform-plugin", "transformation"), ("predicate-plugin", "predicate")]
    {
        let world = &resolve.worlds[resolve.select_world(&[package], Some(world)).unwrap()];
        let names = |items: Vec<_>| items.into_iter().map(|key| resolve.name_world_key(key)).collect::<BTreeSet<_>>();
        let exports = names(world.exports.keys().collect());
        assert_eq!(exports, BTreeSet::from(["plugin", role].map(|name| format!("bucatini:connect/{name}@0.1.0"))));
        let imports = names(world.imports.keys().collect());
        for expected in ["schema-store", "logging"] {
            assert!(imports.contains(&format!("bucatini:connect/{expected}@0.1.0")), "{imports:?}");
        }
        assert!(imports.iter().all(|import| import.starts_with(component_build::ALLOWED_IMPORTS)), "{imports:?}");
    }
}
