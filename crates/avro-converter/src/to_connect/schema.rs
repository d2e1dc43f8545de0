//! Avro schemas to Connect schemas: `AvroData.toConnectSchema` 8.3.1.

use super::default::{self, Flaw, Java};
use super::graph::{Edge, Graph, Id, too_large};
use super::shape::{self, Union};
use crate::avro_schema::{AvroSchema, AvroType, Enum, Json, Kind, MAX_DEPTH, Record, TypeId};
use crate::config::AvroDataConfig;
use crate::from_connect::names;
use crate::from_connect::properties::*;
use connect_data::{Error, Node, Result, Schema, Type, logical};
use std::collections::{BTreeMap, BTreeSet};

/// A converted schema.
pub(super) struct Converted {
    pub(super) schema: Schema,
    /// Records that refer to themselves: Java's `detectedCycles`.
    pub(super) recursive: BTreeSet<TypeId>,
}

/// Converts a schema. `version` is the registry's; the schema's own `connect.version` goes first.
///
/// # Errors
/// Data `avro.to-connect` (Connect has nothing for it, or its `connect.*` properties contradict it), `avro.map-entry`,
/// `avro.too-large`.
pub(super) fn to_connect_schema(avro: &AvroSchema, version: Option<i32>, config: &AvroDataConfig) -> Result<Converted> {
    let mut conversion = Conversion {
        avro,
        config,
        graph: Graph::default(),
        enclosing: BTreeMap::new(),
        recursive: BTreeSet::new(),
        unions: 0,
        depth: 0,
    };
    let root = conversion.convert(avro.root_id(), Around { version, ..Around::default() })?;
    Ok(Converted { schema: conversion.graph.into_schema(root)?, recursive: conversion.recursive })
}

/// What the place of a type adds to it.
#[derive(Default)]
struct Around<'a> {
    force_optional: bool,
    /// Default of the field, as Avro hands it out. `Some(Java::Null)` is a default, too.
    default: Option<Java>,
    doc: Option<&'a str>,
    version: Option<i32>,
}

/// What is not recursive is never inlined: it would make the frames of the recursion larger.
struct Conversion<'a> {
    avro: &'a AvroSchema,
    config: &'a AvroDataConfig,
    graph: Graph,
    /// Records being converted, and those found recursive: Java's `cycleReferences`, which keeps the latter.
    enclosing: BTreeMap<TypeId, Id>,
    recursive: BTreeSet<TypeId>,
    /// Number of the next `connect_union_N`. Java counts on over all schemas of a converter; here a schema's names do not
    /// depend on what was read before it.
    unions: u32,
    depth: usize,
}

impl<'a> Conversion<'a> {
    fn convert(&mut self, id: TypeId, around: Around<'_>) -> Result<Edge> {
        if self.depth > MAX_DEPTH {
            return Err(too_large());
        }
        self.depth += 1;
        let converted = self.convert_at(id, around);
        self.depth -= 1;
        converted
    }

    /// `toConnectSchemaWithCycles`.
    fn convert_or_refer(&mut self, id: TypeId, force_optional: bool, doc: Option<&str>) -> Result<Edge> {
        match self.enclosing.get(&id) {
            Some(node) => {
                self.recursive.insert(id);
                Ok(Edge { node: *node, optional: force_optional })
            }
            None => self.convert(id, Around { force_optional, doc, ..Around::default() }),
        }
    }

    fn convert_at(&mut self, id: TypeId, around: Around<'_>) -> Result<Edge> {
        let ty = self.avro.get(id);
        let node = match &ty.kind {
            Kind::Union(branches) => match shape::union(self.avro, branches, self.config) {
                Union::Single(only) => return self.convert_or_refer(only, false, around.doc),
                Union::Optional(inner) => return self.convert_or_refer(inner, true, around.doc),
                Union::Struct => self.union(branches)?,
            },
            Kind::Null => return Err(refused("null", "a type that Connect has", "null outside a union")),
            Kind::Boolean => self.graph.push(Node::new(Type::Boolean))?,
            Kind::Int => self.graph.push(int(ty)?)?,
            Kind::Long => self.graph.push(long(ty))?,
            Kind::Float => self.graph.push(Node::new(Type::Float32))?,
            Kind::Double => self.graph.push(Node::new(Type::Float64))?,
            Kind::String => self.graph.push(Node::new(Type::String))?,
            Kind::Bytes | Kind::Fixed(_) => self.graph.push(bytes(ty)?)?,
            Kind::Enum(definition) => self.graph.push(self.enumeration(definition))?,
            Kind::Array(item) => self.array(*item)?,
            Kind::Map(value) => {
                let map = self.graph.push(Node::new(Type::Map))?;
                let key = self.graph.push(Node::new(Type::String))?;
                let item = self.convert_or_refer(*value, false, None)?;
                self.graph.get_mut(map).key = Some(Edge { node: key, optional: false });
                self.graph.get_mut(map).item = Some(item);
                map
            }
            Kind::Record(record) => self.record(id, record)?,
        };
        self.documentation(ty, node, around.doc);
        self.version(ty, node, around.version)?;
        self.parameters(ty, node)?;
        self.default(id, node, around.default)?;
        self.name(ty, node)?;
        let node_mut = &mut self.graph.get_mut(node).node;
        node_mut.optional |= around.force_optional;
        let optional = node_mut.optional;
        if !self.recursive.contains(&id) {
            self.enclosing.remove(&id);
        }
        Ok(Edge { node, optional })
    }

    fn array(&mut self, item: TypeId) -> Result<Id> {
        let Some(entry) = shape::map_entry(self.avro, item)? else {
            let array = self.graph.push(Node::new(Type::Array))?;
            let item = self.convert_or_refer(item, false, None)?;
            self.graph.get_mut(array).item = Some(item);
            return Ok(array);
        };
        let map = self.graph.push(Node::new(Type::Map))?;
        // Java converts these two on their own: recursion through them is not noticed, and never ends.
        let enclosing = std::mem::take(&mut self.enclosing);
        let recursive = std::mem::take(&mut self.recursive);
        let key = self.convert(entry.key, Around::default())?;
        self.enclosing.clear();
        self.recursive.clear();
        let value = self.convert(entry.value, Around::default())?;
        self.enclosing = enclosing;
        self.recursive = recursive;
        self.graph.get_mut(map).key = Some(key);
        self.graph.get_mut(map).item = Some(value);
        Ok(map)
    }

    fn record(&mut self, id: TypeId, record: &'a Record) -> Result<Id> {
        let documented = !self.config.discard_type_doc_default && self.config.connect_meta_data;
        let node = self.graph.push(Node::new(Type::Struct))?;
        self.enclosing.insert(id, node);
        if let (true, Some(doc)) = (documented, &record.doc) {
            set(&mut self.graph.get_mut(node).node, RECORD_DOC, doc);
        }
        for field in &record.fields {
            if let (true, Some(doc)) = (documented, &field.doc) {
                let key = format!("{FIELD_DOC_PREFIX}{}", field.name);
                set(&mut self.graph.get_mut(node).node, &key, doc);
            }
            let default = field.default.as_ref().and_then(|json| default::of_field(self.avro, field.ty, json));
            let around = Around { default, doc: field.doc.as_deref(), ..Around::default() };
            let child = self.convert(field.ty, around).map_err(|error| error.field(&field.name))?;
            self.graph.get_mut(node).fields.push((field.name.clone(), child));
        }
        Ok(node)
    }

    fn enumeration(&self, definition: &Enum) -> Node {
        let mut node = Node::new(Type::String);
        let discard = self.config.discard_type_doc_default;
        if self.config.connect_meta_data {
            if let Some(doc) = &definition.doc {
                let key = format!("{ENUM_DOC_PREFIX}{}", definition.name.simple());
                set(&mut node, if discard { CONNECT_ENUM_DOC } else { &key }, doc);
            }
            if let (false, Some(default)) = (discard, &definition.default) {
                set(&mut node, &format!("{ENUM_DEFAULT_PREFIX}{}", definition.name.simple()), default);
            }
        }
        let generalized = self.config.generalized_sum_type_support;
        let family = if generalized { GENERALIZED_ENUM } else { ENUM };
        set(&mut node, family, definition.name.full());
        for (i, symbol) in definition.symbols.iter().enumerate() {
            let value = if generalized { i.to_string() } else { symbol.clone() };
            set(&mut node, &format!("{family}.{symbol}"), &value);
        }
        node
    }

    fn union(&mut self, branches: &[TypeId]) -> Result<Id> {
        let mut node = Node::new(Type::Struct);
        if self.config.generalized_sum_type_support {
            let name = format!("{GENERALIZED_UNION_PREFIX}{}", self.unions);
            self.unions += 1;
            set(&mut node, GENERALIZED_UNION, &name);
            node.name = Some(name);
        } else {
            node.name = Some(UNION.to_owned());
        }
        let union = self.graph.push(node)?;
        let mut names = BTreeSet::new();
        for (index, branch) in branches.iter().enumerate() {
            let ty = self.avro.get(*branch);
            if matches!(ty.kind, Kind::Null) {
                self.graph.get_mut(union).node.optional = true;
                continue;
            }
            let name = branch_name(ty, index, self.config);
            if !names.insert(name.clone()) {
                return Err(refused("union", "branches with different names", &format!("two named {name}"))
                    .hint("enhanced.avro.schema.support=true tells records apart by their full names"));
            }
            let child = self.convert_or_refer(*branch, true, None).map_err(|error| error.field(&name))?;
            self.graph.get_mut(union).fields.push((name, child));
        }
        Ok(union)
    }

    #[inline(never)]
    fn documentation(&mut self, ty: &AvroType, node: Id, around: Option<&str>) {
        let node = &mut self.graph.get_mut(node).node;
        let own = ty.props.text(CONNECT_DOC);
        if self.config.discard_type_doc_default {
            node.doc = around.or(ty.doc()).or(own).map(str::to_owned);
            if let (true, Some(doc)) = (self.config.connect_meta_data, ty.doc()) {
                set(node, CONNECT_RECORD_DOC, doc);
            }
        } else if self.config.connect_meta_data {
            node.doc = own.map(str::to_owned);
        }
    }

    #[inline(never)]
    fn version(&mut self, ty: &AvroType, node: Id, around: Option<i32>) -> Result<()> {
        let version = match Java::of(ty.props.get(CONNECT_VERSION)) {
            None => around,
            Some(own) => match own.int_value() {
                Some(own) => Some(own),
                None => return Err(refused(CONNECT_VERSION, "a number", own.class())),
            },
        };
        let node = &mut self.graph.get_mut(node).node;
        match (version.filter(|version| *version >= 0), node.version) {
            (Some(found), Some(expected)) if found != expected => Err(refused(
                ty.full_name(),
                &format!("version {expected}, which its logical type has"),
                &format!("version {found}"),
            )),
            (Some(version), _) => {
                node.version = Some(version);
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    #[inline(never)]
    fn parameters(&mut self, ty: &AvroType, node: Id) -> Result<()> {
        let node = &mut self.graph.get_mut(node).node;
        if let (true, Some(parameters)) = (self.config.connect_meta_data, ty.props.get(CONNECT_PARAMETERS)) {
            let Json::Object(parameters) = parameters else {
                return Err(refused(CONNECT_PARAMETERS, "an object", "another JSON value"));
            };
            for (key, value) in parameters {
                let Json::String(value) = value else {
                    return Err(refused(CONNECT_PARAMETERS, "strings", "another JSON value"));
                };
                set(node, key, value);
            }
        }
        for (key, value) in ty.props.iter().filter(|(key, _)| key.starts_with(AVRO_PREFIX)) {
            let Some(value) = Java::of(Some(value)) else {
                return Err(refused(key, "a JSON value that Java can hold", "a number beyond 64 bits"));
            };
            set(node, key, &value.to_string());
        }
        Ok(())
    }

    #[inline(never)]
    fn default(&mut self, id: TypeId, node: Id, around: Option<Java>) -> Result<()> {
        let ty = self.avro.get(id);
        let own = Java::of(ty.props.get(CONNECT_DEFAULT));
        let found = match around {
            Some(default) => {
                let keep = !self.config.discard_type_doc_default && self.config.connect_meta_data;
                if keep && own.is_none() {
                    set(&mut self.graph.get_mut(node).node, FIELD_DEFAULT_FLAG, "true");
                }
                default::from_field(&self.graph, node, &default, self.avro, self.config)
            }
            None => match ty.props.get(CONNECT_DEFAULT) {
                Some(json) if own.is_some() => {
                    default::from_property(&self.graph, node, self.avro, id, json, self.config)
                }
                _ => return Ok(()),
            },
        };
        match found {
            Ok(default) => {
                self.graph.get_mut(node).node.default = default;
                Ok(())
            }
            // Java logs and goes on without.
            Err(Flaw::Ignored) => Ok(()),
            Err(Flaw::Fatal(found)) => Err(refused(ty.full_name(), "a default that Connect can hold", found)),
        }
    }

    #[inline(never)]
    fn name(&mut self, ty: &AvroType, node: Id) -> Result<()> {
        let node = &mut self.graph.get_mut(node).node;
        let name = match (ty.props.get(CONNECT_NAME), &ty.kind) {
            (Some(Json::String(name)), _) => name,
            (Some(_), _) => return Err(refused(CONNECT_NAME, "a string", "another JSON value")),
            (None, Kind::Record(record)) => record.name.full(),
            (None, Kind::Enum(definition)) => definition.name.full(),
            (None, Kind::Fixed(fixed)) if node.name.as_deref() != Some(logical::DECIMAL) => fixed.name.full(),
            _ => return Ok(()),
        };
        match &node.name {
            _ if name.starts_with(DEFAULT_RECORD_FULL) => {}
            None => node.name = Some(name.to_owned()),
            Some(own) if own == name => {}
            Some(own) => {
                let expected = format!("the name {own}, which its logical type has");
                return Err(refused(ty.full_name(), &expected, &format!("{CONNECT_NAME} {name}")));
            }
        }
        Ok(())
    }
}

/// `SchemaBuilder.parameter`: a second value takes the place of the first.
fn set(node: &mut Node, key: &str, value: &str) {
    match node.parameters.iter_mut().find(|(k, _)| k == key) {
        Some((_, old)) => *old = value.to_owned(),
        None => node.parameters.push((key.to_owned(), value.to_owned())),
    }
}

fn int(ty: &AvroType) -> Result<Node> {
    let logical = ty.props.text(LOGICAL_TYPE);
    let is = |name: &str| logical.is_some_and(|found| found.eq_ignore_ascii_case(name));
    Ok(match (logical, ty.props.text(CONNECT_TYPE)) {
        _ if is("date") => Node::new(Type::Int32).named(logical::DATE).version(1),
        _ if is("time-millis") => Node::new(Type::Int32).named(logical::TIME).version(1),
        (Some(_), _) | (None, None) => Node::new(Type::Int32),
        (None, Some("int8")) => Node::new(Type::Int8),
        (None, Some("int16")) => Node::new(Type::Int16),
        (None, Some(found)) => return Err(refused(CONNECT_TYPE, "int8 or int16", found)),
    })
}

fn long(ty: &AvroType) -> Node {
    match ty.props.text(LOGICAL_TYPE) {
        Some(name) if name.eq_ignore_ascii_case("timestamp-millis") => {
            Node::new(Type::Int64).named(logical::TIMESTAMP).version(1)
        }
        _ => Node::new(Type::Int64),
    }
}

/// Java looks at the property here, not at whether the logical type is valid.
fn bytes(ty: &AvroType) -> Result<Node> {
    let mut node = Node::new(Type::Bytes);
    if ty.props.text(LOGICAL_TYPE).is_some_and(|name| name.eq_ignore_ascii_case("decimal")) {
        let scale = Java::of(ty.props.get(SCALE)).and_then(|scale| scale.int_value()).unwrap_or(0);
        node = node.named(logical::DECIMAL).version(1);
        set(&mut node, logical::SCALE, &scale.to_string());
        if let Some(found) = Java::of(ty.props.get(PRECISION)) {
            let precision = found.int_value().ok_or_else(|| refused(PRECISION, "a number", found.class()))?;
            if precision != DEFAULT_PRECISION {
                set(&mut node, DECIMAL_PRECISION, &precision.to_string());
            }
        }
    }
    if let Kind::Fixed(fixed) = &ty.kind {
        set(&mut node, FIXED_SIZE, &fixed.size.to_string());
    }
    Ok(node)
}

/// `unionMemberFieldName` of an Avro type.
pub(super) fn branch_name(ty: &AvroType, index: usize, config: &AvroDataConfig) -> String {
    match ty.name() {
        _ if config.generalized_sum_type_support => format!("{GENERALIZED_UNION_FIELD_PREFIX}{index}"),
        Some(name) if config.enhanced_avro_schema_support => name.full().to_owned(),
        Some(name) => names::simple_name(name.simple(), config.scrub_invalid_names).into_owned(),
        None => ty.kind.type_name().to_owned(),
    }
}

fn refused(subject: &str, expected: &str, found: &str) -> Error {
    Error::data("avro.to-connect", format!("Avro schema, {subject}: expected {expected}, found {found}"))
}
