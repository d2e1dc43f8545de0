//! Which fields of a record become columns, in which order, and which of them are the key: what Confluent's and Aiven's
//! `FieldsMetadata` and Debezium's `JdbcSinkRecord` say.

use crate::settings::{Flavour, PkMode, Settings};
use connect_data::row_image::Layout;
use connect_data::schema::{NodeId, Schema, Type};
use connect_data::{Error, Node, Result};
use std::sync::Arc;

/// Where a column's value is in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Slot of the key's image.
    Key(u32),
    /// Slot of the value's image.
    Value(u32),
    /// The n-th header; its whole value.
    Header(u32),
    Topic,
    Partition,
    Offset,
}

/// A field that becomes a column.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) schema: Arc<Schema>,
    pub(crate) node: NodeId,
    pub(crate) key: bool,
}

impl Field {
    pub(crate) fn definition(&self) -> &Node {
        self.schema.node(self.node)
    }
}

/// The schemas of a record.
pub(crate) struct Schemas<'a> {
    pub(crate) topic: &'a str,
    pub(crate) key: Option<&'a Arc<Schema>>,
    /// `None` for a tombstone.
    pub(crate) value: Option<&'a Arc<Schema>>,
    /// Name and schema of each header.
    pub(crate) headers: &'a [(String, Arc<Schema>)],
}

/// Fields in the order of columns, and the key's positions among them in the order of the key.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) all: Vec<Field>,
    pub(crate) keys: Vec<usize>,
    /// The value is Debezium's envelope.
    pub(crate) envelope: Option<Envelope>,
}

/// Slots of Debezium's envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) op: u32,
    pub(crate) after: u32,
}

const KAFKA_FIELDS: [(&str, Source, Type); 3] = [
    ("__connect_topic", Source::Topic, Type::String),
    ("__connect_partition", Source::Partition, Type::Int32),
    ("__connect_offset", Source::Offset, Type::Int64),
];

/// The fields of records with these schemas.
///
/// # Errors
/// Data: schemas that do not fit `pk.mode` and `pk.fields`.
pub(crate) fn fields(settings: &Settings, schemas: &Schemas<'_>) -> Result<Fields> {
    let mut envelope = None;
    let mut row = None;
    if let Some(value) = schemas.value {
        if value.root().kind != Type::Struct {
            return Err(shape("value", "a struct with a schema", value.root().kind.name())
                .hint("a converter with schemas is needed; HoistField makes a struct of a plain value"));
        }
        row = Some((value, 0));
        if settings.flavour == Flavour::Debezium
            && let Some((after, slots)) = envelope_of(value)
        {
            envelope = Some(slots);
            row = Some((value, after));
        }
    }
    let mut keys = key_fields(settings, schemas, row)?;
    for field in &mut keys {
        field.key = true;
    }
    let mut all = keys.clone();
    if let Some((schema, node)) = row {
        let layout = Layout::of(schema);
        for field in &schema.node(node).fields {
            let is_key = keys.iter().any(|key| key.name == field.name);
            if !is_key && settings.fields.accepts(schemas.topic, &field.name) {
                all.push(value_field(schema, &layout, &field.name, field.node));
            }
        }
        // Confluent's and Aiven's order is that of the value; what only the key has comes last. Debezium's has the key first.
        if settings.flavour != Flavour::Debezium {
            let place = |name: &str| schema.node(node).fields.iter().position(|field| field.name == name);
            all.sort_by_key(|field| place(&field.name).unwrap_or(usize::MAX));
        }
    }
    if all.is_empty() {
        return Err(Error::data("mysql.no-fields", "expected at least one field that becomes a column, found none")
            .hint("check pk.mode and the lists of fields"));
    }
    let positions = keys.iter().filter_map(|key| all.iter().position(|field| field.name == key.name)).collect();
    Ok(Fields { all, keys: positions, envelope })
}

fn key_fields(settings: &Settings, schemas: &Schemas<'_>, row: Option<(&Arc<Schema>, NodeId)>) -> Result<Vec<Field>> {
    let wanted = &settings.pk_fields;
    match settings.pk_mode {
        PkMode::None => Ok(Vec::new()),
        PkMode::Kafka => Ok(KAFKA_FIELDS
            .iter()
            .enumerate()
            .map(|(i, (name, source, kind))| Field {
                name: wanted.get(i).map_or_else(|| (*name).to_owned(), Clone::clone),
                source: *source,
                schema: Arc::new(Schema::primitive(Node::new(*kind))),
                node: 0,
                key: true,
            })
            .collect()),
        PkMode::RecordKey => {
            let Some(schema) = schemas.key else {
                return Err(shape("key", "a key with a schema, as pk.mode=record_key needs", "none"));
            };
            match schema.root().kind {
                Type::Struct => {
                    let layout = Layout::of(schema);
                    chosen(wanted, schema, 0, "key")?
                        .into_iter()
                        .map(|(name, node)| {
                            let mut field = value_field(schema, &layout, &name, node);
                            field.source = Source::Key(layout.slot(node));
                            Ok(field)
                        })
                        .collect()
                }
                Type::Array | Type::Map => Err(shape("key", "a struct or a primitive", schema.root().kind.name())),
                _ => match wanted.as_slice() {
                    [name] => Ok(vec![Field {
                        name: name.clone(),
                        source: Source::Key(0),
                        schema: Arc::clone(schema),
                        node: 0,
                        key: true,
                    }]),
                    names => Err(Error::data(
                        "mysql.key-fields",
                        format!("pk.fields: expected one name for a key that is a primitive, found {}", names.len()),
                    )),
                },
            }
        }
        PkMode::RecordValue => {
            let Some((schema, node)) = row else {
                return Err(shape("value", "a value, as pk.mode=record_value needs", "none"));
            };
            let layout = Layout::of(schema);
            let fields = chosen(wanted, schema, node, "value")?;
            Ok(fields.into_iter().map(|(name, node)| value_field(schema, &layout, &name, node)).collect())
        }
        PkMode::RecordHeader => {
            let mut fields = Vec::new();
            for (i, (name, schema)) in schemas.headers.iter().enumerate() {
                if wanted.is_empty() || wanted.contains(name) {
                    fields.push(Field {
                        name: name.clone(),
                        source: Source::Header(i as u32),
                        schema: Arc::clone(schema),
                        node: 0,
                        key: true,
                    });
                }
            }
            if fields.is_empty() || fields.len() < wanted.len() {
                return Err(shape("headers", "every header that primary.key.fields names", "fewer"));
            }
            // The order of primary.key.fields, so that records whose headers differ in order have one key.
            fields.sort_by_key(|field| wanted.iter().position(|name| *name == field.name));
            Ok(fields)
        }
    }
}

/// The fields that `pk.fields` names, in its order; all if it names none.
fn chosen(wanted: &[String], schema: &Schema, node: NodeId, of: &str) -> Result<Vec<(String, NodeId)>> {
    if wanted.is_empty() {
        return Ok(schema.node(node).fields.iter().map(|field| (field.name.clone(), field.node)).collect());
    }
    wanted
        .iter()
        .map(|name| match schema.field(node, name) {
            Some((_, field)) => Ok((name.clone(), field)),
            None => {
                Err(Error::data("mysql.key-fields", format!("pk.fields: expected a field of the {of}, found none"))
                    .field(name))
            }
        })
        .collect()
}

fn value_field(schema: &Arc<Schema>, layout: &Layout, name: &str, node: NodeId) -> Field {
    let source = Source::Value(layout.slot(node));
    Field { name: name.to_owned(), source, schema: Arc::clone(schema), node, key: false }
}

/// The `after` of an envelope, and its slots.
fn envelope_of(schema: &Schema) -> Option<(NodeId, Envelope)> {
    let (_, after) = schema.field(0, "after")?;
    let (_, op) = schema.field(0, "op")?;
    schema.field(0, "source")?;
    if schema.node(after).kind != Type::Struct || schema.node(op).kind != Type::String {
        return None;
    }
    let layout = Layout::of(schema);
    Some((after, Envelope { op: layout.slot(op), after: layout.slot(after) }))
}

fn shape(place: &str, expected: &str, found: &str) -> Error {
    Error::data("mysql.record", format!("{place}: expected {expected}, found {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::{Properties, SchemaBuilder};

    fn settings(flavour: Flavour, more: &[(&str, &str)]) -> Settings {
        let mut properties = Properties::from_iter([("connection.url", "jdbc:mysql://h/d")]);
        for (name, value) in more {
            properties.set(*name, *value);
        }
        Settings::parse(flavour, &properties).unwrap()
    }

    fn structure(names: &[&str]) -> Arc<Schema> {
        let mut b = SchemaBuilder::new();
        let root = b.push(Node::new(Type::Struct));
        for name in names {
            b.field(root, *name, Node::new(Type::Int32));
        }
        Arc::new(b.build().unwrap())
    }

    fn names(
        settings: &Settings,
        key: Option<&Arc<Schema>>,
        value: Option<&Arc<Schema>>,
    ) -> Result<(Vec<String>, Vec<usize>)> {
        let fields = fields(settings, &Schemas { topic: "t", key, value, headers: &[] })?;
        Ok((fields.all.into_iter().map(|f| f.name).collect(), fields.keys))
    }

    #[test]
    fn the_story_s_columns_in_each_connector_s_order() {
        let (key, value) = (structure(&["name"]), structure(&["id", "name", "cooking_minutes", "__deleted"]));
        let more = [("pk.mode", "record_key"), ("pk.fields", "name")];
        let (all, keys) = names(&settings(Flavour::Aiven, &more), Some(&key), Some(&value)).unwrap();
        assert_eq!((all.join(","), keys), ("id,name,cooking_minutes,__deleted".to_owned(), vec![1]));
        let more = [("primary.key.mode", "record_key")];
        let (all, keys) = names(&settings(Flavour::Debezium, &more), Some(&key), Some(&value)).unwrap();
        assert_eq!((all.join(","), keys), ("name,id,cooking_minutes,__deleted".to_owned(), vec![0]));
    }

    #[test]
    fn keys_of_all_modes() {
        let (key, value) = (structure(&["a", "b"]), structure(&["c", "d"]));
        let with = |more: &[(&str, &str)]| names(&settings(Flavour::Confluent, more), Some(&key), Some(&value));
        let (all, keys) = with(&[("pk.mode", "record_key"), ("pk.fields", "b,a")]).unwrap();
        assert_eq!((all.join(","), keys), ("c,d,b,a".to_owned(), vec![2, 3]));
        let (all, keys) = with(&[("pk.mode", "record_value"), ("pk.fields", "d")]).unwrap();
        assert_eq!((all.join(","), keys), ("c,d".to_owned(), vec![1]));
        let (all, keys) = with(&[("pk.mode", "kafka"), ("pk.fields", "t,p,o"), ("fields.whitelist", "c")]).unwrap();
        assert_eq!((all.join(","), keys), ("c,t,p,o".to_owned(), vec![1, 2, 3]));
        assert_eq!(with(&[]).unwrap().1, Vec::<usize>::new());
        assert_eq!(with(&[("pk.mode", "record_key"), ("pk.fields", "x")]).unwrap_err().code(), "mysql.key-fields");
        let plain = Arc::new(Schema::primitive(Node::new(Type::Int64)));
        let settings = settings(Flavour::Confluent, &[("pk.mode", "record_key"), ("pk.fields", "id")]);
        assert_eq!(names(&settings, Some(&plain), Some(&value)).unwrap().0.join(","), "c,d,id");
        assert_eq!(names(&settings, Some(&plain), None).unwrap().0.join(","), "id");
        assert_eq!(names(&settings, Some(&plain), Some(&plain)).unwrap_err().code(), "mysql.record");
        assert_eq!(names(&settings, None, Some(&value)).unwrap_err().code(), "mysql.record");
    }

    #[test]
    fn an_envelope_gives_its_row_to_debezium_s_connector_only() {
        let mut b = SchemaBuilder::new();
        let root = b.push(Node::new(Type::Struct));
        let before = b.field(root, "before", Node::new(Type::Struct).optional());
        b.field(before, "x", Node::new(Type::Int32));
        let after = b.field(root, "after", Node::new(Type::Struct).optional());
        b.field(after, "x", Node::new(Type::Int32));
        b.field(root, "source", Node::new(Type::Struct));
        b.field(root, "op", Node::new(Type::String));
        let value = Arc::new(b.build().unwrap());
        let schemas = Schemas { topic: "t", key: None, value: Some(&value), headers: &[] };
        let found = fields(&settings(Flavour::Debezium, &[]), &schemas).unwrap();
        assert_eq!(found.all.len(), 1);
        assert_eq!(found.all[0].source, Source::Value(4));
        assert_eq!(found.envelope, Some(Envelope { op: 6, after: 3 }));
        assert_eq!(fields(&settings(Flavour::Confluent, &[]), &schemas).unwrap().all.len(), 4);
    }
}
