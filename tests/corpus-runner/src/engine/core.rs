//! A core behind connect-data's traits, driven in process: the host's part, with an in-memory registry and a clock that
//! jumps.

use super::{Config, Engine, Failure, Outcome, Plugin};
use crate::json::get;
use crate::registry::SharedRegistry;
use connect_data::frame::{Answer, Datum, Exchange, Headers, Outcome as FrameOutcome, RawHeaders, RecordFrame};
use connect_data::row_image::tree;
use connect_data::{
    Converter, Decoded, Encoded, Error, ErrorKind, InternedSchemas, NeedId, Properties, Schema, SchemaId, SchemaStore,
    Transformation, Value,
};
use serde_json::{Value as Json, json};
use std::cell::Cell;
use std::sync::Arc;

/// Opens the plug-ins of one form.
pub trait Cores {
    /// A converter.
    fn converter(
        &self,
        plugin: Plugin,
        properties: &Properties,
        is_key: bool,
        schemas: Arc<dyn SchemaStore>,
    ) -> connect_data::Result<Box<dyn Converter>>;

    /// ExtractNewRecordState.
    fn transformation(
        &self,
        properties: &Properties,
        schemas: Arc<dyn SchemaStore>,
    ) -> connect_data::Result<Box<dyn Transformation>>;
}

/// An engine over [`Cores`].
pub struct CoreEngine<C> {
    cores: C,
    open: Open,
    schemas: Arc<InternedSchemas>,
    registry: SharedRegistry,
    now_ms: Cell<i64>,
    /// What was deserialized last.
    last: Option<(Option<Arc<Schema>>, Value)>,
}

enum Open {
    None,
    Converter(Box<dyn Converter>),
    Transformation(Box<dyn Transformation>),
}

/// Where the in-memory registry pretends to be.
const REGISTRY: &str = "registry.test:8081";

/// Stands in output vectors before a call; eight bytes, so that images keep their alignment.
const BEFORE: [u8; 8] = [0xA5; 8];

/// More exchanges than this for one operation are a loop.
const MAX_EXCHANGES: usize = 100;

impl<C: Cores> CoreEngine<C> {
    /// With nothing open.
    pub fn new(cores: C) -> Self {
        Self {
            cores,
            open: Open::None,
            schemas: Arc::default(),
            registry: SharedRegistry::default(),
            now_ms: Cell::new(1_000_000),
            last: None,
        }
    }

    fn converter(&self) -> Result<&dyn Converter, String> {
        match &self.open {
            Open::Converter(converter) => Ok(converter.as_ref()),
            _ => Err("no converter is open".into()),
        }
    }

    /// Image and schema of `{"schema","payload"}`.
    fn read_datum(&self, json: &Json) -> Result<(SchemaId, Vec<u8>), String> {
        let (schema, value) = connect_json::read(json).map_err(|e| format!("{e}: {json}"))?;
        self.image(schema.map(Arc::new), &value)
    }

    fn image(&self, schema: Option<Arc<Schema>>, value: &Value) -> Result<(SchemaId, Vec<u8>), String> {
        let mut image = Vec::new();
        tree::write(schema.as_deref(), value, &mut image).map_err(|e| e.to_string())?;
        let schema = schema.map(|schema| self.schemas.intern(schema)).transpose();
        Ok((schema.map_err(|e| e.to_string())?.unwrap_or(0), image))
    }

    fn tree(&self, schema: SchemaId, image: &[u8], input: &[u8]) -> Result<(Option<Arc<Schema>>, Value), String> {
        let schema = match schema {
            0 => None,
            id => Some(self.schemas.get(id).ok_or_else(|| format!("the core names schema {id}, which is unknown"))?),
        };
        let value = tree::read(schema.as_deref(), image, input).map_err(|e| format!("unreadable image: {e}"))?;
        Ok((schema, value))
    }

    fn write_datum(&self, schema: SchemaId, image: &[u8], input: &[u8]) -> Result<Json, String> {
        let (schema, value) = self.tree(schema, image, input)?;
        write(schema.as_deref(), &value)
    }

    fn encode(&self, topic: &str, schema: SchemaId, image: &[u8]) -> Result<Outcome, String> {
        let schema = (schema != 0).then_some(schema);
        let converter = self.converter()?;
        let topic = match converter.topic(topic) {
            Ok(topic) => topic,
            Err(error) => return Ok(failed(&error)),
        };
        for _ in 0..MAX_EXCHANGES {
            let mut out = BEFORE.to_vec();
            match converter.from_connect(topic, schema, image, &mut out) {
                Err(error) => return Ok(failed(&error)),
                Ok(Encoded::Bytes) => return Ok(Outcome::Bytes(appended(&out)?.to_vec(), Vec::new())),
                Ok(Encoded::Null) => return Ok(Outcome::NullBytes),
                Ok(Encoded::Need(need)) => {
                    if let Err(error) = self.satisfy(need)? {
                        return Ok(failed(&error));
                    }
                }
            }
        }
        Err("the converter asks for ever".into())
    }

    /// Performs the exchanges of a need.
    fn satisfy(&self, need: NeedId) -> Result<Result<(), Error>, String> {
        let converter = self.converter()?;
        for _ in 0..MAX_EXCHANGES {
            let mut bytes = Vec::new();
            match converter.exchange(need, self.now_ms.get(), &mut bytes) {
                Err(error) => return Ok(Err(error)),
                Ok(false) => return Ok(Ok(())),
                Ok(true) => {}
            }
            let exchange = Exchange::read(&bytes).map_err(|e| e.to_string())?;
            self.now_ms.set(self.now_ms.get() + i64::from(exchange.delay_ms) + 1);
            let mut answer = Vec::new();
            self.perform(&exchange).write(&mut answer);
            converter.answer(&answer, self.now_ms.get()).map_err(|e| format!("answer refused: {e}"))?;
        }
        Err(format!("need {need} is not settled after {MAX_EXCHANGES} exchanges"))
    }

    fn perform(&self, exchange: &Exchange) -> Answer {
        let here = exchange.url.strip_prefix("http://").and_then(|rest| rest.strip_prefix(REGISTRY));
        let Some(target) = here.filter(|target| target.starts_with('/')) else {
            return Answer { id: exchange.id, status: 0, headers: Vec::new(), body: b"connection refused".to_vec() };
        };
        let header = |name: &str| exchange.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        let authorization = header("authorization").map(|(_, value)| value.as_str());
        let reply = self.registry.call(&exchange.method, target, authorization, exchange.body.as_deref());
        Answer {
            id: exchange.id,
            status: reply.status,
            headers: vec![("content-type".into(), reply.content_type.into())],
            body: reply.body,
        }
    }

    fn headers(&self, headers: &Headers<'_>) -> Result<Vec<Json>, String> {
        headers
            .iter()
            .map(|header| {
                let (name, datum) = header.map_err(|e| e.to_string())?;
                let mut json = self.write_datum(datum.schema, datum.image, &[])?;
                if let Some(object) = json.as_object_mut() {
                    object.insert("key".into(), json!(name));
                }
                Ok(json)
            })
            .collect()
    }

    fn changed(&self, record: &Json, outcome: &FrameOutcome<'_>) -> Result<Outcome, String> {
        let FrameOutcome::Change { topic, key, value, append, put } = outcome else {
            return Ok(match outcome {
                FrameOutcome::Drop => Outcome::Drop,
                _ => Outcome::Record(record.clone()),
            });
        };
        let mut record = record.clone();
        let object = record.as_object_mut().ok_or("the record is no object")?;
        if let Some(topic) = topic {
            object.insert("topic".into(), json!(topic));
        }
        for (name, datum) in [("key", key), ("value", value)] {
            if let Some(datum) = datum {
                object.insert(name.into(), self.write_datum(datum.schema, datum.image, &[])?);
            }
        }
        if let Some(put) = put {
            object.insert("headers".into(), Json::Array(self.headers(put)?));
        }
        if let Some(append) = append {
            let mut all = crate::json::list(&Json::Object(object.clone()), "headers")?.to_vec();
            all.extend(self.headers(append)?);
            object.insert("headers".into(), Json::Array(all));
        }
        Ok(Outcome::Record(record))
    }
}

fn write(schema: Option<&Schema>, value: &Value) -> Result<Json, String> {
    connect_json::write(schema, value).map_err(|e| format!("an image that no vector can say: {e}"))
}

/// What a converter appended; it must leave alone what stood before.
fn appended(out: &[u8]) -> Result<&[u8], String> {
    out.strip_prefix(&BEFORE).ok_or_else(|| "the converter changed bytes that were there before".to_owned())
}

fn failure(error: &Error, configuring: bool) -> Failure {
    let class = match error.kind() {
        ErrorKind::Data => "DataException",
        ErrorKind::Config => "ConfigException",
        ErrorKind::Internal | ErrorKind::Outage => "BucatiniError",
    };
    Failure { configuring, class: class.into(), message: error.to_string() }
}

fn failed(error: &Error) -> Outcome {
    Outcome::Failed(failure(error, false))
}

impl<C: Cores> Engine for CoreEngine<C> {
    fn registry(&self) -> &SharedRegistry {
        &self.registry
    }

    fn registry_address(&self) -> String {
        REGISTRY.into()
    }

    fn open_transformation(&mut self, generation: &str, config: &Config) -> Result<Option<Failure>, String> {
        self.open = Open::None;
        self.schemas = Arc::default();
        let mut properties = Properties::from_iter(config.clone());
        properties.set("generation", generation);
        match self.cores.transformation(&properties, self.schemas.clone()) {
            Err(error) => Ok(Some(failure(&error, true))),
            Ok(transformation) => {
                self.open = Open::Transformation(transformation);
                Ok(None)
            }
        }
    }

    fn open_converter(&mut self, plugin: Plugin, is_key: bool, config: &Config) -> Result<Option<Failure>, String> {
        self.open = Open::None;
        self.schemas = Arc::default();
        let mut properties = Properties::from_iter(config.clone());
        if plugin == Plugin::AvroConverter && properties.get("schema.version.lookup").is_none() {
            properties.set("schema.version.lookup", "strict");
        }
        match self.cores.converter(plugin, &properties, is_key, self.schemas.clone()) {
            Err(error) => Ok(Some(failure(&error, true))),
            Ok(converter) => {
                self.open = Open::Converter(converter);
                Ok(None)
            }
        }
    }

    fn apply(&mut self, record: &Json) -> Result<Outcome, String> {
        let Open::Transformation(transformation) = &self.open else {
            return Err("no transformation is open".into());
        };
        let (key_schema, key) = self.read_datum(get(record, "key"))?;
        let (value_schema, value) = self.read_datum(get(record, "value"))?;
        let mut headers = Vec::new();
        for header in crate::json::list(record, "headers")? {
            let (schema, image) = self.read_datum(header)?;
            headers.push((crate::json::text(header, "key")?, schema, image));
        }
        let headers: Vec<_> =
            headers.iter().map(|(name, schema, image)| (*name, Datum { schema: *schema, image })).collect();
        let (mut frame, mut out) = (Vec::new(), Vec::new());
        RecordFrame::write(
            crate::json::text(record, "topic")?,
            get(record, "kafkaPartition").as_i64().map(|partition| partition as i32),
            get(record, "timestamp").as_i64(),
            Datum { schema: key_schema, image: &key },
            Datum { schema: value_schema, image: &value },
            &headers,
            &mut frame,
        );
        if let Err(error) = transformation.apply(&frame, &mut out) {
            return Ok(failed(&error));
        }
        self.changed(record, &FrameOutcome::read(&out).map_err(|e| format!("unreadable outcome: {e}"))?)
    }

    fn serialize(&mut self, topic: Option<&str>, datum: &Json) -> Result<Outcome, String> {
        let Some(topic) = topic else { return Ok(Outcome::NotApplicable("a core's topic cannot be null")) };
        let (schema, image) = self.read_datum(datum)?;
        self.encode(topic, schema, &image)
    }

    fn serialize_last(&mut self, topic: &str) -> Result<Outcome, String> {
        let (schema, value) = self.last.as_ref().ok_or("nothing was deserialized")?;
        let (schema, image) = self.image(schema.clone(), value)?;
        self.encode(topic, schema, &image)
    }

    fn deserialize(
        &mut self,
        topic: Option<&str>,
        bytes: Option<&[u8]>,
        headers: &[(String, Vec<u8>)],
    ) -> Result<Outcome, String> {
        let Some(topic) = topic else { return Ok(Outcome::NotApplicable("a core's topic cannot be null")) };
        // Null bytes are the host's affair: no converter sees them.
        let Some(bytes) = bytes else { return Ok(Outcome::Datum(json!({ "schema": null, "payload": null }))) };
        let converter = self.converter()?;
        let topic = match converter.topic(topic) {
            Ok(topic) => topic,
            Err(error) => return Ok(failed(&error)),
        };
        let mut raw = Vec::new();
        if !headers.is_empty() {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), Some(value.as_slice()))).collect();
            RawHeaders::write(&headers, &mut raw);
        }
        for _ in 0..MAX_EXCHANGES {
            let mut out = BEFORE.to_vec();
            match converter.to_connect(topic, &raw, bytes, &mut out) {
                Err(error) => return Ok(failed(&error)),
                Ok(Decoded::Value(schema)) => {
                    let (schema, value) = self.tree(schema.unwrap_or(0), appended(&out)?, bytes)?;
                    let json = write(schema.as_deref(), &value)?;
                    self.last = Some((schema, value));
                    return Ok(Outcome::Datum(json));
                }
                Ok(Decoded::Null) => {
                    self.last = Some((None, Value::Null));
                    return Ok(Outcome::Datum(json!({ "schema": null, "payload": null })));
                }
                Ok(Decoded::Need(need)) => {
                    if let Err(error) = self.satisfy(need)? {
                        return Ok(failed(&error));
                    }
                }
            }
        }
        Err("the converter asks for ever".into())
    }
}
