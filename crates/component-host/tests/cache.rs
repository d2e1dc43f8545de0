//! Compiled components on disk: found again when they are whole and ours, compiled anew in every other case.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![cfg(unix)]

mod common;

use common::Module;
use component_host::{Cache, Component};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// An empty folder for one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cache-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A component that no other test has loaded: in memory it would be found at once.
fn component(text: &str) -> Vec<u8> {
    let padding = format!("(@custom \"padding\" \"{text}\")");
    Module { more: &padding, ..Module::default() }.component()
}

/// Loads in a process of its own, since this one keeps what it has loaded; says whether a compiled form was made.
fn load_elsewhere(folder: &Path, component: &Path) {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "elsewhere", "--ignored", "--quiet"])
        .env("CACHE_TEST", folder)
        .env("CACHE_TEST_COMPONENT", component)
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
}

#[test]
#[ignore = "the other process of the tests in this file"]
fn elsewhere() {
    let (Some(folder), Some(component)) = (std::env::var_os("CACHE_TEST"), std::env::var_os("CACHE_TEST_COMPONENT"))
    else {
        return;
    };
    let cache = Cache::open(Path::new(&folder));
    let component = Component::load(&std::fs::read(component).unwrap(), cache.as_ref()).unwrap();
    common::open(&component, &[]).unwrap().decode("t", b"").unwrap();
}

/// The file's number and time of writing: another pair means that it was made anew.
fn identity(file: &Path) -> (u64, i64, i64) {
    let metadata = std::fs::metadata(file).unwrap();
    (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
}

#[test]
fn what_was_compiled_is_found_again_unless_a_byte_differs() {
    let folder = folder("bytes");
    let source = folder.with_extension("wasm");
    std::fs::write(&source, component("bytes")).unwrap();
    load_elsewhere(&folder, &source);
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let [file] = files(&folder).try_into().unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let made = identity(&file);
    load_elsewhere(&folder, &source);
    assert_eq!(identity(&file), made, "taken as it is");

    let good = std::fs::read(&file).unwrap();
    for n in 0..20 {
        let mut bad = good.clone();
        let at = n * (bad.len() - 1) / 19;
        bad[at] ^= 1;
        std::fs::write(&file, &bad).unwrap();
        load_elsewhere(&folder, &source);
        assert_eq!(std::fs::read(&file).unwrap(), good, "byte {at}: compiled anew");
    }
    for bad in [&good[..good.len() - 1], &good[..31], &[]] {
        std::fs::write(&file, bad).unwrap();
        load_elsewhere(&folder, &source);
        assert_eq!(std::fs::read(&file).unwrap(), good);
    }
    std::fs::remove_dir_all(folder).unwrap();
    std::fs::remove_file(source).unwrap();
}

#[test]
fn what_others_could_have_written_is_not_loaded() {
    let folder = folder("others");
    let source = folder.with_extension("wasm");
    std::fs::write(&source, component("others")).unwrap();
    load_elsewhere(&folder, &source);
    let [file] = files(&folder).try_into().unwrap();
    let good = std::fs::read(&file).unwrap();

    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o620)).unwrap();
    let made = identity(&file);
    load_elsewhere(&folder, &source);
    assert_ne!(identity(&file), made, "a file that a group can write to was replaced");

    let elsewhere = folder.with_extension("moved");
    std::fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    load_elsewhere(&folder, &source);
    assert!(std::fs::symlink_metadata(&file).unwrap().is_file(), "a link was replaced");
    assert_eq!(std::fs::read(&file).unwrap(), good);

    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o750)).unwrap();
    assert!(Cache::open(&folder).is_none(), "a folder that a group can read");
    let link = folder.with_extension("link");
    symlink(&folder, &link).unwrap();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
    assert!(Cache::open(&folder).is_some());
    assert!(Cache::open(&link).is_none(), "a link to a good folder");
    assert!(Cache::open(&file).is_none(), "a file");
    assert!(Cache::open(Path::new("/proc/none/cache")).is_none());
    for path in [&elsewhere, &link, &source] {
        std::fs::remove_file(path).unwrap();
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Machine code is only ever taken from the cache, never from whoever hands over a component.
#[test]
fn a_compiled_form_is_no_component() {
    let folder = folder("form");
    let cache = Cache::open(&folder).unwrap();
    assert_eq!(cache.folder(), folder);
    Component::load(&component("form"), Some(&cache)).unwrap();
    let [file] = files(&folder).try_into().unwrap();
    let compiled = std::fs::read(file).unwrap();
    for bytes in [&compiled[..], &compiled[32..]] {
        assert_eq!(common::refused(bytes).code(), "component.invalid");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn old_files_make_room() {
    let folder = folder("room");
    let cache = Cache::open(&folder).unwrap();
    for n in 0..40 {
        Component::load(&component(&format!("room {n}")), Some(&cache)).unwrap();
    }
    assert_eq!(files(&folder).len(), 32);
    std::fs::remove_dir_all(folder).unwrap();
}
