//! The cores and the component under criterion, over the input that `bench/run` writes: wall clock, as a cross-check of the
//! races, which take turns and count CPU time.

use bucatini_bench::input::{Input, TOPIC, satisfy};
use bucatini_bench::row::Pipeline;
use bucatini_bench::sizes::Pair;
use connect_data::{Converter, Encoded, InternedSchemas, Properties};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use wal2json::Wal2JsonConverter;

const BATCH: usize = 500;

criterion_group! {
    name = records;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5))
        .sample_size(50)
        .without_plots();
    targets = all
}
criterion_main!(records);

fn stored(name: &str) -> Input {
    Input::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/inputs").join(name))
}

fn all(criterion: &mut Criterion) {
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/artifacts/components/avro-converter.wasm");
    let component = std::fs::read(&component).unwrap_or_else(|e| panic!("{}: {e}", component.display()));
    let (table, lines) = (stored("table.bin"), stored("wal2json.bin"));
    let mut group = criterion.benchmark_group("records");
    decode_and_component(&mut group, &table, &component);
    row(&mut group, &table);
    encode(&mut group, &table);
    wal2json(&mut group, &lines);
    group.finish();
}

/// One record an iteration, the input over and over.
fn each(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, input: &Input, mut body: impl FnMut(&[u8])) {
    let mut payloads = input.payloads.iter().cycle();
    group.throughput(Throughput::Elements(1));
    group.bench_function(name, |bencher| bencher.iter(|| payloads.next().map(|payload| body(payload))));
}

fn decode_and_component(group: &mut BenchmarkGroup<'_, WallTime>, input: &Input, component: &[u8]) {
    let Pair { native, native_topic, guest, guest_topic } = Pair::open(input, component);
    let mut image = Vec::new();
    each(group, "decode", input, |payload| {
        image.clear();
        black_box(native.to_connect(native_topic, &[], payload, &mut image).unwrap());
    });
    each(group, "component, one record", input, |payload| {
        image.clear();
        black_box(guest.to_connect(guest_topic, &[], payload, &mut image).unwrap());
    });
    let batch: Vec<&[u8]> = input.payloads.iter().cycle().take(BATCH).map(|payload| &**payload).collect();
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(format!("component, batch of {BATCH}"), |bencher| {
        bencher.iter(|| {
            image.clear();
            guest.to_connect_batch(guest_topic, &batch, &mut image).unwrap();
        });
    });
}

fn row(group: &mut BenchmarkGroup<'_, WallTime>, input: &Input) {
    let (mut cutting, mut staged) = (Pipeline::new(input, true), Pipeline::new(input, false));
    // What is cut out needs plans that the stages have made.
    for payload in &input.payloads {
        cutting.run(payload);
    }
    each(group, "rust-row", input, |payload| {
        black_box(cutting.run(payload));
    });
    each(group, "rust-row by all stages", input, |payload| {
        black_box(staged.run(payload));
    });
}

fn encode(group: &mut BenchmarkGroup<'_, WallTime>, input: &Input) {
    let mut stages = Pipeline::new(input, false);
    let images: Vec<(u32, Vec<u8>)> = input.payloads.iter().map(|payload| stages.owned(payload)).collect();
    let (mut images, mut out) = (images.iter().cycle(), Vec::new());
    let mut next = || {
        let (schema, image) = images.next()?;
        loop {
            out.clear();
            match stages.converter.from_connect(stages.topic, Some(*schema), image, &mut out).unwrap() {
                Encoded::Need(need) => satisfy(&stages.converter, need, input),
                Encoded::Bytes | Encoded::Null => return black_box(out.first().copied()),
            }
        }
    };
    group.throughput(Throughput::Elements(1));
    group.bench_function("encode", |bencher| bencher.iter(&mut next));
}

fn wal2json(group: &mut BenchmarkGroup<'_, WallTime>, lines: &Input) {
    let settings = Properties::from_iter([("topic.prefix", "shop"), ("database.dbname", "shop")]);
    let converter = Wal2JsonConverter::new(&settings, false, Arc::new(InternedSchemas::new())).unwrap();
    let topic = converter.topic(TOPIC).unwrap();
    let mut image = Vec::new();
    each(group, "wal2json", lines, |line| {
        image.clear();
        black_box(converter.to_connect(topic, &[], line, &mut image).unwrap());
    });
}
