//! The captures of `sql/01_changes.sql` against what Debezium 1.7.0.Final made of the same statements
//! (`debezium17/main.jsonl` in its default modes, `debezium17/alt.jsonl` in the other ones): records of each topic in
//! order, their keys, headers, rows and schemas.
//!
//! JsonConverter had put defaults in the place of nulls, so the same is done to our values; LSNs, transactions and times
//! differ from run to run and are checked for their form.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::schema::{Node, SchemaBuilder};
use connect_data::{Schema, Value};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use support::{Event, Line, Stream, capture, catalog, corpus};
use wal2json::{Lsn, RecordKind, SnapshotPosition, TableAnswer, TableId};

/// Columns that are left out of the comparison, each with the reason. A difference that does not occur fails the test.
const DIFFERENCES: [(&str, &str, &str); 16] = [
    (
        "public.toast",
        "big",
        "Debezium drops a column from the schema when an update comes without it: the row loses it",
    ),
    ("public.toast", "bigb", "the same"),
    ("public.toast", "bigj", "the same"),
    ("public.toast_full", "big", "the same, although the old row holds the value"),
    ("public.t_num", "m", "Debezium reads money through a double: 92233720368547758.07 becomes ...760.00"),
    (
        "public.t_text",
        "nm",
        "Debezium has a schema for name and no value: it becomes null unless unknown types are included",
    ),
    ("public.t_time", "ivym", "Debezium does not recognise interval with fields: left out, or octets"),
    ("public.t_arr", "i2", "Debezium turns each row of a two-dimensional array into null; we give its items"),
    ("public.t_arr", "bya", "Debezium leaves out bytea[] even if unknown types are included"),
    ("public.t_geo", "lt", "Debezium has a schema for ltree and no value, as for name"),
    (
        "public.t_geo",
        "l",
        "Debezium formats the numbers of geometric types anew (1.0 for 1); we give PostgreSQL's text",
    ),
    ("public.t_geo", "ls", "the same"),
    ("public.t_geo", "bx", "the same"),
    ("public.t_geo", "pa", "the same"),
    ("public.t_geo", "po", "the same"),
    ("public.t_geo", "c", "the same"),
];

/// Tables that are not compared, each with the reason.
const TABLES: [(&str, &str); 5] = [
    ("public.born_later", "the table was dropped when Debezium looked it up, so it lost the row"),
    ("public.nocols", "Debezium was told to leave it out"),
    (
        "public.ri_index",
        "Debezium takes 0 for a key that the replica identity does not hold, and sees every update change it",
    ),
    ("public.Weird__Table__n_me", "Debezium fails on quotes in names of tables, so it did not see this one"),
    ("public.edge_time", "Debezium fails on three of the rows: see infinite_dates_and_far_years"),
];

struct Expected {
    key: (Option<Schema>, Value),
    value: (Option<Schema>, Value),
    headers: Vec<(String, String)>,
    snapshot: bool,
}

fn expectations(name: &str) -> BTreeMap<String, Vec<Expected>> {
    let read = |file: String| std::fs::read_to_string(corpus(&format!("debezium17/{file}"))).unwrap();
    let schemas: Json = serde_json::from_str(&read(format!("{name}-schemas.json"))).unwrap();
    let datum = |json: &Json| {
        if json.is_null() {
            return (None, Value::Null);
        }
        let schema = connect_json::schema::read(&schemas[json["schema_ref"].as_str().unwrap()]).unwrap();
        let value = connect_json::payload::read(schema.as_ref(), &json["payload"]).unwrap();
        (schema, value)
    };
    let mut topics = BTreeMap::<String, Vec<Expected>>::new();
    for line in read(format!("{name}.jsonl")).lines() {
        let json: Json = serde_json::from_str(line).unwrap();
        let headers = json["headers"].as_array().unwrap().iter();
        let headers = headers.map(|h| (h[0].as_str().unwrap().to_owned(), h[1].as_str().unwrap().to_owned()));
        let topic = json["topic"].as_str().unwrap().split_once('.').unwrap().1.to_owned();
        topics.entry(topic).or_default().push(Expected {
            key: datum(&json["key"]),
            value: datum(&json["value"]),
            headers: headers.collect(),
            snapshot: json["value"]["payload"]["op"] == "r",
        });
    }
    topics
}

/// Our events by topic, without the server's name.
fn by_topic(events: Vec<Event>) -> BTreeMap<String, Vec<Event>> {
    let mut topics = BTreeMap::<String, Vec<Event>>::new();
    for event in events {
        topics.entry(event.topic.split_once('.').unwrap().1.to_owned()).or_default().push(event);
    }
    topics
}

/// The schema and value without these fields anywhere, and with defaults in the place of nulls.
fn reduce(datum: &(Option<Schema>, Value), without: &BTreeSet<&str>) -> (Option<Schema>, Value) {
    let (Some(schema), value) = datum else { return datum.clone() };
    let mut builder = SchemaBuilder::new();
    let value = reduce_node(schema, 0, value, without, &mut builder).1;
    (Some(builder.build().unwrap()), value)
}

fn reduce_node(
    schema: &Schema,
    node: u32,
    value: &Value,
    without: &BTreeSet<&str>,
    builder: &mut SchemaBuilder,
) -> (u32, Value) {
    let definition = schema.node(node);
    let copy = Node { fields: Vec::new(), key: None, item: None, ..definition.clone() };
    let id = builder.push(copy);
    let value = match (value, &definition.default) {
        (Value::Null, Some(default)) => default.clone(),
        _ => value.clone(),
    };
    let mut fields = Vec::new();
    for (i, field) in definition.fields.iter().enumerate() {
        if without.contains(field.name.as_str()) {
            continue;
        }
        let part = match &value {
            Value::Struct(values) => values[i].clone(),
            _ => Value::Null,
        };
        let (child, part) = reduce_node(schema, field.node, &part, without, builder);
        builder.add_field(id, field.name.clone(), child);
        fields.push(part);
    }
    // Keys and items have no defaults.
    let child = |node: Option<u32>, builder: &mut SchemaBuilder| {
        node.map(|node| reduce_node(schema, node, &Value::Null, without, builder).0)
    };
    let key = child(definition.key, builder);
    let item = child(definition.item, builder);
    let definition = builder.node_mut(id).unwrap();
    (definition.key, definition.item) = (key, item);
    (id, if matches!(value, Value::Struct(_)) { Value::Struct(fields) } else { value })
}

fn owned(datum: &(Option<std::sync::Arc<Schema>>, Value)) -> (Option<Schema>, Value) {
    (datum.0.as_deref().cloned(), datum.1.clone())
}

/// The parts of an envelope that differ from run to run: their form is checked, then they are made equal.
fn normalise(datum: &mut (Option<Schema>, Value)) {
    let (Some(schema), Value::Struct(parts)) = datum else { return };
    let place = |name: &str| schema.field(0, name).unwrap();
    let (source, source_node) = place("source");
    let Value::Struct(source) = &mut parts[source] else { panic!("no source") };
    for (name, zero) in [("ts_ms", Value::Int64(0)), ("lsn", Value::Int64(0)), ("txId", Value::Int64(0))] {
        let field = &mut source[schema.field(source_node, name).unwrap().0];
        assert!(matches!(field, Value::Int64(1..)), "{name}");
        *field = zero;
    }
    let field = &mut source[schema.field(source_node, "sequence").unwrap().0];
    let Value::String(sequence) = field else { panic!("no sequence") };
    let sequence: Vec<Option<String>> = serde_json::from_str(sequence).unwrap();
    assert!(sequence.len() == 2 && sequence[1].as_ref().unwrap().parse::<u64>().is_ok());
    *field = Value::Null;
    parts[place("ts_ms").0] = Value::Int64(0);
    let (transaction, _) = place("transaction");
    if let Value::Struct(transaction) = &mut parts[transaction] {
        transaction[0] = Value::String(String::new());
    }
}

/// Our key as the text that JsonConverter writes for a header.
fn header_text(event: &Event, value: &Value) -> String {
    connect_json::payload::write(event.key.0.as_deref(), value).unwrap().to_string()
}

/// Compares; returns the differences listed in [`DIFFERENCES`] that occurred.
fn compare(name: &str, events: Vec<Event>) -> (BTreeSet<(&'static str, &'static str)>, usize) {
    let mut expected = expectations(name);
    let mut found = by_topic(events);
    let mut occurred = BTreeSet::new();
    let mut compared = 0;
    for (table, _) in TABLES {
        expected.remove(table);
        found.remove(table);
    }
    for (topic, records) in &expected {
        if topic == "transaction" {
            continue;
        }
        let ours = without_deletes_of_nulls(found.remove(topic).unwrap_or_default());
        let records: Vec<_> = records.iter().filter(|record| !record.snapshot).collect();
        assert_eq!(records.len(), ours.len(), "{topic}");
        let listed: BTreeSet<_> = DIFFERENCES.iter().filter(|(table, ..)| table == topic).map(|(_, c, _)| *c).collect();
        for (i, (expected, event)) in records.iter().zip(&ours).enumerate() {
            let at = format!("{name} {topic} {i}");
            let none = BTreeSet::new();
            let keys = connect_json::compare::data(&reduce(&expected.key, &none), &reduce(&owned(&event.key), &none));
            assert!(keys.is_empty(), "{at} key: {keys:#?}");
            let headers: Vec<_> = event.headers.iter().map(|(n, v)| (n.clone(), header_text(event, v))).collect();
            // Connect's header converter writes a Date as one.
            let undated = |(name, text): &(String, String)| {
                (
                    name.clone(),
                    text.replace("2024-01-01", "19723").replace("1999-12-31", "10956").replace("2024-01-02", "19724"),
                )
            };
            assert_eq!(expected.headers.iter().map(undated).collect::<Vec<_>>(), headers, "{at}");
            // A listed column is left out of both sides if it differs.
            let mut without = BTreeSet::new();
            for column in &listed {
                let others: BTreeSet<_> = listed.iter().filter(|c| *c != column).copied().collect();
                if !differences(expected, event, &others).is_empty() && differences(expected, event, &listed).is_empty()
                {
                    without.insert(*column);
                    occurred.extend(DIFFERENCES.iter().filter(|d| d.0 == topic && d.1 == *column).map(|d| (d.0, d.1)));
                }
            }
            let values = differences(expected, event, &without);
            assert!(values.is_empty(), "{at} value: {values:#?}");
            compared += 1;
        }
    }
    let extra: Vec<_> =
        found.keys().filter(|topic| !topic.starts_with("public.edge_") && *topic != "transaction").collect();
    assert!(extra.is_empty(), "topics that Debezium does not have: {extra:?}");
    (occurred, compared)
}

/// Format 1 writes no column of an old row of nulls, whereupon Debezium skips the delete and its tombstone.
fn without_deletes_of_nulls(events: Vec<Event>) -> Vec<Event> {
    let of_nulls = |event: &Event| {
        event.kind == RecordKind::Delete
            && event.topic.ends_with("ri_full_nopk")
            && event.column("before", "a").is_null()
    };
    let skipped: Vec<_> =
        (0..events.len()).filter(|i| of_nulls(&events[*i]) || *i > 0 && of_nulls(&events[*i - 1])).collect();
    events.into_iter().enumerate().filter(|(i, _)| !skipped.contains(i)).map(|(_, event)| event).collect()
}

fn differences(expected: &Expected, event: &Event, without: &BTreeSet<&str>) -> Vec<String> {
    let mut expected = reduce(&expected.value, without);
    let mut found = reduce(&owned(&event.value), without);
    normalise(&mut expected);
    normalise(&mut found);
    connect_json::compare::data(&expected, &found)
}

const MAIN: [(&str, &str); 4] = [
    ("database.server.name", "d17_m3"),
    ("database.dbname", "cd17_m3"),
    ("source.version", "1.7.0.Final"),
    ("tombstones.on.delete", "true"),
];

const ALT: [(&str, &str); 10] = [
    ("database.server.name", "d17_alt"),
    ("database.dbname", "cd17_alt"),
    ("source.version", "1.7.0.Final"),
    ("decimal.handling.mode", "string"),
    ("interval.handling.mode", "string"),
    ("hstore.handling.mode", "map"),
    ("binary.handling.mode", "base64"),
    ("time.precision.mode", "connect"),
    ("include.unknown.datatypes", "true"),
    ("provide.transaction.metadata", "true"),
];

/// A capture without the transactions that Debezium was not shown: logical messages, on which its decoder fails, and in
/// the default modes values that these cannot represent.
fn lines(name: &str, edge: bool) -> Vec<Line> {
    let lines = capture(name);
    let unseen = |line: &&Line| line.data.contains("\"before msg\"") || (!edge && line.data.contains("\"edge_"));
    let unseen: BTreeSet<_> = lines.iter().filter(unseen).map(|line| line.xid).collect();
    assert!(!unseen.is_empty());
    lines.into_iter().filter(|line| !unseen.contains(&line.xid)).collect()
}

/// What a capture gives in Debezium's default modes.
fn main_stream(name: &str) -> Vec<Event> {
    let mut stream = Stream::new(support::settings(&MAIN), catalog::types(), true, catalog::answer_of_main);
    stream.feed_all(&lines(name, false)).unwrap()
}

#[test]
fn default_modes_are_those_of_debezium() {
    default_modes("full-v1-debezium17");
}

#[test]
fn default_modes_are_the_same_in_format_2() {
    default_modes("full-v2-pk-xid-ts-lsn");
}

fn default_modes(capture: &str) {
    let (occurred, compared) = compare("main", main_stream(capture));
    let listed: BTreeSet<_> = occurred.iter().map(|(table, column)| format!("{table}.{column}")).collect();
    let expected = [
        "public.t_arr.i2",
        "public.t_geo.lt",
        "public.t_num.m",
        "public.t_text.nm",
        "public.t_time.ivym",
        "public.toast.big",
        "public.toast.bigb",
        "public.toast.bigj",
        "public.toast_full.big",
    ];
    assert_eq!(listed, expected.map(str::to_owned).into());
    assert!(compared > 200, "{compared}");
}

#[test]
fn the_other_modes_are_those_of_debezium() {
    let mut stream = Stream::new(support::settings(&ALT), catalog::types(), true, catalog::answer);
    let events = stream.feed_all(&lines("full-v1-debezium17", true)).unwrap();
    let (occurred, compared) = compare("alt", events);
    assert!(compared > 220, "{compared}");
    for column in ["l", "ls", "bx", "pa", "po", "c"] {
        assert!(occurred.contains(&("public.t_geo", column)), "{column}");
    }
    assert!(occurred.contains(&("public.t_arr", "bya")) && occurred.contains(&("public.t_time", "ivym")));
}

/// Rows that were there before the connector: table, and PostgreSQL's text of each column.
const SNAPSHOT: [(&str, &str); 10] = [
    ("pk_comp", "0|k0|2020-01-01|1.50"),
    ("pk_serial", "1|spaghetti|8"),
    ("pk_serial", "2|pennette|7"),
    ("pk_serial", "3|linguine|10"),
    ("pk_serial", "4|farfalle|9"),
    ("ri_default", "0|0|before"),
    ("ri_full", "0|0|before"),
    ("t_num", "1|1|2|3|4.5||6.70|||8.5|9.25|||1|1"),
    ("t_text", "1|t|abc  |x|vc|vcu|plain|nm|\\xdeadbeef|CiTeXt|q"),
    (
        "t_time",
        "1|2024-02-29|12:34:56.789012|12:34:56|12:34:56.789|12:34:56.789012+02|2024-02-29 12:34:56.789012|\
         2024-02-29 12:34:56|2024-02-29 12:34:56.789|2024-02-29 07:04:56.789012+00|2024-02-29 12:34:56.789+00|\
         1 year 2 mons 3 days 04:05:06.789|1 year 2 mons",
    ),
];

#[test]
fn snapshots_are_those_of_debezium() {
    for (name, modes, answer) in [
        ("main", &MAIN[..], catalog::answer_of_main as fn(&TableId) -> TableAnswer),
        ("alt", &ALT[..], catalog::answer),
    ] {
        let mut stream = Stream::new(support::settings(modes), catalog::types(), true, answer);
        let mut events = Vec::new();
        for (i, (table, row)) in SNAPSHOT.iter().enumerate() {
            let id = TableId { schema: "public".to_owned(), table: (*table).to_owned() };
            stream.decoder.set_table(&id, answer(&id));
            let columns = catalog::table(&id).unwrap().columns;
            let columns: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
            let plan = stream.decoder.snapshot_plan(&id, &columns).unwrap();
            let values: Vec<_> = row.split('|').map(|text| (!text.is_empty()).then_some(text.as_bytes())).collect();
            let last = i + 1 == SNAPSHOT.len();
            let position = SnapshotPosition { lsn: Lsn(9), xid: Some(8), ts_ms: 7, last };
            let store = stream.store.clone();
            let on_record = &mut |record: &wal2json::Record<'_>| {
                events.push(support::event(record, &store));
                Ok(())
            };
            stream.decoder.snapshot_row(&plan, &values, &position, 6, on_record).unwrap();
        }
        let found = by_topic(events);
        let mut compared = 0;
        for (topic, records) in expectations(name) {
            let records: Vec<_> = records.iter().filter(|record| record.snapshot).collect();
            assert_eq!(records.len(), found.get(&topic).map_or(0, Vec::len), "{topic}");
            for (expected, event) in records.iter().zip(found.get(&topic).into_iter().flatten()) {
                let none = BTreeSet::new();
                let keys =
                    connect_json::compare::data(&reduce(&expected.key, &none), &reduce(&owned(&event.key), &none));
                assert!(keys.is_empty(), "{name} {topic} key: {keys:#?}");
                let values = differences(expected, event, &none);
                assert!(values.is_empty(), "{name} {topic} value: {values:#?}");
                compared += 1;
            }
        }
        assert_eq!(compared, SNAPSHOT.len());
    }
}

#[test]
fn what_debezium_loses_is_delivered() {
    let events = main_stream("full-v1-debezium17");
    let last = |table: &str, side: &str, column: &str, id: i32| {
        let mine = |event: &&Event| event.topic.ends_with(table) && event.value.0.is_some();
        let event = events
            .iter()
            .filter(mine)
            .rfind(|event| event.part(side) != Value::Null && event.column(side, "id") == Value::Int32(id));
        event.unwrap_or_else(|| panic!("{table} {id}")).column(side, column)
    };
    let text = |text: &str| Value::String(text.to_owned());
    let cents = |cents: i64| Value::Bytes(cents.to_be_bytes().to_vec());
    assert_eq!(last("t_num", "after", "m", 2), cents(i64::MIN));
    assert_eq!(last("t_num", "after", "m", 3), cents(i64::MAX));
    assert_eq!(last("t_text", "after", "nm", 2), text(""));
    assert_eq!(last("t_geo", "after", "lt", 1), text("Top.Science.Astronomy"));
    assert_eq!(last("t_time", "after", "ivym", 3), Value::Int64(-31_557_600_000_000));
    assert_eq!(last("t_arr", "after", "i2", 1), Value::Array([1, 2, 3, 4].map(Value::Int32).into()));
    // Nobody logs an unchanged TOAST value, but the old row of REPLICA IDENTITY FULL has it.
    assert_eq!(last("public.toast", "after", "big", 2), text("short now"));
    assert_eq!(last("public.toast", "after", "bigj", 2), text("__debezium_unavailable_value"));
    assert_eq!(last("public.toast", "after", "bigb", 2), Value::Bytes(b"__debezium_unavailable_value".to_vec()));
    let big = text(&"abcdefghij".repeat(250));
    assert_eq!(last("toast_full", "after", "big", 2), big);
    assert_eq!(last("toast_full", "before", "big", 2), big);
}

#[test]
fn infinite_dates_and_far_years() {
    let mut stream = Stream::new(support::settings(&ALT), catalog::types(), true, catalog::answer);
    let events = stream.feed_all(&lines("full-v1-debezium17", true)).unwrap();
    let events: Vec<_> = events.iter().filter(|event| event.topic.ends_with("edge_time")).collect();
    let column = |id: i32, name: &str| {
        events.iter().find(|event| event.column("after", "id") == Value::Int32(id)).unwrap().column("after", name)
    };
    let text = |text: &str| Value::String(text.to_owned());
    assert_eq!(events.len(), 6);
    for (id, days, millis, zoned) in [
        (1, i32::MAX, 9_223_372_036_825_200, "infinity"),
        (2, i32::MIN, -9_223_372_036_832_400, "-infinity"),
        (3, -735_160, -63_517_780_800_000, "-0043-03-15T12:00:00Z"),
        (4, -2_440_550, -210_863_520_000_000, "-4712-01-02T00:00:00Z"),
        (5, 2_145_042_905, 9_224_318_015_999_999, "+294276-12-31T23:59:59.999999Z"),
        (6, 2_932_897, 253_402_300_800_000, "+10000-01-01T00:00:00Z"),
    ] {
        assert_eq!(column(id, "d"), Value::Int32(days));
        assert_eq!(column(id, "ts"), Value::Int64(millis));
        assert_eq!(column(id, "tstz"), text(zoned));
    }
    assert_eq!(column(3, "t"), Value::Int32(86_400_000));
    assert_eq!(column(3, "ttz"), text("08:00:01Z"));
    assert_eq!(column(3, "iv"), text("P-178000000Y0M0DT0H0M0S"));
    // In microseconds the last years of PostgreSQL do not fit.
    let mut micros = Stream::new(support::settings(&MAIN), catalog::types(), true, catalog::answer_of_main);
    let error = micros.feed_all(&capture("full-v1-debezium17")).unwrap_err();
    assert_eq!(
        (error.code(), error.path_text().as_str()),
        ("wal2json.value", "LSN 0/4B260B0.public.edge_time.after.ts")
    );
}

#[test]
fn transactions_are_those_of_debezium() {
    let mut stream = Stream::new(support::settings(&ALT), catalog::types(), true, catalog::answer);
    let mut found = by_topic(stream.feed_all(&lines("full-v1-debezium17", true)).unwrap());
    let expected = expectations("alt");
    // Each record without the transaction's number, which differs from run to run, and what happened in between.
    let anonymous = |datum: (Option<Schema>, Value)| {
        let mut json = connect_json::write(datum.0.as_ref(), &datum.1).unwrap();
        assert!(json["payload"]["id"].take().as_str().unwrap().parse::<u64>().unwrap() > 0);
        json
    };
    let kinds = |event: &Event| matches!(event.kind, RecordKind::TransactionBegin | RecordKind::TransactionEnd);
    let found = found.remove("transaction").unwrap();
    assert!(found.iter().all(kinds));
    let ends = |records: Vec<Json>| -> Vec<Json> {
        records.into_iter().filter(|json| json["payload"]["event_count"].as_i64().unwrap_or(0) > 0).collect()
    };
    let found: Vec<_> = found.iter().map(|event| anonymous(owned(&event.value))).collect();
    let expected: Vec<_> = expected["transaction"].iter().map(|e| anonymous(e.value.clone())).collect();
    // Empty transactions (DDL, vacuum) are not the same ones in both runs.
    let (found, mut expected) = (ends(found), ends(expected));
    assert_eq!(found[0]["schema"], expected[0]["schema"]);
    let tables = |json: &Json| json["payload"]["data_collections"].clone();
    let differ = |json: &Json| {
        let text = tables(json).to_string();
        ["ri_index", "ri_full_nopk", "nocols", "born_later", "Weird", "edge_time"]
            .iter()
            .any(|table| text.contains(table))
    };
    let found: Vec<_> = found.iter().filter(|json| !differ(json)).map(tables).collect();
    expected.retain(|json| !differ(json));
    assert!(expected.len() > 80, "{}", expected.len());
    assert_eq!(found, expected.iter().map(tables).collect::<Vec<_>>());
}
