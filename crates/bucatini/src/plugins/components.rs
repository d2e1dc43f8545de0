//! Finds component files, and opens them.

use crate::config::ComponentSource;
use component_host::{Cache, Component, Digest, Level, Log, MAX_COMPONENT, Options};
use connect_data::{Error, Result};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Loads the component of a file, or of a name in one of the folders for components: the one given, `BUCATINI_COMPONENTS`,
/// `components` next to the program.
///
/// # Errors
/// Config: there is none, it cannot be read, its digest is not the expected one, it is no component.
pub(super) fn load(source: &ComponentSource, folder: Option<&Path>) -> Result<Component> {
    let (path, bytes) = read(source, &folders(folder))?;
    if let Some(expected) = &source.sha256 {
        let found = Digest::of(&[&bytes]).to_string();
        if !found.eq_ignore_ascii_case(expected.trim()) {
            let message = format!("component {}: expected SHA-256 {expected}, found {found}", path.display());
            return Err(Error::config("component.digest", message)
                .hint("the file is not the one that component.sha256 was written for"));
        }
    }
    Component::load(&bytes, cache()).map_err(|error| error.field(&path.display().to_string()))
}

/// How the component's instances run.
pub(super) fn options(source: &ComponentSource) -> Options {
    let name = source.path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Options { log: Arc::new(ToLog(name)), ..Options::default() }
}

/// What a component says goes to the run's log.
struct ToLog(String);

impl Log for ToLog {
    fn log(&self, _: &str, level: Level, message: &str) {
        let name = &self.0;
        match level {
            Level::Debug => tracing::debug!("{name}: {message}"),
            Level::Info => tracing::info!("{name}: {message}"),
            Level::Warn => tracing::warn!("{name}: {message}"),
            Level::Error => tracing::error!("{name}: {message}"),
        }
    }
}

fn folders(folder: Option<&Path>) -> Vec<PathBuf> {
    let variable = std::env::var_os("BUCATINI_COMPONENTS").filter(|value| !value.is_empty()).map(PathBuf::from);
    let program = std::env::current_exe().ok().and_then(|path| Some(path.parent()?.join("components")));
    folder.map(Path::to_owned).into_iter().chain(variable).chain(program).collect()
}

fn read(source: &ComponentSource, folders: &[PathBuf]) -> Result<(PathBuf, Vec<u8>)> {
    let name = &source.path;
    let mut candidates = vec![name.clone()];
    if name.components().count() == 1 {
        // Not `with_extension`: a name may have a dot in it.
        let file = format!("{}.wasm", name.display());
        candidates.extend(folders.iter().flat_map(|folder| [folder.join(name), folder.join(&file)]));
    }
    let Some(path) = candidates.into_iter().find(|path| path.is_file()) else {
        let looked: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        let message = format!("component {}: expected a file, found none", name.display());
        return Err(Error::config("component.missing", message)
            .hint(format!("name a file, or put it into one of these folders: {}", looked.join(", "))));
    };
    let mut bytes = Vec::new();
    let limit = MAX_COMPONENT as u64 + 1;
    match std::fs::File::open(&path).and_then(|file| file.take(limit).read_to_end(&mut bytes)) {
        Ok(_) => Ok((path, bytes)),
        Err(error) => {
            let message = format!("component {}: expected a readable file: {}", path.display(), error.kind());
            Err(Error::config("component.missing", message))
        }
    }
}

/// Where compiled components are kept: `BUCATINI_CACHE`, else the user's cache folder. If neither can be made private,
/// components are compiled at each start.
fn cache() -> Option<&'static Cache> {
    static CACHE: OnceLock<Option<Cache>> = OnceLock::new();
    CACHE
        .get_or_init(|| {
            let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
            let folders = [
                variable("BUCATINI_CACHE"),
                variable("XDG_CACHE_HOME").map(|folder| folder.join("bucatini")),
                variable("HOME").map(|folder| folder.join(".cache/bucatini")),
            ];
            folders.iter().flatten().find_map(|folder| Cache::open(&folder.join("compiled-components")))
        })
        .as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_in_the_folders_and_a_path_is_not() {
        let folder = std::env::temp_dir().join(format!("bucatini-components-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("mine.wasm"), b"not a component").unwrap();
        let source = |path: &str| ComponentSource { path: path.into(), sha256: None };
        let folders = [folder.clone()];
        assert_eq!(read(&source("mine"), &folders).unwrap().1, b"not a component");
        assert_eq!(read(&source("mine.wasm"), &folders).unwrap().0, folder.join("mine.wasm"));
        assert_eq!(read(&source("./mine"), &folders).unwrap_err().code(), "component.missing");
        let pinned = ComponentSource { path: "mine".into(), sha256: Some("00".into()) };
        assert_eq!(load(&pinned, Some(&folder)).err().unwrap().code(), "component.digest");
        assert_eq!(load(&source("mine"), Some(&folder)).err().unwrap().kind(), connect_data::ErrorKind::Config);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
