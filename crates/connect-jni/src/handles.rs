//! Handles: numbers that Java holds for plug-in instances. A closed, foreign or forged number is an error, never
//! undefined behaviour.
//!
//! A handle is `generation << 32 | (index + 1)`. Slots never move or disappear, so a lookup takes no lock that another
//! instance could hold: it reads the slot's address from a fixed table and takes that slot's own read lock for the time of
//! the call. Closing takes the write lock: it waits for calls on this instance, and only on this.

use connect_data::{Error, Result};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};

/// What Java holds: always positive.
pub type Handle = i64;

const FIRST_CHUNK: usize = 64;
const CHUNKS: usize = 15;
/// More open instances than this are refused: 64 + 128 + ... over all chunks.
const MAX_SLOTS: usize = FIRST_CHUNK * ((1 << CHUNKS) - 1);
const GENERATIONS: u32 = 1 << 31;

struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

struct Free {
    indices: Vec<u32>,
    unused: usize,
}

type Chunk<T> = Box<[RwLock<Slot<T>>]>;

pub(crate) struct Handles<T> {
    chunks: [OnceLock<Chunk<T>>; CHUNKS],
    free: Mutex<Free>,
}

impl<T> Handles<T> {
    pub(crate) const fn new() -> Self {
        Self { chunks: [const { OnceLock::new() }; CHUNKS], free: Mutex::new(Free { indices: Vec::new(), unused: 0 }) }
    }

    /// Stores a value; the handle is valid until [`Self::remove`].
    pub(crate) fn insert(&self, value: T) -> Result<Handle> {
        let index = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            match free.indices.pop() {
                Some(index) => index as usize,
                None if free.unused < MAX_SLOTS => {
                    free.unused += 1;
                    free.unused - 1
                }
                None => {
                    return Err(Error::internal(
                        "jni.handles",
                        format!("expected at most {MAX_SLOTS} open plug-in instances, found one more"),
                    )
                    .hint("close instances that are no longer used"));
                }
            }
        };
        let (chunk, offset) = place(index);
        let slot = self.chunks.get(chunk).and_then(|slots| {
            let slots = slots.get_or_init(|| {
                (0..FIRST_CHUNK << chunk).map(|_| RwLock::new(Slot { generation: 0, value: None })).collect()
            });
            slots.get(offset)
        });
        let Some(slot) = slot else {
            return Err(unknown());
        };
        let mut slot = slot.write().unwrap_or_else(PoisonError::into_inner);
        slot.value = Some(value);
        Ok((i64::from(slot.generation) << 32) | (index as i64 + 1))
    }

    /// Runs `f` on the value, which stays open that long.
    ///
    /// # Errors
    /// Internal: no open instance has this handle.
    pub(crate) fn with<R>(&self, handle: Handle, f: impl FnOnce(&T) -> R) -> Result<R> {
        let slot = self.slot(handle).ok_or_else(unknown)?;
        let slot = slot.read().unwrap_or_else(PoisonError::into_inner);
        match &slot.value {
            Some(value) if slot.generation == generation(handle) => Ok(f(value)),
            _ => Err(unknown()),
        }
    }

    /// Takes the value out; waits for calls that still use it. `None`: it was not open.
    pub(crate) fn remove(&self, handle: Handle) -> Option<T> {
        let mut slot = self.slot(handle)?.write().unwrap_or_else(PoisonError::into_inner);
        if slot.generation != generation(handle) {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = (slot.generation + 1) % GENERATIONS;
        drop(slot);
        let index = (handle as u32).wrapping_sub(1);
        self.free.lock().unwrap_or_else(PoisonError::into_inner).indices.push(index);
        Some(value)
    }

    /// Handles of all open instances.
    pub(crate) fn open(&self) -> Vec<Handle> {
        let unused = self.free.lock().unwrap_or_else(PoisonError::into_inner).unused;
        let mut open = Vec::new();
        for index in 0..unused {
            let (chunk, offset) = place(index);
            let slot = self.chunks.get(chunk).and_then(OnceLock::get).and_then(|slots| slots.get(offset));
            let Some(slot) = slot else { continue };
            let slot = slot.read().unwrap_or_else(PoisonError::into_inner);
            if slot.value.is_some() {
                open.push((i64::from(slot.generation) << 32) | (index as i64 + 1));
            }
        }
        open
    }

    fn slot(&self, handle: Handle) -> Option<&RwLock<Slot<T>>> {
        let index = (handle as u32).checked_sub(1)?;
        let (chunk, offset) = place(index as usize);
        self.chunks.get(chunk)?.get()?.get(offset)
    }
}

/// Chunk `k` holds `FIRST_CHUNK << k` slots.
fn place(index: usize) -> (usize, usize) {
    let chunk = (index / FIRST_CHUNK + 1).ilog2() as usize;
    (chunk, index - FIRST_CHUNK * ((1 << chunk) - 1))
}

fn generation(handle: Handle) -> u32 {
    (handle >> 32) as u32
}

fn unknown() -> Error {
    Error::internal("jni.handle", "expected the handle of an open plug-in instance, found another number")
        .hint("the instance was closed while it was still used")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn every_index_has_its_own_place() {
        let mut expected = (0, 0);
        for index in 0..10_000 {
            assert_eq!(place(index), expected, "{index}");
            expected.1 += 1;
            if expected.1 == FIRST_CHUNK << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
        assert!(place(MAX_SLOTS - 1).0 < CHUNKS && place(MAX_SLOTS).0 == CHUNKS);
    }

    #[test]
    fn closed_and_forged_handles_are_errors() {
        let handles = Handles::new();
        let first = handles.insert("a").unwrap();
        assert!(first > 0);
        assert_eq!(handles.with(first, |v| *v).unwrap(), "a");
        assert_eq!(handles.open(), [first]);
        assert_eq!(handles.remove(first), Some("a"));
        assert_eq!(handles.remove(first), None);
        let second = handles.insert("b").unwrap();
        assert_ne!(first, second, "the slot is used again, the handle is not");
        for forged in [first, 0, -1, second + 1, second | i64::MIN, second + (1 << 32), i64::MAX, i64::MIN] {
            assert_eq!(handles.with(forged, |v| *v).unwrap_err().code(), "jni.handle", "{forged}");
            assert_eq!(handles.remove(forged), None);
        }
        assert_eq!(handles.with(second, |v| *v).unwrap(), "b");
    }

    #[test]
    fn ten_thousand_instances_take_no_more_slots_than_are_open_at_once() {
        let handles = Handles::new();
        for _ in 0..10_000 {
            let pair = [handles.insert(1).unwrap(), handles.insert(2).unwrap()];
            for handle in pair {
                assert!(handles.remove(handle).is_some());
            }
        }
        assert_eq!(handles.free.lock().unwrap().unused, 2);
    }

    #[test]
    fn removing_waits_for_the_calls_that_use_the_value() {
        let handles = Arc::new(Handles::new());
        let handle = handles.insert(Arc::new(7)).unwrap();
        let (entered, entry) = std::sync::mpsc::channel();
        let (leave, exit) = std::sync::mpsc::channel::<()>();
        let user = std::thread::spawn({
            let handles = handles.clone();
            move || {
                handles.with(handle, |value| {
                    entered.send(()).unwrap();
                    exit.recv().unwrap();
                    **value
                })
            }
        });
        entry.recv().unwrap();
        let closer = std::thread::spawn({
            let handles = handles.clone();
            move || handles.remove(handle).map(|value| Arc::strong_count(&value))
        });
        assert!(!closer.is_finished());
        leave.send(()).unwrap();
        assert_eq!(user.join().unwrap().unwrap(), 7);
        assert_eq!(closer.join().unwrap(), Some(1));
    }
}
