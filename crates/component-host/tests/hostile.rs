//! Components that attack their host: each gives a typed error in time, and nobody else notices.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{Module, open, probe, refused};
use component_host::{Component, MAX_COMPONENT};
use connect_data::{Decoded, ErrorKind};
use std::time::{Duration, Instant};

/// Two attempts, and what a busy machine adds.
const MOST: Duration = Duration::from_secs(30);

#[test]
fn what_a_call_does_ends_in_time_with_its_cause() {
    let bystander = open(&probe(), &[]).unwrap();
    let grow =
        "(drop (loop (result i32) (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))) (i32.const 0)))";
    let bomb = format!("{grow} unreachable");
    let table = "(drop (loop (result i32)
        (br_if 0 (i32.ne (table.grow $t (ref.null func) (i32.const 10000)) (i32.const -1))) (i32.const 0))) unreachable";
    let good = Module::default();
    let cases = [
        ("loop", Module { to_connect: "(loop (br 0)) unreachable", ..Module::default() }, "wasm.time-out"),
        (
            "loop in realloc",
            Module {
                realloc: "(if (i32.gt_u (global.get $free) (i32.const 9000)) (then (loop (br 0))))
                    (global.set $free (i32.const 9001)) (i32.const 8192)",
                ..Module::default()
            },
            "wasm.time-out",
        ),
        (
            "recursion",
            Module { to_connect: "(call $to (local.get 0) (local.get 1))", ..Module::default() },
            "wasm.stack",
        ),
        ("memory", Module { to_connect: &bomb, ..Module::default() }, "wasm.memory"),
        ("table", Module { more: "(table $t 1 funcref)", to_connect: table, ..Module::default() }, "wasm.memory"),
        ("unreachable", Module { to_connect: "unreachable", ..Module::default() }, "wasm.trap"),
        ("out of bounds", Module { to_connect: "(i32.load (i32.const 0x7fffffff))", ..Module::default() }, "wasm.trap"),
        (
            "division by zero",
            Module {
                to_connect: "(i32.div_u (i32.const 1) (i32.sub (local.get 1) (local.get 1)))",
                ..Module::default()
            },
            "wasm.trap",
        ),
        ("2 GiB result", Module { result: (4096, 0x7fff_ffff), ..Module::default() }, "wasm.call"),
        ("wild pointer", Module { result: (0xffff_0000, 16), ..Module::default() }, "wasm.call"),
        ("misaligned result", Module { to_connect: "(i32.const 3073)", ..Module::default() }, "wasm.call"),
        ("no item", Module { batch: &[0, 0, 0, 0, 0, 0, 0, 0, 0], ..Module::default() }, "wasm.result"),
        ("a thousand million items", Module { batch: &[0xff; 9], ..Module::default() }, "wasm.result"),
        ("an item too long", Module { batch: &[1, 0, 0, 0, 9, 0, 0, 0, 0], ..Module::default() }, "wasm.result"),
        ("bytes after the item", Module { batch: &[1, 0, 0, 0, 0, 0, 0, 0, 3], ..Module::default() }, "wasm.result"),
    ];
    for (name, module, code) in cases {
        let opened = open(&module.load(), &[]).unwrap_or_else(|e| panic!("{name}: {e}"));
        for _ in 0..2 {
            let start = Instant::now();
            let error = opened.decode("t", b"payload").unwrap_err();
            assert!(start.elapsed() < MOST, "{name}: {:?}", start.elapsed());
            assert_eq!((error.kind(), error.code()), (ErrorKind::Internal, code), "{name}: {error}");
            let digest = module.load().digest().to_string();
            assert!(error.message().contains("hand 1") && error.message().contains(&digest), "{name}: {error}");
        }
        assert_eq!(bystander.say("t", "hello").unwrap(), "hello", "{name}");
    }
    let opened = open(&good.load(), &[]).unwrap();
    assert_eq!(opened.decode("t", b"payload").unwrap().0, Decoded::Null);
    let state = bystander.say("t", "state").unwrap();
    assert!(state.ends_with(" 16"), "the bystander has been the same instance all the time: {state}");
}

#[test]
fn an_unknown_status_is_an_error() {
    let module = Module { batch: &[1, 0, 0, 0, 1, 0, 0, 0, 9], ..Module::default() };
    let error = open(&module.load(), &[]).unwrap().decode("t", b"").unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Internal, "batch.status"));
}

#[test]
fn what_does_not_start_is_not_opened() {
    let start = "(func $start (loop (br 0))) (start $start)";
    let cases = [
        ("infinite start", Module { more: start, ..Module::default() }, "wasm.time-out"),
        ("infinite describe", Module { describe: "(loop (br 0)) unreachable", ..Module::default() }, "wasm.time-out"),
        ("name that is not UTF-8", Module { name_len: 6, ..Module::default() }, "wasm.call"),
        ("name out of bounds", Module { name_len: 0x7fff_ffff, ..Module::default() }, "wasm.call"),
        (
            "memory of 128 MiB",
            Module { memory: "(memory (export \"memory\") 2048)", ..Module::default() },
            "wasm.memory",
        ),
    ];
    for (name, module, code) in cases {
        let begin = Instant::now();
        let error = open(&module.load(), &[]).err().unwrap_or_else(|| panic!("{name}: opened"));
        assert!(begin.elapsed() < MOST, "{name}: {:?}", begin.elapsed());
        assert_eq!((error.kind(), error.code()), (ErrorKind::Internal, code), "{name}: {error}");
    }
}

#[test]
fn what_is_no_plug_in_is_a_setting_to_change() {
    let good = Module::default();
    let load_and_open = |component: &[u8]| match Component::load(component, None) {
        Ok(component) => open(&component, &[]).err().unwrap(),
        Err(error) => error,
    };
    let wit = component_build::wit().unwrap();
    let missing = component_build::by_hand(&good.wat(), &wit, "base").unwrap();
    let changed = wit.replace("to-connect: func(batch: list<u8>)", "to-connect: func(batch: list<u16>)");
    let wrong_signature = component_build::by_hand(&good.wat(), &changed, "converter-plugin").unwrap();
    let random = "(component (import \"wasi:random/random@0.2.0\"
        (instance (export \"get-random-u64\" (func (result u64))))))";
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("missing export", missing, "component.exports"),
        ("wrong signature", wrong_signature, "component.exports"),
        ("wasi:random", component_build::text(random).unwrap(), "component.imports"),
        ("core module", component_build::text(&good.wat()).unwrap(), "component.invalid"),
        ("text", b"(component)".to_vec(), "component.invalid"),
        ("cut off", good.component()[..200].to_vec(), "component.invalid"),
        ("nothing", Vec::new(), "component.invalid"),
    ];
    for (name, component, code) in cases {
        let error = load_and_open(&component);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Config, code), "{name}: {error}");
    }
}

/// Proposals that are off, though compiled in.
#[test]
fn proposals_nobody_needs_are_refused() {
    for (name, more) in [
        ("threads", "(memory 1 1 shared)"),
        ("gc", "(type $s (struct (field i32)))"),
        ("exceptions", "(tag $e)"),
        ("memory64", "(memory i64 1)"),
        ("externref", "(table 1 externref)"),
        ("tail call", "(func $f (return_call $f))"),
    ] {
        let component = component_build::text(&format!("(component (core module {more}))")).unwrap();
        assert_eq!(refused(&component).code(), "component.invalid", "{name}");
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_is_compiled() {
    let begin = Instant::now();
    let functions = "(func)".repeat(100_000);
    let bomb = component_build::text(&format!("(component (core module {functions}))")).unwrap();
    assert_eq!(refused(&bomb).code(), "component.functions");
    let parts = "(func)".repeat(30_000);
    let split = component_build::text(&format!("(component (core module {parts}) (core module {parts}))")).unwrap();
    assert_eq!(refused(&split).code(), "component.functions");
    assert_eq!(refused(&vec![0; MAX_COMPONENT + 1]).code(), "component.size");
    assert!(begin.elapsed() < Duration::from_secs(60));

    // Large, but harmless.
    let padding = format!("(@custom \"padding\" \"{}\")", "x".repeat(10 << 20));
    let module = Module { more: &padding, ..Module::default() };
    assert_eq!(open(&module.load(), &[]).unwrap().decode("t", b"").unwrap().0, Decoded::Null);
}
