//! Random Avro schemas with what AvroData looks at, and a reader's view of them.

use super::random::Random;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

const DEPTH: usize = 4;

/// A type where it is used.
#[derive(Clone, Debug)]
pub enum Type {
    /// A primitive type with properties.
    Primitive(&'static str, Map<String, Json>),
    /// A named type, by its full name.
    Named(String),
    /// With properties.
    Array(Box<Type>, Map<String, Json>),
    /// With properties.
    Map(Box<Type>, Map<String, Json>),
    /// Branches.
    Union(Vec<Type>),
}

/// What a named type is.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub(super) kind: Kind,
    rest: Map<String, Json>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Record(Vec<Field>),
    Enum(Vec<String>),
    Fixed(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    name: String,
    pub(super) kind: Type,
    rest: Map<String, Json>,
}

/// A schema: its outermost type and the named types in it.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(super) root: Type,
    pub(super) named: BTreeMap<String, Definition>,
}

const FIELDS: &[&str] = &["f0", "f1", "f2", "a", "b", "id", "value", "key", "Camel", "_x", "next", "int"];
const RECORDS: &[&str] = &["rr.R", "rr.S", "R", "a.b.c.Deep", "n.U", "v.X", "u.X", "rr.T$I"];
const PRIMITIVES: &[&str] = &["int", "long", "float", "double", "boolean", "string", "bytes", "null"];

/// Chooses types.
pub struct Types<'r> {
    random: &'r mut Random,
    named: BTreeMap<String, Definition>,
    /// Records that are being built: a reference to one of them is a recursion.
    open: Vec<String>,
    /// Percentage of types with properties, documentation, defaults.
    decorated: u64,
    /// Percentage of properties that are of the wrong form.
    odd: u64,
}

impl<'r> Types<'r> {
    /// A schema for a topic's values.
    pub fn schema(random: &'r mut Random) -> Schema {
        let decorated = *random.pick(&[0, 10, 25, 50]);
        let odd = *random.pick(&[0, 0, 0, 15]);
        let mut types = Self { random, named: BTreeMap::new(), open: Vec::new(), decorated, odd };
        let root = match types.random.below(10) {
            0..6 => types.record(DEPTH),
            6 => types.union(DEPTH),
            _ => types.any(DEPTH),
        };
        Schema { root, named: types.named }
    }

    fn any(&mut self, depth: usize) -> Type {
        match self.random.below(if depth == 0 { 10 } else { 20 }) {
            0..5 => self.primitive(),
            5..7 => self.logical(),
            7 => self.enumeration(),
            8 => self.fixed(),
            9 => self.reference().unwrap_or_else(|| self.primitive()),
            10 | 11 => {
                let item = Box::new(self.any(depth - 1));
                Type::Array(item, self.properties("array"))
            }
            12 | 13 => {
                let item = Box::new(self.any(depth - 1));
                Type::Map(item, self.properties("map"))
            }
            14 => self.map_entries(depth),
            15..18 => self.union(depth),
            _ => self.record(depth - 1),
        }
    }

    fn primitive(&mut self) -> Type {
        let known = if self.random.chance(3) { PRIMITIVES } else { &PRIMITIVES[..7] };
        let name = *self.random.pick(known);
        Type::Primitive(name, self.properties(name))
    }

    fn logical(&mut self) -> Type {
        let (mut base, logical) = *self.random.pick(&[
            ("int", "date"),
            ("int", "time-millis"),
            ("long", "timestamp-millis"),
            ("long", "timestamp-micros"),
            ("long", "time-micros"),
            ("long", "timestamp-nanos"),
            ("long", "local-timestamp-millis"),
            ("long", "local-timestamp-micros"),
            ("string", "uuid"),
            ("bytes", "decimal"),
            ("bytes", "decimal"),
            ("bytes", "big-decimal"),
            ("string", "nonsense"),
        ]);
        if self.random.chance(self.odd) {
            base = *self.random.pick(&["int", "long", "string", "bytes", "double"]);
        }
        let mut properties = self.properties(base);
        properties.insert("logicalType".into(), json!(logical));
        if logical == "decimal" {
            self.decimal(&mut properties);
        }
        Type::Primitive(base, properties)
    }

    fn decimal(&mut self, properties: &mut Map<String, Json>) {
        properties.insert("precision".into(), self.random.pick(&[json!(64), json!(9), json!(18), json!(4)]).clone());
        if !self.random.chance(15) {
            properties.insert("scale".into(), self.random.pick(&[json!(0), json!(2), json!(4)]).clone());
        }
        if self.random.chance(self.odd) {
            let odd = [json!("4"), json!(-1), json!(0), json!(100), json!(2.5), json!(null)];
            let key = self.random.text(&["precision", "scale"]);
            properties.insert(key, self.random.pick(&odd).clone());
        }
    }

    fn name(&mut self, names: &[&str]) -> Option<String> {
        let name = self.random.text(names);
        let name = if self.random.chance(60) { format!("{name}{}", self.named.len()) } else { name };
        (!self.named.contains_key(&name) && !self.open.contains(&name)).then_some(name)
    }

    fn enumeration(&mut self) -> Type {
        let Some(name) = self.name(&["re.E", "E", "rr.Color"]) else { return self.primitive() };
        let all = ["A", "B", "C", "D_1", "_x"];
        let symbols: Vec<String> = all[..1 + self.random.below(5)].iter().map(|s| (*s).to_owned()).collect();
        let mut rest = self.properties("enum");
        if self.random.chance(20) {
            rest.insert("default".into(), json!(symbols[0]));
        }
        self.describe(&mut rest);
        self.named.insert(name.clone(), Definition { kind: Kind::Enum(symbols), rest });
        Type::Named(name)
    }

    fn fixed(&mut self) -> Type {
        let Some(name) = self.name(&["rf.F", "F", "rr.Md5"]) else { return self.primitive() };
        let size = *self.random.pick(&[1, 4, 8, 12, 16]);
        let mut rest = self.properties("fixed");
        match self.random.below(6) {
            0 | 1 => {
                rest.insert("logicalType".into(), json!("decimal"));
                self.decimal(&mut rest);
            }
            2 => drop(rest.insert("logicalType".into(), json!(self.random.text(&["duration", "uuid"])))),
            _ => {}
        }
        self.named.insert(name.clone(), Definition { kind: Kind::Fixed(size), rest });
        Type::Named(name)
    }

    fn reference(&mut self) -> Option<Type> {
        let names: Vec<&String> = self.named.keys().collect();
        (!names.is_empty()).then(|| Type::Named((*self.random.pick(&names)).clone()))
    }

    /// What a Connect map with keys other than strings is in Avro.
    fn map_entries(&mut self, depth: usize) -> Type {
        let own = self.random.chance(30);
        let name = if own { "m.Named".to_owned() } else { "io.confluent.connect.avro.MapEntry".into() };
        if self.named.contains_key(&name) || self.open.contains(&name) {
            return self.primitive();
        }
        self.open.push(name.clone());
        let (key, value) = (self.any(depth - 1), self.any(depth - 1));
        self.open.pop();
        let field = |name: &str, kind| Field { name: name.to_owned(), kind, rest: Map::new() };
        let mut fields = vec![field("key", key), field("value", value)];
        if self.random.chance(8) {
            fields.reverse();
        }
        let mut rest = Map::new();
        if own {
            rest.insert("connect.internal.type".into(), json!("MapEntry"));
        }
        self.named.insert(name.clone(), Definition { kind: Kind::Record(fields), rest });
        Type::Array(Box::new(Type::Named(name)), Map::new())
    }

    fn record(&mut self, depth: usize) -> Type {
        let Some(name) = self.name(RECORDS) else { return self.primitive() };
        self.open.push(name.clone());
        let mut fields: Vec<Field> = Vec::new();
        for _ in 0..self.random.below(if depth == DEPTH { 7 } else { 4 }) {
            let field = self.random.text(FIELDS);
            if fields.iter().any(|known| known.name == field) {
                continue;
            }
            let kind = match self.random.below(40) {
                0 => Type::Union(vec![primitive("null"), Type::Named(name.clone())]),
                1 => Type::Array(Box::new(Type::Named(name.clone())), Map::new()),
                2..12 => self.optional(depth.saturating_sub(1)),
                _ => self.any(depth.saturating_sub(1)),
            };
            let mut rest = Map::new();
            if self.random.chance(20) {
                let default = if self.random.chance(self.odd) {
                    Some(self.random.pick(&[json!("x"), json!(1), json!(null), json!([]), json!({})]).clone())
                } else {
                    self.default(&kind, 0)
                };
                default.into_iter().for_each(|default| drop(rest.insert("default".into(), default)));
            }
            self.describe(&mut rest);
            fields.push(Field { name: field, kind, rest });
        }
        self.open.pop();
        let mut rest = self.properties("record");
        self.describe(&mut rest);
        self.named.insert(name.clone(), Definition { kind: Kind::Record(fields), rest });
        Type::Named(name)
    }

    fn optional(&mut self, depth: usize) -> Type {
        let mut branches = vec![primitive("null"), self.any(depth)];
        if self.random.chance(30) {
            branches.reverse();
        }
        flat(branches)
    }

    fn union(&mut self, depth: usize) -> Type {
        let mut branches = Vec::new();
        if self.random.chance(45) {
            branches.push(primitive("null"));
        }
        for _ in 0..1 + self.random.below(4) {
            branches.push(self.any(depth.saturating_sub(1)));
        }
        if self.random.chance(25) {
            branches.reverse();
        }
        flat(branches)
    }

    /// A default of the type, in Avro's JSON; none for what would not end.
    fn default(&mut self, kind: &Type, depth: usize) -> Option<Json> {
        let random = &mut *self.random;
        Some(match kind {
            Type::Primitive(name, _) => match *name {
                "null" => Json::Null,
                "boolean" => json!(random.chance(50)),
                "int" => json!(*random.pick(&[0, 1, -1, 99, 2_147_483_647])),
                "long" => json!(*random.pick(&[0, 1, -1, 99, 9_007_199_254_740_993_i64])),
                "float" | "double" => random.pick(&[json!(0.0), json!(1.5), json!(-2), json!(1e30)]).clone(),
                "bytes" => json!(random.text(&["", "\u{0}\u{ff}", "a"])),
                _ => json!(random.text(&["", "d", "ü"])),
            },
            Type::Array(..) => json!([]),
            Type::Map(..) => json!({}),
            Type::Union(branches) => return self.default(branches.first()?, depth),
            Type::Named(name) => match self.named.get(name)?.kind.clone() {
                Kind::Enum(symbols) => json!(symbols.first()?),
                Kind::Fixed(size) => json!("\u{1}".repeat(size)),
                Kind::Record(_) if depth > 3 => return None,
                Kind::Record(fields) => {
                    let fields = fields.iter().map(|f| Some((f.name.clone(), self.default(&f.kind, depth + 1)?)));
                    Json::Object(fields.collect::<Option<_>>()?)
                }
            },
        })
    }

    fn describe(&mut self, rest: &mut Map<String, Json>) {
        if self.random.chance(self.decorated / 2) {
            rest.insert("doc".into(), json!(self.random.text(&["doc", "", "Spalte ä"])));
        }
        if self.random.chance(self.decorated / 4) {
            rest.insert("aliases".into(), json!([self.random.text(&["old", "x.Old"])]));
        }
    }

    /// What the Connect side leaves in a schema, and what others do.
    fn properties(&mut self, kind: &str) -> Map<String, Json> {
        let mut all = Map::new();
        if !self.random.chance(self.decorated) {
            return all;
        }
        let odd = self.odd;
        let random = &mut *self.random;
        let mut put = |random: &mut Random, key: &str, usual: &[Json], wrong: &[Json]| {
            let value = if random.chance(odd) { random.pick(wrong) } else { random.pick(usual) };
            all.insert(key.to_owned(), value.clone());
        };
        if random.chance(30) {
            let usual = match kind {
                "int" => {
                    vec![json!("io.debezium.time.Date"), json!("org.apache.kafka.connect.data.Date"), json!("n.I")]
                }
                "long" => {
                    vec![json!("io.debezium.time.MicroTimestamp"), json!("org.apache.kafka.connect.data.Timestamp")]
                }
                "bytes" => vec![json!("io.debezium.data.Bits"), json!("org.apache.kafka.connect.data.Decimal")],
                _ => vec![json!("n.Named"), json!("Plain")],
            };
            put(random, "connect.name", &usual, &[json!(5), json!(""), json!(null), json!("a-b")]);
        }
        if random.chance(30) {
            put(
                random,
                "connect.version",
                &[json!(1), json!(2), json!(7)],
                &[json!("1"), json!(1.7), json!(-1), json!(0)],
            );
        }
        if random.chance(25) {
            put(random, "connect.doc", &[json!("cdoc"), json!("")], &[json!(5), json!(["x"])]);
        }
        if random.chance(25) {
            let usual = [json!({"p": "1"}), json!({"a": "b", "c": "d"}), json!({})];
            put(random, "connect.parameters", &usual, &[json!({"p": 1}), json!("x"), json!([]), json!({"p": null})]);
        }
        if random.chance(20) {
            let usual = match kind {
                "string" | "enum" => json!("A"),
                "boolean" => json!(true),
                "float" | "double" => json!(1.5),
                "bytes" | "fixed" => json!("\u{1}\u{ff}"),
                "array" => json!([]),
                "map" => json!({}),
                "record" => json!({}),
                _ => json!(4),
            };
            put(random, "connect.default", &[usual], &[json!("bad"), json!(null), json!(1), json!([1]), json!(true)]);
        }
        if kind == "int" && random.chance(50) {
            put(random, "connect.type", &[json!("int8"), json!("int16")], &[json!("bogus"), json!(5), json!("int32")]);
        }
        if random.chance(15) {
            put(random, "avro.java.string", &[json!("String")], &[json!(5)]);
        }
        if random.chance(10) {
            put(random, "other", &[json!("x"), json!({"y": [1]})], &[json!(null)]);
        }
        if random.chance(8) {
            put(random, "connect.record.doc", &[json!("d")], &[json!(1)]);
        }
        all
    }
}

fn primitive(name: &'static str) -> Type {
    Type::Primitive(name, Map::new())
}

/// A union as Avro allows it: none inside it, no two branches of a kind.
fn flat(branches: Vec<Type>) -> Type {
    let mut kinds = BTreeSet::new();
    let mut all = Vec::new();
    let mut pending: Vec<Type> = branches.into_iter().rev().collect();
    while let Some(branch) = pending.pop() {
        let kind = match &branch {
            Type::Union(inner) => {
                pending.extend(inner.iter().rev().cloned());
                continue;
            }
            Type::Primitive(name, _) => (*name).to_owned(),
            Type::Named(name) => name.clone(),
            Type::Array(..) => "array".into(),
            Type::Map(..) => "map".into(),
        };
        if kinds.insert(kind) {
            all.push(branch);
        }
    }
    Type::Union(all)
}

impl Schema {
    /// The schema's JSON: every named type is defined where it occurs first.
    pub fn json(&self, random: &mut Random) -> Json {
        self.print(&self.root, "", &mut BTreeSet::new(), random)
    }

    fn print(&self, kind: &Type, space: &str, known: &mut BTreeSet<String>, random: &mut Random) -> Json {
        let with = |mut object: Map<String, Json>, rest: &Map<String, Json>| {
            object.extend(rest.clone());
            Json::Object(object)
        };
        let object =
            |pairs: Vec<(&str, Json)>| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>();
        match kind {
            Type::Primitive(name, rest) if rest.is_empty() && !random.chance(5) => json!(name),
            Type::Primitive(name, rest) => with(object(vec![("type", json!(name))]), rest),
            Type::Array(item, rest) => {
                let items = self.print(item, space, known, random);
                with(object(vec![("type", json!("array")), ("items", items)]), rest)
            }
            Type::Map(item, rest) => {
                let values = self.print(item, space, known, random);
                with(object(vec![("type", json!("map")), ("values", values)]), rest)
            }
            Type::Union(branches) => {
                Json::Array(branches.iter().map(|branch| self.print(branch, space, known, random)).collect())
            }
            Type::Named(name) => self.print_named(name, space, known, random),
        }
    }

    fn print_named(&self, name: &str, space: &str, known: &mut BTreeSet<String>, random: &mut Random) -> Json {
        let (own_space, short) = name.rsplit_once('.').unwrap_or(("", name));
        if !known.insert(name.to_owned()) {
            return if own_space == space && random.chance(50) { json!(short) } else { json!(name) };
        }
        let Some(definition) = self.named.get(name) else { return json!(name) };
        let mut out = Map::new();
        if own_space == space && random.chance(40) {
            out.insert("name".into(), json!(short));
        } else if own_space.is_empty() || random.chance(30) {
            out.insert("name".into(), json!(short));
            out.insert("namespace".into(), json!(own_space));
        } else {
            out.insert("name".into(), json!(name));
        }
        match &definition.kind {
            Kind::Enum(symbols) => {
                out.insert("type".into(), json!("enum"));
                out.insert("symbols".into(), json!(symbols));
            }
            Kind::Fixed(size) => {
                out.insert("type".into(), json!("fixed"));
                out.insert("size".into(), json!(size));
            }
            Kind::Record(fields) => {
                out.insert("type".into(), json!("record"));
                let mut printed = Vec::new();
                for field in fields {
                    let mut one = Map::new();
                    one.insert("name".into(), json!(field.name));
                    one.insert("type".into(), self.print(&field.kind, own_space, known, random));
                    one.extend(field.rest.clone());
                    printed.push(Json::Object(one));
                }
                out.insert("fields".into(), Json::Array(printed));
            }
        }
        out.extend(definition.rest.clone());
        Json::Object(out)
    }

    /// The schema as somebody might have changed it: mostly compatibly.
    pub fn changed(&self, random: &mut Random) -> Self {
        let mut changed = self.clone();
        for definition in changed.named.values_mut() {
            match &mut definition.kind {
                Kind::Record(fields) => {
                    if random.chance(35) {
                        let at = random.below(fields.len() + 1);
                        let (kind, default) = random
                            .pick(&[
                                (primitive("int"), json!(7)),
                                (Type::Union(vec![primitive("null"), primitive("string")]), Json::Null),
                                (primitive("string"), json!("new")),
                                (Type::Array(Box::new(primitive("long")), Map::new()), json!([1, 2])),
                                (Type::Map(Box::new(primitive("double")), Map::new()), json!({"k": 1.5})),
                                (primitive("bytes"), json!("\u{ff}")),
                            ])
                            .clone();
                        let mut rest = Map::new();
                        if !random.chance(8) {
                            rest.insert("default".into(), default);
                        }
                        fields.insert(at, Field { name: format!("new{at}"), kind, rest });
                    }
                    if random.chance(25) && !fields.is_empty() {
                        fields.remove(random.below(fields.len()));
                    }
                    if random.chance(20) && fields.len() > 1 {
                        let (a, b) = (random.below(fields.len()), random.below(fields.len()));
                        fields.swap(a, b);
                    }
                    for field in fields {
                        if random.chance(10) {
                            field.rest.insert("aliases".into(), json!([field.name]));
                            field.name = format!("{}_now", field.name);
                        }
                        field.kind = promoted(&field.kind, random);
                    }
                }
                Kind::Enum(symbols) => match random.below(5) {
                    0 => symbols.push("ADDED".into()),
                    1 if symbols.len() > 1 => drop(symbols.pop()),
                    2 => symbols.reverse(),
                    _ => {}
                },
                Kind::Fixed(size) => *size += usize::from(random.chance(5)),
            }
        }
        changed.root = promoted(&changed.root, random);
        changed
    }
}

/// The type, or one that can be read instead of it.
fn promoted(kind: &Type, random: &mut Random) -> Type {
    match kind {
        Type::Primitive(name, rest) if random.chance(25) => {
            let others: &[&'static str] = match *name {
                "int" => &["long", "float", "double", "string"],
                "long" => &["float", "double", "int"],
                "float" => &["double"],
                "string" => &["bytes", "int"],
                "bytes" => &["string"],
                _ => return kind.clone(),
            };
            let other = others[random.below(others.len())];
            Type::Primitive(other, if random.chance(50) { Map::new() } else { rest.clone() })
        }
        Type::Union(branches) if random.chance(30) => {
            let mut branches = branches.clone();
            match random.below(3) {
                0 => branches.reverse(),
                1 => branches.push(primitive("double")),
                _ => drop(branches.pop()),
            }
            let branches = branches.iter().map(|branch| promoted(branch, random)).collect();
            flat(branches)
        }
        Type::Array(item, rest) => Type::Array(Box::new(promoted(item, random)), rest.clone()),
        Type::Map(item, rest) => Type::Map(Box::new(promoted(item, random)), rest.clone()),
        other if random.chance(12) => flat(vec![primitive("null"), other.clone()]),
        other => other.clone(),
    }
}
