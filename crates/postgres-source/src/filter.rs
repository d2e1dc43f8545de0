//! Which tables and columns are captured. Debezium 1.7: `RelationalTableFilters`, `Selectors`, `ColumnNameFilter`: lists of
//! regular expressions, of which one has to match the whole name, in any case.

use connect_data::{Error, Result};
use regex::{Regex, RegexBuilder};

/// A list of expressions.
#[derive(Clone, Debug)]
pub(crate) struct Patterns(Vec<Regex>);

impl Patterns {
    /// Compiles the items of a list.
    pub(crate) fn new(key: &str, items: &[&str]) -> Result<Self> {
        items.iter().filter(|item| !item.is_empty()).map(|item| pattern(key, item)).collect::<Result<_>>().map(Self)
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.is_match(name))
    }
}

/// One expression, anchored on both sides.
pub(crate) fn pattern(key: &str, text: &str) -> Result<Regex> {
    let built = RegexBuilder::new(&format!("^(?:{})$", text.trim())).case_insensitive(true).size_limit(1 << 20).build();
    built.map_err(|_| {
        Error::config("config.invalid", format!("setting {key}: expected a regular expression, found {text}")).hint(
            "look-around and back references of Java's dialect are not understood; a comma ends an item of the list",
        )
    })
}

/// An include list or an exclude list.
#[derive(Clone, Debug, Default)]
pub(crate) enum Choice {
    #[default]
    All,
    Only(Patterns),
    Except(Patterns),
}

impl Choice {
    /// From the two lists of `<what>.include.list` and `<what>.exclude.list`.
    pub(crate) fn new(what: &str, include: &[&str], exclude: &[&str]) -> Result<Self> {
        let (included, excluded) = (format!("{what}.include.list"), format!("{what}.exclude.list"));
        match (include.is_empty(), exclude.is_empty()) {
            (true, true) => Ok(Self::All),
            (false, true) => Patterns::new(&included, include).map(Self::Only),
            (true, false) => Patterns::new(&excluded, exclude).map(Self::Except),
            (false, false) => Err(Error::config(
                "config.invalid",
                format!("settings {included} and {excluded}: expected one of them, found both"),
            )),
        }
    }

    pub(crate) fn allows(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(patterns) => patterns.matches(name),
            Self::Except(patterns) => !patterns.matches(name),
        }
    }
}

/// All filters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filters {
    pub(crate) schemas: Choice,
    pub(crate) tables: Choice,
    pub(crate) columns: Choice,
    /// `snapshot.include.collection.list`.
    pub(crate) snapshot: Option<Patterns>,
    /// `message.key.columns`: tables and their columns.
    pub(crate) keys: Vec<(Regex, Vec<String>)>,
}

impl Filters {
    /// Whether changes of the table are wanted. System tables and temporary ones never are.
    pub(crate) fn captures(&self, schema: &str, table: &str) -> bool {
        !matches!(schema, "pg_catalog" | "information_schema")
            && !schema.starts_with("pg_temp_")
            && !schema.starts_with("pg_toast")
            && self.schemas.allows(schema)
            && self.tables.allows(&format!("{schema}.{table}"))
    }

    /// Whether the rows of a captured table belong into the snapshot.
    pub(crate) fn reads(&self, schema: &str, table: &str) -> bool {
        self.snapshot.as_ref().is_none_or(|patterns| patterns.matches(&format!("{schema}.{table}")))
    }

    /// Place of a table among the expressions of `table.include.list`: the order of the snapshot.
    pub(crate) fn place(&self, schema: &str, table: &str) -> usize {
        let name = format!("{schema}.{table}");
        match &self.tables {
            Choice::Only(patterns) => patterns.0.iter().position(|pattern| pattern.is_match(&name)).unwrap_or(0),
            _ => 0,
        }
    }

    pub(crate) fn has_column(&self, schema: &str, table: &str, column: &str) -> bool {
        matches!(self.columns, Choice::All) || self.columns.allows(&format!("{schema}.{table}.{column}"))
    }

    /// Columns of the key of a table, if they are not those of its primary key.
    pub(crate) fn key(&self, schema: &str, table: &str) -> Option<&[String]> {
        let name = format!("{schema}.{table}");
        self.keys.iter().find(|(tables, _)| tables.is_match(&name)).map(|(_, columns)| columns.as_slice())
    }

    /// Reads `message.key.columns`: `<tables>:<column>,<column>;...`.
    pub(crate) fn parse_keys(text: &str) -> Result<Vec<(Regex, Vec<String>)>> {
        const KEY: &str = "message.key.columns";
        let items = text.split(';').map(str::trim).filter(|item| !item.is_empty());
        let parsed = items.map(|item| {
            let invalid = || {
                Error::config("config.invalid", format!("setting {KEY}: expected <tables>:<column>,..., found {item}"))
            };
            let (tables, columns) = item.rsplit_once(':').ok_or_else(invalid)?;
            let columns: Vec<_> = columns.split(',').map(|column| column.trim().to_owned()).collect();
            if columns.iter().any(String::is_empty) || tables.trim().is_empty() {
                return Err(invalid());
            }
            Ok((pattern(KEY, tables)?, columns))
        });
        parsed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_matches_the_whole_name_in_any_case() {
        let tables = Choice::new("table", &["public.pasta", "other\\.t[0-9]+"], &[]).unwrap();
        let filters = Filters { tables, ..Filters::default() };
        for (schema, table, expected) in [
            ("public", "pasta", true),
            ("PUBLIC", "Pasta", true),
            ("public", "pastas", false),
            ("xpublic", "pasta", false),
            ("other", "t12", true),
            ("other", "t", false),
            ("pg_catalog", "pg_class", false),
        ] {
            assert_eq!(filters.captures(schema, table), expected, "{schema}.{table}");
        }
        let schemas = Choice::new("schema", &[], &["priv.*"]).unwrap();
        let filters = Filters { schemas, ..Filters::default() };
        assert!(filters.captures("public", "a") && !filters.captures("private", "a"));
        assert!(!filters.captures("pg_toast", "pg_toast_1") && !filters.captures("pg_temp_3", "t"));
    }

    #[test]
    fn both_lists_at_once_and_bad_expressions_are_refused() {
        assert_eq!(Choice::new("table", &["a"], &["b"]).unwrap_err().code(), "config.invalid");
        let error = Choice::new("table", &["a("], &[]).unwrap_err();
        assert!(error.message().contains("table.include.list"), "{error}");
        assert!(Choice::new("column", &[], &["(?!a)b"]).is_err());
    }

    #[test]
    fn key_columns_are_read_as_debezium_writes_them() {
        let keys = Filters::parse_keys("inventory.customers:pk1,pk2;(.*).orders : a ;").unwrap();
        let filters = Filters { keys, ..Filters::default() };
        assert_eq!(filters.key("inventory", "customers").unwrap(), ["pk1", "pk2"]);
        assert_eq!(filters.key("x", "ORDERS").unwrap(), ["a"]);
        assert!(filters.key("x", "other").is_none());
        for wrong in ["a", ":b", "a:", "a:b,", "a(:b"] {
            assert!(Filters::parse_keys(wrong).is_err(), "{wrong}");
        }
    }
}
