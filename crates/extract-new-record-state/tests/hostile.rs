//! Records and requests that are not what they should be: an error or an outcome, never a panic.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::frame::Outcome;
use connect_data::{Properties, Transformation};
use support::{Instance, Record, smt_vectors, steps};

struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

#[test]
fn damaged_records_and_requests() {
    let properties = Properties::from_iter([
        ("delete.tombstone.handling.mode", "rewrite-with-tombstone"),
        ("add.fields", "op,source.ts_ms,transaction.id"),
        ("add.headers", "op,source"),
        ("route.by.field", "name"),
        ("drop.fields.header.name", "dropme"),
        ("drop.fields.from.key", "true"),
        ("drop.fields.keep.schema.compatible", "false"),
    ]);
    let instance = Instance::new(&properties).unwrap();
    let mut random = Random(7);
    let (mut accepted, mut refused) = (0, 0);
    for vector in ["3.x-drop_fields", "3.x-rich", "3.x-sequence"].into_iter().flat_map(smt_vectors) {
        for (input, _) in steps(&vector) {
            let frame = Record::read(input).frame(&*instance.store);
            for _ in 0..40 {
                let mut damaged = frame.clone();
                match random.next(4) {
                    0 => damaged.truncate(random.next(frame.len())),
                    1 => damaged.extend_from_slice(&frame[..random.next(frame.len())]),
                    _ => {
                        for _ in 0..=random.next(4) {
                            let at = random.next(frame.len());
                            damaged[at] = [0, 1, 0x7F, 0x80, 0xFF, random.next(256) as u8][random.next(6)];
                        }
                    }
                }
                let mut out = Vec::new();
                match instance.smt.apply(&damaged, &mut out) {
                    Ok(()) => {
                        Outcome::read(&out).unwrap();
                        accepted += 1;
                    }
                    Err(_) => {
                        assert!(out.is_empty());
                        refused += 1;
                    }
                }
                let request: Vec<u8> = (0..random.next(40)).map(|_| random.next(4) as u8).collect();
                let _ = instance.smt.plan(&request, &mut Vec::new());
            }
        }
    }
    assert!(accepted > 100 && refused > 1_000, "{accepted} {refused}");
}
