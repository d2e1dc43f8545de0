//! Options of wal2json: those that are asked for, those that are done without if the server's wal2json does not know
//! them, and the command that starts a stream.

use crate::settings::Format;
use connect_data::{Error, Result};
use postgres_protocol::escape::escape_identifier;
use wal2json::{Lsn, TableId};

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

/// Options that only say more: the catalogue says it too. `numeric-data-types-as-string` came with 2.6.
const OPTIONAL: [&str; 3] = ["numeric-data-types-as-string", "include-pk", "include-not-null"];

/// Longest list of tables for `filter-tables`: it travels in one command.
const MAX_FILTER: usize = 64 << 10;

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

/// The options of a stream, as far as they were negotiated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pairs: Vec<(String, String)>,
}

impl Options {
    /// What is asked for first; the user's win.
    pub(crate) fn new(format: Format, params: &[(String, String)], filtered: &[TableId]) -> Self {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut put = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        match format {
            Format::Two => put("format-version", "2"),
            Format::One => put("format-version", "1"),
            Format::Chunks => {
                put("format-version", "1");
                put("write-in-chunks", "1");
            }
        }
        for name in ["include-xids", "include-timestamp", "include-lsn"].iter().chain(&OPTIONAL) {
            put(name, "1");
        }
        let given = |name: &str| params.iter().any(|(param, _)| param == name);
        pairs.retain(|(name, _)| !given(name));
        let list = filtered.iter().map(|id| format!("{}.{}", escape(&id.schema), escape(&id.table)));
        let list = list.collect::<Vec<_>>().join(",");
        if !list.is_empty() && list.len() <= MAX_FILTER && !given("add-tables") && !given("filter-tables") {
            pairs.push(("filter-tables".to_owned(), list));
        }
        pairs.extend_from_slice(params);
        Self { pairs }
    }

    /// Does without an option that the server's wal2json does not know; `false` if it cannot be done without.
    pub(crate) fn drop_unknown(&mut self, name: &str, params: &[(String, String)]) -> bool {
        let before = self.pairs.len();
        if !params.iter().any(|(param, _)| param == name) && (OPTIONAL.contains(&name) || name == "filter-tables") {
            self.pairs.retain(|(option, _)| option != name);
        }
        self.pairs.len() < before
    }

    /// `START_REPLICATION`.
    pub(crate) fn command(&self, slot: &str, from: Lsn) -> String {
        let list = self.pairs.iter().map(|(name, value)| format!("{} {}", escape_identifier(name), quote(value)));
        let list = list.collect::<Vec<_>>().join(", ");
        format!("START_REPLICATION SLOT {} LOGICAL {from} ({list})", escape_identifier(slot))
    }

    /// For the log.
    pub(crate) fn describe(&self) -> String {
        let list = self.pairs.iter().map(|(name, value)| format!("{name}={value}"));
        list.collect::<Vec<_>>().join(" ")
    }
}

/// A literal of the replication grammar, which knows no escapes but the doubled quote.
fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A name inside a list of tables.
fn escape(name: &str) -> String {
    let mut escaped = String::new();
    for c in name.chars() {
        if matches!(c, ' ' | '\'' | ',' | '.' | '*' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_command_names_slot_position_and_options() {
        let tables = [TableId { schema: "a b".to_owned(), table: "c.d'".to_owned() }];
        let options = Options::new(Format::Two, &[], &tables);
        assert_eq!(
            options.command("s", Lsn(0x16_0000_0001)),
            "START_REPLICATION SLOT \"s\" LOGICAL 16/1 (\"format-version\" '2', \"include-xids\" '1', \
             \"include-timestamp\" '1', \"include-lsn\" '1', \"numeric-data-types-as-string\" '1', \"include-pk\" '1', \
             \"include-not-null\" '1', \"filter-tables\" 'a\\ b.c\\.d\\''')"
        );
        assert!(Options::new(Format::Chunks, &[], &[]).describe().starts_with("format-version=1 write-in-chunks=1 "));
    }

    #[test]
    fn an_unknown_option_is_dropped_if_it_can_be() {
        let mut options = Options::new(Format::Two, &[], &[]);
        assert!(options.drop_unknown("numeric-data-types-as-string", &[]));
        assert!(!options.drop_unknown("numeric-data-types-as-string", &[]), "it is gone already");
        assert!(!options.drop_unknown("include-lsn", &[]));
        assert!(!options.describe().contains("numeric"));
        // What the user asked for is not dropped behind his back.
        let params = pairs(&[("include-pk", "1")]);
        assert!(!Options::new(Format::Two, &params, &[]).drop_unknown("include-pk", &params));
    }

    #[test]
    fn options_of_the_user_win_and_must_not_break_the_stream() {
        let params = parse_params("include-pk=0; Add-Tables = public.a ;include-unchanged-toast=1").unwrap();
        assert_eq!(params, pairs(&[("include-pk", "0"), ("add-tables", "public.a")]));
        let options = Options::new(Format::Two, &params, &[TableId { schema: "a".to_owned(), table: "b".to_owned() }]);
        assert!(options.describe().ends_with("include-pk=0 add-tables=public.a"), "{}", options.describe());
        assert_eq!(options.describe().matches("include-pk").count(), 1);
        assert!(!options.describe().contains("filter-tables"));
        for wrong in ["include-types=0", "format-version=2", "a", "=1", "a b=1"] {
            assert!(parse_params(wrong).is_err(), "{wrong}");
        }
    }
}
