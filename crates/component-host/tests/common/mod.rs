//! Components for the tests: the probe, built once a process, and hand-written ones.
#![allow(dead_code, unreachable_pub)]

use component_host::{Component, ComponentConverter, Level, Limits, Log, Options};
use connect_data::{Converter, Decoded, Error, InternedSchemas, Properties, Result};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

/// A call may take this long: much for what these components do, little to wait for.
pub const CALL: Duration = Duration::from_secs(1);

/// The bytes of a component of this workspace.
pub fn built(package: &str) -> Vec<u8> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    component_build::build(package, Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()).unwrap()
}

pub fn probe() -> Component {
    static PROBE: LazyLock<Component> = LazyLock::new(|| Component::load(&built("fault-probe"), None).unwrap());
    PROBE.clone()
}

/// Remembers what was logged.
#[derive(Default)]
pub struct Remembered(Mutex<Vec<(Level, String)>>);

impl Log for Remembered {
    fn log(&self, plugin: &str, level: Level, message: &str) {
        self.0.lock().unwrap().push((level, format!("{plugin}: {message}")));
    }
}

impl Remembered {
    pub fn lines(&self) -> Vec<(Level, String)> {
        self.0.lock().unwrap().clone()
    }
}

pub fn options() -> (Options, Arc<Remembered>) {
    let log = Arc::new(Remembered::default());
    (Options { limits: Limits { call: CALL, ..Limits::default() }, log: log.clone() }, log)
}

pub struct Opened {
    pub converter: ComponentConverter,
    pub schemas: Arc<InternedSchemas>,
    pub log: Arc<Remembered>,
}

pub fn open(component: &Component, settings: &[(&str, &str)]) -> Result<Opened> {
    let schemas = Arc::new(InternedSchemas::new());
    let (options, log) = options();
    let settings = Properties::from_iter(settings.iter().copied());
    let converter = ComponentConverter::open(component, &settings, true, schemas.clone(), &options)?;
    Ok(Opened { converter, schemas, log })
}

impl Opened {
    /// The image as text, after a call for `topic`.
    pub fn say(&self, topic: &str, payload: &str) -> Result<String> {
        let (decoded, image) = self.decode(topic, payload.as_bytes())?;
        assert_eq!(decoded, Decoded::Value(None));
        Ok(String::from_utf8(image).unwrap())
    }

    pub fn decode(&self, topic: &str, payload: &[u8]) -> Result<(Decoded, Vec<u8>)> {
        let topic = self.converter.topic(topic)?;
        let mut image = Vec::new();
        let decoded = self.converter.to_connect(topic, b"", payload, &mut image)?;
        Ok((decoded, image))
    }
}

/// A converter written by hand; each part can be replaced by something hostile. The good one answers null.
pub struct Module<'a> {
    pub memory: &'a str,
    pub more: &'a str,
    pub realloc: &'a str,
    pub describe: &'a str,
    pub name_len: u32,
    pub to_connect: &'a str,
    pub result: (u32, u32),
    pub batch: &'a [u8],
}

impl Default for Module<'_> {
    fn default() -> Self {
        Self {
            memory: "(memory (export \"memory\") 2)",
            more: "",
            // Never gives memory back: tests are short.
            realloc:
                "(local $at i32) (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                (global.set $free (i32.add (local.get $at) (local.get 3))) (local.get $at)",
            describe: "(i32.const 1024)",
            name_len: 4,
            to_connect: "(i32.const 3072)",
            result: (4096, 9),
            batch: &[1, 0, 0, 0, 1, 0, 0, 0, 3],
        }
    }
}

impl Module<'_> {
    pub fn wat(&self) -> String {
        let data = |at: u32, bytes: &[u8]| {
            let text: String = bytes.iter().map(|b| format!("\\{b:02x}")).collect();
            format!("(data (i32.const {at}) \"{text}\")\n")
        };
        let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<_>>();
        let descriptor = words(&[512, self.name_len, 516, 1, 0, 1, 0, 0]);
        format!(
            "(module {memory} {more} (global $free (mut i32) (i32.const 8192))
                {names}{descriptor}{result}{batch}
                (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) {realloc})
                (func (export \"bucatini:connect/plugin@0.1.0#describe\") (result i32) {describe})
                (func (export \"bucatini:connect/plugin@0.1.0#configure\") (param i32 i32 i32) (result i32)
                    (i32.const 2048))
                (func (export \"bucatini:connect/converter@0.1.0#topic\") (param i32 i32) (result i32) (i32.const 2048))
                (func $to (export \"bucatini:connect/converter@0.1.0#to-connect\") (param i32 i32) (result i32)
                    {to_connect})
                (func (export \"bucatini:connect/converter@0.1.0#from-connect\") (param i32 i32) (result i32)
                    (i32.const 3072))
                (func (export \"bucatini:connect/converter@0.1.0#exchange\") (param i32 i64) (result i32)
                    (i32.const 2048))
                (func (export \"bucatini:connect/converter@0.1.0#answer\") (param i32 i32 i64) (result i32)
                    (i32.const 2048)))",
            memory = self.memory,
            more = self.more,
            names = data(512, b"hand1\xff\xff\xff"),
            descriptor = data(1024, &descriptor),
            result = data(3072, &words(&[self.result.0, self.result.1])),
            batch = data(4096, self.batch),
            realloc = self.realloc,
            describe = self.describe,
            to_connect = self.to_connect,
        )
    }

    pub fn component(&self) -> Vec<u8> {
        component_build::by_hand(&self.wat(), &component_build::wit().unwrap(), "converter-plugin").unwrap()
    }

    pub fn load(&self) -> Component {
        Component::load(&self.component(), None).unwrap()
    }
}

pub fn refused(component: &[u8]) -> Error {
    match Component::load(component, None) {
        Ok(_) => panic!("expected a refusal, found a loaded component"),
        Err(error) => error,
    }
}
