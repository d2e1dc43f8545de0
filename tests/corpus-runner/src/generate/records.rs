//! Random envelopes, records around them, and what else a topic carries.

use super::random::Random;
use super::settings::Names;
use super::tree::{Taste, Tree, VALID};
use connect_data::{Node, Type, Value};
use serde_json::{Value as Json, json};

/// What the records of one vector have in common; steps change it.
#[derive(Clone)]
pub struct World {
    topic: String,
    /// The value's schema.
    envelope: Tree,
    key: Option<Tree>,
    taste: Taste,
}

const COLUMNS: &[&str] = &[
    "id",
    "name",
    "num",
    "op",
    "ts_ms",
    "Größe",
    "a b",
    "a.b",
    "a,b",
    "x",
    "lsn",
    "table",
    "__deleted",
    "__op",
    "__lsn",
    "before",
    "tags",
    "price",
    "c1",
    "c2",
    "c3",
    " x",
];
const HEADERS: &[&str] = &["drop", "h", "__op", "drop.columns"];
const OPERATIONS: &[&str] = &["c", "u", "r", "d", "t", "m", "c", "u", "d", "", "zz"];

impl World {
    /// A table and what surrounds its rows.
    pub fn new(random: &mut Random) -> Self {
        let table = random.text(&["t", "srv.public.t", "srv.public.pasta", "ü.t"]);
        let row = row(random, &format!("{table}.Value"));
        let taste = Taste {
            nulls: *random.pick(&[10, 30, 60]),
            defaults: *random.pick(&[0, 20, 40]),
            forbidden: *random.pick(&[0, 0, 0, 0, 10]),
        };
        let envelope = envelope(random, &table, &row);
        let key = key(random, &table, &row);
        Self { topic: random.text(&[&table, "other", "T-1"]), envelope, key, taste }
    }

    /// What settings can refer to.
    pub fn names(&self) -> Names {
        let fields = |tree: &Tree| tree.fields.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let of = |name: &str| {
            let tree = self.envelope.fields.iter().find(|(field, _)| field == name);
            tree.map(|(_, tree)| fields(tree)).unwrap_or_default()
        };
        let mut inner: Vec<String> = of("source");
        inner.extend(of("source").iter().map(|name| format!("source.{name}")));
        inner.extend(of("transaction"));
        let mut columns = of("after");
        columns.extend(of("before"));
        let own = ["before", "after", "op", "source", "ts_ms", "transaction"];
        let extra = fields(&self.envelope).into_iter().filter(|name| !own.contains(&name.as_str())).collect();
        Names { columns, inner, extra, headers: HEADERS.iter().map(|&h| h.to_owned()).collect() }
    }

    /// The next record of a topic, sometimes after a change of a schema.
    pub fn record(&self, random: &mut Random) -> Result<Json, String> {
        let value = match random.below(20) {
            0 => json!({ "schema": null, "payload": null }),
            1 if random.chance(30) => write(Some(&self.envelope), &Value::Null)?,
            2 => other(random)?,
            _ => self.event(random)?,
        };
        let columns = self.names().columns;
        let partition = if random.chance(50) { json!(random.below(8)) } else { Json::Null };
        let timestamp =
            if random.chance(50) { json!(1_600_000_000_000u64 + random.bits() % 1_000_000) } else { Json::Null };
        Ok(json!({
            "topic": self.topic, "kafkaPartition": partition, "timestamp": timestamp, "key": self.key_datum(random)?,
            "value": value, "headers": headers(random, &columns)?,
        }))
    }

    fn event(&self, random: &mut Random) -> Result<Json, String> {
        let (before, after) =
            *random.pick(&[(false, true), (true, true), (false, true), (true, false), (true, false), (false, false)]);
        let mut values = Vec::new();
        for (name, tree) in &self.envelope.fields {
            values.push(match (name.as_str(), tree.node.kind) {
                ("before", _) if !before => Value::Null,
                ("after", _) if !after => Value::Null,
                ("before" | "after", _) => tree.some(random, self.taste),
                ("op", Type::String) if !tree.node.optional || random.chance(90) => {
                    Value::String(random.text(OPERATIONS))
                }
                _ => tree.value(random, self.taste),
            });
        }
        write(Some(&self.envelope), &Value::Struct(values))
    }

    fn key_datum(&self, random: &mut Random) -> Result<Json, String> {
        match &self.key {
            Some(key) if random.chance(4) => write(Some(key), &Value::Null),
            Some(key) => write(Some(key), &key.some(random, self.taste)),
            None => Ok(match random.below(3) {
                0 => json!({ "schema": null, "payload": null }),
                1 => json!({ "schema": null, "payload": { "id": 1, "name": "n", "x": null } }),
                _ => json!({ "schema": null, "payload": "k" }),
            }),
        }
    }

    /// The same stream after something has happened to its schemas.
    pub fn changed(&self, random: &mut Random) -> Self {
        let mut world = self.clone();
        match random.below(10) {
            0..4 => {
                if let Some(source) = world.envelope.field_mut("source") {
                    change_fields(random, source);
                }
            }
            4 => {
                if let Some(transaction) = world.envelope.field_mut("transaction") {
                    change_fields(random, transaction);
                }
            }
            5 => swap(random, &mut world.envelope.fields),
            6 => {
                let name = random.text(&["before", "after"]);
                world
                    .envelope
                    .fields
                    .iter_mut()
                    .filter(|(field, _)| *field == name)
                    .for_each(|(_, row)| change_fields(random, row));
            }
            7 => world.envelope.fields.push((format!("extra{}", random.below(3)), Tree::column(random))),
            8 => world.envelope.fields.iter_mut().for_each(|(_, tree)| tree.node.parameters.reverse()),
            _ => {
                let row = random.bits();
                for name in ["before", "after"] {
                    if let Some(tree) = world.envelope.field_mut(name) {
                        change_fields(&mut Random::new(row), tree);
                    }
                }
            }
        }
        world.envelope.fields = unique(world.envelope.fields);
        world
    }
}

fn write(tree: Option<&Tree>, value: &Value) -> Result<Json, String> {
    let schema = tree.map(Tree::schema).transpose()?;
    connect_json::write(schema.as_ref(), value).map_err(|e| e.to_string())
}

/// A struct has each name once.
fn unique(fields: Vec<(String, Tree)>) -> Vec<(String, Tree)> {
    let mut kept: Vec<(String, Tree)> = Vec::new();
    for (name, tree) in fields {
        if !kept.iter().any(|(other, _)| *other == name) {
            kept.push((name, tree));
        }
    }
    kept
}

fn swap(random: &mut Random, fields: &mut [(String, Tree)]) {
    if fields.len() > 1 {
        let (a, b) = (random.below(fields.len()), random.below(fields.len()));
        fields.swap(a, b);
    }
}

fn change_fields(random: &mut Random, tree: &mut Tree) {
    if tree.node.kind != Type::Struct {
        return;
    }
    tree.node.default = None;
    let count = tree.fields.len();
    match random.below(6) {
        0 if count > 0 => drop(tree.fields.remove(random.below(count))),
        1 => tree.fields.push((random.text(COLUMNS), Tree::column(random))),
        2 => swap(random, &mut tree.fields),
        3 if count > 0 => {
            let (_, field) = &mut tree.fields[random.below(count)];
            field.node.optional = !field.node.optional;
        }
        _ if count > 0 => tree.fields[random.below(count)].1 = Tree::column(random),
        _ => {}
    }
    tree.fields = unique(std::mem::take(&mut tree.fields));
}

fn row(random: &mut Random, name: &str) -> Tree {
    let count = *random.pick(&[0, 1, 2, 3, 4, 5, 6, 8]);
    let mut fields = Vec::new();
    for i in 0..count {
        // Few names that an added field may have, or most vectors would collide.
        let name = if random.chance(25) { random.text(COLUMNS) } else { COLUMNS[i % 9].to_owned() };
        fields.push((name, Tree::column(random)));
    }
    let mut row = Tree::structure(Some(name), unique(fields)).optional();
    if random.chance(15) {
        row.node.version = Some(3);
    }
    if random.chance(15) {
        row.node.doc = Some("a table".into());
    }
    if random.chance(15) {
        row.node = row.node.parameter("p", "1").parameter("a", "2");
    }
    if random.chance(6) {
        row.node.optional = false;
    }
    if random.chance(6) {
        row.set_default(random);
    }
    row
}

fn source(random: &mut Random) -> Tree {
    let text = |optional: bool| {
        let mut tree = Tree::of(Type::String);
        tree.node.optional = optional;
        tree
    };
    let mut snapshot = text(true);
    snapshot.node = Node::new(Type::String)
        .named("io.debezium.data.Enum")
        .version(1)
        .parameter("allowed", "true,last,false")
        .optional();
    if random.chance(70) {
        snapshot.node.default = Some(Value::String("false".into()));
    }
    let mut fields = vec![
        ("version".to_owned(), text(false)),
        ("name".into(), text(random.chance(20))),
        ("ts_ms".into(), Tree::of(Type::Int64)),
        ("snapshot".into(), snapshot),
        ("db".into(), text(random.chance(20))),
        ("table".into(), text(random.chance(20))),
        ("lsn".into(), Tree::of(Type::Int64).optional()),
    ];
    if random.chance(40) {
        fields.truncate(random.below(fields.len()));
    }
    if random.chance(25) {
        fields.push((random.text(&["nested", "tags", "attributes", "op", "price"]), Tree::column(random)));
    }
    if random.chance(10) {
        fields.push(("tags".into(), Tree::array(text(random.chance(50)))));
    }
    if random.chance(10) {
        fields.push(("attributes".into(), Tree::map(text(false), text(true)).optional()));
    }
    let mut source = Tree::structure(Some("io.debezium.connector.postgresql.Source"), unique(fields));
    source.node.optional = random.chance(20);
    if random.chance(8) {
        source.set_default(random);
    }
    source
}

fn transaction() -> Tree {
    let fields = [("id", Type::String), ("total_order", Type::Int64), ("data_collection_order", Type::Int64)];
    let fields = fields.map(|(name, kind)| (name.to_owned(), Tree::of(kind)));
    let mut block = Tree::structure(Some("event.block"), fields.into()).optional();
    block.node.version = Some(1);
    block
}

fn envelope(random: &mut Random, table: &str, row: &Tree) -> Tree {
    let mut other = row.clone();
    if random.chance(12) {
        change_fields(random, &mut other);
    }
    let mut op = Tree::of(Type::String);
    op.node.optional = random.chance(10);
    if random.chance(4) {
        op.node.default = Some(Value::String("c".into()));
    }
    let mut fields = vec![
        ("before".to_owned(), other),
        ("after".into(), row.clone()),
        ("source".into(), source(random)),
        ("op".into(), op),
        ("ts_ms".into(), Tree::of(Type::Int64).optional()),
    ];
    if random.chance(60) {
        fields.push(("transaction".into(), transaction()));
    }
    if random.chance(25) {
        fields.extend(["ts_us", "ts_ns"].map(|name| (name.to_owned(), Tree::of(Type::Int64).optional())));
    }
    if random.chance(20) {
        let name = random.text(&["tags", "id", "updateDescription", "lsn", "x", "__deleted", "price"]);
        fields.push((name, Tree::column(random)));
    }
    if random.chance(12) {
        strange(random, &mut fields);
    }
    if random.chance(10) {
        swap(random, &mut fields);
    }
    let suffix = match random.below(30) {
        0 => ".CloudEvents.Envelope".to_owned(),
        1 => random.text(&["Envelope", ".envelope", ".Envelope.x", ".Value"]),
        _ => ".Envelope".to_owned(),
    };
    let mut envelope = Tree::structure(Some(&format!("{table}{suffix}")), unique(fields));
    envelope.node.optional = random.chance(5);
    envelope
}

/// What no relational connector emits, but a transformation before this one might.
fn strange(random: &mut Random, fields: &mut Vec<(String, Tree)>) {
    let at = random.below(fields.len());
    match random.below(3) {
        0 => drop(fields.remove(at)),
        _ => {
            let kinds = [Type::String, Type::Int32, Type::Boolean];
            fields[at].1 = match random.below(5) {
                0 => Tree::map(Tree::of(Type::String), Tree::of(Type::String).optional()),
                1 => Tree::array(Tree::of(Type::Int32)),
                2 => Tree::structure(None, Vec::new()),
                _ => Tree::of(*random.pick(&kinds)),
            };
            fields[at].1.node.optional = random.chance(60);
        }
    }
}

fn key(random: &mut Random, table: &str, row: &Tree) -> Option<Tree> {
    Some(match random.below(10) {
        0 => return None,
        1 => Tree::of(*random.pick(&[Type::String, Type::Int64])),
        2 => Tree::map(Tree::of(Type::String), Tree::of(Type::Int32).optional()),
        _ => {
            let mut fields: Vec<_> = row.fields.iter().take(1 + random.below(3)).cloned().collect();
            if random.chance(30) {
                fields.push((random.text(COLUMNS), Tree::column(random)));
            }
            let mut key = Tree::structure(Some(&format!("{table}.Key")), unique(fields));
            key.node.optional = random.chance(20);
            if random.chance(10) {
                key.set_default(random);
            }
            key
        }
    })
}

fn headers(random: &mut Random, columns: &[String]) -> Result<Vec<Json>, String> {
    let mut headers = Vec::new();
    for _ in 0..random.below(4) {
        let datum = if random.chance(75) { names(random, columns)? } else { value(random)? };
        let mut header = datum;
        let name = if random.chance(60) { "drop".to_owned() } else { random.text(HEADERS) };
        if let Some(header) = header.as_object_mut() {
            header.insert("key".into(), json!(name));
        }
        headers.push(header);
    }
    Ok(headers)
}

/// A list of columns to drop, with what should not be in it.
fn names(random: &mut Random, columns: &[String]) -> Result<Json, String> {
    let mut list = Vec::new();
    for _ in 0..random.below(4) {
        list.push(match random.below(12) {
            0 => random.text(&["nope", "__deleted", "__op", "", " ", "a,b", " id ", "__lsn", "__ts_ms"]),
            _ if columns.is_empty() => "id".to_owned(),
            _ => random.pick(columns).clone(),
        });
    }
    if random.chance(50) {
        let mut json = json!(list);
        if random.chance(15)
            && let Some(items) = json.as_array_mut()
        {
            items.push(random.pick(&[json!(null), json!(5), json!(true), json!(1.5), json!(["id", "name"])]).clone());
        }
        return Ok(json!({ "schema": null, "payload": json }));
    }
    let mut item = Tree::of(Type::String);
    item.node.optional = random.chance(30);
    let mut items: Vec<_> = list.into_iter().map(Value::String).collect();
    if item.node.optional && random.chance(40) {
        items.insert(0, Value::Null);
    }
    write(Some(&Tree::array(item).optional()), &Value::Array(items))
}

fn value(random: &mut Random) -> Result<Json, String> {
    let tree = Tree::column(random);
    let value = tree.value(random, VALID);
    write(Some(&tree), &value)
}

/// A value that is no envelope.
fn other(random: &mut Random) -> Result<Json, String> {
    let named = |name: &str| {
        let mut tree = Tree::structure(Some(name), vec![("ts_ms".into(), Tree::of(Type::Int64))]);
        tree.node.version = Some(1);
        tree
    };
    let tree = match random.below(5) {
        0 => return Ok(json!({ "schema": null, "payload": { "op": "c", "after": { "id": 1 } } })),
        1 => return Ok(json!({ "schema": null, "payload": ["a", 1] })),
        2 => {
            let mut tree = Tree::of(Type::String);
            tree.node.name = Some(random.text(&["x.Envelope", "io.debezium.data.Json"]));
            tree
        }
        _ => named(&random.text(&[
            "io.debezium.connector.common.Heartbeat",
            "io.debezium.connector.common.TransactionMetadataValue",
            "x.Envelope",
            "io.debezium.connector.mysql.SchemaChangeValue",
        ])),
    };
    write(Some(&tree), &tree.some(random, VALID))
}
