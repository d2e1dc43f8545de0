//! JSON text to bytes.

use super::shape::branch_names;
use crate::avro_schema::{AvroSchema, Field, Json, Kind, TypeId};
use connect_data::{Error, Result, Step};

/// Reads what [`super::Style::Avro`] writes, and what Java's `JsonEncoder` does.
///
/// Branches may be named by their full or their simple names. A field that is absent takes its default; one that the record
/// does not have is an error.
#[derive(Debug)]
pub struct Reader<'a> {
    schema: &'a AvroSchema,
}

impl<'a> Reader<'a> {
    /// Reads data of this schema.
    pub fn new(schema: &'a AvroSchema) -> Self {
        Self { schema }
    }

    /// Appends the Avro bytes of a value. Bytes at the root have no length, as in Confluent's serializers.
    ///
    /// # Errors
    /// Nothing is appended then. Data `avro.json`: the value is not of the schema. JSON is as deep as its parser allows.
    pub fn read(&self, json: &Json, out: &mut Vec<u8>) -> Result<()> {
        let before = out.len();
        let root = self.schema.root_id();
        let read = match &self.schema.get(root).kind {
            Kind::Bytes => octets(json).map(|octets| out.extend_from_slice(&octets)),
            _ => self.value(root, json, out),
        };
        if read.is_err() {
            out.truncate(before);
        }
        read
    }

    fn value(&self, ty: TypeId, json: &Json, out: &mut Vec<u8>) -> Result<()> {
        match &self.schema.get(ty).kind {
            Kind::Union(branches) => self.union(branches, json, out),
            Kind::Record(record) => {
                let object = json.as_object().ok_or_else(|| expected("an object", json))?;
                if let Some(unknown) = object.keys().find(|name| record.field(name).is_none()) {
                    let message = format!("JSON: expected fields of {}, found another", record.name.full());
                    return Err(Error::data("avro.json", message).field(unknown));
                }
                for field in &record.fields {
                    let read = match object.get(&field.name) {
                        Some(value) => self.value(field.ty, value, out),
                        None => self.default(field, out),
                    };
                    read.map_err(|error| error.field(&field.name))?;
                }
                Ok(())
            }
            Kind::Array(item) => {
                let items = json.as_array().ok_or_else(|| expected("an array", json))?;
                block(items.len(), out);
                for (index, value) in (0..).zip(items) {
                    self.value(*item, value, out).map_err(|error| error.within(Step::Index(index)))?;
                }
                out.push(0);
                Ok(())
            }
            Kind::Map(item) => {
                let entries = json.as_object().ok_or_else(|| expected("an object", json))?;
                block(entries.len(), out);
                for (index, (key, value)) in (0..).zip(entries) {
                    prefixed(key.as_bytes(), out);
                    self.value(*item, value, out).map_err(|error| error.within(Step::Entry(index)))?;
                }
                out.push(0);
                Ok(())
            }
            kind => leaf(kind, json, out),
        }
    }

    fn union(&self, branches: &[TypeId], json: &Json, out: &mut Vec<u8>) -> Result<()> {
        let is_null = |id: &TypeId| matches!(self.schema.get(*id).kind, Kind::Null);
        let entry = match json {
            Json::Null => None,
            Json::Object(object) if object.len() == 1 => object.iter().next(),
            _ => return Err(expected("null, or an object with the name of a branch as its only key", json)),
        };
        let position = match entry {
            None => branches.iter().position(is_null),
            Some((name, _)) => {
                let full = branches.iter().position(|id| self.schema.get(*id).full_name() == name);
                full.or_else(|| branch_names(self.schema, branches).iter().position(|simple| simple == name))
            }
        };
        let Some((index, branch)) = position.and_then(|index| Some((index, branches.get(index)?))) else {
            let names = branch_names(self.schema, branches).join(", ");
            return Err(Error::data("avro.json", format!("JSON: expected a branch of [{names}], found another")));
        };
        long(index as i64, out);
        match entry {
            None => Ok(()),
            Some((_, value)) => self.value(*branch, value, out),
        }
    }

    /// Defaults name no branch: they are of a union's first one.
    fn default(&self, field: &Field, out: &mut Vec<u8>) -> Result<()> {
        let missing = || Error::data("avro.json", "JSON: expected a value of a field without default, found none");
        let default = field.default.as_ref().ok_or_else(missing)?;
        self.plain(field.ty, default, out)
    }

    fn plain(&self, ty: TypeId, json: &Json, out: &mut Vec<u8>) -> Result<()> {
        match &self.schema.get(ty).kind {
            Kind::Union(branches) => {
                long(0, out);
                match branches.first() {
                    Some(first) => self.plain(*first, json, out),
                    None => Err(expected("a value of an empty union", json)),
                }
            }
            Kind::Record(record) => {
                let object = json.as_object().ok_or_else(|| expected("an object", json))?;
                record.fields.iter().try_for_each(|field| match object.get(&field.name) {
                    Some(value) => self.plain(field.ty, value, out),
                    None => self.default(field, out),
                })
            }
            Kind::Array(item) => {
                let items = json.as_array().ok_or_else(|| expected("an array", json))?;
                block(items.len(), out);
                items.iter().try_for_each(|value| self.plain(*item, value, out))?;
                out.push(0);
                Ok(())
            }
            Kind::Map(item) => {
                let entries = json.as_object().ok_or_else(|| expected("an object", json))?;
                block(entries.len(), out);
                for (key, value) in entries {
                    prefixed(key.as_bytes(), out);
                    self.plain(*item, value, out)?;
                }
                out.push(0);
                Ok(())
            }
            kind => leaf(kind, json, out),
        }
    }
}

/// Everything that holds no other value.
fn leaf(kind: &Kind, json: &Json, out: &mut Vec<u8>) -> Result<()> {
    match kind {
        Kind::Null if json.is_null() => {}
        Kind::Boolean => out.push(json.as_bool().ok_or_else(|| expected("true or false", json))?.into()),
        Kind::Int => {
            let number = json.as_i64().filter(|number| i32::try_from(*number).is_ok());
            long(number.ok_or_else(|| expected("a whole number of 32 bits", json))?, out);
        }
        Kind::Long => long(json.as_i64().ok_or_else(|| expected("a whole number of 64 bits", json))?, out),
        Kind::Float => out.extend_from_slice(&(float(json)? as f32).to_le_bytes()),
        Kind::Double => out.extend_from_slice(&float(json)?.to_le_bytes()),
        Kind::String => prefixed(json.as_str().ok_or_else(|| expected("a string", json))?.as_bytes(), out),
        Kind::Bytes => prefixed(&octets(json)?, out),
        Kind::Fixed(fixed) => {
            let octets = octets(json)?;
            if octets.len() != fixed.size {
                let what = format!("{} octets of {}, found {}", fixed.size, fixed.name.full(), octets.len());
                return Err(Error::data("avro.json", format!("JSON: expected {what}")));
            }
            out.extend_from_slice(&octets);
        }
        Kind::Enum(definition) => {
            let position = json.as_str().and_then(|text| definition.symbols.iter().position(|symbol| symbol == text));
            let what = || expected(&format!("a symbol of {}", definition.name.full()), json);
            long(position.ok_or_else(what)? as i64, out);
        }
        _ => return Err(expected("null", json)),
    }
    Ok(())
}

fn float(json: &Json) -> Result<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
    .ok_or_else(|| expected("a number, NaN, Infinity or -Infinity", json))
}

/// One octet for each character.
fn octets(json: &Json) -> Result<Vec<u8>> {
    let text = json.as_str().ok_or_else(|| expected("a string of characters up to U+00FF", json))?;
    let octets: std::result::Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    octets.map_err(|_| Error::data("avro.json", "JSON: expected characters up to U+00FF for octets, found others"))
}

fn block(count: usize, out: &mut Vec<u8>) {
    if count > 0 {
        long(count as i64, out);
    }
}

fn prefixed(bytes: &[u8], out: &mut Vec<u8>) {
    long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// The kind of what was found; its value stays out of messages.
fn expected(what: &str, found: &Json) -> Error {
    let found = match found {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "another number",
        Json::String(_) => "another string",
        Json::Array(_) => "an array",
        Json::Object(_) => "another object",
    };
    Error::data("avro.json", format!("JSON: expected {what}, found {found}"))
}
