use super::*;
use crate::avro_json::Reader;
use crate::avro_schema::Json;

fn schema(text: &str) -> AvroSchema {
    AvroSchema::parse(text, &[]).unwrap()
}

fn printed(schema_text: &str, style: Style, bytes: &[u8]) -> Result<String> {
    let mut out = "before".to_owned();
    let printed = Printer::new(&schema(schema_text), style).print(bytes, 0, &mut out);
    let text = out.strip_prefix("before").unwrap().to_owned();
    match printed {
        Ok(()) => Ok(text),
        Err(error) => {
            assert_eq!(text, "", "nothing is appended on an error");
            Err(error)
        }
    }
}

fn avro(schema: &str, bytes: &[u8]) -> String {
    printed(schema, Style::Avro, bytes).unwrap()
}

fn plain(schema: &str, bytes: &[u8]) -> String {
    printed(schema, Style::Plain, bytes).unwrap()
}

fn read(schema_text: &str, json: &str) -> Result<Vec<u8>> {
    let mut out = vec![7];
    let read = Reader::new(&schema(schema_text)).read(&serde_json::from_str::<Json>(json).unwrap(), &mut out);
    let bytes = out.split_off(1);
    match read {
        Ok(()) => Ok(bytes),
        Err(error) => {
            assert!(bytes.is_empty(), "nothing is appended on an error");
            Err(error)
        }
    }
}

fn code(result: Result<impl std::fmt::Debug>) -> String {
    result.unwrap_err().code().to_owned()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// A record with a value of every type, and what libavro 1.12 with jansson 2.15.1 prints of it.
const ALL: &str = r#"{"type":"record","name":"All","namespace":"a.b","fields":[
    {"name":"nothing","type":"null"},{"name":"yes","type":"boolean"},{"name":"i","type":"int"},{"name":"l","type":"long"},
    {"name":"f","type":"float"},{"name":"d","type":"double"},{"name":"s","type":"string"},{"name":"b","type":"bytes"},
    {"name":"x","type":{"type":"fixed","name":"X","size":3}},
    {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},
    {"name":"z","type":{"type":"record","name":"All2","namespace":"c","fields":[]}},
    {"name":"empty","type":{"type":"array","items":"int"}},
    {"name":"items","type":{"type":"array","items":["null","X","E","string","c.All2","double","bytes"]}},
    {"name":"entries","type":{"type":"map","values":["null",{"type":"array","items":"long"},{"type":"map","values":"float"}]}}]}"#;
const ALL_BYTES: &str = "01ffffffff0fffffffffffffffffff01cdcc8c3f0080e03779c341432a225c2f080c0a0d09011f7f20c3a9e282acf09f8d9d0c00225c7f80ff4100c802000800024142430400060278051a080af168e388b5f8e4be0c02ff00040e6772c3b6c39f6500026102040201000202620402026b82a8fb370000";
const ALL_AVRO: &str = concat!(
    r#"{"nothing": null, "yes": true, "i": -2147483648, "l": -9223372036854775808, "f": 1.100000023841858, "d": 1e16, "#,
    r#""s": "\"\\/\b\f\n\r\t\u0001\u001F"#,
    "\x7f",
    r#" \u00E9\u20AC\uD83C\uDF5D", "b": "\u0000\"\\"#,
    "\x7f",
    r#"\u0080\u00FF", "x": "A\u0000\u00C8", "e": "B", "z": {}, "empty": [], "#,
    r#""items": [null, {"X": "ABC"}, {"E": "A"}, {"string": "x"}, {"All2": {}}, {"double": -1e-5}, {"bytes": "\u00FF"}], "#,
    r#""entries": {"gr\u00F6\u00DFe": null, "a": {"array": [1, -1]}, "b": {"map": {"k": 2.9999999242136255e-5}}}}"#
);

#[test]
fn every_type_comes_out_as_from_libavro() {
    assert_eq!(avro(ALL, &hex(ALL_BYTES)), ALL_AVRO);
}

#[test]
fn plain_json_has_no_trace_of_avro() {
    let expected = concat!(
        r#"{"nothing":null,"yes":true,"i":-2147483648,"l":-9223372036854775808,"f":1.1,"d":1e16,"#,
        r#""s":"\"\\/\b\f\n\r\t\u0001\u001F"#,
        "\x7f é€🍝",
        r#"","b":"ACJcf4D/","x":"QQDI","e":"B","z":{},"empty":[],"items":[null,"QUJD","A","x",{},-1e-5,"/w=="],"#,
        r#""entries":{"größe":null,"a":[1,-1],"b":{"k":3e-5}}}"#
    );
    let text = plain(ALL, &hex(ALL_BYTES));
    assert_eq!(text, expected);
    serde_json::from_str::<Json>(&text).unwrap();
}

/// Through the text and back: the same value, and its bytes but for block sizes.
#[test]
fn what_is_printed_can_be_read() {
    let bytes = read(ALL, ALL_AVRO).unwrap();
    assert_eq!(avro(ALL, &bytes), ALL_AVRO);
    assert_eq!(read(ALL, &avro(ALL, &bytes)).unwrap(), bytes);
    // Java names branches in full.
    let java = ALL_AVRO.replace("{\"X\":", "{\"a.b.X\":").replace("{\"All2\":", "{\"c.All2\":");
    assert_eq!(read(ALL, &java).unwrap(), bytes);
}

#[test]
fn branches_of_one_simple_name_are_told_apart() {
    let union = r#"["null",{"type":"fixed","name":"a.F","size":1},{"type":"fixed","name":"b.F","size":1},{"type":"fixed","name":"c.G","size":1}]"#;
    assert_eq!(avro(union, &[4, b'x']), r#"{"b.F": "x"}"#);
    assert_eq!(avro(union, &[6, b'x']), r#"{"G": "x"}"#);
    assert_eq!(read(union, r#"{"b.F": "x"}"#).unwrap(), [4, b'x']);
    assert_eq!(code(read(union, r#"{"F": "x"}"#)), "avro.json");
}

#[test]
fn numbers_without_words_in_json() {
    let double = |value: f64| avro("\"double\"", &value.to_le_bytes());
    assert_eq!(double(f64::NAN), "\"NaN\"");
    assert_eq!(double(f64::NEG_INFINITY), "\"-Infinity\"");
    assert_eq!(read("\"double\"", "\"Infinity\"").unwrap(), f64::INFINITY.to_le_bytes());
    assert_eq!(read("\"float\"", "\"-Infinity\"").unwrap(), f32::NEG_INFINITY.to_le_bytes());
    assert_eq!(read("\"double\"", "3").unwrap(), 3.0_f64.to_le_bytes());
}

#[test]
fn bytes_at_the_root_have_no_length() {
    assert_eq!(avro("\"bytes\"", &[2, 0xFF]), r#""\u0002\u00FF""#);
    assert_eq!(plain("\"bytes\"", &[]), "\"\"");
    assert_eq!(read("\"bytes\"", r#""\u0002\u00FF""#).unwrap(), [2, 0xFF]);
}

#[test]
fn logical_types_are_readable() {
    let number = |ty: &str, logical: &str, bytes: &[u8]| {
        let schema = format!(r#"{{"type":"{ty}","logicalType":"{logical}","precision":9,"scale":2}}"#);
        assert!(!avro(&format!("[{schema}]"), &[&[0], bytes].concat()).contains('T'), "Avro's JSON knows none");
        plain(&format!("[{schema}]"), &[&[0], bytes].concat())
    };
    let long = |value: i64| read("\"long\"", &value.to_string()).unwrap();
    assert_eq!(number("bytes", "decimal", &[4, 0xFB, 0x2E]), "-12.34");
    assert_eq!(number("int", "date", &long(19_782)), r#""2024-02-29""#);
    assert_eq!(number("int", "time-millis", &long(3_600_001)), r#""01:00:00.001""#);
    assert_eq!(number("int", "time-millis", &long(-1)), "-1");
    assert_eq!(number("long", "time-micros", &long(1)), r#""00:00:00.000001""#);
    assert_eq!(number("long", "timestamp-millis", &long(1_639_385_467_887)), r#""2021-12-13T08:51:07.887Z""#);
    assert_eq!(number("long", "timestamp-micros", &long(0)), r#""1970-01-01T00:00:00Z""#);
    assert_eq!(number("long", "local-timestamp-millis", &long(5)), r#""1970-01-01T00:00:00.005""#);
    assert_eq!(number("long", "unheard-of", &long(5)), "5");
    let fixed = |logical: &str, size: usize| {
        let schema =
            format!(r#"{{"type":"fixed","name":"F","size":{size},"logicalType":"{logical}","precision":4,"scale":1}}"#);
        plain(&schema, &(0..size as u8).collect::<Vec<_>>())
    };
    assert_eq!(fixed("uuid", 16), r#""00010203-0405-0607-0809-0a0b0c0d0e0f""#);
    assert_eq!(fixed("decimal", 3), "25.8");
    let debezium = |ty: &str, name: &str| {
        plain(&format!(r#"{{"type":"{ty}","connect.name":"io.debezium.time.{name}"}}"#), &long(1_500))
    };
    assert_eq!(debezium("int", "Date"), r#""1974-02-09""#);
    assert_eq!(debezium("long", "MicroTime"), r#""00:00:00.001500""#);
    assert_eq!(debezium("long", "MicroTimestamp"), r#""1970-01-01T00:00:00.001500""#);
    assert_eq!(debezium("long", "Timestamp"), r#""1970-01-01T00:00:01.500""#);
    assert_eq!(debezium("long", "MicroDuration"), "1500");
}

#[test]
fn damaged_payloads_are_refused_with_their_place() {
    let list = r#"{"type":"record","name":"L","fields":[{"name":"v","type":{"type":"array","items":{"type":"map","values":"string"}}},{"name":"next","type":["null","L"]}]}"#;
    let error = printed(list, Style::Avro, &[2, 4, 2, b'k', 2, b'v', 2, b'k', 9]).unwrap_err();
    assert_eq!((error.code(), error.path_text().as_str()), ("avro.length", "v[0]{1}"));
    let error = printed(list, Style::Avro, &[0, 2, 0, 6]).unwrap_err();
    assert_eq!((error.code(), error.path_text().as_str()), ("avro.branch", "next.next"));
    for (schema, bytes, expected) in [
        ("\"int\"", &[][..], "avro.truncated"),
        ("\"int\"", &[0xFF; 9], "avro.varint"),
        ("\"string\"", &[4, b'x'], "avro.truncated"),
        ("\"string\"", &[1], "avro.length"),
        ("\"double\"", &[0; 7], "avro.truncated"),
        (r#"["null"]"#, &[1], "avro.branch"),
        (r#"["null"]"#, &[2], "avro.branch"),
        (r#"{"type":"enum","name":"E","symbols":["A"]}"#, &[2], "avro.symbol"),
        (r#"{"type":"fixed","name":"F","size":3}"#, &[1, 2], "avro.truncated"),
    ] {
        for style in [Style::Avro, Style::Plain] {
            assert_eq!(code(printed(schema, style, bytes)), expected, "{schema}");
        }
    }
    assert_eq!(code(printed("\"string\"", Style::Avro, &[4, b'x', 0xFF])), "avro.utf-8");
    assert_eq!(plain("\"string\"", &[4, b'x', 0xFF]), "\"x\u{FFFD}\"");
}

#[test]
fn depth_and_length_are_bounded() {
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    let mut deep = vec![2; 198];
    deep.push(0);
    let text = avro(list, &deep);
    assert_eq!(text.matches("next").count(), 199);
    assert_eq!(code(printed(list, Style::Avro, &vec![2; 100_000])), "avro.depth");
    // Millions of records in six bytes, each with a long text and without a byte.
    let name = "n".repeat(10_000);
    let item = format!(r#"{{"type":"record","name":"R","fields":[{{"name":"{name}","type":"null"}}]}}"#);
    let array = format!(r#"{{"type":"array","items":{item}}}"#);
    let error = printed(&array, Style::Plain, &[0xEE, 0xFF, 0xFF, 0xFF, 0x0F, 0]);
    assert_eq!(code(error), "avro.too-large");
}

#[test]
fn json_that_is_not_of_the_schema_is_refused_with_its_place() {
    let record = r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","int"],"default":null},{"name":"b","type":{"type":"array","items":"int"}}]}"#;
    assert_eq!(read(record, r#"{"b":[1]}"#).unwrap(), [0, 2, 2, 0]);
    for (json, place) in [
        ("[]", ""),
        (r#"{"a":{"int":1}}"#, "b"),
        (r#"{"a":1,"b":[]}"#, "a"),
        (r#"{"a":{"long":1},"b":[]}"#, "a"),
        (r#"{"a":{"int":1,"x":2},"b":[]}"#, "a"),
        (r#"{"b":[1,2147483648]}"#, "b[1]"),
        (r#"{"b":[1.5]}"#, "b[0]"),
        (r#"{"b":[],"s3cret":1}"#, "s3cret"),
    ] {
        let error = read(record, json).unwrap_err();
        assert_eq!((error.code(), error.path_text().as_str()), ("avro.json", place), "{json}");
    }
    for (schema, json) in [
        ("\"null\"", "0"),
        ("\"boolean\"", "1"),
        ("\"long\"", "9223372036854775808"),
        ("\"float\"", "\"x\""),
        ("\"string\"", "1"),
        ("\"bytes\"", "\"\u{100}\""),
        (r#"{"type":"fixed","name":"F","size":3}"#, "\"ab\""),
        (r#"{"type":"enum","name":"E","symbols":["A"]}"#, "\"B\""),
        (r#"{"type":"map","values":"int"}"#, r#"{"k":null}"#),
    ] {
        assert_eq!(code(read(schema, json)), "avro.json", "{schema}");
    }
}

#[test]
fn absent_fields_take_their_defaults() {
    let record = r#"{"type":"record","name":"R","fields":[
        {"name":"u","type":["string","null"],"default":"x"},
        {"name":"r","type":{"type":"record","name":"S","fields":[{"name":"m","type":{"type":"map","values":"int"}},{"name":"d","type":"long","default":-1}]},"default":{"m":{"k":1}}},
        {"name":"a","type":{"type":"array","items":["int","null"]},"default":[3]}]}"#;
    let bytes = read(record, "{}").unwrap();
    assert_eq!(avro(record, &bytes), r#"{"u": {"string": "x"}, "r": {"m": {"k": 1}, "d": -1}, "a": [{"int": 3}]}"#);
}
