//! Avro envelope in, row Avro out, on one core.

use crate::input::{Input, TOPIC, satisfy, to_connect};
use crate::race::Race;
use avro_converter::converter::AvroConverter;
use bucatini_bench_guest::walk;
use connect_data::frame::{Datum, Outcome, RecordFrame};
use connect_data::row_image::{Image, ImageWriter, Layout};
use connect_data::schema::Type;
use connect_data::utf8::is_text;
use connect_data::{Converter, Encoded, InternedSchemas, Properties, Schema, SchemaStore, Transformation};
use extract_new_record_state::ExtractNewRecordState;
use std::hint::black_box;
use std::sync::Arc;

/// The runner's stages on one record: decode, copy what a frame must own, transform, encode.
pub struct Pipeline<'a> {
    input: &'a Input,
    pub converter: AvroConverter,
    smt: ExtractNewRecordState,
    schemas: Arc<InternedSchemas>,
    pub topic: u32,
    own: Option<(u32, Vec<bool>)>,
    image: Vec<u8>,
    owned: Vec<u8>,
    frame: Vec<u8>,
    outcome: Vec<u8>,
    out: Vec<u8>,
    /// Whether rows that are the bytes of `after` are cut out.
    cut: bool,
}

impl<'a> Pipeline<'a> {
    pub fn new(input: &'a Input, cut: bool) -> Self {
        let schemas = Arc::new(InternedSchemas::new());
        let settings = Properties::from_iter([("schema.registry.url", "http://registry")]);
        let converter = AvroConverter::new(&settings, false, schemas.clone()).unwrap();
        let smt = ExtractNewRecordState::new(&Properties::default(), schemas.clone()).unwrap();
        let topic = converter.topic(TOPIC).unwrap();
        let [image, owned, frame, outcome, out] = [const { Vec::new() }; 5];
        Self { input, converter, smt, schemas, topic, own: None, image, owned, frame, outcome, out, cut }
    }

    pub fn run(&mut self, payload: &[u8]) -> &[u8] {
        self.out.clear();
        let smt = &self.smt;
        let cut =
            self.cut && self.converter.excerpt(self.topic, &[], payload, |schema| smt.excerpt(schema), &mut self.out);
        if !cut {
            self.stages(payload);
        }
        &self.out
    }

    /// The schema and the image of a payload, with what the image refers to.
    pub fn owned(&mut self, payload: &[u8]) -> (u32, Vec<u8>) {
        let schema = to_connect(&self.converter, self.topic, payload, self.input, &mut self.image);
        self.copy(schema, payload);
        (schema, self.owned.clone())
    }

    fn stages(&mut self, payload: &[u8]) {
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
                Encoded::Bytes => return,
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

/// Lanes: with what can be cut out cut out, by all stages, and programs that do one part of the former and no more.
pub fn race(input: &Input) -> Race<'_> {
    let (mut cutting, mut staged) = (Pipeline::new(input, true), Pipeline::new(input, false));
    for payload in input.payloads.iter().chain(&input.payloads) {
        assert_eq!(cutting.run(payload), staged.run(payload), "a row that is cut out is another");
        assert_eq!(walk::after(payload).unwrap(), &cutting.out[5..], "the walk finds another row");
    }
    let mut decoder = Pipeline::new(input, false);
    let (mut image, mut copy) = (Vec::new(), Vec::new());
    Race::default()
        .lane(
            "row",
            each(input, move |payload| {
                black_box(cutting.run(payload));
            }),
        )
        .lane(
            "row by all stages",
            each(input, move |payload| {
                black_box(staged.run(payload));
            }),
        )
        .lane(
            "decode alone",
            each(input, move |payload| {
                to_connect(&decoder.converter, decoder.topic, payload, input, &mut image);
                decoder.out.clear();
            }),
        )
        .lane(
            "floor",
            each(input, move |payload| {
                copy.clear();
                copy.extend_from_slice(&payload[..5]);
                copy.extend_from_slice(walk::after(payload).unwrap());
                black_box(&copy);
            }),
        )
        .lane(
            "lengths and numbers",
            each(input, |payload| {
                black_box(walk::lengths(payload).unwrap());
            }),
        )
        .lane("texts", texts(input))
        .lane("copy", copies(input))
}

/// Looking at the texts, which lie where they lie: UTF-8, each by itself.
fn texts(input: &Input) -> impl FnMut(usize) + '_ {
    let mut decoder = Pipeline::new(input, false);
    let texts = each_of(input, |payload| {
        let schema = to_connect(&decoder.converter, decoder.topic, payload, input, &mut decoder.image);
        let schema = decoder.schemas.get(schema).unwrap();
        let layout = Layout::of(&schema);
        let image = Image::new(&decoder.image, payload).unwrap();
        let begin = payload.as_ptr() as usize;
        let strings = (0..).zip(schema.nodes()).filter(|(_, node)| node.kind == Type::String);
        let slots = strings.map(|(id, _)| layout.slot(id) as usize).filter(|slot| !image.is_null(*slot));
        let range = |text: &[u8]| text.as_ptr() as usize - begin..text.as_ptr() as usize - begin + text.len();
        slots.map(|slot| range(image.bytes(slot).unwrap())).filter(|range| !range.is_empty()).collect::<Vec<_>>()
    });
    let mut next = 0;
    move |count| {
        for _ in 0..count {
            next = (next + 1) % texts.len();
            let payload = &input.payloads[next];
            assert!(texts[next].iter().all(|range| is_text(&payload[range.clone()])));
        }
    }
}

/// Writing the row, which lies where it lies.
fn copies(input: &Input) -> impl FnMut(usize) + '_ {
    let rows = each_of(input, |payload| {
        let row = walk::after(payload).unwrap();
        let begin = row.as_ptr() as usize - payload.as_ptr() as usize;
        begin..begin + row.len()
    });
    let (mut next, mut copy) = (0, Vec::new());
    move |count| {
        for _ in 0..count {
            next = (next + 1) % rows.len();
            let payload = &input.payloads[next];
            copy.clear();
            copy.extend_from_slice(&payload[..5]);
            copy.extend_from_slice(&payload[rows[next].clone()]);
            black_box(&copy);
        }
    }
}

fn each_of<T>(input: &Input, of: impl FnMut(&[u8]) -> T) -> Vec<T> {
    input.payloads.iter().map(Vec::as_slice).map(of).collect()
}

/// Each record of the input in turn.
pub fn each<'a>(input: &'a Input, mut body: impl FnMut(&[u8]) + 'a) -> impl FnMut(usize) + 'a {
    let mut next = 0;
    move |count| {
        for _ in 0..count {
            next = (next + 1) % input.payloads.len();
            body(&input.payloads[next]);
        }
    }
}
