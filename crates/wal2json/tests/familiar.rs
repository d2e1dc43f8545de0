//! A line that differs from an earlier one only in its values is not parsed; nobody may notice. White space in front is
//! unusual enough for a line to be parsed always.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use connect_data::row_image::tree;
use connect_data::{Converter, Decoded, Error, InternedSchemas, Properties, SchemaStore};
use std::sync::Arc;
use support::{Stream, capture};
use wal2json::{Lsn, Wal2JsonConverter};

const ITEM: &str = r#"{"action":"U","xid":701,"timestamp":"2026-11-23 10:00:00.123456+00","schema":"public","table":"items","columns":[{"name":"id","type":"integer","value":12},{"name":"price","type":"numeric(10,2)","value":48.50},{"name":"name","type":"text","value":"hollow é, no 7"},{"name":"weight","type":"double precision","value":-0.875},{"name":"active","type":"boolean","value":true},{"name":"created","type":"timestamp without time zone","value":"2026-11-23 10:59:00.123456"},{"name":"updated","type":"timestamp with time zone","value":"2026-11-23 10:59:00.5+00"},{"name":"none","type":"text","value":null},{"name":"views","type":"bigint","value":4000000001}],"identity":[{"name":"id","type":"integer","value":12}],"pk":[{"name":"id","type":"integer"}]}"#;

/// The same lines twice, once parsed always.
struct Both {
    stores: [Arc<InternedSchemas>; 2],
    converters: [Wal2JsonConverter; 2],
    streams: [Stream; 2],
}

/// What an error says but for places, which the white space moves.
fn say(error: &Error) -> String {
    error.to_string().replace(|c: char| c.is_ascii_digit(), "")
}

impl Both {
    fn new(is_key: bool) -> Self {
        let settings = [("topic.prefix", "s"), ("database.dbname", "d"), ("truncate.handling.mode", "include")];
        let properties: Properties = settings.into_iter().collect();
        let stores = [(); 2].map(|()| Arc::new(InternedSchemas::new()));
        let converters = stores.each_ref().map(|store| {
            let store: Arc<dyn SchemaStore> = store.clone();
            Wal2JsonConverter::new(&properties, is_key, store).unwrap()
        });
        Self {
            stores,
            converters,
            streams: [(); 2].map(|()| Stream::bare(&[("provide.transaction.metadata", "true")])),
        }
    }

    fn convert(&self, line: &[u8]) -> bool {
        let texts = [line.to_vec(), [b" ", line].concat()];
        let found: [_; 2] = std::array::from_fn(|i| {
            let mut out = Vec::new();
            match self.converters[i].to_connect(0, &[], &texts[i], &mut out) {
                Ok(Decoded::Value(Some(id))) => {
                    let schema = self.stores[i].get(id).unwrap();
                    let value = tree::read(Some(&schema), &out, &texts[i]).unwrap();
                    Ok(Some((schema, value)))
                }
                Ok(Decoded::Null) => Ok(None),
                Ok(other) => panic!("{other:?}"),
                Err(e) => Err(say(&e)),
            }
        });
        assert_eq!(found[0], found[1], "{}", String::from_utf8_lossy(line));
        found[0].is_ok()
    }

    fn feed(&mut self, line: &[u8], lsn: Lsn) {
        let texts = [line.to_vec(), [b" ", line].concat()];
        let [a, b] = &mut self.streams;
        let found = [a.feed(&texts[0], lsn), b.feed(&texts[1], lsn)].map(|events| {
            let events = events.map_err(|e| say(&e))?;
            Ok(events.into_iter().map(|e| format!("{e:?}")).collect::<Vec<_>>())
        });
        let [found, expected]: [Result<_, String>; 2] = found;
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(line));
    }
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn captured_lines_give_what_they_give_when_parsed() {
    for name in ["full-v2-default", "full-v2-pk-xid-ts-lsn", "m-v2-all"] {
        let lines = capture(name);
        for is_key in [false, true] {
            let mut both = Both::new(is_key);
            let mut read = 0;
            for _ in 0..3 {
                read += lines.iter().filter(|line| both.convert(line.data.as_bytes())).count();
                if !is_key {
                    both.streams.iter_mut().for_each(|stream| stream.decoder.restart(None));
                    for line in &lines {
                        both.feed(line.data.as_bytes(), line.lsn);
                    }
                }
            }
            assert!(read > lines.len(), "{name}: {read} of {}", lines.len());
        }
    }
}

#[test]
fn spoilt_lines_give_what_they_give_when_parsed() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let captured = capture("m-v2-all");
    let mut lines = vec![ITEM.as_bytes()];
    lines.extend(captured.iter().map(|line| line.data.as_bytes()).filter(|line| line.len() < 2_000).take(40));
    let both = Both::new(false);
    let (mut good, mut bad) = (0, 0);
    for round in 0..200 {
        for line in &lines {
            let mut text = line.to_vec();
            if round > 1 {
                let at = random.below(text.len());
                let byte = b"\"\\{}[],:0159.-+e nt\x00\x1F\x7F\x80\xC3\xFF"[random.below(24)];
                match random.below(4) {
                    0 => text.truncate(at),
                    1 => text.insert(at, byte),
                    _ => text[at] = byte,
                }
            }
            let read = both.convert(&text);
            (good, bad) = (good + usize::from(read), bad + usize::from(!read));
        }
    }
    assert!(good > 500 && bad > 500, "{good} {bad}");
    // Every place where a line can end.
    let both = Both::new(false);
    assert!(both.convert(ITEM.as_bytes()));
    (0..ITEM.len()).for_each(|at| assert!(!both.convert(&ITEM.as_bytes()[..at])));
    assert!(both.convert(ITEM.as_bytes()));
}

#[test]
fn keys_in_any_order_give_what_they_give_when_parsed() {
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let both = Both::new(false);
    let mut line: serde_json::Value = serde_json::from_str(ITEM).unwrap();
    assert!(both.convert(ITEM.as_bytes()));
    let mut read = 0;
    for i in 0..500 {
        line["columns"][0]["value"] = i.into();
        let mut shuffled = line.clone();
        shuffle(&mut shuffled, &mut random);
        let text = if i % 2 == 0 { shuffled.to_string() } else { serde_json::to_string_pretty(&shuffled).unwrap() };
        // A line that begins with its xid is refused: so does format 1.
        read += usize::from(both.convert(text.as_bytes()));
        assert!(both.convert(line.to_string().as_bytes()));
    }
    assert!(read > 250, "{read}");
}

/// Members in another order, of some objects.
fn shuffle(value: &mut serde_json::Value, random: &mut Random) {
    match value {
        serde_json::Value::Object(object) => {
            let mut members: Vec<_> = std::mem::take(object).into_iter().collect();
            members.iter_mut().for_each(|(_, value)| shuffle(value, random));
            let first = random.below(members.len());
            if random.below(3) == 0 {
                members.rotate_left(first);
            }
            object.extend(members);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| shuffle(item, random)),
        _ => {}
    }
}
