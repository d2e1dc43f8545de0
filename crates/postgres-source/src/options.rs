//! Options of wal2json.

use connect_data::{Error, Result};

/// Options that must be as they are: without them messages cannot be read or acknowledged.
const FIXED: [&str; 8] = [
    "format-version",
    "write-in-chunks",
    "include-transaction",
    "include-types",
    "include-schemas",
    "include-xids",
    "include-lsn",
    "include-timestamp",
];

/// Reads `slot.stream.params`.
pub(crate) fn parse_params(text: &str) -> Result<Vec<(String, String)>> {
    let items = text.split(';').map(str::trim).filter(|item| !item.is_empty());
    let parsed = items.map(|item| {
        let invalid = |expected: &str| {
            Error::config("config.invalid", format!("setting slot.stream.params: expected {expected}, found {item}"))
        };
        let (name, value) = item.split_once('=').ok_or_else(|| invalid("key=value"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if FIXED.contains(&name.as_str()) {
            return Err(invalid("no option that decides how messages are written")
                .hint("plugin.name and wal2json.format.version choose the format"));
        }
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Err(invalid("the name of an option"));
        }
        if name == "include-unchanged-toast" {
            tracing::warn!("slot.stream.params: wal2json has dropped include-unchanged-toast; it is not sent");
            return Ok(None);
        }
        Ok(Some((name, value.to_owned())))
    });
    parsed.filter_map(Result::transpose).collect()
}
