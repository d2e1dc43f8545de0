//! Rows and tables on real MySQL and MariaDB.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod target;

use connect_data::schema::{Node, Type};
use connect_data::{ErrorKind, Value};
use mysql_sink::Flavour;
use target::{Kind, Pasta, Records, Target, UPSERTS, int, structure, text};

on_both!(
    the_story,
    the_story_as_debezium_s_connector_writes_it,
    the_last_state_of_each_key_wins_whatever_the_batches,
    columns_are_added_and_unavailable_ones_left,
    insert_and_update_modes,
    tombstones_without_deletes,
    bad_rows_are_isolated,
    other_unique_indexes_are_refused,
    many_rows_a_statement,
    composite_keys_are_deleted_in_bulk,
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
