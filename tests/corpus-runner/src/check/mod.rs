//! What each kind of vector claims, and whether an engine does it.

pub mod avro;
pub mod avro_datum;
pub mod smt;
pub mod story;
pub mod wal2json;
pub mod wire;

use crate::engine::{Failure, Outcome};
use crate::json::{cut, get};
use connect_json::{Datum, compare};
use serde_json::Value as Json;

/// What came of one vector.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Where expectation and outcome differ; empty = passed.
    pub differences: Vec<String>,
    /// Expected and found classes of errors that were rightly errors but of another class: recommended only.
    pub other_classes: Vec<(String, String)>,
    /// Why nothing was compared.
    pub not_applicable: Option<&'static str>,
    /// Comparisons made.
    pub compared: usize,
}

impl Verdict {
    /// Counts a comparison and takes its differences, each preceded by `place`.
    fn compare(&mut self, place: &str, differences: Vec<String>) {
        self.compared += 1;
        self.differences.extend(differences.into_iter().map(|difference| prefixed(place, &difference)));
    }

    /// Takes a comparison with `{"error"}`.
    fn compare_error(&mut self, place: &str, expected: &Json, any: bool, failure: &Failure) {
        self.compared += 1;
        let error = get(expected, "error");
        let configuring = get(error, "phase").as_str() == Some("configure");
        let phase = |configuring: bool| if configuring { "while configuring" } else { "in the operation" };
        if !any && configuring != failure.configuring {
            let found = format!(
                "expected an error {}, found one {}: {}: {}",
                phase(configuring),
                phase(failure.configuring),
                failure.class,
                cut(&failure.message)
            );
            self.differences.push(prefixed(place, &found));
        }
        let simple = |class: &str| class.rsplit(['.', '$']).next().unwrap_or("").to_owned();
        let (wanted, found) = (simple(get(error, "class").as_str().unwrap_or("")), simple(&failure.class));
        let crashes = [
            "NullPointerException",
            "ClassCastException",
            "IndexOutOfBoundsException",
            "ArrayIndexOutOfBoundsException",
        ];
        if !any && !crashes.contains(&wanted.as_str()) && wanted != found {
            self.other_classes.push((wanted, found));
        }
    }
}

fn prefixed(place: &str, text: &str) -> String {
    if place.is_empty() { text.to_owned() } else { format!("{place}: {text}") }
}

/// `{"schema","payload"}` of both sides.
fn compare_data(expected: &Json, found: &Json) -> Vec<String> {
    let read =
        |side: &str, json: &Json| connect_json::read(json).map_err(|e| format!("{side} is not in the form: {e}"));
    match (read("the expectation", expected), read("the outcome", found)) {
        (Ok(expected), Ok(found)) => compare_read(&expected, &found),
        (expected, found) => expected.err().into_iter().chain(found.err()).collect(),
    }
}

fn compare_read(expected: &Datum, found: &Datum) -> Vec<String> {
    compare::data(expected, found)
}

/// The outcome for a reader.
fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Record(json) => format!("a record {}", cut(&json.to_string())),
        Outcome::Drop => "a dropped record".into(),
        Outcome::Bytes(bytes, _) => format!("bytes {}", cut(&crate::json::hex(bytes))),
        Outcome::NullBytes => "null bytes".into(),
        Outcome::Datum(json) => format!("data {}", cut(&json.to_string())),
        Outcome::Failed(failure) => format!("an error: {}: {}", failure.class, cut(&failure.message)),
        Outcome::NotApplicable(why) => format!("not applicable: {why}"),
    }
}

/// The expectation for a reader.
fn describe_expected(expected: &Json) -> String {
    cut(&expected.to_string())
}

fn unexpected(expected: &Json, outcome: &Outcome) -> Vec<String> {
    vec![format!("expected {}, found {}", describe_expected(expected), describe(outcome))]
}

#[cfg(test)]
mod tests;
