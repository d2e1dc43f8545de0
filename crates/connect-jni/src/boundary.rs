//! What the `native` methods do, for any set of plug-ins.

use crate::guard::guard;
use crate::handles::{Handle, Handles};
use crate::scratch::{Input, Output, code, with_buffer};
use crate::stack;
use connect_data::wire::Reader;
use connect_data::{
    Converter, Decoded, Encoded, Error, InternedSchemas, NeedId, Properties, Result, SchemaId, SchemaStore, TopicId,
    Transformation, schema_codec,
};
use std::sync::Arc;

/// Plug-ins by the numbers that Java uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginKind {
    /// 1
    AvroConverter,
    /// 2
    ExtractNewRecordState,
    /// 3
    Wal2JsonConverter,
}

impl PluginKind {
    fn from_number(number: i32) -> Result<Self> {
        Ok(match number {
            1 => Self::AvroConverter,
            2 => Self::ExtractNewRecordState,
            3 => Self::Wal2JsonConverter,
            other => {
                return Err(Error::internal("jni.plugin", format!("expected the number of a plug-in, found {other}"))
                    .hint("the jar and the native library are of different versions"));
            }
        })
    }
}

/// What is to be opened.
pub struct Open<'a> {
    /// Which plug-in.
    pub plugin: PluginKind,
    /// Whether a converter is the key's.
    pub is_key: bool,
    /// The user's settings.
    pub settings: Properties,
    /// The instance's schemas.
    pub schemas: Arc<dyn SchemaStore>,
    /// What follows the settings: the library's own.
    pub rest: &'a [u8],
}

/// An opened plug-in.
pub enum Plugin {
    /// A converter.
    Converter(Box<dyn Converter>),
    /// A transformation.
    Transformation(Box<dyn Transformation>),
}

/// Makes the plug-ins of one library.
pub trait Factory: Send + Sync {
    /// Opens a plug-in.
    ///
    /// # Errors
    /// Config: a setting is wrong. Internal: the library's own trouble.
    fn open(&self, open: Open<'_>) -> Result<Plugin>;
}

struct Instance {
    plugin: Plugin,
    schemas: Arc<InternedSchemas>,
}

impl Instance {
    fn converter(&self) -> Result<&dyn Converter> {
        match &self.plugin {
            Plugin::Converter(converter) => Ok(converter.as_ref()),
            Plugin::Transformation(_) => Err(wrong_kind("converter", "transformation")),
        }
    }

    fn transformation(&self) -> Result<&dyn Transformation> {
        match &self.plugin {
            Plugin::Transformation(transformation) => Ok(transformation.as_ref()),
            Plugin::Converter(_) => Err(wrong_kind("transformation", "converter")),
        }
    }
}

fn wrong_kind(expected: &str, found: &str) -> Error {
    Error::internal("jni.kind", format!("expected the handle of a {expected}, found that of a {found}"))
}

/// What a call came to.
enum Reply {
    /// A number; nothing was written.
    Number(i64),
    /// The buffer holds the result.
    Bytes,
    /// The buffer holds an image with this schema.
    Image(Option<SchemaId>),
    /// Something is lacking.
    Need(NeedId),
    /// Null.
    Null,
}

/// One library: its plug-ins and their open instances. The methods are those of `docs/jni-boundary.md`.
pub struct Boundary<F> {
    factory: F,
    instances: Handles<Instance>,
}

impl<F: Factory> Boundary<F> {
    /// A library without open instances.
    pub const fn new(factory: F) -> Self {
        Self { factory, instances: Handles::new() }
    }

    /// `open`
    pub fn open(&self, plugin: i32, input: Input, out: Output) -> i64 {
        reply(out, |_| {
            let mut r = Reader::new(input.bytes()?);
            let is_key = r.u8()? != 0;
            let mut settings = Properties::default();
            for _ in 0..r.count(8)? {
                let name = r.str()?;
                settings.set(name, r.str()?);
            }
            let rest = r.take(r.remaining())?;
            let plugin = PluginKind::from_number(plugin)?;
            let schemas = Arc::new(InternedSchemas::new());
            let plugin = self.factory.open(Open { plugin, is_key, settings, schemas: schemas.clone(), rest })?;
            Ok(Reply::Number(self.instances.insert(Instance { plugin, schemas })?))
        })
    }

    /// `close`: waits for calls on this instance; a handle that is not open is ignored.
    pub fn close(&self, handle: Handle) {
        // Nobody can be told that dropping an instance has panicked, and nothing depends on it any more.
        let _ = guard(|| {
            drop(self.instances.remove(handle));
            Ok(())
        });
    }

    /// Closes every instance: the library is about to be unmapped.
    pub fn unload(&self) {
        for handle in self.instances.open() {
            self.close(handle);
        }
    }

    /// `topic`
    pub fn topic(&self, handle: Handle, input: Input, out: Output) -> i64 {
        self.call(handle, out, |instance, _| {
            let name = std::str::from_utf8(input.bytes()?)
                .map_err(|_| Error::internal("jni.topic", "topic: expected UTF-8, found other bytes"))?;
            Ok(Reply::Number(i64::from(instance.converter()?.topic(name)?)))
        })
    }

    /// `intern`
    pub fn intern(&self, handle: Handle, input: Input, out: Output) -> i64 {
        self.call(handle, out, |instance, _| {
            let schema = schema_codec::from_bytes(input.bytes()?)?;
            Ok(Reply::Number(i64::from(instance.schemas.intern(Arc::new(schema))?)))
        })
    }

    /// `schema`
    pub fn schema(&self, handle: Handle, schema: i32, out: Output) -> i64 {
        self.call(handle, out, |instance, buffer| {
            let schema = instance.schemas.get(schema as SchemaId).ok_or_else(|| {
                Error::internal("jni.schema", format!("expected the number of an interned schema, found {schema}"))
            })?;
            buffer.extend_from_slice(&schema_codec::to_bytes(&schema)?);
            Ok(Reply::Bytes)
        })
    }

    /// `toConnect`: `input` is the payload followed by `headers_len` bytes of headers.
    pub fn to_connect(&self, handle: Handle, topic: TopicId, input: Input, headers_len: i32, out: Output) -> i64 {
        self.call(handle, out, |instance, buffer| {
            let bytes = input.bytes()?;
            let split = usize::try_from(headers_len).ok().and_then(|len| bytes.len().checked_sub(len));
            let (payload, headers) = split.and_then(|at| bytes.split_at_checked(at)).ok_or_else(|| {
                Error::internal(
                    "jni.input",
                    format!("expected headers within the input, found {headers_len} bytes of them"),
                )
            })?;
            Ok(match instance.converter()?.to_connect(topic, headers, payload, buffer)? {
                Decoded::Value(schema) => Reply::Image(schema),
                Decoded::Null => Reply::Null,
                Decoded::Need(need) => Reply::Need(need),
            })
        })
    }

    /// `fromConnect`: schema 0 is schemaless data.
    pub fn from_connect(&self, handle: Handle, topic: TopicId, schema: i32, input: Input, out: Output) -> i64 {
        self.call(handle, out, |instance, buffer| {
            let schema = (schema != 0).then_some(schema as SchemaId);
            Ok(match instance.converter()?.from_connect(topic, schema, input.bytes()?, buffer)? {
                Encoded::Bytes => Reply::Bytes,
                Encoded::Null => Reply::Null,
                Encoded::Need(need) => Reply::Need(need),
            })
        })
    }

    /// `apply`
    pub fn apply(&self, handle: Handle, input: Input, out: Output) -> i64 {
        self.call(handle, out, |instance, buffer| {
            instance.transformation()?.apply(input.bytes()?, buffer)?;
            Ok(Reply::Bytes)
        })
    }

    /// `plan`
    pub fn plan(&self, handle: Handle, input: Input, out: Output) -> i64 {
        self.call(handle, out, |instance, buffer| {
            let planned = instance.transformation()?.plan(input.bytes()?, buffer)?;
            Ok(if planned { Reply::Bytes } else { Reply::Null })
        })
    }

    /// `exchange`
    pub fn exchange(&self, handle: Handle, need: NeedId, now_ms: i64, out: Output) -> i64 {
        self.call(handle, out, |instance, buffer| {
            let needed = instance.converter()?.exchange(need, now_ms, buffer)?;
            Ok(if needed { Reply::Bytes } else { Reply::Number(0) })
        })
    }

    /// `answer`
    pub fn answer(&self, handle: Handle, input: Input, now_ms: i64, out: Output) -> i64 {
        self.call(handle, out, |instance, _| {
            instance.converter()?.answer(input.bytes()?, now_ms)?;
            Ok(Reply::Number(0))
        })
    }

    #[inline]
    fn call(
        &self,
        handle: Handle,
        out: Output,
        body: impl FnOnce(&Instance, &mut Vec<u8>) -> Result<Reply> + Send,
    ) -> i64 {
        reply(out, |buffer| self.instances.with(handle, |instance| body(instance, buffer))?)
    }
}

/// Runs the guarded body and turns what it came to into the caller's bytes and number.
#[inline]
fn reply(out: Output, body: impl FnOnce(&mut Vec<u8>) -> Result<Reply> + Send) -> i64 {
    with_buffer(|buffer| match stack::with_enough(|| body(buffer)) {
        Ok(Reply::Number(number)) => number,
        Ok(Reply::Bytes) => out.bytes(buffer),
        Ok(Reply::Image(schema)) => match (schema.unwrap_or(0), out.bytes(buffer)) {
            (_, refused @ ..0) => refused,
            (schema, len) if schema <= i32::MAX as u32 => i64::from(schema) << 32 | len,
            (schema, _) => {
                let error =
                    Error::internal("jni.schema", format!("expected a schema number below 2^31, found {schema}"));
                out.error(&error, buffer)
            }
        },
        Ok(Reply::Need(need)) => out.need(need),
        Ok(Reply::Null) => code::NULL,
        Err(error) => out.error(&error, buffer),
    })
}
