//! Random settings: usual and odd spellings, references that exist and ones that do not.

use super::random::Random;
use crate::engine::Config;

/// Names that settings can refer to.
pub struct Names {
    /// Columns of the row.
    pub columns: Vec<String>,
    /// Fields of `source` and `transaction`.
    pub inner: Vec<String>,
    /// Fields of the envelope beyond Debezium's own.
    pub extra: Vec<String>,
    /// Headers that records carry.
    pub headers: Vec<String>,
}

const BOOLEANS: &[&str] = &["true", "false", "true", "false", "TRUE", " false ", "False", "\ttrue"];
const ODD_BOOLEANS: &[&str] = &["", " ", "yes", "0", "truе", "false\u{a0}", "\u{2003}true"];
const LEGACY: &[&str] = &["drop", "rewrite", "none", "rewrite", "none", "REWRITE", " none ", "Drop", "\nrewrite"];
const MODES_3_0: &[&str] =
    &["drop", "tombstone", "rewrite", "rewrite-with-tombstone", "Rewrite", " REWRITE-WITH-TOMBSTONE", "tombstone\t"];
const MODES: &[&str] = &["delete-to-tombstone", "delete-to-tombstone", "DELETE-to-tombstone "];
const ODD_MODES: &[&str] =
    &["", " ", "nope", "drop,rewrite", "rewrite_with_tombstone", "rewrite\u{a0}", "\u{2003}drop"];
const PREFIXES: &[&str] = &["", "", "src_", " ", "__", "a.b:", "ü_", "f"];
const PLAIN: &[&str] = &["op", "ts_ms", "op", "source.lsn", "lsn", "table", "id", "transaction.id", "ts_us", "ts_ns"];
const ODD: &[&str] = &[
    "",
    " ",
    "source",
    "transaction",
    "before",
    "after",
    "updateDescription",
    "source.",
    ".op",
    "source.nested.x",
    "nope",
    "nope.x",
    "Source.db",
    "op.x",
    "source.op",
    "transaction.nope",
    "source.nested",
    "source.tags",
    "source.attributes",
    ":x",
    "OP",
    "op ",
];
const BROKEN: &[&str] = &["op:a:b", ":", ".", "op::x", "lsn:a:b:c"];

fn set(config: &mut Config, key: &str, value: impl Into<String>) {
    config.insert(key.to_owned(), value.into());
}

/// The settings of one vector. Few are refused: a refusal says little.
pub fn config(random: &mut Random, generation: &str, names: &Names) -> Config {
    let mut config = Config::new();
    deletes(random, generation, &mut config);
    for (list, prefix) in [("add.fields", "add.fields.prefix"), ("add.headers", "add.headers.prefix")] {
        if random.chance(60) {
            set(&mut config, list, references(random, generation, names));
        }
        if random.chance(25) {
            set(&mut config, prefix, random.text(PREFIXES));
        }
    }
    if random.chance(30) {
        let name = match random.below(10) {
            0 => random.text(&["__deleted", "__op", "nope", " ", ""]),
            _ if names.columns.is_empty() => "id".to_owned(),
            _ => random.pick(&names.columns).clone(),
        };
        set(&mut config, "route.by.field", name);
    }
    if generation != "1.7" || random.chance(10) {
        drops(random, names, &mut config);
    }
    if random.chance(10) {
        set(&mut config, random.text(&["drop.field", "predicate", "add.field"]).as_str(), "x");
    }
    config
}

fn odd_or(random: &mut Random, usual: &[&str], odd: &[&str]) -> String {
    if random.chance(2) { random.text(odd) } else { random.text(usual) }
}

fn deletes(random: &mut Random, generation: &str, config: &mut Config) {
    let (legacy, modern) = match generation {
        "1.7" => (75, 8),
        "3.0" => (45, 60),
        _ => (10, 80),
    };
    if random.chance(legacy) {
        set(config, "drop.tombstones", odd_or(random, BOOLEANS, ODD_BOOLEANS));
    }
    if random.chance(legacy) {
        set(config, "delete.handling.mode", odd_or(random, LEGACY, ODD_MODES));
    }
    if random.chance(modern) {
        let modes: Vec<&str> = match generation {
            "3.0" => MODES_3_0.to_vec(),
            _ => MODES_3_0.iter().chain(MODES).copied().collect(),
        };
        set(config, "delete.tombstone.handling.mode", odd_or(random, &modes, ODD_MODES));
    }
}

fn drops(random: &mut Random, names: &Names, config: &mut Config) {
    if random.chance(45) {
        let name = match random.below(10) {
            0 => random.text(&["", " ", "absent", "__op"]),
            1 => random.text(&["__tags", "__source_tags", "tags"]),
            _ => random.pick(&names.headers).clone(),
        };
        set(config, "drop.fields.header.name", name);
    }
    for (key, usual) in [("drop.fields.from.key", BOOLEANS), ("drop.fields.keep.schema.compatible", BOOLEANS)] {
        if random.chance(45) {
            set(config, key, odd_or(random, usual, ODD_BOOLEANS));
        }
    }
    if random.chance(40) {
        let odd = random.chance(15);
        set(config, "replace.null.with.default", random.text(if odd { ODD_BOOLEANS } else { BOOLEANS }));
    }
}

fn references(random: &mut Random, generation: &str, names: &Names) -> String {
    let mut list = Vec::new();
    for _ in 0..=random.below(4) {
        let mut entry = match random.below(20) {
            0..7 => random.text(&PLAIN[..if generation == "1.7" { 6 } else { PLAIN.len() }]),
            7..15 if !names.inner.is_empty() => random.pick(&names.inner).clone(),
            15 if !names.extra.is_empty() => random.pick(&names.extra).clone(),
            16 | 17 if !names.columns.is_empty() => {
                format!("{}.{}", random.text(&["before", "after"]), random.pick(&names.columns))
            }
            18 => random.text(ODD),
            _ => "op".to_owned(),
        };
        if random.chance(20) {
            entry = format!("{entry}:{}", random.text(&["NEW", "OP", "", "x.y", " b ", "id"]));
        }
        list.push(entry);
    }
    if random.chance(5) {
        list.push(list[0].clone());
    }
    if random.chance(2) {
        list.push(random.text(BROKEN));
    }
    let text = list.join(random.text(&[",", ",", " , ", ", "]).as_str());
    if random.chance(4) { format!("{text},,") } else { text }
}
