//! A bounded map of shared values with the first ones and the last-used one in front.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// Values by key; the longest unused go first.
pub(super) struct Cache<K, V> {
    /// Some that came first. They stay and are found without a lock, whose two atomic operations would cost as much as a
    /// tenth of a record and keep the processor from looking ahead into the next one.
    first: Box<[First<K, V>]>,
    last: RwLock<Option<(K, Arc<V>)>>,
    entries: RwLock<BTreeMap<K, Entry<V>>>,
    capacity: usize,
    clock: AtomicU64,
}

/// A task has few topics, and each few schemas at a time.
const FIRST: usize = 4;

type First<K, V> = OnceLock<(K, Arc<V>)>;

struct Entry<V> {
    value: Arc<V>,
    used: AtomicU64,
}

impl<K: Copy + Ord, V> Cache<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            first: (0..FIRST.min(capacity / 2)).map(|_| OnceLock::new()).collect(),
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

    /// Lets `look` look at the value. The first ones and that of the key that was asked for last are not even counted as
    /// used: two atomic operations fewer.
    #[inline]
    pub(super) fn with<R>(&self, key: K, look: impl FnOnce(&V) -> R) -> Option<R> {
        if let Some((_, value)) = self.staying().find(|(first, _)| *first == key) {
            return Some(look(value));
        }
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
        let stays = |key: &K| self.staying().any(|(first, _)| first == key);
        if let Some(free) = self.first.iter().find(|first| first.get().is_none()).filter(|_| !stays(&key)) {
            // Others insert behind the same lock.
            let _ = free.set((key, value.clone()));
        }
        if entries.len() >= self.capacity && !entries.contains_key(&key) {
            let oldest = entries.iter().filter(|(key, _)| !stays(key));
            let oldest = oldest.min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed)).map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                entries.remove(&oldest);
            }
        }
        let used = AtomicU64::new(self.tick());
        entries.insert(key, Entry { value, used });
    }

    #[inline]
    fn staying(&self) -> impl Iterator<Item = &(K, Arc<V>)> {
        self.first.iter().map_while(OnceLock::get)
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

    #[test]
    fn the_first_ones_stay_and_the_others_are_bounded() {
        for capacity in 1..12 {
            let cache = Cache::new(capacity);
            for key in 0..40 {
                cache.insert(key, Arc::new(key));
                assert_eq!(cache.with(key, |value| *value), Some(key));
            }
            let kept: Vec<i32> = (0..40).filter(|key| cache.with(*key, |value| *value) == Some(*key)).collect();
            let first = FIRST.min(capacity / 2) as i32;
            let others = 40 - (capacity as i32 - first);
            assert_eq!(kept, (0..first).chain(others..40).collect::<Vec<_>>());
        }
    }
}
