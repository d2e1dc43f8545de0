//! `key.converter`, `value.converter` and `header.converter`.

use super::audit::{Checker, Fate, Rest, Scope};
use super::framework::{COMPONENT_KEYS, ignored, refused};
use super::pipeline::{ComponentSource, ConverterClass, ConverterConfig, Engine, HeaderConverter};
use super::suggest;
use crate::registry::http::HttpClient;
use avro_converter::converter::AvroConverter;
use connect_data::config::{ConfigKey, ConfigType, DefaultValue, Importance, OtherKey};
use connect_data::{InternedSchemas, Properties, Result};
use schema_registry::Transport;
use std::path::PathBuf;
use std::sync::Arc;

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";
const OURS: &str = "io.bucatini.connect.BucatiniAvroConverter";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const TEXT: &str = "org.apache.kafka.connect.storage.StringConverter";
const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
const SIMPLE: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";
/// A component of the user's own follows.
pub(super) const COMPONENT: &str = "wasm:";

/// The converters that run here, for messages.
const AVAILABLE: [&str; 5] = [AVRO, OURS, JSON, TEXT, BYTES];

const ENCRYPTION: &str = "field encryption and data contracts are not available; their rules would not be applied";
const OAUTH: &str = "OAuth is not available; use bearer.auth.token, or basic.auth.user.info";

/// Keys of Confluent's converter and client that are not honoured.
const AVRO_OTHERS: &[OtherKey] = &[
    ignored("schemas.enable", "it is a setting of JsonConverter; Avro always has a schema"),
    ignored("converter.type", "Connect sets it by itself"),
    ignored("schema.reflection", "it is about Java classes, which Connect records are not"),
    ignored("avro.reflection.allow.null", "it is about Java classes, which Connect records are not"),
    ignored("avro.remove.java.properties", "it is about Java classes, which Connect records are not"),
    ignored("avro.use.map.as.*", "it is about Java classes, which Connect records are not"),
    ignored("auto.register.schema", "its name is auto.register.schemas; Confluent's converter ignores this one too"),
    refused("context.name.strategy", "schema contexts are not available; put the context into schema.registry.url"),
    refused("use.schema.guid", "writing with a schema's GUID is not available; use use.schema.id"),
    refused("rule.*", ENCRYPTION),
    refused("propagate.schema.tags", ENCRYPTION),
    refused("bearer.auth.issuer.endpoint.url", OAUTH),
    refused("bearer.auth.client.*", OAUTH),
    refused("bearer.auth.scope*", OAUTH),
    refused("bearer.auth.sub.claim.name", OAUTH),
    refused("bearer.auth.custom.provider.class", OAUTH),
];

/// Beginnings of keys that are honoured without being declared.
const AVRO_FAMILIES: &[&str] = &["request.header.", "sasl.jaas.config"];

const fn key(name: &'static str, kind: ConfigType, default: &'static str, doc: &'static str) -> ConfigKey {
    let group = "JSON";
    ConfigKey::new(name, kind, DefaultValue::Text(default), Importance::Medium, group, name, doc)
}

/// Settings of Kafka's `JsonConverter`.
pub(super) const JSON_KEYS: &[ConfigKey] = &[
    key(
        "schemas.enable",
        ConfigType::Boolean,
        "true",
        "Whether the JSON holds schema and payload, or the payload alone.",
    ),
    key("schemas.cache.size", ConfigType::Int, "1000", "How many converted schemas are remembered."),
    key("replace.null.with.default", ConfigType::Boolean, "true", "Whether a null is written as its field's default."),
];

const JSON_OTHERS: &[OtherKey] = &[
    ignored("converter.type", "Connect sets it by itself"),
    refused("decimal.format", "decimals are written in Base64, as by default"),
    ignored("schema.registry.*", "JSON needs no registry"),
];

const TEXT_OTHERS: &[OtherKey] = &[
    ignored("converter.type", "Connect sets it by itself"),
    ignored("converter.encoding", "text is UTF-8"),
    ignored("schemas.enable", "it is a setting of JsonConverter"),
];

/// Reads `<which>.converter` and what is below it; `None` if it is not set or refused.
pub(super) fn read(checker: &mut Checker, side: &str) -> Option<ConverterConfig> {
    let name = format!("{side}.converter");
    let prefix = format!("{name}.");
    let Some(class) = checker.value(&name).map(|class| class.trim().to_owned()) else {
        let why =
            format!("without {name} in this file Connect takes the worker's converter with the worker's settings");
        checker.dismiss(&format!("{prefix}plugin.version"), &Fate::Ignored("there is one version here".to_owned()));
        checker.dismiss(&prefix, &Fate::Ignored(why));
        return None;
    };
    let kind = match classify(&class) {
        Ok(kind) => kind,
        Err(why) => {
            checker.refuse(&name, why);
            checker.dismiss(&prefix, &Fate::Ignored(format!("{name} is refused")));
            return None;
        }
    };
    let version = Fate::Ignored("there is one version of each plug-in here, which is part of the program".to_owned());
    checker.dismiss(&format!("{prefix}plugin.version"), &version);
    let mut properties = checker.judge(&prefix, &scope(&kind));
    let class = match kind {
        ConverterClass::Avro(_) => {
            let engine = properties.get("engine").map_or("native", str::trim).to_owned();
            // Made to see whether the settings go together: the instance of the run is made by the engine.
            if properties.get("schema.registry.url").is_some()
                && let Err(error) = AvroConverter::new(&properties, side == "key", Arc::new(InternedSchemas::new()))
                    .and_then(|_| reach(&properties))
            {
                checker.refuse_by(&prefix, &error, &name);
            }
            ConverterClass::Avro(if engine == "wasm" { Engine::Wasm } else { Engine::Native })
        }
        ConverterClass::Component(mut component) => {
            component.sha256 = properties.get("component.sha256").map(str::to_owned);
            properties = without(&properties, "component.sha256");
            ConverterClass::Component(component)
        }
        other => other,
    };
    Some(ConverterConfig { class, properties })
}

/// Whether the registry can be reached as the settings say, as far as files tell.
fn reach(properties: &Properties) -> Result<()> {
    if !properties.iter().any(|(key, _)| key.starts_with("schema.registry.ssl.") || key.starts_with("proxy.")) {
        return Ok(());
    }
    HttpClient::new(&Transport::new(properties)?).map(|_| ())
}

fn scope(kind: &ConverterClass) -> Scope {
    match kind {
        ConverterClass::Avro(_) => Scope {
            keys: vec![avro_converter::config::CONFIG.keys],
            others: vec![AVRO_OTHERS],
            families: AVRO_FAMILIES,
            rest: Rest::Unknown,
        },
        ConverterClass::Json => Scope { keys: vec![JSON_KEYS], others: vec![JSON_OTHERS], ..Scope::default() },
        ConverterClass::String | ConverterClass::ByteArray => Scope { others: vec![TEXT_OTHERS], ..Scope::default() },
        ConverterClass::Component(_) => Scope { keys: vec![COMPONENT_KEYS], rest: Rest::Honoured, ..Scope::default() },
    }
}

/// The properties but for one.
pub(super) fn without(properties: &Properties, name: &str) -> Properties {
    properties.iter().filter(|(key, _)| *key != name).collect()
}

/// The component that `wasm:FILE` names.
pub(super) fn component(class: &str) -> Option<ComponentSource> {
    let path = class.strip_prefix(COMPONENT)?;
    Some(ComponentSource { path: PathBuf::from(path), sha256: None })
}

fn classify(class: &str) -> std::result::Result<ConverterClass, String> {
    if let Some(component) = component(class) {
        return Ok(ConverterClass::Component(component));
    }
    let aliases = |full: &str| class == full || full.rsplit('.').next().is_some_and(|simple| class == simple);
    Ok(match class {
        _ if aliases(AVRO) || aliases(OURS) => ConverterClass::Avro(Engine::Native),
        _ if aliases(JSON) => ConverterClass::Json,
        _ if aliases(TEXT) => ConverterClass::String,
        _ if aliases(BYTES) => ConverterClass::ByteArray,
        "io.apicurio.registry.utils.converter.AvroConverter" => {
            return Err(format!(
                "Apicurio's own interface is not available; use {AVRO} with schema.registry.url at the registry's \
                 /apis/ccompat/v7 (equal to as-confluent=true, use-id=contentId)"
            ));
        }
        "io.confluent.connect.protobuf.ProtobufConverter" | "io.confluent.connect.json.JsonSchemaConverter" => {
            return Err(format!("Protobuf and JSON Schema are not available; use {AVRO} or {JSON}"));
        }
        _ => {
            let near = suggest::nearest(class, AVAILABLE.into_iter());
            let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            return Err(format!(
                "no JVM runs here that could load this class; available are {}{hint}",
                AVAILABLE.join(", ")
            ));
        }
    })
}

/// Reads `header.converter` and what is below it.
pub(super) fn read_header(checker: &mut Checker) -> HeaderConverter {
    let prefix = "header.converter.";
    let class = checker.value("header.converter").map_or(SIMPLE.to_owned(), |class| class.trim().to_owned());
    let converter = match class.as_str() {
        SIMPLE | "SimpleHeaderConverter" => HeaderConverter::Simple,
        TEXT | "StringConverter" => HeaderConverter::String,
        BYTES | "ByteArrayConverter" => HeaderConverter::ByteArray,
        _ => {
            checker
                .refuse("header.converter", format!("header converters that are available: {SIMPLE}, {TEXT}, {BYTES}"));
            HeaderConverter::Simple
        }
    };
    checker.judge(prefix, &Scope { others: vec![TEXT_OTHERS, super::framework::PLUGIN_OTHERS], ..Scope::default() });
    converter
}
