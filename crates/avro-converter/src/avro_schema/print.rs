//! Schema texts as Avro's Java implementation writes them (`Schema.toString()`, Avro 1.12.1; Jackson 2).

use super::{AvroSchema, Json, Kind, Name, Order, Props, TypeId};
use std::collections::BTreeSet;
use std::fmt;

/// `Schema.toString()`.
impl fmt::Display for AvroSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.print(self.root, &mut BTreeSet::new(), None, &mut out);
        f.write_str(&out)
    }
}

impl AvroSchema {
    /// The text without the types of these names, which the reader knows from references:
    /// `Schema.toString(referencedSchemas, false)`.
    pub fn to_string_without<'a>(&'a self, known: impl IntoIterator<Item = &'a str>) -> String {
        let mut out = String::new();
        self.print(self.root, &mut known.into_iter().collect(), None, &mut out);
        out
    }

    /// `known`: full names already written. `space`: the enclosing namespace.
    fn print<'a>(&'a self, id: TypeId, known: &mut BTreeSet<&'a str>, space: Option<&str>, out: &mut String) {
        let ty = self.get(id);
        if let Some(name) = ty.name() {
            if !known.insert(name.full()) {
                string(name.qualified(space), out);
                return;
            }
        } else if ty.props.is_empty() && Kind::primitive(ty.kind.type_name()).is_some() {
            string(ty.kind.type_name(), out);
            return;
        }
        match &ty.kind {
            Kind::Union(branches) => {
                out.push('[');
                for (i, branch) in branches.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    self.print(*branch, known, space, out);
                }
                out.push(']');
                return;
            }
            Kind::Array(item) => {
                out.push_str("{\"type\":\"array\",\"items\":");
                self.print(*item, known, space, out);
            }
            Kind::Map(value) => {
                out.push_str("{\"type\":\"map\",\"values\":");
                self.print(*value, known, space, out);
            }
            Kind::Record(record) => {
                head(if record.is_error { "error" } else { "record" }, &record.name, space, record.doc.as_deref(), out);
                out.push_str(",\"fields\":[");
                for (i, field) in record.fields.iter().enumerate() {
                    out.push_str(if i > 0 { ",{\"name\":" } else { "{\"name\":" });
                    string(&field.name, out);
                    out.push_str(",\"type\":");
                    self.print(field.ty, known, record.name.namespace(), out);
                    if let Some(doc) = &field.doc {
                        member("doc", doc, out);
                    }
                    if let Some(default) = &field.default {
                        out.push_str(",\"default\":");
                        write_json(default, out);
                    }
                    match field.order {
                        Order::Ascending => {}
                        Order::Descending => member("order", "descending", out),
                        Order::Ignore => member("order", "ignore", out),
                    }
                    strings("aliases", field.aliases.iter().map(String::as_str), out);
                    props(&field.props, out);
                    out.push('}');
                }
                out.push(']');
            }
            Kind::Enum(definition) => {
                head("enum", &definition.name, space, definition.doc.as_deref(), out);
                out.push_str(",\"symbols\":[");
                for (i, symbol) in definition.symbols.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    string(symbol, out);
                }
                out.push(']');
                if let Some(default) = &definition.default {
                    member("default", default, out);
                }
            }
            Kind::Fixed(fixed) => {
                head("fixed", &fixed.name, space, fixed.doc.as_deref(), out);
                out.push_str(&format!(",\"size\":{}", fixed.size));
            }
            primitive => {
                out.push_str("{\"type\":");
                string(primitive.type_name(), out);
            }
        }
        props(&ty.props, out);
        let space = ty.name().and_then(Name::namespace);
        strings("aliases", ty.aliases().iter().map(|alias| alias.qualified(space)), out);
        out.push('}');
    }
}

fn head(kind: &str, name: &Name, space: Option<&str>, doc: Option<&str>, out: &mut String) {
    out.push_str("{\"type\":");
    string(kind, out);
    member("name", name.simple(), out);
    if name.namespace() != space {
        member("namespace", name.namespace().unwrap_or(""), out);
    }
    if let Some(doc) = doc {
        member("doc", doc, out);
    }
}

fn member(key: &str, value: &str, out: &mut String) {
    out.push(',');
    string(key, out);
    out.push(':');
    string(value, out);
}

/// A member whose value is a list of strings; nothing for an empty list.
fn strings<'a>(key: &str, mut values: impl Iterator<Item = &'a str>, out: &mut String) {
    let Some(first) = values.next() else { return };
    out.push(',');
    string(key, out);
    out.push_str(":[");
    string(first, out);
    for value in values {
        out.push(',');
        string(value, out);
    }
    out.push(']');
}

fn props(props: &Props, out: &mut String) {
    for (key, value) in props.iter() {
        out.push(',');
        string(key, out);
        out.push(':');
        write_json(value, out);
    }
}

/// JSON as Jackson writes it: no blanks, `Double.toString` for fractions, upper-case `\u001F`.
pub fn write_json(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => match number.as_f64() {
            Some(double) if number.is_f64() => java_double(double, out),
            _ => out.push_str(&number.to_string()),
        },
        Json::String(text) => string(text, out),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (i, (key, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                string(key, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
    }
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// `Double.toString`: plain between 10^-3 and 10^7, otherwise one digit before the point and `E`.
fn java_double(value: f64, out: &mut String) {
    if value == 0.0 {
        out.push_str(if value.is_sign_negative() { "-0.0" } else { "0.0" });
    } else if (1e-3..1e7).contains(&value.abs()) {
        out.push_str(&format!("{value:?}"));
    } else {
        // Rust writes `1e-7` and `1.25e10`: the shortest digits, as Java from 19 on.
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        out.push_str(digits);
        if !digits.contains('.') {
            out.push_str(".0");
        }
        out.push('E');
        out.push_str(exponent);
    }
}
