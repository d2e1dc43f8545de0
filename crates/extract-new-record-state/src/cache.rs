//! Compiled plans and programs, bounded.

use crate::plan::{Plan, Program};
use connect_data::{Result, SchemaId};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Plans of one instance; a task sees a few schemas per table.
const PLANS: usize = 4_096;
/// Programs of one branch of a plan: one per operation, and per combination of dropped fields.
const PROGRAMS: usize = 256;

/// A plan and the programs that its branches have asked for.
pub(crate) struct Compiled {
    pub(crate) plan: Plan,
    /// By branch, then by what the plan's `Select` names.
    pub(crate) programs: [Bounded<Vec<u8>, Program>; 3],
}

impl Compiled {
    fn new(plan: Plan) -> Self {
        Self { plan, programs: std::array::from_fn(|_| Bounded::new(PROGRAMS)) }
    }
}

/// The plans of one instance.
pub(crate) struct Plans(Bounded<SchemaId, Compiled>);

impl Plans {
    pub(crate) fn new() -> Self {
        Self(Bounded::new(PLANS))
    }

    pub(crate) fn get(&self, schema: SchemaId, compile: impl FnOnce() -> Result<Plan>) -> Result<Arc<Compiled>> {
        match self.0.get(&schema) {
            Some(compiled) => Ok(compiled),
            None => Ok(self.0.insert(schema, Compiled::new(compile()?))),
        }
    }
}

/// A map that is emptied when it is full: what is still needed is compiled again, and hostile input costs no memory.
pub(crate) struct Bounded<K, V> {
    capacity: usize,
    entries: RwLock<BTreeMap<K, Arc<V>>>,
}

impl<K: Ord, V> Bounded<K, V> {
    fn new(capacity: usize) -> Self {
        Self { capacity, entries: RwLock::new(BTreeMap::new()) }
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Another thread may have been faster: then its value is kept.
    pub(crate) fn insert(&self, key: K, value: V) -> Arc<V> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.capacity && !entries.contains_key(&key) {
            entries.clear();
        }
        entries.entry(key).or_insert_with(|| Arc::new(value)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_map_is_emptied_and_the_first_value_of_a_key_stays() {
        let map = Bounded::new(3);
        for n in 0..100 {
            map.insert(n, n);
            assert!(map.entries.read().unwrap().len() <= 3);
            assert_eq!(*map.insert(n, 0), n);
        }
    }
}
