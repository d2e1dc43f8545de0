//! Debezium's cache of unwrapped schemas, as far as it can be seen: the schemas of the added fields are those of the
//! first record, also for later records whose envelope differs in `source`.

use connect_data::{Result, Schema};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// As many as Debezium keeps.
const CAPACITY: usize = 64;

/// Names and schemas of the added fields.
pub(crate) type Added = Vec<(String, Arc<Schema>)>;

/// The row's schema as bytes and, in 3.x, the operation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClaimKey {
    pub(crate) row: Vec<u8>,
    pub(crate) operation: Option<String>,
}

#[derive(Default)]
pub(crate) struct Claims(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    added: BTreeMap<ClaimKey, Arc<Added>>,
    oldest_first: VecDeque<ClaimKey>,
}

impl Claims {
    /// What the first record claimed; if this is the first, it claims what `make` says. An error claims nothing.
    pub(crate) fn get_or_insert(&self, key: ClaimKey, make: impl FnOnce() -> Result<Added>) -> Result<Arc<Added>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(added) = inner.added.get(&key) {
            return Ok(added.clone());
        }
        let added = Arc::new(make()?);
        if inner.oldest_first.len() >= CAPACITY
            && let Some(oldest) = inner.oldest_first.pop_front()
        {
            inner.added.remove(&oldest);
        }
        inner.oldest_first.push_back(key.clone());
        inner.added.insert(key, added.clone());
        Ok(added)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::{Node, Type};

    fn key(n: u32) -> ClaimKey {
        ClaimKey { row: n.to_le_bytes().to_vec(), operation: Some("c".into()) }
    }

    fn added(kind: Type) -> Added {
        vec![("__lsn".into(), Arc::new(Schema::primitive(Node::new(kind))))]
    }

    #[test]
    fn the_first_wins_until_it_is_the_oldest_of_too_many() {
        let claims = Claims::default();
        let first = claims.get_or_insert(key(0), || Ok(added(Type::Int64))).unwrap();
        assert_eq!(claims.get_or_insert(key(0), || Ok(added(Type::String))).unwrap(), first);
        for n in 1..=CAPACITY as u32 {
            claims.get_or_insert(key(n), || Ok(added(Type::Int8))).unwrap();
        }
        assert_eq!(claims.0.lock().unwrap().added.len(), CAPACITY);
        assert_eq!(*claims.get_or_insert(key(0), || Ok(added(Type::String))).unwrap(), added(Type::String));
    }
}
