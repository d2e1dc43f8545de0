//! Compares two Avro bodies of one schema where the order of map entries does not count. Connect's maps with other than
//! string keys are arrays of key-and-value records, whose order does not count either.

use crate::json::get;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Whether both bodies hold the same value.
///
/// # Errors
/// A body that is not of the schema.
pub fn equal(schema: &Json, a: &[u8], b: &[u8]) -> Result<bool, String> {
    let mut names = BTreeMap::new();
    collect(schema, "", &mut names);
    let read = |bytes: &[u8]| {
        let mut reader = Reader { rest: bytes, names: &names, depth: 0 };
        let value = reader.value(schema, "")?;
        if reader.rest.is_empty() { Ok(value) } else { Err(format!("{} bytes after the value", reader.rest.len())) }
    };
    Ok(read(a)? == read(b)?)
}

/// A decoded value in a canonical form: entries of maps are sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Null,
    Number(u64),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Branch(usize, Box<Value>),
}

fn namespaced(definition: &Json, enclosing: &str) -> (String, String) {
    let name = get(definition, "name").as_str().unwrap_or("");
    let namespace = get(definition, "namespace").as_str().unwrap_or(enclosing);
    match name.rsplit_once('.') {
        Some((namespace, _)) => (name.to_owned(), namespace.to_owned()),
        None if namespace.is_empty() => (name.to_owned(), String::new()),
        None => (format!("{namespace}.{name}"), namespace.to_owned()),
    }
}

/// Named types by full name, with the namespace inside them. The first definition wins, as for Avro's parser.
fn collect<'a>(schema: &'a Json, namespace: &str, names: &mut BTreeMap<String, (&'a Json, String)>) {
    match schema {
        Json::Array(branches) => branches.iter().for_each(|branch| collect(branch, namespace, names)),
        Json::Object(object) => match get(schema, "type").as_str() {
            Some("record" | "error" | "enum" | "fixed") => {
                let (name, inner) = namespaced(schema, namespace);
                names.entry(name).or_insert((schema, inner.clone()));
                for field in get(schema, "fields").as_array().into_iter().flatten() {
                    collect(get(field, "type"), &inner, names);
                }
            }
            Some("array") => collect(get(schema, "items"), namespace, names),
            Some("map") => collect(get(schema, "values"), namespace, names),
            Some(_) => {}
            None => object.get("type").into_iter().for_each(|inner| collect(inner, namespace, names)),
        },
        _ => {}
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    names: &'a BTreeMap<String, (&'a Json, String)>,
    depth: usize,
}

impl Reader<'_> {
    fn take(&mut self, n: usize) -> Result<Vec<u8>, String> {
        let (head, tail) = self.rest.split_at_checked(n).ok_or("the bytes end too early")?;
        self.rest = tail;
        Ok(head.to_vec())
    }

    fn long(&mut self) -> Result<i64, String> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?.first().copied().unwrap_or(0);
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err("a number of more than ten bytes".into())
    }

    fn length(&mut self) -> Result<usize, String> {
        let length = self.long()?;
        usize::try_from(length).map_err(|_| format!("a length of {length}"))
    }

    fn value(&mut self, schema: &Json, namespace: &str) -> Result<Value, String> {
        self.depth += 1;
        if self.depth > 200 {
            return Err("nested too deeply".into());
        }
        let value = self.value_at(schema, namespace);
        self.depth -= 1;
        value
    }

    fn value_at(&mut self, schema: &Json, namespace: &str) -> Result<Value, String> {
        if let Json::Array(branches) = schema {
            let index = self.length()?;
            let branch = branches.get(index).ok_or_else(|| format!("union branch {index}"))?;
            return Ok(Value::Branch(index, Box::new(self.value(branch, namespace)?)));
        }
        let name = match (schema, get(schema, "type")) {
            (Json::String(name), _) | (_, Json::String(name)) => name.as_str(),
            (_, inner) => return self.value(inner, namespace),
        };
        Ok(match name {
            "null" => Value::Null,
            "boolean" => Value::Bytes(self.take(1)?),
            "int" | "long" | "enum" => Value::Number(self.long()? as u64),
            "float" => Value::Bytes(self.take(4)?),
            "double" => Value::Bytes(self.take(8)?),
            "string" | "bytes" => {
                let length = self.length()?;
                Value::Bytes(self.take(length)?)
            }
            "fixed" => Value::Bytes(self.take(get(schema, "size").as_u64().unwrap_or(0) as usize)?),
            "array" => {
                let item = get(schema, "items");
                let mut items = self.blocks(|reader| reader.value(item, namespace))?;
                if is_map_entry(item, self.names, namespace) {
                    items.sort();
                }
                Value::List(items)
            }
            "map" => {
                let mut entries = self.blocks(|reader| {
                    let length = reader.length()?;
                    let key = Value::Bytes(reader.take(length)?);
                    Ok(Value::List(vec![key, reader.value(get(schema, "values"), namespace)?]))
                })?;
                entries.sort();
                Value::List(entries)
            }
            "record" | "error" => {
                let (_, inner) = namespaced(schema, namespace);
                let fields = get(schema, "fields").as_array().into_iter().flatten();
                Value::List(fields.map(|field| self.value(get(field, "type"), &inner)).collect::<Result<_, _>>()?)
            }
            reference => {
                let (definition, _) = resolve(reference, self.names, namespace).ok_or(format!("type {reference}"))?;
                let outer = definition_namespace(definition, self.names);
                return self.value(definition, &outer);
            }
        })
    }

    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<Value, String>) -> Result<Vec<Value>, String> {
        let mut items = Vec::new();
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(items);
            }
            if count < 0 {
                self.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                items.push(item(self)?);
            }
        }
    }
}

fn resolve<'a>(
    name: &str,
    names: &'a BTreeMap<String, (&'a Json, String)>,
    namespace: &str,
) -> Option<&'a (&'a Json, String)> {
    let qualified =
        if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") };
    names.get(&qualified).or_else(|| names.get(name))
}

/// Namespace that a definition's own name was read in: enough to name it the same again.
fn definition_namespace(definition: &Json, names: &BTreeMap<String, (&Json, String)>) -> String {
    names
        .values()
        .find(|(known, _)| std::ptr::eq(*known, definition))
        .map(|(_, inner)| inner.clone())
        .unwrap_or_default()
}

fn is_map_entry(item: &Json, names: &BTreeMap<String, (&Json, String)>, namespace: &str) -> bool {
    let item = match item {
        Json::String(name) => resolve(name, names, namespace).map_or(item, |(definition, _)| *definition),
        item => item,
    };
    let name = get(item, "name").as_str().unwrap_or("");
    let fields: Vec<_> = get(item, "fields").as_array().into_iter().flatten().map(|f| get(f, "name")).collect();
    fields == ["key", "value"] && (name.ends_with("MapEntry") || item.get("connect.internal.type").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_of_entries_does_not_count_and_all_else_does() {
        let map = json!({"type": "map", "values": "int"});
        let entries = |first: u8, second: u8| [4, 2, b'a', first, 2, b'b', second, 0];
        let swapped = [2, 2, b'b', 4, 2, 2, b'a', 2, 0];
        assert!(equal(&map, &entries(2, 4), &swapped).unwrap());
        assert!(!equal(&map, &entries(4, 2), &swapped).unwrap());
        assert!(equal(&map, &entries(2, 4), &swapped[..8]).is_err());
        let list = json!({"type": "array", "items": "int"});
        assert!(!equal(&list, &[4, 2, 4, 0], &[4, 4, 2, 0]).unwrap());
        let pairs = json!({"type": "array", "items": {"type": "record", "name": "MapEntry", "namespace": "n", "fields": [
            {"name": "key", "type": "int"}, {"name": "value", "type": ["null", "MapEntry"]}]}});
        assert!(equal(&pairs, &[4, 2, 0, 4, 0, 0], &[4, 4, 0, 2, 0, 0]).unwrap());
    }
}
