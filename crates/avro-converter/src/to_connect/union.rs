//! Unions that are structs in Connect: which field takes the value of a branch. `AvroData.toConnectData` 8.3.1 goes by
//! the Java class of the value, takes the first field that such a value fits, and then looks the field up again by a name
//! that it makes from the field's schema.

use super::schema::branch_name;
use super::shape::{self, Union};
use crate::avro_schema::{AvroSchema, Kind, TypeId};
use crate::config::AvroDataConfig;
use crate::from_connect::properties::*;
use crate::from_connect::{names, node};
use connect_data::{Error, Node, NodeId, Result, Schema, Type, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;

pub(super) use crate::from_connect::node::looks_like_union;

/// `isEnumSchema`.
pub(super) fn is_enum(node: &Node) -> bool {
    let has = |key| node.get_parameter(key).is_some();
    node.kind == Type::String && (has(GENERALIZED_ENUM) || has(ENUM))
}

/// Size of a node that `isFixedSchema`.
pub(super) fn fixed_size(node: &Node) -> Option<usize> {
    if !node::is_fixed(node) {
        return None;
    }
    // What is no number makes Java fail; no value has that many bytes.
    Some(node.get_parameter(FIXED_SIZE).and_then(|size| size.parse().ok()).unwrap_or(usize::MAX))
}

/// `unionMemberFieldName` of a Connect schema; `None` where Java looks for the field null.
pub(super) fn member_name(node: &Node, index: usize, config: &AvroDataConfig) -> Option<String> {
    if config.generalized_sum_type_support {
        return Some(format!("{GENERALIZED_UNION_FIELD_PREFIX}{index}"));
    }
    if node.kind == Type::Struct || is_enum(node) || fixed_size(node).is_some() {
        let name = node.name.as_deref()?;
        let scrub = config.scrub_invalid_names;
        let full = config.enhanced_avro_schema_support;
        return Some(if full { names::full_name(name, scrub) } else { names::simple_name(name, scrub) }.into_owned());
    }
    Some(
        match node.kind {
            Type::Int32 => "int",
            Type::Int64 => "long",
            Type::Float32 => "float",
            Type::Float64 => "double",
            Type::Boolean => "boolean",
            Type::String => "string",
            Type::Bytes => "bytes",
            Type::Array => "array",
            Type::Map => "map",
            Type::Int8 | Type::Int16 | Type::Struct => return None,
        }
        .to_owned(),
    )
}

/// Name under which Java looks for a field in a record.
pub(super) fn scrubbed<'a>(name: &'a str, config: &AvroDataConfig) -> Cow<'a, str> {
    if config.scrub_invalid_names { names::scrub(name) } else { Cow::Borrowed(name) }
}

/// Where a branch's value goes.
pub(super) enum Target {
    /// This field of the struct.
    Field(usize),
    /// By the length of the value: these fixed fields first, else the last one; errors where Java finds none.
    ByLength(Vec<(usize, Result<usize>)>, Result<usize>),
}

/// Everything the choice depends on.
pub(super) struct Context<'a> {
    pub(super) schema: &'a Schema,
    pub(super) avro: &'a AvroSchema,
    pub(super) config: &'a AvroDataConfig,
    pub(super) recursive: &'a BTreeSet<TypeId>,
}

impl Context<'_> {
    /// The field of struct `union` for values of `branch`, the `position`-th of the union's branches.
    ///
    /// # Errors
    /// Data `avro.union`: Java finds none.
    pub(super) fn target(&self, union: NodeId, branch: TypeId, position: usize) -> Result<Target> {
        let fields = &self.schema.node(union).fields;
        let mut by_length = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            let node = self.schema.node(field.node);
            match fixed_size(node) {
                // Bytes go into a fixed field if they happen to have its size.
                Some(size) if matches!(self.avro.get(branch).kind, Kind::Bytes) => {
                    by_length.push((size, self.named(union, index)));
                }
                _ if self.takes(node, branch, index) || self.is_record(union, field.node, branch, position) => {
                    if self.has_other_keys(node) {
                        // Java casts the map to the list of entries that this field wants.
                        return Err(self.none(branch));
                    }
                    let target = self.named(union, index);
                    if by_length.is_empty() {
                        return Ok(Target::Field(target?));
                    }
                    return Ok(Target::ByLength(by_length, target));
                }
                _ => {}
            }
        }
        let none = self.none(branch);
        if by_length.is_empty() { Err(none) } else { Ok(Target::ByLength(by_length, Err(none))) }
    }

    pub(super) fn none(&self, branch: TypeId) -> Error {
        let found = self.avro.get(branch).full_name();
        Error::data("avro.union", format!("union: expected a field that takes a value of type {found}, found none"))
            .hint("Confluent's converter cannot read this branch either")
    }

    /// Whether a Connect map is an array of entries in Avro.
    fn has_other_keys(&self, node: &Node) -> bool {
        let key = node.key.map(|key| self.schema.node(key));
        key.is_some_and(|key| key.kind != Type::String || key.optional)
    }

    /// `isInstanceOfAvroSchemaTypeForSimpleSchema`.
    fn takes(&self, node: &Node, branch: TypeId, index: usize) -> bool {
        let ty = self.avro.get(branch);
        if is_enum(node) {
            let generalized = self.config.generalized_sum_type_support;
            let family = if generalized { GENERALIZED_ENUM } else { ENUM };
            return matches!(ty.kind, Kind::Enum(_)) && node.get_parameter(family) == Some(ty.full_name());
        }
        match (node.kind, &ty.kind) {
            (Type::Int32, Kind::Int)
            | (Type::Int64, Kind::Long)
            | (Type::Float32, Kind::Float)
            | (Type::Float64, Kind::Double)
            | (Type::Boolean, Kind::Boolean)
            | (Type::String, Kind::String)
            | (Type::Bytes, Kind::Bytes)
            | (Type::Array, Kind::Array(_))
            | (Type::Map, Kind::Map(_)) => true,
            (Type::Bytes, Kind::Fixed(_)) => {
                fixed_size(node).is_none()
                    || member_name(node, index, self.config).as_deref() == Some(&branch_name(ty, index, self.config))
            }
            _ => false,
        }
    }

    /// Whether `field` has the schema that the record converts to.
    fn is_record(&self, union: NodeId, field: NodeId, branch: TypeId, position: usize) -> bool {
        if !matches!(self.avro.get(branch).kind, Kind::Record(_)) {
            return false;
        }
        // Java converts the record's schema once more for each value. Its unions then get new numbers, and a struct that
        // is a default belongs to the new schema, so that the result equals no field any more, unless the record is known
        // from before.
        let renumbered = self.config.generalized_sum_type_support && self.has_union(branch, &mut BTreeSet::new());
        if !self.recursive.contains(&branch) && (renumbered || self.has_struct_default(field, &mut BTreeSet::new())) {
            return false;
        }
        let fields = &self.schema.node(union).fields;
        let name = branch_name(self.avro.get(branch), position, self.config);
        let own = fields.iter().find(|field| field.name == name).map(|field| field.node);
        own.is_some_and(|own| own == field || self.same(own, field, &mut Vec::new()))
    }

    fn has_union(&self, id: TypeId, met: &mut BTreeSet<TypeId>) -> bool {
        if !met.insert(id) {
            return false;
        }
        match &self.avro.get(id).kind {
            Kind::Union(branches) => {
                matches!(shape::union(self.avro, branches, self.config), Union::Struct)
                    || branches.iter().any(|branch| self.has_union(*branch, met))
            }
            // Map entries are converted on their own, and that is cached.
            Kind::Array(item) if matches!(shape::map_entry(self.avro, *item), Ok(Some(_))) => false,
            Kind::Array(item) | Kind::Map(item) => self.has_union(*item, met),
            Kind::Record(record) => record.fields.iter().any(|field| self.has_union(field.ty, met)),
            _ => false,
        }
    }

    fn has_struct_default(&self, id: NodeId, met: &mut BTreeSet<NodeId>) -> bool {
        let node = self.schema.node(id);
        met.insert(id)
            && (matches!(node.default, Some(Value::Struct(_)))
                || node.fields.iter().any(|field| self.has_struct_default(field.node, met))
                || node.key.into_iter().chain(node.item).any(|child| self.has_struct_default(child, met)))
    }

    /// Whether two nodes of the schema are equal: `schemaEquals`.
    fn same(&self, a: NodeId, b: NodeId, assumed: &mut Vec<(NodeId, NodeId)>) -> bool {
        if a == b || assumed.contains(&(a, b)) {
            return true;
        }
        let (x, y) = (self.schema.node(a), self.schema.node(b));
        let mut parameters = [x.parameters.clone(), y.parameters.clone()];
        parameters.iter_mut().for_each(|parameters| parameters.sort());
        let [p, q] = parameters;
        let head = (x.kind, x.optional, &x.name, x.version, &x.doc, &x.default, p, x.fields.len())
            == (y.kind, y.optional, &y.name, y.version, &y.doc, &y.default, q, y.fields.len());
        if !head {
            return false;
        }
        assumed.push((a, b));
        let children = |node: &Node| node.key.into_iter().chain(node.item).collect::<Vec<_>>();
        x.fields.iter().zip(&y.fields).all(|(f, g)| f.name == g.name && self.same(f.node, g.node, assumed))
            && children(x).into_iter().zip(children(y)).all(|(f, g)| self.same(f, g, assumed))
    }

    /// The field that has the name which Java makes from the schema of field `index`.
    fn named(&self, union: NodeId, index: usize) -> Result<usize> {
        let fields = &self.schema.node(union).fields;
        let Some(matched) = fields.get(index).map(|field| self.schema.node(field.node)) else { return Ok(index) };
        let name = member_name(matched, index, self.config);
        let target = fields.iter().position(|field| name.as_deref() == Some(&field.name));
        let fits = |target: &usize| {
            *target == index
                || fields.get(*target).map(|field| self.schema.node(field.node)).is_some_and(|node| {
                    // Struct.put validates: the class must be the same, and a struct's schema.
                    node.kind == matched.kind && node.kind != Type::Struct && !is_logical(node) && !is_logical(matched)
                })
        };
        target.filter(fits).ok_or_else(|| {
            let name = name.as_deref().unwrap_or("null");
            Error::data("avro.union", format!("union: expected a field {name} for the value, found none that takes it"))
                .hint("Confluent's converter cannot read this branch either")
        })
    }
}

fn is_logical(node: &Node) -> bool {
    use connect_data::logical::{DATE, DECIMAL, TIME, TIMESTAMP};
    matches!(node.name.as_deref(), Some(DECIMAL | DATE | TIME | TIMESTAMP))
}
