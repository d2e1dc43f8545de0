//! Every capture of the corpus decodes, or fails with the error that its options deserve; the formats agree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::Value;
use std::collections::BTreeSet;
use support::{Event, Line, Stream, capture, captures};
use wal2json::{Lsn, RecordKind, TableId, UserTypes};

/// Options that take away what an event cannot do without.
fn documented_error(name: &str) -> Option<&'static str> {
    match name {
        "m-v1-include-schemas-false" | "m-v2-include-schemas-false" => Some("wal2json.missing-key"),
        "m-v1-include-types-false" | "m-v2-include-types-false" => Some("wal2json.missing-key"),
        // A bit(10) looks like one bit. Format 2 ignores the option.
        "m-v1-include-typmod-false" => Some("wal2json.value"),
        _ => None,
    }
}

#[test]
fn every_capture_decodes_without_a_catalogue() {
    let mut decoded = 0;
    for name in captures() {
        // Microseconds cannot hold the last years of PostgreSQL, which the full captures contain.
        let modes: &[_] = if name.starts_with("full") { &[("time.precision.mode", "connect")] } else { &[] };
        let mut stream = Stream::bare(modes);
        let mut lines = capture(&name);
        // The old row of this table has no key: see deletes_without_a_key_are_refused.
        lines.retain(|line| !(line.data.contains("ri_index") && is_delete(line) && with_pk(&name)));
        match (stream.feed_all(&lines), documented_error(&name)) {
            (Ok(events), None) => {
                assert!(!stream.decoder.in_transaction(), "{name}");
                decoded += events.len();
            }
            (Err(error), Some(code)) => {
                assert_eq!(error.code(), code, "{name}");
                assert!(error.hint_text().unwrap().contains("include-"), "{name}: {error}");
            }
            (Err(error), None) => panic!("{name}: {error}"),
            (Ok(_), Some(code)) => panic!("{name}: expected {code}"),
        }
    }
    assert!(decoded > 2_500, "{decoded}");
}

fn is_delete(line: &Line) -> bool {
    line.data.contains("\"delete\"") || line.data.contains("\"action\":\"D\"")
}

fn with_pk(name: &str) -> bool {
    name.contains("pk") || name.ends_with("-all")
}

#[test]
fn every_capture_decodes_with_the_catalogue() {
    for name in captures() {
        let modes: &[_] = if name.starts_with("full") { &[("time.precision.mode", "connect")] } else { &[] };
        let mut stream = Stream::with_catalog(modes);
        let result = stream.feed_all(&capture(&name));
        match documented_error(&name) {
            // The catalogue knows the types, but a message that names one is believed.
            Some(code) if !name.contains("types") => assert_eq!(result.unwrap_err().code(), code, "{name}"),
            _ => {
                let events = result.unwrap_or_else(|e| panic!("{name}: {e}"));
                assert!(!events.is_empty() || name.contains("actions") || name.contains("tables"), "{name}");
            }
        }
        // Only the table whose shape changes is asked for more than once.
        let mut asked: Vec<_> = stream.asked.iter().filter(|id| id.table != "ddl").collect();
        let count = asked.len();
        asked.sort();
        asked.dedup();
        assert_eq!(asked.len(), count, "{name}");
    }
}

/// What an event says of its row: not where it stands in the log.
fn essence(events: &[Event]) -> Vec<(String, RecordKind, Value, Value, Value)> {
    let part = |event: &Event, name: &str| if event.value.0.is_some() { event.part(name) } else { Value::Null };
    events.iter().map(|e| (e.topic.clone(), e.kind, e.key.1.clone(), part(e, "before"), part(e, "after"))).collect()
}

#[test]
fn the_formats_agree() {
    for catalog in [false, true] {
        let decode = |name: &str| {
            let modes = [("time.precision.mode", "connect")];
            let mut stream = if catalog { Stream::with_catalog(&modes) } else { Stream::bare(&modes) };
            let mut lines = capture(name);
            lines.retain(|line| catalog || !(line.data.contains("ri_index") && is_delete(line)));
            let mut events = stream.feed_all(&lines).unwrap();
            // Format 1 has no TRUNCATE, and leaves nulls out of old rows.
            events.retain(|event| event.kind != RecordKind::Truncate);
            // The catalogue does not have it, and only some captures tell its key.
            events.retain(|event| !event.topic.ends_with("born_later"));
            events
        };
        let mut pairs = vec![
            ("full-v1-default", "full-v2-default"),
            ("m-v1-default", "m-v2-default"),
            ("m-v1-default", "m-v1-pretty-print-true"),
            ("m-v1-default", "m-v1-write-in-chunks-true"),
            ("m-v1-default", "m-v1-chunks-pretty-lsn"),
            ("m-v2-default", "m-v2-include-lsn-true"),
            ("m-v1-include-not-null-true", "m-v2-include-not-null-true"),
        ];
        if catalog {
            // Format 1 leaves out the primary key of tables with REPLICA IDENTITY FULL.
            pairs.extend([("m-v1-include-pk-true", "m-v2-include-pk-true"), ("m-v1-all", "m-v2-all")]);
            pairs.push(("full-v1-debezium17", "full-v2-pk-xid-ts-lsn"));
        }
        for (one, other) in pairs {
            let (one_events, other_events) = (decode(one), decode(other));
            assert!(one_events.len() > 20, "{one}: {}", one_events.len());
            let (one_essence, other_essence) = (essence(&one_events), essence(&other_events));
            for (a, b) in one_essence.iter().zip(&other_essence) {
                assert_eq!(a, b, "{one} and {other}, catalogue {catalog}");
            }
            assert_eq!(one_essence.len(), other_essence.len(), "{one} and {other}, catalogue {catalog}");
            let schemas =
                |events: &[Event]| -> Vec<_> { events.iter().map(|e| (e.key.0.clone(), e.value.0.clone())).collect() };
            assert_eq!(schemas(&one_events), schemas(&other_events), "{one} and {other}");
        }
    }
}

#[test]
fn only_ends_of_transactions_are_safe() {
    for name in
        ["full-v2-pk-xid-ts-lsn", "m-v2-all", "full-v1-debezium17", "m-v1-include-lsn-true", "m-v1-chunks-pretty-lsn"]
    {
        let mut stream = Stream::with_catalog(&[("time.precision.mode", "connect")]);
        let lines = capture(name);
        let mut ends = BTreeSet::new();
        for line in &lines {
            let whole = line.data.contains("\"nextlsn\"");
            let v2_end = line.data.contains("\"action\":\"C\"");
            let chunk_end = line.data.trim_start().starts_with(']');
            if v2_end || chunk_end {
                ends.insert(line.lsn);
            } else if whole && !name.contains("chunks") && !line.data.contains("\"action\"") {
                let next = line.data.split("\"nextlsn\":\"").nth(1).unwrap().split('"').next().unwrap();
                ends.insert(Lsn::parse(next.as_bytes()).unwrap());
            }
        }
        stream.feed_all(&lines).unwrap();
        assert!(stream.safe.len() > 15, "{name}");
        assert!(stream.safe.is_sorted(), "{name}");
        assert_eq!(stream.safe.iter().copied().collect::<BTreeSet<_>>(), ends, "{name}");
    }
    // The position of a whole transaction's frame is its beginning, so without nextlsn nothing is safe.
    let mut stream = Stream::with_catalog(&[]);
    stream.feed_all(&capture("m-v1-default")).unwrap();
    assert_eq!(stream.safe, []);
}

#[test]
fn deletes_without_a_key_are_refused() {
    let lines = capture("m-v2-include-pk-true");
    let error = Stream::bare(&[]).feed_all(&lines).unwrap_err();
    assert_eq!(error.code(), "wal2json.key-missing");
    assert!(error.path_text().ends_with("public.ri_index.id"), "{error}");
    assert!(error.hint_text().unwrap().contains("message.key.columns"), "{error}");
}

#[test]
fn without_a_catalogue_user_types_are_text() {
    let mut stream = Stream::bare(&[]);
    let lines: Vec<_> =
        capture("m-v2-include-pk-true").into_iter().take_while(|l| !l.data.contains("ri_index")).collect();
    let events = stream.feed_all(&lines).unwrap();
    let misc = events.iter().find(|event| event.topic.ends_with("t_misc")).unwrap();
    let text = |text: &str| Value::String(text.to_owned());
    assert_eq!(misc.column("after", "m"), text("ok"));
    assert_eq!(misc.column("after", "dp"), text("5"));
    // A host can learn of types later.
    stream.decoder.set_types(support::catalog::types());
    let mut again = Stream::with_catalog(&[]);
    again.decoder.set_types(UserTypes::from_catalog([]));
    let events = again.feed_all(&capture("m-v2-include-pk-true")).unwrap();
    let misc = events.iter().find(|event| event.topic.ends_with("t_misc")).unwrap();
    let after = misc.value.0.as_ref().unwrap().field(0, "after").unwrap().1;
    assert_eq!(misc.value.0.as_ref().unwrap().field(after, "m"), None, "unknown to the catalogue: left out");
    let id = TableId { schema: "public".to_owned(), table: "t_misc".to_owned() };
    assert_eq!(again.decoder.left_out(&id), ["m", "dp", "ds", "dm", "cmp"]);
    assert!(stream.decoder.left_out(&id).is_empty());
}
