//! `corpus generate-smt`: what Debezium's transformation makes of random records.

use super::arguments::Options;
use super::choose;
use super::random::Random;
use super::records::World;
use super::settings;
use crate::engine::harness::{Form, HarnessEngine};
use crate::engine::{Engine, Outcome};
use serde_json::{Value as Json, json};
use std::path::Path;

/// How to call it.
pub const USAGE: &str = "usage: corpus generate-smt --generation 1.7|3.0|3.x [options] OUT.jsonl";

/// The option that only this verb has.
const GENERATION: &str = "--generation";

/// Reads the arguments after the verb, generates, writes, and says what came out.
///
/// # Errors
/// Arguments that are not understood, an engine that does not start, a file that cannot be written.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let options = Options::read(arguments, &[GENERATION], USAGE)?;
    let generation = options.own(GENERATION).to_owned();
    if !["1.7", "3.0", "3.x"].contains(&generation.as_str()) {
        return Err(format!("{GENERATION}: expected 1.7, 3.0 or 3.x\n{USAGE}"));
    }
    let mut engine = HarnessEngine::new(Form::Stock { confluent: None }, "2.8", Path::new(""))?;
    super::write(&options, choose::smt_traits, |random, number| {
        let (config, inputs) = inputs(random, &generation)?;
        let steps = answer(&mut engine, &generation, &config, inputs)?;
        let outcomes = steps.iter().map(|(_, expected)| super::outcome_kind(expected)).collect();
        Ok((vector(&options, number, &config, steps), outcomes))
    })
}

type Config = crate::engine::Config;

/// Settings and the records that one instance gets.
fn inputs(random: &mut Random, generation: &str) -> Result<(Config, Vec<Json>), String> {
    let first = World::new(random);
    let config = settings::config(random, generation, &first.names());
    let mut records = vec![first.record(random)?];
    if random.chance(35) {
        let mut worlds = vec![first];
        for _ in 0..=random.below(5) {
            if random.chance(60) {
                let changed = random.pick(&worlds).changed(random);
                records.push(changed.record(random)?);
                worlds.push(changed);
            } else {
                records.push(random.pick(&worlds).record(random)?);
            }
        }
    }
    Ok((config, records))
}

/// Inputs with what the stock class makes of them.
fn answer(
    engine: &mut dyn Engine,
    generation: &str,
    config: &Config,
    inputs: Vec<Json>,
) -> Result<Vec<(Json, Json)>, String> {
    let refused = engine.open_transformation(generation, config)?;
    let mut steps = Vec::new();
    for input in inputs {
        let expected = match &refused {
            Some(failure) => super::error("apply", failure),
            None => match engine.apply(&input)? {
                Outcome::Record(record) => json!({ "record": record }),
                Outcome::Drop => json!({ "drop": true }),
                Outcome::Failed(failure) => super::error("apply", &failure),
                other => return Err(format!("a transformation answered {other:?}")),
            },
        };
        steps.push((input, expected));
    }
    Ok(steps)
}

fn vector(options: &Options, number: usize, config: &Config, mut steps: Vec<(Json, Json)>) -> Json {
    let generation = options.own(GENERATION);
    let id = format!("generated-{}-{}-{number}", generation.replace('.', ""), options.seed);
    let mut vector = json!({ "id": id, "generation": generation, "category": "generated", "config": config });
    if let Some(object) = vector.as_object_mut() {
        if steps.len() == 1 {
            let (input, expected) = steps.remove(0);
            object.insert("input".into(), input);
            object.insert("expected".into(), expected);
        } else {
            let steps = steps.into_iter().map(|(input, expected)| json!({ "input": input, "expected": expected }));
            object.insert("steps".into(), steps.collect());
        }
    }
    vector
}
