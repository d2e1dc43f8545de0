use super::*;
use crate::registry::Performer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use connect_data::Properties;
use connect_data::frame::{Answer, Exchange};
use schema_registry::{RegistryClient, RegistryConfig};
use serde_json::Value;
use std::path::{Path, PathBuf};

#[derive(Parser)]
struct Cat {
    #[command(flatten)]
    arguments: Arguments,
}

/// A registry that holds these schemas by id.
struct Registry(Value);

impl Performer for Registry {
    fn perform(&self, exchange: &Exchange) -> Option<Answer> {
        let id = exchange.url.split("/schemas/ids/").nth(1)?.split('?').next()?;
        let (status, body) = match self.0.get(id) {
            Some(schema) => (200, serde_json::json!({ "schema": schema.to_string() })),
            None => (404, serde_json::json!({"error_code": 40403, "message": "Schema not found"})),
        };
        Some(Answer { id: exchange.id, status, headers: Vec::new(), body: body.to_string().into_bytes() })
    }

    fn now_ms(&self) -> i64 {
        0
    }
}

fn output(line: &[&str], schemas: Value) -> Output {
    let arguments = Cat::parse_from(["cat", "-t", "t"].iter().chain(line)).arguments;
    let settings = Properties::from_iter([("schema.registry.url", "http://registry")]);
    let client = RegistryClient::new(RegistryConfig::new(&settings).unwrap());
    let style = arguments.style();
    let schemas = Schemas::new(client, Box::new(Registry(schemas)), style);
    let deserializers = arguments.deserializers().unwrap();
    Output::new(&arguments, deserializers, Some(schemas)).unwrap()
}

fn message<'a>(key: Option<&'a [u8]>, value: Option<&'a [u8]>) -> Message<'a> {
    Message {
        topic: "t",
        partition: 3,
        offset: 17,
        timestamp: Timestamp::Create(1_639_385_467_890),
        broker: 1,
        headers: None,
        key,
        value,
    }
}

fn written(output: &mut Output, message: &Message<'_>) -> String {
    let mut out = Vec::new();
    assert_eq!(output.write(message, &mut out), []);
    String::from_utf8(out).unwrap()
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Octets of a key or value of the story; `None` for a tombstone.
fn raw(record: &Value, field: &str) -> Option<Vec<u8>> {
    Some(STANDARD.decode(record[field]["raw_base64"].as_str()?).unwrap())
}

fn story(run: &str) -> (Vec<Value>, Value) {
    let schemas = std::fs::read_to_string(repository(&format!("tests/corpus/story/{run}-schemas.json"))).unwrap();
    (lines(&repository(&format!("tests/corpus/story/{run}.jsonl"))), serde_json::from_str(&schemas).unwrap())
}

/// The messages that Debezium 1.7 wrote, and the lines that kcat makes of them.
#[test]
fn the_story_is_printed_byte_for_byte() {
    let (records, schemas) = story("pasta-17-ccompat-mysql");
    let expected = lines(&repository("tests/e2e/expected/pasta-topic-avro.jsonl"));
    assert_eq!((records.len(), expected.len()), (10, 10));
    let mut output = output(&["-s", "avro", "-f", "Key: %k\\nValue: %s\\n"], schemas);
    for (record, expected) in records.iter().zip(&expected) {
        let (key, value) = (raw(record, "key"), raw(record, "value"));
        let printed = written(&mut output, &message(key.as_deref(), value.as_deref()));
        let text = |field: &str| expected[field].as_str().unwrap_or("");
        assert_eq!(printed, format!("Key: {}\nValue: {}\n", text("key"), text("value")));
    }
}

/// What another reader found in the same bytes, without the names of records in unions.
fn flat(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.len() == 2 && items[0].is_string() && items[1].is_object() => flat(&items[1]),
        Value::Array(items) => items.iter().map(flat).collect(),
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), flat(value))).collect(),
        other => other.clone(),
    }
}

#[test]
fn plain_json_agrees_with_another_reader() {
    let mut compared = 0;
    for run in [
        "pasta-17-apicurio-maria",
        "pasta-17-ccompat-mysql",
        "pasta-17-karapace-maria",
        "pasta-17-karapace-mysql",
        "pasta-3-ccompat-maria",
        "pasta-3-karapace-mysql",
    ] {
        let (records, schemas) = story(run);
        let mut output = output(&["-s", "avro", "-J", "--json"], schemas);
        for record in &records {
            let (key, value) = (raw(record, "key"), raw(record, "value"));
            let printed = written(&mut output, &message(key.as_deref(), value.as_deref()));
            let envelope: Value = serde_json::from_str(&printed).unwrap();
            assert_eq!(envelope["key"], flat(&record["key"]["decoded"]), "{run}");
            assert_eq!(envelope["payload"], flat(&record["value"]["decoded"]), "{run}");
            compared += 1;
        }
    }
    assert_eq!(compared, 60);
}

#[test]
fn formats_are_kcats() {
    let mut all = output(&["-f", "%t [%p] %o %T %K %S %k=%s (%h) %%\\n"], Value::Null);
    let headers = Some(vec![("a", Some(&b"1"[..])), ("b", None), ("c", Some(b""))]);
    let full = Message { headers, ..message(Some(b"key"), Some(b"value")) };
    assert_eq!(written(&mut all, &full), "t [3] 17 1639385467890 3 5 key=value (a=1,b=NULL,c=) %\n");
    let empty = Message { timestamp: Timestamp::None, ..message(None, Some(b"")) };
    assert_eq!(written(&mut all, &empty), "t [3] 17 -1 -1 0 = () %\n");
    let mut null = output(&["-Z", "-f", "%k %s"], Value::Null);
    assert_eq!(written(&mut null, &empty), "NULL NULL");
    let mut binary = output(&["-f", "%R"], Value::Null);
    let mut out = Vec::new();
    for value in [Some(&b"abc"[..]), None] {
        binary.write(&message(None, value), &mut out);
    }
    assert_eq!(out, [0, 0, 0, 3, 0xFF, 0xFF, 0xFF, 0xFF]);
}

#[test]
fn without_a_format_delimiters_count() {
    let schemas = serde_json::json!({"1": "string"});
    let both = message(Some(b"\0\0\0\0\x01\x02k"), Some(b"v"));
    for (line, expected) in [
        (&[][..], "v\n"),
        (&["-K", ":"], "\0\0\0\0\u{1}\u{2}k:v\n"),
        (&["-D", "\\x7c\\t", "-K", "%s"], "\0\0\0\0\u{1}\u{2}k%sv|\t"),
        (&["-s", "key=avro"], "\"k\"v\n"),
        (&["-s", "key=avro", "-s", "value=c", "-K", " "], "\"k\" v\n"),
    ] {
        assert_eq!(written(&mut output(line, schemas.clone()), &both), expected, "{line:?}");
    }
}

#[test]
fn envelopes_are_kcats() {
    let mut plain = output(&["-J"], Value::Null);
    let headers = Some(vec![("a", Some(&b"1\n"[..])), ("b", None)]);
    let mut full = Message { headers, ..message(Some(b"k\"\\/\x01\x1f\x7f"), Some("é".as_bytes())) };
    assert_eq!(
        written(&mut plain, &full),
        concat!(
            r#"{"topic":"t","partition":3,"offset":17,"tstype":"create","ts":1639385467890,"broker":1,"#,
            r#""headers":["a","1\n","b",null],"key":"k\"\\/\u0001\u001F"#,
            "\x7f\",\"payload\":\"é\"}\n"
        )
    );
    (full.timestamp, full.headers, full.key, full.value) = (Timestamp::LogAppend(5), None, None, Some(&b""[..]));
    let expected =
        r#"{"topic":"t","partition":3,"offset":17,"tstype":"logappend","ts":5,"broker":1,"key":null,"payload":""}"#;
    assert_eq!(written(&mut output(&["-J", "-D", ""], Value::Null), &full), expected);
    let mut out = Vec::new();
    plain.write(&message(None, Some(&[0xFF])), &mut out);
    assert!(out.ends_with(b"\"payload\":\"\xFF\"}\n"), "octets that are no UTF-8 stay");
    let mut avro = output(&["-s", "avro", "-J"], serde_json::json!({"1": ["null", "int"]}));
    let printed = written(&mut avro, &message(Some(b"\0\0\0\0\x01\x02\x10"), None));
    assert!(printed.ends_with("\"key\":{\"int\": 8},\"key_schema_id\":1,\"payload\":null}\n"), "{printed}");
}

#[test]
fn schemas_are_found_by_record_headers() {
    let mut avro = output(&["-s", "value=avro", "-f", "%s"], serde_json::json!({"258": "int"}));
    let headers = Some(vec![("__value_schema_id", Some(&[0, 0, 0, 1, 2][..]))]);
    assert_eq!(written(&mut avro, &Message { headers, ..message(None, Some(&[0x10])) }), "8");
}

#[test]
fn what_cannot_be_read_is_told_and_left_out() {
    let schemas =
        serde_json::json!({"1": {"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}});
    for (bytes, code) in [
        (&b"\0\0\0\0\x01\x09"[..], "avro.length"),
        (b"\0\0\0\0\x02\x02", "registry.not-found"),
        (b"plain", "avro.header"),
        (b"\0\0\0", "avro.header"),
    ] {
        let mut out = Vec::new();
        let mut text = output(&["-s", "value=avro", "-f", "<%s>"], schemas.clone());
        let errors = text.write(&message(None, Some(bytes)), &mut out);
        assert_eq!(errors.iter().map(Error::code).collect::<Vec<_>>(), [code]);
        assert_eq!(out, b"<>");
        let mut envelope = output(&["-s", "avro", "-J"], schemas.clone());
        out.clear();
        let errors = envelope.write(&message(Some(b"\0\0\0\0\x01\x02k"), Some(bytes)), &mut out);
        assert_eq!(errors.len(), 1);
        let json: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["key"]["a"], "k");
        assert!(json["payload"].is_null() && json["payload_error"].as_str().unwrap().contains(code), "{json}");
        assert!(json.get("value_schema_id").is_none());
    }
}
