//! The JSON form in which the corpus (`tests/corpus`) writes Connect schemas and values, and its rules of comparison.
//!
//! The form is JsonConverter's with `schemas.enable=true` and nulls that never become defaults; `tests/corpus/README.md`
//! specifies it. [`schema`] and [`payload`] convert to and from `connect-data`, [`compare`] says where two results
//! differ, [`vectors`] reads `*.jsonl` files. Depends on `connect-data` alone, so that every core can test with it.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod base64;
pub mod compare;
pub mod payload;
pub mod schema;
pub mod vectors;

use connect_data::{Error, Result, Schema, Value};

/// A schema (`None` = schemaless) and a value of it.
pub type Datum = (Option<Schema>, Value);

/// Reads `{"schema": ..., "payload": ...}`.
///
/// # Errors
/// Data `connect-json`: not in the form.
pub fn read(json: &serde_json::Value) -> Result<Datum> {
    let schema = schema::read(json.get("schema").unwrap_or(&serde_json::Value::Null))?;
    let value = payload::read(schema.as_ref(), json.get("payload").unwrap_or(&serde_json::Value::Null))?;
    Ok((schema, value))
}

/// Writes `{"schema": ..., "payload": ...}`.
///
/// # Errors
/// Data `connect-json`: a value that is not of the schema.
pub fn write(schema: Option<&Schema>, value: &Value) -> Result<serde_json::Value> {
    Ok(serde_json::json!({ "schema": schema::write(schema)?, "payload": payload::write(schema, value)? }))
}

fn malformed(message: impl Into<String>) -> Error {
    Error::data("connect-json", message)
}
