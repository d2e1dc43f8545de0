//! Values and names on real MySQL and MariaDB.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod target;

use connect_data::schema::{Node, SchemaBuilder, Type};
use connect_data::{ErrorKind, Schema, Value, logical};
use std::sync::Arc;
use target::{Records, Target, int, structure, text};

on_both!(
    values_of_all_types_come_back,
    raw_columns_of_another_connector_keep_their_form,
    values_that_would_change_are_refused,
    names_are_only_names,
    texts_of_all_kinds_come_back,
    keys_that_differ_little_are_different,
    structures_become_json,
);

fn named(kind: Type, name: &str) -> Node {
    Node::new(kind).named(name).optional()
}

/// Fields with a value each and how MySQL shows it.
fn all_types() -> Vec<(&'static str, Node, Value, &'static str)> {
    let decimal = |scale: &str, precision: Option<&str>| {
        let node = named(Type::Bytes, logical::DECIMAL).parameter("scale", scale);
        match precision {
            Some(precision) => node.parameter("connect.decimal.precision", precision),
            None => node,
        }
    };
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    vec![
        ("b", Node::new(Type::Boolean).optional(), Value::Boolean(true), "1"),
        ("i8", Node::new(Type::Int8).optional(), Value::Int8(-128), "-128"),
        ("i16", Node::new(Type::Int16).optional(), Value::Int16(32767), "32767"),
        ("i32", Node::new(Type::Int32).optional(), Value::Int32(i32::MIN), "-2147483648"),
        ("i64", Node::new(Type::Int64).optional(), Value::Int64(9_007_199_254_740_993), "9007199254740993"),
        ("f64", Node::new(Type::Float64).optional(), Value::Float64(0.1), "0.1"),
        ("s", Node::new(Type::String).optional(), text("è 🍝 'x' \\ \"\n"), "è 🍝 'x' \\ \"\n"),
        ("raw", Node::new(Type::Bytes).optional(), bytes(b"\0'\\z"), "\0'\\z"),
        ("dec", decimal("2", Some("10")), bytes(&[0xFF, 0x85]), "-1.23"),
        (
            "big",
            decimal("0", None),
            Value::Bytes(i128::MAX.to_be_bytes().to_vec()),
            "170141183460469231731687303715884105727",
        ),
        ("c_date", named(Type::Int32, logical::DATE), int(18_974), "2021-12-13"),
        ("c_time", named(Type::Int32, logical::TIME), int(26_687_887), "07:24:47.887"),
        ("c_ts", named(Type::Int64, logical::TIMESTAMP), Value::Int64(1_639_380_287_887), "2021-12-13 07:24:47.887"),
        ("d_date", named(Type::Int32, "io.debezium.time.Date"), int(-719_162), "0001-01-01"),
        ("d_time", named(Type::Int32, "io.debezium.time.Time"), int(1), "00:00:00.001"),
        ("d_mtime", named(Type::Int64, "io.debezium.time.MicroTime"), Value::Int64(86_399_999_999), "23:59:59.999999"),
        ("d_ts", named(Type::Int64, "io.debezium.time.Timestamp"), Value::Int64(0), "1970-01-01 00:00:00.000"),
        (
            "d_mts",
            named(Type::Int64, "io.debezium.time.MicroTimestamp"),
            Value::Int64(-1),
            "1969-12-31 23:59:59.999999",
        ),
        (
            "d_nts",
            named(Type::Int64, "io.debezium.time.NanoTimestamp"),
            Value::Int64(1_000),
            "1970-01-01 00:00:00.000001",
        ),
        (
            "d_zts",
            named(Type::String, "io.debezium.time.ZonedTimestamp"),
            text("9999-12-31T23:59:59.999999Z"),
            "9999-12-31 23:59:59.999999",
        ),
        ("d_ztime", named(Type::String, "io.debezium.time.ZonedTime"), text("00:30:00+01:00"), "23:30:00.000000"),
        ("d_dur", named(Type::Int64, "io.debezium.time.MicroDuration"), Value::Int64(-5), "-5"),
        ("d_int", named(Type::String, "io.debezium.time.Interval"), text("P1Y2M3DT4H5M6.78S"), "P1Y2M3DT4H5M6.78S"),
        (
            "d_uuid",
            named(Type::String, "io.debezium.data.Uuid"),
            text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ),
        ("d_enum", named(Type::String, "io.debezium.data.Enum").parameter("allowed", "a,b"), text("b"), "b"),
        ("d_xml", named(Type::String, "io.debezium.data.Xml"), text("<a/>"), "<a/>"),
    ]
}

async fn values_of_all_types_come_back(mut target: Target) {
    let types = all_types();
    let mut fields = vec![("id", Node::new(Type::Int32))];
    fields.extend(types.iter().map(|(name, node, _, _)| (*name, node.clone())));
    let mut builder = SchemaBuilder::new();
    let root = builder.push(Node::new(Type::Struct));
    for (name, node) in &fields {
        builder.field(root, *name, node.clone());
    }
    builder.field(root, "f32", Node::new(Type::Float32).optional());
    builder.field(root, "bits", named(Type::Bytes, "io.debezium.data.Bits").parameter("length", "10"));
    builder.field(root, "json", named(Type::String, "io.debezium.data.Json"));
    let variable = builder.field(root, "variable", named(Type::Struct, "io.debezium.data.VariableScaleDecimal"));
    builder.field(variable, "scale", Node::new(Type::Int32));
    builder.field(variable, "value", Node::new(Type::Bytes));
    let schema = Arc::new(builder.build().unwrap());
    let mut full = vec![int(1)];
    full.extend(types.iter().map(|(_, _, value, _)| value.clone()));
    full.extend([
        Value::Float32(0.1),
        Value::Bytes(vec![0x05, 0x02]),
        text(r#"{"a": "\"b\\"}"#),
        Value::Struct(vec![int(3), Value::Bytes(vec![0x04, 0xD2])]),
    ]);
    let mut empty = vec![int(2)];
    empty.resize(full.len(), Value::Null);
    let mut records = Records::new("types");
    records.add(None, Some((&schema, Value::Struct(full)))).add(None, Some((&schema, Value::Struct(empty))));
    let more = [("insert.mode", "upsert"), ("pk.mode", "record_value"), ("pk.fields", "id"), ("auto.create", "true")];
    let mut sink = target.sink(&records, &more).await;
    records.put(&mut sink).await.unwrap();
    for (name, _, _, expected) in &types {
        let found = target.rows(&format!("SELECT `{name}` FROM `{}` ORDER BY id", target.table)).await;
        assert_eq!(found, [*expected, "NULL"], "{name}");
    }
    let bits = target.rows(&format!("SELECT bits + 0, f32, JSON_UNQUOTE(JSON_EXTRACT(json, '$.a')), CAST(variable AS DECIMAL(10,3)) FROM `{}` WHERE id = 1", target.table)).await;
    assert_eq!(bits, [r#"517|0.1|"b\|1.234"#]);
    // Written again, nothing changes.
    assert_eq!(target.rows(&format!("SELECT COUNT(*) FROM `{}`", target.table)).await, ["2"]);
}

/// A table made as Aiven's connector makes it: Debezium's times are numbers there, and stay so.
async fn raw_columns_of_another_connector_keep_their_form(mut target: Target) {
    let schema = structure(&[
        ("id", Node::new(Type::Int32)),
        ("at", named(Type::Int64, "io.debezium.time.MicroTimestamp")),
        ("day", named(Type::Int32, "io.debezium.time.Date")),
        ("text", Node::new(Type::Int64).optional()),
    ]);
    let mut records = Records::new("raw");
    let row = |at: i64| Value::Struct(vec![int(1), Value::Int64(at), int(18_974), Value::Int64(7)]);
    let more = [
        ("insert.mode", "upsert"),
        ("pk.mode", "record_value"),
        ("pk.fields", "id"),
        ("auto.create", "true"),
        ("ddl.profile", "aiven"),
    ];
    let mut sink = target.sink(&records, &more).await;
    records.add(None, Some((&schema, row(1_639_380_287_887_136))));
    records.put(&mut sink).await.unwrap();
    assert_eq!(target.table_rows().await, ["1|1639380287887136|18974|7"]);
    // The same settings meet columns of other types: values follow the columns.
    target.sql(&format!("DROP TABLE `{}`", target.table)).await;
    target
        .sql(&format!(
            "CREATE TABLE `{}` (id INT PRIMARY KEY, at TIMESTAMP(6) NULL, day VARCHAR(20), text VARCHAR(9))",
            target.table
        ))
        .await;
    target.sql("SET time_zone = '+00:00'").await;
    let mut sink = target.sink(&records, &more).await;
    records.add(None, Some((&schema, row(1_639_380_287_887_136))));
    records.put(&mut sink).await.unwrap();
    assert_eq!(target.table_rows().await, ["1|2021-12-13 07:24:47.887136|2021-12-13|7"]);
}

/// No silent truncation: also where MySQL would only make a note.
async fn values_that_would_change_are_refused(mut target: Target) {
    target
        .sql(&format!(
            "CREATE TABLE `{}` (id INT PRIMARY KEY, d DECIMAL(10,1), t DATETIME(3), f FLOAT, y DATE, v VARCHAR(3))",
            target.table
        ))
        .await;
    let schema = structure(&[
        ("id", Node::new(Type::Int32)),
        ("d", named(Type::Bytes, logical::DECIMAL).parameter("scale", "2")),
        ("t", named(Type::Int64, "io.debezium.time.MicroTimestamp")),
        ("f", Node::new(Type::Float32).optional()),
        ("y", named(Type::Int32, "io.debezium.time.Date")),
        ("v", Node::new(Type::String).optional()),
    ]);
    let mut records = Records::new("refused");
    let more = [("insert.mode", "upsert"), ("pk.mode", "record_value"), ("pk.fields", "id")];
    let mut sink = target.sink(&records, &more).await;
    let mut row = |id: i32, at: usize, value: Value| {
        let mut row = vec![int(id), Value::Null, Value::Null, Value::Null, Value::Null, Value::Null];
        row[at] = value;
        records.add(None, Some((&schema, Value::Struct(row))));
    };
    row(0, 1, Value::Bytes(vec![0x0A]));
    row(1, 1, Value::Bytes(vec![0x0B]));
    row(2, 2, Value::Int64(1_500));
    row(3, 2, Value::Int64(9_223_372_036_825_200_000));
    row(4, 3, Value::Float32(f32::NAN));
    row(5, 4, int(i32::MAX));
    row(6, 5, text("ab  "));
    row(7, 5, text("abc"));
    let rejected = records.put_tolerantly(&mut sink).await.unwrap();
    let found: Vec<(usize, String, String)> =
        rejected.iter().map(|(at, e)| (*at, e.code().to_owned(), e.path_text())).collect();
    let expected = [
        (1, "mysql.truncated", "d"),
        (2, "mysql.fraction", "t"),
        (3, "mysql.date-time", "t"),
        (4, "mysql.not-finite", "f"),
        (5, "mysql.date-time", "y"),
        (6, "mysql.truncated", "v"),
    ];
    assert_eq!(found, expected.map(|(at, code, column)| (at, code.to_owned(), column.to_owned())));
    assert_eq!(target.rows(&format!("SELECT id, d, v FROM `{}`", target.table)).await, ["0|0.1|NULL", "7|NULL|abc"]);
}

async fn names_are_only_names(mut target: Target) {
    let names = ["select", "a`b", "c'd", "e\\f", "g; DROP TABLE x; --", "größe", "x y", "n.m", "q\"r"];
    let mut fields = vec![("id", Node::new(Type::Int32))];
    fields.extend(names.iter().map(|name| (*name, Node::new(Type::String).optional())));
    let schema = structure(&fields);
    let table = format!("{}`; DROP TABLE y; --", target.kind as u8);
    target.sql(&format!("DROP TABLE IF EXISTS `{}`", table.replace('`', "``"))).await;
    let mut records = Records::new("names");
    let mut row = vec![int(1)];
    row.extend(names.iter().map(|name| text(name)));
    records.add(None, Some((&schema, Value::Struct(row))));
    let more = [
        ("insert.mode", "upsert"),
        ("pk.mode", "record_value"),
        ("pk.fields", "id"),
        ("auto.create", "true"),
        ("table.name.format", table.as_str()),
    ];
    let mut sink = target.sink(&records, &more).await;
    records.put(&mut sink).await.unwrap();
    let found = target.rows(&format!("SELECT * FROM `{}`", table.replace('`', "``"))).await;
    assert_eq!(found, [format!("1|{}", names.join("|"))]);
    target.sql(&format!("DROP TABLE `{}`", table.replace('`', "``"))).await;
}

/// Random text as key and as value, under the server's own idea of what a backslash is.
async fn texts_of_all_kinds_come_back(mut target: Target) {
    let schema = structure(&[("k", Node::new(Type::String)), ("v", Node::new(Type::String))]);
    let mut records = Records::new("texts");
    let more = [("insert.mode", "upsert"), ("pk.mode", "record_value"), ("pk.fields", "k"), ("auto.create", "true")];
    let mut sink = target.sink(&records, &more).await;
    let alphabet =
        ['\'', '"', '\\', '\0', '\n', '\u{1a}', '%', '_', 'a', 'A', 'ä', ' ', '`', ';', '🍝', '\u{bf}', '\u{5c}'];
    let mut texts = std::collections::BTreeSet::new();
    for i in 0..400_usize {
        let text: String = (0..i % 9).map(|j| alphabet[(i * 7 + j * j * 13 + i / 17) % alphabet.len()]).collect();
        texts.insert(text);
    }
    for value in &texts {
        records.add(None, Some((&schema, Value::Struct(vec![text(value), text(value)]))));
    }
    records.put(&mut sink).await.unwrap();
    let mut found = target.rows(&format!("SELECT v FROM `{}`", target.table)).await;
    found.sort();
    assert_eq!(found, texts.into_iter().collect::<Vec<_>>());
    assert_eq!(target.rows(&format!("SELECT COUNT(*) FROM `{}` WHERE k <> v", target.table)).await, ["0"]);
}

async fn keys_that_differ_little_are_different(mut target: Target) {
    let schema = structure(&[("k", Node::new(Type::String)), ("v", Node::new(Type::Int32))]);
    let mut records = Records::new("collation");
    let more = [("insert.mode", "upsert"), ("pk.mode", "record_value"), ("pk.fields", "k"), ("auto.create", "true")];
    let mut sink = target.sink(&records, &more).await;
    for (i, key) in ["a", "A", "ä", "a ", "", " "].iter().enumerate() {
        records.add(None, Some((&schema, Value::Struct(vec![text(key), int(i as i32)]))));
    }
    records.put(&mut sink).await.unwrap();
    assert_eq!(target.table_rows().await.len(), 6);
}

async fn structures_become_json(mut target: Target) {
    let mut builder = SchemaBuilder::new();
    let root = builder.push(Node::new(Type::Struct));
    builder.field(root, "id", Node::new(Type::Int32));
    let list = builder.field(root, "list", Node::new(Type::Array).optional());
    let item = builder.push(Node::new(Type::String));
    builder.node_mut(list).unwrap().item = Some(item);
    let schema: Arc<Schema> = Arc::new(builder.build().unwrap());
    let row = Value::Struct(vec![int(1), Value::Array(vec![text("a\\'\""), text("b")])]);
    let mut records = Records::new("structures");
    let more = [("insert.mode", "upsert"), ("pk.mode", "record_value"), ("pk.fields", "id"), ("auto.create", "true")];
    let mut sink = target.sink(&records, &more).await;
    records.add(None, Some((&schema, row.clone())));
    let error = records.put(&mut sink).await.unwrap_err();
    assert_eq!((error.code(), error.kind(), error.path_text()), ("mysql.type", ErrorKind::Data, "list".to_owned()));
    let mut sink = target.sink(&records, &[&more[..], &[("complex.handling", "json")]].concat()).await;
    records.add(None, Some((&schema, row)));
    records.put(&mut sink).await.unwrap();
    let found = target
        .rows(&format!("SELECT JSON_LENGTH(list), JSON_UNQUOTE(JSON_EXTRACT(list, '$[0]')) FROM `{}`", target.table))
        .await;
    assert_eq!(found, ["2|a\\'\""]);
}
