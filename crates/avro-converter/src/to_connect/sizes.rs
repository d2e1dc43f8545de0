//! How many bytes values of a writer's types take.

use crate::avro_schema::{AvroSchema, Kind, TypeId};
use std::collections::BTreeMap;

pub(super) struct Sizes<'a> {
    schema: &'a AvroSchema,
    /// Zero while a record is looked at: inside itself it has no end, so any least number will do.
    least: BTreeMap<TypeId, u32>,
    /// None while a record is looked at.
    constant: BTreeMap<TypeId, Option<u32>>,
}

impl<'a> Sizes<'a> {
    pub(super) fn new(schema: &'a AvroSchema) -> Self {
        Self { schema, least: BTreeMap::new(), constant: BTreeMap::new() }
    }

    /// A number of bytes that no value falls short of.
    pub(super) fn least(&mut self, id: TypeId) -> u32 {
        match &self.schema.get(id).kind {
            Kind::Null => 0,
            Kind::Float => 4,
            Kind::Double => 8,
            Kind::Fixed(fixed) => fixed.size as u32,
            Kind::Record(record) => {
                if let Some(known) = self.least.get(&id) {
                    return *known;
                }
                self.least.insert(id, 0);
                let sum = record.fields.iter().fold(0u32, |sum, field| sum.saturating_add(self.least(field.ty)));
                self.least.insert(id, sum);
                sum
            }
            _ => 1,
        }
    }

    /// The number of bytes of every value, if it is always the same.
    pub(super) fn constant(&mut self, id: TypeId) -> Option<u32> {
        match &self.schema.get(id).kind {
            Kind::Null => Some(0),
            Kind::Boolean => Some(1),
            Kind::Float => Some(4),
            Kind::Double => Some(8),
            Kind::Fixed(fixed) => u32::try_from(fixed.size).ok(),
            Kind::Record(record) => {
                if let Some(known) = self.constant.get(&id) {
                    return *known;
                }
                self.constant.insert(id, None);
                let sum = record.fields.iter().try_fold(0u32, |sum, field| sum.checked_add(self.constant(field.ty)?));
                self.constant.insert(id, sum);
                sum
            }
            _ => None,
        }
    }
}
