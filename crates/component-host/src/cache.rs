//! Compiled components on disk, so that a worker compiles each only once. Loading machine code is as good as running it;
//! so only what this user wrote into a folder that nobody else can touch is loaded, and only if it is whole and made by
//! this wasmtime, with these settings, for this CPU. Anything else is compiled anew.

use crate::digest::Digest;
use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use wasmtime::Engine;

/// Files that are kept; the oldest go first.
const MAX_FILES: usize = 32;
/// More than any component within the limits compiles to.
const MAX_ARTEFACT: u64 = 512 << 20;

/// A folder for compiled components.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Makes the folder, with mode 0700, or takes one that is already so and this user's. `None`: it cannot be trusted or
    /// written to.
    pub fn open(folder: &Path) -> Option<Self> {
        private::make(folder).then(|| Self { folder: folder.to_owned() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn load(&self, engine: &Engine, component: &Digest) -> Option<wasmtime::component::Component> {
        let key = key(engine, component);
        let (expected, artefact) = self.read(&self.file(&key))?;
        if Digest::of(&[key.bytes(), &artefact]).bytes() != expected.as_slice() {
            return None;
        }
        // SAFETY: the artefact is whole (its digest fits) and was written by this code: nobody but this user can write to
        // the folder or the file, which was checked on the open file. wasmtime checks its own version and settings again.
        unsafe { wasmtime::component::Component::deserialize(engine, &artefact).ok() }
    }

    /// Keeps a compiled component. Failing to is no fault: it is compiled again next time.
    pub(crate) fn store(&self, engine: &Engine, component: &Digest, artefact: &[u8]) {
        let key = key(engine, component);
        let file = self.file(&key);
        let temporary = file.with_extension(format!("{}.tmp", std::process::id()));
        let written = private::create(&temporary).and_then(|mut out| {
            out.write_all(Digest::of(&[key.bytes(), artefact]).bytes())?;
            out.write_all(artefact)?;
            out.sync_all()
        });
        if written.and_then(|()| std::fs::rename(&temporary, &file)).is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        self.prune();
    }

    fn read(&self, file: &Path) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut file = private::open(file)?;
        let len = file.metadata().ok()?.len();
        if !(32..=MAX_ARTEFACT).contains(&len) {
            return None;
        }
        let (mut digest, mut artefact) = (vec![0; 32], Vec::new());
        file.read_exact(&mut digest).ok()?;
        file.take(MAX_ARTEFACT).read_to_end(&mut artefact).ok()?;
        Some((digest, artefact))
    }

    fn file(&self, key: &Digest) -> PathBuf {
        self.folder.join(format!("{key}.compiled"))
    }

    fn prune(&self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        let mut files: Vec<_> = entries
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort();
        let surplus = files.len().saturating_sub(MAX_FILES);
        for (_, file) in files.into_iter().take(surplus) {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Of the component and of all that decides what it compiles to: wasmtime's version, its settings, this CPU.
fn key(engine: &Engine, component: &Digest) -> Digest {
    struct Bytes(Vec<u8>);

    impl Hasher for Bytes {
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }

        fn finish(&self) -> u64 {
            0
        }
    }

    let mut settings = Bytes(Vec::new());
    engine.precompile_compatibility_hash().hash(&mut settings);
    Digest::of(&[component.bytes(), &settings.0])
}

#[cfg(unix)]
mod private {
    use std::fs::{DirBuilder, File, Metadata, OpenOptions};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    /// Whether only this user can have written it.
    fn ours(metadata: &Metadata) -> bool {
        // SAFETY: geteuid takes nothing and cannot fail.
        let user = unsafe { libc::geteuid() };
        metadata.uid() == user && metadata.permissions().mode() & 0o077 == 0
    }

    pub(super) fn make(folder: &Path) -> bool {
        if let Some(parent) = folder.parent() {
            // If this fails, so does the next.
            let _ = std::fs::create_dir_all(parent);
        }
        let _ = DirBuilder::new().mode(0o700).create(folder);
        std::fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir() && ours(&metadata))
    }

    pub(super) fn create(file: &Path) -> std::io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)
    }

    pub(super) fn open(file: &Path) -> Option<File> {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(file).ok()?;
        let metadata = file.metadata().ok()?;
        (metadata.is_file() && ours(&metadata)).then_some(file)
    }
}

/// Elsewhere nobody has checked how a folder is made private: no cache.
#[cfg(not(unix))]
mod private {
    use std::fs::File;
    use std::path::Path;

    pub(super) fn make(_: &Path) -> bool {
        false
    }

    pub(super) fn create(_: &Path) -> std::io::Result<File> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    pub(super) fn open(_: &Path) -> Option<File> {
        None
    }
}
