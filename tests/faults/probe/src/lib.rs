//! A converter that does what the payload says, for the tests of `component-host`: it shows what an instance remembers and
//! misbehaves on demand.

use bucatini_sdk::frame::{Answer, Exchange};
use bucatini_sdk::{
    ConfigDef, Converter, Decoded, Encoded, Error, NeedId, Plugin, Properties, Result, Schema, SchemaId, SchemaStore,
    TopicId,
};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Appends what it is told and remembers a little.
pub struct Probe {
    schemas: Arc<dyn SchemaStore>,
    setting: String,
    is_key: bool,
    topics: Mutex<Vec<String>>,
    calls: AtomicU32,
    answered: Mutex<Vec<u32>>,
    hoard: Mutex<Vec<Vec<u8>>>,
}

impl Probe {
    fn topic_name(&self, topic: TopicId) -> Result<String> {
        let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics.get(topic as usize).cloned().ok_or_else(|| Error::internal("probe.topic", format!("no topic {topic}")))
    }
}

impl Converter for Probe {
    fn topic(&self, name: &str) -> Result<TopicId> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = topics.iter().position(|topic| topic == name) {
            return Ok(known as TopicId);
        }
        topics.push(name.to_owned());
        Ok((topics.len() - 1) as TopicId)
    }

    fn to_connect(&self, topic: TopicId, headers: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Result<Decoded> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let text = std::str::from_utf8(payload).map_err(|_| Error::data("probe.utf8", "expected UTF-8"))?;
        let (command, argument) = text.split_once(' ').unwrap_or((text, ""));
        match command {
            // Everything an instance knows, to see whether a new one knows it too.
            "state" => {
                let (name, setting, is_key) = (self.topic_name(topic)?, &self.setting, self.is_key);
                let headers = headers.len();
                out.extend_from_slice(format!("{name} {setting} {is_key} {headers} {call}").as_bytes());
                Ok(Decoded::Value(None))
            }
            "schema" => {
                let schema = Schema::primitive(bucatini_sdk::Node::new(bucatini_sdk::Type::Int32).named(argument));
                Ok(Decoded::Value(Some(self.schemas.intern(Arc::new(schema))?)))
            }
            "null" => Ok(Decoded::Null),
            "need" => match self.answered.lock().unwrap_or_else(PoisonError::into_inner).contains(&number(argument)) {
                true => Ok(Decoded::Value(None)),
                false => Ok(Decoded::Need(number(argument))),
            },
            "data" => Err(Error::data("probe.data", argument).field("after").hint("do not do this")),
            "panic" => panic!("secret {argument}"),
            "loop" => loop {
                std::hint::black_box(call);
            },
            "recurse" => {
                out.push(recurse(u32::MAX));
                Ok(Decoded::Value(None))
            }
            // Never given back: grows until the memory is at its limit, over several calls if need be.
            "hoard" => {
                let block = vec![1; number(argument) as usize];
                self.hoard.lock().unwrap_or_else(PoisonError::into_inner).push(block);
                Ok(Decoded::Value(None))
            }
            "large" => {
                out.resize(out.len() + number(argument) as usize, b'x');
                Ok(Decoded::Value(None))
            }
            "log" => {
                for _ in 0..number(argument) {
                    bucatini_sdk::log(bucatini_sdk::Level::Warn, &"x".repeat(10_000));
                }
                Ok(Decoded::Value(None))
            }
            _ => {
                out.extend_from_slice(payload);
                Ok(Decoded::Value(None))
            }
        }
    }

    fn from_connect(&self, _: TopicId, schema: Option<SchemaId>, image: &[u8], out: &mut Vec<u8>) -> Result<Encoded> {
        match schema {
            None if image.is_empty() => return Ok(Encoded::Null),
            None => {}
            Some(id) => {
                let schema =
                    self.schemas.get(id).ok_or_else(|| Error::data("probe.schema", format!("no schema {id}")))?;
                out.extend_from_slice(schema.root().name.as_deref().unwrap_or("").as_bytes());
            }
        }
        out.extend_from_slice(image);
        Ok(Encoded::Bytes)
    }

    fn exchange(&self, need: NeedId, now_ms: i64, out: &mut Vec<u8>) -> Result<bool> {
        if self.answered.lock().unwrap_or_else(PoisonError::into_inner).contains(&need) {
            return Ok(false);
        }
        Exchange {
            id: need + 100,
            method: "GET".to_owned(),
            url: format!("http://registry/{need}?{now_ms}"),
            headers: Vec::new(),
            body: None,
            delay_ms: 0,
            connect_timeout_ms: 1,
            timeout_ms: 2,
            max_response_bytes: 3,
        }
        .write(out);
        Ok(true)
    }

    fn answer(&self, answer: &[u8], _: i64) -> Result<()> {
        let answer = Answer::read(answer)?;
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).push(answer.id.wrapping_sub(100));
        Ok(())
    }
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or(0)
}

#[inline(never)]
fn recurse(levels: u32) -> u8 {
    let frame = std::hint::black_box([levels as u8; 64]);
    if levels == 0 { 0 } else { recurse(levels - 1).wrapping_add(*frame.last().unwrap_or(&0)) }
}

/// `setting = loop` hangs while it is configured, `fail` refuses.
pub enum Exported {}

impl Plugin for Exported {
    type Core = Probe;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn config() -> &'static ConfigDef {
        &ConfigDef { plugin: "probe", keys: &[] }
    }

    fn open(settings: &Properties, is_key: bool, schemas: Arc<dyn SchemaStore>) -> Result<Probe> {
        let setting = settings.get("setting").unwrap_or_default().to_owned();
        match setting.as_str() {
            "loop" => loop {
                std::hint::black_box(is_key);
            },
            "fail" => return Err(Error::config("config.invalid", "setting: expected another").hint("change it")),
            _ => {}
        }
        Ok(Probe {
            schemas,
            setting,
            is_key,
            topics: Mutex::default(),
            calls: AtomicU32::new(0),
            answered: Mutex::default(),
            hoard: Mutex::default(),
        })
    }
}

bucatini_sdk::export_converter!(Exported);
