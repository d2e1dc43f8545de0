//! Topic names and their numbers.

use connect_data::{Error, Result, TopicId};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// More topics than this are refused: they would be kept for ever.
const MAX_TOPICS: usize = 100_000;

#[derive(Default)]
pub(super) struct Topics {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    names: Vec<Arc<str>>,
    numbers: BTreeMap<Arc<str>, TopicId>,
}

impl Topics {
    pub(super) fn number(&self, name: &str) -> Result<TopicId> {
        if let Some(number) = self.inner.read().unwrap_or_else(PoisonError::into_inner).numbers.get(name) {
            return Ok(*number);
        }
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = inner.numbers.get(name) {
            return Ok(*number);
        }
        if inner.names.len() >= MAX_TOPICS {
            let message = format!("converter: expected at most {MAX_TOPICS} topics, found more");
            return Err(Error::data("avro.topics", message));
        }
        let (name, number): (Arc<str>, _) = (name.into(), inner.names.len() as TopicId);
        inner.names.push(name.clone());
        inner.numbers.insert(name, number);
        Ok(number)
    }

    pub(super) fn name(&self, number: TopicId) -> Result<Arc<str>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.names.get(number as usize).cloned().ok_or_else(|| {
            Error::internal("avro.topic", format!("converter: expected the number of a topic, found {number}"))
        })
    }
}
