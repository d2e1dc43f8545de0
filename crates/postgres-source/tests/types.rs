//! All types, replica identities and schema changes of `tests/corpus/wal2json/sql` through a real server, compared with
//! what Debezium 1.7.0.Final made of the same statements (`debezium17/`): snapshot and stream, payloads and schemas.
//!
//! JsonConverter had put defaults in the place of nulls, so the same is done to our values. LSNs, transactions and times
//! differ from run to run and are checked for their form.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use support::{Database, Event};

/// Columns in which the two differ, each with the reason; one that never differs fails the test.
const DIFFERENCES: [(&str, &str, &str, &str); 23] = [
    ("main", "public.toast", "big", "Debezium loses a column when an update comes without its TOAST value"),
    ("main", "public.toast", "bigb", "the same"),
    ("main", "public.toast", "bigj", "the same"),
    ("main", "public.toast_full", "big", "the same, although the old row holds the value"),
    ("main", "public.t_num", "m", "Debezium reads money through a double"),
    ("main", "public.t_text", "nm", "Debezium has a schema for name and no value"),
    ("main", "public.t_time", "ivym", "Debezium does not recognise interval with fields"),
    ("main", "public.t_arr", "i2", "Debezium turns the rows of a two-dimensional array into nulls"),
    ("main", "public.t_geo", "lt", "Debezium has a schema for ltree and no value"),
    ("alt", "public.toast", "big", "Debezium loses a column when an update comes without its TOAST value"),
    ("alt", "public.toast", "bigb", "the same"),
    ("alt", "public.toast", "bigj", "the same"),
    ("alt", "public.toast_full", "big", "the same, although the old row holds the value"),
    ("alt", "public.t_num", "m", "Debezium reads money through a double"),
    ("alt", "public.t_arr", "i2", "Debezium turns the rows of a two-dimensional array into nulls"),
    ("alt", "public.t_arr", "bya", "Debezium leaves out bytea[] even if unknown types are included"),
    ("alt", "public.t_time", "ivym", "Debezium gives the octets of the text"),
    ("alt", "public.t_geo", "l", "Debezium formats the numbers of geometric types anew"),
    ("alt", "public.t_geo", "ls", "the same"),
    ("alt", "public.t_geo", "bx", "the same"),
    ("alt", "public.t_geo", "pa", "the same"),
    ("alt", "public.t_geo", "po", "the same"),
    ("alt", "public.t_geo", "c", "the same"),
];

/// Tables that are not compared, each with the reason.
const TABLES: [(&str, &str); 6] = [
    ("public.born_later", "Debezium looked it up after it was dropped, and lost its row"),
    ("public.nocols", "Debezium was told to leave it out"),
    ("public.ri_index", "Debezium takes 0 for a key that the replica identity does not hold"),
    ("public.Weird__Table__n_me", "Debezium fails on quotes in names of tables"),
    ("public.edge_time", "Debezium fails on some of its rows"),
    ("public.edge_num", "its rows are of the statements of 02_edge.sql, which are not run here"),
];

/// Tables whose defaults are not compared: which of them a schema shows depends on how far the catalogue was ahead of the
/// stream when the table was looked up, in Debezium as here.
const CHANGING: [&str; 1] = ["public.ddl"];

fn corpus(path: &str) -> PathBuf {
    connect_json::vectors::corpus().join("wal2json").join(path)
}

/// A record of either side: key and value with their schemas.
struct Record {
    key: Json,
    value: Json,
    headers: Vec<String>,
}

fn expectations(name: &str) -> BTreeMap<String, Vec<Record>> {
    let read = |file: String| std::fs::read_to_string(corpus(&format!("debezium17/{file}"))).unwrap();
    let schemas: Json = serde_json::from_str(&read(format!("{name}-schemas.json"))).unwrap();
    let datum = |json: &Json| match json["schema_ref"].as_str() {
        None => json!({"schema": null, "payload": null}),
        Some(schema) => json!({"schema": schemas[schema], "payload": json["payload"]}),
    };
    let mut topics = BTreeMap::<String, Vec<Record>>::new();
    for line in read(format!("{name}.jsonl")).lines() {
        let json: Json = serde_json::from_str(line).unwrap();
        let topic = json["topic"].as_str().unwrap().split_once('.').unwrap().1.to_owned();
        let headers = json["headers"].as_array().unwrap().iter().map(|header| header[0].as_str().unwrap().to_owned());
        let (key, value, headers) = (datum(&json["key"]), datum(&json["value"]), headers.collect());
        topics.entry(topic).or_default().push(Record { key, value, headers });
    }
    topics
}

/// Takes columns out of a schema and a payload, and puts defaults in the place of nulls.
fn reduce(schema: &mut Json, payload: &mut Json, without: &BTreeSet<&str>) {
    if payload.is_null()
        && let Some(default) = schema.get("default")
    {
        *payload = default.clone();
    }
    let Some(fields) = schema.get_mut("fields").and_then(Json::as_array_mut) else { return };
    fields.retain(|field| !without.contains(field["field"].as_str().unwrap()));
    if let Some(object) = payload.as_object_mut() {
        object.retain(|name, _| !without.contains(name.as_str()));
    }
    for field in fields {
        let name = field["field"].as_str().unwrap().to_owned();
        match payload.as_object_mut() {
            Some(object) => reduce(field, object.entry(name).or_insert(Json::Null), without),
            None => reduce(field, &mut Json::Null, without),
        }
    }
}

/// Takes the defaults out of the rows' schemas.
fn forget_defaults(envelope: &mut Json) {
    let sides = envelope.get_mut("fields").and_then(Json::as_array_mut).into_iter().flatten();
    for side in sides.filter(|field| field["field"] == "before" || field["field"] == "after") {
        for column in side["fields"].as_array_mut().unwrap() {
            column.as_object_mut().unwrap().remove("default");
        }
    }
}

/// What differs from run to run, checked and made equal.
fn anonymise(payload: &mut Json) {
    if payload.get("source").is_none() {
        return;
    }
    let source = &mut payload["source"];
    for name in ["ts_ms", "lsn", "txId"] {
        assert!(source[name].as_i64().unwrap() > 0, "{name}");
        source[name] = json!(0);
    }
    let sequence: Vec<Option<String>> = serde_json::from_str(source["sequence"].as_str().unwrap()).unwrap();
    assert!(sequence.len() == 2 && sequence[1].as_ref().unwrap().parse::<u64>().is_ok());
    (source["sequence"], source["name"], source["db"]) = (Json::Null, json!(""), json!(""));
    payload["ts_ms"] = json!(0);
    if payload["transaction"].is_object() {
        payload["transaction"]["id"] = json!("");
    }
}

/// Names of schemas begin with the server's.
fn rename(schema: &mut Json) {
    if let Some(name) = schema.get("name").and_then(Json::as_str)
        && ["d17_m3.", "d17_alt.", "srv."].iter().any(|server| name.starts_with(server))
    {
        schema["name"] = json!(name.split_once('.').unwrap().1);
    }
    for part in ["fields", "items"] {
        match schema.get_mut(part) {
            Some(Json::Array(fields)) => fields.iter_mut().for_each(rename),
            Some(items) => rename(items),
            None => {}
        }
    }
}

fn differences(expected: &Json, found: (&Json, &Json), without: &BTreeSet<&str>) -> Vec<String> {
    let prepared = |(schema, payload): (&Json, &Json)| {
        let (mut schema, mut payload) = (schema.clone(), payload.clone());
        reduce(&mut schema, &mut payload, without);
        rename(&mut schema);
        anonymise(&mut payload);
        connect_json::read(&json!({"schema": schema, "payload": payload})).unwrap()
    };
    connect_json::compare::data(&prepared((&expected["schema"], &expected["payload"])), &prepared(found))
}

fn psql(db: &Database, file: &str) {
    let host = match &db.config.get_hosts()[0] {
        tokio_postgres::config::Host::Tcp(host) => host.clone(),
        _ => panic!("the server has no host"),
    };
    let done = Command::new("psql")
        .args(["--no-psqlrc", "--quiet", "--host", &host, "--dbname", &db.name, "--file"])
        .arg(corpus(file))
        .args(["--username", db.config.get_user().unwrap()])
        .args(["--port", &db.config.get_ports()[0].to_string()])
        .env("PGPASSWORD", std::str::from_utf8(db.config.get_password().unwrap()).unwrap())
        .stdin(Stdio::null())
        .output()
        .expect("psql is needed");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

async fn compare(name: &'static str, database: &str, modes: &[(&str, &str)]) {
    let db = Database::new(database).await;
    psql(&db, "sql/00_schema.sql");
    let mut reader = db.open(modes, None).await.unwrap();
    let mut events = reader.snapshot().await.unwrap();
    let snapshot = events.len();
    psql(&db, "sql/01_changes_d17.sql");
    db.execute("create table the_end (id int primary key); insert into the_end values (1)").await;
    events.extend(reader.until(|events| events.iter().any(|e| e.topic.ends_with("the_end"))).await.unwrap());
    reader.source.close().await.unwrap();
    let mut found = BTreeMap::<String, Vec<Event>>::new();
    for event in events {
        found.entry(event.topic.split_once('.').unwrap().1.to_owned()).or_default().push(event);
    }
    let mut expected = expectations(name);
    for topic in TABLES.iter().map(|(table, _)| *table).chain(["transaction", "public.the_end"]) {
        expected.remove(topic);
        found.remove(topic);
    }
    // Format 1 leaves nulls out of an old row, whereupon Debezium skips the delete of a row of nulls.
    if let Some(events) = found.get_mut("public.ri_full_nopk") {
        let mut skipped = false;
        events.retain(|event| {
            let is_tombstone_of_skipped = skipped && event.value.is_null();
            skipped = event.op() == "d" && event.value["before"]["a"] == Json::Null;
            !skipped && !is_tombstone_of_skipped
        });
    }
    for topic in CHANGING {
        let wanted = expected.get_mut(topic).into_iter().flatten();
        wanted.for_each(|record| forget_defaults(&mut record.value["schema"]));
        let ours = found.get_mut(topic).into_iter().flatten();
        ours.for_each(|event| forget_defaults(Arc::make_mut(&mut event.value_schema)));
    }
    let (mut compared, mut rows, mut occurred) = (0, 0, BTreeSet::new());
    let none = BTreeSet::new();
    for (topic, records) in &expected {
        let ours = found.remove(topic).unwrap_or_default();
        let ops = |payloads: Vec<&Json>| payloads.iter().map(|p| p["op"].as_str().unwrap_or("-")).collect::<String>();
        let wanted = ops(records.iter().map(|record| &record.value["payload"]).collect());
        assert_eq!(wanted, ops(ours.iter().map(|event| &event.value).collect()), "{name} {topic}");
        let listed: Vec<_> =
            DIFFERENCES.iter().filter(|d| d.0 == name && d.1 == topic).map(|(_, _, column, _)| *column).collect();
        for (at, (record, event)) in records.iter().zip(&ours).enumerate() {
            let place = format!("{name} {topic} {at}");
            let keys = differences(&record.key, (&event.key_schema, &event.key), &none);
            assert!(keys.is_empty(), "{place} key: {keys:#?}");
            assert_eq!(record.headers, event.headers.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>(), "{place}");
            // A listed column is left out where it differs.
            let mut without: BTreeSet<_> = listed.iter().copied().collect();
            for column in &listed {
                without.remove(column);
                if !differences(&record.value, (&event.value_schema, &event.value), &without).is_empty() {
                    without.insert(column);
                    occurred.insert((topic.clone(), *column));
                }
            }
            let values = differences(&record.value, (&event.value_schema, &event.value), &without);
            assert!(values.is_empty(), "{place} value: {values:#?}");
            compared += 1;
            rows += usize::from(event.op() == "r");
        }
    }
    assert!(found.is_empty(), "topics that Debezium does not have: {:?}", found.keys());
    let listed: BTreeSet<_> = DIFFERENCES
        .iter()
        .filter(|d| d.0 == name)
        .map(|(_, table, column, _)| ((*table).to_owned(), *column))
        .collect();
    assert_eq!(listed, occurred, "differences that are listed and those that are there");
    assert_eq!(rows, snapshot, "rows of the snapshot");
    assert!(compared > 200, "{compared}");
    println!("{name}: {compared} records compared, {rows} of them rows of the snapshot");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn default_modes_are_those_of_debezium() {
    let modes =
        [("table.exclude.list", "public\\.nocols,public\\.unlogged"), ("column.exclude.list", "public\\.t_num\\.nneg")];
    compare("main", "ps_types_main", &modes).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn the_other_modes_are_those_of_debezium() {
    let modes = [
        ("table.exclude.list", "public\\.nocols"),
        ("decimal.handling.mode", "string"),
        ("interval.handling.mode", "string"),
        ("hstore.handling.mode", "map"),
        ("binary.handling.mode", "base64"),
        ("time.precision.mode", "connect"),
        ("include.unknown.datatypes", "true"),
        ("provide.transaction.metadata", "true"),
    ];
    compare("alt", "ps_types_alt", &modes).await;
}
