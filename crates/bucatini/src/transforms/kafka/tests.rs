use super::*;
use connect_data::frame::Outcome;
use connect_data::row_image::tree;
use connect_data::{Node, Schema, SchemaBuilder, Type, Value};

/// A record of one schema and what comes of it.
struct Bench {
    store: Arc<InternedSchemas>,
    schema: Arc<Schema>,
}

impl Bench {
    /// `id int32 = 7 when null, name string, tags array, inner { note string optional } optional`
    fn new() -> Self {
        let mut b = SchemaBuilder::new();
        let root = b.push(Node::new(Type::Struct).named("row").version(2).optional());
        b.field(root, "id", Node::new(Type::Int32).optional().default_value(Value::Int32(7)));
        b.field(root, "name", Node::new(Type::String));
        let tags = b.field(root, "tags", Node::new(Type::Array));
        let item = b.push(Node::new(Type::String));
        b.node_mut(tags).unwrap().item = Some(item);
        let inner = b.field(root, "inner", Node::new(Type::Struct).optional());
        b.field(inner, "note", Node::new(Type::String).optional());
        Self { store: Arc::new(InternedSchemas::new()), schema: Arc::new(b.build().unwrap()) }
    }

    fn row(id: Value, inner: Value) -> Value {
        let tags = Value::Array(vec![text("x"), text("longer than eight bytes")]);
        Value::Struct(vec![id, text("spaghetti"), tags, inner])
    }

    fn transformation(&self, name: &str, side: Side, settings: &[(&str, &str)]) -> Box<dyn Transformation> {
        let settings = Properties::from_iter(settings.iter().copied());
        transformation(name, Some(side), &settings, self.store.clone()).unwrap()
    }

    fn record(&self, schema: bool, value: &Value) -> Vec<u8> {
        let (id, schema) = match schema {
            true => (self.store.intern(self.schema.clone()).unwrap(), Some(&*self.schema)),
            false => (0, None),
        };
        let (mut image, mut record) = (Vec::new(), Vec::new());
        tree::write(schema, value, &mut image).unwrap();
        let datum = Datum { schema: id, image: &image };
        RecordFrame::write(
            "pasta.sorts",
            Some(3),
            Some(1_639_385_467_887),
            datum,
            datum,
            &[("a", datum), ("b", datum)],
            &mut record,
        );
        record
    }

    fn datum(&self, datum: Datum<'_>) -> (Option<Arc<Schema>>, Value) {
        let schema = (datum.schema != 0).then(|| self.store.get(datum.schema).unwrap());
        let value = tree::read(schema.as_deref(), datum.image, &[]).unwrap();
        (schema, value)
    }

    /// The changed key or value of a record.
    fn changed(&self, transformation: &dyn Transformation, side: Side, record: &[u8]) -> (Option<Arc<Schema>>, Value) {
        let mut out = Vec::new();
        transformation.apply(record, &mut out).unwrap();
        match Outcome::read(&out).unwrap() {
            Outcome::Change { key: Some(key), .. } if side == Side::Key => self.datum(key),
            Outcome::Change { value: Some(value), .. } if side == Side::Value => self.datum(value),
            _ => panic!("expected a change"),
        }
    }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn names(schema: &Schema) -> Vec<&str> {
    schema.root().fields.iter().map(|field| field.name.as_str()).collect()
}

#[test]
fn replace_field_keeps_renames_and_fills_in_defaults() {
    let bench = Bench::new();
    let note = Value::Struct(vec![text("al dente")]);
    let record = bench.record(true, &Bench::row(Value::Null, note.clone()));
    let smt =
        bench.transformation("ReplaceField", Side::Value, &[("exclude", "name"), ("renames", "id:number, inner:more")]);
    let (schema, value) = bench.changed(&*smt, Side::Value, &record);
    let schema = schema.unwrap();
    assert_eq!(names(&schema), ["number", "tags", "more"]);
    assert_eq!(
        (schema.root().name.as_deref(), schema.root().version, schema.root().optional),
        (Some("row"), Some(2), false)
    );
    let tags = Value::Array(vec![text("x"), text("longer than eight bytes")]);
    assert_eq!(value, Value::Struct(vec![Value::Int32(7), tags.clone(), note]));

    let smt =
        bench.transformation("ReplaceField", Side::Value, &[("whitelist", "id,tags,inner"), (NULLS_SETTING, "false")]);
    let record = bench.record(true, &Bench::row(Value::Null, Value::Null));
    let (_, value) = bench.changed(&*smt, Side::Value, &record);
    assert_eq!(value, Value::Struct(vec![Value::Null, tags, Value::Null]));

    let map = Value::Map(vec![(text("id"), Value::Int8(1)), (text("name"), text("x"))]);
    let smt = bench.transformation("ReplaceField", Side::Key, &[("include", "name"), ("renames", "name:n")]);
    let (schema, value) = bench.changed(&*smt, Side::Key, &bench.record(false, &map));
    assert_eq!((schema, value), (None, Value::Map(vec![(text("n"), text("x"))])));
}

const NULLS_SETTING: &str = "replace.null.with.default";

#[test]
fn null_passes_and_other_values_are_the_records_fault() {
    let bench = Bench::new();
    for (name, settings) in [("ReplaceField", [("exclude", "a")]), ("InsertField", [("topic.field", "t")])] {
        let smt = bench.transformation(name, Side::Value, &settings);
        let mut out = Vec::new();
        smt.apply(&bench.record(true, &Value::Null), &mut out).unwrap();
        assert!(matches!(Outcome::read(&out).unwrap(), Outcome::Pass));
        let error = smt.apply(&bench.record(false, &text("x")), &mut Vec::new()).unwrap_err();
        assert_eq!((error.kind(), error.code()), (connect_data::ErrorKind::Data, "transforms.struct"));
    }
    let smt = bench.transformation("ValueToKey", Side::Value, &[("fields", "id")]);
    assert!(smt.apply(&bench.record(true, &Value::Null), &mut Vec::new()).is_err());
}

#[test]
fn insert_field_adds_what_is_known_of_the_record() {
    let bench = Bench::new();
    let settings = [
        ("topic.field", "topic!"),
        ("partition.field", "part?"),
        ("timestamp.field", "ts"),
        ("static.field", "s"),
        ("static.value", "v 1"),
    ];
    let smt = bench.transformation("InsertField", Side::Value, &settings);
    let (schema, value) =
        bench.changed(&*smt, Side::Value, &bench.record(true, &Bench::row(Value::Int32(1), Value::Null)));
    let schema = schema.unwrap();
    assert_eq!(names(&schema), ["id", "name", "tags", "inner", "topic", "part", "ts", "s"]);
    let node = |name| schema.node(schema.field(0, name).unwrap().1).clone();
    assert!(!node("topic").optional && node("part").optional && node("s").optional);
    assert_eq!(node("ts").name.as_deref(), Some("org.apache.kafka.connect.data.Timestamp"));
    let Value::Struct(fields) = value else { panic!() };
    assert_eq!(fields[4..], [text("pasta.sorts"), Value::Int32(3), Value::Int64(1_639_385_467_887), text("v 1")]);
    assert_eq!(fields[..2], [Value::Int32(1), text("spaghetti")]);

    let twice = bench.transformation("InsertField", Side::Value, &[("topic.field", "name")]);
    let error = twice.apply(&bench.record(true, &Bench::row(Value::Null, Value::Null)), &mut Vec::new()).unwrap_err();
    assert_eq!(error.code(), "transforms.field");
}

#[test]
fn keys_are_made_of_values_and_taken_apart() {
    let bench = Bench::new();
    let record = bench.record(true, &Bench::row(Value::Null, Value::Struct(vec![Value::Null])));
    let smt = bench.transformation("ValueToKey", Side::Value, &[("fields", "name,id")]);
    let (schema, value) = bench.changed(&*smt, Side::Key, &record);
    let schema = schema.unwrap();
    assert_eq!((names(&schema), schema.root().name.clone()), (vec!["name", "id"], None));
    assert_eq!(value, Value::Struct(vec![text("spaghetti"), Value::Int32(7)]));
    let smt = bench.transformation("ValueToKey", Side::Value, &[("fields", "nome")]);
    assert_eq!(smt.apply(&record, &mut Vec::new()).unwrap_err().code(), "transforms.field");

    let smt = bench.transformation("ExtractField", Side::Key, &[("field", "name")]);
    let (schema, value) = bench.changed(&*smt, Side::Key, &record);
    assert_eq!((schema.unwrap().root().kind, value), (Type::String, text("spaghetti")));
    let smt = bench.transformation("ExtractField", Side::Value, &[("field", "inner")]);
    assert_eq!(bench.changed(&*smt, Side::Value, &record).1, Value::Struct(vec![Value::Null]));
    assert_eq!(bench.changed(&*smt, Side::Value, &bench.record(true, &Value::Null)).1, Value::Null);
    assert_eq!(bench.changed(&*smt, Side::Value, &bench.record(false, &Value::Map(vec![]))), (None, Value::Null));

    let smt = bench.transformation("HoistField", Side::Value, &[("field", "row")]);
    let row = Bench::row(Value::Int32(2), Value::Null);
    let (schema, value) = bench.changed(&*smt, Side::Value, &bench.record(true, &row));
    assert_eq!((names(&schema.unwrap()), value), (vec!["row"], Value::Struct(vec![row])));
}

#[test]
fn headers_are_dropped_and_inserted() {
    let bench = Bench::new();
    let record = bench.record(false, &Value::Null);
    let mut out = Vec::new();
    bench.transformation("DropHeaders", Side::Value, &[("headers", "a, c")]).apply(&record, &mut out).unwrap();
    let Outcome::Change { put: Some(put), .. } = Outcome::read(&out).unwrap() else { panic!() };
    assert_eq!(put.iter().map(|header| header.unwrap().0).collect::<Vec<_>>(), ["b"]);
    out.clear();
    bench.transformation("DropHeaders", Side::Value, &[("headers", "c")]).apply(&record, &mut out).unwrap();
    assert!(matches!(Outcome::read(&out).unwrap(), Outcome::Pass));
    out.clear();
    let smt = bench.transformation("InsertHeader", Side::Value, &[("header", "h"), ("value.literal", "300")]);
    smt.apply(&record, &mut out).unwrap();
    let Outcome::Change { append: Some(append), .. } = Outcome::read(&out).unwrap() else { panic!() };
    let (name, datum) = append.iter().next().unwrap().unwrap();
    assert_eq!((name, bench.datum(datum).1), ("h", Value::Int16(300)));
}

#[test]
fn topics_are_renamed() {
    let bench = Bench::new();
    let record = bench.record(false, &Value::Null);
    let topic = |name: &str, settings: &[(&str, &str)]| {
        let mut out = Vec::new();
        bench.transformation(name, Side::Value, settings).apply(&record, &mut out).unwrap();
        match Outcome::read(&out).unwrap() {
            Outcome::Change { topic: Some(topic), .. } => topic.to_owned(),
            _ => "unchanged".to_owned(),
        }
    };
    assert_eq!(topic("RegexRouter", &[("regex", "([a-z]+)\\.(.*)"), ("replacement", "$2_$1")]), "sorts_pasta");
    assert_eq!(topic("RegexRouter", &[("regex", "pasta"), ("replacement", "x")]), "unchanged");
    assert_eq!(topic("RegexRouter", &[("regex", "pasta\\.(?<t>.*)"), ("replacement", "${t}10")]), "sorts10");
    assert_eq!(
        topic("TimestampRouter", &[("topic.format", "${topic}_${timestamp}"), ("timestamp.format", "yyyy")]),
        "pasta.sorts_2021"
    );
    assert_eq!(topic("TimestampRouter", &[]), "pasta.sorts-20211213");
}

#[test]
fn wrong_settings_are_named() {
    for (name, settings, part) in [
        ("RegexRouter", &[("regex", "(")][..], "setting replacement"),
        ("RegexRouter", &[("regex", "("), ("replacement", "x")], "setting regex"),
        ("RegexRouter", &[("regex", "(?=a)"), ("replacement", "x")], "look-around"),
        ("InsertField", &[], "setting static.field"),
        ("InsertField", &[("offset.field", "o")], "setting offset.field"),
        ("InsertField", &[("static.field", "o")], "setting static.value"),
        ("ReplaceField", &[("renames", "a")], "setting renames"),
        ("ReplaceField", &[(NULLS_SETTING, "maybe")], "setting replace.null.with.default"),
        ("ValueToKey", &[], "setting fields"),
        ("DropHeaders", &[("headers", " ")], "setting headers"),
        ("TimestampRouter", &[("timestamp.format", "EEE")], "setting timestamp.format"),
    ] {
        let error = check(name, None, &Properties::from_iter(settings.iter().copied())).unwrap_err();
        assert_eq!(error.kind(), connect_data::ErrorKind::Config);
        assert!(error.to_string().contains(part), "{error}");
    }
}
