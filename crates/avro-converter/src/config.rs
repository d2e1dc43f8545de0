//! Settings of the converter: those of Confluent's `AvroConverter` 8.3.1, under the same names, and our own two.

use connect_data::config::{ConfigType, DefaultValue, Importance, Validator};
use connect_data::{ConfigDef, ConfigKey, Properties, Result};

/// The keys, for validation, the JVM's `ConfigDef` and the documentation. Prefixed keys (`request.header.*`,
/// `schema.registry.ssl.*`, `sasl.*`) are read by whoever needs them and are not declared.
pub const CONFIG: ConfigDef = ConfigDef { plugin: "avro-converter", keys: KEYS };

const REGISTRY: &str = "Schema Registry";
const AUTHENTICATION: &str = "Authentication";
const SERIALIZATION: &str = "Serialization";
const DESERIALIZATION: &str = "Deserialization";
const DATA: &str = "Data conversion";
const BUCATINI: &str = "Bucatini";

const TRUE: DefaultValue = DefaultValue::Text("true");
const FALSE: DefaultValue = DefaultValue::Text("false");

#[rustfmt::skip]
const KEYS: &[ConfigKey] = &[
    key("schema.registry.url", ConfigType::List, DefaultValue::Required, Importance::High, REGISTRY, "Registry URLs",
        "Addresses of the Schema Registry, separated by commas. The next one is tried when one does not answer."),
    key("max.schemas.per.subject", ConfigType::Int, DefaultValue::Text("1000"), Importance::Low, REGISTRY, "Schemas per subject",
        "How many schemas are remembered for each subject."),
    key("http.connect.timeout.ms", ConfigType::Int, DefaultValue::Text("60000"), Importance::Low, REGISTRY, "Connect time-out",
        "Milliseconds that connecting to the registry may take."),
    key("http.read.timeout.ms", ConfigType::Int, DefaultValue::Text("60000"), Importance::Low, REGISTRY, "Read time-out",
        "Milliseconds that the registry may take to answer."),
    key("max.retries", ConfigType::Int, DefaultValue::Text("3"), Importance::Low, REGISTRY, "Retries",
        "How often a call to the registry is repeated after a failure that may pass."),
    key("retries.wait.ms", ConfigType::Int, DefaultValue::Text("1000"), Importance::Low, REGISTRY, "First wait",
        "Milliseconds before the first repetition; each further wait is twice as long."),
    key("retries.max.wait.ms", ConfigType::Int, DefaultValue::Text("20000"), Importance::Low, REGISTRY, "Longest wait",
        "Milliseconds that no wait between repetitions exceeds."),

    key("retries.budget.ms", ConfigType::Int, DefaultValue::Text("60000"), Importance::Low, REGISTRY, "Retry budget",
        "Milliseconds that one call to the registry may take with all its repetitions. Not a setting of Confluent's."),
    key("missing.id.cache.ttl.sec", ConfigType::Int, DefaultValue::Text("0"), Importance::Low, REGISTRY, "Age of a missing schema",
        "Seconds for which a schema that the registry does not have is not asked for again."),

    key("basic.auth.credentials.source", ConfigType::String, DefaultValue::Text("URL"), Importance::Medium, AUTHENTICATION, "Basic credentials from",
        "Where user and password come from: USER_INFO (the setting basic.auth.user.info), URL (user info in schema.registry.url) or SASL_INHERIT (sasl.jaas.config). They are used only if this is set."),
    key("basic.auth.user.info", ConfigType::Password, DefaultValue::Text(""), Importance::Medium, AUTHENTICATION, "User and password",
        "User and password as user:password, for basic.auth.credentials.source=USER_INFO."),
    key("schema.registry.basic.auth.user.info", ConfigType::Password, DefaultValue::Text(""), Importance::Medium, AUTHENTICATION, "User and password (old)",
        "Older name of basic.auth.user.info; it wins if both are set."),
    key("bearer.auth.credentials.source", ConfigType::String, DefaultValue::Text("STATIC_TOKEN"), Importance::Medium, AUTHENTICATION, "Bearer token from",
        "Where a bearer token comes from: STATIC_TOKEN (the setting bearer.auth.token). It is used only if this is set."),
    key("bearer.auth.token", ConfigType::Password, DefaultValue::Text(""), Importance::Medium, AUTHENTICATION, "Bearer token",
        "The token, for bearer.auth.credentials.source=STATIC_TOKEN."),
    key("bearer.auth.logical.cluster", ConfigType::String, DefaultValue::Null, Importance::Medium, AUTHENTICATION, "Logical cluster",
        "Sent along with a bearer token as the header target-sr-cluster."),
    key("bearer.auth.identity.pool.id", ConfigType::String, DefaultValue::Null, Importance::Medium, AUTHENTICATION, "Identity pool",
        "Sent along with a bearer token as the header Confluent-Identity-Pool-Id."),

    key("auto.register.schemas", ConfigType::Boolean, TRUE, Importance::Medium, SERIALIZATION, "Register schemas",
        "Whether schemas of written records are registered. It takes precedence over use.schema.id and use.latest.version."),
    key("normalize.schemas", ConfigType::Boolean, FALSE, Importance::Medium, SERIALIZATION, "Normalize schemas",
        "Whether the registry normalizes schemas when it registers or looks them up."),
    key("use.schema.id", ConfigType::Int, DefaultValue::Text("-1"), Importance::Low, SERIALIZATION, "Schema id",
        "Id of the schema to write with when schemas are not registered; -1 for none."),
    key("id.compatibility.strict", ConfigType::Boolean, TRUE, Importance::Low, SERIALIZATION, "Check the schema of the id",
        "Whether the schema of use.schema.id must be compatible with that of the record."),
    key("use.latest.version", ConfigType::Boolean, FALSE, Importance::Low, SERIALIZATION, "Latest version",
        "Whether to write with the subject's latest version when schemas are not registered, and to read with the latest version as reader schema."),
    key("latest.compatibility.strict", ConfigType::Boolean, TRUE, Importance::Low, SERIALIZATION, "Check the latest version",
        "Whether the latest version must be compatible with the schema of the record."),
    key("use.latest.with.metadata", ConfigType::String, DefaultValue::Null, Importance::Low, SERIALIZATION, "Latest version with metadata",
        "Write with the latest version that has this metadata, as key=value, when schemas are not registered."),
    key("key.subject.name.strategy", ConfigType::String, DefaultValue::Text("io.confluent.kafka.serializers.subject.TopicNameStrategy"), Importance::Medium, SERIALIZATION, "Subject of keys",
        "How the subject of a key's schema is named: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy of io.confluent.kafka.serializers.subject."),
    key("value.subject.name.strategy", ConfigType::String, DefaultValue::Text("io.confluent.kafka.serializers.subject.TopicNameStrategy"), Importance::Medium, SERIALIZATION, "Subject of values",
        "How the subject of a value's schema is named: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy of io.confluent.kafka.serializers.subject."),
    key("key.schema.id.serializer", ConfigType::String, DefaultValue::Text("io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer"), Importance::Medium, SERIALIZATION, "Place of a key's schema id",
        "Where the schema id of a written key goes: PrefixSchemaIdSerializer of io.confluent.kafka.serializers.schema.id (before the bytes)."),
    key("value.schema.id.serializer", ConfigType::String, DefaultValue::Text("io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer"), Importance::Medium, SERIALIZATION, "Place of a value's schema id",
        "Where the schema id of a written value goes: PrefixSchemaIdSerializer of io.confluent.kafka.serializers.schema.id (before the bytes)."),

    key("key.schema.id.deserializer", ConfigType::String, DefaultValue::Text("io.confluent.kafka.serializers.schema.id.DualSchemaIdDeserializer"), Importance::Medium, DESERIALIZATION, "Place of a read key's schema id",
        "Where the schema id of a read key is: DualSchemaIdDeserializer (in a header or before the bytes) or PrefixSchemaIdDeserializer (before the bytes) of io.confluent.kafka.serializers.schema.id."),
    key("value.schema.id.deserializer", ConfigType::String, DefaultValue::Text("io.confluent.kafka.serializers.schema.id.DualSchemaIdDeserializer"), Importance::Medium, DESERIALIZATION, "Place of a read value's schema id",
        "Where the schema id of a read value is: DualSchemaIdDeserializer (in a header or before the bytes) or PrefixSchemaIdDeserializer (before the bytes) of io.confluent.kafka.serializers.schema.id."),
    key("avro.fail.on.trailing.data", ConfigType::Boolean, FALSE, Importance::Low, DESERIALIZATION, "Refuse trailing bytes",
        "Whether bytes after the value are an error; otherwise they are ignored."),
    key("specific.avro.reader", ConfigType::Boolean, FALSE, Importance::Low, DESERIALIZATION, "Specific reader",
        "Whether records are read into generated Java classes. There are none here, so that reading records fails; leave it off."),
    key("avro.use.logical.type.converters", ConfigType::Boolean, FALSE, Importance::Low, DESERIALIZATION, "Logical type converters",
        "Whether Avro's own conversions of logical types are applied. Connect expects none of their results, so that reading most logical types fails; leave it off."),

    key("enhanced.avro.schema.support", ConfigType::Boolean, FALSE, Importance::Medium, DATA, "Enhanced schemas",
        "Whether enumerations are written as Avro enums and members of a union are told apart by their full names."),
    key("generalized.sum.type.support", ConfigType::Boolean, FALSE, Importance::Medium, DATA, "Generalized sum types",
        "Whether enumerations and unions are represented as for other schema formats (connect_union_N)."),
    key("ignore.default.for.nullables", ConfigType::Boolean, FALSE, Importance::Medium, DATA, "Keep nulls",
        "Whether null stays null in a nullable field that has a default; otherwise the default is written."),
    key("scrub.invalid.names", ConfigType::Boolean, FALSE, Importance::Medium, DATA, "Scrub names",
        "Whether names that Avro does not allow are changed into ones that it does."),
    key("connect.meta.data", ConfigType::Boolean, TRUE, Importance::Low, DATA, "Connect metadata",
        "Whether Avro schemas carry Connect's names, versions, documentation, parameters and types."),
    key("discard.type.doc.default", ConfigType::Boolean, FALSE, Importance::Low, DATA, "Discard documentation and defaults of types",
        "Whether only the documentation and the defaults of fields are kept, not those of types."),
    key("allow.optional.map.keys", ConfigType::Boolean, FALSE, Importance::Low, DATA, "Optional map keys",
        "Whether a map with optional string keys becomes an Avro map."),
    key("flatten.singleton.unions", ConfigType::Boolean, TRUE, Importance::Low, DATA, "Flatten singleton unions",
        "Whether a union of one type is read as that type."),
    key("schemas.cache.config", ConfigType::Int, DefaultValue::Text("1000"), Importance::Low, DATA, "Schemas kept",
        "How many converted schemas are remembered; less than 1 counts as 1."),

    ConfigKey { validator: Validator::OneOf(&["native", "wasm"]),
        ..key("engine", ConfigType::String, DefaultValue::Text("native"), Importance::Low, BUCATINI, "Engine",
        "Which form of the converter runs: native, or wasm (the same code as a WebAssembly component).") },
    ConfigKey { validator: Validator::OneOf(&["lenient", "strict", "off"]),
        ..key("schema.version.lookup", ConfigType::String, DefaultValue::Text("lenient"), Importance::Low, BUCATINI, "Version look-up",
        "Whether the version of a read schema is asked of the registry: lenient (a schema that is not in the subject has no version), strict (such a record fails, as in Java) or off (never asked, no version).") },
];

const fn key(
    name: &'static str,
    kind: ConfigType,
    default: DefaultValue,
    importance: Importance,
    group: &'static str,
    display: &'static str,
    doc: &'static str,
) -> ConfigKey {
    ConfigKey { name, kind, default, validator: Validator::Any, importance, doc, group, display }
}

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
