//! What single records do: nulls and unavailable values at every place, error paths, other writers' schemas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use avro_converter::avro_schema::AvroSchema;
use avro_converter::config::AvroDataConfig;
use avro_converter::from_connect::EncodePlan;
use connect_data::row_image::{Image, ImageWriter, tree, write_null};
use connect_data::schema::{Node, logical};
use connect_data::{Error, NodeId, Properties, Result, Schema, SchemaBuilder, Type, Value};

fn config(settings: &[(&str, &str)]) -> AvroDataConfig {
    AvroDataConfig::new(&settings.iter().copied().collect::<Properties>()).unwrap()
}

fn encode(plan: &EncodePlan, schema: Option<&Schema>, value: &Value) -> Result<Option<Vec<u8>>> {
    let mut image = Vec::new();
    tree::write(schema, value, &mut image).unwrap();
    let mut bytes = vec![0xAA];
    let result = plan.encode(&Image::new(&image, &[]).unwrap(), &mut bytes);
    if !matches!(result, Ok(true)) {
        assert_eq!(bytes, [0xAA], "nothing is appended");
    }
    result.map(|written| written.then(|| bytes.split_off(1)))
}

/// Encodes one value with default settings.
fn once(schema: &Schema, value: &Value) -> Result<Option<Vec<u8>>> {
    encode(&EncodePlan::compile(Some(schema), &config(&[]))?, Some(schema), value)
}

fn place(error: &Error) -> (String, String) {
    (error.code().to_owned(), error.path_text())
}

fn text(value: &str) -> Value {
    Value::String(value.into())
}

/// `{c0: string?, c1: string, c2: string? = "d", c3: string = "d", c4: string? ...}`
fn wide(columns: usize) -> Schema {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("n.Wide"));
    for i in 0..columns {
        let node = Node::new(Type::String);
        let node = if i % 2 == 0 { node.optional() } else { node };
        let node = if i % 4 > 1 { node.default_value(text("d")) } else { node };
        b.field(root, format!("c{i}"), node);
    }
    b.build().unwrap()
}

#[test]
fn a_null_at_each_of_200_columns() {
    let schema = wide(200);
    let plan = EncodePlan::compile(Some(&schema), &config(&[])).unwrap();
    let ignoring = EncodePlan::compile(Some(&schema), &config(&[("ignore.default.for.nullables", "true")])).unwrap();
    // What each column is written as: a branch before the value if it is optional, default first.
    let written = |i: usize, value: Option<u8>| match (i % 4, value) {
        (0, Some(value)) => vec![2, 2, value],
        (2, Some(value)) => vec![0, 2, value],
        (_, Some(value)) => vec![2, value],
        (0, None) => vec![0],
        (_, None) => vec![2],
    };
    for null in 0..200 {
        let value = |i| if i == null { Value::Null } else { text("x") };
        let row = Value::Struct((0..200).map(value).collect());
        let others = |i: usize, null: Option<u8>, at: usize| written(i, if i == at { null } else { Some(b'x') });
        let failing = |error: Error| assert_eq!(place(&error), ("avro.null-required".into(), format!("c{null}")));
        match encode(&plan, Some(&schema), &row) {
            Ok(bytes) => {
                let default = (null % 4 > 1).then_some(b'd');
                assert_ne!(null % 4, 1);
                assert_eq!(bytes.unwrap(), (0..200).flat_map(|i| others(i, default, null)).collect::<Vec<u8>>());
            }
            Err(error) => {
                assert_eq!(null % 4, 1);
                failing(error);
            }
        }
        match encode(&ignoring, Some(&schema), &row) {
            Ok(bytes) => {
                assert_eq!(null % 2, 0);
                assert_eq!(bytes.unwrap(), (0..200).flat_map(|i| others(i, None, null)).collect::<Vec<u8>>());
            }
            Err(error) => {
                assert_eq!(null % 2, 1);
                failing(error);
            }
        }
        let value = |i| if i == null { Value::Unavailable } else { text("x") };
        let row = Value::Struct((0..200).map(value).collect());
        let error = encode(&plan, Some(&schema), &row).unwrap_err();
        assert_eq!(place(&error), ("avro.unavailable".into(), format!("c{null}")));
    }
}

#[test]
fn null_at_the_top() {
    let row = wide(3);
    let required = once(&row, &Value::Null).unwrap_err();
    assert_eq!(place(&required), ("avro.null-required".into(), String::new()));
    let mut b = SchemaBuilder::new();
    // No Struct.get here: the default does not take the place of null.
    b.push(Node::new(Type::Int32).optional().default_value(Value::Int32(7)));
    let optional = b.build().unwrap();
    assert_eq!(once(&optional, &Value::Null).unwrap(), None);
    assert_eq!(once(&optional, &Value::Int32(3)).unwrap(), Some(vec![0, 6]));
    assert_eq!(place(&once(&optional, &Value::Unavailable).unwrap_err()).0, "avro.unavailable");

    let mut no_value = Vec::new();
    write_null(&mut no_value);
    let image = Image::new(&no_value, &[]).unwrap();
    let schemaless = EncodePlan::compile(None, &config(&[])).unwrap();
    for plan in [&schemaless, &EncodePlan::compile(Some(&optional), &config(&[])).unwrap()] {
        assert!(!plan.encode(&image, &mut Vec::new()).unwrap());
    }
    assert_eq!(encode(&schemaless, None, &Value::Null).unwrap(), None);
}

#[test]
fn an_image_of_another_schema_is_refused() {
    let (narrow, wider) = (wide(3), wide(4));
    let plan = EncodePlan::compile(Some(&narrow), &config(&[])).unwrap();
    let mut image = Vec::new();
    tree::write(Some(&wider), &Value::Struct(vec![text("x"), text("x"), text("x"), text("x")]), &mut image).unwrap();
    let error = plan.encode(&Image::new(&image, &[]).unwrap(), &mut Vec::new()).unwrap_err();
    assert_eq!(error.code(), "row-image.slots");
    assert_eq!(plan.slots(), 4);

    let mut image = Vec::new();
    let mut writer = ImageWriter::new(&mut image, 4).unwrap();
    (0..4).for_each(|slot| writer.set(slot, 0));
    writer.tail(1, &[0xFF]).unwrap();
    writer.finish();
    let error = plan.encode(&Image::new(&image, &[]).unwrap(), &mut Vec::new()).unwrap_err();
    assert_eq!(place(&error), ("row-image.utf8".into(), "c0".into()));
}

/// `items` = array of `{tags: map<string, int64 keys to string>}`
fn nested() -> Schema {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("n.R"));
    let items = b.field(root, "items", Node::new(Type::Array));
    let item = b.push(Node::new(Type::Struct).named("n.Item"));
    b.node_mut(items).unwrap().item = Some(item);
    let tags = b.field(item, "tags", Node::new(Type::Map));
    let key = b.push(Node::new(Type::String));
    let inner = b.push(Node::new(Type::Map).named("n.Entry"));
    (b.node_mut(tags).unwrap().key, b.node_mut(tags).unwrap().item) = (Some(key), Some(inner));
    let key = b.push(Node::new(Type::Int64));
    let value = b.push(Node::new(Type::String));
    (b.node_mut(inner).unwrap().key, b.node_mut(inner).unwrap().item) = (Some(key), Some(value));
    b.build().unwrap()
}

#[test]
fn errors_name_their_place() {
    let schema = nested();
    let row = |bad: Value| {
        let entry = |value| Value::Map(vec![(Value::Int64(1), text("x")), (Value::Int64(2), value)]);
        let item = |value| Value::Struct(vec![Value::Map(vec![(text("k"), entry(value))])]);
        Value::Struct(vec![Value::Array(vec![item(text("x")), item(text("y")), item(bad)])])
    };
    assert!(once(&schema, &row(text("z"))).unwrap().is_some());
    for (bad, code) in [(Value::Null, "avro.null-required"), (Value::Unavailable, "avro.unavailable")] {
        let error = once(&schema, &row(bad)).unwrap_err();
        assert_eq!(place(&error), (code.into(), "items[2].tags{0}{1}".into()));
    }
    let no_items = once(&schema, &Value::Struct(vec![Value::Null])).unwrap_err();
    assert_eq!(place(&no_items), ("avro.null-required".into(), "items".into()));
}

fn list() -> Schema {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("n.List").optional());
    b.field(root, "v", Node::new(Type::Int32));
    b.add_field(root, "next", root);
    b.build().unwrap()
}

#[test]
fn recursion_goes_as_deep_as_images_do() {
    let schema = list();
    let of = |values: &[Value]| values.iter().rev().fold(Value::Null, |next, v| Value::Struct(vec![v.clone(), next]));
    let three = of(&[Value::Int32(1), Value::Int32(2), Value::Int32(3)]);
    assert_eq!(once(&schema, &three).unwrap().unwrap(), [2, 2, 2, 4, 2, 6, 0]);
    let error = once(&schema, &of(&[Value::Int32(1), Value::Int32(2), Value::Null])).unwrap_err();
    assert_eq!(place(&error), ("avro.null-required".into(), "next.next.v".into()));
    let deep = of(&vec![Value::Int32(0); 1_000]);
    assert_eq!(once(&schema, &deep).unwrap().unwrap().len(), 2_001);
}

#[test]
fn recursion_that_java_does_not_survive_is_refused() {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("n.R"));
    b.add_field(root, "required", root);
    let error = EncodePlan::compile(Some(&b.build().unwrap()), &config(&[])).unwrap_err();
    assert_eq!(place(&error).0, "avro.recursion");
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).optional());
    b.add_field(root, "unnamed", root);
    let error = EncodePlan::compile(Some(&b.build().unwrap()), &config(&[])).unwrap_err();
    assert_eq!(place(&error), ("avro.recursion".into(), "unnamed".into()));
}

#[test]
fn a_default_that_contains_itself_is_an_error_of_the_records_that_use_it() {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("n.R"));
    let list = b.field(root, "list", Node::new(Type::Struct).named("n.List").optional());
    b.add_field(list, "a", list);
    b.add_field(list, "b", list);
    let endless = Value::Struct(vec![Value::Null, Value::Null]);
    b.node_mut(list).unwrap().default = Some(endless.clone());
    let schema = b.build().unwrap();
    let plan = EncodePlan::compile(Some(&schema), &config(&[]));
    // Struct.get recurses for ever in Java, already for the schema's own default.
    assert_eq!(plan.unwrap_err().code(), "avro.default");
}

#[test]
fn logical_types_are_checked() {
    let time = Schema::primitive(Node::new(Type::Int32).named(logical::TIME));
    assert_eq!(once(&time, &Value::Int32(86_400_000)).unwrap().unwrap(), [0x80, 0xF0, 0xB2, 0x52]);
    for out_of_range in [-1, 86_400_001] {
        assert_eq!(once(&time, &Value::Int32(out_of_range)).unwrap_err().code(), "avro.time-range");
    }
    let decimal = Schema::primitive(Node::new(Type::Bytes).named(logical::DECIMAL).parameter("scale", "0"));
    let large: Vec<u8> = (1..=200).collect();
    assert_eq!(once(&decimal, &Value::Bytes(large.clone())).unwrap().unwrap(), large);
    assert_eq!(once(&decimal, &Value::Bytes(vec![0, 0, 5])).unwrap().unwrap(), [5]);
    assert_eq!(once(&decimal, &Value::Bytes(Vec::new())).unwrap_err().code(), "avro.decimal");
    let no_scale = Schema::primitive(Node::new(Type::Bytes).named(logical::DECIMAL));
    assert_eq!(once(&no_scale, &Value::Bytes(vec![1])).unwrap_err().code(), "avro.parameter");

    let fixed = Schema::primitive(Node::new(Type::Bytes).named("n.F").parameter("connect.fixed.size", "2"));
    assert_eq!(once(&fixed, &Value::Bytes(vec![1, 2])).unwrap().unwrap(), [1, 2]);
    for len in [0, 1, 3] {
        assert_eq!(once(&fixed, &Value::Bytes(vec![0; len])).unwrap_err().code(), "avro.fixed-size");
    }
}

/// `{a: int32, b: string?, c: {d: int64}}`
fn row() -> (Schema, Value) {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("n.R"));
    b.field(root, "a", Node::new(Type::Int32));
    b.field(root, "b", Node::new(Type::String).optional());
    let c: NodeId = b.field(root, "c", Node::new(Type::Struct).named("n.C"));
    b.field(c, "d", Node::new(Type::Int64));
    (b.build().unwrap(), Value::Struct(vec![Value::Int32(5), text("x"), Value::Struct(vec![Value::Int64(-1)])]))
}

#[test]
fn another_writers_schema_takes_fields_by_position() {
    let (schema, value) = row();
    let plan = EncodePlan::compile(Some(&schema), &config(&[])).unwrap();
    let written = |fields: &str| {
        let text = format!(r#"{{"type":"record","name":"Other","fields":[{fields}]}}"#);
        let writer = AvroSchema::parse(&text, &[]).unwrap();
        encode(&plan.with_writer_schema(writer.into()).unwrap(), Some(&schema), &value)
    };
    let all = r#"{"name":"z","type":"double"},{"name":"y","type":["string","null"]},
        {"name":"x","type":{"type":"record","name":"C","fields":[{"name":"w","type":"float"}]}}"#;
    let expected = [&5f64.to_le_bytes()[..], &[0, 2, b'x'], &(-1f32).to_le_bytes()].concat();
    assert_eq!(written(all).unwrap().unwrap(), expected);
    // Fewer: the rest is lost, but must be good.
    assert_eq!(written(r#"{"name":"z","type":"long"}"#).unwrap().unwrap(), [10]);
    let mut bad = value.clone();
    if let Value::Struct(values) = &mut bad {
        values[2] = Value::Null;
    }
    let writer =
        AvroSchema::parse(r#"{"type":"record","name":"O","fields":[{"name":"z","type":"int"}]}"#, &[]).unwrap();
    let error = encode(&plan.with_writer_schema(writer.into()).unwrap(), Some(&schema), &bad).unwrap_err();
    assert_eq!(place(&error), ("avro.null-required".into(), "c".into()));
    // More, or of a type that the value is not.
    let more = format!(r#"{all},{{"name":"v","type":["null","int"],"default":null}}"#);
    assert_eq!(place(&written(&more).unwrap_err()), ("avro.fields".into(), String::new()));
    let text = all.replace("double", "string");
    assert_eq!(place(&written(&text).unwrap_err()), ("avro.writer-type".into(), "a".into()));
    // A union is searched for the value's own type: an int is no long there.
    let union = all.replace(r#""double""#, r#"["null","long"]"#);
    assert_eq!(place(&written(&union).unwrap_err()), ("avro.writer-type".into(), "a".into()));
    // A record in a union must have the value's name.
    let union = all.replace(r#"{"type":"record","name":"C""#, r#"["null",{"type":"record","name":"C","namespace":"n""#);
    let union = union.replace(r#""float"}]}"#, r#""float"}]}]"#);
    let expected = [&5f64.to_le_bytes()[..], &[0, 2, b'x', 2], &(-1f32).to_le_bytes()].concat();
    assert_eq!(written(&union).unwrap().unwrap(), expected);
    // Not a record at all.
    let text = AvroSchema::parse(r#""string""#, &[]).unwrap();
    let error = encode(&plan.with_writer_schema(text.into()).unwrap(), Some(&schema), &value).unwrap_err();
    assert_eq!(place(&error), ("avro.writer-type".into(), String::new()));
}

#[test]
fn fields_of_the_same_name_belong_together() {
    let (schema, value) = row();
    let plan = EncodePlan::compile(Some(&schema), &config(&[])).unwrap();
    let written = |fields: &str| {
        let text = format!(r#"{{"type":"record","name":"O","fields":[{fields}]}}"#);
        let writer = AvroSchema::parse(&text, &[]).unwrap();
        encode(&plan.with_writer_schema(writer.into()).unwrap(), Some(&schema), &value)
    };
    let c = r#"{"name":"c","type":{"type":"record","name":"C","fields":[{"name":"d","type":"long"}]}}"#;
    let turned = format!(r#"{c},{{"name":"b","type":["null","string"]}},{{"name":"a","type":"int"}}"#);
    assert_eq!(written(&turned).unwrap().unwrap(), [1, 2, 2, b'x', 10]);
    assert_eq!(written(r#"{"name":"b","type":["null","string"]}"#).unwrap().unwrap(), [2, 2, b'x']);
    // One without a namesake is what stands at its place, which may be written once more.
    let twice = r#"{"name":"other","type":"int"},{"name":"a","type":"int"}"#;
    assert_eq!(written(twice).unwrap().unwrap(), [10, 10]);
}

#[test]
fn key_and_value_of_an_entry_may_be_turned_around() {
    let mut builder = SchemaBuilder::new();
    let map = builder.push(Node::new(Type::Map));
    let (key, item) = (builder.push(Node::new(Type::Int32)), builder.push(Node::new(Type::String)));
    let node = builder.node_mut(map).unwrap();
    (node.key, node.item) = (Some(key), Some(item));
    let schema = builder.build().unwrap();
    let entries = [(7, "x"), (8, "yz")].map(|(key, item)| (Value::Int32(key), Value::String(item.to_owned())));
    let plan = EncodePlan::compile(Some(&schema), &config(&[])).unwrap();
    let writer = r#"{"type":"array","items":{"type":"record","name":"E","fields":[
        {"name":"value","type":"string"},{"name":"key","type":"int"}]}}"#;
    let plan = plan.with_writer_schema(AvroSchema::parse(writer, &[]).unwrap().into()).unwrap();
    let encoded = encode(&plan, Some(&schema), &Value::Map(entries.into())).unwrap().unwrap();
    assert_eq!(encoded, [4, 2, b'x', 14, 4, b'y', b'z', 16, 0]);
}

#[test]
fn the_writers_union_may_take_null_where_ours_is_optional() {
    let (schema, value) = row();
    let plan = EncodePlan::compile(Some(&schema), &config(&[])).unwrap();
    let text = r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":["null","int"]},
        {"name":"b","type":"string"},{"name":"c","type":{"type":"record","name":"C","fields":[{"name":"d","type":"long"}]}}]}"#;
    let plan = plan.with_writer_schema(AvroSchema::parse(text, &[]).unwrap().into()).unwrap();
    assert_eq!(encode(&plan, Some(&schema), &value).unwrap().unwrap(), [2, 10, 2, b'x', 1]);
    let null = Value::Struct(vec![Value::Int32(5), Value::Null, Value::Struct(vec![Value::Int64(-1)])]);
    assert_eq!(place(&encode(&plan, Some(&schema), &null).unwrap_err()), ("avro.writer-type".into(), "b".into()));
}

#[test]
fn schemaless_data_is_the_record_anything() {
    let plan = EncodePlan::compile(None, &config(&[])).unwrap();
    let encoded = |value: &Value| encode(&plan, None, value).map(Option::unwrap);
    assert_eq!(encoded(&Value::Int8(-1)).unwrap(), [0, 0, 0, 0, 2, 1, 0, 0, 0, 0]);
    assert_eq!(encoded(&Value::Array(vec![Value::Null])).unwrap(), [&[0; 7][..], &[2, 2], &[0; 9], &[0, 0]].concat());
    assert_eq!(encoded(&Value::Bytes(vec![1])).unwrap_err().code(), "avro.schemaless-bytes");
    let other = AvroSchema::parse(r#""string""#, &[]).unwrap();
    let plan = plan.with_writer_schema(other.into()).unwrap();
    assert_eq!(encode(&plan, None, &text("x")).unwrap_err().code(), "avro.writer-type");
    // The same schema from a registry.
    let own = EncodePlan::compile(None, &config(&[])).unwrap();
    let same = AvroSchema::parse(&own.avro_schema().to_string(), &[]).unwrap();
    let plan = own.with_writer_schema(same.into()).unwrap();
    assert_eq!(encode(&plan, None, &Value::Boolean(true)).unwrap().unwrap(), [2, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn plans_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<EncodePlan>();
}

/// A list of two lists of itself, whose slots all point to the same bytes: 2^24 lists in 40 KB.
#[test]
fn an_image_that_repeats_itself_is_refused() {
    let mut b = SchemaBuilder::new();
    let root = b.push(Node::new(Type::Struct).named("n.Tree").optional());
    b.add_field(root, "left", root);
    b.add_field(root, "right", root);
    let schema = b.build().unwrap();
    fn fill(writer: &mut ImageWriter<'_>, depth: u32) -> Result<()> {
        writer.set(0, 0);
        if depth == 0 {
            writer.null(1);
            writer.null(2);
            return Ok(());
        }
        let start = writer.tail_len();
        writer.nested(1, 3, |inner| fill(inner, depth - 1))?;
        let len = writer.tail_len() - start;
        writer.points_to_tail(2, start, len);
        Ok(())
    }
    let encoded = |depth| {
        let mut image = Vec::new();
        let mut writer = ImageWriter::new(&mut image, 3).unwrap();
        fill(&mut writer, depth).unwrap();
        writer.finish();
        let plan = EncodePlan::compile(Some(&schema), &config(&[])).unwrap();
        let mut bytes = Vec::new();
        plan.encode(&Image::new(&image, &[]).unwrap(), &mut bytes).map(|_| bytes)
    };
    assert_eq!(encoded(2).unwrap(), [2, 2, 2, 0, 0, 2, 0, 0, 2, 2, 0, 0, 2, 0, 0]);
    assert_eq!(encoded(24).unwrap_err().code(), "avro.too-large");
}
