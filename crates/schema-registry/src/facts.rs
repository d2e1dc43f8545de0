//! The bounded cache of what is known.

use crate::needs::{Fact, Need};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Schema texts in the cache take at most this many bytes together.
const MAX_BYTES: usize = 64 << 20;

/// Facts by need; the longest unused go first.
pub(crate) struct Facts {
    entries: BTreeMap<Need, Entry>,
    max_entries: usize,
    bytes: usize,
    clock: AtomicU64,
}

struct Entry {
    fact: Fact,
    bytes: usize,
    used: AtomicU64,
}

impl Facts {
    pub(crate) fn new(max_entries: usize) -> Self {
        Self { entries: BTreeMap::new(), max_entries, bytes: 0, clock: AtomicU64::new(0) }
    }

    pub(crate) fn get(&self, need: &Need) -> Option<Fact> {
        let entry = self.entries.get(need)?;
        entry.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Some(entry.fact.clone())
    }

    pub(crate) fn insert(&mut self, need: Need, fact: Fact) {
        let bytes = size(&need, &fact);
        self.remove(&need);
        while !self.entries.is_empty() && (self.entries.len() >= self.max_entries || self.bytes + bytes > MAX_BYTES) {
            let oldest =
                self.entries.iter().min_by_key(|(_, e)| e.used.load(Ordering::Relaxed)).map(|(n, _)| n.clone());
            oldest.into_iter().for_each(|need| self.remove(&need));
        }
        let used = AtomicU64::new(self.clock.fetch_add(1, Ordering::Relaxed));
        self.bytes += bytes;
        self.entries.insert(need, Entry { fact, bytes, used });
    }

    /// A schema that is known for this id under another subject of the same context, if any.
    pub(crate) fn same_id(&self, id: i32, subject: &str) -> Option<&Fact> {
        let from = Need::Schema { id, subject: String::new() };
        let same_context =
            |need: &Need| matches!(need, Need::Schema { subject: s, .. } if context(s) == context(subject));
        let of_id = self.entries.range(from..).take_while(|(n, _)| matches!(n, Need::Schema { id: i, .. } if *i == id));
        of_id.into_iter().find(|(need, _)| same_context(need)).map(|(_, entry)| &entry.fact)
    }

    fn remove(&mut self, need: &Need) {
        if let Some(entry) = self.entries.remove(need) {
            self.bytes -= entry.bytes;
        }
    }
}

/// `:.context:` of a qualified subject, else empty: ids are unique per context.
fn context(subject: &str) -> &str {
    match subject.strip_prefix(":.").and_then(|rest| rest.find(':')) {
        Some(end) => subject.get(..end + 3).unwrap_or(""),
        None => "",
    }
}

fn size(need: &Need, fact: &Fact) -> usize {
    let asked = match need {
        Need::Id { schema, .. } | Need::Version { schema, .. } => schema.len(),
        _ => 0,
    };
    let known = match fact {
        Fact::Schema(schema) => schema.text.len(),
        _ => 0,
    };
    256 + asked + known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::needs::RegisteredSchema;
    use std::sync::Arc;

    fn schema(id: i32, text: String) -> (Need, Fact) {
        let schema =
            RegisteredSchema { id: Some(id), guid: None, version: None, text: text.into(), references: Vec::new() };
        (Need::Schema { id, subject: "s".into() }, Fact::Schema(Arc::new(schema)))
    }

    #[test]
    fn the_longest_unused_go_first() {
        let mut facts = Facts::new(2);
        for id in [1, 2] {
            let (need, fact) = schema(id, "x".into());
            facts.insert(need, fact);
        }
        let (first, _) = schema(1, String::new());
        assert!(facts.get(&first).is_some());
        let (third, fact) = schema(3, "x".into());
        facts.insert(third.clone(), fact);
        let (second, _) = schema(2, String::new());
        assert!(facts.get(&first).is_some() && facts.get(&third).is_some() && facts.get(&second).is_none());
    }

    #[test]
    fn bytes_are_bounded() {
        let mut facts = Facts::new(1_000);
        for id in 0..100 {
            let (need, fact) = schema(id, "x".repeat(2 << 20));
            facts.insert(need, fact);
        }
        assert!(facts.bytes <= MAX_BYTES && facts.entries.len() >= 31, "{}", facts.entries.len());
    }

    #[test]
    fn ids_are_compared_within_a_context() {
        let mut facts = Facts::new(10);
        let (need, fact) = schema(7, "x".into());
        facts.insert(need, fact);
        assert!(facts.same_id(7, "other").is_some() && facts.same_id(7, "").is_some());
        assert!(facts.same_id(7, ":.ctx:s").is_none() && facts.same_id(8, "s").is_none());
    }
}
