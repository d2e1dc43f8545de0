//! Names of Avro types: `org.apache.avro.Schema.Name` and `NameValidator` of Avro 1.12.

/// Full name of a record, enum or fixed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    full: String,
    /// Length of the namespace in `full`; 0 = none.
    space: usize,
}

impl Name {
    /// A dotted `name` brings its own namespace, any other takes `space` (empty = none).
    pub fn new(name: &str, space: Option<&str>) -> Self {
        let (space, simple) = match name.rsplit_once('.') {
            Some((own, simple)) => (own, simple),
            None => (space.unwrap_or(""), name),
        };
        if space.is_empty() {
            return Self { full: simple.to_owned(), space: 0 };
        }
        Self { full: format!("{space}.{simple}"), space: space.len() }
    }

    /// With its namespace.
    pub fn full(&self) -> &str {
        &self.full
    }

    /// Without its namespace.
    pub fn simple(&self) -> &str {
        let start = if self.space == 0 { 0 } else { self.space + 1 };
        self.full.get(start..).unwrap_or("")
    }

    /// The namespace, if it has one.
    pub fn namespace(&self) -> Option<&str> {
        if self.space == 0 { None } else { self.full.get(..self.space) }
    }

    /// How a text inside `space` refers to it. A simple name that reads like a type is written in full.
    pub(super) fn qualified(&self, space: Option<&str>) -> &str {
        const TYPES: [&str; 14] = [
            "record", "enum", "array", "map", "union", "fixed", "string", "bytes", "int", "long", "float", "double",
            "boolean", "null",
        ];
        let same = self.namespace().is_some() && self.namespace() == space;
        if same && !TYPES.contains(&self.simple()) { self.simple() } else { self.full() }
    }
}

/// Which simple names, field names and enum symbols are good: `org.apache.avro.NameValidator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRule {
    /// Any.
    Any,
    /// Java's `UTF_VALIDATOR`, the default: letters and digits of any script, and `_`; no digit first.
    ///
    /// Java goes by general category; this goes by Rust's `char::is_alphabetic`, which also takes combining marks.
    Letters,
    /// The Avro specification's: ASCII letters, digits and `_`; no digit first.
    Ascii,
}

impl NameRule {
    /// Whether `name`, without namespace, is good.
    pub fn accepts(self, name: &str) -> bool {
        // Java looks at UTF-16 units: nothing beyond the basic plane is a letter.
        let letter = |c: char| match self {
            Self::Any => true,
            Self::Letters => c == '_' || (c.is_alphabetic() && c <= '\u{FFFF}'),
            Self::Ascii => c == '_' || c.is_ascii_alphabetic(),
        };
        let digit = |c: char| match self {
            Self::Any => true,
            Self::Letters => c.is_numeric() && c <= '\u{FFFF}',
            Self::Ascii => c.is_ascii_digit(),
        };
        let mut chars = name.chars();
        self == Self::Any || (chars.next().is_some_and(letter) && chars.all(|c| letter(c) || digit(c)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dotted_name_brings_its_namespace() {
        let name = Name::new("a.b.C", Some("x"));
        assert_eq!((name.full(), name.simple(), name.namespace()), ("a.b.C", "C", Some("a.b")));
        let name = Name::new("C", Some(""));
        assert_eq!((name.full(), name.simple(), name.namespace()), ("C", "C", None));
        assert_eq!(Name::new(".C", Some("x")).namespace(), None);
    }

    #[test]
    fn a_name_like_a_type_is_written_in_full() {
        assert_eq!(Name::new("n.record", None).qualified(Some("n")), "n.record");
        assert_eq!(Name::new("n.Row", None).qualified(Some("n")), "Row");
        assert_eq!(Name::new("Row", None).qualified(Some("n")), "Row");
    }

    #[test]
    fn rules() {
        for good in ["a", "_", "_1", "größe", "日本"] {
            assert!(NameRule::Letters.accepts(good), "{good}");
        }
        for bad in ["", "1a", "a-b", "a.b", "😀"] {
            assert!(!NameRule::Letters.accepts(bad), "{bad}");
        }
        assert!(!NameRule::Ascii.accepts("größe"));
        assert!(NameRule::Any.accepts("a-b"));
    }
}
