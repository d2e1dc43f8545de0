//! What an instance knows, what survives its replacement, and that instances do not see each other.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{Opened, built, open, options, probe};
use component_host::{Component, ComponentConverter, ComponentTransformation, Digest, Level};
use connect_data::frame::{Answer, Exchange};
use connect_data::{
    Converter, Decoded, Encoded, ErrorKind, InternedSchemas, Node, Properties, Schema, SchemaStore, Type,
};
use std::sync::Arc;
use std::time::Instant;

#[test]
fn a_plug_in_gets_its_settings_and_says_what_is_wrong_with_them() {
    let opened = open(&probe(), &[("setting", "value"), ("other", "x")]).unwrap();
    assert_eq!(opened.say("orders", "state").unwrap(), "orders value true 0 1");
    let error = open(&probe(), &[("setting", "fail")]).err().unwrap();
    assert_eq!(
        (error.kind(), error.code(), error.hint_text()),
        (ErrorKind::Config, "config.invalid", Some("change it"))
    );
    let begin = Instant::now();
    let error = open(&probe(), &[("setting", "loop")]).err().unwrap();
    assert_eq!(error.code(), "wasm.time-out");
    assert!(begin.elapsed() < std::time::Duration::from_secs(30));
    let (options, _) = options();
    let schemas = Arc::new(InternedSchemas::new());
    let wrong_role = ComponentTransformation::open(&probe(), &Properties::default(), schemas, &options);
    assert_eq!(wrong_role.err().unwrap().code(), "component.role");
}

#[test]
fn results_of_all_kinds_come_through() {
    let opened = open(&probe(), &[]).unwrap();
    let topic = opened.converter.topic("t").unwrap();
    assert_eq!(opened.decode("t", b"null").unwrap(), (Decoded::Null, vec![]));
    let error = opened.decode("t", b"data text").unwrap_err();
    assert_eq!(error.to_string(), "text [probe.data] at after; do not do this");
    assert_eq!(opened.decode("t", b"\xff").unwrap_err().code(), "probe.utf8");
    assert_eq!(opened.converter.to_connect(99, b"", b"state", &mut Vec::new()).unwrap_err().code(), "wasm.topic");

    let (decoded, _) = opened.decode("t", b"schema name").unwrap();
    let Decoded::Value(Some(id)) = decoded else { panic!("{decoded:?}") };
    assert_eq!(opened.schemas.get(id).unwrap().root().name.as_deref(), Some("name"));
    assert_eq!(opened.decode("t", b"schema name").unwrap().0, decoded, "equal schemas, equal numbers");

    let named = Arc::new(Schema::primitive(Node::new(Type::Int8).named("given")));
    let given = opened.schemas.intern(named).unwrap();
    let encode = |schema, image: &[u8]| {
        let mut out = b"kept".to_vec();
        opened.converter.from_connect(topic, schema, image, &mut out).map(|encoded| (encoded, out))
    };
    assert_eq!(encode(Some(given), b"image").unwrap(), (Encoded::Bytes, b"keptgivenimage".to_vec()));
    assert_eq!(encode(None, b"").unwrap(), (Encoded::Null, b"kept".to_vec()));
    assert_eq!(encode(Some(77), b"").unwrap_err().code(), "probe.schema");

    let large = opened.decode("t", format!("large {}", 10 << 20).as_bytes()).unwrap().1;
    assert_eq!(large.len(), 10 << 20);
}

#[test]
fn a_trap_replaces_the_instance_and_nothing_is_forgotten() {
    let opened = open(&probe(), &[("setting", "kept")]).unwrap();
    for topic in ["a", "b", "c"] {
        opened.converter.topic(topic).unwrap();
    }
    let schema = opened.decode("b", b"schema x").unwrap().0;
    for fault in ["panic me", "loop", "recurse"] {
        let error = opened.decode("b", fault.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        let digest = probe().digest().to_string();
        assert!(error.message().contains(&format!("plug-in probe 0.1.0 (component {digest})")), "{error}");
        // A new instance: its count of calls starts again, everything else is as before.
        assert_eq!(opened.say("b", "state").unwrap(), "b kept true 0 1");
        assert_eq!(opened.converter.topic("c").unwrap(), 2);
        assert_eq!(opened.decode("b", b"schema x").unwrap().0, schema);
    }
    let error = opened.decode("b", b"panic me").unwrap_err();
    assert_eq!(error.code(), "wasm.trap");
    assert!(error.message().contains("it said: panic at tests/faults/probe/src/lib.rs:"), "{error}");
    let replaced = opened.log.lines().iter().filter(|(_, line)| line.contains("is replaced: ")).count();
    assert_eq!(replaced, 4);
}

/// The memory of the old instance was full; the fresh one has room: the caller does not notice.
#[test]
fn a_fault_of_the_instance_and_not_of_the_record_is_mended() {
    let opened = open(&probe(), &[]).unwrap();
    for _ in 0..10 {
        opened.say("t", &format!("hoard {}", 30 << 20)).unwrap();
    }
    let lines = opened.log.lines();
    assert!(lines.iter().any(|(_, line)| line.contains("refused more than 64 MiB")), "{lines:?}");
    let error = opened.decode("t", format!("hoard {}", 70 << 20).as_bytes()).unwrap_err();
    assert_eq!(error.code(), "wasm.memory");
}

#[test]
fn needs_and_exchanges_of_an_instance_that_is_gone_do_no_harm() {
    let opened = open(&probe(), &[]).unwrap();
    let converter = &opened.converter;
    let need = |payload: &[u8]| match opened.decode("t", payload).unwrap().0 {
        Decoded::Need(need) => need,
        other => panic!("{other:?}"),
    };
    let exchange = |need| {
        let mut frame = Vec::new();
        converter.exchange(need, 42, &mut frame).unwrap().then(|| Exchange::read(&frame).unwrap())
    };
    let answer = |id| {
        let mut frame = Vec::new();
        Answer { id, status: 200, headers: Vec::new(), body: b"{}".to_vec() }.write(&mut frame);
        converter.answer(&frame, 42).unwrap();
    };
    let first = need(b"need 5");
    let asked = exchange(first).unwrap();
    assert_eq!(asked.url, "http://registry/5?42");
    assert_eq!(exchange(first).unwrap(), asked, "asking twice gives the same exchange");
    answer(asked.id);
    assert_eq!(exchange(first), None);
    assert_eq!(opened.decode("t", b"need 5").unwrap().0, Decoded::Value(None));

    let lost = need(b"need 6");
    let lost_exchange = exchange(lost).unwrap();
    opened.decode("t", b"panic").unwrap_err();
    assert_eq!(exchange(lost), None, "the conversion is to be called again");
    let again = need(b"need 7");
    let again_exchange = exchange(again).unwrap();
    assert_ne!((lost, lost_exchange.id), (again, again_exchange.id));
    answer(lost_exchange.id);
    assert_eq!(exchange(again).unwrap(), again_exchange, "the late answer was not taken for this one's");
    answer(again_exchange.id);
    assert_eq!(opened.decode("t", b"need 7").unwrap().0, Decoded::Value(None));
    assert_eq!(converter.answer(b"x", 0).unwrap_err().kind(), ErrorKind::Internal);
}

#[test]
fn a_component_cannot_flood_the_log_nor_the_schemas() {
    let opened = open(&probe(), &[]).unwrap();
    opened.say("t", "log 1000").unwrap();
    let lines = opened.log.lines();
    assert!((1..=30).contains(&lines.len()), "{}", lines.len());
    assert!(lines.iter().all(|(level, line)| *level == Level::Warn && line.len() < 1_100));

    let name = "x".repeat(1 << 20);
    let mut refused = None;
    for n in 0..20 {
        refused = opened.decode("t", format!("schema {n}{name}").as_bytes()).err();
    }
    assert_eq!(refused.unwrap().code(), "component.schemas");
    assert!(opened.schemas.get(15).is_some() && opened.schemas.get(17).is_none());
    assert!(opened.decode("t", format!("schema 3{name}").as_bytes()).is_ok(), "known ones cost nothing");
}

#[test]
fn eight_threads_share_one_instance_and_have_their_own() {
    let shared = open(&probe(), &[]).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let shared = &shared;
            scope.spawn(move || {
                let own = open(&probe(), &[]).unwrap();
                for round in 0..200 {
                    let text = format!("{thread}-{round}");
                    assert_eq!(shared.say("t", &text).unwrap(), text);
                    assert_eq!(own.say("t", &text).unwrap(), text);
                    if thread == 0 && round % 50 == 0 {
                        own.decode("t", b"panic").unwrap_err();
                    }
                }
                let calls = own.say("t", "state").unwrap();
                let expected = if thread == 0 { 50 } else { 201 };
                assert!(calls.ends_with(&format!(" {expected}")), "{calls}");
            });
        }
    });
    assert!(shared.say("t", "state").unwrap().ends_with(" 1601"));
}

#[test]
fn opening_and_closing_leaves_nothing() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap();
        status.split(' ').nth(1).unwrap().parse::<i64>().unwrap() * 4
    };
    let cycles = |count| {
        for _ in 0..count {
            let opened: Opened = open(&probe(), &[]).unwrap();
            opened.say("t", "x").unwrap();
        }
    };
    cycles(2_000);
    let (mut before, threads) = (resident(), std::fs::read_dir("/proc/self/task").unwrap().count());
    // What other tests take meanwhile is counted, too; what leaks grows every time.
    let grown = (0..4).map(|_| {
        cycles(8_000);
        let grown = resident() - before;
        before += grown;
        grown
    });
    assert!(grown.into_iter().any(|grown| grown < 4_096), "each 8,000 instances left 4 MiB or more");
    assert!(std::fs::read_dir("/proc/self/task").unwrap().count() <= threads + 8);
}

#[test]
fn a_component_is_known_by_its_digest() {
    let bytes = built("fault-probe");
    assert_eq!(probe().digest(), Digest::of(&[&bytes]));
    let (options, _) = options();
    let again = Component::load(&bytes, None).unwrap();
    let schemas = Arc::new(InternedSchemas::new());
    ComponentConverter::open(&again, &Properties::default(), false, schemas, &options).unwrap();
}
