//! All vectors of `tests/corpus/smt`, all generations, through both executors.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_json::vectors::Vector;
use support::plan_executor::Interpreter;
use support::{Executor, Instance, Native, Record, config, smt_vectors, steps};

/// Vectors in the corpus: an incomplete one must not pass.
const VECTORS: usize = 1_876;

fn run(vector: &Vector, executor: impl FnOnce(Instance) -> Box<dyn Executor>) -> Vec<String> {
    let mut found = Vec::new();
    let instance = match Instance::new(&config(vector)) {
        Ok(instance) => instance,
        Err(error) => {
            assert_eq!(error.kind(), connect_data::ErrorKind::Config);
            for (_, expected) in steps(vector) {
                if expected["error"]["phase"] != "configure" {
                    found.push(format!("configure: found {error}"));
                }
            }
            return found;
        }
    };
    let mut executor = executor(instance);
    for (i, (input, expected)) in steps(vector).into_iter().enumerate() {
        if expected["error"]["phase"] == "configure" {
            found.push("configure: expected an error, found none".to_owned());
            continue;
        }
        let result = executor.apply(&Record::read(input));
        found.extend(result.differences(expected).into_iter().map(|d| format!("step {i}: {d}")));
    }
    found
}

fn run_all(executor: fn(Instance) -> Box<dyn Executor>) {
    let vectors = smt_vectors("");
    assert_eq!(vectors.len(), VECTORS);
    let mut failed = 0;
    for vector in &vectors {
        let differences = run(vector, executor);
        if !differences.is_empty() {
            failed += 1;
            println!("{} {}\n  {}", vector.id, vector.json["config"], differences.join("\n  "));
        }
    }
    assert_eq!(failed, 0, "of {VECTORS} vectors");
}

#[test]
fn native_executor() {
    run_all(|instance| Box::new(Native(instance)));
}

#[test]
fn plan_bytes_on_value_trees() {
    run_all(|instance| Box::new(Interpreter::new(instance)));
}
