//! How a Connect value meets an Avro type: first as `AvroData.fromConnectData` turns it into one of Avro's generic
//! classes, then as `GenericDatumWriter` writes that class as the writer's type.

use super::leaf::{Leaf, Number, Scalar, Variable};
use super::names;
use super::node::{enum_parameter, fixed_size, is_fixed, string_keyed};
use super::properties::*;
use super::write::Word;
use crate::avro_schema::{AvroSchema, AvroType, Kind, TypeId};
use crate::config::AvroDataConfig;
use connect_data::row_image::Layout;
use connect_data::schema::{Node, logical};
use connect_data::{Error, NodeId, Result, Schema, Type};
use std::collections::BTreeSet;

/// Everything that a plan is compiled from.
pub(super) struct Types<'a> {
    pub(super) schema: &'a Schema,
    pub(super) layout: &'a Layout,
    pub(super) config: &'a AvroDataConfig,
    /// What [`super::avro_schema`] made of the schema.
    pub(super) own: &'a AvroSchema,
    /// The schema of the bytes.
    pub(super) writer: &'a AvroSchema,
}

/// A type to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// Of the writer's schema.
    Writer(TypeId),
    /// Of our own: a value that is converted, and then not written because the writer's record has fewer fields.
    Own(TypeId),
}

/// What null means where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// A field: `Struct.get`, so a default takes the place of null.
    Field,
    /// An item, a key, a value or the record itself.
    Item,
}

/// A Connect node and what it is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meeting {
    pub(super) node: NodeId,
    /// What our own schema has for it, a union included: decides which class a value becomes.
    pub(super) own: TypeId,
    /// What the bytes must follow.
    pub(super) writer: Target,
    pub(super) context: Context,
}

/// A field of a record to write.
pub(super) struct Child<'a> {
    pub(super) name: &'a str,
    /// Which field of the struct it is.
    pub(super) position: usize,
    pub(super) meeting: Meeting,
    /// The writer's record does not take it: the value is converted and not written.
    pub(super) discarded: bool,
}

/// Index in a union; nothing where there is no union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Branch(Word);

impl Branch {
    pub(super) const NONE: Self = Self(Word::EMPTY);

    /// At most three octets: schemas have no more types.
    #[inline]
    pub(super) fn word(self) -> Word {
        self.0
    }
}

/// A present value, resolved.
pub(super) enum Resolved {
    Leaf(Leaf),
    /// The record of our own schema.
    Record {
        own: TypeId,
        writer: Target,
    },
    /// Items.
    Array {
        own: TypeId,
        writer: Target,
    },
    /// String keys.
    Map {
        own: TypeId,
        writer: Target,
    },
    /// Records of key and value; the record of our own schema.
    Entries {
        own: TypeId,
        writer: Target,
    },
}

/// The generic class of a present value.
enum Datum {
    Number(Number),
    Boolean,
    String,
    Symbol(TypeId),
    Bytes {
        decimal: bool,
    },
    Fixed {
        own: TypeId,
        decimal: bool,
    },
    Record(TypeId),
    List(TypeId),
    Map(TypeId),
    /// A list of records.
    Entries(TypeId),
}

impl<'a> Types<'a> {
    pub(super) fn get(&self, target: Target) -> &'a AvroType {
        match target {
            Target::Writer(id) => self.writer.get(id),
            Target::Own(id) => self.own.get(id),
        }
    }

    /// The same kind of target with another id.
    pub(super) fn at(target: Target, id: TypeId) -> Target {
        match target {
            Target::Writer(_) => Target::Writer(id),
            Target::Own(_) => Target::Own(id),
        }
    }

    /// Index of null, or nothing for the type null itself.
    ///
    /// # Errors
    /// Data `avro.writer-type`: null cannot be written.
    pub(super) fn null(&self, writer: Target) -> Result<Branch> {
        Ok(self.branch(writer, "null")?.0)
    }

    /// Whether null takes the default of its node here.
    pub(super) fn uses_default(&self, node: &Node, context: Context) -> bool {
        node.default.is_some() && context == Context::Field && !self.config.ignore_default_for_nullables
    }

    /// Fields of a struct as the writer's record takes them: by name, and where there is no such name by position, as
    /// Confluent's `NameAwareGenericData` does (8.3.1; up to 7.x all by position). One that is not taken comes last.
    ///
    /// # Errors
    /// Data: no record can be made of the struct; `avro.fields`: the writer's record has a field for which there is none.
    pub(super) fn fields(&self, node: NodeId, own: TypeId, writer: Target) -> Result<Vec<Child<'a>>> {
        let node = self.schema.node(node);
        let fields = node.fields.iter().map(|field| (field.name.as_str(), field.node));
        self.children(fields.collect(), own, writer, Context::Field)
    }

    /// Key and value of a map, likewise.
    ///
    /// # Errors
    /// As [`Self::fields`].
    pub(super) fn key_and_value(&self, node: NodeId, own: TypeId, writer: Target) -> Result<Vec<Child<'a>>> {
        let node = self.schema.node(node);
        let fields = vec![(KEY, node.key.unwrap_or(0)), (VALUE, node.item.unwrap_or(0))];
        self.children(fields, own, writer, Context::Item)
    }

    fn children(
        &self,
        fields: Vec<(&'a str, NodeId)>,
        own: TypeId,
        writer: Target,
        context: Context,
    ) -> Result<Vec<Child<'a>>> {
        let (Kind::Record(own), Kind::Record(target)) = (&self.own.get(own).kind, &self.get(writer).kind) else {
            return Err(Error::internal("avro.plan", "expected records on both sides, found another type"));
        };
        for (position, (name, _)) in fields.iter().enumerate() {
            let scrubbed = if self.config.scrub_invalid_names { names::scrub(name) } else { (*name).into() };
            if own.fields.get(position).is_none_or(|field| field.name != scrubbed) {
                return Err(mismatch(&format!("a field {scrubbed} in record {}", own.name.full()), "none"));
            }
        }
        let child = |position: usize, written: Option<TypeId>| {
            let ((name, node), field) = fields.get(position).zip(own.fields.get(position))?;
            let writer = written.map_or(Target::Own(field.ty), |ty| Self::at(writer, ty));
            let meeting = Meeting { node: *node, own: field.ty, writer, context };
            Some(Child { name, position, meeting, discarded: written.is_none() })
        };
        let mut children = Vec::with_capacity(fields.len());
        for (index, field) in target.fields.iter().enumerate() {
            let position = own.fields.iter().position(|other| other.name == field.name).unwrap_or(index);
            let Some(child) = child(position, Some(field.ty)) else {
                let (expected, found) = (target.fields.len(), fields.len());
                let message = format!("Avro record: expected {expected} fields, found {found}");
                return Err(Error::data("avro.fields", message)
                    .hint("the registry's schema has fields that this record has not; where names differ they are taken by position"));
            };
            children.push(child);
        }
        let taken: BTreeSet<usize> = children.iter().map(|child| child.position).collect();
        children
            .extend((0..fields.len()).filter(|position| !taken.contains(position)).filter_map(|at| child(at, None)));
        Ok(children)
    }

    /// How a present value is written.
    ///
    /// # Errors
    /// Data: Java fails on every present value.
    pub(super) fn resolve(&self, meeting: Meeting) -> Result<(Branch, Resolved)> {
        let Meeting { node, own, writer, .. } = meeting;
        let datum = self.datum(self.schema.node(node), own)?;
        let name = match &datum {
            Datum::Number(number) => number.type_name(),
            Datum::Boolean => "boolean",
            Datum::String => "string",
            Datum::Bytes { .. } => "bytes",
            Datum::Symbol(own) | Datum::Fixed { own, .. } | Datum::Record(own) => self.own.get(*own).full_name(),
            Datum::List(_) | Datum::Entries(_) => "array",
            Datum::Map(_) => "map",
        };
        let (branch, writer) = self.branch(writer, name)?;
        let ty = self.get(writer);
        let fail = || Err(mismatch(ty.full_name(), name));
        let same = |id: &TypeId| Self::at(writer, *id);
        let resolved = match (datum, &ty.kind) {
            (Datum::Record(own), Kind::Record(_)) => Resolved::Record { own, writer },
            (Datum::List(own), Kind::Array(item)) => Resolved::Array { own, writer: same(item) },
            (Datum::Map(own), Kind::Map(value)) => Resolved::Map { own, writer: same(value) },
            (Datum::Entries(own), Kind::Array(item)) => Resolved::Entries { own, writer: same(item) },
            (Datum::Record(_) | Datum::List(_) | Datum::Map(_) | Datum::Entries(_), _) => return fail(),
            (Datum::Number(_) | Datum::Boolean, Kind::Null) => Resolved::Leaf(Leaf::Scalar(Scalar::Nothing)),
            (Datum::Number(number), kind) => {
                let scalar = match kind {
                    Kind::Int => Scalar::Int(number),
                    Kind::Long => Scalar::Long(number),
                    Kind::Float => Scalar::Float(number),
                    Kind::Double => Scalar::Double(number),
                    _ => return fail(),
                };
                Resolved::Leaf(Leaf::Scalar(scalar))
            }
            (Datum::Boolean, Kind::Boolean) => Resolved::Leaf(Leaf::Scalar(Scalar::Boolean)),
            (Datum::Boolean, _) => return fail(),
            (datum, kind) => {
                let variable = match (datum, kind) {
                    (_, Kind::Null) => Variable::Nothing,
                    (Datum::String, Kind::String) => Variable::String,
                    (Datum::Symbol(_), Kind::Enum(definition)) => Variable::enumeration(&definition.symbols),
                    // A whole message of bytes has no length.
                    (Datum::Bytes { decimal: true }, Kind::Bytes) if self.is_root(writer) => Variable::RawDecimal,
                    (Datum::Bytes { decimal: false }, Kind::Bytes) if self.is_root(writer) => Variable::Raw,
                    (Datum::Bytes { decimal: true }, Kind::Bytes) => Variable::Decimal,
                    (Datum::Bytes { decimal: false }, Kind::Bytes) => Variable::Bytes,
                    (Datum::Fixed { decimal: true, .. }, Kind::Fixed(fixed)) => Variable::FixedDecimal(fixed.size),
                    (Datum::Fixed { decimal: false, .. }, Kind::Fixed(fixed)) => Variable::Fixed(fixed.size),
                    _ => return fail(),
                };
                Resolved::Leaf(Leaf::Variable(variable))
            }
        };
        Ok((branch, resolved))
    }

    fn is_root(&self, writer: Target) -> bool {
        writer == Target::Writer(self.writer.root_id())
    }

    /// The record that an entry of a map is written as.
    ///
    /// # Errors
    /// Data `avro.writer-type`: the writer wants something other than a record.
    pub(super) fn entry(&self, own: TypeId, writer: Target) -> Result<(Branch, Target)> {
        let name = self.own.get(own).full_name();
        let (branch, writer) = self.branch(writer, name)?;
        match self.get(writer) {
            AvroType { kind: Kind::Record(_), .. } => Ok((branch, writer)),
            other => Err(mismatch(other.full_name(), name)),
        }
    }

    /// `GenericData.resolveUnion`: the branch with this name.
    fn branch(&self, writer: Target, name: &str) -> Result<(Branch, Target)> {
        let ty = self.get(writer);
        let Kind::Union(branches) = &ty.kind else {
            // Any class may meet a type that is no union; null fits only null.
            let fits = name != "null" || matches!(ty.kind, Kind::Null);
            return if fits { Ok((Branch::NONE, writer)) } else { Err(mismatch(ty.full_name(), name)) };
        };
        let found = branches.iter().position(|id| self.get(Self::at(writer, *id)).full_name() == name);
        match found.and_then(|index| branches.get(index).map(|id| (index, *id))) {
            Some((index, id)) => Ok((Branch(Word::count(index)), Self::at(writer, id))),
            None => {
                let names: Vec<&str> = branches.iter().map(|id| self.get(Self::at(writer, *id)).full_name()).collect();
                Err(mismatch(&format!("one of [{}]", names.join(", ")), name))
            }
        }
    }

    fn datum(&self, node: &Node, own: TypeId) -> Result<Datum> {
        let logical = |name: &str| node.name.as_deref() == Some(name);
        match node.kind {
            Type::Boolean => return Ok(Datum::Boolean),
            // Java casts the logical type's Integer to the base type's class.
            Type::Int8 | Type::Int16 if logical(logical::TIME) || logical(logical::DATE) => {
                return Err(mismatch("int32 for a logical type", node.kind.name()));
            }
            Type::String if enum_parameter(node, self.config).is_some() => return self.symbol(node, own),
            Type::String => return Ok(Datum::String),
            Type::Bytes => {
                let decimal = logical(logical::DECIMAL);
                if is_fixed(node) {
                    return Ok(Datum::Fixed { own: self.fixed(node, own)?, decimal });
                }
                return Ok(Datum::Bytes { decimal });
            }
            _ => {}
        }
        if let Some(number) = Number::of(node) {
            return Ok(Datum::Number(number));
        }
        if node.kind == Type::Map && !string_keyed(self.schema, node, self.config) {
            return match &self.own.get(self.entries(node, own)?).kind {
                Kind::Array(entry) if matches!(self.own.get(*entry).kind, Kind::Record(_)) => {
                    Ok(Datum::Entries(*entry))
                }
                _ => Err(mismatch("an array of records of key and value", self.own.get(own).full_name())),
            };
        }
        let underlying = self.underlying(node, own)?;
        match (node.kind, &self.own.get(underlying).kind) {
            (Type::Struct, Kind::Record(_)) => Ok(Datum::Record(underlying)),
            (Type::Array, Kind::Array(item)) => Ok(Datum::List(*item)),
            (Type::Map, Kind::Map(value)) => Ok(Datum::Map(*value)),
            // A required struct, array or map in a union: the reference takes the union itself for its type.
            _ => Err(mismatch(node.kind.name(), self.own.get(underlying).kind.type_name())),
        }
    }

    fn branches(&self, union: TypeId) -> &'a [TypeId] {
        match &self.own.get(union).kind {
            Kind::Union(branches) => branches,
            _ => &[],
        }
    }

    fn is_union(&self, own: TypeId) -> bool {
        matches!(self.own.get(own).kind, Kind::Union(_))
    }

    /// `avroSchemaForUnderlyingTypeIfOptional`.
    fn underlying(&self, node: &Node, own: TypeId) -> Result<TypeId> {
        if !node.optional {
            return Ok(own);
        }
        if !self.is_union(own) {
            return Err(mismatch("a union for an optional schema", self.own.get(own).full_name()));
        }
        let scrub = self.config.scrub_invalid_names;
        let name = node.name.as_deref().map(|name| names::full_name(name, scrub));
        let fits = |ty: &AvroType| {
            let full = ty.full_name();
            !matches!(ty.kind, Kind::Null)
                && (name.as_deref() == Some(full)
                    || ty.kind.type_name() == connect_name(node.kind)
                    || (name.is_none() && full.starts_with(DEFAULT_RECORD_FULL)))
        };
        Ok(self.branches(own).iter().copied().find(|id| fits(self.own.get(*id))).unwrap_or(own))
    }

    /// `avroSchemaForUnderlyingMapEntryType`.
    fn entries(&self, node: &Node, own: TypeId) -> Result<TypeId> {
        if !node.optional {
            return Ok(own);
        }
        if !self.is_union(own) {
            return Err(mismatch("a union for an optional schema", self.own.get(own).full_name()));
        }
        let array = |id: &TypeId| matches!(self.own.get(*id).kind, Kind::Array(_));
        Ok(self.branches(own).iter().copied().find(array).unwrap_or(own))
    }

    /// `enumSymbol`: in a union the branch with exactly the parameter's name.
    fn symbol(&self, node: &Node, own: TypeId) -> Result<Datum> {
        if !self.is_union(own) {
            return Ok(Datum::Symbol(own));
        }
        let name = enum_parameter(node, self.config).and_then(|parameter| node.get_parameter(parameter)).unwrap_or("");
        let found = self.branches(own).iter().copied().find(|id| self.own.get(*id).full_name() == name);
        found.map(Datum::Symbol).ok_or_else(|| mismatch(&format!("a union with the enum {name}"), "none"))
    }

    /// The fixed of the node's size and name.
    fn fixed(&self, node: &Node, own: TypeId) -> Result<TypeId> {
        if !self.is_union(own) {
            return Ok(own);
        }
        let (size, scrub) = (fixed_size(node)?, self.config.scrub_invalid_names);
        let connect = node.name.as_deref().unwrap_or("");
        let fits = |ty: &AvroType| match &ty.kind {
            Kind::Fixed(fixed) if fixed.size == size => {
                self.config.generalized_sum_type_support
                    || if self.config.enhanced_avro_schema_support {
                        fixed.name.full() == names::full_name(connect, scrub)
                    } else {
                        fixed.name.simple() == names::simple_name(connect, scrub)
                    }
            }
            _ => false,
        };
        // The reference keeps the last that fits.
        let found = self.branches(own).iter().copied().rfind(|id| fits(self.own.get(*id)));
        found.ok_or_else(|| mismatch(&format!("a union with a fixed of {size} bytes named {connect}"), "none"))
    }
}

/// `Schema.Type.getName()` of Kafka: as Avro spells the types that matter here.
fn connect_name(kind: Type) -> &'static str {
    match kind {
        Type::Array => "array",
        Type::Map => "map",
        // No Avro type has this name.
        _ => "struct",
    }
}

pub(super) fn mismatch(expected: &str, found: &str) -> Error {
    Error::data("avro.writer-type", format!("Avro value: expected {expected}, found {found}"))
        .hint("the schema that the registry was asked for does not take this record; register a version that does")
}
