//! The shipped components through the library's real methods.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use bucatini_wasm::native;
use component_host::Digest;
use connect_data::wire::Writer;
use connect_data::{Error, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

const AVRO: i32 = 1;
const UNWRAP: i32 = 2;
const WAL2JSON: i32 = 3;
const REGISTRY: (&str, &str) = ("schema.registry.url", "http://localhost:8081");

struct Caller {
    out: Vec<u8>,
}

impl Caller {
    fn new() -> Self {
        Self { out: vec![0; 1 << 16] }
    }

    fn open(&mut self, plugin: i32, settings: &[(&str, &str)], component: &[u8], digest: &str) -> i64 {
        let mut message = vec![0];
        let mut w = Writer::new(&mut message);
        w.u32(settings.len() as u32);
        for (name, value) in settings {
            w.str(name);
            w.str(value);
        }
        w.str(digest);
        w.bytes(component);
        let (env, object) = (std::ptr::null_mut(), std::ptr::null_mut());
        let (input, out) = (message.as_ptr().expose_provenance() as i64, self.out());
        // SAFETY: both ranges are this caller's own.
        unsafe { native::open(env, object, plugin, input, message.len() as i32, out, self.out.len() as i32) }
    }

    fn opened(&mut self, plugin: i32, settings: &[(&str, &str)], component: &[u8]) -> i64 {
        let handle = self.open(plugin, settings, component, &Digest::of(&[component]).to_string());
        assert!(handle > 0, "{}", self.error(handle));
        handle
    }

    fn topic(&mut self, handle: i64, name: &str) -> i32 {
        let (env, object) = (std::ptr::null_mut(), std::ptr::null_mut());
        let (input, out) = (name.as_ptr().expose_provenance() as i64, self.out());
        // SAFETY: as above.
        let topic = unsafe { native::topic(env, object, handle, input, name.len() as i32, out, self.out.len() as i32) };
        i32::try_from(topic).unwrap()
    }

    fn convert(&mut self, handle: i64, topic: i32, payload: &[u8]) -> i64 {
        let (env, object) = (std::ptr::null_mut(), std::ptr::null_mut());
        let (input, out) = (payload.as_ptr().expose_provenance() as i64, self.out());
        let (len, cap) = (payload.len() as i32, self.out.len() as i32);
        // SAFETY: as above.
        unsafe { native::to_connect(env, object, handle, topic, input, len, 0, out, cap) }
    }

    fn out(&mut self) -> i64 {
        self.out.as_mut_ptr().expose_provenance() as i64
    }

    fn error(&self, result: i64) -> Error {
        assert_eq!(result, -1);
        let len = u32::from_le_bytes(self.out[..4].try_into().unwrap()) as usize;
        Error::decode(&self.out[4..4 + len]).unwrap()
    }
}

fn close(handle: i64) {
    native::close(std::ptr::null_mut(), std::ptr::null_mut(), handle);
}

fn built(package: &str) -> Vec<u8> {
    component_build::build(package, Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()).unwrap()
}

fn threads() -> Vec<String> {
    let names = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    names.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok()).collect()
}

/// One test: the ticking thread is the process's.
#[test]
fn the_shipped_components_run_behind_the_boundary() {
    let mut caller = Caller::new();
    let avro = built("component-avro-converter");
    let result = caller.open(AVRO, &[REGISTRY], &avro, &"0".repeat(64));
    assert_eq!(caller.error(result).code(), "component.digest");
    let result = caller.open(AVRO, &[], &avro, &Digest::of(&[&avro]).to_string());
    assert_eq!(caller.error(result).kind(), ErrorKind::Config);
    let handle = caller.opened(AVRO, &[REGISTRY], &avro);
    let topic = caller.topic(handle, "orders");
    assert_eq!(caller.convert(handle, topic, &[0, 0, 0, 0, 5, 1, 2]), -2);
    let result = caller.convert(handle, topic, &[7, 7, 7]);
    assert_eq!(caller.error(result).kind(), ErrorKind::Data);

    let unwrap = built("component-extract-new-record-state");
    let transformation = caller.opened(UNWRAP, &[], &unwrap);
    let result = caller.open(WAL2JSON, &[], &unwrap, &Digest::of(&[&unwrap]).to_string());
    assert_eq!(caller.error(result).code(), "component.role");

    let wal2json = built("component-wal2json");
    let lines = caller.opened(WAL2JSON, &[("topic.prefix", "server"), ("database.dbname", "app")], &wal2json);
    let topic = caller.topic(lines, "server.public.t");
    let line =
        br#"{"action":"D","schema":"public","table":"t","identity":[{"name":"id","type":"integer","value":42}]}"#;
    assert!(caller.convert(lines, topic, line) > 0);

    // One ticking thread for all components, and none when the last has gone.
    assert_eq!(threads().iter().filter(|name| name.trim() == "bucatini-epoch").count(), 1);
    for handle in [handle, transformation, lines] {
        close(handle);
    }
    // It has been joined; the system may still list it for a moment.
    let begin = Instant::now();
    while threads().iter().any(|name| name.trim() == "bucatini-epoch") {
        assert!(begin.elapsed() < Duration::from_secs(10), "the ticking thread stays");
        std::thread::sleep(Duration::from_millis(1));
    }

    faults(&mut caller);
}

fn faults(caller: &mut Caller) {
    for (package, code) in [("fault-trap", "wasm.trap"), ("fault-loop", "wasm.time-out")] {
        let handle = caller.opened(AVRO, &[REGISTRY], &built(package));
        let (marked, good) = (caller.topic(handle, "x-bucatini-fault-y"), caller.topic(handle, "orders"));
        let begin = Instant::now();
        let result = caller.convert(handle, marked, &[0, 0, 0, 0, 5]);
        let error = caller.error(result);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Internal, code), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
        assert_eq!(caller.convert(handle, good, &[0, 0, 0, 0, 5]), -2, "{package}: other topics go on");
        close(handle);
    }
}
