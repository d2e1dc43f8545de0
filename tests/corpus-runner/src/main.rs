//! Runs the conformance corpus against one form of the plug-ins; see `arguments::USAGE`.

mod arguments;
mod check;
mod engine;
mod exceptions;
mod generate;
mod http;
mod json;
mod registry;
mod report;
mod suite;

use arguments::Arguments;
use check::Verdict;
use engine::Engine;
use engine::core::CoreEngine;
use engine::harness::{Form, HarnessEngine};
use engine::native::Native;
use engine::wasm::Wasm;
use exceptions::Exceptions;
use report::Report;
use std::process::ExitCode;
use suite::{Case, Kind};

fn main() -> ExitCode {
    let verb = std::env::args().nth(1).unwrap_or_default();
    if let Some(generated) = generate::run(&verb, std::env::args().skip(2)) {
        return match generated {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("corpus: {error}");
                ExitCode::from(2)
            }
        };
    }
    let run = arguments::read(std::env::args().skip(1))
        .map_err(|e| format!("{e}\n{}", arguments::USAGE))
        .and_then(|arguments| run(&arguments));
    match run {
        Ok(report) => report.finish(),
        Err(error) => {
            eprintln!("corpus: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<Report, String> {
    let corpus = connect_json::vectors::corpus();
    let mut exceptions = Exceptions::read(&corpus)?;
    if arguments.engine == "stock" && arguments.confluent_jars.is_none() {
        exceptions.allow_older_reference(&corpus)?;
    }
    let mut cases = suite::load(&arguments.paths)?;
    if let Some(only) = &arguments.only {
        cases.retain(|case| case.id == *only);
    }
    if let Some(count) = arguments.sample {
        cases = suite::sample(cases, count, arguments.seed);
    }
    let mut engine = open(arguments)?;
    let mut report = Report::new(&arguments.engine);
    for mut case in cases {
        if arguments.engine != "stock" {
            exceptions.apply(&case.id, &mut case.json)?;
        }
        let verdict = check_case(&case, engine.as_mut());
        if let Some(why) = engine.fatal() {
            return Err(why.to_owned());
        }
        report.add(&case, verdict, exceptions.known(&case.id, &arguments.engine));
    }
    Ok(report)
}

fn open(arguments: &Arguments) -> Result<Box<dyn Engine>, String> {
    let harness = |form: Form| HarnessEngine::new(form, &arguments.kafka, &arguments.plugin);
    Ok(match arguments.engine.as_str() {
        "native" => Box::new(CoreEngine::new(Native)),
        "wasm" => Box::new(CoreEngine::new(Wasm::load(&arguments.components)?)),
        "jvm-native" => Box::new(harness(Form::Native)?),
        "jvm-wasm" => Box::new(harness(Form::Wasm)?),
        _ => {
            let confluent = arguments.confluent_jars.clone().or_else(engine::jvm::confluent_peer);
            Box::new(harness(Form::Stock { confluent })?)
        }
    })
}

fn check_case(case: &Case, engine: &mut dyn Engine) -> Result<Verdict, String> {
    match case.kind {
        Kind::Smt => check::smt::check(&case.json, engine),
        Kind::C2a => check::avro::check_c2a(&case.json, engine),
        Kind::A2c => check::avro::check_a2c(&case.json, engine),
        Kind::Wire => check::wire::check(&case.json, engine),
        Kind::Story => check::story::check(&case.json, engine),
        Kind::Wal2Json => check::wal2json::check(&case.json, engine),
    }
}
