//! A library of test plug-ins behind the real `native` methods.
#![allow(dead_code, unreachable_pub, clippy::wrong_self_convention)]

use connect_data::wire::Writer;
use connect_data::{
    Converter, Decoded, Encoded, Error, NeedId, Node, Result, Schema, SchemaId, TopicId, Transformation, Type,
};
use connect_jni::{Boundary, Factory, Open, Plugin, PluginKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Tests;

pub static BOUNDARY: Boundary<Tests> = Boundary::new(Tests);
pub static OPEN: AtomicUsize = AtomicUsize::new(0);

connect_jni::export_library!("TestLibrary", super::BOUNDARY);

impl Factory for Tests {
    fn open(&self, open: Open<'_>) -> Result<Plugin> {
        match open.settings.get("open") {
            Some("panic") => panic!("secret"),
            Some("refuse") => {
                return Err(Error::config("config.invalid", "setting open: expected another value").hint("x"));
            }
            _ => {}
        }
        Ok(match open.plugin {
            PluginKind::AvroConverter => {
                OPEN.fetch_add(1, Ordering::SeqCst);
                let schema = Arc::new(Schema::primitive(Node::new(Type::String).named("test")));
                let schema = open.schemas.intern(schema)?;
                Plugin::Converter(Box::new(Test { is_key: open.is_key, rest: open.rest.to_vec(), schema }))
            }
            PluginKind::ExtractNewRecordState => Plugin::Transformation(Box::new(Reverse)),
            PluginKind::Wal2JsonConverter => return Err(Error::internal("test.kind", "no such plug-in")),
        })
    }
}

/// Does what the payload's first byte says.
struct Test {
    is_key: bool,
    rest: Vec<u8>,
    schema: SchemaId,
}

impl Drop for Test {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Converter for Test {
    fn topic(&self, name: &str) -> Result<TopicId> {
        if name == "panic" {
            panic!("secret");
        }
        Ok(name.len() as TopicId)
    }

    fn to_connect(&self, topic: TopicId, headers: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Result<Decoded> {
        match payload.first() {
            Some(b'p') => panic!("secret"),
            Some(b'n') => return Ok(Decoded::Null),
            Some(b'w') => return Ok(Decoded::Need(77)),
            Some(b'd') => return Err(Error::data("test.data", "expected a, found b").field("after").hint("hint")),
            Some(b'l') => out.resize(10_000, 1),
            Some(b'0') => {
                out.extend_from_slice(payload);
                return Ok(Decoded::Value(None));
            }
            Some(b'r') => out.extend_from_slice(&self.rest),
            Some(b'k') => out.push(u8::from(self.is_key)),
            _ => {
                out.extend_from_slice(payload);
                out.extend_from_slice(headers);
                out.push(topic as u8);
            }
        }
        Ok(Decoded::Value(Some(self.schema)))
    }

    fn from_connect(&self, _: TopicId, schema: Option<SchemaId>, image: &[u8], out: &mut Vec<u8>) -> Result<Encoded> {
        match image.first() {
            Some(b'p') => panic!("secret"),
            Some(b'n') => return Ok(Encoded::Null),
            Some(b'w') => return Ok(Encoded::Need(78)),
            Some(b'e') => {}
            _ => {
                out.push(schema.unwrap_or(0) as u8);
                out.extend_from_slice(image);
            }
        }
        Ok(Encoded::Bytes)
    }

    fn exchange(&self, need: NeedId, now_ms: i64, out: &mut Vec<u8>) -> Result<bool> {
        match need {
            77 => {
                out.extend_from_slice(&now_ms.to_le_bytes());
                Ok(true)
            }
            78 => Ok(false),
            0 => panic!("secret"),
            _ => Err(Error::outage("test.outage", "the registry does not answer")),
        }
    }

    fn answer(&self, answer: &[u8], now_ms: i64) -> Result<()> {
        if answer == b"panic" {
            panic!("secret");
        }
        if answer == b"ok" && now_ms == 5 { Ok(()) } else { Err(Error::internal("test.answer", "malformed")) }
    }
}

struct Reverse;

impl Transformation for Reverse {
    fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if record == b"panic" {
            panic!("secret");
        }
        out.extend(record.iter().rev());
        Ok(())
    }

    fn plan(&self, request: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        if request == b"panic" {
            panic!("secret");
        }
        out.extend_from_slice(request);
        Ok(!request.is_empty())
    }
}

/// What the shim does: memory of its own, addresses and numbers to the other side.
pub struct Caller {
    pub input: Vec<u8>,
    pub out: Vec<u8>,
}

impl Caller {
    pub fn new() -> Self {
        Self { input: Vec::with_capacity(1 << 16), out: vec![0; 4_096] }
    }

    pub fn put(&mut self, bytes: &[u8]) -> (i64, i32) {
        self.input.clear();
        self.input.extend_from_slice(bytes);
        (self.input.as_ptr().expose_provenance() as i64, bytes.len() as i32)
    }

    pub fn out(&mut self) -> (i64, i32) {
        (self.out.as_mut_ptr().expose_provenance() as i64, self.out.len() as i32)
    }

    pub fn open(&mut self, plugin: i32, is_key: bool, settings: &[(&str, &str)], rest: &[u8]) -> i64 {
        let mut message = vec![u8::from(is_key)];
        let mut w = Writer::new(&mut message);
        w.u32(settings.len() as u32);
        for (name, value) in settings {
            w.str(name);
            w.str(value);
        }
        message.extend_from_slice(rest);
        let ((input, len), (out, cap)) = (self.put(&message), self.out());
        // SAFETY: both ranges are this caller's own.
        unsafe { native::open(std::ptr::null_mut(), std::ptr::null_mut(), plugin, input, len, out, cap) }
    }

    pub fn topic(&mut self, handle: i64, name: &[u8]) -> i64 {
        let ((input, len), (out, cap)) = (self.put(name), self.out());
        // SAFETY: as above.
        unsafe { native::topic(std::ptr::null_mut(), std::ptr::null_mut(), handle, input, len, out, cap) }
    }

    pub fn to_connect(&mut self, handle: i64, topic: i32, payload: &[u8], headers: &[u8]) -> i64 {
        self.input.clear();
        self.input.extend_from_slice(payload);
        self.input.extend_from_slice(headers);
        let (input, (out, cap)) = (self.input.as_ptr().expose_provenance() as i64, self.out());
        let (env, class) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: as above.
        unsafe {
            native::to_connect(env, class, handle, topic, input, payload.len() as i32, headers.len() as i32, out, cap)
        }
    }

    pub fn from_connect(&mut self, handle: i64, schema: i32, image: &[u8]) -> i64 {
        let ((input, len), (out, cap)) = (self.put(image), self.out());
        // SAFETY: as above.
        unsafe {
            native::from_connect(std::ptr::null_mut(), std::ptr::null_mut(), handle, 0, schema, input, len, out, cap)
        }
    }

    pub fn apply(&mut self, handle: i64, record: &[u8]) -> i64 {
        let ((input, len), (out, cap)) = (self.put(record), self.out());
        // SAFETY: as above.
        unsafe { native::apply(std::ptr::null_mut(), std::ptr::null_mut(), handle, input, len, out, cap) }
    }

    pub fn plan(&mut self, handle: i64, request: &[u8]) -> i64 {
        let ((input, len), (out, cap)) = (self.put(request), self.out());
        // SAFETY: as above.
        unsafe { native::plan(std::ptr::null_mut(), std::ptr::null_mut(), handle, input, len, out, cap) }
    }

    pub fn intern(&mut self, handle: i64, schema: &[u8]) -> i64 {
        let ((input, len), (out, cap)) = (self.put(schema), self.out());
        // SAFETY: as above.
        unsafe { native::intern(std::ptr::null_mut(), std::ptr::null_mut(), handle, input, len, out, cap) }
    }

    pub fn schema(&mut self, handle: i64, schema: i32) -> i64 {
        let (out, cap) = self.out();
        // SAFETY: as above.
        unsafe { native::schema(std::ptr::null_mut(), std::ptr::null_mut(), handle, schema, out, cap) }
    }

    pub fn exchange(&mut self, handle: i64, need: i32, now_ms: i64) -> i64 {
        let (out, cap) = self.out();
        // SAFETY: as above.
        unsafe { native::exchange(std::ptr::null_mut(), std::ptr::null_mut(), handle, need, now_ms, out, cap) }
    }

    pub fn answer(&mut self, handle: i64, answer: &[u8], now_ms: i64) -> i64 {
        let ((input, len), (out, cap)) = (self.put(answer), self.out());
        // SAFETY: as above.
        unsafe { native::answer(std::ptr::null_mut(), std::ptr::null_mut(), handle, input, len, now_ms, out, cap) }
    }

    /// The error that a result of -1 came with.
    pub fn error(&self, result: i64) -> Error {
        assert_eq!(result, -1);
        let len = u32::from_le_bytes(self.out[..4].try_into().unwrap()) as usize;
        Error::decode(&self.out[4..4 + len]).unwrap()
    }
}

pub fn close(handle: i64) {
    native::close(std::ptr::null_mut(), std::ptr::null_mut(), handle);
}
