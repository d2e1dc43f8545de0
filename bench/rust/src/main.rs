//! What runs without a JVM: `bucatini-bench <inputs> <components> <straight module> <results>`. Inputs are those of
//! the JVM's harness.

mod batch;
mod guest;
mod input;
mod line;
mod race;
mod row;
mod straight;

use input::Input;
use race::Race;
use std::io::Write;
use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [inputs, components, straight, results] = &arguments[..] else {
        panic!("expected: inputs components straight-module results")
    };
    let input = Input::read(&Path::new(inputs).join("table.bin"));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(results).unwrap();
    let row = row::race(&input).run(41);
    report(&mut file, "rust-row", &row, 1e3 / row.ns("row"), (1e3 / row.at("row", 0.9), 1e3 / row.at("row", 0.1)));
    let lines = Input::read(&Path::new(inputs).join("wal2json.bin"));
    let line = line::race(&lines).run(41);
    let by = |q| line.at("ours", q) / line.at("structure", q);
    report(&mut file, "wal2json-core", &line, by(0.5), (by(0.1), by(0.9)));
    let bytes = std::fs::read(Path::new(components).join("avro-converter.wasm")).unwrap();
    let straight = std::fs::read(straight).unwrap_or_else(|e| panic!("{straight}: {e}: run `make bench-rust` first"));
    let batch = batch::race(&input, &bytes, &straight).run(41);
    let ratio = |q| batch.at("component", q) / batch.at("native", q);
    report(&mut file, "wasm-batch", &batch, ratio(0.5), (ratio(0.1), ratio(0.9)));
}

fn report(file: &mut std::fs::File, path: &str, race: &Race<'_>, ratio: f64, (low, high): (f64, f64)) {
    let lanes: Vec<_> =
        race.names().map(|name| format!("\"{name}\": {{\"ns\": {:.1}, \"bytes\": 0}}", race.ns(name))).collect();
    let line = format!(
        "{{\"path\": \"{path}\", \"input\": \"table\", \"payload\": 0, \"ratio\": {ratio:.2}, \"p10\": {low:.2}, \
         \"p90\": {high:.2}, \"lanes\": {{{}}}, \"jdk\": \"none\", \"collector\": \"none\"}}",
        lanes.join(", ")
    );
    writeln!(file, "{line}").unwrap();
    eprintln!("{line}");
}
