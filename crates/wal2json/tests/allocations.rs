//! After warm-up a row allocates nothing, in either format and for every type.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::{Converter, InternedSchemas, Properties, SchemaStore};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use support::{Line, Stream, capture};
use wal2json::{Fed, Wal2JsonConverter};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is left to the system's allocator; counting touches a thread-local that needs no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

/// A capture without the tables whose shape changes on the way.
fn steady(name: &str) -> Vec<Line> {
    let lines = capture(name);
    let changing = |line: &&Line| ["\"ddl", "born_later", "\"toast"].iter().any(|table| line.data.contains(table));
    let transactions: Vec<_> = lines.iter().filter(changing).map(|line| line.xid).collect();
    lines.into_iter().filter(|line| !transactions.contains(&line.xid)).collect()
}

#[test]
fn decoding_a_stream_allocates_nothing() {
    let alternative: &[(&str, &str)] = &[
        ("time.precision.mode", "connect"),
        ("decimal.handling.mode", "string"),
        ("binary.handling.mode", "base64"),
        ("hstore.handling.mode", "map"),
        ("interval.handling.mode", "string"),
        ("include.unknown.datatypes", "true"),
    ];
    for modes in [&[("time.precision.mode", "connect")][..], alternative] {
        for name in ["full-v2-pk-xid-ts-lsn", "full-v2-default", "full-v1-debezium17", "full-v1-default"] {
            let lines = steady(name);
            let mut stream = Stream::with_catalog(modes);
            stream.feed_all(&lines).unwrap();
            let mut records = 0;
            let count = allocations(|| {
                for line in &lines {
                    let fed = stream.decoder.feed(line.data.as_bytes(), line.lsn, 0, &mut |record| {
                        records += usize::from(record.value.image.len() > 8);
                        Ok(())
                    });
                    assert!(matches!(fed, Ok(Fed::Accepted { .. })));
                }
            });
            assert!(records > 180, "{name}: {records}");
            assert_eq!(count, 0, "{name}: allocations in {records} records");
        }
    }
}

#[test]
fn converting_lines_allocates_nothing() {
    let properties: Properties =
        [("topic.prefix", "s"), ("database.dbname", "d"), ("time.precision.mode", "connect")].into_iter().collect();
    let store: Arc<dyn SchemaStore> = Arc::new(InternedSchemas::new());
    let converter = Wal2JsonConverter::new(&properties, false, store).unwrap();
    let lines = steady("full-v2-pk-xid-ts-lsn");
    let mut out = Vec::new();
    let mut convert = || {
        for line in &lines {
            out.clear();
            converter.to_connect(0, &[], line.data.as_bytes(), &mut out).unwrap();
        }
    };
    convert();
    assert_eq!(allocations(convert), 0);
}
