//! The reference story (`tests/corpus/story`): a snapshot of four kinds of pasta, an update, a change of the key, a
//! delete. And the replication sessions of `wal2json/transcripts`, frame by frame.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::Value;
use serde_json::Value as Json;
use support::{Event, RECEIVED_MS, Stream, corpus, event, settings};
use wal2json::{ColumnSchema, Lsn, RecordKind, SnapshotPosition, TableAnswer, TableId, TableSchema, UserTypes};

fn pasta(id: &TableId) -> TableAnswer {
    assert_eq!(id.to_string(), "public.pasta");
    let column = |name: &str, data_type: &str, optional: bool, default: Option<&str>| ColumnSchema {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
        optional,
        default: default.map(str::to_owned),
        toastable: data_type.starts_with("character"),
    };
    TableAnswer::Known(TableSchema {
        columns: vec![
            column("id", "integer", false, Some("nextval('pasta_id_seq'::regclass)")),
            column("name", "character varying", false, None),
            column("cooking_minutes", "integer", true, None),
        ],
        primary_key: vec!["name".to_owned()],
        ..TableSchema::default()
    })
}

/// The story as our decoder tells it.
fn tell() -> Vec<Event> {
    let settings = settings(&[
        ("database.server.name", "my_pg_source"),
        ("database.dbname", "pasta_db_17_json"),
        ("source.version", "1.7.0.Final"),
    ]);
    let mut stream = Stream::new(settings, UserTypes::from_catalog([]), true, pasta);
    let id = TableId { schema: "public".to_owned(), table: "pasta".to_owned() };
    stream.decoder.set_table(&id, pasta(&id));
    let plan = stream.decoder.snapshot_plan(&id, &["id", "name", "cooking_minutes"]).unwrap();
    let mut events = Vec::new();
    let rows = [("1", "spaghetti", "8"), ("2", "pennette", "7"), ("3", "linguine", "10"), ("4", "farfalle", "9")];
    for (i, (number, name, minutes)) in rows.into_iter().enumerate() {
        let values = [Some(number.as_bytes()), Some(name.as_bytes()), Some(minutes.as_bytes())];
        let position =
            SnapshotPosition { lsn: Lsn(48_975_664), xid: Some(795), ts_ms: 1_795_391_235_250, last: i == 3 };
        let store = stream.store.clone();
        let on_record = &mut |record: &wal2json::Record<'_>| {
            events.push(event(record, &store));
            Ok(())
        };
        stream.decoder.snapshot_row(&plan, &values, &position, RECEIVED_MS, on_record).unwrap();
    }
    let row = |key: &str, id: i32, name: &str, minutes: i32| {
        format!(
            r#""{key}":[{{"name":"id","type":"integer","value":{id}}},{{"name":"name","type":"character varying","value":"{name}"}},{{"name":"cooking_minutes","type":"integer","value":{minutes}}}]"#
        )
    };
    let lines = [
        ("U", format!("{},{}", row("columns", 2, "pennette", 6), row("identity", 2, "pennette", 7))),
        ("U", format!("{},{}", row("columns", 1, "spaghettini", 8), row("identity", 1, "spaghetti", 8))),
        ("D", row("identity", 3, "linguine", 10)),
    ];
    for (i, (action, rows)) in lines.into_iter().enumerate() {
        let begin = 48_975_768 + 1_000 * i as u64;
        let end = Lsn(begin + 500);
        let head = format!(r#""xid":{},"timestamp":"2026-11-22 23:47:16.197+00""#, 796 + i);
        let change = format!(r#"{{"action":"{action}",{head},"schema":"public","table":"pasta",{rows}}}"#);
        for (line, lsn) in [
            (format!(r#"{{"action":"B",{head},"nextlsn":"{end}"}}"#), Lsn(begin)),
            (change, Lsn(begin)),
            (format!(r#"{{"action":"C",{head},"nextlsn":"{end}"}}"#), end),
        ] {
            events.extend(stream.feed(line.as_bytes(), lsn).unwrap());
        }
        assert_eq!(stream.safe.last(), Some(&end));
    }
    // The host described the table in advance, so nobody asked.
    assert_eq!(stream.asked, []);
    events
}

#[test]
fn the_story_is_told_as_debezium_tells_it() {
    let text = std::fs::read_to_string(corpus("../story/pasta-17-json-mysql.jsonl")).unwrap();
    let expected: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found = tell();
    assert_eq!((expected.len(), found.len()), (10, 10));
    let mut commits = Vec::new();
    for (i, (expected, found)) in expected.iter().zip(&found).enumerate() {
        assert_eq!(expected["topic"], found.topic.as_str(), "{i}");
        let key = (found.key.0.as_deref().cloned(), found.key.1.clone());
        let differences = connect_json::compare::data(&connect_json::read(&expected["key"]).unwrap(), &key);
        assert!(differences.is_empty(), "{i} key: {differences:#?}");
        let headers = expected["headers"].as_array().unwrap().iter();
        let headers: Vec<_> = headers.map(|h| (h[0].as_str().unwrap(), h[1].as_str().unwrap().to_owned())).collect();
        let text = |value: &Value| connect_json::payload::write(found.key.0.as_deref(), value).unwrap().to_string();
        assert_eq!(headers, found.headers.iter().map(|(n, v)| (n.as_str(), text(v))).collect::<Vec<_>>(), "{i}");
        if expected["value"].is_null() || expected["value"]["payload"].is_null() {
            assert_eq!((found.kind, &found.value), (RecordKind::Tombstone, &(None, Value::Null)), "{i}");
            continue;
        }
        // Positions and times are those of another run.
        let mut masked = expected["value"].clone();
        let source = &mut masked["payload"]["source"];
        let int = |value: Value| match value {
            Value::Int64(value) => value,
            other => panic!("{other:?}"),
        };
        for name in ["ts_ms", "lsn", "txId"] {
            source[name] = int(found.source(name)).into();
        }
        let Value::String(sequence) = found.source("sequence") else { panic!("no sequence") };
        let sequence: Vec<Option<String>> = serde_json::from_str(&sequence).unwrap();
        let theirs: Vec<Option<String>> = serde_json::from_str(source["sequence"].as_str().unwrap()).unwrap();
        assert_eq!(sequence[0].is_some(), theirs[0].is_some(), "{i}");
        assert_eq!(sequence[1].as_ref().unwrap(), &found.lsn.0.to_string());
        commits.extend(sequence[0].clone());
        let Value::String(ours) = found.source("sequence") else { panic!() };
        source["sequence"] = ours.into();
        masked["payload"]["ts_ms"] = RECEIVED_MS.into();
        let value = (found.value.0.as_deref().cloned(), found.value.1.clone());
        let differences = connect_json::compare::data(&connect_json::read(&masked).unwrap(), &value);
        assert!(differences.is_empty(), "{i} value: {differences:#?}");
    }
    // The end of the transaction before: none for the first, then each in turn; both halves of the change share one.
    assert_eq!(commits, ["48976268", "48976268", "48977268"]);
    let event_numbers: Vec<_> = found[4..].iter().map(|event| event.event).collect();
    assert_eq!(event_numbers, [0, 0, 0, 1, 0, 0]);
}

/// Frames of a session: position and data.
fn frames(name: &str) -> (Vec<(Lsn, String)>, String) {
    let text = std::fs::read_to_string(corpus(&format!("transcripts/{name}.txt"))).unwrap();
    let mut frames: Vec<(Lsn, String)> = Vec::new();
    let mut status = String::new();
    for line in text.lines() {
        if let Some((lsn, data)) = line.strip_prefix("w ").and_then(|rest| rest.split_once(' ')) {
            frames.push((Lsn(u64::from_str_radix(lsn, 16).unwrap()), data.to_owned()));
        } else if line.contains("|wal2json|") {
            status = line.to_owned();
        } else if let Some((_, data)) = frames.last_mut() {
            data.push('\n');
            data.push_str(line);
        }
    }
    assert!(frames.len() >= 3 && !status.is_empty(), "{name}");
    (frames, status)
}

#[test]
fn sessions_decode_and_end_at_their_last_commit() {
    for (name, events, safe) in [
        ("v1_batch_debezium17", 7, false),
        ("v1_streaming_debezium17", 7, true),
        ("v1_truncate_action", 7, true),
        ("v2_full", 7 + 2, true),
        ("v2_filtered_notx", 7, false),
    ] {
        let (frames, status) = frames(name);
        let mut stream = Stream::bare(&[]);
        let mut found = Vec::new();
        for (lsn, data) in &frames {
            found.extend(stream.feed(data.as_bytes(), *lsn).unwrap_or_else(|e| panic!("{name}: {e}")));
        }
        found.retain(|event| event.topic.ends_with("pasta"));
        // pennette, linguine and fusilli, spaghetti's change; the last with its tombstone only where the key is known.
        let kinds: Vec<_> = found.iter().map(|event| event.kind).collect();
        use RecordKind::{Create, Delete, Tombstone, Update};
        let expected = if name == "v2_full" {
            vec![Create, Update, Delete, Tombstone, Create, Delete, Tombstone]
        } else {
            vec![Create, Update, Update, Delete, Tombstone]
        };
        let _ = events;
        assert_eq!(kinds, expected, "{name}");
        // What the session acknowledged in the end is the last end of a transaction.
        let acknowledged = status.rsplit(' ').next().unwrap();
        let last = safe.then(|| Lsn::parse(acknowledged.as_bytes()).unwrap());
        assert_eq!(stream.safe.last().copied(), last, "{name}");
    }
}

#[test]
fn big_numbers_keep_every_digit() {
    let (frames, _) = frames("v2_full");
    let mut stream = Stream::bare(&[("decimal.handling.mode", "string")]);
    let mut wide = None;
    for (lsn, data) in &frames {
        let events = stream.feed(data.as_bytes(), *lsn).unwrap();
        wide = events.into_iter().find(|event| event.topic.ends_with("wide")).or(wide);
    }
    let wide = wide.unwrap();
    let text = |text: &str| Value::String(text.to_owned());
    assert_eq!(wide.column("after", "b"), Value::Int64(9_007_199_254_740_993));
    assert_eq!(wide.column("after", "big"), text("123456789012345678901234.5678901234"));
    assert_eq!(wide.column("after", "n"), text("1.10"));
    assert_eq!(wide.column("after", "j"), text("{\"a\": 1}"));
}
