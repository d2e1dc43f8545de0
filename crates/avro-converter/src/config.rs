//! Settings of the converter: those of Confluent's `AvroConverter` 8.3.1, under the same names, and a few of our own.

use connect_data::config::{ConfigType, DefaultValue, Importance, Validator};
use connect_data::{ConfigDef, ConfigKey, Properties, Result};
use schema_registry::keys::KEYS as REGISTRY;

/// The keys, for validation, the JVM's `ConfigDef` and the documentation: the registry client's and the converter's own.
/// Prefixed keys (`request.header.*`, `sasl.*`) are read by whoever needs them and are not declared.
pub const CONFIG: ConfigDef = ConfigDef { plugin: "avro-converter", keys: &KEYS };

const KEYS: [ConfigKey; REGISTRY.len() + OWN.len()] = {
    let none = ConfigKey::new("", ConfigType::String, DefaultValue::Null, Importance::Low, "", "", "");
    let mut keys = [none; REGISTRY.len() + OWN.len()];
    let (registry, own) = keys.split_at_mut(REGISTRY.len());
    registry.copy_from_slice(REGISTRY);
    own.copy_from_slice(OWN);
    keys
};

const SERIALIZATION: &str = "Serialization";
const DESERIALIZATION: &str = "Deserialization";
const DATA: &str = "Data conversion";
const BUCATINI: &str = "Bucatini";

const TRUE: DefaultValue = DefaultValue::Text("true");
const FALSE: DefaultValue = DefaultValue::Text("false");

#[rustfmt::skip]
const OWN: &[ConfigKey] = &[
    ConfigKey::new("auto.register.schemas", ConfigType::Boolean, TRUE, Importance::Medium, SERIALIZATION, "Register schemas",
        "Whether schemas of written records are registered. It takes precedence over use.schema.id and use.latest.version."),
    ConfigKey::new("normalize.schemas", ConfigType::Boolean, FALSE, Importance::Medium, SERIALIZATION, "Normalize schemas",
        "Whether the registry normalizes schemas when it registers or looks them up."),
    ConfigKey::new("use.schema.id", ConfigType::Int, DefaultValue::Text("-1"), Importance::Low, SERIALIZATION, "Schema id",
        "Id of the schema to write with when schemas are not registered; -1 for none."),
    ConfigKey::new("id.compatibility.strict", ConfigType::Boolean, TRUE, Importance::Low, SERIALIZATION, "Check the schema of the id",
        "Whether the schema of use.schema.id must be compatible with that of the record."),
    ConfigKey::new("use.latest.version", ConfigType::Boolean, FALSE, Importance::Low, SERIALIZATION, "Latest version",
        "Whether to write with the subject's latest version when schemas are not registered, and to read with the latest version as reader schema."),
    ConfigKey::new("latest.compatibility.strict", ConfigType::Boolean, TRUE, Importance::Low, SERIALIZATION, "Check the latest version",
        "Whether the latest version must be compatible with the schema of the record."),
    ConfigKey::new("use.latest.with.metadata", ConfigType::String, DefaultValue::Null, Importance::Low, SERIALIZATION, "Latest version with metadata",
        "Write with the latest version that has this metadata, as key=value, when schemas are not registered."),
    ConfigKey::new("key.subject.name.strategy", ConfigType::String, DefaultValue::Text("io.confluent.kafka.serializers.subject.TopicNameStrategy"), Importance::Medium, SERIALIZATION, "Subject of keys",
        "How the subject of a key's schema is named: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy of io.confluent.kafka.serializers.subject."),
    ConfigKey::new("value.subject.name.strategy", ConfigType::String, DefaultValue::Text("io.confluent.kafka.serializers.subject.TopicNameStrategy"), Importance::Medium, SERIALIZATION, "Subject of values",
        "How the subject of a value's schema is named: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy of io.confluent.kafka.serializers.subject."),
    ConfigKey::new("key.schema.id.serializer", ConfigType::String, DefaultValue::Text("io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer"), Importance::Medium, SERIALIZATION, "Place of a key's schema id",
        "Where the schema id of a written key goes: PrefixSchemaIdSerializer of io.confluent.kafka.serializers.schema.id (before the bytes)."),
    ConfigKey::new("value.schema.id.serializer", ConfigType::String, DefaultValue::Text("io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer"), Importance::Medium, SERIALIZATION, "Place of a value's schema id",
        "Where the schema id of a written value goes: PrefixSchemaIdSerializer of io.confluent.kafka.serializers.schema.id (before the bytes)."),

    ConfigKey::new("key.schema.id.deserializer", ConfigType::String, DefaultValue::Text("io.confluent.kafka.serializers.schema.id.DualSchemaIdDeserializer"), Importance::Medium, DESERIALIZATION, "Place of a read key's schema id",
        "Where the schema id of a read key is: DualSchemaIdDeserializer (in a header or before the bytes) or PrefixSchemaIdDeserializer (before the bytes) of io.confluent.kafka.serializers.schema.id."),
    ConfigKey::new("value.schema.id.deserializer", ConfigType::String, DefaultValue::Text("io.confluent.kafka.serializers.schema.id.DualSchemaIdDeserializer"), Importance::Medium, DESERIALIZATION, "Place of a read value's schema id",
        "Where the schema id of a read value is: DualSchemaIdDeserializer (in a header or before the bytes) or PrefixSchemaIdDeserializer (before the bytes) of io.confluent.kafka.serializers.schema.id."),
    ConfigKey::new("avro.fail.on.trailing.data", ConfigType::Boolean, FALSE, Importance::Low, DESERIALIZATION, "Refuse trailing bytes",
        "Whether bytes after the value are an error; otherwise they are ignored."),
    ConfigKey::new("specific.avro.reader", ConfigType::Boolean, FALSE, Importance::Low, DESERIALIZATION, "Specific reader",
        "Whether records are read into generated Java classes. There are none here, so that reading records fails; leave it off."),
    ConfigKey::new("avro.use.logical.type.converters", ConfigType::Boolean, FALSE, Importance::Low, DESERIALIZATION, "Logical type converters",
        "Whether Avro's own conversions of logical types are applied. Connect expects none of their results, so that reading most logical types fails; leave it off."),

    ConfigKey::new("enhanced.avro.schema.support", ConfigType::Boolean, FALSE, Importance::Medium, DATA, "Enhanced schemas",
        "Whether enumerations are written as Avro enums and members of a union are told apart by their full names."),
    ConfigKey::new("generalized.sum.type.support", ConfigType::Boolean, FALSE, Importance::Medium, DATA, "Generalized sum types",
        "Whether enumerations and unions are represented as for other schema formats (connect_union_N)."),
    ConfigKey::new("ignore.default.for.nullables", ConfigType::Boolean, FALSE, Importance::Medium, DATA, "Keep nulls",
        "Whether null stays null in a nullable field that has a default; otherwise the default is written."),
    ConfigKey::new("scrub.invalid.names", ConfigType::Boolean, FALSE, Importance::Medium, DATA, "Scrub names",
        "Whether names that Avro does not allow are changed into ones that it does."),
    ConfigKey::new("connect.meta.data", ConfigType::Boolean, TRUE, Importance::Low, DATA, "Connect metadata",
        "Whether Avro schemas carry Connect's names, versions, documentation, parameters and types."),
    ConfigKey::new("discard.type.doc.default", ConfigType::Boolean, FALSE, Importance::Low, DATA, "Discard documentation and defaults of types",
        "Whether only the documentation and the defaults of fields are kept, not those of types."),
    ConfigKey::new("allow.optional.map.keys", ConfigType::Boolean, FALSE, Importance::Low, DATA, "Optional map keys",
        "Whether a map with optional string keys becomes an Avro map."),
    ConfigKey::new("flatten.singleton.unions", ConfigType::Boolean, TRUE, Importance::Low, DATA, "Flatten singleton unions",
        "Whether a union of one type is read as that type."),
    ConfigKey::new("schemas.cache.config", ConfigType::Int, DefaultValue::Text("1000"), Importance::Low, DATA, "Schemas kept",
        "How many converted schemas are remembered; less than 1 counts as 1."),

    ConfigKey { validator: Validator::OneOf(&["native", "wasm"]),
        ..ConfigKey::new("engine", ConfigType::String, DefaultValue::Text("native"), Importance::Low, BUCATINI, "Engine",
        "Which form of the converter runs: native, or wasm (the same code as a WebAssembly component).") },
    ConfigKey::new("lazy", ConfigType::Boolean, TRUE, Importance::Low, BUCATINI, "Late envelopes",
        "Whether the fields of a change event's envelope are made when somebody looks at them, as long as our transformation is there, which then makes its row and nothing else."),
];

/// Settings of `AvroData`: what the conversion of schemas and values depends on, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvroDataConfig {
    /// `enhanced.avro.schema.support`
    pub enhanced_avro_schema_support: bool,
    /// `generalized.sum.type.support`
    pub generalized_sum_type_support: bool,
    /// `ignore.default.for.nullables`
    pub ignore_default_for_nullables: bool,
    /// `scrub.invalid.names`
    pub scrub_invalid_names: bool,
    /// `connect.meta.data`
    pub connect_meta_data: bool,
    /// `discard.type.doc.default`
    pub discard_type_doc_default: bool,
    /// `allow.optional.map.keys`
    pub allow_optional_map_keys: bool,
    /// `flatten.singleton.unions`
    pub flatten_singleton_unions: bool,
    /// `schemas.cache.config`, at least 1.
    pub schemas_cache: usize,
    /// `avro.fail.on.trailing.data`
    pub fail_on_trailing_data: bool,
    /// `avro.use.logical.type.converters`
    pub use_logical_type_converters: bool,
}

impl AvroDataConfig {
    /// Reads the settings of data conversion.
    ///
    /// # Errors
    /// Config: a value that is not of its key's type.
    pub fn new(properties: &Properties) -> Result<Self> {
        let boolean = |name: &str| CONFIG.boolean(properties, name);
        Ok(Self {
            enhanced_avro_schema_support: boolean("enhanced.avro.schema.support")?,
            generalized_sum_type_support: boolean("generalized.sum.type.support")?,
            ignore_default_for_nullables: boolean("ignore.default.for.nullables")?,
            scrub_invalid_names: boolean("scrub.invalid.names")?,
            connect_meta_data: boolean("connect.meta.data")?,
            discard_type_doc_default: boolean("discard.type.doc.default")?,
            allow_optional_map_keys: boolean("allow.optional.map.keys")?,
            flatten_singleton_unions: boolean("flatten.singleton.unions")?,
            schemas_cache: usize::try_from(CONFIG.integer(properties, "schemas.cache.config")?).unwrap_or(0).max(1),
            fail_on_trailing_data: boolean("avro.fail.on.trailing.data")?,
            use_logical_type_converters: boolean("avro.use.logical.type.converters")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Properties {
        Properties::from_iter([("schema.registry.url", "http://localhost"), (name, value)])
    }

    #[test]
    fn defaults_are_confluents() {
        let config = AvroDataConfig::new(&Properties::default()).unwrap();
        assert!(config.connect_meta_data && config.flatten_singleton_unions);
        assert!(!config.enhanced_avro_schema_support && !config.scrub_invalid_names);
        assert_eq!(config.schemas_cache, 1000);
        assert_eq!(AvroDataConfig::new(&with("schemas.cache.config", "-5")).unwrap().schemas_cache, 1);
    }

    #[test]
    fn values_of_the_wrong_type_are_refused() {
        for (name, value) in [
            ("connect.meta.data", ""),
            ("connect.meta.data", "yes"),
            ("use.schema.id", "abc"),
            ("schemas.cache.config", "abc"),
            ("engine", "java"),
            ("schema.version.lookup", "maybe"),
        ] {
            assert!(CONFIG.validate(&with(name, value)).is_err(), "{name}={value}");
        }
        assert!(CONFIG.validate(&with("schemas.cache.size", "abc")).is_ok());
        assert!(CONFIG.validate(&Properties::default()).is_err());
    }

    #[test]
    fn every_key_is_declared_once() {
        let mut names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KEYS.len());
    }
}
