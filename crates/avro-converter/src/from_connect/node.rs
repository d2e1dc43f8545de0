//! What `AvroData` asks of a Connect schema node.

use super::properties::{ENUM, FIXED_SIZE, GENERALIZED_ENUM, GENERALIZED_UNION, UNION};
use crate::config::AvroDataConfig;
use connect_data::schema::Node;
use connect_data::{Error, Result, Schema, Type};

/// `AvroData.isUnionSchema`, for structs: one field per branch of an Avro union.
pub(crate) fn is_union(node: &Node) -> bool {
    node.kind == Type::Struct && looks_like_union(node)
}

/// `AvroData.isUnionSchema` itself, which does not look at the type.
pub(crate) fn looks_like_union(node: &Node) -> bool {
    node.name.as_deref() == Some(UNION) || node.get_parameter(GENERALIZED_UNION).is_some()
}

/// The parameter that names an enum and prefixes its symbols, if the node becomes an Avro enum.
pub(crate) fn enum_parameter(node: &Node, config: &AvroDataConfig) -> Option<&'static str> {
    let supported = config.generalized_sum_type_support || config.enhanced_avro_schema_support;
    let is_enum = node.get_parameter(GENERALIZED_ENUM).is_some() || node.get_parameter(ENUM).is_some();
    if node.kind != Type::String || !supported || !is_enum {
        return None;
    }
    Some(if config.generalized_sum_type_support { GENERALIZED_ENUM } else { ENUM })
}

/// `AvroData.isFixedSchema`.
pub(crate) fn is_fixed(node: &Node) -> bool {
    node.kind == Type::Bytes && node.name.is_some() && node.get_parameter(FIXED_SIZE).is_some()
}

/// Size of a node that [`is_fixed`].
///
/// # Errors
/// Data `avro.parameter`: not a number of octets.
pub(crate) fn fixed_size(node: &Node) -> Result<usize> {
    let size = number(node, FIXED_SIZE)?;
    usize::try_from(size).map_err(|_| parameter(FIXED_SIZE, "at least 0"))
}

/// A parameter as `Integer.parseInt` reads it.
///
/// # Errors
/// Data `avro.parameter`: absent or not a number.
pub(crate) fn number(node: &Node, key: &str) -> Result<i32> {
    node.get_parameter(key).and_then(|text| text.parse().ok()).ok_or_else(|| parameter(key, "a 32-bit number"))
}

/// Whether a map becomes an Avro map; any other becomes an array of `MapEntry` records.
pub(crate) fn string_keyed(schema: &Schema, map: &Node, config: &AvroDataConfig) -> bool {
    map.key.is_some_and(|key| {
        let key = schema.node(key);
        key.kind == Type::String && (!key.optional || config.allow_optional_map_keys)
    })
}

fn parameter(key: &str, expected: &str) -> Error {
    Error::data("avro.parameter", format!("Connect schema, parameter {key}: expected {expected}, found something else"))
}
