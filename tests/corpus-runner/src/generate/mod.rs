//! `corpus generate-smt` and `corpus generate-avro`: random vectors whose expectation is what the stock class answers.

mod arguments;
mod avro;
mod avro_data;
mod avro_settings;
mod avro_types;
mod choose;
mod connect_types;
mod random;
mod records;
mod settings;
mod smt;
mod tree;
mod wire;

use crate::engine::Failure;
use arguments::Options;
use choose::Traits;
use random::Random;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Longest vector that `--keep` keeps.
const LONGEST: usize = 16_000;

/// Runs the generator of this verb; `None`: there is none.
///
/// # Errors
/// As the generators.
pub fn run(verb: &str, arguments: impl Iterator<Item = String>) -> Option<Result<(), String>> {
    match verb {
        "generate-smt" => Some(smt::run(arguments)),
        "generate-avro" => Some(avro::run(arguments)),
        _ => None,
    }
}

/// Generates with `vector` (random numbers and a number -> vector and what to count it as), writes, and reports.
fn write(
    options: &Options,
    traits: Traits,
    mut vector: impl FnMut(&mut Random, usize) -> Result<(Json, Vec<String>), String>,
) -> Result<(), String> {
    let mut random = Random::new(options.seed);
    let mut vectors = Vec::new();
    let mut counts = BTreeMap::new();
    for number in 0..options.count {
        match vector(&mut Random::new(random.bits()), number) {
            Ok((vector, outcomes)) => {
                outcomes.into_iter().for_each(|outcome| *counts.entry(outcome).or_insert(0) += 1);
                vectors.push(vector);
            }
            // What the form cannot express, such as an array whose schema has lost its item.
            Err(why) => {
                *counts.entry(format!("left out: {}", why.chars().take(400).collect::<String>())).or_insert(0) += 1;
            }
        }
    }
    if let Some(keep) = options.keep {
        vectors.retain(|vector| vector.to_string().len() <= LONGEST);
        vectors = choose::differing(vectors, &choose::known(&options.known, traits)?, keep, traits);
    }
    let text: String = vectors.iter().map(|vector| format!("{vector}\n")).collect();
    std::fs::write(&options.out, text).map_err(|e| format!("{}: {e}", options.out.display()))?;
    println!("{}: {} vectors; outcomes of all generated: {counts:?}", options.out.display(), vectors.len());
    Ok(())
}

/// `{"error"}` of a vector; `operation` is the phase that is not configuring.
fn error(operation: &str, failure: &Failure) -> Json {
    let phase = if failure.configuring { "configure" } else { operation };
    json!({ "error": { "phase": phase, "class": failure.class, "message": failure.message, "causes": [] } })
}

/// What an expectation is, in a word.
fn outcome_kind(expected: &Json) -> String {
    expected.as_object().and_then(|e| e.keys().next().cloned()).unwrap_or_default()
}
