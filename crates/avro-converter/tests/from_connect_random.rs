//! Random schemas and values: what the plan writes, Avro's own Rust implementation reads back as equal data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_types, reason = "an independent reader to compare with")]

use apache_avro::types::Value as Avro;
use avro_converter::config::AvroDataConfig;
use avro_converter::from_connect::EncodePlan;
use connect_data::row_image::{HEADER, Image, bit_words, tree};
use connect_data::schema::{Node, logical};
use connect_data::{NodeId, Properties, Schema, SchemaBuilder, Type, Value};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Shape {
    Plain(Type),
    Decimal,
    Fixed(u8),
    Array(Box<Tree>),
    Map(Box<Tree>),
    Entries(Box<Tree>, Box<Tree>),
    Struct(Vec<Tree>),
    /// A struct that may contain itself as its last field.
    List(Vec<Tree>),
    Union(Box<Tree>),
}

#[derive(Clone, Debug)]
struct Tree {
    shape: Shape,
    optional: bool,
    default: bool,
}

fn trees() -> impl Strategy<Value = Tree> {
    let plain = prop::sample::select(vec![
        Type::Int8,
        Type::Int16,
        Type::Int32,
        Type::Int64,
        Type::Float32,
        Type::Float64,
        Type::Boolean,
        Type::String,
        Type::Bytes,
    ]);
    let leaf =
        prop_oneof![6 => plain.prop_map(Shape::Plain), 1 => Just(Shape::Decimal), 1 => (0..5u8).prop_map(Shape::Fixed)];
    let tree = |shape: BoxedStrategy<Shape>| {
        (shape, any::<bool>(), any::<bool>())
            .prop_map(|(shape, optional, default)| Tree { shape, optional, default })
            .boxed()
    };
    let leaf = tree(leaf.boxed());
    let inner = leaf.prop_recursive(4, 40, 5, move |inner| {
        let many = prop::collection::vec(inner.clone(), 0..5);
        let shape = prop_oneof![
            2 => inner.clone().prop_map(|item| Shape::Array(item.into())),
            1 => inner.clone().prop_map(|item| Shape::Map(item.into())),
            1 => (inner.clone(), inner.clone()).prop_map(|(key, item)| Shape::Entries(key.into(), item.into())),
            3 => many.clone().prop_map(Shape::Struct),
            1 => many.prop_map(Shape::List),
            1 => inner.prop_map(|item| Shape::Union(item.into())),
        ];
        tree(shape.boxed())
    });
    prop::collection::vec(inner, 0..6).prop_map(|fields| Tree {
        shape: Shape::Struct(fields),
        optional: false,
        default: false,
    })
}

/// Names are unique: AvroData itself confuses types of one name.
struct Names(u32);

impl Names {
    fn next(&mut self) -> String {
        self.0 += 1;
        format!("n.T{}", self.0)
    }
}

fn push(b: &mut SchemaBuilder, tree: &Tree, names: &mut Names) -> NodeId {
    let node = |kind| {
        let node = Node::new(kind);
        if tree.optional { node.optional() } else { node }
    };
    match &tree.shape {
        Shape::Plain(kind) => b.push(node(*kind)),
        Shape::Decimal => b.push(node(Type::Bytes).named(logical::DECIMAL).parameter("scale", "2")),
        Shape::Fixed(size) => {
            b.push(node(Type::Bytes).named(names.next()).parameter("connect.fixed.size", size.to_string()))
        }
        Shape::Array(item) => {
            let id = b.push(node(Type::Array));
            let item = push(b, item, names);
            b.node_mut(id).unwrap().item = Some(item);
            id
        }
        Shape::Map(item) => {
            let id = b.push(node(Type::Map));
            let key = b.push(Node::new(Type::String));
            let item = push(b, item, names);
            (b.node_mut(id).unwrap().key, b.node_mut(id).unwrap().item) = (Some(key), Some(item));
            id
        }
        Shape::Entries(key, item) => {
            let id = b.push(node(Type::Map).named(names.next()));
            let key = push(b, key, names);
            if b.node_mut(key).unwrap().kind == Type::String {
                // Anything but a required string.
                b.node_mut(key).unwrap().optional = true;
            }
            let item = push(b, item, names);
            (b.node_mut(id).unwrap().key, b.node_mut(id).unwrap().item) = (Some(key), Some(item));
            id
        }
        Shape::Struct(fields) => {
            let id = b.push(node(Type::Struct).named(names.next()));
            for (i, field) in fields.iter().enumerate() {
                let child = push(b, field, names);
                b.add_field(id, format!("f{i}"), child);
            }
            id
        }
        Shape::List(fields) => {
            let id = b.push(Node::new(Type::Struct).named(names.next()).optional());
            for (i, field) in fields.iter().enumerate() {
                let child = push(b, field, names);
                b.add_field(id, format!("f{i}"), child);
            }
            b.add_field(id, "again", id);
            id
        }
        Shape::Union(item) => {
            let id = b.push(node(Type::Struct).named("io.confluent.connect.avro.Union"));
            b.field(id, "boolean", Node::new(Type::Boolean).optional());
            let name = names.next();
            let record = b.field(id, "record", Node::new(Type::Struct).named(name).optional());
            let child = push(b, item, names);
            b.add_field(record, "f", child);
            b.field(id, "long", Node::new(Type::Int64).optional());
            id
        }
    }
}

/// Defaults, where the tree wants them: they need the finished schema.
fn with_defaults(schema: &Schema, tree: &Tree, random: &mut Random) -> Schema {
    let mut ids = Vec::new();
    collect(schema, 0, tree, &mut ids);
    let mut nodes: Vec<Node> = schema.nodes().to_vec();
    for id in ids {
        let value = value(schema, id, random, 0);
        if !value.is_null() {
            nodes[id as usize].default = Some(value);
        }
    }
    let mut b = SchemaBuilder::new();
    for node in nodes {
        b.push(node);
    }
    b.build().unwrap()
}

fn collect(schema: &Schema, id: NodeId, tree: &Tree, ids: &mut Vec<NodeId>) {
    let node = schema.node(id);
    // A default that contains itself has no end, and one that is a struct, a union too, is refused when it is needed.
    if tree.default && matches!(tree.shape, Shape::Plain(_) | Shape::Decimal | Shape::Array(_) | Shape::Map(_)) {
        ids.push(id);
    }
    match &tree.shape {
        Shape::Array(item) | Shape::Map(item) => collect(schema, node.item.unwrap(), item, ids),
        Shape::Entries(key, item) => {
            collect(schema, node.key.unwrap(), key, ids);
            collect(schema, node.item.unwrap(), item, ids);
        }
        Shape::Struct(fields) | Shape::List(fields) => {
            for (field, tree) in node.fields.iter().zip(fields) {
                collect(schema, field.node, tree, ids);
            }
        }
        Shape::Union(item) => collect(schema, schema.node(node.fields[1].node).fields[0].node, item, ids),
        Shape::Plain(_) | Shape::Decimal | Shape::Fixed(_) => {}
    }
}

/// A small generator of its own: values depend on the schema, which proptest shrinks.
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

fn value(schema: &Schema, id: NodeId, random: &mut Random, depth: usize) -> Value {
    let node = schema.node(id);
    if node.optional && (depth > 12 || random.below(3) == 0) {
        return Value::Null;
    }
    match node.kind {
        Type::Int8 => Value::Int8(random.integer() as i8),
        Type::Int16 => Value::Int16(random.integer() as i16),
        Type::Int32 => Value::Int32(random.integer() as i32),
        Type::Int64 => Value::Int64(random.integer()),
        Type::Float32 => Value::Float32([0.0, -0.0, f32::NAN, 1.5, f32::MAX][random.below(5) as usize]),
        Type::Float64 => {
            Value::Float64([0.0, -0.0, f64::NEG_INFINITY, 0.1, f64::MIN_POSITIVE][random.below(5) as usize])
        }
        Type::Boolean => Value::Boolean(random.below(2) == 1),
        Type::String => Value::String(text(random)),
        Type::Bytes => {
            let len = match node.get_parameter("connect.fixed.size") {
                Some(size) => size.parse().unwrap(),
                None => 1 + random.below(20),
            };
            Value::Bytes((0..len).map(|_| random.next() as u8).collect())
        }
        Type::Array => {
            Value::Array((0..random.below(4)).map(|_| value(schema, node.item.unwrap(), random, depth + 1)).collect())
        }
        Type::Map => {
            let count = random.below(4);
            let entry = |i: u64| {
                let key = match schema.node(node.key.unwrap()) {
                    Node { kind: Type::String, optional: false, .. } => Value::String(format!("k{i}")),
                    _ => value(schema, node.key.unwrap(), random, depth + 1),
                };
                (key, value(schema, node.item.unwrap(), random, depth + 1))
            };
            Value::Map((0..count).map(entry).collect())
        }
        Type::Struct if is_union(node) => {
            let chosen = random.below(3) as usize;
            let branch = |(i, field): (usize, &connect_data::schema::Field)| {
                if i != chosen {
                    return Value::Null;
                }
                match value(schema, field.node, random, depth + 1) {
                    Value::Null => required(schema, field.node, random, depth + 1),
                    value => value,
                }
            };
            Value::Struct(node.fields.iter().enumerate().map(branch).collect())
        }
        Type::Struct => required(schema, id, random, depth),
    }
}

/// Of any length up to some pieces that are copied at a time, with a letter of two octets anywhere or nowhere.
fn text(random: &mut Random) -> String {
    let most = [20, 20, 20, 70][random.below(4) as usize];
    let len = random.below(most) as usize;
    let other = random.below(3 * len as u64 + 1) as usize;
    (0..len).map(|i| if i == other { '\u{e9}' } else { char::from(b'0' + (i % 70) as u8) }).collect()
}

/// What a plan makes of an image, and what it makes of it slot by slot: a mark where no slot is keeps it from more.
fn both_ways(plan: &EncodePlan, image: &[u8]) -> [Result<Vec<u8>, String>; 2] {
    let set = 8 * bit_words(plan.slots());
    let mut marked = image.to_vec();
    if !plan.slots().is_multiple_of(64) {
        marked[HEADER + 2 * set - 1] |= 0x80;
    }
    [image, &marked].map(|image| {
        let mut bytes = vec![9];
        let image = Image::new(image, &[]).map_err(|error| error.to_string())?;
        match plan.encode(&image, &mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(error.to_string()),
        }
    })
}

fn required(schema: &Schema, id: NodeId, random: &mut Random, depth: usize) -> Value {
    let node = schema.node(id);
    match node.kind {
        Type::Boolean => Value::Boolean(true),
        Type::Int64 => Value::Int64(-3),
        _ => Value::Struct(node.fields.iter().map(|f| value(schema, f.node, random, depth + 1)).collect()),
    }
}

fn is_union(node: &Node) -> bool {
    node.name.as_deref() == Some("io.confluent.connect.avro.Union")
}

/// Whether Avro's reader found what was written.
struct Check<'a> {
    schema: &'a Schema,
    /// Whether a null field is written as its default.
    defaults: bool,
}

impl Check<'_> {
    fn field(&self, id: NodeId, value: &Value, avro: &Avro) {
        match (value, &self.schema.node(id).default) {
            (Value::Null, Some(default)) if self.defaults => self.value(id, default, avro),
            _ => self.value(id, value, avro),
        }
    }

    fn value(&self, id: NodeId, value: &Value, avro: &Avro) {
        let node = self.schema.node(id);
        let avro = if let Avro::Union(_, inner) = avro { inner } else { avro };
        match (value, avro) {
            (Value::Null, Avro::Null) => assert!(node.optional),
            (Value::Boolean(a), Avro::Boolean(b)) => assert_eq!(a, b),
            (Value::Int8(a), Avro::Int(b)) => assert_eq!(i32::from(*a), *b),
            (Value::Int16(a), Avro::Int(b)) => assert_eq!(i32::from(*a), *b),
            (Value::Int32(a), Avro::Int(b)) => assert_eq!(a, b),
            (Value::Int64(a), Avro::Long(b)) => assert_eq!(a, b),
            (Value::Float32(a), Avro::Float(b)) => assert_eq!(a.to_bits(), b.to_bits()),
            (Value::Float64(a), Avro::Double(b)) => assert_eq!(a.to_bits(), b.to_bits()),
            (Value::String(a), Avro::String(b)) => assert_eq!(a, b),
            (Value::Bytes(a), Avro::Bytes(b)) if node.name.as_deref() == Some(logical::DECIMAL) => {
                // The same number in as few octets as it takes.
                let sign = if a[0] < 0x80 { 0 } else { 0xFF };
                assert!(a.ends_with(b) && a[..a.len() - b.len()].iter().all(|octet| *octet == sign));
                assert_eq!(b[0] < 0x80, sign == 0);
                assert!(b.len() == 1 || !(b[0] == sign && (b[1] < 0x80) == (sign == 0)));
            }
            (Value::Bytes(a), Avro::Bytes(b)) => assert_eq!(a, b),
            (Value::Bytes(a), Avro::Fixed(size, b)) => assert_eq!((a.len(), a), (*size, b)),
            (Value::Array(a), Avro::Array(b)) => {
                assert_eq!(a.len(), b.len());
                a.iter().zip(b).for_each(|(a, b)| self.value(node.item.unwrap(), a, b));
            }
            (Value::Map(a), Avro::Map(b)) => {
                assert_eq!(a.len(), b.len());
                for (key, item) in a {
                    let Value::String(key) = key else { panic!("a key that is no string") };
                    self.value(node.item.unwrap(), item, &b[key]);
                }
            }
            (Value::Map(a), Avro::Array(b)) => {
                assert_eq!(a.len(), b.len());
                for ((key, item), entry) in a.iter().zip(b) {
                    let Avro::Record(fields) = entry else { panic!("expected an entry, found {entry:?}") };
                    self.value(node.key.unwrap(), key, &fields[0].1);
                    self.value(node.item.unwrap(), item, &fields[1].1);
                }
            }
            (Value::Struct(values), avro) if is_union(node) => {
                let chosen = values.iter().position(|value| !value.is_null()).unwrap();
                self.value(node.fields[chosen].node, &values[chosen], avro);
            }
            (Value::Struct(a), Avro::Record(b)) => {
                assert_eq!(a.len(), b.len());
                for ((field, a), (name, b)) in node.fields.iter().zip(a).zip(b) {
                    assert_eq!(&field.name, name);
                    self.field(field.node, a, b);
                }
            }
            (value, avro) => panic!("expected {value:?}, found {avro:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(tree in trees(), seed in any::<u64>(), ignore_defaults in any::<bool>()) {
        let mut b = SchemaBuilder::new();
        push(&mut b, &tree, &mut Names(0));
        let mut random = Random(seed);
        let plain = b.build().unwrap();
        let schema = with_defaults(&plain, &tree, &mut random);
        let mut properties = Properties::default();
        properties.set("ignore.default.for.nullables", ignore_defaults.to_string());
        let config = AvroDataConfig::new(&properties).unwrap();
        let plan = EncodePlan::compile(Some(&schema), &config).unwrap();
        // The text is one that Avro reads: without logical types, which Avro's Rust implementation would resolve.
        let avro = apache_avro::Schema::parse_str(&plan.avro_schema().canonical_form()).unwrap();
        let check = Check { schema: &schema, defaults: !ignore_defaults };
        for _ in 0..4 {
            let value = value(&schema, 0, &mut random, 0);
            let (mut image, mut bytes) = (Vec::new(), Vec::new());
            tree::write(Some(&schema), &value, &mut image).unwrap();
            prop_assert!(plan.encode(&Image::new(&image, &[]).unwrap(), &mut bytes).unwrap());
            let mut reader = bytes.as_slice();
            let read = apache_avro::from_avro_datum(&avro, &mut reader, None).unwrap();
            prop_assert!(reader.is_empty());
            check.value(0, &value, &read);
            for _ in 0..20 {
                let [at_once, slot_by_slot] = both_ways(&plan, &image);
                prop_assert_eq!(at_once, slot_by_slot);
                let at = HEADER as u64 + random.below((image.len() - HEADER) as u64);
                image[at as usize] ^= 1 << random.below(8);
            }
        }
    }
}
