//! What runs without a JVM: `bucatini-bench quick|full <inputs> <components> <straight module> <results> [path]`. Inputs are
//! those of the JVM's harness.

use bucatini_bench::input::Input;
use bucatini_bench::race::Race;
use bucatini_bench::{batch, line, memory, row, sizes};
use std::fs::File;
use std::io::Write;
use std::path::Path;

const ROUNDS: usize = 41;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [form, inputs, components, straight, results, only @ ..] = &arguments[..] else {
        panic!("expected: quick or full, inputs, components, straight module, results")
    };
    let wanted = |path: &str| only.first().is_none_or(|only| only == path);
    let full = form == "full";
    let input = Input::read(&Path::new(inputs).join("table.bin"));
    let component = std::fs::read(Path::new(components).join("avro-converter.wasm")).unwrap();
    let mut file = File::options().create(true).append(true).open(results).unwrap();
    // Before anything else has touched the process's memory.
    if full && wanted("instance") {
        say(&mut file, &format!("{{\"path\": \"instance\", \"bytes\": {}}}", memory::instance(&input, &component)));
    }
    if wanted("rust-row") {
        let row = row::race(&input).run(ROUNDS);
        report(&mut file, "rust-row", &row, 1e3 / row.ns("row"), (1e3 / row.at("row", 0.9), 1e3 / row.at("row", 0.1)));
    }
    if wanted("wal2json-core") {
        let lines = Input::read(&Path::new(inputs).join("wal2json.bin"));
        let line = line::race(&lines).run(ROUNDS);
        let by = |q| line.at("ours", q) / line.at("structure", q);
        report(&mut file, "wal2json-core", &line, by(0.5), (by(0.1), by(0.9)));
    }
    if wanted("wasm-batch") {
        let straight =
            std::fs::read(straight).unwrap_or_else(|e| panic!("{straight}: {e}: run `make bench-rust` first"));
        let batch = batch::race(&input, &component, &straight).run(ROUNDS);
        let ratio = |q| batch.at("component", q) / batch.at("native", q);
        report(&mut file, "wasm-batch", &batch, ratio(0.5), (ratio(0.1), ratio(0.9)));
    }
    if full && wanted("batch-sizes") {
        let race = sizes::race(&input, &component).run(ROUNDS);
        say(&mut file, &format!("{{\"path\": \"batch-sizes\", \"lanes\": {{{}}}}}", lanes(&race)));
    }
}

fn report(file: &mut File, path: &str, race: &Race<'_>, ratio: f64, (one, other): (f64, f64)) {
    // Of quantiles of two lanes either may be the larger.
    let (low, high) = (one.min(other), one.max(other));
    let line = format!(
        "{{\"path\": \"{path}\", \"input\": \"table\", \"payload\": 0, \"ratio\": {ratio:.2}, \"p10\": {low:.2}, \
         \"p90\": {high:.2}, \"lanes\": {{{}}}, \"jdk\": \"none\", \"collector\": \"none\"}}",
        lanes(race)
    );
    say(file, &line);
}

fn lanes(race: &Race<'_>) -> String {
    let lanes: Vec<_> =
        race.names().map(|name| format!("\"{name}\": {{\"ns\": {:.1}, \"bytes\": 0}}", race.ns(name))).collect();
    lanes.join(", ")
}

fn say(file: &mut File, line: &str) {
    writeln!(file, "{line}").unwrap();
    eprintln!("{line}");
}
