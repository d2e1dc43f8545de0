//! Random Connect schemas with everything that AvroData looks at: names, parameters, enums, fixed, unions, defaults.

use super::random::Random;
use super::tree::{Taste, Tree, VALID};
use connect_data::{Type, logical};

/// Deepest nesting of types.
const DEPTH: usize = 4;
const AVRO: &str = "io.confluent.connect.avro";
const GENERAL: &str = "org.apache.kafka.connect.data";

const FIELDS: &[&str] = &[
    "id", "name", "a", "b", "c", "d", "Camel", "_x", "value", "key", "ts", "type", "items", "order", "x1", "int",
    "string",
];
const ODD_FIELDS: &[&str] = &[
    "a-b",
    "a.b",
    "1a",
    "Größe",
    "a b",
    "$x",
    "a%b",
    "",
    "日本",
    "a/b",
    "-",
    "a_b",
    "x1a",
    "null",
    "\u{1F9C0}",
    "a+b",
    "~",
];
const STRUCTS: &[&str] =
    &["r.A", "r.B", "r.C", "A", "B", "x.y.z.Deep", "r.A", "io.confluent.connect.avro.ConnectDefault", "r.Value", "s.A"];
const ODD_STRUCTS: &[&str] =
    &["r-x.A", "1x.A", "a..b", ".x", "x.", "ns.T$Inner", "ü.T", "a b", "", "r.1A", "T-1", "r.A.1"];
const SYMBOLS: &[&str] = &["A", "B", "C", "RED", "green_1", "_", "x"];
const ODD_SYMBOLS: &[&str] = &["", "a-b", "1", "ü", "a b", "A.B"];

/// Debezium's semantic types: the type below, the name, a parameter.
const DEBEZIUM: &[(Type, &str, &str)] = &[
    (Type::Int32, "io.debezium.time.Date", ""),
    (Type::Int32, "io.debezium.time.Time", ""),
    (Type::Int64, "io.debezium.time.MicroTime", ""),
    (Type::Int64, "io.debezium.time.NanoTime", ""),
    (Type::Int64, "io.debezium.time.Timestamp", ""),
    (Type::Int64, "io.debezium.time.MicroTimestamp", ""),
    (Type::Int64, "io.debezium.time.NanoTimestamp", ""),
    (Type::String, "io.debezium.time.ZonedTime", ""),
    (Type::String, "io.debezium.time.ZonedTimestamp", ""),
    (Type::Int32, "io.debezium.time.Year", ""),
    (Type::String, "io.debezium.time.Interval", ""),
    (Type::Int64, "io.debezium.time.MicroDuration", ""),
    (Type::Bytes, "io.debezium.data.Bits", "length"),
    (Type::String, "io.debezium.data.Json", ""),
    (Type::String, "io.debezium.data.Xml", ""),
    (Type::String, "io.debezium.data.Uuid", ""),
    (Type::String, "io.debezium.data.Enum", "allowed"),
    (Type::String, "io.debezium.data.EnumSet", "allowed"),
    (Type::String, "io.debezium.data.Ltree", ""),
];

/// Chooses types; what one vector's types have in common.
pub struct Types<'r> {
    random: &'r mut Random,
    /// Percentage of names that Avro has to refuse or to scrub.
    odd: u64,
    /// Percentage of types with documentation, versions, parameters.
    decorated: u64,
    /// Structs so far: a second use of a name is sometimes the same type.
    structs: Vec<Tree>,
}

impl<'r> Types<'r> {
    /// With tastes of their own.
    pub fn new(random: &'r mut Random) -> Self {
        let odd = *random.pick(&[0, 0, 0, 0, 8, 30]);
        let decorated = *random.pick(&[0, 10, 25, 50]);
        Self { random, odd, decorated, structs: Vec::new() }
    }

    /// The schema of a value.
    pub fn value(&mut self) -> Tree {
        let mut tree = if self.random.chance(75) { self.row(DEPTH) } else { self.any(DEPTH) };
        self.decorate(&mut tree);
        if self.random.chance(80) {
            tree.node.optional = false;
        }
        tree
    }

    fn any(&mut self, depth: usize) -> Tree {
        match self.random.below(if depth == 0 { 15 } else { 25 }) {
            0..6 => self.primitive(),
            6 | 7 => self.logical(),
            8..11 => self.debezium(),
            11 | 12 => self.enumeration(),
            13 => self.fixed(),
            14 => Tree::of(Type::Bytes),
            15..18 => Tree::array(self.part(depth)),
            18..21 => self.map(depth),
            21 => self.union(depth),
            22 => self.variable_scale_decimal(),
            _ => self.row(depth),
        }
    }

    fn part(&mut self, depth: usize) -> Tree {
        let mut tree = self.any(depth.saturating_sub(1));
        self.decorate(&mut tree);
        tree
    }

    fn primitive(&mut self) -> Tree {
        Tree::of(*self.random.pick(&[
            Type::Int8,
            Type::Int16,
            Type::Int32,
            Type::Int64,
            Type::Float32,
            Type::Float64,
            Type::Boolean,
            Type::String,
            Type::Bytes,
        ]))
    }

    fn logical(&mut self) -> Tree {
        let types = [
            (Type::Bytes, logical::DECIMAL),
            (Type::Bytes, logical::DECIMAL),
            (Type::Int32, logical::DATE),
            (Type::Int32, logical::TIME),
            (Type::Int64, logical::TIMESTAMP),
        ];
        let (kind, name) = *self.random.pick(&types);
        let mut tree = Tree::of(kind);
        tree.node.name = Some(name.into());
        tree.node.version = if self.random.chance(92) { Some(1) } else { None };
        if name == logical::DECIMAL {
            let scale = self.random.text(&["0", "2", "2", "4", "10", "64", "65"]);
            tree.node = tree.node.parameter(logical::SCALE, scale);
            if self.random.chance(45) {
                let precision = self.random.text(&["64", "18", "5", "2", "1", "38"]);
                tree.node = tree.node.parameter("connect.decimal.precision", precision);
            }
        }
        tree
    }

    fn debezium(&mut self) -> Tree {
        let (kind, name, parameter) = *self.random.pick(DEBEZIUM);
        let mut tree = Tree::of(kind);
        tree.node.name = Some(name.into());
        tree.node.version = Some(1);
        match parameter {
            "length" => tree.node = tree.node.parameter("length", "9"),
            "allowed" => tree.node = tree.node.parameter("allowed", "a,b,c"),
            _ => {}
        }
        tree
    }

    fn variable_scale_decimal(&mut self) -> Tree {
        let fields = vec![("scale".to_owned(), Tree::of(Type::Int32)), ("value".into(), Tree::of(Type::Bytes))];
        let mut tree = Tree::structure(Some("io.debezium.data.VariableScaleDecimal"), fields);
        tree.node.version = Some(1);
        tree
    }

    /// A string that is an enum by its parameters, of one family or the other.
    fn enumeration(&mut self) -> Tree {
        let general = self.random.chance(35);
        let family = if general { format!("{GENERAL}.Enum") } else { format!("{AVRO}.Enum") };
        let name = self.name(&["re.Color", "Color", "r.E", "re.Other"], &["re.1E", "a-b.E", ""]);
        let mut tree = Tree::of(Type::String);
        tree.node.name = match self.random.below(5) {
            0 => None,
            1 => Some(self.random.text(&["other.Name", "Color"])),
            _ => Some(name.clone()),
        };
        tree.node = tree.node.parameter(family.clone(), name.clone());
        let count = 1 + self.random.below(4);
        let start = self.random.below(SYMBOLS.len());
        for i in 0..count {
            let symbol = SYMBOLS.iter().cycle().nth(start + i).copied().unwrap_or("A");
            let symbol = if self.odd() { self.random.text(ODD_SYMBOLS) } else { symbol.to_owned() };
            let value = if general { i.to_string() } else { symbol.clone() };
            tree.node = tree.node.parameter(format!("{family}.{symbol}"), value);
        }
        if self.random.chance(15) {
            tree.node = tree.node.parameter(format!("{AVRO}.enum.doc.{name}"), "an enum");
        }
        if self.random.chance(10) {
            tree.node = tree.node.parameter("connect.enum.doc", "another");
        }
        if self.random.chance(15) {
            let symbol = SYMBOLS.iter().cycle().nth(start).copied().unwrap_or("A");
            tree.node = tree.node.parameter(format!("{AVRO}.enum.default.{name}"), symbol);
        }
        tree
    }

    fn fixed(&mut self) -> Tree {
        let mut tree = if self.random.chance(30) { self.logical() } else { Tree::of(Type::Bytes) };
        if tree.node.kind != Type::Bytes {
            tree = Tree::of(Type::Bytes);
        }
        if self.random.chance(85) && tree.node.name.is_none() {
            tree.node.name = Some(self.name(&["rf.F", "F4", "r.Fixed"], &["1F", "a-b.F"]));
        }
        let size = self.random.text(&["1", "4", "4", "8", "16"]);
        tree.node = tree.node.parameter("connect.fixed.size", size);
        tree
    }

    fn map(&mut self, depth: usize) -> Tree {
        let mut key = match self.random.below(10) {
            0..6 => Tree::of(Type::String),
            6 => Tree::of(Type::String).optional(),
            7 => Tree::of(*self.random.pick(&[Type::Int32, Type::Int64])),
            8 => self.enumeration(),
            _ => Tree::of(Type::String),
        };
        if self.random.chance(5) {
            key.node.name = Some("k.Key".into());
        }
        let item = self.part(depth);
        let mut map = Tree::map(key, item);
        if self.random.chance(15) {
            map.node.name = Some(self.name(&["m.Map", "M"], &["m-x.M", "1M"]));
        }
        map
    }

    /// A struct that stands for an Avro union.
    fn union(&mut self, depth: usize) -> Tree {
        let general = self.random.chance(35);
        let mut fields: Vec<(String, Tree)> = Vec::new();
        for i in 0..1 + self.random.below(4) {
            let member = match self.random.below(8) {
                0 => self.row(depth.saturating_sub(1)),
                1 => self.enumeration(),
                2 => self.fixed(),
                3 => Tree::array(self.primitive()),
                4 => Tree::map(Tree::of(Type::String), self.primitive()),
                _ => self.primitive(),
            };
            let name = if general { format!("connect_union_field_{i}") } else { union_field(&member) };
            if fields.iter().all(|(known, _)| *known != name) {
                let optional = !self.random.chance(4);
                let mut member = member;
                member.node.optional = optional;
                fields.push((name, member));
            }
        }
        let name = format!("{AVRO}.Union");
        let mut tree = Tree::structure(Some(if general { "connect_union_0" } else { &name }), fields);
        if general || self.random.chance(15) {
            tree.node = tree.node.parameter(format!("{GENERAL}.Union"), "connect_union_0");
        }
        tree
    }

    fn row(&mut self, depth: usize) -> Tree {
        if !self.structs.is_empty() && self.random.chance(18) {
            let mut again = self.random.pick(&self.structs).clone();
            if self.random.chance(15) {
                again.fields.truncate(1);
            }
            return again;
        }
        let mut fields: Vec<(String, Tree)> = Vec::new();
        for _ in 0..self.random.below(if depth == DEPTH { 8 } else { 4 }) {
            let name = self.name(FIELDS, ODD_FIELDS);
            if fields.iter().all(|(known, _)| *known != name) {
                let field = self.part(depth);
                fields.push((name, field));
            }
        }
        let name = self.random.chance(80).then(|| self.name(STRUCTS, ODD_STRUCTS));
        let mut tree = Tree::structure(name.as_deref(), fields);
        if self.decorated() {
            let (key, value) = match self.random.below(4) {
                0 => ("io.confluent.connect.avro.record.doc".to_owned(), "record"),
                1 => ("connect.record.doc".to_owned(), "record doc"),
                2 => (format!("io.confluent.connect.avro.field.doc.{}", self.random.text(FIELDS)), "field"),
                _ => ("table".to_owned(), "t"),
            };
            tree.node = tree.node.parameter(key, value);
        }
        self.structs.push(tree.clone());
        tree
    }

    fn decorate(&mut self, tree: &mut Tree) {
        tree.node.optional |= self.random.chance(35);
        if self.decorated() {
            if tree.node.name.is_none() && self.random.chance(25) {
                tree.node.name = Some(self.name(&["n.Semantic", "Plain"], &["n-x.S", "1"]));
            }
            if tree.node.version.is_none() && self.random.chance(40) {
                tree.node.version = Some(*self.random.pick(&[1, 2, 7, 0, -1, 2_147_483_647]));
            }
            if self.random.chance(40) {
                tree.node.doc = Some(self.random.text(&["doc", "", "Spalte ä", "\"quoted\"\n"]));
            }
            if self.random.chance(40) {
                let (key, value) = *self.random.pick(&[
                    ("p", "1"),
                    ("avro.x", "prop"),
                    ("avroY", ""),
                    ("__debezium.source.column.type", "VARCHAR"),
                    ("io.confluent.connect.avro.field.default", "true"),
                    ("avro.java.string", "String"),
                    ("ключ", "знач"),
                ]);
                tree.node =
                    std::mem::replace(&mut tree.node, connect_data::Node::new(Type::Int8)).parameter(key, value);
            }
        }
        if self.random.chance(if tree.fields.is_empty() { 20 } else { 8 }) {
            let value = tree.some(self.random, VALID);
            tree.node.default = Some(value);
            if self.random.chance(25) {
                tree.node = std::mem::replace(&mut tree.node, connect_data::Node::new(Type::Int8))
                    .parameter("io.confluent.connect.avro.field.default", "true");
            }
        }
    }

    fn name(&mut self, usual: &[&str], odd: &[&str]) -> String {
        if self.odd() { self.random.text(odd) } else { self.random.text(usual) }
    }

    fn odd(&mut self) -> bool {
        self.random.chance(self.odd)
    }

    fn decorated(&mut self) -> bool {
        self.random.chance(self.decorated)
    }
}

/// The field that AvroData gives a union's member, without `enhanced.avro.schema.support`.
fn union_field(member: &Tree) -> String {
    let named = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    let node = &member.node;
    let fixed = node.get_parameter("connect.fixed.size").is_some();
    match (node.kind, &node.name) {
        (Type::Struct, Some(name)) => named(name),
        (Type::Bytes | Type::String, Some(name)) if fixed || node.get_parameter(&format!("{AVRO}.Enum")).is_some() => {
            named(name)
        }
        (Type::Struct, None) => "ConnectDefault".into(),
        (Type::Int8 | Type::Int16 | Type::Int32, _) => "int".into(),
        (Type::Int64, _) => "long".into(),
        (Type::Float32, _) => "float".into(),
        (Type::Float64, _) => "double".into(),
        (Type::Boolean, _) => "boolean".into(),
        (Type::String, _) => "string".into(),
        (Type::Bytes, _) => "bytes".into(),
        (Type::Array, _) => "array".into(),
        (Type::Map, _) => "map".into(),
    }
}

/// How values are chosen for a vector.
pub fn taste(random: &mut Random) -> Taste {
    Taste {
        nulls: *random.pick(&[10, 30, 60]),
        defaults: *random.pick(&[0, 30, 60]),
        forbidden: *random.pick(&[0, 0, 0, 0, 0, 10]),
    }
}
