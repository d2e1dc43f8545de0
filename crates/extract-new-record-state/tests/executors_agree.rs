//! Both executors give the same for settings and records that the corpus does not combine, errors included.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeMap;
use support::plan_executor::Interpreter;
use support::{Executor, Instance, Native, Record, config, smt_vectors, steps};

/// Records that one instance sees, so that its caches meet schemas of several tables and envelopes.
const RECORDS_EACH: usize = 12;

#[test]
fn on_settings_and_records_of_the_corpus_in_new_combinations() {
    let vectors = smt_vectors("");
    let mut configs = BTreeMap::new();
    let mut records = Vec::new();
    for vector in &vectors {
        let config = config(vector);
        configs.insert(config.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(), config);
        records.extend(steps(vector).into_iter().map(|(input, _)| Record::read(input)));
    }
    let mut random = 1u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize
    };
    let (mut errors, mut applied) = (0, 0);
    for (text, config) in &configs {
        let Ok(instance) = Instance::new(config) else {
            continue;
        };
        let mut native = Native(instance);
        let mut interpreter = Interpreter::new(Instance::new(config).unwrap());
        for _ in 0..RECORDS_EACH {
            let record = &records[next() % records.len()];
            let (a, b) = (native.apply(record), interpreter.apply(record));
            let differences = a.differs_from(&b);
            assert!(differences.is_empty(), "{text:?}\n{record:?}\n{differences:#?}");
            errors += usize::from(matches!(a, support::Result::Error(_)));
            applied += 1;
        }
    }
    println!("{} settings, {applied} records, {errors} errors", configs.len());
    assert!(applied > 5_000 && errors < applied / 2, "{applied} {errors}");
}
