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
