//! Bytes to JSON.

use super::arguments::DecodeArguments;
use super::{FAILED, Source, schema, stream, tell};
use crate::cat::Schemas;
use crate::registry::Registered;
use avro_converter::avro_json::Style;
use avro_converter::converter::AvroConverter;
use connect_data::row_image::tree;
use connect_data::{Error, InternedSchemas, Result, SchemaStore, TopicId, Value};
use schema_registry::{RegistryClient, RegistryConfig};
use std::io::{Read, Write};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Messages from `input` to lines on `output`. Returns the exit code.
///
/// # Errors
/// Config: options that are wrong. Outage: the streams or the registry fail.
pub(super) fn run(
    arguments: &DecodeArguments,
    input: &mut dyn Read,
    output: &mut dyn Write,
    errors: &mut dyn Write,
    handle: Handle,
) -> Result<u8> {
    let common = &arguments.common;
    let file = schema(common)?;
    if file.is_none() && !super::names_registry(common) {
        let message = "options: expected a registry or a schema, found neither";
        return Err(Error::config("convert.schema", message).hint("add -r URL, or --schema FILE"));
    }
    let source = Source::new(common, file.as_ref().map(|(text, _)| text.as_str()), handle)?;
    let mut decoder = Decoder::new(arguments, source)?;
    let (mut code, mut text) = (0, String::new());
    for number in 1_u64.. {
        let Some(message) = common.form.read(input)? else { break };
        text.clear();
        let decoded = message.and_then(|bytes| match bytes {
            None => {
                text.push_str("null");
                Ok(())
            }
            Some(bytes) => decoder.decode(&bytes, &mut text),
        });
        if let Err(error) = decoded {
            code = FAILED;
            if tell(common, number, &error, errors) {
                continue;
            }
            break;
        }
        text.push('\n');
        output.write_all(text.as_bytes()).map_err(|error| stream(&error))?;
    }
    Ok(code)
}

enum Decoder {
    Avro(Box<Schemas>),
    Connect { converter: Registered, topic: TopicId, schemas: Arc<dyn SchemaStore>, with_schema: bool },
}

impl Decoder {
    fn new(arguments: &DecodeArguments, source: Source) -> Result<Self> {
        let style = match (arguments.avro_json, arguments.json) {
            (true, _) => Some(Style::Avro),
            (_, true) => Some(Style::Plain),
            _ => None,
        };
        if let Some(style) = style {
            let client = RegistryClient::new(RegistryConfig::new(&source.settings)?);
            return Ok(Self::Avro(Box::new(Schemas::new(client, source.performer, style))));
        }
        let schemas: Arc<dyn SchemaStore> = Arc::new(InternedSchemas::new());
        let converter = AvroConverter::new(&source.settings, arguments.common.key, schemas.clone())?;
        let converter = Registered::new(Box::new(converter), source.performer);
        let topic = converter.topic(&arguments.common.topic)?;
        Ok(Self::Connect { converter, topic, schemas, with_schema: !arguments.payload })
    }

    fn decode(&mut self, bytes: &[u8], out: &mut String) -> Result<()> {
        match self {
            Self::Avro(schemas) => schemas.print(bytes, None, out).map(drop),
            Self::Connect { converter, topic, schemas, with_schema } => {
                let mut image = Vec::new();
                let (schema, value) = match converter.to_connect(*topic, &[], bytes, &mut image)? {
                    None => (None, Value::Null),
                    Some(id) => {
                        let schema = id.and_then(|id| schemas.get(id));
                        let value = tree::read(schema.as_deref(), &image, bytes)?;
                        (schema, value)
                    }
                };
                let json = match with_schema {
                    true => connect_json::write(schema.as_deref(), &value)?,
                    false => connect_json::payload::write(schema.as_deref(), &value)?,
                };
                out.push_str(&json.to_string());
                Ok(())
            }
        }
    }
}
