//! Where two results differ, by the corpus's rules: schemas with `optional`, version, doc, default and field order, but
//! parameters and maps unordered; floats by bits (any NaN equals any NaN, the form cannot tell them apart).

use crate::{Datum, base64};
use connect_data::{NodeId, Schema, Type, Value};

/// Differences of two data, each `path: expected ..., found ...`; empty = equal.
pub fn data(expected: &Datum, found: &Datum) -> Vec<String> {
    let mut differences = schemas(expected.0.as_ref(), found.0.as_ref());
    differences.extend(values(expected.0.as_ref(), &expected.1, &found.1));
    differences
}

/// Differences of two schemas. Recursive ones are compared as the infinite trees they stand for, so it does not matter
/// how often either was unrolled.
pub fn schemas(expected: Option<&Schema>, found: Option<&Schema>) -> Vec<String> {
    let mut differences = Differences::new("schema");
    match (expected, found) {
        (None, None) => {}
        (Some(expected), Some(found)) => {
            SchemaPair { expected, found, assumed: Vec::new() }.node(0, 0, &mut differences);
        }
        (expected, found) => {
            let describe = |schema: Option<&Schema>| schema.map_or("no schema", |s| s.root().kind.name());
            differences.add(describe(expected), describe(found));
        }
    }
    differences.found
}

/// Differences of two values of one schema. Without schema, widths of numbers are not compared and bytes equal their
/// Base64, as the form does not tell them apart.
pub fn values(schema: Option<&Schema>, expected: &Value, found: &Value) -> Vec<String> {
    let mut differences = Differences::new("payload");
    value(schema.map(|s| (s, 0)), expected, found, &mut differences);
    differences.found
}

struct Differences {
    path: Vec<String>,
    found: Vec<String>,
}

impl Differences {
    fn new(root: &str) -> Self {
        Self { path: vec![root.to_owned()], found: Vec::new() }
    }

    fn at(&mut self, step: impl Into<String>, check: impl FnOnce(&mut Self)) {
        self.path.push(step.into());
        check(self);
        self.path.pop();
    }

    fn add(&mut self, expected: impl std::fmt::Display, found: impl std::fmt::Display) {
        self.found.push(format!("{}: expected {expected}, found {found}", self.path.join(".")));
    }

    fn check<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, expected: &T, found: &T) {
        if expected != found {
            self.at(what, |d| d.add(format_args!("{expected:?}"), format_args!("{found:?}")));
        }
    }
}

struct SchemaPair<'a> {
    expected: &'a Schema,
    found: &'a Schema,
    /// Pairs of nodes that are being compared further up: assuming them equal is what makes recursion end.
    assumed: Vec<(NodeId, NodeId)>,
}

impl SchemaPair<'_> {
    fn node(&mut self, e: NodeId, f: NodeId, d: &mut Differences) {
        if self.assumed.contains(&(e, f)) {
            return;
        }
        let (expected, found) = (self.expected.node(e), self.found.node(f));
        d.check("type", &expected.kind, &found.kind);
        d.check("optional", &expected.optional, &found.optional);
        d.check("name", &expected.name, &found.name);
        d.check("version", &expected.version, &found.version);
        d.check("doc", &expected.doc, &found.doc);
        let sorted = |parameters: &[(String, String)]| {
            let mut parameters = parameters.to_vec();
            parameters.sort();
            parameters
        };
        d.check("parameters", &sorted(&expected.parameters), &sorted(&found.parameters));
        match (&expected.default, &found.default) {
            (None, None) => {}
            (Some(a), Some(b)) => d.at("default", |d| value(Some((self.expected, e)), a, b, d)),
            (a, b) => d.check("default", a, b),
        }
        if expected.kind != found.kind {
            return;
        }
        self.assumed.push((e, f));
        let names = |node: &connect_data::Node| node.fields.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
        d.check("fields", &names(expected), &names(found));
        for field in &expected.fields {
            if let Some(other) = found.fields.iter().find(|other| other.name == field.name) {
                d.at(field.name.clone(), |d| self.node(field.node, other.node, d));
            }
        }
        if let (Some(a), Some(b)) = (expected.key, found.key) {
            d.at("<key>", |d| self.node(a, b, d));
        }
        if let (Some(a), Some(b)) = (expected.item, found.item) {
            d.at("<item>", |d| self.node(a, b, d));
        }
        self.assumed.pop();
    }
}

fn value(schema: Option<(&Schema, NodeId)>, expected: &Value, found: &Value, d: &mut Differences) {
    let child = |pick: fn(&connect_data::Node) -> Option<NodeId>| {
        schema.and_then(|(schema, id)| pick(schema.node(id)).map(|child| (schema, child)))
    };
    match (expected, found) {
        (Value::Struct(a), Value::Struct(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                let field = schema.and_then(|(schema, id)| Some((schema, schema.node(id).fields.get(i)?)));
                let name = field.map_or_else(|| i.to_string(), |(_, field)| field.name.clone());
                d.at(name, |d| value(field.map(|(schema, field)| (schema, field.node)), a, b, d));
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                d.at(format!("[{i}]"), |d| value(child(|node| node.item), a, b, d));
            }
        }
        (Value::Map(a), Value::Map(b)) if a.len() == b.len() => {
            let equal = |a: &Value, b: &Value, of: fn(&connect_data::Node) -> Option<NodeId>| {
                let mut probe = Differences::new("");
                value(child(of), a, b, &mut probe);
                probe.found.is_empty()
            };
            let mut left: Vec<_> = b.iter().collect();
            for (k, v) in a {
                let same_key = |entry: &&(Value, Value)| equal(k, &entry.0, |node| node.key);
                let whole = left.iter().position(|e| same_key(e) && equal(v, &e.1, |node| node.item));
                match whole.or_else(|| left.iter().position(same_key)) {
                    Some(at) => {
                        let (_, other) = left.remove(at);
                        d.at(format!("{{{}}}", text(k)), |d| value(child(|node| node.item), v, other, d));
                    }
                    None => d.add(format_args!("an entry with key {}", text(k)), "none"),
                }
            }
        }
        (Value::Float32(a), Value::Float32(b)) if a.is_nan() && b.is_nan() => {}
        (Value::Float64(a), Value::Float64(b)) if a.is_nan() && b.is_nan() => {}
        (a, b) if a == b || (schema.is_none() && same_without_schema(a, b)) => {}
        (a, b) => d.add(text(a), text(b)),
    }
}

fn same_without_schema(expected: &Value, found: &Value) -> bool {
    let integer = |value: &Value| match value {
        Value::Int8(v) => Some(i64::from(*v)),
        Value::Int16(v) => Some(i64::from(*v)),
        Value::Int32(v) => Some(i64::from(*v)),
        Value::Int64(v) => Some(*v),
        _ => None,
    };
    match (expected, found) {
        (Value::Float64(a), Value::Float32(b)) => (*a as f32).to_bits() == b.to_bits(),
        (Value::String(a), Value::Bytes(b)) => *a == base64::encode(b),
        (Value::String(a), Value::Float32(b)) => *a == special(f64::from(*b)),
        (Value::String(a), Value::Float64(b)) => *a == special(*b),
        (a, b) => integer(a).is_some() && integer(a) == integer(b),
    }
}

fn special(value: f64) -> &'static str {
    match value {
        v if v.is_nan() => "NaN",
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "",
    }
}

/// The value for a reader: kind and content, cut where it gets long.
fn text(value: &Value) -> String {
    let text = match value {
        Value::Bytes(bytes) => format!("Bytes({})", base64::encode(bytes)),
        other => format!("{other:?}"),
    };
    match text.char_indices().nth(300) {
        Some((at, _)) => format!("{}... ({} characters)", text.get(..at).unwrap_or(""), text.len()),
        None => text,
    }
}

/// Whether a struct's schema lists no fields: the reference writes such a header schema next to a full payload, and only
/// key and payload can be compared.
pub fn is_fieldless_struct(schema: &Schema) -> bool {
    schema.root().kind == Type::Struct && schema.root().fields.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use serde_json::json;

    fn schema_of(json: serde_json::Value) -> Option<Schema> {
        schema::read(&json).unwrap()
    }

    #[test]
    fn what_counts_and_what_does_not() {
        let base =
            json!({"type": "int32", "name": "n", "version": 1, "parameters": {"a": "1", "b": "2"}, "default": 1});
        let reordered =
            json!({"type": "int32", "name": "n", "version": 1, "parameters": {"b": "2", "a": "1"}, "default": 1});
        assert!(schemas(schema_of(base.clone()).as_ref(), schema_of(reordered).as_ref()).is_empty());
        for (key, value) in [
            ("type", json!("int64")),
            ("name", json!("m")),
            ("version", json!(2)),
            ("doc", json!("d")),
            ("optional", json!(true)),
            ("parameters", json!({"a": "1"})),
            ("default", json!(2)),
        ] {
            let mut changed = base.clone();
            changed[key] = value;
            assert!(!schemas(schema_of(base.clone()).as_ref(), schema_of(changed).as_ref()).is_empty(), "{key}");
        }
        assert!(!schemas(schema_of(base).as_ref(), None).is_empty());
    }

    #[test]
    fn unrolling_does_not_count() {
        let short = json!({"type": "struct", "name": "T", "fields": [
            {"type": "struct", "name": "T", "ref": "T", "field": "t"}]});
        let long = json!({"type": "struct", "name": "T", "fields": [
            {"type": "struct", "name": "T", "field": "t", "fields": [
                {"type": "struct", "name": "T", "ref": "T", "field": "t"}]}]});
        let other = json!({"type": "struct", "name": "T", "fields": [
            {"type": "struct", "name": "T", "optional": true, "ref": "T", "field": "t"}]});
        assert!(schemas(schema_of(short.clone()).as_ref(), schema_of(long).as_ref()).is_empty());
        assert!(!schemas(schema_of(short).as_ref(), schema_of(other).as_ref()).is_empty());
    }

    #[test]
    fn maps_are_unordered_and_zeros_have_signs() {
        let pair = |k: &str, v: f64| (Value::String(k.into()), Value::Float64(v));
        let a = Value::Map(vec![pair("a", 0.0), pair("b", f64::NAN)]);
        let b = Value::Map(vec![pair("b", f64::NAN), pair("a", 0.0)]);
        let c = Value::Map(vec![pair("b", f64::NAN), pair("a", -0.0)]);
        assert!(values(None, &a, &b).is_empty());
        assert_eq!(values(None, &a, &c).len(), 1);
        assert!(!values(None, &Value::Int64(1), &Value::Float64(1.0)).is_empty());
        assert!(values(None, &Value::Int64(1), &Value::Int8(1)).is_empty());
        let keyed = |v: &[f64]| Value::Map(v.iter().map(|v| pair("k", *v)).collect());
        assert!(!values(None, &keyed(&[1.0, 2.0]), &keyed(&[1.0, 1.0])).is_empty());
    }
}
