//! Whether data of one schema can be read with another: `org.apache.avro.SchemaCompatibility` 1.12.1.

use super::{AvroSchema, Field, Kind, Record, TypeId};
use std::collections::BTreeMap;

/// More pairs of types than this are not compared.
const MAX_PAIRS: usize = 100_000;

impl AvroSchema {
    /// Why data that was written with `writer` cannot be read with this schema; `None` = it can.
    pub fn incompatibility(&self, writer: &AvroSchema) -> Option<String> {
        let mut pairs = Pairs { reader: self, writer, numbers: BTreeMap::new(), checks: Vec::new() };
        pairs.number(self.root, writer.root);
        // Checks ask for further pairs, which are appended.
        let mut next = 0;
        while let Some((r, w)) = pairs.checks.get(next).map(|check| check.pair) {
            let rule = pairs.rule(r, w);
            if pairs.checks.len() > MAX_PAIRS {
                return Some(format!("expected at most {MAX_PAIRS} pairs of types to compare, found more"));
            }
            if let Some(check) = pairs.checks.get_mut(next) {
                check.rule = rule;
            }
            next += 1;
        }
        pairs.settle();
        pairs.checks.into_iter().next().and_then(|root| root.found)
    }
}

struct Check {
    pair: (TypeId, TypeId),
    rule: Rule,
    /// Why it is incompatible; compatible unless proven otherwise, which is what ends recursion.
    found: Option<String>,
}

enum Rule {
    Compatible,
    Incompatible(String),
    /// Each of these, with the field that it is about.
    All(Vec<(String, usize)>),
    /// One of these.
    Any(Vec<usize>, String),
}

struct Pairs<'a> {
    reader: &'a AvroSchema,
    writer: &'a AvroSchema,
    numbers: BTreeMap<(TypeId, TypeId), usize>,
    checks: Vec<Check>,
}

impl Pairs<'_> {
    fn number(&mut self, r: TypeId, w: TypeId) -> usize {
        *self.numbers.entry((r, w)).or_insert_with(|| {
            self.checks.push(Check { pair: (r, w), rule: Rule::Compatible, found: None });
            self.checks.len() - 1
        })
    }

    fn rule(&mut self, r: TypeId, w: TypeId) -> Rule {
        let (reader, writer) = (self.reader.get(r), self.writer.get(w));
        let named = |other: &dyn Fn() -> Rule| {
            let (Some(a), Some(b)) = (reader.name(), writer.name()) else { return other() };
            if a.simple() == b.simple() || reader.aliases().contains(b) {
                return other();
            }
            Rule::Incompatible(format!("expected the name {}, found {}", b.full(), a.full()))
        };
        let mismatch = || {
            let (a, b) = (reader.kind.type_name(), writer.kind.type_name());
            Rule::Incompatible(format!("a reader of {a} cannot read {b}"))
        };
        match (&reader.kind, &writer.kind) {
            (_, Kind::Union(branches)) => {
                Rule::All(branches.iter().map(|branch| (String::new(), self.number(r, *branch))).collect())
            }
            (Kind::Union(branches), _) => {
                let message = format!("no branch of the reader's union reads {}", writer.full_name());
                Rule::Any(branches.iter().map(|branch| self.number(*branch, w)).collect(), message)
            }
            (Kind::Array(a), Kind::Array(b)) | (Kind::Map(a), Kind::Map(b)) => {
                Rule::All(vec![(String::new(), self.number(*a, *b))])
            }
            (Kind::Fixed(a), Kind::Fixed(b)) => named(&|| match a.size == b.size {
                true => Rule::Compatible,
                false => Rule::Incompatible(format!("expected a fixed of {} bytes, found {}", b.size, a.size)),
            }),
            (Kind::Enum(a), Kind::Enum(b)) => named(&|| {
                let missing = b.symbols.iter().find(|symbol| !a.symbols.contains(symbol));
                match missing.filter(|_| a.default.is_none()) {
                    None => Rule::Compatible,
                    Some(symbol) => Rule::Incompatible(format!("expected the symbol {symbol}, found none")),
                }
            }),
            (Kind::Record(a), Kind::Record(b)) => match named(&|| Rule::Compatible) {
                Rule::Compatible => self.fields(a, b),
                incompatible => incompatible,
            },
            (Kind::Long, Kind::Int)
            | (Kind::Float, Kind::Int | Kind::Long)
            | (Kind::Double, Kind::Int | Kind::Long | Kind::Float)
            | (Kind::Bytes, Kind::String)
            | (Kind::String, Kind::Bytes) => Rule::Compatible,
            (a, b) if std::mem::discriminant(a) == std::mem::discriminant(b) => Rule::Compatible,
            _ => mismatch(),
        }
    }

    fn fields(&mut self, reader: &Record, writer: &Record) -> Rule {
        let mut all = Vec::new();
        for field in &reader.fields {
            match writers_field(writer, field).as_slice() {
                [] if field.default.is_none() => {
                    return Rule::Incompatible(format!("the reader's field {} has no default", field.name));
                }
                [] => {}
                [other] => all.push((field.name.clone(), self.number(field.ty, other.ty))),
                _ => return Rule::Incompatible(format!("several fields for the reader's field {}", field.name)),
            }
        }
        Rule::All(all)
    }

    /// Takes away what is incompatible until nothing changes.
    fn settle(&mut self) {
        loop {
            let mut news = Vec::new();
            for (number, check) in self.checks.iter().enumerate().filter(|(_, check)| check.found.is_none()) {
                let found = |at: usize| self.checks.get(at).and_then(|check| check.found.as_ref());
                let reason = match &check.rule {
                    Rule::Compatible => None,
                    Rule::Incompatible(reason) => Some(reason.clone()),
                    Rule::All(all) => all.iter().find_map(|(field, at)| match (field.as_str(), found(*at)?) {
                        ("", reason) => Some(reason.clone()),
                        (field, reason) => Some(format!("field {field}: {reason}")),
                    }),
                    Rule::Any(any, reason) => any.iter().all(|at| found(*at).is_some()).then(|| reason.clone()),
                };
                news.extend(reason.map(|reason| (number, reason)));
            }
            if news.is_empty() {
                return;
            }
            for (number, reason) in news {
                if let Some(check) = self.checks.get_mut(number) {
                    check.found = Some(reason);
                }
            }
        }
    }
}

/// By name and by the reader's aliases.
fn writers_field<'a>(writer: &'a Record, field: &Field) -> Vec<&'a Field> {
    let names = std::iter::once(&field.name).chain(&field.aliases);
    names.filter_map(|name| writer.field(name)).map(|(_, field)| field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(reader: &str, writer: &str) -> bool {
        let parse = |text: &str| AvroSchema::parse(text, &[]).unwrap();
        parse(reader).incompatibility(&parse(writer)).is_none()
    }

    #[test]
    fn promotions_defaults_and_unions_are_compatible() {
        let record = |fields: &str| format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
        let a = r#"{"name":"a","type":"int"}"#;
        for (reader, writer, compatible) in [
            (r#""long""#.to_owned(), r#""int""#.to_owned(), true),
            (r#""int""#.into(), r#""long""#.into(), false),
            (r#"["null","long"]"#.into(), r#""int""#.into(), true),
            (r#""int""#.into(), r#"["null","int"]"#.into(), false),
            (record(&format!(r#"{a},{{"name":"b","type":"int","default":1}}"#)), record(a), true),
            (record(&format!(r#"{a},{{"name":"b","type":"int"}}"#)), record(a), false),
            (record(""), record(a), true),
            (record(r#"{"name":"b","aliases":["a"],"type":"int"}"#), record(a), true),
            (record(a).replace("\"R\"", "\"Q\""), record(a), false),
            (
                r#"{"type":"enum","name":"E","symbols":["A"]}"#.into(),
                r#"{"type":"enum","name":"E","symbols":["A","B"]}"#.into(),
                false,
            ),
            (
                r#"{"type":"enum","name":"E","symbols":["A"],"default":"A"}"#.into(),
                r#"{"type":"enum","name":"E","symbols":["A","B"]}"#.into(),
                true,
            ),
            (r#"{"type":"fixed","name":"F","size":1}"#.into(), r#"{"type":"fixed","name":"F","size":2}"#.into(), false),
        ] {
            assert_eq!(reads(&reader, &writer), compatible, "{reader} {writer}");
        }
    }

    #[test]
    fn recursion_ends() {
        let list = |value: &str| {
            format!(
                r#"{{"type":"record","name":"L","fields":[{{"name":"v","type":"{value}"}},{{"name":"n","type":["null","L"]}}]}}"#
            )
        };
        assert!(reads(&list("long"), &list("int")));
        assert!(!reads(&list("int"), &list("long")));
    }
}
