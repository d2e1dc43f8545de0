//! Random settings of the Avro converter.

use super::random::Random;
use crate::engine::Config;

/// Switches of AvroData and how many of 100 vectors set them.
const SWITCHES: &[(&str, u64)] = &[
    ("enhanced.avro.schema.support", 35),
    ("scrub.invalid.names", 25),
    ("connect.meta.data", 22),
    ("discard.type.doc.default", 15),
    ("ignore.default.for.nullables", 18),
    ("allow.optional.map.keys", 15),
    ("generalized.sum.type.support", 18),
    ("flatten.singleton.unions", 15),
    ("avro.use.logical.type.converters", 3),
];

const BOOLEANS: &[&str] = &["true", "true", "true", "false", "TRUE", "False"];

/// Usual settings of AvroData; of 100 vectors 2 are refused.
pub fn config(random: &mut Random) -> Config {
    let mut config = Config::new();
    for (name, percent) in SWITCHES {
        if random.chance(*percent) {
            let usual =
                if *name == "connect.meta.data" || *name == "flatten.singleton.unions" { "false" } else { "true" };
            let value = if random.chance(75) { usual.to_owned() } else { random.text(BOOLEANS) };
            config.insert((*name).to_owned(), value);
        }
    }
    if random.chance(6) {
        config.insert("schemas.cache.config".into(), random.text(&["0", "1", "2", "1000", "-5"]));
    }
    if random.chance(1) {
        config.insert(random.pick(SWITCHES).0.to_owned(), random.text(&["", "yes", "1", "nope"]));
    }
    config
}
