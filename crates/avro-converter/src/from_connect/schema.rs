//! Connect schemas to Avro schemas: `AvroData.fromConnectSchema` 8.3.1.

use super::default::{self, NonFinite};
use super::names;
use super::node::{enum_parameter, fixed_size, is_fixed, is_union, looks_like_union, number, string_keyed};
use super::properties::*;
use super::sharing::{Fingerprint, Sharing};
use crate::avro_schema::{
    AvroSchema, AvroSchemaBuilder, AvroType, Enum, Field, Fixed, Json, Kind, Name, Record, TypeId, valid_default,
};
use crate::config::AvroDataConfig;
use connect_data::schema::{Node, logical};
use connect_data::{Error, NodeId, Result, Schema, Type};
use std::collections::{BTreeMap, BTreeSet};

/// The Avro schema that Java would register for a Connect schema. `to_string()` of it is that text.
///
/// Two different structs of one name stay two types here; the text refers to the first one (see
/// [`super::EncodePlan::avro_schema`]).
///
/// # Errors
/// Data `avro.name` (a name that Avro refuses; two fields of one name), `avro.union` (two branches of one type),
/// `avro.enum`, `avro.parameter`, `avro.logical-type` (a logical type on a type that cannot have it), `avro.recursion`
/// (a struct that contains itself where Java recurses for ever), `avro.default`.
pub fn avro_schema(schema: Option<&Schema>, config: &AvroDataConfig) -> Result<AvroSchema> {
    let Some(schema) = schema else { return super::anything::avro_schema() };
    let mut conversion = Conversion {
        schema,
        config,
        sharing: Sharing::of(schema, config),
        types: AvroSchemaBuilder::new(),
        shared: BTreeMap::new(),
        records: BTreeMap::new(),
        unnamed: 0,
        defaults: Vec::new(),
    };
    let root = conversion.convert(0, false)?;
    let Conversion { types, defaults, .. } = conversion;
    without_invalid_defaults(types.finish(root)?, root, &defaults)
}

/// Avro refuses a default that does not fit, and AvroData then leaves it out.
fn without_invalid_defaults(schema: AvroSchema, root: TypeId, defaults: &[FieldDefault]) -> Result<AvroSchema> {
    let invalid = |d: &&FieldDefault| !valid_default(&schema, d.ty, &d.json);
    let invalid: Vec<(TypeId, usize)> = defaults.iter().filter(invalid).map(|d| (d.record, d.position)).collect();
    if invalid.is_empty() {
        return Ok(schema);
    }
    let mut types = AvroSchemaBuilder::from(schema);
    for (record, position) in invalid {
        if let Some(AvroType { kind: Kind::Record(record), .. }) = types.get_mut(record)
            && let Some(field) = record.fields.get_mut(position)
        {
            field.default = None;
        }
    }
    types.finish(root)
}

/// A default of a field, to be checked when all types are known.
struct FieldDefault {
    record: TypeId,
    position: usize,
    ty: TypeId,
    json: Json,
}

struct Conversion<'a> {
    schema: &'a Schema,
    config: &'a AvroDataConfig,
    sharing: Sharing,
    types: AvroSchemaBuilder,
    /// Java's `schemaMap`: equal required schemas become one type.
    shared: BTreeMap<Fingerprint, TypeId>,
    /// Java's `cycleReferences`: records whose fields are being converted.
    records: BTreeMap<NodeId, TypeId>,
    /// Unnamed types so far.
    unnamed: u32,
    defaults: Vec<FieldDefault>,
}

impl Conversion<'_> {
    /// `required`: as if the node were not optional (Java's `nonOptional`).
    fn convert(&mut self, id: NodeId, required: bool) -> Result<TypeId> {
        let schema = self.schema;
        let node = schema.node(id);
        let optional = node.optional && !required;
        let fingerprint = if optional { None } else { self.sharing.fingerprint(schema, id) };
        if let Some(fingerprint) = &fingerprint
            && !looks_like_union(node)
            && let Some(shared) = self.shared.get(fingerprint)
        {
            return Ok(*shared);
        }
        let converted = match node.kind {
            Type::Struct if node.name.as_deref() == Some(VARIANT) => {
                let variant = self.variant();
                self.annotated(variant, id, optional)?
            }
            Type::Struct if is_union(node) => self.union(node, optional)?,
            // Null comes first even if there is a default, unlike with any other type.
            Type::Struct if optional => {
                let record = self.with_cycle(id, true)?;
                self.null_or(record)
            }
            Type::Struct => {
                let record = self.record(id, node)?;
                self.annotated(record, id, optional)?
            }
            _ => {
                let base = self.base(node)?;
                self.annotated(base, id, optional)?
            }
        };
        if let Some(fingerprint) = fingerprint {
            self.shared.insert(fingerprint, converted);
        }
        Ok(converted)
    }

    /// As [`Self::convert`], but a reference back to an enclosing struct is one here, too.
    fn with_cycle(&mut self, id: NodeId, required: bool) -> Result<TypeId> {
        let Some(record) = self.records.get(&id).copied() else { return self.convert(id, required) };
        let node = self.schema.node(id);
        Ok(if node.optional && !required { self.optional(record, node) } else { record })
    }

    fn add(&mut self, kind: Kind) -> TypeId {
        self.types.add(AvroType::new(kind))
    }

    fn null_or(&mut self, ty: TypeId) -> TypeId {
        let null = self.add(Kind::Null);
        self.add(Kind::Union(vec![null, ty]))
    }

    /// `maybeMakeOptional`: the default's type comes first, as Avro wanted it before 1.12.
    fn optional(&mut self, ty: TypeId, node: &Node) -> TypeId {
        if node.default.is_none() {
            return self.null_or(ty);
        }
        let null = self.add(Kind::Null);
        self.add(Kind::Union(vec![ty, null]))
    }

    fn annotated(&mut self, ty: TypeId, id: NodeId, optional: bool) -> Result<TypeId> {
        self.annotate(ty, id)?;
        Ok(if optional { self.optional(ty, self.schema.node(id)) } else { ty })
    }

    fn base(&mut self, node: &Node) -> Result<TypeId> {
        let kind = match node.kind {
            Type::Int8 | Type::Int16 | Type::Int32 => Kind::Int,
            Type::Int64 => Kind::Long,
            Type::Float32 => Kind::Float,
            Type::Float64 => Kind::Double,
            Type::Boolean => Kind::Boolean,
            Type::String => match enum_parameter(node, self.config) {
                Some(parameter) => self.enumeration(node, parameter)?,
                None => Kind::String,
            },
            Type::Bytes => return self.bytes(node),
            Type::Array => Kind::Array(self.with_cycle(node.item.unwrap_or(0), false)?),
            Type::Map if string_keyed(self.schema, node, self.config) => {
                Kind::Map(self.with_cycle(node.item.unwrap_or(0), false)?)
            }
            Type::Map => Kind::Array(self.map_entry(node)?),
            Type::Struct => return Err(Error::internal("avro.schema", "a struct has no base type")),
        };
        Ok(self.add(kind))
    }

    fn bytes(&mut self, node: &Node) -> Result<TypeId> {
        let kind =
            if is_fixed(node) { Kind::Fixed(Fixed::new(self.name(node)?, fixed_size(node)?)) } else { Kind::Bytes };
        let ty = self.add(kind);
        if is_logical(node, logical::DECIMAL) {
            let scale = number(node, SCALE)?;
            self.types.add_prop(ty, SCALE, scale);
            self.types.add_prop(ty, PRECISION, precision(node)?);
        }
        Ok(ty)
    }

    fn enumeration(&mut self, node: &Node, parameter: &str) -> Result<Kind> {
        let symbol_of =
            |key: &str| key.strip_prefix(parameter).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned);
        let symbols: Vec<String> = node.parameters.iter().filter_map(|(key, _)| symbol_of(key)).collect();
        // Java derives this name for the documentation alone; an unnamed enum uses up a number all the same.
        let doc_name = self.name(node)?;
        let Some(name) = node.get_parameter(parameter) else {
            return Err(invalid_enum(format!("expected its name in the parameter {parameter}, found none")).hint(
                "set generalized.sum.type.support or enhanced.avro.schema.support as the writer of the schema did",
            ));
        };
        let mut definition = Enum::new(names::check(Name::new(name, None))?, symbols);
        if self.config.discard_type_doc_default {
            definition.doc = node.get_parameter(CONNECT_ENUM_DOC).map(str::to_owned);
        } else {
            let parameter =
                |prefix: &str| node.get_parameter(&format!("{prefix}{}", doc_name.simple())).map(str::to_owned);
            definition.doc = parameter(ENUM_DOC_PREFIX);
            definition.default = parameter(ENUM_DEFAULT_PREFIX);
        }
        let mut seen = BTreeSet::new();
        for symbol in &definition.symbols {
            names::check_simple(symbol)?;
            if !seen.insert(symbol) {
                return Err(invalid_enum(format!("expected different symbols, found {symbol} twice")));
            }
        }
        if definition.default.as_ref().is_some_and(|default| !definition.symbols.contains(default)) {
            return Err(invalid_enum("expected one of its symbols as default, found another text".to_owned()));
        }
        Ok(Kind::Enum(definition))
    }

    /// The record of an entry of a map whose keys are no required strings.
    fn map_entry(&mut self, node: &Node) -> Result<TypeId> {
        let name = match &node.name {
            None => Name::new(MAP_ENTRY, Some(NAMESPACE)),
            Some(_) => self.name(node)?,
        };
        let entry = self.add(Kind::Record(Record::new(name)));
        if node.name.is_some() {
            self.types.add_prop(entry, CONNECT_INTERNAL_TYPE, MAP_ENTRY);
        }
        self.field(entry, KEY, node.key.unwrap_or(0), None)?;
        self.field(entry, VALUE, node.item.unwrap_or(0), None)?;
        Ok(entry)
    }

    fn union(&mut self, node: &Node, optional: bool) -> Result<TypeId> {
        let mut branches = Vec::with_capacity(node.fields.len() + 1);
        if optional {
            branches.push(self.add(Kind::Null));
        }
        for field in &node.fields {
            branches.push(self.with_cycle(field.node, true).map_err(|e| e.field(&field.name))?);
        }
        let mut seen = BTreeSet::new();
        for branch in &branches {
            let Some(ty) = self.types.get(*branch) else { continue };
            if matches!(ty.kind, Kind::Union(_)) {
                return Err(invalid_union("a union in it".to_owned()));
            }
            if !seen.insert(ty.full_name()) {
                return Err(invalid_union(format!("two of {}", ty.full_name())));
            }
        }
        Ok(self.add(Kind::Union(branches)))
    }

    /// `VariantConversion.getRecommendedSchema`.
    fn variant(&mut self) -> TypeId {
        let record = Record::new(Name::new("confluent.type.Variant", None));
        let variant = self.add(Kind::Record(record));
        for name in ["metadata", "value"] {
            let bytes = self.add(Kind::Bytes);
            self.types.add_field(variant, Field::new(name, bytes));
        }
        self.types.add_prop(variant, LOGICAL_TYPE, "variant");
        variant
    }

    fn record(&mut self, id: NodeId, node: &Node) -> Result<TypeId> {
        if self.records.contains_key(&id) {
            return Err(recursion("a required field that contains the struct it is in"));
        }
        let discard = self.config.discard_type_doc_default;
        let mut record = Record::new(self.name(node)?);
        record.doc = node.get_parameter(if discard { CONNECT_RECORD_DOC } else { RECORD_DOC }).map(str::to_owned);
        let record = self.add(Kind::Record(record));
        if node.name.is_some() {
            self.records.insert(id, record);
        }
        let mut seen = BTreeSet::new();
        for field in &node.fields {
            if Schema::is_back_reference(id, field.node) && !self.records.contains_key(&field.node) {
                return Err(recursion("a struct without a name that contains itself").field(&field.name));
            }
            let scrub = self.config.scrub_invalid_names;
            let name = if scrub { names::scrub(&field.name) } else { field.name.as_str().into() };
            if !seen.insert(name.to_string()) {
                return Err(Error::data(
                    "avro.name",
                    format!("Avro record: expected different fields, found {name} twice"),
                )
                .hint("rename one of the fields: both become this Avro name"));
            }
            let doc = match discard {
                true => None,
                false => node.get_parameter(&format!("{FIELD_DOC_PREFIX}{}", field.name)),
            };
            self.field(record, &name, field.node, doc).map_err(|e| e.field(&field.name))?;
        }
        self.records.remove(&id);
        Ok(record)
    }

    fn field(&mut self, record: TypeId, name: &str, id: NodeId, doc: Option<&str>) -> Result<()> {
        let schema = self.schema;
        let node = schema.node(id);
        let json = |non_finite| match &node.default {
            Some(value) => default::json(schema, self.config, id, value, non_finite).map(Some),
            None => Ok(node.optional.then_some(Json::Null)),
        };
        let (default, checked) = (json(NonFinite::Text)?, json(NonFinite::Zero)?);
        let ty = self.convert(id, false)?;
        names::check_simple(name)?;
        let position = match self.types.get(record).map(|ty| &ty.kind) {
            Some(Kind::Record(record)) => record.fields.len(),
            _ => 0,
        };
        if let Some(json) = checked {
            self.defaults.push(FieldDefault { record, position, ty, json });
        }
        let mut field = Field::new(name, ty);
        field.doc = if self.config.discard_type_doc_default { node.doc.clone() } else { doc.map(str::to_owned) };
        field.default = default;
        self.types.add_field(record, field);
        Ok(())
    }

    /// `getNameOrDefault`: unnamed types are `ConnectDefault`, `ConnectDefault2` ... in the order of their conversion.
    fn name(&mut self, node: &Node) -> Result<Name> {
        if let Some(name) = &node.name {
            return names::record_name(name, self.config.scrub_invalid_names);
        }
        self.unnamed += 1;
        let number = if self.unnamed > 1 { self.unnamed.to_string() } else { String::new() };
        Ok(Name::new(&format!("{DEFAULT_RECORD}{number}"), Some(NAMESPACE)))
    }

    /// Metadata goes on the type itself: a union takes no properties.
    fn annotate(&mut self, ty: TypeId, id: NodeId) -> Result<()> {
        let schema = self.schema;
        let node = schema.node(id);
        let mut props: Vec<(&str, Json)> = Vec::new();
        if self.config.connect_meta_data {
            if let Some(doc) = &node.doc {
                props.push((CONNECT_DOC, doc.as_str().into()));
            }
            if let Some(version) = node.version {
                props.push((CONNECT_VERSION, version.into()));
            }
            let discard = self.config.discard_type_doc_default;
            let kept = node.parameters.iter().filter(|(key, _)| discard || key != FIELD_DEFAULT_FLAG);
            let parameters: serde_json::Map<String, Json> = kept.map(|(k, v)| (k.clone(), v.as_str().into())).collect();
            if !parameters.is_empty() {
                props.push((CONNECT_PARAMETERS, Json::Object(parameters)));
            }
            if let Some(value) = &node.default
                && (discard || node.get_parameter(FIELD_DEFAULT_FLAG).is_none())
            {
                props.push((CONNECT_DEFAULT, default::json(schema, self.config, id, value, NonFinite::Text)?));
            }
            if let Some(name) = &node.name {
                props.push((CONNECT_NAME, name.as_str().into()));
            }
            match node.kind {
                Type::Int8 | Type::Int16 => props.push((CONNECT_TYPE, node.kind.name().into())),
                _ => {}
            }
        }
        self.logical_type(ty, node, &mut props)?;
        props.extend(
            node.parameters
                .iter()
                .filter(|(key, _)| key.starts_with(AVRO_PREFIX))
                .map(|(key, value)| (key.as_str(), value.as_str().into())),
        );
        for (key, value) in props {
            if !self.types.add_prop(ty, key, value) {
                return Err(Error::data(
                    "avro.parameter",
                    format!(
                        "Connect schema, parameter {key}: expected the value that the type itself sets, found another"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// `LogicalType.addToSchema`, with its validation.
    fn logical_type(&self, ty: TypeId, node: &Node, props: &mut Vec<(&str, Json)>) -> Result<()> {
        let kind = self.types.get(ty).map(|ty| &ty.kind);
        let (name, fits) = if is_logical(node, logical::DECIMAL) {
            let precision = precision(node)?;
            if node.parameters.is_empty() {
                return Err(invalid_logical_type(logical::DECIMAL, "parameters, found none"));
            }
            let scale = if node.get_parameter(SCALE).is_some() { number(node, SCALE)? } else { 0 };
            // A scale that Avro refuses is written all the same; its readers then ignore the logical type.
            let unchecked = scale < 0 || scale > precision;
            let most = match kind {
                Some(Kind::Fixed(fixed)) => {
                    (std::f64::consts::LOG10_2 * (8.0 * fixed.size as f64 - 1.0)).floor() as i64
                }
                Some(Kind::Bytes) => i64::from(i32::MAX),
                _ => 0,
            };
            ("decimal", unchecked || (precision > 0 && i64::from(precision) <= most))
        } else if is_logical(node, logical::TIME) {
            ("time-millis", matches!(kind, Some(Kind::Int)))
        } else if is_logical(node, logical::TIMESTAMP) {
            ("timestamp-millis", matches!(kind, Some(Kind::Long)))
        } else if is_logical(node, logical::DATE) {
            ("date", matches!(kind, Some(Kind::Int)))
        } else {
            return Ok(());
        };
        if !fits {
            return Err(invalid_logical_type(name, "a type that can hold it, found another"));
        }
        props.push((LOGICAL_TYPE, name.into()));
        Ok(())
    }
}

fn is_logical(node: &Node, name: &str) -> bool {
    node.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
}

fn precision(node: &Node) -> Result<i32> {
    if node.get_parameter(DECIMAL_PRECISION).is_some() {
        number(node, DECIMAL_PRECISION)
    } else {
        Ok(DEFAULT_PRECISION)
    }
}

fn invalid_enum(message: String) -> Error {
    Error::data("avro.enum", format!("Avro enum: {message}"))
}

fn invalid_union(found: String) -> Error {
    Error::data("avro.union", format!("Avro union: expected different types, found {found}"))
}

fn invalid_logical_type(name: &str, expected: &str) -> Error {
    Error::data("avro.logical-type", format!("logical type {name}: expected {expected}"))
}

fn recursion(found: &str) -> Error {
    Error::data(
        "avro.recursion",
        format!("recursive schema: expected a named optional struct or an array or map of it, found {found}"),
    )
}
