//! A bounded map of shared values with one last-used entry in front.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Values by key; the longest unused go first.
pub(super) struct Cache<K, V> {
    last: RwLock<Option<(K, Arc<V>)>>,
    entries: RwLock<BTreeMap<K, Entry<V>>>,
    capacity: usize,
    clock: AtomicU64,
}

struct Entry<V> {
    value: Arc<V>,
    used: AtomicU64,
}

impl<K: Copy + Ord, V> Cache<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            last: RwLock::new(None),
            entries: RwLock::default(),
            capacity: capacity.max(1),
            clock: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(super) fn get(&self, key: K) -> Option<Arc<V>> {
        {
            let last = self.last.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((last_key, value)) = &*last
                && *last_key == key
            {
                return Some(value.clone());
            }
        }
        let value = {
            let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
            let entry = entries.get(&key)?;
            entry.used.store(self.tick(), Ordering::Relaxed);
            entry.value.clone()
        };
        self.remember(key, &value);
        Some(value)
    }

    /// Lets `look` look at the value. The one of the key that was asked for last is not even counted as used: two atomic
    /// operations fewer.
    #[inline]
    pub(super) fn with<R>(&self, key: K, look: impl FnOnce(&V) -> R) -> Option<R> {
        {
            let last = self.last.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((last_key, value)) = &*last
                && *last_key == key
            {
                return Some(look(value));
            }
        }
        self.get(key).map(|value| look(&value))
    }

    pub(super) fn insert(&self, key: K, value: Arc<V>) {
        self.remember(key, &value);
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.capacity && !entries.contains_key(&key) {
            let oldest =
                entries.iter().min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed)).map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                entries.remove(&oldest);
            }
        }
        let used = AtomicU64::new(self.tick());
        entries.insert(key, Entry { value, used });
    }

    fn remember(&self, key: K, value: &Arc<V>) {
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some((key, value.clone()));
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unused_goes_first() {
        let cache = Cache::new(2);
        cache.insert(1, Arc::new("a"));
        cache.insert(2, Arc::new("b"));
        assert_eq!(cache.with(1, |value| *value), Some("a"));
        cache.insert(3, Arc::new("c"));
        assert_eq!([1, 2, 3].map(|key| cache.get(key).is_some()), [true, false, true]);
    }
}
