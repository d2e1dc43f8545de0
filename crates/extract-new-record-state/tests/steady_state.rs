//! One instance under load: no allocation once it is warm, the same answers from many threads, bounded caches.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::frame::{self, Outcome};
use connect_data::{Node, Properties, SchemaBuilder, Transformation, Type, Value};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use support::{Executor, Instance, Native, Record, Result, config, smt_vectors, steps};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    /// Bytes that are allocated and not freed.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        let _ = LIVE.try_with(|n| n.set(n.get() + layout.size() as isize));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let _ = LIVE.try_with(|n| n.set(n.get() - layout.size() as isize));
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        let _ = LIVE.try_with(|n| n.set(n.get() + size as isize - layout.size() as isize));
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn nothing_is_allocated_per_record() {
    let mut checked = 0;
    for vector in smt_vectors("") {
        let Ok(instance) = Instance::new(&config(&vector)) else {
            continue;
        };
        for (input, _) in steps(&vector) {
            let record = Record::read(input);
            // Fields of a schemaless key go through a value tree.
            let schemaless_key = record.key.0.is_none() && !record.key.1.is_null();
            // So do rows that are null but have a default.
            let row_default = record.value.0.as_ref().is_some_and(|schema| {
                let rows =
                    schema.root().fields.iter().filter(|field| ["before", "after"].contains(&field.name.as_str()));
                rows.into_iter().any(|row| schema.node(row.node).default.is_some())
            });
            let frame = record.frame(&*instance.store);
            let mut out = Vec::new();
            if schemaless_key || row_default || instance.smt.apply(&frame, &mut out).is_err() {
                continue;
            }
            out.clear();
            instance.smt.apply(&frame, &mut out).unwrap();
            out.clear();
            let before = ALLOCATIONS.get();
            instance.smt.apply(&frame, &mut out).unwrap();
            assert_eq!(ALLOCATIONS.get() - before, 0, "{}", vector.id);
            checked += 1;
        }
    }
    assert!(checked > 1_300, "{checked}");
    assert!(ALLOCATIONS.get() > checked, "the allocator counts");
}

#[test]
fn eight_threads_get_what_one_gets() {
    let properties = Properties::from_iter([
        ("delete.tombstone.handling.mode", "rewrite-with-tombstone"),
        ("add.fields", "op,table,lsn"),
        ("add.headers", "op,source.ts_ms"),
        ("drop.fields.header.name", "df"),
        ("drop.fields.from.key", "true"),
    ]);
    let records: Vec<Record> = ["3.x-random", "3.x-rich", "3.x-mode_op", "3.x-drop_fields"]
        .into_iter()
        .flat_map(smt_vectors)
        .flat_map(|vector| steps(&vector).into_iter().map(|(input, _)| Record::read(input)).collect::<Vec<_>>())
        .collect();
    let mut alone = Native(Instance::new(&properties).unwrap());
    let expected: Vec<Result> = records.iter().map(|record| alone.apply(record)).collect();
    // No two of them claim different schemas for one row: the order of threads cannot matter.
    let mut backwards = Native(Instance::new(&properties).unwrap());
    for (record, expected) in records.iter().zip(&expected).rev() {
        assert_eq!(expected.differs_from(&backwards.apply(record)), Vec::<String>::new());
    }
    let shared = Instance::new(&properties).unwrap();
    let frames: Vec<Vec<u8>> = records.iter().map(|record| record.frame(&*shared.store)).collect();
    let barrier = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                for ((record, frame), expected) in records.iter().zip(&frames).zip(&expected) {
                    let mut out = Vec::new();
                    let result = match shared.smt.apply(frame, &mut out) {
                        Ok(()) => record.after(&out, &*shared.store),
                        Err(error) => Result::Error(error),
                    };
                    assert_eq!(expected.differs_from(&result), Vec::<String>::new());
                }
            });
        }
    });
}

/// The first record of the corpus that is passed on as a row under these settings.
fn row_record(instance: &Instance) -> Record {
    let records = smt_vectors("3.x-mode_op").into_iter().map(|vector| Record::read(&vector.json["input"]));
    records
        .into_iter()
        .find(|record| {
            let mut out = Vec::new();
            instance.smt.apply(&record.frame(&*instance.store), &mut out).is_ok() && out.first() == Some(&frame::CHANGE)
        })
        .unwrap()
}

#[test]
fn ever_new_operations_and_dropped_fields_keep_giving_the_right_answer() {
    let properties = Properties::from_iter([("add.fields", "op"), ("drop.fields.header.name", "df")]);
    let instance = Instance::new(&properties).unwrap();
    let mut record = row_record(&instance);
    let schema = record.value.0.clone().unwrap();
    let (op, _) = schema.field(0, "op").unwrap();
    let mut native = Native(instance);
    for n in 0..1_000 {
        let Value::Struct(fields) = &mut record.value.1 else { panic!() };
        fields[op] = Value::String(format!("op{n}"));
        let names = vec![Value::String(format!("unknown{n}")), Value::String("cooking_minutes".into())];
        record.headers = vec![("df".into(), (None, Value::Array(names)))];
        let Result::Record(result) = native.apply(&record) else { panic!() };
        let names: Vec<&str> = result.value.0.as_ref().unwrap().root().fields.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["id", "name", "__op"]);
        let Value::Struct(fields) = &result.value.1 else { panic!() };
        assert_eq!(fields[2], Value::String(format!("op{n}")));
    }
}

/// A store forgets nothing, so an instance counts what dropped fields add to it.
#[test]
fn ever_new_sets_of_dropped_fields_are_bounded() {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("t.Envelope"));
    let row = b.field(root, "after", Node::new(Type::Struct).named("t.Value").optional());
    let columns: Vec<String> = (0..20).map(|column| format!("{column}{}", "x".repeat(10_000))).collect();
    for column in &columns {
        b.field(row, column.as_str(), Node::new(Type::Int32).optional());
    }
    b.field(root, "op", Node::new(Type::String));
    let values = Value::Struct(vec![Value::Int32(1); columns.len()]);
    let mut record = Record {
        topic: "t".into(),
        partition: None,
        timestamp: None,
        key: (None, Value::Null),
        value: (Some(b.build().unwrap()), Value::Struct(vec![values, Value::String("c".into())])),
        headers: Vec::new(),
    };
    let properties = Properties::from_iter([("drop.fields.header.name", "df")]);
    let mut native = Native(Instance::new(&properties).unwrap());
    let mut without = |set: usize| {
        let named = columns.iter().enumerate().filter(|(column, _)| set & 1 << column != 0);
        let names = named.map(|(_, name)| Value::String(name.clone())).collect();
        record.headers = vec![("df".into(), (None, Value::Array(names)))];
        match native.apply(&record) {
            Result::Record(changed) => Ok(changed.value.0.unwrap().root().fields.len()),
            other => Err(other.describe()),
        }
    };
    assert_eq!((without(0), without(0b101)), (Ok(20), Ok(18)));
    let refused = (1..1_000).find_map(|set| without(set).err()).unwrap();
    assert!(refused.contains("enrs.drop-sets"), "{refused}");
    assert_eq!((without(0), without(0b101)), (Ok(20), Ok(18)), "what is known stays");
}

#[test]
fn untouched_records_pass_and_equal_schemas_give_one_number() {
    let instance = Instance::new(&Properties::default()).unwrap();
    let record = row_record(&instance);
    let mut untouched = record.clone();
    untouched.value = record.key.clone();
    let mut out = Vec::new();
    instance.smt.apply(&untouched.frame(&*instance.store), &mut out).unwrap();
    assert_eq!(out, [frame::PASS]);
    let mut schemas = Vec::new();
    for _ in 0..2 {
        out.clear();
        instance.smt.apply(&record.frame(&*instance.store), &mut out).unwrap();
        let Outcome::Change { value: Some(value), key: None, topic: None, append: None, put: None } =
            Outcome::read(&out).unwrap()
        else {
            panic!()
        };
        schemas.push(value.schema);
    }
    assert_eq!(schemas[0], schemas[1]);
}

#[test]
fn ten_thousand_instances_leave_nothing_behind() {
    let properties = Properties::from_iter([("delete.tombstone.handling.mode", "rewrite"), ("add.fields", "op")]);
    let record = row_record(&Instance::new(&properties).unwrap());
    let cycle = || {
        let instance = Instance::new(&properties).unwrap();
        let mut out = Vec::new();
        instance.smt.apply(&record.frame(&*instance.store), &mut out).unwrap();
        assert_eq!(out[0], frame::CHANGE);
    };
    (0..100).for_each(|_| cycle());
    let before = LIVE.get();
    (0..10_000).for_each(|_| cycle());
    assert_eq!(LIVE.get(), before);
}
