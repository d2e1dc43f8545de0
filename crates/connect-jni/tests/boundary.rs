//! The `native` methods, called as the JVM calls them, without a JVM.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{Caller, OPEN, close, native};
use connect_data::{ErrorKind, Node, Schema, Type, schema_codec};
use std::sync::atomic::Ordering;

const CONVERTER: i32 = 1;
const TRANSFORMATION: i32 = 2;

#[test]
fn each_result_has_its_number() {
    let mut caller = Caller::new();
    let handle = caller.open(CONVERTER, true, &[("a", "b")], b"rest of it");
    assert!(handle > 0);
    assert_eq!(caller.topic(handle, b"orders"), 6);
    assert_eq!(caller.to_connect(handle, 6, b"xyz", b"HH"), (1 << 32) | 6);
    assert_eq!(caller.out[..6], *b"xyzHH\x06");
    assert_eq!(caller.to_connect(handle, 6, b"0yz", b""), 3, "schemaless");
    assert_eq!(caller.to_connect(handle, 6, b"r", b""), (1 << 32) | 10);
    assert_eq!(caller.out[..10], *b"rest of it");
    assert_eq!(caller.to_connect(handle, 6, b"k", b""), (1 << 32) | 1);
    assert_eq!(caller.out[0], 1);
    assert_eq!(caller.to_connect(handle, 6, b"n", b""), -4);
    assert_eq!(caller.to_connect(handle, 6, b"w", b""), -2);
    assert_eq!(caller.out[..4], 77u32.to_le_bytes());
    assert_eq!(caller.exchange(handle, 77, 12), 8);
    assert_eq!(caller.out[..8], 12i64.to_le_bytes());
    assert_eq!(caller.exchange(handle, 78, 12), 0);
    let result = caller.exchange(handle, 79, 12);
    assert_eq!(caller.error(result).kind(), ErrorKind::Outage);
    assert_eq!(caller.answer(handle, b"ok", 5), 0);
    assert_eq!(caller.from_connect(handle, 3, b"image"), 6);
    assert_eq!(caller.out[..6], *b"\x03image");
    assert_eq!(caller.from_connect(handle, 3, b"e"), 0, "empty bytes are not null");
    assert_eq!(caller.from_connect(handle, 3, b"n"), -4);
    assert_eq!(caller.from_connect(handle, 3, b"w"), -2);
    let result = caller.to_connect(handle, 6, b"d", b"");
    let error = caller.error(result);
    assert_eq!(error.to_string(), "expected a, found b [test.data] at after; hint");
    close(handle);

    let handle = caller.open(TRANSFORMATION, false, &[], b"");
    assert_eq!(caller.apply(handle, b"abc"), 3);
    assert_eq!(caller.out[..3], *b"cba");
    assert_eq!(caller.plan(handle, b"plan"), 4);
    assert_eq!(caller.plan(handle, b""), -4);
    close(handle);
}

#[test]
fn a_result_that_does_not_fit_is_asked_for_again() {
    let mut caller = Caller::new();
    let handle = caller.open(CONVERTER, false, &[], b"");
    assert_eq!(caller.to_connect(handle, 0, b"l", b""), -3);
    let wanted = u64::from_le_bytes(caller.out[..8].try_into().unwrap());
    assert_eq!(wanted, 10_000);
    caller.out.resize(wanted as usize, 0);
    assert_eq!(caller.to_connect(handle, 0, b"l", b""), (1 << 32) | 10_000);
    assert!(caller.out.iter().all(|byte| *byte == 1));
    close(handle);
}

#[test]
fn schemas_travel_once() {
    let mut caller = Caller::new();
    let handle = caller.open(CONVERTER, false, &[], b"");
    let schema = Schema::primitive(Node::new(Type::Int32).named("x"));
    let bytes = schema_codec::to_bytes(&schema).unwrap();
    let id = caller.intern(handle, &bytes);
    assert_eq!((id, caller.intern(handle, &bytes)), (2, 2), "1 is the converter's own");
    let len = caller.schema(handle, id as i32) as usize;
    assert_eq!(schema_codec::from_bytes(&caller.out[..len]).unwrap(), schema);
    for unknown in [0, 3, -1] {
        let result = caller.schema(handle, unknown);
        assert_eq!(caller.error(result).code(), "jni.schema");
    }
    let result = caller.intern(handle, b"\xff\xff\xff\xff");
    assert_eq!(caller.error(result).kind(), ErrorKind::Internal);
    close(handle);
}

#[test]
fn nonsense_is_an_error() {
    let mut caller = Caller::new();
    let result = caller.open(99, false, &[], b"");
    assert_eq!(caller.error(result).code(), "jni.plugin");
    let result = caller.open(CONVERTER, false, &[("open", "refuse")], b"");
    assert_eq!(caller.error(result).kind(), ErrorKind::Config);
    let converter = caller.open(CONVERTER, false, &[], b"");
    let transformation = caller.open(TRANSFORMATION, false, &[], b"");
    let result = caller.apply(converter, b"");
    assert_eq!(caller.error(result).code(), "jni.kind");
    let result = caller.topic(transformation, b"");
    assert_eq!(caller.error(result).code(), "jni.kind");
    let result = caller.topic(converter, b"\xff");
    assert_eq!(caller.error(result).code(), "jni.topic");
    close(converter);
    close(converter);
    close(0);
    close(-1);
    for handle in [converter, converter + 1, 0, -7, i64::MAX] {
        let result = caller.topic(handle, b"t");
        assert_eq!(caller.error(result).code(), "jni.handle", "{handle}");
    }
    let (out, cap) = caller.out();
    for (address, payload, headers) in [(0, 5, 0), (8, -1, 0), (-8, 1, 1), (8, -5, 5), (out, 5, -3)] {
        let (env, class) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: none of these inputs is read.
        let result = unsafe { native::to_connect(env, class, transformation, 0, address, payload, headers, out, cap) };
        assert_eq!(result, -1);
    }
    close(transformation);
    // SAFETY: null is allowed.
    let address = unsafe { native::address(std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut()) };
    assert_eq!(address, 0);
}

/// One panic in each method that runs a plug-in's code: all of them but `close`, `schema`, `intern` and `address`.
#[test]
fn a_panic_anywhere_is_an_error_without_its_text() {
    let mut caller = Caller::new();
    let result = caller.open(CONVERTER, false, &[("open", "panic")], b"");
    let mut errors = vec![caller.error(result)];
    let converter = caller.open(CONVERTER, false, &[], b"");
    let transformation = caller.open(TRANSFORMATION, false, &[], b"");
    let calls: [&dyn Fn(&mut Caller) -> i64; 7] = [
        &|caller| caller.topic(converter, b"panic"),
        &|caller| caller.to_connect(converter, 0, b"p", b""),
        &|caller| caller.from_connect(converter, 1, b"p"),
        &|caller| caller.exchange(converter, 0, 0),
        &|caller| caller.answer(converter, b"panic", 0),
        &|caller| caller.apply(transformation, b"panic"),
        &|caller| caller.plan(transformation, b"panic"),
    ];
    for call in calls {
        let result = call(&mut caller);
        errors.push(caller.error(result));
    }
    for error in errors {
        assert_eq!((error.kind(), error.code()), (ErrorKind::Internal, "jni.panic"));
        assert!(error.message().contains("tests/common/mod.rs:"), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert_eq!(caller.to_connect(converter, 6, b"0", b""), 1, "the instance goes on");
    close(converter);
    close(transformation);
}

#[test]
fn eight_threads_share_an_instance_while_others_come_and_go() {
    let mut caller = Caller::new();
    let shared = caller.open(CONVERTER, false, &[], b"");
    std::thread::scope(|scope| {
        for thread in 0..8u8 {
            scope.spawn(move || {
                let mut caller = Caller::new();
                for round in 0..2_000 {
                    let payload = [b'x', thread, round as u8];
                    assert_eq!(caller.to_connect(shared, 9, &payload, b""), (1 << 32) | 4);
                    assert_eq!(caller.out[..4], [b'x', thread, round as u8, 9]);
                    if round % 10 == 0 {
                        let own = caller.open(CONVERTER, false, &[], &payload);
                        assert_eq!(caller.to_connect(own, 0, b"r", b""), (1 << 32) | 3);
                        assert_eq!(caller.out[..3], payload);
                        close(own);
                        let result = caller.to_connect(own, 0, b"r", b"");
                        assert_eq!(caller.error(result).code(), "jni.handle");
                    }
                }
            });
        }
    });
    close(shared);
}

#[test]
fn closing_drops_the_plug_in() {
    let mut caller = Caller::new();
    for _ in 0..10_000 {
        let handle = caller.open(CONVERTER, false, &[], b"");
        close(handle);
    }
    // Other tests of this process have some open for the moment.
    assert!(OPEN.load(Ordering::SeqCst) < 100);
}
