//! Rows, tables and types on real MySQL and MariaDB.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod target;

use connect_data::schema::{Node, SchemaBuilder, Type};
use connect_data::{ErrorKind, Schema, Value, logical};
use mysql_sink::Flavour;
use std::sync::Arc;
use target::{Kind, Pasta, Records, Target, UPSERTS, int, structure, text};

on_both!(
    the_story,
    the_story_as_debezium_s_connector_writes_it,
    values_of_all_types_come_back,
    raw_columns_of_another_connector_keep_their_form,
    the_last_state_of_each_key_wins_whatever_the_batches,
    columns_are_added_and_unavailable_ones_left,
    insert_and_update_modes,
    tombstones_without_deletes,
    bad_rows_are_isolated,
    values_that_would_change_are_refused,
    other_unique_indexes_are_refused,
    many_rows_a_statement,
    composite_keys_are_deleted_in_bulk,
    names_are_only_names,
    texts_of_all_kinds_come_back,
    keys_that_differ_little_are_different,
    structures_become_json,
    a_table_that_changes_under_the_sink,
);

/// Section by section what the story does: snapshot, update, rename, delete with its tombstone.
async fn the_story(mut target: Target) {
    let sink = [("insert.mode", "upsert"), ("pk.mode", "record_key"), ("pk.fields", "name"), ("auto.create", "true")];
    tell(&mut target, Flavour::Aiven, &sink, "id,name,cooking_minutes,__deleted").await;
    let last = target.table_rows().await;
    let expected = [
        "4|farfalle|9|false",
        "3|linguine|10|true",
        "2|pennette|6|false",
        "1|spaghetti|8|true",
        "1|spaghettini|8|false",
    ];
    assert_eq!(last, expected);
}

async fn the_story_as_debezium_s_connector_writes_it(mut target: Target) {
    let sink = [("insert.mode", "upsert"), ("primary.key.mode", "record_key"), ("schema.evolution", "basic")];
    tell(&mut target, Flavour::Debezium, &sink, "name,id,cooking_minutes,__deleted").await;
    let definition = target.rows(&format!("SHOW CREATE TABLE `{}`", target.table)).await.concat();
    for column in
        ["`name` varchar(255) NOT NULL", "`id` int", "NOT NULL DEFAULT", "`__deleted` longtext", "PRIMARY KEY (`name`)"]
    {
        assert!(definition.contains(column), "{definition}");
    }
}

async fn tell(target: &mut Target, flavour: Flavour, settings: &[(&str, &str)], columns: &str) {
    let key = structure(&[("name", Node::new(Type::String))]);
    let value = structure(&[
        ("id", Node::new(Type::Int32).default_value(int(0))),
        ("name", Node::new(Type::String)),
        ("cooking_minutes", Node::new(Type::Int32).optional()),
        ("__deleted", Node::new(Type::String).optional()),
    ]);
    let mut records = Records::new("my_pg_source.public.pasta");
    let row = |records: &mut Records, id: i32, name: &str, minutes: i32, deleted: &str| {
        let row = Value::Struct(vec![int(id), text(name), int(minutes), text(deleted)]);
        records.add(Some((&key, Value::Struct(vec![text(name)]))), Some((&value, row)));
    };
    let mut sink = target.sink_of(flavour, &records, settings).await;
    for (id, name, minutes) in [(1, "spaghetti", 8), (2, "pennette", 7), (3, "linguine", 10), (4, "farfalle", 9)] {
        row(&mut records, id, name, minutes, "false");
    }
    row(&mut records, 2, "pennette", 6, "false");
    records.put(&mut sink).await.unwrap();
    let by_name = format!("SELECT id, name, cooking_minutes, __deleted FROM `{}` ORDER BY name", target.table);
    let first = target.rows(&by_name).await;
    assert_eq!(first, ["4|farfalle|9|false", "3|linguine|10|false", "2|pennette|6|false", "1|spaghetti|8|false"]);
    row(&mut records, 1, "spaghetti", 8, "true");
    records.add(Some((&key, Value::Struct(vec![text("spaghetti")]))), None);
    row(&mut records, 1, "spaghettini", 8, "false");
    row(&mut records, 3, "linguine", 10, "true");
    records.add(Some((&key, Value::Struct(vec![text("linguine")]))), None);
    records.put(&mut sink).await.unwrap();
    let last = target.rows(&by_name).await;
    let expected = [
        "4|farfalle|9|false",
        "3|linguine|10|true",
        "2|pennette|6|false",
        "1|spaghetti|8|true",
        "1|spaghettini|8|false",
    ];
    assert_eq!(last, expected);
    assert_eq!(sink.statistics().tombstones_ignored, 2);
    let found = target
        .rows(&format!("SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{}' ORDER BY ORDINAL_POSITION", target.table))
        .await;
    assert_eq!(found.join(","), columns);
    sink.close().await.unwrap();
}

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

/// Random upserts and deletes of few keys, in batches of all sizes, end as a map says. Some upserts leave a column
/// unavailable.
async fn the_last_state_of_each_key_wins_whatever_the_batches(mut target: Target) {
    let pasta = Pasta::new();
    let mut records = Records::new("order");
    let mut sink = target.sink(&records, UPSERTS).await;
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) % below
    };
    let mut model = std::collections::BTreeMap::<i32, (String, i32)>::new();
    for round in 0..60 {
        for _ in 0..=next(if round % 3 == 0 { 8 } else { 200 }) {
            let (id, minutes) = (next(12) as i32, next(1000) as i32);
            match next(4) {
                0 => {
                    pasta.delete(&mut records, id);
                    model.remove(&id);
                }
                1 if model.contains_key(&id) => {
                    pasta.upsert(&mut records, id, Value::Unavailable, int(minutes));
                    model.get_mut(&id).unwrap().1 = minutes;
                }
                _ => {
                    let name = format!("n{}", next(1000));
                    pasta.upsert(&mut records, id, text(&name), int(minutes));
                    model.insert(id, (name, minutes));
                }
            }
        }
        records.put(&mut sink).await.unwrap();
        let expected: Vec<String> =
            model.iter().map(|(id, (name, minutes))| format!("{id}|{name}|{minutes}")).collect();
        assert_eq!(target.table_rows().await, expected, "round {round}");
    }
    let statistics = sink.statistics();
    assert!(statistics.rows_written > 0 && statistics.rows_deleted > 0 && statistics.retries == 0);
}

async fn columns_are_added_and_unavailable_ones_left(mut target: Target) {
    let pasta = Pasta::new();
    let mut records = Records::new("evolve");
    let mut sink = target.sink(&records, UPSERTS).await;
    pasta.upsert(&mut records, 1, text("a"), int(1));
    records.put(&mut sink).await.unwrap();
    // The second schema comes in the middle of a batch, and the first one once more.
    let wider = structure(&[
        ("id", Node::new(Type::Int32)),
        ("NAME", Node::new(Type::String).optional()),
        ("shape", Node::new(Type::String).default_value(text("it's long"))),
        ("weight", Node::new(Type::Int64).default_value(Value::Int64(500))),
        ("origin", Node::new(Type::String).optional()),
    ]);
    pasta.upsert(&mut records, 2, text("b"), int(2));
    let row =
        Value::Struct(vec![int(3), text("__debezium_unavailable_value"), text("short"), Value::Int64(1), Value::Null]);
    records.add(Some((&pasta.key, Value::Struct(vec![int(3)]))), Some((&wider, row)));
    let row = Value::Struct(vec![
        int(1),
        text("__debezium_unavailable_value"),
        text("short"),
        Value::Int64(1),
        Value::Unavailable,
    ]);
    records.add(Some((&pasta.key, Value::Struct(vec![int(1)]))), Some((&wider, row)));
    pasta.upsert(&mut records, 2, text("c"), Value::Null);
    records.put(&mut sink).await.unwrap();
    assert_eq!(
        target.table_rows().await,
        ["1|a|1|short|1|NULL", "2|c|NULL|it's long|500|NULL", "3|NULL|NULL|short|1|NULL"]
    );
    let required = structure(&[("id", Node::new(Type::Int32)), ("must", Node::new(Type::Int32))]);
    let row = Value::Struct(vec![int(4), int(4)]);
    records.add(Some((&pasta.key, Value::Struct(vec![int(4)]))), Some((&required, row)));
    assert_eq!(records.put(&mut sink).await.unwrap_err().code(), "mysql.evolve");
}

async fn insert_and_update_modes(mut target: Target) {
    let pasta = Pasta::new();
    let mut records = Records::new("modes");
    let with = |mode: &'static str| [UPSERTS, &[("insert.mode", mode)]].concat();
    let mut inserts = target.sink(&records, &with("insert")).await;
    pasta.upsert(&mut records, 1, text("a"), int(1));
    pasta.upsert(&mut records, 2, text("b"), int(2));
    records.put(&mut inserts).await.unwrap();
    pasta.upsert(&mut records, 3, text("c"), int(3));
    pasta.upsert(&mut records, 2, text("x"), int(2));
    let error = records.put(&mut inserts).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("mysql.duplicate-key", ErrorKind::Data));
    assert!(error.message().starts_with("record modes-3@1:"), "{error}");
    let mut updates = target.sink(&records, &with("update")).await;
    pasta.upsert(&mut records, 1, text("A"), Value::Unavailable);
    pasta.upsert(&mut records, 9, text("nobody"), int(9));
    pasta.upsert(&mut records, 2, text("B"), Value::Null);
    records.put(&mut updates).await.unwrap();
    assert_eq!(target.table_rows().await, ["1|A|1", "2|B|NULL"]);
    // Rows without a key, and those that Kafka's position names.
    target.sql(&format!("DROP TABLE `{}`", target.table)).await;
    let mut kafka =
        target.sink(&records, &[("pk.mode", "kafka"), ("auto.create", "true"), ("insert.mode", "upsert")]).await;
    for _ in 0..2 {
        pasta.upsert(&mut records, 1, text("a"), int(1));
        pasta.upsert(&mut records, 1, text("a"), int(1));
        records.put(&mut kafka).await.unwrap();
    }
    assert_eq!(target.table_rows().await, ["1|a|1|modes|3|0", "1|a|1|modes|3|1"]);
}

async fn tombstones_without_deletes(mut target: Target) {
    let pasta = Pasta::new();
    let mut records = Records::new("tombstones");
    let base: &[(&str, &str)] = &[("insert.mode", "upsert"), ("pk.mode", "record_key"), ("auto.create", "true")];
    let with = |compat: &'static str| [base, &[("sink.compat", compat)]].concat();
    let mut skips = target.sink(&records, base).await;
    pasta.upsert(&mut records, 1, text("a"), int(1));
    pasta.delete(&mut records, 1);
    pasta.delete(&mut records, 2);
    records.put(&mut skips).await.unwrap();
    assert_eq!(skips.statistics().tombstones_ignored, 2);
    let mut fails = target.sink(&records, &with("confluent")).await;
    pasta.delete(&mut records, 1);
    assert_eq!(records.put(&mut fails).await.unwrap_err().code(), "mysql.tombstone");
    let mut keys = target.sink(&records, &with("aiven-6.6")).await;
    pasta.delete(&mut records, 1);
    pasta.delete(&mut records, 2);
    records.put(&mut keys).await.unwrap();
    assert_eq!(target.table_rows().await, ["1|a|1", "2|NULL|NULL"]);
}

async fn bad_rows_are_isolated(mut target: Target) {
    let pasta = Pasta::new();
    target
        .sql(&format!("CREATE TABLE `{}` (id INT PRIMARY KEY, name VARCHAR(5), minutes TINYINT)", target.table))
        .await;
    let mut records = Records::new("bad");
    let mut sink = target.sink(&records, UPSERTS).await;
    for id in 0..1000 {
        let name = if id == 700 { "too long, and a secret" } else { "ok" };
        pasta.upsert(&mut records, id, text(name), int(if id == 30 { 1000 } else { 1 }));
    }
    // A good state of a key, then one that is refused: the good one stays.
    pasta.upsert(&mut records, 5, text("good"), int(5));
    pasta.upsert(&mut records, 5, text("too long"), int(5));
    let again = records.frames.clone();
    let rejected = records.put_tolerantly(&mut sink).await.unwrap();
    let found: Vec<(usize, &str, String)> = rejected.iter().map(|(at, e)| (*at, e.code(), e.path_text())).collect();
    assert_eq!(
        found,
        [
            (30, "mysql.out-of-range", "minutes".to_owned()),
            (700, "mysql.too-long", "name".to_owned()),
            (1001, "mysql.too-long", "name".to_owned())
        ]
    );
    assert!(rejected[1].1.message().starts_with("record bad-3@700:"));
    assert!(!rejected[1].1.to_string().contains("secret"));
    assert_eq!(target.rows(&format!("SELECT COUNT(*) FROM `{}`", target.table)).await, ["998"]);
    assert_eq!(target.rows(&format!("SELECT * FROM `{}` WHERE id = 5", target.table)).await, ["5|good|5"]);
    // Without tolerance nothing is written, and the first bad record is named.
    target.sql(&format!("DELETE FROM `{}`", target.table)).await;
    let error = sink.put(&records.of(&again), None).await.unwrap_err();
    assert!(error.message().starts_with("record bad-3@30:"), "{error}");
    assert!(target.table_rows().await.is_empty());
    // The sink goes on.
    pasta.upsert(&mut records, 1, text("ok"), int(1));
    records.put(&mut sink).await.unwrap();
    assert_eq!(target.table_rows().await, ["1|ok|1"]);
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

async fn other_unique_indexes_are_refused(mut target: Target) {
    let pasta = Pasta::new();
    let mut records = Records::new("unique");
    target
        .sql(&format!("CREATE TABLE `{}` (id INT PRIMARY KEY, name VARCHAR(9) UNIQUE, minutes INT)", target.table))
        .await;
    let mut sink = target.sink(&records, UPSERTS).await;
    pasta.upsert(&mut records, 1, text("a"), int(1));
    let error = records.put(&mut sink).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("mysql.secondary-unique", ErrorKind::Config));
    let mut sink = target.sink(&records, &[UPSERTS, &[("allow.secondary.unique", "true")]].concat()).await;
    // A name moves from one row to another: only in the order of the records does it work.
    pasta.upsert(&mut records, 2, text("a"), int(1));
    pasta.upsert(&mut records, 2, text("b"), int(1));
    pasta.upsert(&mut records, 1, text("a"), int(1));
    pasta.delete(&mut records, 2);
    pasta.upsert(&mut records, 3, text("b"), int(1));
    records.put(&mut sink).await.unwrap();
    assert_eq!(target.rows(&format!("SELECT * FROM `{}` ORDER BY id", target.table)).await, ["1|a|1", "3|b|1"]);
    target.sql(&format!("ALTER TABLE `{0}` DROP INDEX name, DROP PRIMARY KEY", target.table)).await;
    let mut sink = target.sink(&records, UPSERTS).await;
    pasta.upsert(&mut records, 1, text("a"), int(1));
    assert_eq!(records.put(&mut sink).await.unwrap_err().code(), "mysql.no-unique-key");
}

async fn many_rows_a_statement(mut target: Target) {
    let pasta = Pasta::new();
    let mut records = Records::new("bulk");
    let mut sink = target.sink(&records, UPSERTS).await;
    pasta.upsert(&mut records, 0, text("a"), int(1));
    records.put(&mut sink).await.unwrap();
    let inserts = "SHOW GLOBAL STATUS LIKE 'Com_insert'";
    let count = |rows: Vec<String>| rows[0].split('|').nth(1).unwrap().parse::<u64>().unwrap();
    let before = count(target.rows(inserts).await);
    for id in 0..6000 {
        pasta.upsert(&mut records, id, text("a"), int(1));
    }
    records.put(&mut sink).await.unwrap();
    let statements = count(target.rows(inserts).await) - before;
    // Other tests insert at the same time; none of them in so few statements.
    assert!(sink.statistics().statements <= 3, "{:?}", sink.statistics());
    assert!(statements >= 2, "{statements}");
    assert_eq!(target.rows(&format!("SELECT COUNT(*) FROM `{}`", target.table)).await, ["6000"]);
    // Rows of half a megabyte: statements end before max_allowed_packet.
    let long = "x".repeat(500_000);
    for id in 0..60 {
        pasta.upsert(&mut records, id, text(&long), int(1));
    }
    records.put(&mut sink).await.unwrap();
    assert_eq!(
        target.rows(&format!("SELECT COUNT(*) FROM `{}` WHERE LENGTH(name) = 500000", target.table)).await,
        ["60"]
    );
}

async fn composite_keys_are_deleted_in_bulk(mut target: Target) {
    let key = structure(&[("a", Node::new(Type::Int64)), ("b", Node::new(Type::String))]);
    let value =
        structure(&[("a", Node::new(Type::Int64)), ("b", Node::new(Type::String)), ("v", Node::new(Type::Int32))]);
    let mut records = Records::new("composite");
    let mut sink = target.sink(&records, UPSERTS).await;
    let id = |i: i32| (Value::Int64(i64::from(i / 7)), text(&format!("b{}", i % 7)));
    for i in 0..5000 {
        let (a, b) = id(i);
        let row = Value::Struct(vec![a.clone(), b.clone(), int(i)]);
        records.add(Some((&key, Value::Struct(vec![a, b]))), Some((&value, row)));
    }
    records.put(&mut sink).await.unwrap();
    for i in 0..4990 {
        let (a, b) = id(i);
        records.add(Some((&key, Value::Struct(vec![a, b]))), None);
    }
    let started = std::time::Instant::now();
    records.put(&mut sink).await.unwrap();
    assert!(started.elapsed().as_secs() < 20, "deletes do not use the index: {:?}", started.elapsed());
    assert_eq!(sink.statistics().rows_deleted, 4990);
    assert_eq!(target.rows(&format!("SELECT MIN(v), COUNT(*) FROM `{}`", target.table)).await, ["4990|10"]);
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

/// A column that was there is dropped: the table is read again, and the column added again.
async fn a_table_that_changes_under_the_sink(mut target: Target) {
    let pasta = Pasta::new();
    let mut records = Records::new("changes");
    let mut sink = target.sink(&records, UPSERTS).await;
    pasta.upsert(&mut records, 1, text("a"), int(1));
    records.put(&mut sink).await.unwrap();
    target.sql(&format!("ALTER TABLE `{}` DROP COLUMN minutes", target.table)).await;
    pasta.upsert(&mut records, 2, text("b"), int(2));
    records.put(&mut sink).await.unwrap();
    assert_eq!(target.table_rows().await, ["1|a|NULL", "2|b|2"]);
    target.sql(&format!("DROP TABLE `{}`", target.table)).await;
    pasta.upsert(&mut records, 3, text("c"), int(3));
    records.put(&mut sink).await.unwrap();
    assert_eq!(target.table_rows().await, ["3|c|3"]);
    assert_eq!(target.kind == Kind::MySql, target.table.starts_with("my_"));
}
