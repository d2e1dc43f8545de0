//! The library as it ships: its symbols, what it contains, and each core through the real methods.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use bucatini::native;
use connect_data::row_image::tree;
use connect_data::wire::Writer;
use connect_data::{Error, Value, schema_codec};
use object::read::elf::{Dyn, ElfFile64, FileHeader};
use object::{Object, ObjectSymbol};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Every `native` method of the Java class, and nothing else.
#[test]
fn the_library_exports_the_methods_of_the_boundary() {
    let deps = std::env::current_exe().unwrap();
    let library = std::fs::read(deps.with_file_name("libbucatini.so")).unwrap();
    let elf = ElfFile64::<object::Endianness>::parse(&*library).unwrap();
    let exported: BTreeSet<_> = elf
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition() && symbol.is_global())
        .map(|symbol| symbol.name().unwrap().to_owned())
        .collect();
    let methods = [
        "address",
        "answer",
        "apply",
        "close",
        "exchange",
        "fromConnect",
        "intern",
        "open",
        "plan",
        "schema",
        "toConnect",
        "topic",
    ];
    let mut expected: BTreeSet<_> =
        methods.iter().map(|m| format!("Java_io_bucatini_connect_internal_CoreLibrary_{m}")).collect();
    expected.insert("JNI_OnUnload".to_owned());
    assert_eq!(exported, expected);

    let endian = elf.endian();
    let header = elf.elf_header();
    let sections = header.sections(endian, &*library).unwrap();
    let (dynamic, _) = sections.dynamic(endian, &*library).unwrap().unwrap();
    let flags = dynamic.iter().filter(|entry| entry.tag32(endian).map(i64::from) == Some(object::elf::DT_FLAGS));
    for entry in flags {
        assert_eq!(entry.d_val(endian) & u64::from(object::elf::DF_STATIC_TLS), 0, "dlopen fails after a few copies");
    }
}

#[test]
fn there_is_no_webassembly_engine_in_it() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "connect-jni-core", "--edges", "normal", "--prefix", "none", "--offline"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("wal2json "), "{tree}");
    for unwanted in ["wasmtime", "cranelift", "component-host", "tokio", "rustls", "openssl", "jemalloc", "mimalloc"] {
        assert!(!tree.contains(unwanted), "{unwanted} in\n{tree}");
    }
}

struct Caller {
    out: Vec<u8>,
}

impl Caller {
    fn open(&mut self, plugin: i32, settings: &[(&str, &str)]) -> i64 {
        let mut message = vec![0];
        let mut w = Writer::new(&mut message);
        w.u32(settings.len() as u32);
        for (name, value) in settings {
            w.str(name);
            w.str(value);
        }
        let (env, class) = (std::ptr::null_mut(), std::ptr::null_mut());
        let (input, out) = (message.as_ptr().expose_provenance() as i64, self.out());
        // SAFETY: both ranges are this caller's own.
        unsafe { native::open(env, class, plugin, input, message.len() as i32, out, self.out.len() as i32) }
    }

    fn topic(&mut self, handle: i64, name: &str) -> i32 {
        let (env, class) = (std::ptr::null_mut(), std::ptr::null_mut());
        let (input, out) = (name.as_ptr().expose_provenance() as i64, self.out());
        // SAFETY: as above.
        let topic = unsafe { native::topic(env, class, handle, input, name.len() as i32, out, self.out.len() as i32) };
        i32::try_from(topic).unwrap()
    }

    #[allow(clippy::wrong_self_convention)] // Connect's name
    fn to_connect(&mut self, handle: i64, topic: i32, payload: &[u8]) -> i64 {
        let (env, class) = (std::ptr::null_mut(), std::ptr::null_mut());
        let (input, out) = (payload.as_ptr().expose_provenance() as i64, self.out());
        let (len, cap) = (payload.len() as i32, self.out.len() as i32);
        // SAFETY: as above.
        unsafe { native::to_connect(env, class, handle, topic, input, len, 0, out, cap) }
    }

    fn schema(&mut self, handle: i64, schema: i32) -> i64 {
        let (env, class, cap) = (std::ptr::null_mut(), std::ptr::null_mut(), self.out.len() as i32);
        // SAFETY: as above.
        unsafe { native::schema(env, class, handle, schema, self.out(), cap) }
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

const AVRO: i32 = 1;
const UNWRAP: i32 = 2;
const WAL2JSON: i32 = 3;
const REGISTRY: (&str, &str) = ("schema.registry.url", "http://localhost:8081");

#[test]
fn a_wal2json_line_becomes_an_image() {
    let mut caller = Caller { out: vec![0; 1 << 16] };
    let handle = caller.open(WAL2JSON, &[("topic.prefix", "server"), ("database.dbname", "db")]);
    assert!(handle > 0, "{}", caller.error(handle));
    let topic = caller.topic(handle, "server.public.t");
    let line = br#"{"action":"I","xid":7,"timestamp":"2026-11-23 00:00:00+00","lsn":"0/16B3748","nextlsn":"0/16B3778","schema":"public","table":"t","columns":[{"name":"id","type":"integer","typeoid":23,"position":1,"optional":false,"value":42}],"pk":[{"name":"id","type":"integer"}]}"#;
    let result = caller.to_connect(handle, topic, line);
    assert!(result > 0, "{}", caller.error(result));
    let image = caller.out[..(result & 0xffff_ffff) as usize].to_vec();
    let len = caller.schema(handle, (result >> 32) as i32) as usize;
    let schema = schema_codec::from_bytes(&caller.out[..len]).unwrap();
    let Value::Struct(fields) = tree::read(Some(&schema), &image, line).unwrap() else { panic!("a struct") };
    let (after, _) = schema.field(0, "after").unwrap();
    let Value::Struct(row) = &fields[after] else { panic!("{:?}", fields[after]) };
    assert_eq!(row[0], Value::Int32(42));
    close(handle);
}

#[test]
fn avro_wants_its_schema_first() {
    let mut caller = Caller { out: vec![0; 1 << 16] };
    let handle = caller.open(AVRO, &[REGISTRY]);
    assert!(handle > 0, "{}", caller.error(handle));
    let topic = caller.topic(handle, "orders");
    assert_eq!(caller.to_connect(handle, topic, &[0, 0, 0, 0, 5, 1, 2]), -2);
    let result = caller.to_connect(handle, topic, &[7, 7, 7]);
    assert_eq!(caller.error(result).kind(), connect_data::ErrorKind::Data);
    close(handle);
    let result = caller.open(AVRO, &[]);
    assert_eq!(caller.error(result).kind(), connect_data::ErrorKind::Config);
}

#[test]
fn the_transformation_opens_and_refuses_what_it_does_not_know() {
    let mut caller = Caller { out: vec![0; 4_096] };
    let handle = caller.open(UNWRAP, &[]);
    assert!(handle > 0, "{}", caller.error(handle));
    close(handle);
}

/// With the feature, and only then, a marked topic panics; the instance and others go on.
#[test]
#[cfg(feature = "fault-injection")]
fn a_marked_topic_panics() {
    let mut caller = Caller { out: vec![0; 4_096] };
    let handle = caller.open(AVRO, &[REGISTRY]);
    let (marked, good) = (caller.topic(handle, "x-bucatini-fault-y"), caller.topic(handle, "orders"));
    let result = caller.to_connect(handle, marked, &[0, 0, 0, 0, 5]);
    assert_eq!(caller.error(result).code(), "jni.panic");
    assert_eq!(caller.to_connect(handle, good, &[0, 0, 0, 0, 5]), -2);
    close(handle);
}
