//! A converter with a fault: it does what another one does, but for topics whose name contains `bucatini-fault` it fails.
//! For tests of what a panic, a trap and a time-out do to a Kafka Connect worker. Nothing that ships contains it.

use connect_data::{Converter, Decoded, Encoded, NeedId, Result, SchemaId, TopicId};
use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

/// Topics with this in their name meet the fault.
pub const MARK: &str = "bucatini-fault";

/// Wraps a converter.
pub struct FaultyConverter<C> {
    inner: C,
    fault: fn(),
    topics: RwLock<BTreeSet<TopicId>>,
}

impl<C: Converter> FaultyConverter<C> {
    /// Calls `fault` before each conversion of a marked topic.
    pub fn new(inner: C, fault: fn()) -> Self {
        Self { inner, fault, topics: RwLock::default() }
    }

    fn meet(&self, topic: TopicId) {
        if self.topics.read().unwrap_or_else(PoisonError::into_inner).contains(&topic) {
            (self.fault)();
        }
    }
}

impl<C: Converter> Converter for FaultyConverter<C> {
    fn topic(&self, name: &str) -> Result<TopicId> {
        let topic = self.inner.topic(name)?;
        if name.contains(MARK) {
            self.topics.write().unwrap_or_else(PoisonError::into_inner).insert(topic);
        }
        Ok(topic)
    }

    fn to_connect(&self, topic: TopicId, headers: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Result<Decoded> {
        self.meet(topic);
        self.inner.to_connect(topic, headers, payload, out)
    }

    fn from_connect(
        &self,
        topic: TopicId,
        schema: Option<SchemaId>,
        image: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Encoded> {
        self.meet(topic);
        self.inner.from_connect(topic, schema, image, out)
    }

    fn exchange(&self, need: NeedId, now_ms: i64, out: &mut Vec<u8>) -> Result<bool> {
        self.inner.exchange(need, now_ms, out)
    }

    fn answer(&self, answer: &[u8], now_ms: i64) -> Result<()> {
        self.inner.answer(answer, now_ms)
    }
}
