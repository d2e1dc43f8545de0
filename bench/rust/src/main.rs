//! What runs without a JVM: `bucatini-bench <inputs> <components> <results>`. Inputs are those of the JVM's harness.

mod race;

use avro_converter::converter::AvroConverter;
use component_host::{Component, ComponentConverter, Options};
use connect_data::frame::{Answer, Datum, Exchange, Outcome, RecordFrame};
use connect_data::row_image::{Image, ImageWriter, Layout};
use connect_data::schema::Type;
use connect_data::{Converter, Decoded, Encoded, InternedSchemas, Properties, Schema, SchemaStore, Transformation};
use extract_new_record_state::ExtractNewRecordState;
use race::Race;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

const TOPIC: &str = "shop.public.items";
const BATCH: usize = 500;

/// `schema length u32, schema (a JSON string), then length u32 and bytes` of each payload, big-endian.
struct Input {
    schema: String,
    payloads: Vec<Vec<u8>>,
}

impl Input {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut rest = &bytes[..];
        let mut parts = Vec::new();
        while let Some((len, after)) = rest.split_first_chunk() {
            let (part, after) = after.split_at(u32::from_be_bytes(*len) as usize);
            parts.push(part.to_vec());
            rest = after;
        }
        let schema = String::from_utf8(parts.remove(0)).unwrap();
        Self { schema, payloads: parts }
    }
}

/// Answers what a converter needs: every schema is the input's, every registered one has the same id.
fn satisfy(converter: &dyn Converter, need: u32, input: &Input) {
    let mut exchange = Vec::new();
    while {
        exchange.clear();
        converter.exchange(need, 0, &mut exchange).unwrap()
    } {
        let exchange = Exchange::read(&exchange).unwrap();
        let schema = match &exchange.body {
            Some(body) => serde_json::from_slice::<serde_json::Value>(body).unwrap()["schema"].to_string(),
            None => input.schema.clone(),
        };
        let body = format!("{{\"id\":1,\"version\":1,\"subject\":\"s\",\"schema\":{schema}}}").into_bytes();
        let mut answer = Vec::new();
        Answer { id: exchange.id, status: 200, headers: Vec::new(), body }.write(&mut answer);
        converter.answer(&answer, 0).unwrap();
    }
}

fn to_connect(converter: &dyn Converter, topic: u32, payload: &[u8], input: &Input, out: &mut Vec<u8>) -> u32 {
    loop {
        out.clear();
        match converter.to_connect(topic, &[], payload, out).unwrap() {
            Decoded::Value(schema) => return schema.unwrap_or(0),
            Decoded::Null => panic!("a payload without value"),
            Decoded::Need(need) => satisfy(converter, need, input),
        }
    }
}

/// The runner's stages on one record: decode, copy what a frame must own, transform, encode.
struct Pipeline<'a> {
    input: &'a Input,
    converter: AvroConverter,
    smt: ExtractNewRecordState,
    schemas: Arc<InternedSchemas>,
    topic: u32,
    own: Option<(u32, Vec<bool>)>,
    image: Vec<u8>,
    owned: Vec<u8>,
    frame: Vec<u8>,
    outcome: Vec<u8>,
    out: Vec<u8>,
}

impl<'a> Pipeline<'a> {
    fn new(input: &'a Input) -> Self {
        let schemas = Arc::new(InternedSchemas::new());
        let settings = Properties::from_iter([("schema.registry.url", "http://registry")]);
        let converter = AvroConverter::new(&settings, false, schemas.clone()).unwrap();
        let smt = ExtractNewRecordState::new(&Properties::default(), schemas.clone()).unwrap();
        let topic = converter.topic(TOPIC).unwrap();
        let [image, owned, frame, outcome, out] = [const { Vec::new() }; 5];
        Self { input, converter, smt, schemas, topic, own: None, image, owned, frame, outcome, out }
    }

    fn run(&mut self, payload: &[u8]) -> &[u8] {
        let schema = to_connect(&self.converter, self.topic, payload, self.input, &mut self.image);
        self.copy(schema, payload);
        self.frame.clear();
        let none = [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let value = Datum { schema, image: &self.owned };
        RecordFrame::write(TOPIC, Some(0), None, Datum { schema: 0, image: &none }, value, &[], &mut self.frame);
        self.outcome.clear();
        self.smt.apply(&self.frame, &mut self.outcome).unwrap();
        let Outcome::Change { value: Some(row), .. } = Outcome::read(&self.outcome).unwrap() else {
            panic!("a change event that gives no row")
        };
        loop {
            self.out.clear();
            match self.converter.from_connect(self.topic, Some(row.schema), row.image, &mut self.out).unwrap() {
                Encoded::Bytes => return &self.out,
                Encoded::Null => panic!("a row without bytes"),
                Encoded::Need(need) => satisfy(&self.converter, need, self.input),
            }
        }
    }

    /// The image with what it refers to in the payload; for schemas without aggregates.
    fn copy(&mut self, id: u32, payload: &[u8]) {
        if self.own.as_ref().is_none_or(|(known, _)| *known != id) {
            self.own = Some((id, variable(&self.schemas.get(id).unwrap())));
        }
        let variable = &self.own.as_ref().unwrap().1;
        let image = Image::new(&self.image, payload).unwrap();
        self.owned.clear();
        let mut writer = ImageWriter::new(&mut self.owned, image.slots()).unwrap();
        writer.copy_slots(&image, 0, 0, image.slots());
        for (slot, variable) in variable.iter().enumerate() {
            if *variable && !image.is_null(slot) {
                writer.tail(slot, image.bytes(slot).unwrap()).unwrap();
            }
        }
        writer.finish();
    }
}

fn variable(schema: &Schema) -> Vec<bool> {
    let layout = Layout::of(schema);
    let mut variable = vec![false; layout.slots()];
    for (id, node) in schema.nodes().iter().enumerate() {
        variable[layout.slot(id as u32) as usize] = matches!(node.kind, Type::String | Type::Bytes);
    }
    variable
}

fn rust_row(input: &Input) -> Race<'_> {
    let mut pipeline = Pipeline::new(input);
    let (mut decoder, mut image) = (Pipeline::new(input), Vec::new());
    let (mut next, mut at, mut first) = (0, 0, 0);
    let mut copy = Vec::new();
    Race::default()
        .lane("row", move |count| {
            for _ in 0..count {
                next = (next + 1) % input.payloads.len();
                std::hint::black_box(pipeline.run(&input.payloads[next]));
            }
        })
        .lane("decode alone", move |count| {
            for _ in 0..count {
                at = (at + 1) % input.payloads.len();
                to_connect(&decoder.converter, decoder.topic, &input.payloads[at], input, &mut image);
                decoder.out.clear();
            }
        })
        .lane("copy of the payload alone", move |count| {
            for _ in 0..count {
                first = (first + 1) % input.payloads.len();
                copy.clear();
                copy.extend_from_slice(&input.payloads[first]);
                std::hint::black_box(&copy);
            }
        })
}

fn wasm_batch<'a>(input: &'a Input, component: &Component) -> Race<'a> {
    let settings = Properties::from_iter([("schema.registry.url", "http://registry")]);
    let native = AvroConverter::new(&settings, false, Arc::new(InternedSchemas::new())).unwrap();
    let guest =
        ComponentConverter::open(component, &settings, false, Arc::new(InternedSchemas::new()), &Options::default())
            .unwrap();
    let (native_topic, guest_topic) = (native.topic(TOPIC).unwrap(), guest.topic(TOPIC).unwrap());
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for payload in &input.payloads {
        to_connect(&native, native_topic, payload, input, &mut one);
        to_connect(&guest, guest_topic, payload, input, &mut other);
        assert_eq!(one, other, "the component's image is another");
    }
    let batch: Vec<&[u8]> = (0..BATCH).map(|i| &*input.payloads[i % input.payloads.len()]).collect();
    let again = batch.clone();
    Race::default()
        .lane("native", move |count| {
            for i in 0..count {
                one.clear();
                std::hint::black_box(native.to_connect(native_topic, &[], again[i % BATCH], &mut one).unwrap());
            }
        })
        .lane("component", move |count| {
            for _ in 0..count / BATCH {
                other.clear();
                std::hint::black_box(guest.to_connect_batch(guest_topic, &batch, &mut other).unwrap());
            }
        })
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [inputs, components, results] = &arguments[..] else { panic!("expected: inputs components results") };
    let input = Input::read(&Path::new(inputs).join("table.bin"));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(results).unwrap();
    let row = rust_row(&input).run(41);
    report(&mut file, "rust-row", &row, 1e3 / row.ns("row"), (1e3 / row.at("row", 0.9), 1e3 / row.at("row", 0.1)));
    let bytes = std::fs::read(Path::new(components).join("avro-converter.wasm")).unwrap();
    let batch = wasm_batch(&input, &Component::load(&bytes, None).unwrap()).run(41);
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
