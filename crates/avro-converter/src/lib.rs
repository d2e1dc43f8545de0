//! Avro in the Confluent wire format <-> Connect data, compiled to plans.
//!
//! Behaviour: Confluent's `AvroData` and `AvroConverter` 8.3.1 (schema-registry tag v8.3.1, Avro 1.12.1). Plans are
//! compiled once per schema and configuration, immutable and shared; per record only a plan runs.
//!
//! * [`avro_schema`]: the Avro schema model, its parser and its printer;
//! * [`avro_json`]: Avro data as JSON text, for people and for tools;
//! * `to_connect`: Avro to Connect, schemas and records;
//! * `from_connect`: Connect to Avro, schemas and records;
//! * `converter`: the wire header, plan caches and registry needs around the two.
//!
//! What the converter calls in `from_connect` (bytes are always without the wire header):
//!
//! ```text
//! EncodePlan::compile(schema: Option<&Schema>, config: &AvroDataConfig) -> Result<EncodePlan>    None: schemaless
//! plan.avro_schema() -> &Arc<AvroSchema>                                       what is registered
//! plan.with_writer_schema(Arc<AvroSchema>) -> Result<EncodePlan>               the registry chose another schema
//! plan.encode(&Image, &mut Vec<u8>) -> Result<bool>       appends the Avro bytes; false: null bytes, no registry call
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod avro_json;
pub mod avro_schema;
pub mod config;
pub mod converter;
pub mod from_connect;
pub mod to_connect;
