//! Change events as the JVM's harness has written them, and converters that get what they need.

use connect_data::frame::{Answer, Exchange};
use connect_data::{Converter, Decoded};
use std::path::Path;

pub const TOPIC: &str = "shop.public.items";

/// `schema length u32, schema (a JSON string), then length u32 and bytes` of each payload, big-endian.
pub struct Input {
    pub schema: String,
    pub payloads: Vec<Vec<u8>>,
}

impl Input {
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut rest = &bytes[..];
        let mut parts = Vec::new();
        while let Some((len, after)) = rest.split_first_chunk() {
            let (part, after) = after.split_at(u32::from_be_bytes(*len) as usize);
            parts.push(part.to_vec());
            rest = after;
        }
        let schema = String::from_utf8(parts.remove(0)).unwrap();
        Self { schema, payloads: parts }
    }
}

/// Answers what a converter needs: every schema is the input's, every registered one has the same id.
pub fn satisfy(converter: &dyn Converter, need: u32, input: &Input) {
    let mut exchange = Vec::new();
    while {
        exchange.clear();
        converter.exchange(need, 0, &mut exchange).unwrap()
    } {
        let exchange = Exchange::read(&exchange).unwrap();
        let schema = match &exchange.body {
            Some(body) => serde_json::from_slice::<serde_json::Value>(body).unwrap()["schema"].to_string(),
            None => input.schema.clone(),
        };
        let body = format!("{{\"id\":1,\"version\":1,\"subject\":\"s\",\"schema\":{schema}}}").into_bytes();
        let mut answer = Vec::new();
        Answer { id: exchange.id, status: 200, headers: Vec::new(), body }.write(&mut answer);
        converter.answer(&answer, 0).unwrap();
    }
}

pub fn to_connect(converter: &dyn Converter, topic: u32, payload: &[u8], input: &Input, out: &mut Vec<u8>) -> u32 {
    loop {
        out.clear();
        match converter.to_connect(topic, &[], payload, out).unwrap() {
            Decoded::Value(schema) => return schema.unwrap_or(0),
            Decoded::Null => panic!("a payload without value"),
            Decoded::Need(need) => satisfy(converter, need, input),
        }
    }
}
