//! JSON to bytes.

use super::arguments::{Common, EncodeArguments};
use super::form::line;
use super::{FAILED, Source, schema, tell};
use crate::cat::Schemas;
use crate::registry::Registered;
use avro_converter::avro_json::{Reader, Style};
use avro_converter::avro_schema::AvroSchema;
use avro_converter::converter::{AvroConverter, SchemaRef};
use connect_data::row_image::tree;
use connect_data::{Error, InternedSchemas, Result, SchemaStore, TopicId};
use schema_registry::{RegistryClient, RegistryConfig};
use serde_json::Value as Json;
use std::io::{Read, Write};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Lines from `input` to messages on `output`. Returns the exit code.
///
/// # Errors
/// Config: options that are wrong. Outage: the streams or the registry fail.
pub(super) fn run(
    arguments: &EncodeArguments,
    input: &mut dyn Read,
    output: &mut dyn Write,
    errors: &mut dyn Write,
    handle: Handle,
) -> Result<u8> {
    let common = &arguments.common;
    let encoder = Encoder::new(arguments, handle)?;
    let mut code = 0;
    for number in 1_u64.. {
        let Some(line) = line(input)? else { break };
        match encoder.encode(&line) {
            Ok(bytes) => common.form.write(bytes.as_deref(), output)?,
            Err(error) => {
                code = FAILED;
                if !tell(common, number, &error, errors) {
                    break;
                }
            }
        }
    }
    Ok(code)
}

enum Encoder {
    Avro { schema: AvroSchema, id: i32 },
    Connect { converter: Registered, topic: TopicId, schemas: Arc<dyn SchemaStore> },
}

impl Encoder {
    fn new(arguments: &EncodeArguments, handle: Handle) -> Result<Self> {
        let common = &arguments.common;
        let wrong = |expected: &str| {
            Error::config("convert.schema", format!("options: expected {expected}, found something else"))
        };
        let file = schema(common)?;
        let has_registry = super::names_registry(common);
        if arguments.avro_json {
            return match (file, common.schema_id, has_registry) {
                (Some((_, schema)), Some(id), false) => Ok(Self::Avro { schema, id }),
                (Some((_, schema)), None, true) => {
                    let id = register(common, &schema, handle)?;
                    Ok(Self::Avro { schema, id })
                }
                (None, Some(id), true) => {
                    let source = Source::new(common, None, handle)?;
                    let client = RegistryClient::new(RegistryConfig::new(&source.settings)?);
                    let schemas = Schemas::new(client, source.performer, Style::Avro);
                    let schema = schemas.fetch(SchemaRef::Id(id))?.1;
                    Ok(Self::Avro { schema, id })
                }
                _ => Err(wrong("two of --schema FILE, --schema-id ID and -r URL with --avro-json")),
            };
        }
        if file.is_some() {
            return Err(wrong("--avro-json with --schema FILE, as Connect's JSON brings its schema,"));
        }
        if has_registry == common.schema_id.is_some() {
            return Err(wrong("either -r URL or --schema-id ID"));
        }
        let source = Source::new(common, None, handle)?;
        let schemas: Arc<dyn SchemaStore> = Arc::new(InternedSchemas::new());
        let converter = AvroConverter::new(&source.settings, common.key, schemas.clone())?;
        let converter = Registered::new(Box::new(converter), source.performer);
        let topic = converter.topic(&common.topic)?;
        Ok(Self::Connect { converter, topic, schemas })
    }

    /// The bytes of a line; `None` = a null message.
    fn encode(&self, line: &[u8]) -> Result<Option<Vec<u8>>> {
        if line.is_empty() {
            return Ok(None);
        }
        let json: Json = serde_json::from_slice(line).map_err(|error| {
            let place = error.column();
            Error::data("convert.json", format!("expected JSON, found something else at column {place}"))
        })?;
        match self {
            Self::Avro { schema, id } => {
                let mut out = vec![0];
                out.extend_from_slice(&id.to_be_bytes());
                match Reader::new(schema).read(&json, &mut out) {
                    Ok(()) => Ok(Some(out)),
                    // What `decode` writes for a null message.
                    Err(_) if json.is_null() => Ok(None),
                    Err(error) => Err(error),
                }
            }
            Self::Connect { converter, topic, schemas } => {
                if json.is_null() {
                    return Ok(None);
                }
                if !json
                    .as_object()
                    .is_some_and(|object| object.contains_key("schema") && object.contains_key("payload"))
                {
                    let message = "expected {\"schema\": ..., \"payload\": ...}, found another JSON value";
                    return Err(Error::data("convert.envelope", message)
                        .hint("for Avro's own JSON add --avro-json and --schema FILE"));
                }
                let (schema, value) = connect_json::read(&json)?;
                let mut image = Vec::new();
                tree::write(schema.as_ref(), &value, &mut image)?;
                let id = schema.map(|schema| schemas.intern(Arc::new(schema))).transpose()?;
                let mut out = Vec::new();
                let has_bytes = converter.from_connect(*topic, id, &image, &mut out)?;
                Ok(has_bytes.then_some(out))
            }
        }
    }
}

/// The id that the registry gives the schema of a file, under the subject of the topic's keys or values.
fn register(common: &Common, schema: &AvroSchema, handle: Handle) -> Result<i32> {
    let source = Source::new(common, None, handle)?;
    let client = RegistryClient::new(RegistryConfig::new(&source.settings)?);
    let subject = format!("{}-{}", common.topic, if common.key { "key" } else { "value" });
    Schemas::new(client, source.performer, Style::Avro).register(subject, &schema.to_string())
}
