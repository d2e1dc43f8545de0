//! `ReplaceField`, `InsertField`, `ValueToKey`, `ExtractField` and `HoistField`.

use super::{boolean, is_null, key, list, missing, required, schema, side_of};
use crate::transforms::Side;
use crate::transforms::projection::{Origin, Plans, Projection, read_schemaless, write_schemaless};
use connect_data::config::{ConfigType, DefaultValue};
use connect_data::frame::{CHANGE, Datum, PASS, RecordFrame, change};
use connect_data::row_image::{Image, ImageWriter};
use connect_data::schema::logical;
use connect_data::{ConfigKey, Error, Node, Properties, Result, Schema, SchemaStore, Transformation, Type, Value};
use std::sync::Arc;

const NULLS: &str = "replace.null.with.default";
const NULLS_KEY: ConfigKey = key(
    NULLS,
    ConfigType::Boolean,
    DefaultValue::Text("true"),
    "Whether a null field becomes its default, if it has one.",
);

pub(super) const REPLACE_KEYS: &[ConfigKey] = &[
    key("exclude", ConfigType::List, DefaultValue::Text(""), "Fields to leave out; wins over include."),
    key("include", ConfigType::List, DefaultValue::Text(""), "Fields to keep; empty: all."),
    key("blacklist", ConfigType::List, DefaultValue::Null, "Older name of exclude."),
    key("whitelist", ConfigType::List, DefaultValue::Null, "Older name of include."),
    key("renames", ConfigType::List, DefaultValue::Text(""), "Fields to rename, as old:new."),
    NULLS_KEY,
];

pub(super) const INSERT_KEYS: &[ConfigKey] = &[
    key(
        "topic.field",
        ConfigType::String,
        DefaultValue::Null,
        "Field for the topic; a ! after it: required, a ?: optional.",
    ),
    key("partition.field", ConfigType::String, DefaultValue::Null, "Field for the partition; likewise."),
    key("offset.field", ConfigType::String, DefaultValue::Null, "Field for the offset: not available."),
    key("timestamp.field", ConfigType::String, DefaultValue::Null, "Field for the record's timestamp; likewise."),
    key("static.field", ConfigType::String, DefaultValue::Null, "Field for static.value; likewise."),
    key("static.value", ConfigType::String, DefaultValue::Null, "Text of static.field."),
    NULLS_KEY,
];

pub(super) const VALUE_TO_KEY_KEYS: &[ConfigKey] =
    &[key("fields", ConfigType::List, DefaultValue::Required, "Fields of the value that make the key."), NULLS_KEY];

pub(super) const EXTRACT_KEYS: &[ConfigKey] =
    &[key("field", ConfigType::String, DefaultValue::Required, "Field that takes the whole's place."), NULLS_KEY];

pub(super) const HOIST_KEYS: &[ConfigKey] =
    &[key("field", ConfigType::String, DefaultValue::Required, "Field of a new struct that holds the whole.")];

/// What every transformation of fields has.
struct Common {
    side: Side,
    /// A null field becomes its default.
    defaults: bool,
    store: Arc<dyn SchemaStore>,
    plans: Plans<Projection>,
}

impl Common {
    fn new(side: Side, settings: &Properties, store: Arc<dyn SchemaStore>) -> Result<Self> {
        Ok(Self { side, defaults: boolean(settings, NULLS, true)?, store, plans: Plans::new() })
    }

    fn schema(&self, datum: Datum<'_>) -> Result<Arc<Schema>> {
        schema(&*self.store, datum.schema)
    }

    /// The schema of a struct.
    fn struct_schema(&self, datum: Datum<'_>) -> Result<Arc<Schema>> {
        let schema = self.schema(datum)?;
        match schema.root().kind {
            Type::Struct => Ok(schema),
            other => Err(not_a_struct(other.name())),
        }
    }

    fn change(&self, out: &mut Vec<u8>) {
        start_change(self.side, out);
    }
}

fn start_change(side: Side, out: &mut Vec<u8>) {
    out.extend_from_slice(&[CHANGE, if side == Side::Key { change::KEY } else { change::VALUE }]);
}

fn not_a_struct(found: &str) -> Error {
    Error::data("transforms.struct", format!("expected a struct or a map, found {found}"))
        .hint("a predicate can keep such records from the transformation")
}

fn entries(value: Value) -> Result<Vec<(Value, Value)>> {
    match value {
        Value::Map(entries) => Ok(entries),
        other => Err(not_a_struct(other.kind())),
    }
}

fn entry<'a>(entries: &'a [(Value, Value)], name: &str) -> Option<&'a Value> {
    entries.iter().find(|(key, _)| matches!(key, Value::String(text) if text == name)).map(|(_, value)| value)
}

/// Of a struct's schema what `SchemaUtil.copySchemaBasics` keeps.
fn basics(root: &Node) -> Node {
    Node {
        name: root.name.clone(),
        version: root.version,
        doc: root.doc.clone(),
        parameters: root.parameters.clone(),
        ..Node::new(Type::Struct)
    }
}

/// Leaves out, keeps, renames.
pub(super) struct ReplaceField {
    common: Common,
    exclude: Vec<String>,
    include: Vec<String>,
    renames: Vec<(String, String)>,
}

impl ReplaceField {
    pub(super) fn new(side: Side, settings: &Properties, store: Arc<dyn SchemaStore>) -> Result<Self> {
        let either = |new: &str, old: &str| {
            if settings.get(new).is_some() { list(settings, new) } else { list(settings, old) }
        };
        let rename = |item: String| match item.split_once(':') {
            Some((old, new)) if !old.is_empty() && !new.is_empty() && !new.contains(':') => {
                Ok((old.to_owned(), new.to_owned()))
            }
            _ => Err(Error::config("config.invalid", "setting renames: expected old:new, found something else")),
        };
        Ok(Self {
            common: Common::new(side, settings, store)?,
            exclude: either("exclude", "blacklist"),
            include: either("include", "whitelist"),
            renames: list(settings, "renames").into_iter().map(rename).collect::<Result<_>>()?,
        })
    }

    /// The field's name in the result; `None` = it is left out.
    fn renamed<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let is_in = |list: &[String]| list.iter().any(|one| one == name);
        if is_in(&self.exclude) || (!self.include.is_empty() && !is_in(&self.include)) {
            return None;
        }
        Some(self.renames.iter().find(|(old, _)| old == name).map_or(name, |(_, new)| new))
    }
}

impl Transformation for ReplaceField {
    fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let datum = side_of(&RecordFrame::read(record)?, self.common.side);
        let image = Image::new(datum.image, &[])?;
        if is_null(&image) {
            out.push(PASS);
            return Ok(());
        }
        self.common.change(out);
        if datum.schema == 0 {
            let renamed = |(key, value)| match &key {
                Value::String(name) => self.renamed(name).map(|name| (Value::String(name.to_owned()), value)),
                _ => Some((key, value)),
            };
            let kept = entries(read_schemaless(datum.image)?)?.into_iter().filter_map(renamed).collect();
            return write_schemaless(&Value::Map(kept), out);
        }
        let plan = self.common.plans.get(datum.schema, || {
            let schema = self.common.struct_schema(datum)?;
            let fields = schema.root().fields.iter();
            let fields: Vec<_> = fields
                .filter_map(|field| Some((self.renamed(&field.name)?.to_owned(), Origin::Node(field.node))))
                .collect();
            let root = basics(schema.root());
            Projection::of_fields(&schema, root, &fields, self.common.defaults, &*self.common.store)
        })?;
        plan.write(&image, |_, _| Ok(()), out)
    }
}

/// What [`InsertField`] inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Inserted {
    Topic,
    Partition,
    Timestamp,
    Text(String),
}

/// Adds fields about the record, and constants.
pub(super) struct InsertField {
    common: Common,
    /// Name, whether it is optional, and what it holds.
    fields: Vec<(String, bool, Inserted)>,
}

impl InsertField {
    pub(super) fn new(side: Side, settings: &Properties, store: Arc<dyn SchemaStore>) -> Result<Self> {
        if settings.get("offset.field").is_some() {
            let message = "setting offset.field: expected none, found one: a record here does not know its offset";
            return Err(Error::config("config.unsupported", message));
        }
        let mut fields = Vec::new();
        for (key, inserted) in [
            ("topic.field", Inserted::Topic),
            ("partition.field", Inserted::Partition),
            ("timestamp.field", Inserted::Timestamp),
        ] {
            if let Some(name) = settings.get(key) {
                fields.push((name, inserted));
            }
        }
        if let Some(name) = settings.get("static.field") {
            let text = settings.get("static.value").ok_or_else(|| missing("static.value"))?;
            fields.push((name, Inserted::Text(text.to_owned())));
        }
        if fields.is_empty() {
            let message = "setting static.field: expected this or another field to insert, found none";
            return Err(Error::config("config.missing", message));
        }
        let specification = |(name, inserted): (&str, _)| {
            let optional = !name.ends_with('!');
            (name.strip_suffix(['!', '?']).unwrap_or(name).to_owned(), optional, inserted)
        };
        let fields = fields.into_iter().map(specification).collect();
        Ok(Self { common: Common::new(side, settings, store)?, fields })
    }
}

impl Inserted {
    fn node(&self, optional: bool) -> Node {
        let node = match self {
            Self::Topic | Self::Text(_) => Node::new(Type::String),
            Self::Partition => Node::new(Type::Int32),
            Self::Timestamp => Node::new(Type::Int64).named(logical::TIMESTAMP).version(1),
        };
        if optional { node.optional() } else { node }
    }

    fn write(&self, record: &RecordFrame<'_>, writer: &mut ImageWriter<'_>, slot: usize) -> Result<()> {
        let number = match self {
            Self::Topic => return writer.tail(slot, record.topic.as_bytes()),
            Self::Text(text) => return writer.tail(slot, text.as_bytes()),
            Self::Partition => record.partition.map(i64::from),
            Self::Timestamp => record.timestamp,
        };
        match number {
            Some(number) => writer.set(slot, number as u64),
            None => writer.null(slot),
        }
        Ok(())
    }

    fn value(&self, record: &RecordFrame<'_>) -> Result<Option<Value>> {
        Ok(match self {
            Self::Topic => Some(Value::String(record.topic.to_owned())),
            Self::Text(text) => Some(Value::String(text.clone())),
            Self::Partition => record.partition.map(Value::Int32),
            Self::Timestamp => {
                let message = "expected a record with a schema for timestamp.field, found one without";
                return Err(Error::data("transforms.timestamp", message));
            }
        })
    }
}

impl Transformation for InsertField {
    fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let record = RecordFrame::read(record)?;
        let datum = side_of(&record, self.common.side);
        let image = Image::new(datum.image, &[])?;
        if is_null(&image) {
            out.push(PASS);
            return Ok(());
        }
        self.common.change(out);
        if datum.schema == 0 {
            let mut entries = entries(read_schemaless(datum.image)?)?;
            for (name, _, inserted) in &self.fields {
                let Some(value) = inserted.value(&record)? else { continue };
                entries.retain(|(key, _)| !matches!(key, Value::String(text) if text == name));
                entries.push((Value::String(name.clone()), value));
            }
            return write_schemaless(&Value::Map(entries), out);
        }
        let plan = self.common.plans.get(datum.schema, || {
            let schema = self.common.struct_schema(datum)?;
            let old = schema.root().fields.iter().map(|field| (field.name.clone(), Origin::Node(field.node)));
            let new = self.fields.iter();
            let new = new.map(|(name, optional, inserted)| (name.clone(), Origin::Inserted(inserted.node(*optional))));
            let fields: Vec<_> = old.chain(new).collect();
            let root = basics(schema.root());
            Projection::of_fields(&schema, root, &fields, self.common.defaults, &*self.common.store)
        })?;
        let insert = |writer: &mut ImageWriter<'_>, slots: &[usize]| {
            let mut fields = self.fields.iter().zip(slots);
            fields.try_for_each(|((_, _, inserted), slot)| inserted.write(&record, writer, *slot))
        };
        plan.write(&image, insert, out)
    }
}

/// Makes the key of fields of the value.
pub(super) struct ValueToKey {
    common: Common,
    fields: Vec<String>,
}

impl ValueToKey {
    pub(super) fn new(settings: &Properties, store: Arc<dyn SchemaStore>) -> Result<Self> {
        let fields = list(settings, "fields");
        if fields.is_empty() {
            return Err(missing("fields"));
        }
        Ok(Self { common: Common::new(Side::Key, settings, store)?, fields })
    }
}

impl Transformation for ValueToKey {
    fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let datum = RecordFrame::read(record)?.value;
        let image = Image::new(datum.image, &[])?;
        if is_null(&image) {
            return Err(not_a_struct("null"));
        }
        self.common.change(out);
        if datum.schema == 0 {
            let entries = entries(read_schemaless(datum.image)?)?;
            let field =
                |name: &String| (Value::String(name.clone()), entry(&entries, name).cloned().unwrap_or(Value::Null));
            return write_schemaless(&Value::Map(self.fields.iter().map(field).collect()), out);
        }
        let plan = self.common.plans.get(datum.schema, || {
            let schema = self.common.struct_schema(datum)?;
            let field = |name: &String| {
                let (_, node) = schema.field(0, name).ok_or_else(|| no_field(name))?;
                Ok((name.clone(), Origin::Node(node)))
            };
            let fields: Vec<_> = self.fields.iter().map(field).collect::<Result<_>>()?;
            let root = Node::new(Type::Struct);
            Projection::of_fields(&schema, root, &fields, self.common.defaults, &*self.common.store)
        })?;
        plan.write(&image, |_, _| Ok(()), out)
    }
}

fn no_field(name: &str) -> Error {
    Error::data("transforms.field", format!("expected a field {name}, found none"))
}

/// Puts a field in the place of the whole.
pub(super) struct ExtractField {
    common: Common,
    field: String,
}

impl ExtractField {
    pub(super) fn new(side: Side, settings: &Properties, store: Arc<dyn SchemaStore>) -> Result<Self> {
        Ok(Self { common: Common::new(side, settings, store)?, field: required(settings, "field")?.to_owned() })
    }
}

impl Transformation for ExtractField {
    fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let datum = side_of(&RecordFrame::read(record)?, self.common.side);
        let image = Image::new(datum.image, &[])?;
        self.common.change(out);
        if datum.schema == 0 {
            let value = match is_null(&image) {
                true => Value::Null,
                false => {
                    let entries = entries(read_schemaless(datum.image)?)?;
                    entry(&entries, &self.field).cloned().unwrap_or(Value::Null)
                }
            };
            return write_schemaless(&value, out);
        }
        let plan = self.common.plans.get(datum.schema, || {
            let schema = self.common.struct_schema(datum)?;
            let (_, node) = schema.field(0, &self.field).ok_or_else(|| no_field(&self.field))?;
            Projection::of_node(&schema, node, self.common.defaults, &*self.common.store)
        })?;
        if is_null(&image) { plan.write_null(out) } else { plan.write(&image, |_, _| Ok(()), out) }
    }
}

/// Puts the whole into a field of a new struct.
pub(super) struct HoistField {
    common: Common,
    field: String,
}

impl HoistField {
    pub(super) fn new(side: Side, settings: &Properties, store: Arc<dyn SchemaStore>) -> Result<Self> {
        Ok(Self { common: Common::new(side, settings, store)?, field: required(settings, "field")?.to_owned() })
    }
}

impl Transformation for HoistField {
    fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let datum = side_of(&RecordFrame::read(record)?, self.common.side);
        let image = Image::new(datum.image, &[])?;
        self.common.change(out);
        if datum.schema == 0 {
            let value = if image.is_no_value() { Value::Null } else { read_schemaless(datum.image)? };
            return write_schemaless(&Value::Map(vec![(Value::String(self.field.clone()), value)]), out);
        }
        let plan = self.common.plans.get(datum.schema, || {
            let schema = self.common.schema(datum)?;
            let fields = [(self.field.clone(), Origin::Node(0))];
            Projection::of_fields(&schema, Node::new(Type::Struct), &fields, false, &*self.common.store)
        })?;
        plan.write(&image, |_, _| Ok(()), out)
    }
}
