//! Random Avro schemas and payloads, with and without a newer reader's schema: what the plan reads equals what Avro's own
//! Rust implementation reads from the same bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_types, reason = "an independent reader to compare with")]

use apache_avro::types::Value as Avro;
use avro_converter::avro_schema::AvroSchema;
use avro_converter::config::AvroDataConfig;
use avro_converter::to_connect::DecodePlan;
use connect_data::row_image::tree;
use connect_data::{NodeId, Properties, Schema, Type, Value};
use connect_json::compare;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

#[derive(Clone, Debug)]
enum Shape {
    Plain(&'static str),
    Fixed(u8),
    Enum(u8),
    Array(Box<Shape>),
    Map(Box<Shape>),
    Record(Vec<Shape>),
    /// A record that may contain itself.
    List(Vec<Shape>),
    /// With null first or last.
    Optional(Box<Shape>, bool),
    /// Of null, long, a string and a record.
    Union(Box<Shape>),
}

fn shapes() -> impl Strategy<Value = Shape> {
    let plain = prop::sample::select(vec!["boolean", "int", "long", "float", "double", "bytes", "string"]);
    let leaf = prop_oneof![
        6 => plain.prop_map(Shape::Plain),
        1 => (0..5u8).prop_map(Shape::Fixed),
        1 => (1..5u8).prop_map(Shape::Enum),
    ];
    let inner = leaf.prop_recursive(4, 40, 5, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..5);
        prop_oneof![
            2 => inner.clone().prop_map(|item| Shape::Array(item.into())),
            1 => inner.clone().prop_map(|item| Shape::Map(item.into())),
            3 => many.clone().prop_map(Shape::Record),
            1 => many.prop_map(Shape::List),
            2 => (inner.clone(), any::<bool>()).prop_map(|(item, first)| match item {
                Shape::Optional(..) | Shape::Union(_) => item,
                item => Shape::Optional(item.into(), first),
            }),
            1 => inner.prop_map(|item| Shape::Union(item.into())),
        ]
    });
    prop::collection::vec(inner, 0..6).prop_map(Shape::Record)
}

/// Values depend on the shape, which proptest shrinks.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 11
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Of any magnitude.
    fn integer(&mut self) -> i64 {
        let shift = self.below(64);
        (self.next().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> shift) as i64
    }
}

/// The schemas of a writer and of a reader, who may have moved, dropped, added and promoted fields.
struct Schemas<'a> {
    random: &'a mut Random,
    evolve: bool,
    names: u32,
}

impl Schemas<'_> {
    fn name(&mut self) -> String {
        self.names += 1;
        format!("N{}", self.names)
    }

    fn both(&mut self, shape: &Shape) -> (Json, Json) {
        let same = |json: Json| (json.clone(), json);
        match shape {
            Shape::Plain(kind @ ("int" | "long" | "float")) if self.evolve && self.random.below(3) == 0 => {
                let wider = match *kind {
                    "int" => ["long", "float", "double"][self.random.below(3) as usize],
                    "long" => ["float", "double"][self.random.below(2) as usize],
                    _ => "double",
                };
                (json!(kind), json!(wider))
            }
            Shape::Plain(kind) => same(json!(kind)),
            Shape::Fixed(size) => same(json!({"type": "fixed", "name": self.name(), "size": size})),
            Shape::Enum(count) => {
                let symbols = |count: u8| (0..count).map(|i| format!("S{i}")).collect::<Vec<_>>();
                let name = self.name();
                let definition = |count| json!({"type": "enum", "name": name, "symbols": symbols(count)});
                (definition(*count), definition(*count + u8::from(self.evolve)))
            }
            Shape::Array(item) => {
                let (writer, reader) = self.both(item);
                (json!({"type": "array", "items": writer}), json!({"type": "array", "items": reader}))
            }
            Shape::Map(item) => {
                let (writer, reader) = self.both(item);
                (json!({"type": "map", "values": writer}), json!({"type": "map", "values": reader}))
            }
            Shape::Optional(item, first) => {
                let (writer, reader) = self.both(item);
                let union = |item: Json| if *first { json!(["null", item]) } else { json!([item, "null"]) };
                (union(writer), union(reader))
            }
            Shape::Union(item) => {
                let (evolve, name) = (std::mem::replace(&mut self.evolve, false), self.name());
                let (item, _) = self.both(item);
                self.evolve = evolve;
                let record = json!({"type": "record", "name": name, "fields": [{"name": "f", "type": item}]});
                same(json!(["null", "long", "string", record]))
            }
            Shape::Record(fields) => self.record(fields, false),
            Shape::List(fields) => self.record(fields, true),
        }
    }

    fn record(&mut self, shapes: &[Shape], list: bool) -> (Json, Json) {
        let name = self.name();
        let (mut writer, mut reader) = (Vec::new(), Vec::new());
        for (i, shape) in shapes.iter().enumerate() {
            let (w, r) = self.both(shape);
            writer.push(json!({"name": format!("f{i}"), "type": w}));
            reader.push(json!({"name": format!("f{i}"), "type": r}));
        }
        if list {
            let again = json!({"name": "again", "type": ["null", name]});
            writer.push(again.clone());
            reader.push(again);
        }
        if self.evolve {
            if !reader.is_empty() && self.random.below(3) == 0 {
                let at = self.random.below(reader.len() as u64) as usize;
                // A definition that is used again must stay.
                if reader[at]["name"] != "again" {
                    reader.remove(at);
                }
            }
            if reader.len() > 1 && self.random.below(2) == 0 {
                let (a, b) = (self.random.below(reader.len() as u64), self.random.below(reader.len() as u64));
                reader.swap(a as usize, b as usize);
            }
            let added = [
                json!({"name": "more", "type": "int", "default": -7}),
                json!({"name": "more", "type": "string", "default": "größe"}),
                json!({"name": "more", "type": ["null", "string"], "default": null}),
                json!({"name": "more", "type": {"type": "array", "items": "long"}, "default": [1, 2]}),
                json!({"name": "more", "type": {"type": "map", "values": "string"}, "default": {"a": "b"}}),
            ];
            if let Some(added) = added.get(self.random.below(8) as usize) {
                reader.push(added.clone());
            }
        }
        (
            json!({"type": "record", "name": name, "fields": writer}),
            json!({"type": "record", "name": name, "fields": reader}),
        )
    }
}

fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest > 0x7F {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn text(random: &mut Random, out: &mut Vec<u8>) {
    let text = ["", "a", "größe", "\u{0}😀", &"0123456789".repeat(20)][random.below(5) as usize].to_owned();
    long(text.len() as i64, out);
    out.extend_from_slice(text.as_bytes());
}

/// A payload of the writer's schema.
fn payload(shape: &Shape, random: &mut Random, depth: u32, out: &mut Vec<u8>) {
    match shape {
        Shape::Plain("boolean") => out.push(random.below(2) as u8),
        Shape::Plain("int") => long(i64::from(random.integer() as i32), out),
        Shape::Plain("long") => long(random.integer(), out),
        Shape::Plain("float") => out.extend([0.0, -0.0, 1.5, f32::MAX][random.below(4) as usize].to_le_bytes()),
        Shape::Plain("double") => {
            out.extend([0.0, -0.0, 0.1, f64::NEG_INFINITY][random.below(4) as usize].to_le_bytes());
        }
        Shape::Plain("bytes") => {
            let len = random.below(20);
            long(len as i64, out);
            out.extend((0..len).map(|_| random.next() as u8));
        }
        Shape::Plain(_) => text(random, out),
        Shape::Fixed(size) => out.extend((0..*size).map(|_| random.next() as u8)),
        Shape::Enum(count) => long(random.below(u64::from(*count)) as i64, out),
        Shape::Array(item) => blocks(random, out, |random, out| payload(item, random, depth + 1, out)),
        Shape::Map(item) => blocks(random, out, |random, out| {
            // Few different keys, so that some are doubled.
            let key = random.below(6) as u8;
            out.extend([2, b'a' + key]);
            payload(item, random, depth + 1, out);
        }),
        Shape::Optional(item, first) => {
            let null = random.below(3) == 0;
            long(i64::from(null != *first), out);
            if !null {
                payload(item, random, depth + 1, out);
            }
        }
        Shape::Union(item) => {
            let branch = random.below(4);
            long(branch as i64, out);
            match branch {
                0 => {}
                1 => long(random.integer(), out),
                2 => text(random, out),
                _ => payload(item, random, depth + 1, out),
            }
        }
        Shape::Record(fields) => fields.iter().for_each(|field| payload(field, random, depth + 1, out)),
        Shape::List(fields) => {
            fields.iter().for_each(|field| payload(field, random, depth + 1, out));
            let again = depth < 12 && random.below(2) == 0;
            long(i64::from(again), out);
            if again {
                payload(shape, random, depth + 4, out);
            }
        }
    }
}

/// Blocks of any number, some with their size.
fn blocks(random: &mut Random, out: &mut Vec<u8>, mut item: impl FnMut(&mut Random, &mut Vec<u8>)) {
    for _ in 0..random.below(3) {
        let count = 1 + random.below(3);
        let mut bytes = Vec::new();
        (0..count).for_each(|_| item(random, &mut bytes));
        if random.below(3) == 0 {
            long(-(count as i64), out);
            long(bytes.len() as i64, out);
        } else {
            long(count as i64, out);
        }
        out.append(&mut bytes);
    }
    out.push(0);
}

/// What Connect should have for a value of Avro's.
fn expected(schema: &Schema, id: NodeId, value: &Avro) -> Value {
    let node = schema.node(id);
    let child = |id: Option<NodeId>, value: &Avro| expected(schema, id.unwrap(), value);
    match value {
        Avro::Union(_, inner) if matches!(**inner, Avro::Null) => Value::Null,
        Avro::Union(index, inner) if node.name.as_deref() == Some("io.confluent.connect.avro.Union") => {
            // Null is the first of the branches.
            let field = *index as usize - 1;
            let one = |(i, f): (usize, &connect_data::schema::Field)| match i == field {
                true => expected(schema, f.node, inner),
                false => Value::Null,
            };
            Value::Struct(node.fields.iter().enumerate().map(one).collect())
        }
        Avro::Union(_, inner) => expected(schema, id, inner),
        Avro::Boolean(v) => Value::Boolean(*v),
        Avro::Int(v) => Value::Int32(*v),
        Avro::Long(v) => Value::Int64(*v),
        Avro::Float(v) => Value::Float32(*v),
        Avro::Double(v) => Value::Float64(*v),
        Avro::Bytes(v) | Avro::Fixed(_, v) => Value::Bytes(v.clone()),
        Avro::String(v) | Avro::Enum(_, v) => Value::String(v.clone()),
        Avro::Array(items) => Value::Array(items.iter().map(|item| child(node.item, item)).collect()),
        Avro::Map(entries) => {
            let entry = |(key, value): (&String, &Avro)| (Value::String(key.clone()), child(node.item, value));
            Value::Map(entries.iter().map(entry).collect())
        }
        Avro::Record(fields) => {
            assert_eq!(node.kind, Type::Struct);
            let field = |(field, (name, value)): (&connect_data::schema::Field, &(String, Avro))| {
                assert_eq!(field.name, *name);
                expected(schema, field.node, value)
            };
            Value::Struct(node.fields.iter().zip(fields).map(field).collect())
        }
        other => panic!("no such value was written: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn equals_apache_avro(shape in shapes(), seed in any::<u64>(), evolve in any::<bool>()) {
        let mut random = Random(seed);
        let (writer, reader) = Schemas { random: &mut random, evolve, names: 0 }.both(&shape);
        let (writer, reader) = (writer.to_string(), reader.to_string());
        let config = AvroDataConfig::new(&Properties::default()).unwrap();
        let own = |text: &str| AvroSchema::parse(text, &[]).unwrap();
        let (w, r) = (own(&writer), own(&reader));
        let plan = DecodePlan::compile(&w, evolve.then_some(&r), Some(1), &config);
        let theirs = |text: &str| apache_avro::Schema::parse_str(text).unwrap();
        let (aw, ar) = (theirs(&writer), theirs(&reader));
        for _ in 0..5 {
            let mut bytes = Vec::new();
            payload(&shape, &mut random, 0, &mut bytes);
            let mut image = Vec::new();
            let wanted = apache_avro::from_avro_datum(&aw, &mut bytes.as_slice(), Some(&ar));
            prop_assert!(wanted.is_ok(), "{wanted:?} {writer} {reader}");
            plan.decode(&bytes, 0, &mut image).map_err(|e| TestCaseError::fail(format!("{e} {writer} {reader}")))?;
            let schema = plan.schema().unwrap();
            let found = tree::read(Some(schema), &image, &bytes).unwrap();
            let wanted = expected(schema, 0, &wanted.unwrap());
            let differences = compare::values(Some(schema), &wanted, &found);
            prop_assert!(differences.is_empty(), "{differences:?} {writer} {reader}");
        }
    }
}
