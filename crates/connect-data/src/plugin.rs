//! The traits that a core implements and every host calls, named after Connect.
//!
//! All take `&self` and are `Send + Sync`: Kafka Connect calls one converter from several threads (errant-record
//! reporting, asynchronous sinks) and says that a transformation must be thread-safe. A core never performs I/O: what it
//! lacks it names as a [`NeedId`], the host performs one exchange at a time, and calls again.

use crate::error::Result;
use crate::store::SchemaId;

/// Number of a topic name inside one converter instance.
pub type TopicId = u32;

/// Number of something a converter lacks before a call can succeed.
pub type NeedId = u32;

/// What [`Converter::to_connect`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// The image was appended; this is its schema (`None` = schemaless data).
    Value(Option<SchemaId>),
    /// No schema and no value (`SchemaAndValue.NULL`): nothing was appended.
    Null,
    /// See [`Converter::exchange`].
    Need(NeedId),
}

/// What [`Converter::from_connect`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// The bytes were appended.
    Bytes,
    /// Null bytes: a tombstone.
    Null,
    /// See [`Converter::exchange`].
    Need(NeedId),
}

/// `org.apache.kafka.connect.storage.Converter`.
#[allow(clippy::wrong_self_convention)] // Connect's names
pub trait Converter: Send + Sync {
    /// Interns a topic name; equal names give equal numbers.
    ///
    /// # Errors
    /// Data: more topics than the converter keeps.
    fn topic(&self, name: &str) -> Result<TopicId>;

    /// `toConnectData`: appends the row image of `payload` to `out`. `headers` are the record's raw headers in the form
    /// of [`crate::frame::RawHeaders`] (empty = none). The image may refer to `payload`.
    ///
    /// # Errors
    /// Data: the bytes are not what their schema says. Outage: the retry budget of an exchange is spent.
    fn to_connect(&self, topic: TopicId, headers: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Result<Decoded>;

    /// `fromConnectData`: appends the bytes of a self-contained image to `out`. A schema of `None` is schemaless data.
    ///
    /// # Errors
    /// Data: the value does not fit the schema, or the schema cannot be expressed.
    fn from_connect(
        &self,
        topic: TopicId,
        schema: Option<SchemaId>,
        image: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Encoded>;

    /// The next HTTP exchange for a need; `Ok(false)` = none is needed any more, call the conversion again. On
    /// `Ok(true)` a [`crate::frame::Exchange`] was appended. Asking twice gives the same exchange.
    ///
    /// `now_ms` is the host's monotonic clock in milliseconds: a core has none.
    ///
    /// # Errors
    /// Outage: the retry budget is spent. Data or Config: the registry's answer is final.
    fn exchange(&self, need: NeedId, now_ms: i64, out: &mut Vec<u8>) -> Result<bool>;

    /// Takes the answer to an exchange, in the form of [`crate::frame::Answer`].
    ///
    /// # Errors
    /// Internal: malformed message. What the answer means comes out of the next [`Self::exchange`].
    fn answer(&self, answer: &[u8], now_ms: i64) -> Result<()>;
}

/// `org.apache.kafka.connect.transforms.Transformation`.
pub trait Transformation: Send + Sync {
    /// Reads a record in the form of [`crate::frame::RecordFrame`] (self-contained images) and appends an outcome in
    /// the form of [`crate::frame::Outcome`].
    ///
    /// # Errors
    /// Data: this record is bad.
    fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()>;

    /// The compiled plan for records like the one described by `request`, for a host that holds values in its own form
    /// and wants to execute the moves there (the JVM shim on Structs). `Ok(false)` = this transformation has no such
    /// plan: use [`Self::apply`]. Request and plan are defined by the transformation.
    ///
    /// # Errors
    /// Data: no record with this schema can be transformed.
    fn plan(&self, request: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        let _ = (request, out);
        Ok(false)
    }
}

/// `org.apache.kafka.connect.transforms.predicates.Predicate`.
pub trait Predicate: Send + Sync {
    /// Whether the record, in the form of [`crate::frame::RecordFrame`], satisfies it.
    ///
    /// # Errors
    /// Data: this record is bad.
    fn test(&self, record: &[u8]) -> Result<bool>;
}
