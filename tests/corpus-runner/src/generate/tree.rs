//! A schema as a tree, which can be changed more easily than an arena; random ones, and random values of them.

use super::random::Random;
use connect_data::{Node, NodeId, Schema, SchemaBuilder, Type, Value, logical};

/// Schema and what is below it.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Without children.
    pub node: Node,
    /// Of a struct.
    pub fields: Vec<(String, Tree)>,
    /// Of a map.
    pub key: Option<Box<Tree>>,
    /// Of an array or a map.
    pub item: Option<Box<Tree>>,
}

/// How a value is chosen.
#[derive(Clone, Copy)]
pub struct Taste {
    /// Percentage of nulls where the schema allows one.
    pub nulls: u64,
    /// Percentage of nulls where the schema has a default.
    pub defaults: u64,
    /// Percentage of nulls where the schema wants a value.
    pub forbidden: u64,
}

/// What Connect takes in every place.
pub const VALID: Taste = Taste { nulls: 20, defaults: 0, forbidden: 0 };
const TEXTS: &[&str] =
    &["", " ", "a", "orders", "Größe", "日本", "\u{1F9C0}", "line\nbreak", "\u{0}\u{1f}", "x,y", "true"];
const DEPTH: usize = 3;
const FIXED_SIZE: &str = "connect.fixed.size";
const UNION: &str = "io.confluent.connect.avro.Union";
const GENERAL_UNION: &str = "org.apache.kafka.connect.data.Union";
const ENUM_SYMBOLS: &[&str] = &["io.confluent.connect.avro.Enum.", "org.apache.kafka.connect.data.Enum."];

impl Tree {
    /// A type without children.
    pub fn of(kind: Type) -> Self {
        Self { node: Node::new(kind), fields: Vec::new(), key: None, item: None }
    }

    /// A struct.
    pub fn structure(name: Option<&str>, fields: Vec<(String, Tree)>) -> Self {
        let mut tree = Self::of(Type::Struct);
        tree.node.name = name.map(str::to_owned);
        tree.fields = fields;
        tree
    }

    /// An array.
    pub fn array(item: Tree) -> Self {
        Self { item: Some(Box::new(item)), ..Self::of(Type::Array) }
    }

    /// A map.
    pub fn map(key: Tree, item: Tree) -> Self {
        Self { key: Some(Box::new(key)), item: Some(Box::new(item)), ..Self::of(Type::Map) }
    }

    /// Allows null.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.node.optional = true;
        self
    }

    /// The field of this name.
    pub fn field_mut(&mut self, name: &str) -> Option<&mut Tree> {
        self.fields.iter_mut().find(|(field, _)| field == name).map(|(_, tree)| tree)
    }

    /// As connect-data has it.
    pub fn schema(&self) -> Result<Schema, String> {
        let mut builder = SchemaBuilder::new();
        self.push(&mut builder);
        builder.build().map_err(|e| e.to_string())
    }

    fn push(&self, builder: &mut SchemaBuilder) -> NodeId {
        let id = builder.push(self.node.clone());
        for (name, field) in &self.fields {
            let child = field.push(builder);
            builder.add_field(id, name, child);
        }
        let key = self.key.as_ref().map(|key| key.push(builder));
        let item = self.item.as_ref().map(|item| item.push(builder));
        if let Some(node) = builder.node_mut(id) {
            (node.key, node.item) = (key, item);
        }
        id
    }

    /// A value, or null where `taste` says so.
    pub fn value(&self, random: &mut Random, taste: Taste) -> Value {
        let nulls = match (self.node.optional, self.node.default.is_some()) {
            (true, _) => taste.nulls,
            (false, true) => taste.defaults,
            (false, false) => taste.forbidden,
        };
        if random.chance(nulls) { Value::Null } else { self.some(random, taste) }
    }

    /// A value that is not null itself.
    pub fn some(&self, random: &mut Random, taste: Taste) -> Value {
        let name = self.node.name.as_deref().unwrap_or("");
        let bits = random.bits();
        let small = random.chance(60);
        match self.node.kind {
            Type::Boolean => Value::Boolean(bits & 1 == 0),
            Type::Int8 => Value::Int8(bits as i8),
            Type::Int16 => Value::Int16(bits as i16),
            Type::Int32 if name == logical::TIME => Value::Int32((bits % 86_400_000) as i32),
            Type::Int32 if name == logical::DATE => Value::Int32((bits % 60_000) as i32 - 20_000),
            Type::Int32 => Value::Int32(if small { (bits % 100) as i32 } else { bits as i32 }),
            Type::Int64 if name == logical::TIMESTAMP => {
                Value::Int64((bits % 4_000_000_000_000) as i64 - 1_000_000_000)
            }
            Type::Int64 => Value::Int64(if small { (bits % 100) as i64 } else { bits as i64 }),
            Type::Float32 => Value::Float32(*random.pick(&[0.0, -0.0, 1.5, f32::NAN, f32::NEG_INFINITY, 3.4e38, 0.1])),
            Type::Float64 => Value::Float64(*random.pick(&[0.0, -0.0, 2.5, f64::NAN, f64::INFINITY, 1e300, 0.1])),
            Type::String => Value::String(self.symbol(random).unwrap_or_else(|| random.text(TEXTS))),
            Type::Bytes if self.node.get_parameter(FIXED_SIZE).is_some() && !random.chance(3) => {
                let size = self.node.get_parameter(FIXED_SIZE).and_then(|size| size.parse().ok()).unwrap_or(0);
                Value::Bytes((0..size).map(|i| if i == 0 { 0x11 } else { random.bits() as u8 }).collect())
            }
            Type::Bytes if name == logical::DECIMAL => {
                Value::Bytes(unscaled(if small { bits as i16 as i64 } else { bits as i64 }))
            }
            Type::Bytes => Value::Bytes((0..random.below(5)).map(|_| random.bits() as u8).collect()),
            Type::Struct if self.is_union() && !random.chance(4) => {
                let chosen = random.below(self.fields.len());
                let member = |(i, field): (usize, &(String, Self))| {
                    if i == chosen { field.1.some(random, taste) } else { Value::Null }
                };
                Value::Struct(self.fields.iter().enumerate().map(member).collect())
            }
            Type::Struct => Value::Struct(self.fields.iter().map(|(_, field)| field.value(random, taste)).collect()),
            Type::Array => {
                let item = self.item.as_deref();
                Value::Array((0..random.below(4)).filter_map(|_| item.map(|item| item.value(random, taste))).collect())
            }
            Type::Map => Value::Map((0..random.below(4)).filter_map(|i| self.entry(i, random, taste)).collect()),
        }
    }

    /// A symbol of the enum that the parameters make of a string; rarely another text.
    fn symbol(&self, random: &mut Random) -> Option<String> {
        let symbols: Vec<&str> = ENUM_SYMBOLS
            .iter()
            .flat_map(|prefix| self.node.parameters.iter().filter_map(move |(key, _)| key.strip_prefix(prefix)))
            .collect();
        (!symbols.is_empty() && !random.chance(4)).then(|| random.text(&symbols))
    }

    /// Whether AvroData takes the struct for a union.
    fn is_union(&self) -> bool {
        self.node.name.as_deref() == Some(UNION) || self.node.get_parameter(GENERAL_UNION).is_some()
    }

    /// Keys differ by their number, or a Java map would hold fewer entries.
    fn entry(&self, number: usize, random: &mut Random, taste: Taste) -> Option<(Value, Value)> {
        let (key, item) = (self.key.as_deref()?, self.item.as_deref()?);
        let name = match key.node.kind {
            Type::String if number == 0 && key.node.optional && random.chance(taste.nulls) => Value::Null,
            Type::String if number == 0 => Value::String(key.symbol(random).unwrap_or_else(|| "k0".into())),
            Type::String => Value::String(format!("k{number}")),
            Type::Int64 => Value::Int64(number as i64),
            _ => Value::Int32(number as i32),
        };
        Some((name, item.value(random, taste)))
    }

    /// Gives it a default.
    pub fn set_default(&mut self, random: &mut Random) {
        self.node.default = Some(self.some(random, VALID));
    }

    /// Random names, texts and flags around a type.
    pub fn decorate(&mut self, random: &mut Random) {
        let node = &mut self.node;
        node.optional |= random.chance(45);
        if node.version.is_none() && random.chance(12) {
            node.version = Some(*random.pick(&[0, 1, 2, -1]));
        }
        if random.chance(10) {
            node.doc = Some(random.text(&["doc", "", "Spalte ä"]));
        }
        if random.chance(15) {
            let column = ("__debezium.source.column.type".to_owned(), random.text(&["VARCHAR", "INT4"]));
            let length = ("__debezium.source.column.length".to_owned(), "5".to_owned());
            node.parameters.extend(if random.chance(50) { vec![column, length] } else { vec![length, column] });
        }
        if random.chance(if self.fields.is_empty() { 25 } else { 12 }) {
            self.set_default(random);
        }
    }

    /// The schema of a column.
    pub fn column(random: &mut Random) -> Self {
        let mut tree = Self::any(random, DEPTH);
        tree.decorate(random);
        tree
    }

    fn any(random: &mut Random, depth: usize) -> Self {
        match random.below(if depth == 0 { 8 } else { 12 }) {
            0..3 => Self::of(*random.pick(&[Type::Int8, Type::Int16, Type::Int32, Type::Int64, Type::Boolean])),
            3 => Self::of(*random.pick(&[Type::Float32, Type::Float64])),
            4..6 => Self::of(Type::String),
            6 => Self::of(Type::Bytes),
            7 => Self::named(random),
            8 => Self::array(Self::part(random, depth)),
            9 => {
                let mut key = Self::of(*random.pick(&[Type::String, Type::String, Type::Int32, Type::Int64]));
                key.node.optional = random.chance(25);
                Self::map(key, Self::part(random, depth))
            }
            10 => Self::geometry(random),
            _ => {
                let fields = (0..random.below(4)).map(|i| (format!("f{i}"), Self::part(random, depth))).collect();
                let name = random.chance(60).then(|| format!("nested{}", random.below(3)));
                Self::structure(name.as_deref(), fields)
            }
        }
    }

    fn part(random: &mut Random, depth: usize) -> Self {
        let mut tree = Self::any(random, depth - 1);
        tree.decorate(random);
        tree
    }

    /// Logical types of Connect and semantic types of Debezium.
    fn named(random: &mut Random) -> Self {
        let types: &[(Type, &str)] = &[
            (Type::Bytes, logical::DECIMAL),
            (Type::Int32, logical::DATE),
            (Type::Int32, logical::TIME),
            (Type::Int64, logical::TIMESTAMP),
            (Type::Int32, "io.debezium.time.Date"),
            (Type::Int64, "io.debezium.time.MicroTimestamp"),
            (Type::String, "io.debezium.time.ZonedTimestamp"),
            (Type::String, "io.debezium.data.Json"),
            (Type::String, "io.debezium.data.Enum"),
            (Type::String, "io.debezium.data.Uuid"),
            (Type::Bytes, "io.debezium.data.Bits"),
        ];
        let (kind, name) = *random.pick(types);
        let mut tree = Self::of(kind);
        tree.node.name = Some(name.to_owned());
        tree.node.version = Some(1);
        match name {
            logical::DECIMAL => {
                tree.node = tree.node.parameter(logical::SCALE, random.text(&["0", "2", "10"]));
                if random.chance(50) {
                    tree.node = tree.node.parameter("connect.decimal.precision", "18");
                }
            }
            "io.debezium.data.Enum" => tree.node = tree.node.parameter("allowed", "a,b"),
            "io.debezium.data.Bits" => tree.node = tree.node.parameter("length", "9"),
            _ => {}
        }
        tree
    }

    fn geometry(random: &mut Random) -> Self {
        let wkb = Self::of(Type::Bytes);
        let srid = Self::of(Type::Int32).optional();
        let wkb = if random.chance(30) { wkb.optional() } else { wkb };
        let mut tree = Self::structure(
            Some("io.debezium.data.geometry.Geometry"),
            vec![("wkb".into(), wkb), ("srid".into(), srid)],
        );
        tree.node.version = Some(1);
        tree
    }
}

/// Two's complement without bytes to spare, as `BigInteger.toByteArray` writes it.
fn unscaled(value: i64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let spare = |pair: &[u8]| (pair[0] == 0 && pair[1] < 0x80) || (pair[0] == 0xFF && pair[1] >= 0x80);
    let start = bytes.windows(2).take_while(|pair| spare(pair)).count();
    bytes[start..].to_vec()
}
