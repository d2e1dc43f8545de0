//! A line of wal2json in the core alone, and what no reader of it can do without.

use crate::input::{Input, to_connect};
use crate::race::Race;
use crate::row::each;
use connect_data::{Converter, InternedSchemas, Properties};
use std::hint::black_box;
use std::sync::Arc;
use wal2json::Wal2JsonConverter;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES << 7;

pub fn race(input: &Input) -> Race<'_> {
    let settings = Properties::from_iter([("topic.prefix", "shop"), ("database.dbname", "shop")]);
    let core = Wal2JsonConverter::new(&settings, false, Arc::new(InternedSchemas::new())).unwrap();
    let topic = core.topic("t").unwrap();
    let mut image = Vec::new();
    let same = input.payloads.clone();
    for line in &input.payloads {
        to_connect(&core, topic, line, input, &mut image);
        let quotes = line.iter().filter(|byte| **byte == b'"').count() as u32;
        assert_eq!(quotes_and_backslashes(line), quotes);
    }
    Race::default()
        .lane(
            "ours",
            each(input, move |line| {
                image.clear();
                black_box(core.to_connect(topic, &[], line, &mut image).unwrap());
            }),
        )
        .lane(
            "UTF-8",
            each(input, |line| {
                black_box(std::str::from_utf8(line).unwrap());
            }),
        )
        .lane(
            "structure",
            each(input, |line| {
                black_box(quotes_and_backslashes(line));
            }),
        )
        .lane("comparison", move |count| {
            for i in 0..count {
                let line = i % input.payloads.len();
                assert!(black_box(&input.payloads[line]) == black_box(&same[line]));
            }
        })
}

/// What says where texts begin and end, eight bytes a step.
fn quotes_and_backslashes(line: &[u8]) -> u32 {
    let (words, rest) = line.as_chunks();
    let found = words.iter().map(|word| marks(u64::from_le_bytes(*word)).count_ones()).sum::<u32>();
    found + rest.iter().filter(|byte| matches!(**byte, b'"' | b'\\')).count() as u32
}

/// The highest bit of each byte that is a quote or a backslash.
fn marks(word: u64) -> u64 {
    let zeros = |word: u64| !(((word & !HIGH) + !HIGH) | word) & HIGH;
    zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')))
}
