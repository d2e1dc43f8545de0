//! Connect to Avro: `AvroData.fromConnectSchema` and `fromConnectData` of Confluent 8.3.1, and Avro 1.12.1's
//! `GenericDatumWriter`, compiled to plans.
//!
//! An [`EncodePlan`] is compiled once for a Connect schema and a configuration. It reads row images
//! ([`connect_data::row_image`]) and appends Avro bytes, without the wire header. Plans are immutable and shared between
//! threads; encoding allocates nothing but what the caller's vector needs to grow.
//!
//! ```
//! use avro_converter::{config::AvroDataConfig, from_connect::EncodePlan};
//! use connect_data::{Properties, Schema, SchemaBuilder, Type, Value, row_image::{Image, tree}, schema::Node};
//! let mut b = SchemaBuilder::new();
//! let row = b.push(Node::new(Type::Struct).named("inventory.Row"));
//! b.field(row, "id", Node::new(Type::Int64));
//! let schema = b.build().unwrap();
//! let config = AvroDataConfig::new(&Properties::default()).unwrap();
//! let plan = EncodePlan::compile(Some(&schema), &config).unwrap();
//! let mut image = Vec::new();
//! tree::write(Some(&schema), &Value::Struct(vec![Value::Int64(3)]), &mut image).unwrap();
//! let mut bytes = Vec::new();
//! assert!(plan.encode(&Image::new(&image, &[]).unwrap(), &mut bytes).unwrap());
//! assert_eq!(bytes, [6]);
//! ```

mod anything;
mod compile;
mod constant;
mod default;
mod encode;
mod flat;
pub(crate) mod leaf;
pub(crate) mod names;
pub(crate) mod node;
mod plan;
pub(crate) mod properties;
mod resolve;
mod schema;
mod sharing;
mod straight;
mod write;

pub(crate) use flat::{Form, Written};
pub use schema::avro_schema;

use crate::avro_schema::AvroSchema;
use crate::config::AvroDataConfig;
use connect_data::row_image::{Image, Layout};
use connect_data::{Error, Result, Schema};
use plan::{Code, Op, Place};
use resolve::Types;
use std::sync::Arc;

/// Encodes the records of one Connect schema. Clones share everything.
#[derive(Clone, Debug)]
pub struct EncodePlan {
    source: Arc<Source>,
    writer: Arc<AvroSchema>,
    code: Arc<Code>,
}

/// What a plan for any writer's schema is compiled from.
#[derive(Debug)]
struct Source {
    /// `None` = schemaless.
    schema: Option<Schema>,
    config: AvroDataConfig,
    slots: usize,
    own: Arc<AvroSchema>,
}

impl EncodePlan {
    /// Compiles the plan that writes records as the schema's own Avro schema. `None` is schemaless data.
    ///
    /// # Errors
    /// Those of [`avro_schema`]. What makes Java fail for single records fails in [`Self::encode`].
    pub fn compile(schema: Option<&Schema>, config: &AvroDataConfig) -> Result<Self> {
        let own = Arc::new(avro_schema(schema, config)?);
        let slots = schema.map_or(1, |schema| Layout::of(schema).slots());
        let source = Source { schema: schema.cloned(), config: *config, slots, own: Arc::clone(&own) };
        Self::for_writer(Arc::new(source), own)
    }

    /// The plan that writes the same records as a schema that the registry chose (`use.latest.version`,
    /// `use.schema.id`). Fields are taken by name, or else by position: compatibility is the caller's to
    /// check.
    ///
    /// # Errors
    /// Data `avro.plan`: a plan beyond all measure. What the writer's schema does not take fails in [`Self::encode`].
    pub fn with_writer_schema(&self, writer: Arc<AvroSchema>) -> Result<Self> {
        Self::for_writer(Arc::clone(&self.source), writer)
    }

    fn for_writer(source: Arc<Source>, writer: Arc<AvroSchema>) -> Result<Self> {
        let code = match &source.schema {
            Some(schema) => compile::compile(&Types {
                schema,
                layout: &Layout::of(schema),
                config: &source.config,
                own: &source.own,
                writer: &writer,
            })?,
            None => schemaless(&source.own, &writer),
        };
        Ok(Self { source, writer, code: Arc::new(code) })
    }

    /// The Avro schema of the Connect schema; its `to_string()` is what Java registers. The same for every writer's
    /// schema.
    ///
    /// Two different structs of one name stay two types here, and the bytes follow each; the text refers to the first
    /// one, so readers cannot read such records. Java does the same.
    pub fn avro_schema(&self) -> &Arc<AvroSchema> {
        &self.source.own
    }

    /// The schema that the bytes follow.
    pub fn writer_schema(&self) -> &Arc<AvroSchema> {
        &self.writer
    }

    /// The values that the plan writes, if it is no more than a list of them.
    pub(crate) fn flat(&self) -> Option<Vec<Written>> {
        flat::flat(&self.code)
    }

    /// Slots of the images that the plan reads.
    pub fn slots(&self) -> usize {
        self.source.slots
    }

    /// Appends the Avro bytes of a record. `false`: the record is null, nothing is appended, and the message has no
    /// value.
    ///
    /// # Errors
    /// Nothing is appended then. Data: `avro.null-required`, `avro.unavailable`, `avro.enum-symbol`, `avro.fixed-size`,
    /// `avro.time-range`, `avro.decimal`, `avro.null-key`, `avro.default`, `avro.schemaless-bytes`, `avro.too-large`; `avro.writer-type`
    /// and `avro.fields` for what the writer's schema does not take. Internal: an image that does not fit the schema.
    pub fn encode(&self, image: &Image<'_>, out: &mut Vec<u8>) -> Result<bool> {
        if !image.is_no_value() {
            image.expect_slots(self.source.slots)?;
        }
        if image.is_no_value() || image.is_null(0) {
            return match &self.source.schema {
                Some(schema) if !schema.root().optional => Err(constant::null_for_required()),
                _ => Ok(false),
            };
        }
        if image.is_unavailable(0) {
            return Err(constant::unavailable());
        }
        encode::encode(&self.code, image, out)
    }
}

/// Schemaless data is one opcode, and one schema.
fn schemaless(own: &AvroSchema, writer: &AvroSchema) -> Code {
    let mut code = Code { places: vec![Place::Root], ..Code::default() };
    let first = if own.canonical_form() == writer.canonical_form() {
        Op::Anything { slot: 0 }
    } else {
        code.errors.push(
            Error::data("avro.writer-type", "schemaless data: expected the schema Anything, found another")
                .hint("use auto.register.schemas, or give the data a schema"),
        );
        Op::FailAlways { error: 0 }
    };
    code.ops = vec![first, Op::End];
    code.at = vec![0, 0];
    code
}
