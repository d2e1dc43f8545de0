//! `corpus generate-smt`: random vectors whose expectation is what the stock class answers.

mod choose;
mod random;
mod records;
mod settings;
mod tree;

use crate::engine::harness::{Form, HarnessEngine};
use crate::engine::{Engine, Failure, Outcome};
use random::Random;
use records::World;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How to call it.
pub const USAGE: &str = "\
usage: corpus generate-smt --generation 1.7|3.0|3.x [options] OUT.jsonl
  --seed S   which vectors (default 1)
  --count N  how many (default 1000)
  --keep K   write only K of them: those that differ most in settings, schemas and outcome
  --not IN.jsonl   leave out what these vectors show already (with --keep)";

/// Longest vector that `--keep` keeps.
const LONGEST: usize = 16_000;

struct Arguments {
    generation: String,
    seed: u64,
    count: usize,
    keep: Option<usize>,
    known: Vec<PathBuf>,
    out: PathBuf,
}

/// Reads the arguments after the verb, generates, writes, and says what came out.
///
/// # Errors
/// Arguments that are not understood, an engine that does not start, a file that cannot be written.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let arguments = read(arguments).map_err(|e| format!("{e}\n{USAGE}"))?;
    let mut engine = HarnessEngine::new(Form::Stock { confluent: None }, "2.8", Path::new(""))?;
    let mut random = Random::new(arguments.seed);
    let mut vectors = Vec::new();
    let mut counts = BTreeMap::new();
    for number in 0..arguments.count {
        let mut random = Random::new(random.bits());
        let (config, inputs) = inputs(&mut random, &arguments.generation)?;
        match answer(&mut engine, &arguments.generation, &config, inputs) {
            Ok(steps) => {
                for (_, expected) in &steps {
                    let kind = expected.as_object().and_then(|e| e.keys().next().cloned()).unwrap_or_default();
                    *counts.entry(kind).or_insert(0) += 1;
                }
                vectors.push(vector(&arguments, number, &config, steps));
            }
            // What the form cannot express, such as an array whose schema has lost its item.
            Err(why) => {
                *counts.entry(format!("left out: {}", why.chars().take(400).collect::<String>())).or_insert(0) += 1;
            }
        }
    }
    if let Some(keep) = arguments.keep {
        vectors.retain(|vector| vector.to_string().len() <= LONGEST);
        vectors = choose::differing(vectors, &choose::known(&arguments.known)?, keep);
    }
    let text: String = vectors.iter().map(|vector| format!("{vector}\n")).collect();
    std::fs::write(&arguments.out, text).map_err(|e| format!("{}: {e}", arguments.out.display()))?;
    println!("{}: {} vectors; outcomes of all generated: {counts:?}", arguments.out.display(), vectors.len());
    Ok(())
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let (mut generation, mut seed, mut count, mut keep) = (String::new(), 1, 1_000, None);
    let (mut known, mut out) = (Vec::new(), None);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{argument}: {text:?} is no number"));
        match argument.as_str() {
            "--generation" => generation = value()?,
            "--seed" => seed = number(value()?)?,
            "--count" => count = number(value()?)? as usize,
            "--keep" => keep = Some(number(value()?)? as usize),
            "--not" => known.push(value()?.into()),
            option if option.starts_with('-') => return Err(format!("unknown option {option}")),
            path => out = Some(PathBuf::from(path)),
        }
    }
    if !["1.7", "3.0", "3.x"].contains(&generation.as_str()) {
        return Err("--generation: expected 1.7, 3.0 or 3.x".into());
    }
    Ok(Arguments { generation, seed, count, keep, known, out: out.ok_or("expected a file to write")? })
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
            Some(failure) => error(failure),
            None => match engine.apply(&input)? {
                Outcome::Record(record) => json!({ "record": record }),
                Outcome::Drop => json!({ "drop": true }),
                Outcome::Failed(failure) => error(&failure),
                other => return Err(format!("a transformation answered {other:?}")),
            },
        };
        steps.push((input, expected));
    }
    Ok(steps)
}

fn error(failure: &Failure) -> Json {
    let phase = if failure.configuring { "configure" } else { "apply" };
    json!({ "error": { "phase": phase, "class": failure.class, "message": failure.message, "causes": [] } })
}

fn vector(arguments: &Arguments, number: usize, config: &Config, mut steps: Vec<(Json, Json)>) -> Json {
    let generation = &arguments.generation;
    let id = format!("generated-{}-{}-{number}", generation.replace('.', ""), arguments.seed);
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
