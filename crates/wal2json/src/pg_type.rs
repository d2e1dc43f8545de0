//! PostgreSQL's type strings, as `format_type` writes them: `numeric(5,2)`, `timestamp(3) without time zone`,
//! `bit varying(20)[]`, `public."My Enum"`; and as `include-typmod=false` does: `int4`, `_text`.

use std::collections::BTreeMap;

/// A type string taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PgType {
    /// The catalogue's name of a built-in type (`int4`, `timestamptz`), otherwise the name as written.
    pub(crate) name: String,
    /// Length, or precision and scale.
    pub(crate) modifiers: [Option<i32>; 2],
    /// Whether it is an array of the type.
    pub(crate) array: bool,
}

impl PgType {
    /// Takes a type string apart. Anything is a type: what is not built in is a name of a user's.
    pub(crate) fn parse(text: &str) -> Self {
        let mut rest = text.trim();
        let mut array = false;
        while let Some(element) = rest.strip_suffix("[]") {
            (rest, array) = (element.trim_end(), true);
        }
        let (base, modifiers) = split_modifiers(rest);
        let mut name = built_in(base.strip_prefix("pg_catalog.").unwrap_or(&base)).to_owned();
        // The catalogue names the array of x _x.
        if let (false, Some(element)) = (array, name.strip_prefix('_')) {
            (name, array) = (built_in(element).to_owned(), true);
        }
        Self { name, modifiers, array }
    }

    /// The name without schema and quotes.
    pub(crate) fn unqualified(&self) -> &str {
        let mut quoted = false;
        let dot = self.name.char_indices().filter(|(_, c)| {
            quoted ^= *c == '"';
            *c == '.' && !quoted
        });
        let start = dot.last().map_or(0, |(at, _)| at + 1);
        let last = self.name.get(start..).unwrap_or(&self.name);
        last.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(last)
    }
}

/// The text around the modifiers, and those. A parenthesis inside quotes belongs to a name.
fn split_modifiers(text: &str) -> (String, [Option<i32>; 2]) {
    let mut quoted = false;
    let open = text.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '(' && !quoted
    });
    let parts = open.and_then(|(at, _)| {
        let inside = text.get(at + 1..)?;
        let close = inside.find(')')?;
        Some((text.get(..at)?, inside.get(..close)?, inside.get(close + 1..)?))
    });
    let Some((before, inside, after)) = parts else {
        return (text.to_owned(), [None, None]);
    };
    let mut numbers = inside.split(',').map(|number| number.trim().parse().ok());
    let modifiers = [numbers.next().flatten(), numbers.next().flatten()];
    (format!("{}{after}", before.trim_end()), modifiers)
}

/// The catalogue's name for SQL's spelling.
fn built_in(name: &str) -> &str {
    match name {
        "boolean" => "bool",
        "smallint" | "smallserial" | "serial2" => "int2",
        "integer" | "int" | "serial" | "serial4" => "int4",
        "bigint" | "bigserial" | "serial8" => "int8",
        "real" => "float4",
        "double precision" => "float8",
        "decimal" => "numeric",
        "character" => "bpchar",
        "character varying" => "varchar",
        "\"char\"" => "char",
        "bit varying" => "varbit",
        "time without time zone" => "time",
        "time with time zone" => "timetz",
        "timestamp without time zone" => "timestamp",
        "timestamp with time zone" => "timestamptz",
        _ if name.starts_with("interval ") => "interval",
        _ => name,
    }
}

/// A type that users or extensions define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserType {
    /// An enum and its labels, in order.
    Enum(Vec<String>),
    /// A domain and the type string of its base type, modifiers and all: `numeric(12,2)`.
    Domain(String),
    /// Anything else: composite, range, base type of an extension.
    Other,
}

/// What the host knows of types that are not built in.
#[derive(Clone, Debug, Default)]
pub struct UserTypes {
    /// `None`: nothing.
    by_name: Option<BTreeMap<String, UserType>>,
}

impl UserTypes {
    /// The host has no catalogue (Kafka Connect): columns of types that are not built in are read as strings, because a
    /// dropped enum would be lost data.
    pub fn unknown() -> Self {
        Self::default()
    }

    /// The host has read `pg_type` and `pg_enum`: names as `format_type` writes them. A type that is neither built in nor
    /// listed is unknown, as in Debezium.
    pub fn from_catalog(types: impl IntoIterator<Item = (String, UserType)>) -> Self {
        Self { by_name: Some(types.into_iter().collect()) }
    }

    /// Whether the host has a catalogue.
    pub(crate) fn known(&self) -> bool {
        self.by_name.is_some()
    }

    /// wal2json drops the quotes of some names, so a name is looked up as written and without schema and quotes.
    pub(crate) fn get(&self, pg_type: &PgType) -> Option<&UserType> {
        let types = self.by_name.as_ref()?;
        let unqualified = pg_type.unqualified();
        let quoted = || types.get(&format!("\"{unqualified}\""));
        types.get(&pg_type.name).or_else(|| types.get(unqualified)).or_else(quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_format_type() {
        for (text, name, modifiers, array) in [
            ("integer", "int4", [None, None], false),
            ("numeric(5,2)", "numeric", [Some(5), Some(2)], false),
            ("numeric(5,-2)", "numeric", [Some(5), Some(-2)], false),
            ("numeric(6, 2)[]", "numeric", [Some(6), Some(2)], true),
            ("character varying(40)", "varchar", [Some(40), None], false),
            ("timestamp(3) without time zone", "timestamp", [Some(3), None], false),
            ("time(0) with time zone[]", "timetz", [Some(0), None], true),
            ("bit varying(20)", "varbit", [Some(20), None], false),
            ("interval year to month", "interval", [None, None], false),
            ("interval day to second(3)", "interval", [Some(3), None], false),
            ("interval(3)", "interval", [Some(3), None], false),
            ("geometry(Point,4326)", "geometry", [None, Some(4326)], false),
            ("_int4", "int4", [None, None], true),
            ("_mood", "mood", [None, None], true),
            ("pg_catalog.\"char\"", "char", [None, None], false),
            ("other.\"My (odd) Type\"[]", "other.\"My (odd) Type\"", [None, None], true),
            ("", "", [None, None], false),
            ("numeric(", "numeric(", [None, None], false),
        ] {
            assert_eq!(PgType::parse(text), PgType { name: name.to_owned(), modifiers, array }, "{text}");
        }
    }

    #[test]
    fn user_types_are_found_with_and_without_schema_and_quotes() {
        let types = UserTypes::from_catalog([
            ("mood".to_owned(), UserType::Enum(vec!["ok".to_owned()])),
            ("\"My.Type\"".to_owned(), UserType::Other),
        ]);
        for text in ["mood", "public.mood", "\"mood\"", "mood[]"] {
            assert!(matches!(types.get(&PgType::parse(text)), Some(UserType::Enum(_))), "{text}");
        }
        assert_eq!(types.get(&PgType::parse("\"My.Type\"")), Some(&UserType::Other));
        assert_eq!(types.get(&PgType::parse("moody")), None);
        assert_eq!(UserTypes::unknown().get(&PgType::parse("mood")), None);
    }
}
