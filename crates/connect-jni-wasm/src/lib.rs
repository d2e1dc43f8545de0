//! `libbucatini_wasm.so`: components in wasmtime behind the JNI boundary, for
//! `io.bucatini.connect.internal.WasmLibrary`. Loaded by nobody who does not ask for `engine=wasm`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

use component_host::{Cache, Component, ComponentConverter, ComponentTransformation, Digest, Options};
use connect_data::wire::Reader;
use connect_data::{Error, Result};
use connect_jni::{Boundary, Factory, Open, Plugin, PluginKind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Opens components: the message continues with `digest str, component bytes`.
struct Components;

impl Factory for Components {
    fn open(&self, open: Open<'_>) -> Result<Plugin> {
        let mut r = Reader::new(open.rest);
        let (expected, bytes) = (r.str()?, r.bytes()?);
        let found = Digest::of(&[bytes]).to_string();
        if found != expected {
            return Err(Error::internal(
                "component.digest",
                format!("component: expected SHA-256 {expected}, found {found}"),
            )
            .hint("the component was damaged or exchanged: install the plug-in again"));
        }
        let component = Component::load(bytes, cache())?;
        let options = Options::default();
        Ok(match open.plugin {
            PluginKind::AvroConverter | PluginKind::Wal2JsonConverter => Plugin::Converter(Box::new(
                ComponentConverter::open(&component, &open.settings, open.is_key, open.schemas, &options)?,
            )),
            PluginKind::ExtractNewRecordState => Plugin::Transformation(Box::new(ComponentTransformation::open(
                &component,
                &open.settings,
                open.schemas,
                &options,
            )?)),
        })
    }
}

/// Where compiled components are kept: `BUCATINI_CACHE`, else the user's cache folder, else the one for temporary files.
/// The first that can be made private is taken; if none can, components are compiled at each start of the worker.
fn cache() -> Option<&'static Cache> {
    static CACHE: OnceLock<Option<Cache>> = OnceLock::new();
    CACHE
        .get_or_init(|| {
            let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
            let folders = [
                variable("BUCATINI_CACHE"),
                variable("XDG_CACHE_HOME").map(|folder| folder.join("bucatini")),
                variable("HOME").map(|folder| folder.join(".cache/bucatini")),
                Some(std::env::temp_dir().join("bucatini")),
            ];
            folders.iter().flatten().find_map(|folder| Cache::open(&compiled(folder)))
        })
        .as_ref()
}

fn compiled(folder: &Path) -> PathBuf {
    folder.join("compiled-components")
}

static BOUNDARY: Boundary<Components> = Boundary::new(Components);

connect_jni::export_library!("WasmLibrary", super::BOUNDARY);
