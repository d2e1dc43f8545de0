//! From a core module of a `bucatini-sdk` crate to a component: a build tool, never shipped.

use std::path::{Path, PathBuf};
use std::process::Command;
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId, WorldKey};

/// The only package that a component may import.
pub const ALLOWED_IMPORTS: &str = "bucatini:connect/";

/// What went wrong, for the person at the terminal.
pub type Result<T> = std::result::Result<T, String>;

/// Wraps a core module, which carries its WIT in custom sections.
///
/// # Errors
/// The module is not one of the SDK's, or it imports something else than [`ALLOWED_IMPORTS`].
pub fn componentize(module: &[u8]) -> Result<Vec<u8>> {
    let component = ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|e| format!("not a module made with bucatini-sdk: {e:#}"))?;
    check(&component)?;
    Ok(component)
}

/// Checks what a component imports.
///
/// # Errors
/// Something else than [`ALLOWED_IMPORTS`].
pub fn check(component: &[u8]) -> Result<()> {
    match imports(component)?.iter().find(|import| !import.starts_with(ALLOWED_IMPORTS)) {
        None => Ok(()),
        Some(import) => Err(format!("expected imports of {ALLOWED_IMPORTS} only, found {import}")),
    }
}

/// Names of what a component imports, sorted.
///
/// # Errors
/// It is not a component.
pub fn imports(component: &[u8]) -> Result<Vec<String>> {
    let (resolve, world) = world(component)?;
    Ok(resolve.worlds.get(world).map(|world| names(&resolve, world.imports.keys())).unwrap_or_default())
}

/// Names of what a component exports, sorted.
///
/// # Errors
/// It is not a component.
pub fn exports(component: &[u8]) -> Result<Vec<String>> {
    let (resolve, world) = world(component)?;
    Ok(resolve.worlds.get(world).map(|world| names(&resolve, world.exports.keys())).unwrap_or_default())
}

fn world(component: &[u8]) -> Result<(Resolve, WorldId)> {
    match wit_component::decode(component) {
        Ok(DecodedWasm::Component(resolve, world)) => Ok((resolve, world)),
        Ok(DecodedWasm::WitPackage(..)) => Err("a WIT package, not a component".to_owned()),
        Err(e) => Err(format!("not a component: {e:#}")),
    }
}

fn names<'a>(resolve: &Resolve, keys: impl Iterator<Item = &'a WorldKey>) -> Vec<String> {
    let mut names: Vec<_> = keys.map(|key| resolve.name_world_key(key)).collect();
    names.sort();
    names
}

/// Builds a component of this workspace with the profile that ships: for tests. `target` is cargo's target folder
/// (`CARGO_TARGET_TMPDIR` is a folder in it).
///
/// # Errors
/// Cargo fails, or what it built is no component of ours.
pub fn build(package: &str, target: &Path) -> Result<Vec<u8>> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--quiet",
            "--profile",
            "component",
            "--target",
            "wasm32-unknown-unknown",
            "--package",
            package,
        ])
        .arg("--target-dir")
        .arg(target)
        .current_dir(workspace())
        .status()
        .map_err(|e| format!("cargo does not start: {e}"))?;
    if !status.success() {
        return Err(format!("cargo build --package {package}: {status}"));
    }
    let module = target.join("wasm32-unknown-unknown/component").join(format!("{}.wasm", package.replace('-', "_")));
    let bytes = std::fs::read(&module).map_err(|e| format!("{}: {e}", module.display()))?;
    componentize(&bytes)
}

/// A component from the text of a core module and that of a WIT package: for tests that need what no compiler emits.
///
/// # Errors
/// One of the texts is wrong, or they do not fit each other.
pub fn by_hand(module: &str, wit: &str, world: &str) -> Result<Vec<u8>> {
    with_world(&text(module)?, wit, world)
}

/// A component from a core module that exports what the canonical ABI wants, and the text of the WIT package that says so.
///
/// # Errors
/// The text is wrong, or they do not fit each other.
pub fn with_world(module: &[u8], wit: &str, world: &str) -> Result<Vec<u8>> {
    let mut module = module.to_vec();
    let mut resolve = Resolve::default();
    let package = resolve.push_str("by-hand.wit", wit).map_err(|e| format!("WIT: {e:#}"))?;
    let world = resolve.select_world(&[package], Some(world)).map_err(|e| format!("WIT: {e:#}"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .and_then(|()| ComponentEncoder::default().module(&module)?.encode())
        .map_err(|e| format!("{e:#}"))
}

/// The binary form of a WebAssembly text.
///
/// # Errors
/// The text is wrong.
pub fn text(wat: &str) -> Result<Vec<u8>> {
    wat::parse_str(wat).map_err(|e| e.to_string())
}

/// `wit/` as one text.
///
/// # Errors
/// A file cannot be read.
pub fn wit() -> Result<String> {
    const PACKAGE: &str = "package bucatini:connect@0.1.0;";
    let mut all = PACKAGE.to_owned();
    for name in ["types.wit", "host.wit", "plugin.wit"] {
        let text = std::fs::read_to_string(workspace().join("wit").join(name)).map_err(|e| format!("{name}: {e}"))?;
        // The package has one doc comment, which belongs to its declaration.
        all.push_str(text.split_once(PACKAGE).map_or(text.as_str(), |(_, rest)| rest));
    }
    Ok(all)
}

/// Root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
