//! The decoder as a state machine: order of messages, answers of the host, repetition after errors, changes of tables.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::frame::RecordFrame;
use connect_data::row_image::{Image, Layout};
use connect_data::{Error, ErrorKind, Value};
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{RECEIVED_MS, Stream, settings};
use wal2json::{ColumnSchema, Fed, Lsn, RecordKind, TableAnswer, TableId, TableSchema, Unavailable, UserTypes};

const BEGIN: &str = r#"{"action":"B","xid":5,"timestamp":"2026-01-02 03:04:05.678+00","lsn":"0/20","nextlsn":"0/30"}"#;
const COMMIT: &str = r#"{"action":"C","xid":5,"timestamp":"2026-01-02 03:04:05.678+00","lsn":"0/20","nextlsn":"0/30"}"#;
const PREAMBLE: &str = r#"{"xid":5,"timestamp":"2026-01-02 03:04:05.678+00","change":["#;
const CHUNK: &str =
    r#"{"kind":"insert","schema":"s","table":"t","columnnames":["id"],"columntypes":["integer"],"columnvalues":[1]}"#;

/// A line of format 2 for the table `s.t`.
fn line(action: &str, columns: &str, identity: &str) -> String {
    let row = |key: &str, columns: &str| {
        let columns = columns.split(';').filter(|column| !column.is_empty()).map(|column| {
            let (name, rest) = column.split_once(' ').unwrap();
            let (data_type, value) = rest.split_once('=').unwrap();
            format!(r#"{{"name":"{name}","type":"{data_type}","value":{value}}}"#)
        });
        format!(r#","{key}":[{}]"#, columns.collect::<Vec<_>>().join(","))
    };
    let columns = if columns.is_empty() { String::new() } else { row("columns", columns) };
    let identity = if identity.is_empty() { String::new() } else { row("identity", identity) };
    format!(
        r#"{{"action":"{action}","schema":"s","table":"t"{columns}{identity},"pk":[{{"name":"id","type":"integer"}}]}}"#
    )
}

fn code(result: Result<Vec<support::Event>, Error>) -> String {
    result.unwrap_err().code().to_owned()
}

#[test]
fn what_comes_out_of_order_is_refused() {
    let insert = line("I", "id integer=1", "");
    let comma = format!(",{CHUNK}");
    let whole = r#"{"change":[]}"#;
    for (messages, last) in [
        (vec![], ","),
        (vec![], "]}"),
        (vec![], comma.as_str()),
        (vec![], CHUNK),
        (vec![], COMMIT),
        (vec![BEGIN], BEGIN),
        (vec![BEGIN], PREAMBLE),
        (vec![BEGIN], whole),
        (vec![BEGIN], "]}"),
        (vec![BEGIN], r#"{"action":"C","xid":6}"#),
        (vec![BEGIN], r#"{"action":"T","xid":6,"schema":"s","table":"t"}"#),
        (vec![BEGIN, COMMIT], COMMIT),
        (vec![PREAMBLE], PREAMBLE),
        (vec![PREAMBLE], whole),
        (vec![PREAMBLE], BEGIN),
        (vec![PREAMBLE], insert.as_str()),
        (vec![PREAMBLE], comma.as_str()),
        (vec![PREAMBLE], "x"),
        (vec![PREAMBLE, CHUNK], CHUNK),
        (vec![PREAMBLE, CHUNK, "]}"], "]}"),
    ] {
        let mut stream = Stream::bare(&[]);
        for message in &messages {
            stream.feed(message.as_bytes(), Lsn(0x10)).unwrap();
        }
        let error = stream.feed(last.as_bytes(), Lsn(0x1A)).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("wal2json.out-of-order", ErrorKind::Data), "{messages:?} {last}");
        assert!(error.to_string().contains("LSN 0/1A") && error.hint_text().unwrap().contains("restart"), "{error}");
    }
}

#[test]
fn a_restart_forgets_half_a_transaction() {
    for half in [vec![BEGIN], vec![PREAMBLE, CHUNK]] {
        let mut stream = Stream::bare(&[]);
        for message in half {
            stream.feed(message.as_bytes(), Lsn(0x10)).unwrap();
        }
        assert!(stream.decoder.in_transaction());
        stream.decoder.restart(Some(Lsn(7)));
        assert!(!stream.decoder.in_transaction());
        stream.feed(BEGIN.as_bytes(), Lsn(0x10)).unwrap();
        let events = stream.feed(line("I", "id integer=1", "").as_bytes(), Lsn(0x10)).unwrap();
        assert_eq!(events[0].source("sequence"), Value::String("[\"7\",\"16\"]".to_owned()));
        assert_eq!(events[0].source("ts_ms"), Value::Int64(1_767_323_045_678));
        stream.feed(COMMIT.as_bytes(), Lsn(0x30)).unwrap();
        assert_eq!(stream.decoder.last_commit(), Some(Lsn(0x30)));
    }
}

#[test]
fn messages_and_empty_transactions_give_no_records() {
    let mut stream = Stream::bare(&[]);
    for message in [
        r#"{"action":"M","xid":null,"timestamp":null,"lsn":"0/1","transactional":false,"prefix":"p","content":"c"}"#,
        BEGIN,
        r#"{"action":"M","transactional":true,"prefix":"p","content":"\"\u0001"}"#,
        COMMIT,
        r#"{"change":[{"kind":"message","transactional":false,"prefix":"p","content":"c"}]}"#,
        r#"{"xid":6,"nextlsn":"0/40","change":[{"kind":"message","transactional":true,"prefix":"p","content":"c"}]}"#,
        r#"{"xid":7,"nextlsn":"0/50","change":[]}"#,
        PREAMBLE,
        "\n\t]\n}",
    ] {
        assert_eq!(stream.feed(message.as_bytes(), Lsn(0x60)).unwrap().len(), 0, "{message}");
    }
    assert_eq!(stream.safe, [0x30, 0x40, 0x50, 0x60].map(Lsn));
}

#[test]
fn strictness_names_the_place() {
    for (message, expected) in [
        (r#"{"action":"X"}"#, "wal2json.action"),
        (r#"{"action":"B","action":"B"}"#, "wal2json.duplicate-key"),
        (r#"{"action":"B","xid":-1}"#, "wal2json.json"),
        (r#"{"action":"B","xid":1.5}"#, "wal2json.json"),
        (r#"{"action":"B","lsn":"0-1"}"#, "wal2json.lsn"),
        (r#"{"action":"B","timestamp":"01/02/2026"}"#, "wal2json.timestamp"),
        (r#"{"action":"B"} x"#, "wal2json.json"),
        (r#"{"action":"I","schema":"s"}"#, "wal2json.missing-key"),
        (r#"{"action":"I","table":"t"}"#, "wal2json.missing-key"),
        (r#"{"action":"I","schema":"s","table":"t","columns":[{"type":"integer","value":1}]}"#, "wal2json.missing-key"),
        (r#"{"action":"I","schema":"s","table":"t","columns":[{"name":"a","value":1}]}"#, "wal2json.missing-key"),
        (r#"{"action":"D","schema":"s","table":"t"}"#, "wal2json.no-identity"),
        (r#"{"change":[{"kind":"upsert"}]}"#, "wal2json.action"),
        (r#"{"change":[{"schema":"s"}]}"#, "wal2json.missing-key"),
        (r#"{"xid":1}"#, "wal2json.missing-key"),
        (r#"{"change":[],"change":[]}"#, "wal2json.duplicate-key"),
        (r#"{"change":[{"kind":"insert","columnnames":["a"],"columnvalues":[1,2]}]}"#, "wal2json.lists"),
        (r#"{"change":[{"kind":"insert","columnvalues":[1]}]}"#, "wal2json.missing-key"),
        (r#"{"\u0061ction":"B"}"#, "wal2json.key"),
        ("", "wal2json.json"),
        ("null", "wal2json.json"),
    ] {
        let error = Stream::bare(&[]).feed(message.as_bytes(), Lsn(0x1A)).unwrap_err();
        assert_eq!((error.code(), error.kind()), (expected, ErrorKind::Data), "{message}: {error}");
        assert!(error.to_string().contains("LSN 0/1A"), "{error}");
    }
    assert_eq!(code(Stream::bare(&[]).feed(b"{\"action\":\"\xFF\"}", Lsn(1))), "wal2json.utf8");
    let twice = line("I", "id integer=1;id integer=2", "");
    assert_eq!(code(Stream::bare(&[]).feed(twice.as_bytes(), Lsn(1))), "wal2json.duplicate-column");
    let many = line("I", &(0..2_000).map(|i| format!("c{i} integer=1;")).collect::<String>(), "");
    assert_eq!(code(Stream::bare(&[]).feed(many.as_bytes(), Lsn(1))), "wal2json.columns");
}

#[test]
fn values_that_do_not_fit_name_the_column_and_never_show_it() {
    for (column, expected) in [
        ("c integer=2147483648", "wal2json.value"),
        ("c smallint=1.0", "wal2json.value"),
        ("c bigint=9223372036854775808", "wal2json.value"),
        ("c boolean=\"maybe\"", "wal2json.value"),
        ("c boolean=1", "wal2json.value"),
        ("c text=1", "wal2json.value"),
        ("c text=true", "wal2json.value"),
        ("c numeric(5,2)=1.234", "wal2json.scale"),
        ("c numeric(5,2)=1e5", "wal2json.value"),
        ("c numeric(5,2)=\"NaN\"", "wal2json.special-value"),
        ("c date=\"13.1.2024\"", "wal2json.value"),
        ("c interval=\"P1Y\"", "wal2json.value"),
        ("c bytea=\"0g\"", "wal2json.value"),
        ("c integer[]=\"{1,x}\"", "wal2json.value"),
        ("c integer[]=\"{1\"", "wal2json.value"),
        ("c hstore=\"a=>1\"", "wal2json.value"),
        ("c point=\"(1)\"", "wal2json.value"),
        ("c bit(3)=\"102\"", "wal2json.value"),
        ("c money=\"free\"", "wal2json.value"),
        ("id integer=null", "wal2json.required-null"),
    ] {
        let columns = if column.starts_with("id") { column.to_owned() } else { format!("id integer=1;{column}") };
        let message = line("I", &columns, "");
        let error = Stream::bare(&[]).feed(message.as_bytes(), Lsn(0x1A)).unwrap_err();
        assert_eq!(error.code(), expected, "{column}: {error}");
        let path = error.path_text();
        assert!(path.starts_with("LSN 0/1A.s.t.") && path.contains(column.split(' ').next().unwrap()), "{path}");
        let value = column.split_once('=').unwrap().1.trim_matches('"');
        assert!(value.len() < 4 || value == "null" || !error.to_string().contains(value), "{error}");
    }
}

#[test]
fn numbers_as_strings_are_read_too() {
    let mut stream = Stream::bare(&[("decimal.handling.mode", "double")]);
    let message = line("I", "id integer=\"1\";n numeric=\"NaN\";d double precision=\"-Infinity\";r real=\"1.5\"", "");
    let events = stream.feed(message.as_bytes(), Lsn(1)).unwrap();
    assert!(matches!(events[0].column("after", "n"), Value::Float64(n) if n.is_nan()));
    assert_eq!(events[0].column("after", "d"), Value::Float64(f64::NEG_INFINITY));
    assert_eq!(events[0].column("after", "r"), Value::Float32(1.5));
}

#[test]
fn a_change_of_the_key_is_a_delete_and_a_create() {
    for tombstones in ["true", "false"] {
        let mut stream = Stream::bare(&[("tombstones.on.delete", tombstones)]);
        let message = line("U", "id integer=2;v text=\"x\"", "id integer=1");
        let events = stream.feed(message.as_bytes(), Lsn(1)).unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        if tombstones == "true" {
            assert_eq!(kinds, [RecordKind::Delete, RecordKind::Tombstone, RecordKind::Create]);
            assert_eq!(events[1].headers, events[0].headers);
        } else {
            assert_eq!(kinds, [RecordKind::Delete, RecordKind::Create]);
        }
        let key = |id: i32| Value::Struct(vec![Value::Int32(id)]);
        let last = events.last().unwrap();
        assert_eq!((&events[0].key.1, &last.key.1), (&key(1), &key(2)));
        assert_eq!(events[0].headers, [("__debezium.newkey".to_owned(), key(2))]);
        assert_eq!(last.headers, [("__debezium.oldkey".to_owned(), key(1))]);
        assert_eq!((events[0].part("after"), last.part("before")), (Value::Null, Value::Null));
    }
}

#[test]
fn without_a_catalogue_tables_are_learnt_from_messages() {
    let mut stream = Stream::bare(&[]);
    let mut feed = |message: String| stream.feed(message.as_bytes(), Lsn(1)).unwrap().remove(0);
    let fields = |event: &support::Event| {
        let schema = event.value.0.clone().unwrap();
        let after = schema.field(0, "after").unwrap().1;
        schema.node(after).fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>()
    };
    let text = |text: &str| Value::String(text.to_owned());
    feed(line("I", "id integer=1;a integer=2;big text=\"b\"", ""));
    // An update may leave out a text, which keeps its field.
    let event = feed(line("U", "id integer=1;a integer=3", "id integer=1"));
    assert_eq!(fields(&event), ["id", "a", "big"]);
    assert_eq!(event.column("after", "big"), text("__debezium_unavailable_value"));
    assert_eq!(event.column("before", "big"), Value::Null);
    // A delete shows only the key.
    let event = feed(line("D", "", "id integer=1"));
    assert_eq!(fields(&event), ["id", "a", "big"]);
    // A new column, seen in an update without the text.
    let event = feed(line("U", "id integer=1;a integer=3;c boolean=true", "id integer=1"));
    assert_eq!(fields(&event), ["id", "a", "big", "c"]);
    // An integer is never in TOAST: it was dropped.
    let event = feed(line("U", "id integer=1;c boolean=true", "id integer=1"));
    assert_eq!(fields(&event), ["id", "big", "c"]);
    // A type changed.
    let event = feed(line("U", "id integer=1;c text=\"true\"", "id integer=1"));
    assert_eq!(event.column("after", "c"), text("true"));
    // An insert shows everything there is.
    let event = feed(line("I", "id integer=1;c text=\"x\"", ""));
    assert_eq!(fields(&event), ["id", "c"]);
    // And it goes on where the same shapes come again.
    let event = feed(line("U", "id integer=1", "id integer=1"));
    assert_eq!(event.column("after", "c"), text("__debezium_unavailable_value"));
}

static ASKED: AtomicUsize = AtomicUsize::new(0);

fn catalogue(_: &TableId) -> TableAnswer {
    let column = |name: &str, data_type: &str, toastable: bool| ColumnSchema {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
        optional: name != "id",
        default: None,
        toastable,
    };
    let mut columns = vec![column("id", "integer", false), column("big", "text", true)];
    if ASKED.fetch_add(1, Ordering::SeqCst) > 0 {
        columns.push(column("c", "boolean", false));
    }
    TableAnswer::Known(TableSchema { columns, primary_key: vec!["id".to_owned()], ..TableSchema::default() })
}

#[test]
fn the_host_is_asked_when_a_message_does_not_agree() {
    let mut stream = Stream::new(settings(&[]), UserTypes::from_catalog([]), true, catalogue);
    let feed = |stream: &mut Stream, message: &str| {
        let events = stream.feed(message.as_bytes(), Lsn(1)).unwrap();
        (events.len(), stream.asked.len())
    };
    assert_eq!(feed(&mut stream, &line("I", "id integer=1;big text=\"x\"", "")), (1, 1));
    // A missing TOAST column alone is no reason to ask.
    assert_eq!(feed(&mut stream, &line("U", "id integer=1", "id integer=1")), (1, 1));
    assert_eq!(feed(&mut stream, &line("D", "", "id integer=1")), (2, 1));
    // A new column is; the answer has it, and nobody asks again.
    assert_eq!(feed(&mut stream, &line("I", "id integer=1;big text=\"x\";c boolean=true", "")), (1, 2));
    assert_eq!(feed(&mut stream, &line("I", "id integer=1;big text=\"x\";c boolean=true", "")), (1, 2));
    // The message before the change comes again (a restart): the catalogue does not agree, the message wins.
    assert_eq!(feed(&mut stream, &line("I", "id integer=1;big text=\"x\"", "")), (1, 3));
    // Both shapes in one transaction of format 1: asked once, not for ever.
    let change = |columns: &str| {
        let parts: Vec<_> = columns.split(';').map(|c| c.split(' ').collect::<Vec<_>>()).collect();
        let list = |i: usize| parts.iter().map(|p| p[i].to_owned()).collect::<Vec<_>>().join(",");
        format!(
            r#"{{"kind":"insert","schema":"s","table":"t","columnnames":[{}],"columntypes":[{}],"columnvalues":[{}]}}"#,
            list(0),
            list(1),
            list(2)
        )
    };
    let (old, new) =
        (r#""id" "integer" 1;"big" "text" "x""#, r#""id" "integer" 1;"big" "text" "x";"c" "boolean" true"#);
    let whole = format!(r#"{{"xid":1,"change":[{},{},{}]}}"#, change(old), change(new), change(old));
    assert_eq!(feed(&mut stream, &whole).0, 3);
}

#[test]
fn nothing_is_handed_out_before_the_table_is_known() {
    let store = std::sync::Arc::new(connect_data::InternedSchemas::new());
    let mut decoder = wal2json::Decoder::new(settings(&[]), UserTypes::unknown(), true, store).unwrap();
    let id = TableId { schema: "s".to_owned(), table: "t".to_owned() };
    let message = format!(r#"{{"xid":1,"nextlsn":"0/9","change":[{CHUNK},{CHUNK}]}}"#);
    let mut records = 0;
    let mut feed = |decoder: &mut wal2json::Decoder| {
        let fed = decoder.feed(message.as_bytes(), Lsn(1), 0, &mut |_| {
            records += 1;
            Ok(())
        });
        (fed.unwrap(), records)
    };
    assert_eq!(feed(&mut decoder), (Fed::NeedTable(id.clone()), 0));
    // Fed again without an answer, the message has to do.
    assert_eq!(feed(&mut decoder), (Fed::Accepted { safe: Some(Lsn(9)) }, 2));
    decoder.set_table(&id, TableAnswer::Ignored);
    assert_eq!(feed(&mut decoder), (Fed::Accepted { safe: Some(Lsn(9)) }, 2));
}

#[test]
fn a_message_may_be_repeated_after_an_error_of_the_host() {
    let messages = [BEGIN.to_owned(), line("U", "id integer=2", "id integer=1"), line("I", "id integer=3", "")];
    let run = |fail_at: usize| {
        let mut stream = Stream::bare(&[("provide.transaction.metadata", "true")]);
        let mut orders = Vec::new();
        let mut handed = 0;
        for message in &messages {
            loop {
                let mut of_message = Vec::new();
                let store = stream.store.clone();
                let result = stream.decoder.feed(message.as_bytes(), Lsn(1), RECEIVED_MS, &mut |record| {
                    handed += 1;
                    if handed == fail_at {
                        return Err(Error::outage("broker", "expected an answer, found none"));
                    }
                    of_message.push(support::event(record, &store));
                    Ok(())
                });
                match result {
                    Ok(_) => {
                        let changes = of_message.iter().filter(|e| e.topic.ends_with("s.t") && e.value.0.is_some());
                        orders.extend(changes.map(|event| (event.event, event.part("transaction"))));
                        break;
                    }
                    Err(error) => assert_eq!((error.kind(), error.code()), (ErrorKind::Outage, "broker")),
                }
            }
        }
        orders
    };
    let expected = run(usize::MAX);
    assert_eq!(expected.len(), 3);
    for fail_at in 1..=5 {
        assert_eq!(run(fail_at), expected, "{fail_at}");
    }
}

#[test]
fn unavailable_values_have_a_bit_or_a_stand_in() {
    let insert = line("I", "id integer=1;a text[]=\"{x}\";i integer[]=\"{1}\";h hstore=\"\"", "");
    let update = line("U", "id integer=1", "id integer=1");
    let mut stream = Stream::bare(&[("hstore.handling.mode", "map")]);
    stream.feed(insert.as_bytes(), Lsn(1)).unwrap();
    let error = stream.feed(update.as_bytes(), Lsn(1)).unwrap_err();
    assert_eq!((error.code(), error.path_text().as_str()), ("wal2json.unavailable", "LSN 0/1.s.t.after.i"));
    let mut stream = Stream::bare(&[("hstore.handling.mode", "map"), ("toasted.value.placeholder", "?")]);
    stream.feed(insert.replace("integer[]", "text[]").as_bytes(), Lsn(1)).unwrap();
    let event = stream.feed(update.as_bytes(), Lsn(1)).unwrap().remove(0);
    let stand_in = || Value::String("?".to_owned());
    assert_eq!(event.column("after", "a"), Value::Array(vec![stand_in()]));
    assert_eq!(event.column("after", "h"), Value::Map(vec![(stand_in(), stand_in())]));
    // A host that understands the bit gets it for every type.
    let settings = wal2json::Settings { unavailable: Unavailable::Bit, ..settings(&[]) };
    let mut stream = Stream::new(settings, UserTypes::unknown(), false, |_| TableAnswer::Unknown);
    stream.feed(insert.as_bytes(), Lsn(1)).unwrap();
    let event = stream.feed(update.as_bytes(), Lsn(1)).unwrap().remove(0);
    for column in ["a", "i", "h"] {
        assert_eq!(event.column("after", column), Value::Unavailable, "{column}");
    }
}

#[test]
fn truncates_are_skipped_unless_wanted() {
    let truncate = r#"{"action":"T","schema":"s","table":"t"}"#;
    let mut stream = Stream::bare(&[]);
    stream.feed(line("I", "id integer=1", "").as_bytes(), Lsn(1)).unwrap();
    assert_eq!(stream.feed(truncate.as_bytes(), Lsn(1)).unwrap().len(), 0);
    let mut stream = Stream::bare(&[("truncate.handling.mode", "include")]);
    // Nobody knows the table yet.
    assert_eq!(stream.feed(truncate.as_bytes(), Lsn(1)).unwrap().len(), 0);
    stream.feed(line("I", "id integer=1", "").as_bytes(), Lsn(1)).unwrap();
    let event = stream.feed(truncate.as_bytes(), Lsn(1)).unwrap().remove(0);
    assert_eq!((event.kind, event.part("op")), (RecordKind::Truncate, Value::String("t".to_owned())));
    assert_eq!(
        (event.key.clone(), event.part("before"), event.part("after")),
        ((None, Value::Null), Value::Null, Value::Null)
    );
}

#[test]
fn records_make_frames() {
    let mut stream = Stream::bare(&[]);
    let mut frames = Vec::new();
    let message = line("U", "id integer=2;v text=\"\\u00e9\"", "id integer=1");
    let on_record = &mut |record: &wal2json::Record<'_>| {
        let mut frame = Vec::new();
        record.write_frame(Some(3), Some(99), &mut frame);
        frames.push(frame);
        Ok(())
    };
    stream.decoder.feed(message.as_bytes(), Lsn(1), 0, on_record).unwrap();
    assert_eq!(frames.len(), 3);
    for (i, frame) in frames.iter().enumerate() {
        let record = RecordFrame::read(frame).unwrap();
        assert_eq!((record.topic, record.partition, record.timestamp), ("srv.s.t", Some(3), Some(99)));
        assert_eq!((record.headers.len(), record.value.schema == 0), (1, i == 1));
    }
    // Images are self-contained: the text is in the tail, unescaped.
    let record = RecordFrame::read(&frames[2]).unwrap();
    let schema = connect_data::SchemaStore::get(stream.store.as_ref(), record.value.schema).unwrap();
    let after = schema.field(0, "after").unwrap().1;
    let slot = Layout::of(&schema).slot(schema.field(after, "v").unwrap().1) as usize;
    let image = Image::new(record.value.image, &[]).unwrap();
    assert!(image.is_in_tail(slot));
    assert_eq!(image.text(slot).unwrap(), "é");
}

#[test]
fn names_are_made_fit_for_kafka_and_avro() {
    let mut stream = Stream::bare(&[("sanitize.field.names", "true")]);
    let message =
        line("I", "id integer=1;a.b integer=2;é text=\"x\"", "").replace(r#""table":"t""#, r#""table":"w \"t\" ä""#);
    let event = stream.feed(message.as_bytes(), Lsn(1)).unwrap().remove(0);
    assert_eq!(event.topic, "srv.s.w__t___");
    assert_eq!(event.value.0.as_ref().unwrap().root().name.as_deref(), Some("srv.s.w__t___.Envelope"));
    assert_eq!(event.column("after", "a_b"), Value::Int32(2));
    // The source block has the name as it is.
    assert_eq!(event.source("table"), Value::String("w \"t\" ä".to_owned()));
    let alike = line("I", "id integer=1;a.b integer=2;a_b integer=3", "");
    assert_eq!(code(stream.feed(alike.as_bytes(), Lsn(1))), "wal2json.field-name");
}

#[test]
fn snapshot_rows_have_the_texts_of_copy() {
    let mut stream = Stream::with_catalog(&[]);
    let id = TableId { schema: "public".to_owned(), table: "t_text".to_owned() };
    assert_eq!(stream.decoder.snapshot_plan(&id, &[]).err().unwrap().code(), "wal2json.table");
    stream.decoder.set_table(&id, support::catalog::answer(&id));
    let columns = ["by", "b", "id", "c", "c1", "vc", "vcu", "t", "nm", "ci", "qc"];
    assert_eq!(stream.decoder.snapshot_plan(&id, &columns[..3]).err().unwrap().code(), "wal2json.snapshot");
    let plan = stream.decoder.snapshot_plan(&id, &columns).unwrap();
    let mut values: Vec<Option<&[u8]>> = vec![None; columns.len()];
    for (i, value) in ["\\xdeadbeef", "t", "1"].iter().enumerate() {
        values[i] = Some(value.as_bytes());
    }
    values[7] = Some(b"back\\slash \"quote\"\n");
    let position = wal2json::SnapshotPosition { lsn: Lsn(9), xid: None, ts_ms: 5, last: false };
    let mut events = Vec::new();
    let store = stream.store.clone();
    let mut feed = |stream: &mut Stream, values: &[Option<&[u8]>]| {
        let on_record = &mut |record: &wal2json::Record<'_>| {
            events.push(support::event(record, &store));
            Ok(())
        };
        stream.decoder.snapshot_row(&plan, values, &position, RECEIVED_MS, on_record)
    };
    feed(&mut stream, &values).unwrap();
    assert_eq!(feed(&mut stream, &values[1..]).unwrap_err().code(), "wal2json.snapshot");
    values[1] = Some(b"\xFF");
    assert_eq!(feed(&mut stream, &values).unwrap_err().code(), "wal2json.utf8");
    let event = &events[0];
    assert_eq!((events.len(), event.kind), (1, RecordKind::Read));
    assert_eq!(event.column("after", "by"), Value::Bytes(vec![0xDE, 0xAD, 0xBE, 0xEF]));
    assert_eq!(event.column("after", "b"), Value::Boolean(true));
    assert_eq!(event.column("after", "t"), Value::String("back\\slash \"quote\"\n".to_owned()));
    assert_eq!(event.source("snapshot"), Value::String("true".to_owned()));
    assert_eq!(event.source("sequence"), Value::String("[null,\"9\"]".to_owned()));
    assert_eq!(event.key.1, Value::Struct(vec![Value::Int32(1)]));
}

fn keyed_by_excluded(_: &TableId) -> TableAnswer {
    let column = |name: &str, data_type: &str| ColumnSchema {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
        optional: name == "secret",
        default: None,
        toastable: data_type == "text",
    };
    TableAnswer::Known(TableSchema {
        columns: vec![column("id", "integer"), column("secret", "text"), column("v", "text")],
        primary_key: vec!["id".to_owned()],
        key: Some(vec!["v".to_owned(), "id".to_owned()]),
        excluded: vec!["id".to_owned(), "secret".to_owned()],
    })
}

#[test]
fn excluded_columns_leave_the_row_and_stay_in_the_key() {
    let mut stream = Stream::new(settings(&[]), UserTypes::from_catalog([]), true, keyed_by_excluded);
    let insert = line("I", "id integer=1;secret text=\"s\";v text=\"x\"", "");
    let event = stream.feed(insert.as_bytes(), Lsn(1)).unwrap().remove(0);
    let text = |text: &str| Value::String(text.to_owned());
    assert_eq!(event.key.1, Value::Struct(vec![text("x"), Value::Int32(1)]));
    assert_eq!(event.part("after"), Value::Struct(vec![text("x")]));
    // The replica identity is the primary key, so the old value of the other part is not known: no change of the key.
    let update = line("U", "id integer=1;secret text=\"t\";v text=\"y\"", "id integer=1");
    let events = stream.feed(update.as_bytes(), Lsn(1)).unwrap();
    assert_eq!((events.len(), events[0].kind), (1, RecordKind::Update));
    assert_eq!(code(stream.feed(line("D", "", "id integer=1").as_bytes(), Lsn(1))), "wal2json.key-missing");
    let delete = line("D", "", "id integer=1;secret text=\"t\";v text=\"y\"");
    assert_eq!(
        stream.feed(delete.as_bytes(), Lsn(1)).unwrap()[0].key.1,
        Value::Struct(vec![text("y"), Value::Int32(1)])
    );
}
