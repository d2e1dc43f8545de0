//! What `AvroData.toConnectSchema` makes of unions and arrays: the schema and the plan must agree on it.

use crate::avro_schema::{AvroSchema, AvroType, Kind, TypeId};
use crate::config::AvroDataConfig;
use crate::from_connect::properties::{CONNECT_INTERNAL_TYPE, KEY, MAP_ENTRY, NAMESPACE, VALUE};
use connect_data::{Error, Result};

/// How a union is read.
pub(super) enum Union {
    /// `[T]`: as T.
    Single(TypeId),
    /// `[null, T]` or `[T, null]`: as an optional T.
    Optional(TypeId),
    /// Anything else: as a struct with one optional field per branch that is not null.
    Struct,
}

pub(super) fn union(avro: &AvroSchema, branches: &[TypeId], config: &AvroDataConfig) -> Union {
    // A null with properties does not equal Java's null schema.
    let null = |id: &TypeId| matches!(avro.get(*id).kind, Kind::Null) && avro.get(*id).props.is_empty();
    match branches {
        [only] if config.flatten_singleton_unions => Union::Single(*only),
        [a, b] if null(a) && !null(b) => Union::Optional(*b),
        [a, b] if null(b) && !null(a) => Union::Optional(*a),
        _ => Union::Struct,
    }
}

/// An array of key-value records, which stands for a map.
#[derive(Clone, Copy)]
pub(super) struct MapEntry {
    pub(super) key: TypeId,
    pub(super) value: TypeId,
}

/// `AvroData.isMapEntry`, with the record's two types.
///
/// # Errors
/// Data `avro.map-entry`: the record is marked as a map entry and has other fields.
pub(super) fn map_entry(avro: &AvroSchema, item: TypeId) -> Result<Option<MapEntry>> {
    let AvroType { kind: Kind::Record(record), props } = avro.get(item) else { return Ok(None) };
    let by_name = record.name.namespace() == Some(NAMESPACE) && record.name.simple() == MAP_ENTRY;
    if !by_name && props.text(CONNECT_INTERNAL_TYPE) != Some(MAP_ENTRY) {
        return Ok(None);
    }
    match (record.fields.len(), record.field(KEY), record.field(VALUE)) {
        (2, Some((_, key)), Some((_, value))) => Ok(Some(MapEntry { key: key.ty, value: value.ty })),
        _ => Err(Error::data(
            "avro.map-entry",
            format!("record {}: expected the fields key and value of a map entry, found others", record.name.full()),
        )),
    }
}
