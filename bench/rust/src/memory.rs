//! The memory that an instance of a component takes.

use crate::input::{Input, TOPIC, satisfy};
use component_host::{Component, ComponentConverter, Level, Limits, Log, MAX_MEMORY, Options};
use connect_data::{Converter, Decoded, InternedSchemas, Properties};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

const INSTANCES: usize = 100;
const PAGE: usize = 64 << 10;

/// As JSON: what 100 more instances add to the resident memory, each, and the least limit with which one converts.
pub fn instance(input: &Input, component: &[u8]) -> String {
    let component = Component::load(component, None).unwrap();
    let open = || converted(input, &component, MAX_MEMORY).unwrap();
    let first = open();
    let before = resident();
    let more: Vec<_> = (0..INSTANCES).map(|_| open()).collect();
    let resident = (resident() - before) / INSTANCES;
    drop((first, more));
    let linear = linear(input, &component);
    format!(
        "{{\"an instance\": {{\"linear\": {linear}, \"resident\": {resident}, \"reserved addresses\": {MAX_MEMORY}}}}}"
    )
}

/// A converter that has converted a record, if that much memory suffices.
fn converted(input: &Input, component: &Component, memory: usize) -> Option<ComponentConverter> {
    let settings = Properties::from_iter([("schema.registry.url", "http://registry")]);
    let options = Options { limits: Limits { memory, ..Limits::default() }, log: Arc::new(Silence) };
    let schemas = Arc::new(InternedSchemas::new());
    let converter = ComponentConverter::open(component, &settings, false, schemas, &options).ok()?;
    let topic = converter.topic(TOPIC).ok()?;
    // An instance that was refused memory is replaced by one that needs the schema again.
    for _ in 0..3 {
        match converter.to_connect(topic, &[], &input.payloads[0], &mut Vec::new()) {
            Ok(Decoded::Value(_)) => return Some(converter),
            Ok(Decoded::Need(need)) => satisfy(&converter, need, input),
            Ok(Decoded::Null) | Err(_) => return None,
        }
    }
    None
}

/// The host does not tell how large an instance's memory is, but it refuses more than it is allowed.
fn linear(input: &Input, component: &Component) -> usize {
    let (mut few, mut enough) = (0, MAX_MEMORY / PAGE);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    while enough - few > 1 {
        let pages = few.midpoint(enough);
        let attempt = AssertUnwindSafe(|| converted(input, component, pages * PAGE));
        match catch_unwind(attempt) {
            Ok(Some(_)) => enough = pages,
            _ => few = pages,
        }
    }
    std::panic::set_hook(hook);
    enough * PAGE
}

/// Instances that are refused memory would be heard of.
struct Silence;

impl Log for Silence {
    fn log(&self, _: &str, _: Level, _: &str) {}
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib << 10
}
