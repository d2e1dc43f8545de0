//! Where source connectors go on after a restart: one JSON file, replaced as a whole.
//!
//! ```json
//! {"cdc-source-pg": {"partition": {"server": "my_pg_source"}, "offset": {"lsn": 84042304, "txId": 529}}}
//! ```
//!
//! Partition and offset are Debezium's, so that an offset can be taken over from a Connect cluster and back.

use connect_data::{Error, Result};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The file with the offsets of any number of connectors. One process at a time writes it.
pub(crate) struct OffsetFile {
    path: PathBuf,
    all: Map<String, Value>,
    /// Held as long as the file is in use.
    _lock: File,
}

impl OffsetFile {
    /// Opens the file, which need not exist yet.
    ///
    /// # Errors
    /// Config: it cannot be read or written, holds something else, or another process uses it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let lock_path = sibling(path, "lock");
        let lock = File::create(&lock_path).map_err(|error| unusable(&lock_path, &error))?;
        lock.try_lock().map_err(|_| {
            Error::config("offsets.in-use", format!("offsets {}: expected no other user, found one", path.display()))
                .hint("another run uses this file: stop it, or give this one its own with --offsets")
        })?;
        let all = match std::fs::read(path) {
            Ok(bytes) => parse(path, &bytes)?,
            Err(error) if error.kind() == ErrorKind::NotFound => Map::new(),
            Err(error) => return Err(unusable(path, &error)),
        };
        Ok(Self { path: path.to_owned(), all, _lock: lock })
    }

    /// The stored offset of a connector, as JSON.
    ///
    /// # Errors
    /// Config: it is of another partition, that is of another server's topics.
    pub(crate) fn get(&self, connector: &str, partition: &Value) -> Result<Option<String>> {
        let Some(entry) = self.all.get(connector) else { return Ok(None) };
        if entry.get("partition") != Some(partition) {
            let message = format!(
                "offsets {}: expected connector {connector} to have the partition {partition}, found another",
                self.path.display()
            );
            return Err(Error::config("offsets.partition", message)
                .hint("give a connector with other topics another name or file; or remove its entry to begin anew"));
        }
        match entry.get("offset") {
            None | Some(Value::Null) => Ok(None),
            Some(offset) => Ok(Some(offset.to_string())),
        }
    }

    /// Stores an offset, given as JSON: when this returns it is on disk.
    ///
    /// # Errors
    /// Outage: the disk is full, or the folder gone. Internal: not JSON.
    pub(crate) fn put(&mut self, connector: &str, partition: &Value, offset: &str) -> Result<()> {
        let offset: Value = serde_json::from_str(offset)
            .map_err(|_| Error::internal("offsets.offset", "offset: expected JSON, found something else"))?;
        let mut entry = Map::new();
        entry.insert("partition".to_owned(), partition.clone());
        entry.insert("offset".to_owned(), offset);
        self.all.insert(connector.to_owned(), Value::Object(entry));
        let mut text = serde_json::to_vec(&self.all)
            .map_err(|error| Error::internal("offsets.offset", format!("offsets: {error}")))?;
        text.push(b'\n');
        replace(&self.path, &text).map_err(|error| {
            let message = format!("offsets {}: expected to write the file: {error}", self.path.display());
            Error::outage("offsets.write", message)
        })
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Map<String, Value>> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(all)) => Ok(all),
        _ => Err(Error::config(
            "offsets.content",
            format!("offsets {}: expected a JSON object, found something else", path.display()),
        )
        .hint("restore the file, or remove it to begin anew")),
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::config("offsets.file", format!("offsets {}: expected a usable file: {error}", path.display()))
}

fn sibling(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(extension);
    path.with_file_name(name)
}

/// Readers find the old content or the new one, whatever happens: written aside, synchronised, renamed, and the rename
/// synchronised.
fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let aside = sibling(path, "tmp");
    let mut file = File::create(&aside)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&aside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("bucatini-offsets-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn offsets_come_back_after_a_restart() {
        let folder = Folder::new("restart");
        let path = folder.0.join("offsets.json");
        let partition = json!({"server": "a"});
        let mut file = OffsetFile::open(&path).unwrap();
        assert_eq!(file.get("one", &partition).unwrap(), None);
        file.put("one", &partition, r#"{"lsn":1}"#).unwrap();
        file.put("two", &partition, r#"{"lsn":2}"#).unwrap();
        file.put("one", &partition, r#"{"lsn":3}"#).unwrap();
        drop(file);
        let file = OffsetFile::open(&path).unwrap();
        assert_eq!(file.get("one", &partition).unwrap().as_deref(), Some(r#"{"lsn":3}"#));
        assert_eq!(file.get("two", &partition).unwrap().as_deref(), Some(r#"{"lsn":2}"#));
        let other = file.get("one", &json!({"server": "b"})).unwrap_err();
        assert_eq!(other.code(), "offsets.partition");
    }

    #[test]
    fn what_a_crash_left_aside_is_not_read() {
        let folder = Folder::new("torn");
        let path = folder.0.join("offsets.json");
        let partition = json!({});
        OffsetFile::open(&path).unwrap().put("one", &partition, "{}").unwrap();
        std::fs::write(folder.0.join("offsets.json.tmp"), b"{\"one\": {\"par").unwrap();
        let mut file = OffsetFile::open(&path).unwrap();
        assert_eq!(file.get("one", &partition).unwrap().as_deref(), Some("{}"));
        file.put("one", &partition, r#"{"lsn":1}"#).unwrap();
    }

    #[test]
    fn a_second_user_and_a_damaged_file_are_refused() {
        let folder = Folder::new("refused");
        let path = folder.0.join("offsets.json");
        let first = OffsetFile::open(&path).unwrap();
        assert_eq!(OffsetFile::open(&path).err().unwrap().code(), "offsets.in-use");
        drop(first);
        std::fs::write(&path, b"{\"one\"").unwrap();
        assert_eq!(OffsetFile::open(&path).err().unwrap().code(), "offsets.content");
        assert_eq!(OffsetFile::open(&folder.0.join("no/such")).err().unwrap().code(), "offsets.file");
    }
}
