//! Whether a default fits its field: `Schema.isValidDefault` of Avro 1.12.1.

use super::{AvroSchema, Json, Kind, TypeId};

/// Whether `value` is a valid default for a field of this type. A union takes a default of any of its branches.
pub fn valid_default(schema: &AvroSchema, ty: TypeId, value: &Json) -> bool {
    let integer = |least: i64, most: i64| value.as_i64().is_some_and(|n| (least..=most).contains(&n));
    match &schema.get(ty).kind {
        Kind::String | Kind::Bytes | Kind::Enum(_) | Kind::Fixed(_) => value.is_string(),
        Kind::Int => integer(i64::from(i32::MIN), i64::from(i32::MAX)),
        Kind::Long => integer(i64::MIN, i64::MAX),
        Kind::Float | Kind::Double => value.is_number(),
        Kind::Boolean => value.is_boolean(),
        Kind::Null => value.is_null(),
        Kind::Array(item) => {
            value.as_array().is_some_and(|items| items.iter().all(|value| valid_default(schema, *item, value)))
        }
        Kind::Map(item) => {
            value.as_object().is_some_and(|entries| entries.values().all(|value| valid_default(schema, *item, value)))
        }
        Kind::Union(branches) => branches.iter().any(|branch| valid_default(schema, *branch, value)),
        Kind::Record(record) => value.as_object().is_some_and(|members| {
            record.fields.iter().all(|field| {
                let value = members.get(&field.name).or(field.default.as_ref());
                value.is_some_and(|value| valid_default(schema, field.ty, value))
            })
        }),
    }
}
