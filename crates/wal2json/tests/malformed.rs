//! Messages that are cut off or damaged: an error or another message, never a crash, and never a word of the contents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::{ErrorKind, Properties};
use std::collections::BTreeSet;
use std::sync::Arc;
use support::{Line, Stream, capture};
use wal2json::Lsn;

/// Messages of every kind: all actions, both formats, chunks, every type.
fn samples() -> Vec<Line> {
    let mut samples = Vec::new();
    for (name, count) in [
        ("m-v2-all", 24),
        ("full-v2-default", 10),
        ("m-v1-all", 8),
        ("m-v1-chunks-pretty-lsn", 6),
        ("full-v1-debezium17", 6),
    ] {
        let lines = capture(name);
        // Different shapes, spread over the capture.
        let mut seen = BTreeSet::new();
        let shape = |line: &Line| line.data.chars().filter(|c| c.is_alphabetic()).take(60).collect::<String>();
        let mut fresh = lines;
        // A delete from ri_index lacks its key, which is an error of its own.
        fresh.retain(|line| line.data.len() < 2_500 && !line.data.contains("ri_index") && seen.insert(shape(line)));
        let step = (fresh.len() / count).max(1);
        fresh = fresh.into_iter().step_by(step).take(count).collect();
        samples.extend(fresh);
    }
    assert!(samples.len() >= 50, "{}", samples.len());
    samples
}

/// A stream in the state in which the message is expected.
fn stream_before(message: &str) -> Stream {
    let mut stream = Stream::bare(&[("time.precision.mode", "connect")]);
    let first = message.trim_start().chars().next().unwrap();
    if first == ',' || first == ']' || message.trim_start().starts_with("{\"kind\"") || message.contains("\t\"kind\"") {
        stream.feed(b"{\"xid\":1,\"change\":[", Lsn(1)).unwrap();
        if first == ',' {
            stream.feed(b"{\"kind\":\"message\",\"transactional\":true}", Lsn(1)).unwrap();
        }
    }
    if message.contains("\"action\":\"C\"") {
        stream.feed(b"{\"action\":\"B\"}", Lsn(1)).unwrap();
    }
    stream
}

/// Row values of the samples, long enough not to occur by chance.
const SECRETS: [&str; 8] =
    ["spaghettini", "orecchiette", "séléct", "987654", "123.45", "dom\"", "B374D848", "pennette"];

#[test]
fn every_truncation_is_refused() {
    let mut refused = 0;
    for line in samples() {
        let message = line.data.as_bytes();
        stream_before(&line.data).feed(message, line.lsn).unwrap_or_else(|e| panic!("{}: {e}", line.data));
        let mut stream = stream_before(&line.data);
        for end in 0..message.len() {
            match stream.feed(&message[..end], line.lsn) {
                // The front of a whole transaction of format 1 is the preamble of one in chunks.
                Ok(events) => {
                    let front = line.data[..end].trim_end();
                    let preamble = front.ends_with('[') && front.contains("\"change\"");
                    // What is cut off may be white space.
                    let complete = line.data[end..].trim().is_empty();
                    assert!(events.is_empty() && preamble || complete, "{front}");
                    stream = stream_before(&line.data);
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
                    assert!(error.to_string().contains(&format!("LSN {}", line.lsn)), "{error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 10_000, "{refused}");
}

#[test]
fn flipped_bits_never_crash_and_never_leak() {
    let mut outcomes = [0, 0];
    for line in samples() {
        let mut stream = stream_before(&line.data);
        let original = line.data.as_bytes();
        let mut message = original.to_vec();
        // All bits of short messages, one or two of each byte of long ones.
        let bits = if original.len() < 250 { 8 } else { 1 };
        for at in 0..original.len() {
            for i in 0..bits {
                let bit = if bits == 8 { i } else { (at * 7 + i) % 8 };
                message[at] ^= 1 << bit;
                match stream.feed(&message, line.lsn) {
                    Ok(_) => {
                        outcomes[0] += 1;
                        stream = stream_before(&line.data);
                    }
                    Err(error) => {
                        outcomes[1] += 1;
                        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
                        let text = error.to_string();
                        for secret in SECRETS {
                            assert!(!text.contains(secret), "{text}");
                        }
                    }
                }
                message[at] = original[at];
            }
        }
    }
    assert!(outcomes.iter().all(|count| *count > 5_000), "{outcomes:?}");
}

#[test]
fn the_converter_stands_the_same() {
    let properties: Properties = [("topic.prefix", "s"), ("database.dbname", "d")].into_iter().collect();
    let mut refused = 0;
    for line in samples().into_iter().filter(|line| line.data.contains("\"action\"")) {
        let store = Arc::new(connect_data::InternedSchemas::new());
        let converter = wal2json::Wal2JsonConverter::new(&properties, false, store).unwrap();
        let mut out = Vec::new();
        let mut message = line.data.clone().into_bytes();
        for end in 0..message.len() {
            out.clear();
            let result = connect_data::Converter::to_connect(&converter, 0, &[], &message[..end], &mut out);
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Data);
            refused += 1;
        }
        for at in 0..message.len() {
            message[at] ^= 1 << (at % 8);
            out.clear();
            if let Err(error) = connect_data::Converter::to_connect(&converter, 0, &[], &message, &mut out) {
                assert_eq!(error.kind(), ErrorKind::Data, "{error}");
            }
            message[at] ^= 1 << (at % 8);
        }
    }
    assert!(refused > 5_000, "{refused}");
}

#[test]
fn hostile_nesting_and_lengths_are_refused() {
    let deep = format!("{{\"action\":\"B\",\"extra\":{}", "[".repeat(200_000));
    assert_eq!(Stream::bare(&[]).feed(deep.as_bytes(), Lsn(1)).unwrap_err().code(), "wal2json.depth");
    let number = format!(
        r#"{{"action":"I","schema":"s","table":"t","columns":[{{"name":"n","type":"numeric","value":{}}}]}}"#,
        "9".repeat(200_000)
    );
    assert_eq!(Stream::bare(&[]).feed(number.as_bytes(), Lsn(1)).unwrap_err().code(), "wal2json.value");
    // The longest number that PostgreSQL stores is converted all the same.
    let number = number.replace(&"9".repeat(200_000), &"9".repeat(131_072));
    assert_eq!(Stream::bare(&[]).feed(number.as_bytes(), Lsn(1)).unwrap().len(), 1);
    let nested = format!(
        r#"{{"action":"I","schema":"s","table":"t","columns":[{{"name":"a","type":"integer[]","value":"{}"}}]}}"#,
        "{".repeat(100_000)
    );
    assert_eq!(Stream::bare(&[]).feed(nested.as_bytes(), Lsn(1)).unwrap_err().code(), "wal2json.value");
}
