//! Avro schema resolution as the Java reader does it: `Schema.applyAliases`, `Resolver` and the encoding of defaults of
//! `ResolvingGrammarGenerator`, Avro 1.12.1.

use super::default::latin1;
use crate::avro_schema::{AvroSchema, AvroSchemaBuilder, Json, Kind, Name, Record, TypeId, valid_default};
use connect_data::{Error, Result};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// The writer's schema under the names that the reader's aliases give it.
///
/// # Errors
/// Data `avro.aliases`: two fields or union branches get one name, or a default does not fit under the new ones: Java
/// makes every field of the writer anew, and looks at defaults then.
pub(super) fn apply_aliases(writer: &AvroSchema, reader: &AvroSchema) -> Result<AvroSchema> {
    let mut names: BTreeMap<Name, Name> = BTreeMap::new();
    let mut fields: BTreeMap<Name, BTreeMap<String, String>> = BTreeMap::new();
    for id in reachable(reader) {
        let ty = reader.get(id);
        let Some(name) = ty.name() else { continue };
        for alias in ty.aliases() {
            names.insert(alias.clone(), name.clone());
        }
        if let Kind::Record(record) = &ty.kind {
            for field in &record.fields {
                for alias in &field.aliases {
                    fields.entry(name.clone()).or_default().insert(alias.clone(), field.name.clone());
                }
            }
            if let Some(of_record) = fields.get(name).cloned() {
                for alias in &record.aliases {
                    fields.insert(alias.clone(), of_record.clone());
                }
            }
        }
    }
    if writer == reader || (names.is_empty() && fields.is_empty()) {
        return Ok(writer.clone());
    }
    let root = writer.root_id();
    let mut types = AvroSchemaBuilder::from(writer.clone());
    for id in reachable(writer) {
        let Some(ty) = types.get_mut(id) else { continue };
        match &mut ty.kind {
            Kind::Record(record) => {
                rename(&mut record.name, &names);
                rename_fields(record, fields.get(&record.name))?;
            }
            Kind::Enum(definition) => rename(&mut definition.name, &names),
            Kind::Fixed(fixed) => rename(&mut fixed.name, &names),
            _ => {}
        }
    }
    let renamed = types.finish(root)?;
    for id in reachable(&renamed) {
        match &renamed.get(id).kind {
            Kind::Union(branches) => {
                let names: BTreeSet<&str> = branches.iter().map(|branch| renamed.get(*branch).full_name()).collect();
                if names.len() != branches.len() {
                    return Err(ambiguous("a union"));
                }
            }
            Kind::Record(record) => {
                for field in &record.fields {
                    if field.default.as_ref().is_some_and(|default| !valid_default(&renamed, field.ty, default)) {
                        let message = "Avro aliases: expected the writer's defaults to fit their types under the names \
                                       that the reader's aliases give them, found one that does not";
                        return Err(Error::data("avro.aliases", message).field(&field.name));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(renamed)
}

fn rename(name: &mut Name, names: &BTreeMap<Name, Name>) {
    if let Some(new) = names.get(name) {
        *name = new.clone();
    }
}

fn rename_fields(record: &mut Record, aliases: Option<&BTreeMap<String, String>>) -> Result<()> {
    let mut names = BTreeSet::new();
    for field in &mut record.fields {
        if let Some(name) = aliases.and_then(|aliases| aliases.get(&field.name)) {
            field.name = name.clone();
        }
        if !names.insert(field.name.clone()) {
            return Err(ambiguous(record.name.full()));
        }
    }
    Ok(())
}

fn ambiguous(place: &str) -> Error {
    let message = format!("Avro aliases: expected different names in {place} of the writer, found one name twice");
    Error::data("avro.aliases", message)
}

fn reachable(schema: &AvroSchema) -> Vec<TypeId> {
    let mut met = BTreeSet::new();
    let mut order = Vec::new();
    let mut stack = vec![schema.root_id()];
    while let Some(id) = stack.pop() {
        if met.insert(id) {
            order.push(id);
            let first = stack.len();
            stack.extend(schema.children(id));
            if let Some(added) = stack.get_mut(first..) {
                added.reverse();
            }
        }
    }
    order
}

/// A reader and a writer whose aliases are applied.
pub(super) struct Resolution<'a> {
    pub(super) writer: &'a AvroSchema,
    pub(super) reader: &'a AvroSchema,
    /// Record pairs that were tried for a union, with whether they match. A pair that is being tried counts as one.
    tried: RefCell<BTreeMap<(TypeId, TypeId), bool>>,
}

impl<'a> Resolution<'a> {
    pub(super) fn new(writer: &'a AvroSchema, reader: &'a AvroSchema) -> Self {
        Self { writer, reader, tried: RefCell::default() }
    }

    /// `unionEquiv`: branches then correspond by position.
    pub(super) fn equivalent(&self, w: TypeId, r: TypeId) -> bool {
        let mut met = BTreeSet::new();
        let mut pairs = vec![(w, r)];
        while let Some((w, r)) = pairs.pop() {
            if !met.insert((w, r)) {
                continue;
            }
            let (x, y) = (self.writer.get(w), self.reader.get(r));
            let simple = |name: Option<&Name>| name.map(Name::simple).map(str::to_owned);
            let same = match (&x.kind, &y.kind) {
                (Kind::Record(a), Kind::Record(b)) => {
                    a.fields.len() == b.fields.len() && a.fields.iter().zip(&b.fields).all(|(f, g)| f.name == g.name)
                }
                (Kind::Enum(a), Kind::Enum(b)) => a.symbols == b.symbols,
                (Kind::Fixed(a), Kind::Fixed(b)) => a.size == b.size,
                (Kind::Union(a), Kind::Union(b)) => a.len() == b.len(),
                (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
            };
            if !same || simple(x.name()) != simple(y.name()) {
                return false;
            }
            pairs.extend(self.writer.children(w).zip(self.reader.children(r)));
        }
        true
    }

    /// `firstMatchingBranch`: the reader's branch for a writer's type that is no union.
    pub(super) fn first_match(&self, w: TypeId, branches: &[TypeId]) -> Option<usize> {
        let writer = self.writer.get(w);
        let mut structure = None;
        for (i, branch) in branches.iter().enumerate() {
            let reader = self.reader.get(*branch);
            match (writer.name(), reader.name()) {
                _ if std::mem::discriminant(&writer.kind) != std::mem::discriminant(&reader.kind) => {}
                (Some(a), Some(b)) if a != b => {
                    let closer = structure.is_none() || a.simple() == b.simple();
                    if matches!(writer.kind, Kind::Record(_)) && closer && self.record_matches(w, *branch) {
                        structure = Some(i);
                    }
                }
                _ => return Some(i),
            }
        }
        structure.or_else(|| {
            let by_position = |branch: &TypeId| promotes(&writer.kind, &self.reader.get(*branch).kind);
            branches.iter().position(by_position)
        })
    }

    /// Whether no field of the pair is an error at once: `!hasMatchError`.
    fn record_matches(&self, w: TypeId, r: TypeId) -> bool {
        let (Kind::Record(writer), Kind::Record(reader)) = (&self.writer.get(w).kind, &self.reader.get(r).kind) else {
            return false;
        };
        if let Some(known) = self.tried.borrow().get(&(w, r)) {
            return *known;
        }
        self.tried.borrow_mut().insert((w, r), true);
        let matches = missing(writer, reader).is_none()
            && writer.fields.iter().all(|field| match reader.field(&field.name) {
                Some((_, other)) => self.resolves(field.ty, other.ty),
                None => true,
            });
        self.tried.borrow_mut().insert((w, r), matches);
        matches
    }

    /// Whether the pair itself, not what is below it, can be read.
    fn resolves(&self, w: TypeId, r: TypeId) -> bool {
        match (&self.writer.get(w).kind, &self.reader.get(r).kind) {
            (Kind::Union(_), _) => true,
            (_, Kind::Union(branches)) => self.first_match(w, branches).is_some(),
            (Kind::Record(writer), Kind::Record(reader)) => missing(writer, reader).is_none(),
            (Kind::Fixed(a), Kind::Fixed(b)) => a.name.simple() == b.name.simple() && a.size == b.size,
            (Kind::Enum(a), Kind::Enum(b)) => a.name.simple() == b.name.simple(),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b) || promotes(a, b),
        }
    }
}

/// A reader's field that the writer lacks and that has no default.
pub(super) fn missing<'a>(writer: &Record, reader: &'a Record) -> Option<&'a str> {
    let lacks = |name: &str| writer.field(name).is_none();
    reader.fields.iter().find(|field| field.default.is_none() && lacks(&field.name)).map(|field| field.name.as_str())
}

/// `Promote.isValid`.
pub(super) fn promotes(writer: &Kind, reader: &Kind) -> bool {
    matches!(
        (writer, reader),
        (Kind::Int, Kind::Long | Kind::Float | Kind::Double)
            | (Kind::Long, Kind::Float | Kind::Double)
            | (Kind::Float, Kind::Double)
            | (Kind::String, Kind::Bytes)
            | (Kind::Bytes, Kind::String)
    )
}

/// A default in Avro's binary form: `ResolvingGrammarGenerator.encode`.
///
/// # Errors
/// Data `avro.default`: Java refuses the default when it needs it.
pub(super) fn encode_default(schema: &AvroSchema, ty: TypeId, json: &Json, out: &mut Vec<u8>) -> Result<()> {
    encode(schema, ty, json, out, 0)
}

fn encode(schema: &AvroSchema, ty: TypeId, json: &Json, out: &mut Vec<u8>, depth: usize) -> Result<()> {
    let kind = &schema.get(ty).kind;
    let refused = || {
        let expected = kind.type_name();
        Error::data(
            "avro.default",
            format!("default of a reader's field: expected {expected}, found another JSON value"),
        )
    };
    // A record's default may be completed by the defaults of its fields, and those without end.
    if depth > crate::avro_schema::MAX_DEPTH {
        return Err(Error::data("avro.default", "default of a reader's field: expected an end of nesting, found none"));
    }
    match kind {
        Kind::Null => json.as_null().ok_or_else(refused)?,
        Kind::Boolean => out.push(u8::from(json.as_bool().ok_or_else(refused)?)),
        Kind::Int => match json.as_i64() {
            Some(long) => zigzag(i64::from(long as i32), out),
            None => zigzag(i64::from(json.as_f64().ok_or_else(refused)? as i32), out),
        },
        Kind::Long => match json.as_i64() {
            Some(long) => zigzag(long, out),
            None => zigzag(json.as_f64().ok_or_else(refused)? as i64, out),
        },
        Kind::Float => out.extend_from_slice(&(float(json).ok_or_else(refused)? as f32).to_le_bytes()),
        Kind::Double => out.extend_from_slice(&float(json).ok_or_else(refused)?.to_le_bytes()),
        Kind::String => {
            let text = json.as_str().ok_or_else(refused)?;
            zigzag(text.len() as i64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Kind::Bytes => {
            let bytes = latin1(json.as_str().ok_or_else(refused)?);
            zigzag(bytes.len() as i64, out);
            out.extend_from_slice(&bytes);
        }
        Kind::Fixed(fixed) => {
            let mut bytes = latin1(json.as_str().ok_or_else(refused)?);
            if fixed.size > crate::avro_schema::MAX_TEXT {
                return Err(refused());
            }
            bytes.resize(fixed.size, 0);
            out.extend_from_slice(&bytes);
        }
        Kind::Enum(definition) => {
            let symbol = json.as_str().ok_or_else(refused)?;
            let index = definition.symbols.iter().position(|known| known == symbol).ok_or_else(refused)?;
            zigzag(index as i64, out);
        }
        Kind::Array(item) => {
            // Jackson iterates over the members of an object, too.
            let items: Vec<&Json> = match json {
                Json::Array(items) => items.iter().collect(),
                Json::Object(members) => members.values().collect(),
                _ => Vec::new(),
            };
            count(items.len(), out);
            for json in &items {
                encode(schema, *item, json, out, depth + 1)?;
            }
            out.push(0);
        }
        Kind::Map(value) => {
            let members: Vec<(&String, &Json)> = json.as_object().into_iter().flatten().collect();
            count(members.len(), out);
            for (key, json) in &members {
                zigzag(key.len() as i64, out);
                out.extend_from_slice(key.as_bytes());
                encode(schema, *value, json, out, depth + 1)?;
            }
            out.push(0);
        }
        Kind::Union(branches) => {
            let compatible = |branch: &TypeId| match &schema.get(*branch).kind {
                Kind::Fixed(_) | Kind::String | Kind::Bytes => json.is_string(),
                Kind::Int | Kind::Long | Kind::Float | Kind::Double => json.is_number(),
                Kind::Boolean => json.is_boolean(),
                Kind::Null => json.is_null(),
                Kind::Record(_) | Kind::Enum(_) | Kind::Array(_) | Kind::Map(_) | Kind::Union(_) => true,
            };
            let index = branches.iter().position(compatible).ok_or_else(refused)?;
            zigzag(index as i64, out);
            encode(schema, *branches.get(index).ok_or_else(refused)?, json, out, depth + 1)?;
        }
        Kind::Record(record) => {
            for field in &record.fields {
                let json = json.get(&field.name).or(field.default.as_ref()).ok_or_else(refused)?;
                encode(schema, field.ty, json, out, depth + 1)?;
            }
        }
    }
    Ok(())
}

/// Numbers, and the text that stands for what JSON has no numbers for.
fn float(json: &Json) -> Option<f64> {
    match json.as_str() {
        None => json.as_f64(),
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(_) => None,
    }
}

fn zigzag(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest > 0x7F {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// The head of the only block; an empty container has none.
fn count(items: usize, out: &mut Vec<u8>) {
    if items > 0 {
        zigzag(items as i64, out);
    }
}
