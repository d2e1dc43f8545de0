//! Schema texts to the model: `org.apache.avro.Schema.Parser` of Avro 1.12.1, with limits for hostile texts.

use super::model::too_large;
use super::{
    AvroSchema, AvroSchemaBuilder, AvroType, Enum, Field, Fixed, Json, Kind, MAX_DEPTH, MAX_TYPES, Name, NameRule,
    Order, Props, Record, TypeId, valid_default,
};
use connect_data::{Error, Result};
use serde_json::Map;
use std::collections::BTreeMap;

/// Longest schema text, in bytes.
pub const MAX_TEXT: usize = 16 << 20;

/// How strict to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseOptions {
    /// Rule for the names of types, fields and symbols.
    pub names: NameRule,
    /// Whether field defaults must fit their types.
    pub defaults: bool,
}

impl ParseOptions {
    /// For a text that a registry already accepted, as Confluent's client 8.3.1 reads it: names are checked, namespaces
    /// and defaults are not.
    pub const REGISTERED: Self = Self { names: NameRule::Letters, defaults: false };
    /// Avro's own default.
    pub const STRICT: Self = Self { names: NameRule::Letters, defaults: true };
}

impl AvroSchema {
    /// Parses a text from a registry. `references` are the texts of referenced schemas, each after those it needs.
    ///
    /// # Errors
    /// Data `avro-schema.json` (not JSON, or too long), `avro-schema.invalid` (not a schema; the message says where),
    /// `avro-schema.too-large`.
    pub fn parse(text: &str, references: &[&str]) -> Result<Self> {
        Self::parse_with(text, references, ParseOptions::REGISTERED)
    }

    /// [`Self::parse`] with other rules.
    ///
    /// # Errors
    /// Those of [`Self::parse`].
    pub fn parse_with(text: &str, references: &[&str], options: ParseOptions) -> Result<Self> {
        let mut parser = Parser { options, ..Parser::default() };
        for reference in references {
            parser.text(reference)?;
        }
        let root = parser.text(text)?;
        let schema = parser.types.finish(root)?;
        if options.defaults {
            check_defaults(&schema)?;
        }
        Ok(schema)
    }
}

fn check_defaults(schema: &AvroSchema) -> Result<()> {
    for ty in schema.types() {
        if let Kind::Record(record) = &ty.kind {
            for field in &record.fields {
                if field.default.as_ref().is_some_and(|default| !valid_default(schema, field.ty, default)) {
                    let message = format!("default of field {} of record {}", field.name, record.name.full());
                    return Err(invalid(&message, schema.get(field.ty).full_name(), "another value"));
                }
            }
        }
    }
    Ok(())
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self::REGISTERED
    }
}

/// What a name stands for while texts are parsed.
#[derive(Default)]
struct Parser {
    options: ParseOptions,
    types: AvroSchemaBuilder,
    /// Completely parsed named types.
    named: BTreeMap<String, TypeId>,
    /// Uses of names that were not complete at that point: a type inside itself, or one that comes later. Each has a
    /// placeholder in the arena.
    pending: Vec<(TypeId, String)>,
    /// Second definitions of a name, each after the first one.
    again: Vec<(TypeId, TypeId)>,
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<TypeId> {
        if text.len() > MAX_TEXT {
            let message = format!("Avro schema: expected a text of at most {MAX_TEXT} bytes, found {}", text.len());
            return Err(Error::data("avro-schema.json", message));
        }
        let json: Json = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Error::data("avro-schema.json", format!("Avro schema: expected JSON, found none at {line}:{column}"))
        })?;
        let root = self.schema(&json, None, 0)?;
        let root = self.resolve(root)?;
        self.check_again(root)?;
        Ok(root)
    }

    /// Points every pending use of a name to its type.
    fn resolve(&mut self, root: TypeId) -> Result<TypeId> {
        let mut targets = BTreeMap::new();
        for (placeholder, name) in std::mem::take(&mut self.pending) {
            let Some(target) = self.named.get(&name) else {
                return Err(invalid("type name", "a primitive type or a name that is defined", &name));
            };
            targets.insert(placeholder, *target);
        }
        let resolve = |id: &mut TypeId| {
            if let Some(target) = targets.get(id) {
                *id = *target;
            }
        };
        let mut root = root;
        resolve(&mut root);
        if targets.is_empty() {
            return Ok(root);
        }
        for id in 0..self.types.len() as TypeId {
            match self.types.get_mut(id).map(|ty| &mut ty.kind) {
                Some(Kind::Array(item) | Kind::Map(item)) => resolve(item),
                Some(Kind::Union(branches)) => branches.iter_mut().for_each(resolve),
                Some(Kind::Record(record)) => record.fields.iter_mut().for_each(|field| resolve(&mut field.ty)),
                _ => {}
            }
        }
        Ok(root)
    }

    fn add(&mut self, kind: Kind, props: Props) -> TypeId {
        self.types.add(AvroType { kind, props })
    }

    fn schema(&mut self, json: &Json, space: Option<&str>, depth: usize) -> Result<TypeId> {
        if depth > MAX_DEPTH || self.types.len() >= MAX_TYPES {
            return Err(too_large());
        }
        match json {
            Json::String(name) => Ok(self.find(name, space)),
            Json::Array(branches) => self.union(branches, space, depth),
            Json::Object(object) => {
                let kind = text(object, "type").ok_or_else(|| invalid("schema", "a type", "an object without"))?;
                match kind {
                    "record" | "error" => self.record(object, kind == "error", space, depth),
                    "enum" => self.enumeration(object, space),
                    "fixed" => self.fixed(object, space),
                    "array" | "map" => {
                        let key = if kind == "array" { "items" } else { "values" };
                        let inner = object.get(key).ok_or_else(|| invalid(kind, key, "none"))?;
                        let inner = self.schema(inner, space, depth + 1)?;
                        let kind = if kind == "array" { Kind::Array(inner) } else { Kind::Map(inner) };
                        Ok(self.add(kind, props(object, RESERVED)))
                    }
                    name => match Kind::primitive(name) {
                        Some(primitive) => Ok(self.add(primitive, props(object, RESERVED))),
                        None => Ok(self.find(name, space)),
                    },
                }
            }
            _ => Err(invalid("schema", "a string, an object or an array", "another JSON value")),
        }
    }

    /// A primitive; else the name in the enclosing namespace; else as it stands; else one that comes later.
    fn find(&mut self, name: &str, space: Option<&str>) -> TypeId {
        if let Some(primitive) = Kind::primitive(name) {
            return self.add(primitive, Props::default());
        }
        let full = match space {
            Some(space) if !name.contains('.') => format!("{space}.{name}"),
            _ => name.to_owned(),
        };
        if let Some(id) = self.named.get(&full).or_else(|| self.named.get(name)) {
            return *id;
        }
        let placeholder = self.add(Kind::Null, Props::default());
        self.pending.push((placeholder, full));
        placeholder
    }

    fn union(&mut self, branches: &[Json], space: Option<&str>, depth: usize) -> Result<TypeId> {
        let mut types: Vec<TypeId> = Vec::new();
        let mut names = BTreeMap::new();
        for branch in branches {
            let id = self.schema(branch, space, depth + 1)?;
            let pending = self.pending.iter().rev().find(|(placeholder, _)| *placeholder == id);
            let name = match (pending, self.types.get(id)) {
                (Some((_, name)), _) => name.clone(),
                (None, Some(ty)) if matches!(ty.kind, Kind::Union(_)) => {
                    return Err(invalid("union", "no union directly inside", "one"));
                }
                (None, Some(ty)) => ty.full_name().to_owned(),
                (None, None) => continue,
            };
            if names.insert(name, ()).is_some() {
                return Err(invalid("union", "each type once", "one twice"));
            }
            types.push(id);
        }
        Ok(self.add(Kind::Union(types), Props::default()))
    }

    fn record(
        &mut self,
        object: &Map<String, Json>,
        is_error: bool,
        space: Option<&str>,
        depth: usize,
    ) -> Result<TypeId> {
        let name = self.name(object, space)?;
        let Some(Json::Array(declared)) = object.get("fields") else {
            return Err(invalid(name.full(), "an array of fields", "none"));
        };
        let mut record = Record { aliases: aliases(object, &name)?, doc: doc(object), is_error, ..Record::new(name) };
        let mut known = BTreeMap::new();
        for field in declared {
            let field =
                self.field(field, record.name.namespace(), depth).map_err(|error| error.field(record.name.simple()))?;
            if known.insert(field.name.clone(), ()).is_some() {
                return Err(invalid(record.name.full(), "each field once", &format!("{} twice", field.name)));
            }
            record.fields.push(field);
        }
        let name = record.name.full().to_owned();
        let id = self.add(Kind::Record(record), props(object, RESERVED));
        Ok(self.define(name, id))
    }

    fn field(&mut self, json: &Json, space: Option<&str>, depth: usize) -> Result<Field> {
        let Json::Object(object) = json else {
            return Err(invalid("field", "an object", "another JSON value"));
        };
        let name = text(object, "name").ok_or_else(|| invalid("field", "a name", "none"))?;
        self.check(name)?;
        let declared = object.get("type").ok_or_else(|| invalid(name, "a type", "none"))?;
        let ty = self.schema(declared, space, depth + 1).map_err(|error| error.field(name))?;
        let order = match object.get("order").map(|order| order.as_str().unwrap_or("").to_ascii_lowercase()) {
            None => Order::Ascending,
            Some(order) => match order.as_str() {
                "ascending" => Order::Ascending,
                "descending" => Order::Descending,
                "ignore" => Order::Ignore,
                _ => return Err(invalid(name, "order ascending, descending or ignore", "another")),
            },
        };
        let mut default = object.get("default").cloned();
        if let (Some(Json::String(number)), Some(Kind::Float | Kind::Double)) =
            (&default, self.types.get(ty).map(|ty| &ty.kind))
        {
            default = Some(java_number(number).ok_or_else(|| invalid(name, "a number as default", "other text"))?);
        }
        let aliases = texts(object, "aliases")?.unwrap_or_default();
        let props = props(object, FIELD_RESERVED);
        Ok(Field { name: name.to_owned(), ty, doc: doc(object), default, order, aliases, props })
    }

    fn enumeration(&mut self, object: &Map<String, Json>, space: Option<&str>) -> Result<TypeId> {
        let name = self.name(object, space)?;
        let Some(symbols) = texts(object, "symbols")? else {
            return Err(invalid(name.full(), "an array of symbols", "none"));
        };
        let mut known = BTreeMap::new();
        for symbol in &symbols {
            self.check(symbol)?;
            if known.insert(symbol.as_str(), ()).is_some() {
                return Err(invalid(name.full(), "each symbol once", &format!("{symbol} twice")));
            }
        }
        let default = text(object, "default").map(str::to_owned);
        if default.as_deref().is_some_and(|default| !known.contains_key(default)) {
            return Err(invalid(name.full(), "one of its symbols as default", "another"));
        }
        let full = name.full().to_owned();
        let definition =
            Enum { aliases: aliases(object, &name)?, doc: doc(object), default, ..Enum::new(name, symbols) };
        let id = self.add(Kind::Enum(definition), props(object, ENUM_RESERVED));
        Ok(self.define(full, id))
    }

    fn fixed(&mut self, object: &Map<String, Json>, space: Option<&str>) -> Result<TypeId> {
        let name = self.name(object, space)?;
        let size = object.get("size").and_then(Json::as_u64).filter(|size| *size <= i32::MAX as u64);
        let size = size.ok_or_else(|| invalid(name.full(), "a size", "none, or one that is no 32-bit number"))?;
        let full = name.full().to_owned();
        let fixed = Fixed { aliases: aliases(object, &name)?, doc: doc(object), ..Fixed::new(name, size as usize) };
        let id = self.add(Kind::Fixed(fixed), props(object, RESERVED));
        Ok(self.define(full, id))
    }

    fn name(&self, object: &Map<String, Json>, space: Option<&str>) -> Result<Name> {
        let simple = text(object, "name").ok_or_else(|| invalid("named type", "a name", "none"))?;
        let name = Name::new(simple, text(object, "namespace").or(space));
        self.check(name.simple())?;
        if Kind::primitive(name.full()).is_some() {
            return Err(invalid("named type", "a name that is no primitive type", name.full()));
        }
        Ok(name)
    }

    fn check(&self, name: &str) -> Result<()> {
        if self.options.names.accepts(name) {
            return Ok(());
        }
        Err(invalid("name", "letters, digits and _, no digit first", name)
            .hint("register the schema with valid names; scrub.invalid.names=true makes the writing side do so"))
    }

    /// The first definition of a name counts. A second one must equal it, which is known once all names are.
    fn define(&mut self, name: String, id: TypeId) -> TypeId {
        if let Some(first) = self.named.get(&name) {
            self.again.push((*first, id));
        } else {
            self.named.insert(name, id);
        }
        id
    }

    /// Java's `Can't redefine`.
    fn check_again(&mut self, root: TypeId) -> Result<()> {
        if self.again.is_empty() {
            return Ok(());
        }
        let schema = std::mem::take(&mut self.types).view(root);
        for (first, second) in std::mem::take(&mut self.again) {
            if !schema.same_types(first, second) {
                return Err(invalid(
                    "type name",
                    "one definition",
                    &format!("two of {}", schema.get(first).full_name()),
                ));
            }
        }
        self.types = AvroSchemaBuilder::from(schema);
        Ok(())
    }
}

const RESERVED: &[&str] =
    &["doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases"];
const ENUM_RESERVED: &[&str] =
    &["doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases", "default"];
const FIELD_RESERVED: &[&str] = &["default", "doc", "name", "order", "type", "aliases"];

fn props(object: &Map<String, Json>, reserved: &[&str]) -> Props {
    let mut props = Props::default();
    for (key, value) in object {
        if !reserved.contains(&key.as_str()) {
            props.add(key, value.clone());
        }
    }
    props
}

fn text<'a>(object: &'a Map<String, Json>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Json::as_str)
}

fn doc(object: &Map<String, Json>) -> Option<String> {
    text(object, "doc").map(str::to_owned)
}

fn texts(object: &Map<String, Json>, key: &str) -> Result<Option<Vec<String>>> {
    match object.get(key) {
        None => Ok(None),
        Some(Json::Array(items)) => {
            let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            texts.map(Some).ok_or_else(|| invalid(key, "strings", "another JSON value"))
        }
        Some(_) => Err(invalid(key, "an array", "another JSON value")),
    }
}

fn aliases(object: &Map<String, Json>, name: &Name) -> Result<Vec<Name>> {
    let mut aliases: Vec<Name> = Vec::new();
    for alias in texts(object, "aliases")?.unwrap_or_default() {
        let alias = Name::new(&alias, name.namespace());
        if !aliases.contains(&alias) {
            aliases.push(alias);
        }
    }
    Ok(aliases)
}

/// `Double.parseDouble`, as far as a default can use it. NaN and the infinities stay text, which is how JSON has them.
fn java_number(text: &str) -> Option<Json> {
    let trimmed = text.trim();
    if matches!(trimmed.trim_start_matches(['+', '-']), "NaN" | "Infinity") {
        return Some(Json::String(trimmed.trim_start_matches('+').to_owned()));
    }
    let digits = trimmed.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(trimmed);
    if digits.contains(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E')) {
        return None;
    }
    digits.parse().ok().and_then(serde_json::Number::from_f64).map(Json::Number)
}

fn invalid(subject: &str, expected: &str, found: &str) -> Error {
    Error::data("avro-schema.invalid", format!("Avro schema, {subject}: expected {expected}, found {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        AvroSchema::parse_with(text, &[], ParseOptions::STRICT).unwrap_err().code().to_owned()
    }

    #[test]
    fn what_java_refuses_is_refused() {
        for text in [
            r#"{"type":"record","name":"R"}"#,
            r#"{"type":"record","fields":[]}"#,
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
            r#"{"type":"record","name":"R","fields":[{"name":"a-b","type":"int"}]}"#,
            r#"{"type":"record","name":"int","fields":[]}"#,
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}"#,
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"Missing"}]}"#,
            r#"{"type":"enum","name":"E","symbols":["A","A"]}"#,
            r#"{"type":"enum","name":"E","symbols":["A"],"default":"B"}"#,
            r#"{"type":"enum","name":"E","symbols":["A",1]}"#,
            r#"{"type":"fixed","name":"F","size":-1}"#,
            r#"{"type":"fixed","name":"F"}"#,
            r#"{"type":"array"}"#,
            r#"["int","int"]"#,
            r#"["int",["string"]]"#,
            r#"[{"type":"array","items":"int"},{"type":"array","items":"long"}]"#,
            r#"[{"type":"fixed","name":"F","size":1},{"type":"map","values":{"type":"fixed","name":"F","size":2}}]"#,
            "7",
        ] {
            assert_eq!(code(text), "avro-schema.invalid", "{text}");
        }
        assert_eq!(code("{"), "avro-schema.json");
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(100_000), "}".repeat(100_000));
        assert_eq!(code(&deep), "avro-schema.json");
        let chain: String = (0..2_000)
            .map(|i| {
                format!(r#"{{"type":"record","name":"R{i}","fields":[{{"name":"a","type":["null","R{}"]}}]}},"#, i + 1)
            })
            .collect();
        let wide = format!(r#"[{chain}{{"type":"record","name":"R2000","fields":[]}}]"#);
        assert_eq!(code(&wide), "avro-schema.too-large");
    }

    #[test]
    fn forward_and_backward_references_find_their_types() {
        let text = r#"{"type":"record","name":"n.Node","fields":[{"name":"next","type":["null","Node"]},{"name":"late","type":"x.Late"},{"name":"def","type":{"type":"fixed","name":"x.Late","size":2}}]}"#;
        let schema = AvroSchema::parse(text, &[]).unwrap();
        let Kind::Record(record) = &schema.root().kind else { panic!() };
        let Kind::Union(branches) = &schema.get(record.fields[0].ty).kind else { panic!() };
        assert_eq!(branches[1], schema.root_id());
        assert_eq!(record.fields[1].ty, record.fields[2].ty);
    }

    #[test]
    fn referenced_texts_bring_their_names() {
        let fixed = r#"{"type":"fixed","name":"x.F","size":2}"#;
        let text = r#"{"type":"array","items":"x.F"}"#;
        assert!(AvroSchema::parse(text, &[]).is_err());
        let schema = AvroSchema::parse(text, &[fixed]).unwrap();
        assert_eq!(schema.to_string_without(["x.F"]), text);
    }

    #[test]
    fn equal_redefinition_is_allowed() {
        let twice =
            r#"[{"type":"fixed","name":"F","size":1},{"type":"map","values":{"type":"fixed","name":"F","size":1}}]"#;
        let schema = AvroSchema::parse(twice, &[]).unwrap();
        assert_eq!(schema.to_string(), r#"[{"type":"fixed","name":"F","size":1},{"type":"map","values":"F"}]"#);
    }

    #[test]
    fn texts_come_back_as_java_prints_them() {
        let text = r#"{"type":"record","name":"R","namespace":"n","doc":"d\n\u001F","fields":[{"name":"a","type":{"type":"int","connect.type":"int8"},"doc":"f","default":1,"order":"descending","aliases":["b"],"x":{"y":[null,true,1.5E10,1.0E-5,0.001,100.0]}},{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"],"default":"A","p":1,"aliases":["Old"]}},{"name":"r","type":{"type":"record","name":"S","namespace":"","fields":[]}},{"name":"t","type":{"type":"fixed","name":"record","size":3,"aliases":["m.T"]}},{"name":"u","type":["null","n.record"]}],"connect.name":"n.R"}"#;
        assert_eq!(AvroSchema::parse(text, &[]).unwrap().to_string(), text);
    }

    #[test]
    fn equality_is_javas() {
        let parse = |text: &str| AvroSchema::parse(text, &[]).unwrap();
        let a = parse(r#"{"type":"record","name":"R","doc":"x","fields":[{"name":"a","type":["null","R"]}]}"#);
        let b = parse(r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","R"]}],"aliases":["Q"]}"#);
        let c = parse(r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","R"]}],"p":1}"#);
        assert_eq!(a, b);
        assert_ne!(a, c);
    }
}
