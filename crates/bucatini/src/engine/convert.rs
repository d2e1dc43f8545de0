//! A record's way between Connect and Kafka: converters, header converter, transformations, in Connect's order.

use super::batch::Raw;
use super::errors::{Failure, Stage};
use crate::kafka::to_kafka_headers;
use crate::plugins::SelfContained;
use crate::plugins::header::Headers;
use crate::registry::Registered;
use crate::transforms::{Chain, Scratch};
use connect_data::frame::{Datum, RecordFrame};
use connect_data::row_image;
use connect_data::wire::Reader;
use connect_data::{Error, Result, TopicId};
use rdkafka::message::OwnedHeaders;

/// What a step of the way comes to.
type Converting<T> = std::result::Result<T, Failure>;

/// The converters of a connector.
pub(crate) struct Converters {
    pub(crate) key: Registered,
    pub(crate) value: Registered,
    pub(crate) headers: Headers,
    /// What error headers call the converters.
    pub(crate) classes: [String; 2],
    /// The topic of the last record: there are few, and they come in runs.
    topic: Option<(String, TopicId, TopicId)>,
}

impl Converters {
    pub(crate) fn new(key: Registered, value: Registered, headers: Headers, classes: [String; 2]) -> Self {
        Self { key, value, headers, classes, topic: None }
    }

    fn topic(&mut self, name: &str) -> Converting<(TopicId, TopicId)> {
        if let Some((known, key, value)) = &self.topic
            && known == name
        {
            return Ok((*key, *value));
        }
        let key = self.key.topic(name).map_err(|error| self.failure(Stage::KeyConverter, error))?;
        let value = self.value.topic(name).map_err(|error| self.failure(Stage::ValueConverter, error))?;
        self.topic = Some((name.to_owned(), key, value));
        Ok((key, value))
    }

    fn failure(&self, stage: Stage, error: Error) -> Failure {
        let [key, value] = &self.classes;
        match stage {
            Stage::KeyConverter => Failure::new(stage, key, error.field("key")),
            Stage::ValueConverter => Failure::new(stage, value, error.field("value")),
            other => Failure::new(other, HEADER_CONVERTER, error.field("headers")),
        }
    }
}

const HEADER_CONVERTER: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// Transformations of a connector and what applying them needs.
pub(crate) struct Transforms {
    chain: Chain,
    scratch: Scratch,
    record: Vec<u8>,
}

impl Transforms {
    pub(crate) fn new(chain: Chain) -> Self {
        Self { chain, scratch: Scratch::default(), record: Vec::new() }
    }

    /// Applies them to the record that `write` appends to a buffer, and appends what goes on to `out`; `false` = dropped.
    ///
    /// # Errors
    /// The first failure.
    pub(crate) fn apply(&mut self, write: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) -> Converting<bool> {
        if self.chain.is_empty() {
            write(out);
            return Ok(true);
        }
        self.record.clear();
        write(&mut self.record);
        let kept = self
            .chain
            .apply(&mut self.record, &mut self.scratch)
            .map_err(|failed| Failure::new(Stage::Transformation, failed.class, failed.error.field(failed.alias)))?;
        if kept {
            out.extend_from_slice(&self.record);
        }
        Ok(kept)
    }
}

/// From Kafka to a sink.
pub(crate) struct ToConnect {
    converters: Converters,
    own: SelfContained,
    transforms: Transforms,
    /// What a converter made, which may refer to the payload.
    decoded: Vec<u8>,
    key: Vec<u8>,
    value: Vec<u8>,
    header_images: Vec<u8>,
}

impl ToConnect {
    pub(crate) fn new(converters: Converters, own: SelfContained, transforms: Transforms) -> Self {
        let buffer = Vec::new;
        let (decoded, key, value, header_images) = (buffer(), buffer(), buffer(), buffer());
        Self { converters, own, transforms, decoded, key, value, header_images }
    }

    /// Appends the record's frame to `out`; `false` = a transformation dropped it.
    ///
    /// # Errors
    /// The first failure; `out` may then hold part of a frame.
    pub(crate) fn convert(&mut self, topic: &str, partition: i32, raw: Raw<'_>, out: &mut Vec<u8>) -> Converting<bool> {
        let (key_topic, value_topic) = self.converters.topic(topic)?;
        let Self { converters, own, decoded, .. } = self;
        self.key.clear();
        let key = decode(&converters.key, own, key_topic, raw.headers, raw.key, decoded, &mut self.key)
            .map_err(|error| converters.failure(Stage::KeyConverter, error))?;
        self.value.clear();
        let value = decode(&converters.value, own, value_topic, raw.headers, raw.value, decoded, &mut self.value)
            .map_err(|error| converters.failure(Stage::ValueConverter, error))?;
        let (key, value) = (Datum { schema: key, image: &self.key }, Datum { schema: value, image: &self.value });
        if raw.headers.is_empty() {
            let write = |record: &mut Vec<u8>| {
                RecordFrame::write(topic, Some(partition), raw.timestamp, key, value, &[], record);
            };
            return self.transforms.apply(write, out);
        }
        self.header_images.clear();
        let headers = decode_headers(&converters.headers, raw.headers, &mut self.header_images)
            .map_err(|error| converters.failure(Stage::HeaderConverter, error))?;
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, schema, range)| {
                let image = self.header_images.get(range.clone()).unwrap_or_default();
                (*name, Datum { schema: *schema, image })
            })
            .collect();
        let write = |record: &mut Vec<u8>| {
            RecordFrame::write(topic, Some(partition), raw.timestamp, key, value, &headers, record);
        };
        self.transforms.apply(write, out)
    }
}

/// Appends a self-contained image and returns its schema; 0 = none.
fn decode(
    converter: &Registered,
    own: &mut SelfContained,
    topic: TopicId,
    headers: &[u8],
    payload: Option<&[u8]>,
    decoded: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<u32> {
    let Some(payload) = payload else {
        row_image::write_null(out);
        return Ok(0);
    };
    decoded.clear();
    match converter.to_connect(topic, headers, payload, decoded)? {
        None => {
            row_image::write_null(out);
            Ok(0)
        }
        Some(schema) => {
            own.copy(schema, decoded, payload, out)?;
            Ok(schema.unwrap_or(0))
        }
    }
}

type HeaderRange<'a> = (&'a str, u32, std::ops::Range<usize>);

fn decode_headers<'a>(converter: &Headers, raw: &'a [u8], images: &mut Vec<u8>) -> Result<Vec<HeaderRange<'a>>> {
    let mut r = Reader::new(raw);
    let mut headers = Vec::new();
    for _ in 0..r.count(5)? {
        let (name, value) = (r.str()?, r.opt_bytes()?);
        let start = images.len();
        let schema = converter.to_connect(value, images).map_err(|error| error.field(name))?;
        headers.push((name, schema, start..images.len()));
    }
    Ok(headers)
}

/// From a source to Kafka.
pub(crate) struct FromConnect {
    converters: Converters,
    transforms: Transforms,
    record: Vec<u8>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    /// Kept while there is no key or value.
    spare: [Vec<u8>; 2],
}

/// A converted record.
pub(crate) struct Converted<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: Option<i32>,
    pub(crate) timestamp: Option<i64>,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Option<OwnedHeaders>,
}

impl FromConnect {
    pub(crate) fn new(converters: Converters, transforms: Transforms) -> Self {
        Self { converters, transforms, record: Vec::new(), key: None, value: None, spare: [Vec::new(), Vec::new()] }
    }

    /// Applies the transformations to a frame. What goes on is [`Self::convert`]ed; `false` = it was dropped.
    ///
    /// # Errors
    /// The first failure.
    pub(crate) fn transform(&mut self, frame: &[u8]) -> Converting<bool> {
        self.record.clear();
        self.transforms.apply(|record| record.extend_from_slice(frame), &mut self.record)
    }

    /// Converts the record that was transformed last. May be called again after a failure.
    ///
    /// # Errors
    /// The first failure.
    pub(crate) fn convert(&mut self) -> Converting<Converted<'_>> {
        let broken = |error| Failure::new(Stage::Transformation, "", error);
        let record = RecordFrame::read(&self.record).map_err(broken)?;
        let (key_topic, value_topic) = self.converters.topic(record.topic)?;
        let converters = &self.converters;
        let headers = encode_headers(&converters.headers, &record)
            .map_err(|error| converters.failure(Stage::HeaderConverter, error))?;
        let [spare_key, spare_value] = &mut self.spare;
        encode(&converters.key, key_topic, record.key, &mut self.key, spare_key)
            .map_err(|error| converters.failure(Stage::KeyConverter, error))?;
        encode(&converters.value, value_topic, record.value, &mut self.value, spare_value)
            .map_err(|error| converters.failure(Stage::ValueConverter, error))?;
        Ok(Converted {
            topic: record.topic,
            partition: record.partition,
            timestamp: record.timestamp,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers,
        })
    }
}

fn encode(
    converter: &Registered,
    topic: TopicId,
    datum: Datum<'_>,
    out: &mut Option<Vec<u8>>,
    spare: &mut Vec<u8>,
) -> Result<()> {
    let mut bytes = out.take().unwrap_or_else(|| std::mem::take(spare));
    bytes.clear();
    let schema = Some(datum.schema).filter(|schema| *schema != 0);
    match converter.from_connect(topic, schema, datum.image, &mut bytes) {
        Ok(true) => *out = Some(bytes),
        Ok(false) => *spare = bytes,
        Err(error) => {
            *spare = bytes;
            return Err(error);
        }
    }
    Ok(())
}

fn encode_headers(converter: &Headers, record: &RecordFrame<'_>) -> Result<Option<OwnedHeaders>> {
    if record.headers.is_empty() {
        return Ok(None);
    }
    let mut headers = Vec::with_capacity(record.headers.len());
    for header in record.headers.iter() {
        let (name, datum) = header?;
        headers.push((name, converter.from_connect(datum.schema, datum.image).map_err(|error| error.field(name))?));
    }
    Ok(to_kafka_headers(headers.iter().map(|(name, value)| (*name, value.as_deref()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConverterClass, ConverterConfig, HeaderConverter, RunOptions, TransformConfig, TransformKind};
    use crate::kafka::read_headers;
    use crate::plugins::Plugins;
    use crate::registry::NoRegistry;
    use connect_data::row_image::tree;
    use connect_data::schema::{Node, Schema};
    use connect_data::{InternedSchemas, Properties, SchemaBuilder, SchemaStore, Type, Value};
    use std::sync::Arc;

    struct Fixture {
        schemas: Arc<dyn SchemaStore>,
        plugins: Plugins,
    }

    impl Fixture {
        fn new() -> Self {
            Self { schemas: Arc::new(InternedSchemas::new()), plugins: Plugins::new(&RunOptions::default()) }
        }

        fn converters(&self) -> Converters {
            let config = ConverterConfig { class: ConverterClass::Json, properties: Properties::default() };
            let registered = |is_key| {
                let converter = self.plugins.converter(&config, is_key, &self.schemas).unwrap();
                Registered::new(converter, Box::new(NoRegistry))
            };
            let headers = Headers::new(HeaderConverter::Simple, self.schemas.clone());
            Converters::new(registered(true), registered(false), headers, ["K".to_owned(), "V".to_owned()])
        }

        fn transforms(&self, unwrap: bool) -> Transforms {
            let config = TransformConfig {
                alias: "unwrap".to_owned(),
                class: "io.debezium.transforms.ExtractNewRecordState".to_owned(),
                kind: TransformKind::ExtractNewRecordState(crate::config::Engine::Native),
                properties: Properties::from_iter([("drop.tombstones", "true")]),
                predicate: None,
            };
            let configs = if unwrap { vec![config] } else { Vec::new() };
            Transforms::new(Chain::new(&configs, &self.plugins, &self.schemas).unwrap())
        }

        fn datum(&self, schema: Schema, value: &Value) -> (u32, Vec<u8>) {
            let mut image = Vec::new();
            tree::write(Some(&schema), value, &mut image).unwrap();
            (self.schemas.intern(Arc::new(schema)).unwrap(), image)
        }

        /// `{name: text}` as the row of an envelope.
        fn envelope(&self, name: &str) -> (u32, Vec<u8>) {
            let mut builder = SchemaBuilder::new();
            let root = builder.push(Node::new(Type::Struct).named("s.public.t.Envelope"));
            let row = Value::Struct(vec![Value::String(name.into())]);
            for state in ["before", "after"] {
                let row = builder.field(root, state, Node::new(Type::Struct).named("s.public.t.Value").optional());
                builder.field(row, "name", Node::new(Type::String));
            }
            builder.field(root, "op", Node::new(Type::String));
            let value = Value::Struct(vec![Value::Null, row, Value::String("c".into())]);
            self.datum(builder.build().unwrap(), &value)
        }
    }

    /// Topic, key, value and headers.
    type Written = (String, Option<Vec<u8>>, Option<Vec<u8>>, Vec<u8>);

    fn written(from: &mut FromConnect, frame: &[u8]) -> Written {
        assert!(from.transform(frame).unwrap());
        let record = from.convert().unwrap();
        let mut headers = Vec::new();
        read_headers(record.headers.as_ref(), &mut headers).unwrap();
        (record.topic.to_owned(), record.key.map(<[u8]>::to_vec), record.value.map(<[u8]>::to_vec), headers)
    }

    #[test]
    fn a_record_goes_to_kafka_and_comes_back_unwrapped() {
        let fixture = Fixture::new();
        let (key_schema, key) = fixture.datum(Schema::primitive(Node::new(Type::String)), &Value::String("k".into()));
        let (value_schema, value) = fixture.envelope("spaghetti");
        let (key, value) = (Datum { schema: key_schema, image: &key }, Datum { schema: value_schema, image: &value });
        let mut frame = Vec::new();
        RecordFrame::write("t", None, None, key, value, &[("h", key)], &mut frame);
        let mut from = FromConnect::new(fixture.converters(), fixture.transforms(false));
        let (topic, key, value, headers) = written(&mut from, &frame);

        let own = SelfContained::new(fixture.schemas.clone());
        let mut to = ToConnect::new(fixture.converters(), own, fixture.transforms(true));
        let raw = Raw { key: key.as_deref(), value: value.as_deref(), headers: &headers, timestamp: Some(7) };
        let mut out = Vec::new();
        assert!(to.convert(&topic, 3, raw, &mut out).unwrap());
        let record = RecordFrame::read(&out).unwrap();
        assert_eq!((record.topic, record.partition, record.timestamp), ("t", Some(3), Some(7)));
        let read =
            |datum: Datum<'_>| tree::read(fixture.schemas.get(datum.schema).as_deref(), datum.image, &[]).unwrap();
        assert_eq!(read(record.key), Value::String("k".into()));
        assert_eq!(read(record.value), Value::Struct(vec![Value::String("spaghetti".into())]));
        let headers: Vec<_> = record.headers.iter().map(|header| header.unwrap().0).collect();
        assert_eq!(headers, ["h"]);
    }

    #[test]
    fn tombstones_have_no_bytes_and_may_be_dropped() {
        let fixture = Fixture::new();
        let mut null = Vec::new();
        row_image::write_null(&mut null);
        let null = Datum { schema: 0, image: &null };
        let mut frame = Vec::new();
        RecordFrame::write("t", None, None, null, null, &[], &mut frame);
        let mut from = FromConnect::new(fixture.converters(), fixture.transforms(false));
        assert_eq!(written(&mut from, &frame), ("t".to_owned(), None, None, Vec::new()));

        let own = SelfContained::new(fixture.schemas.clone());
        let mut to = ToConnect::new(fixture.converters(), own, fixture.transforms(true));
        let raw = Raw { key: None, value: None, headers: &[], timestamp: None };
        assert!(!to.convert("t", 0, raw, &mut Vec::new()).unwrap());
    }

    #[test]
    fn a_failure_names_its_stage_and_class() {
        let fixture = Fixture::new();
        let own = SelfContained::new(fixture.schemas.clone());
        let mut to = ToConnect::new(fixture.converters(), own, fixture.transforms(false));
        let mut convert = |key, value| {
            let raw = Raw { key, value, headers: &[], timestamp: None };
            to.convert("t", 0, raw, &mut Vec::new()).unwrap_err()
        };
        let failure = convert(Some(&b"{"[..]), None);
        assert_eq!((failure.stage, failure.class.as_str()), (Stage::KeyConverter, "K"));
        let failure = convert(None, Some(&b"{}"[..]));
        assert_eq!((failure.stage, failure.class.as_str()), (Stage::ValueConverter, "V"));
        assert_eq!(failure.error.path_text(), "value");
    }
}
