//! `transforms` and `predicates`, with their aliases.

use super::audit::{Checker, Fate, Rest, Scope};
use super::converters::{component, without};
use super::framework::{COMPONENT_KEYS, PLUGIN_OTHERS, PREDICATE_KEYS, TRANSFORM_KEYS};
use super::pipeline::{Engine, PredicateConfig, PredicateKind, TransformConfig, TransformKind};
use super::suggest;
use crate::transforms::{PREDICATES, Side, kafka_transformations};
use connect_data::{ConfigKey, InternedSchemas, Properties};
use extract_new_record_state::ExtractNewRecordState;
use std::collections::BTreeMap;
use std::sync::Arc;

const UNWRAP: [&str; 3] = [
    "io.debezium.transforms.ExtractNewRecordState",
    "io.bucatini.connect.BucatiniExtractNewRecordState",
    "ExtractNewRecordState",
];
const KAFKA: &str = "org.apache.kafka.connect.transforms.";
const KAFKA_PREDICATES: &str = "org.apache.kafka.connect.transforms.predicates.";

/// Reads the chain.
pub(super) fn read(checker: &mut Checker) -> Vec<TransformConfig> {
    let predicates = read_predicates(checker);
    let mut used = Vec::new();
    let mut chain = Vec::new();
    for alias in aliases(checker, "transforms") {
        if let Some(transform) = read_transform(checker, &alias, &predicates, &mut used) {
            chain.push(transform);
        }
    }
    // A refused one stays refused.
    let usable = predicates.iter().filter(|(_, predicate)| predicate.is_some()).map(|(alias, _)| alias);
    for alias in usable.filter(|alias| !used.contains(*alias)) {
        let fate = Fate::Ignored("no transformation refers to this predicate".to_owned());
        checker.overrule(&format!("predicates.{alias}.type"), fate);
    }
    let nobody = |list: &str| Fate::Refused(format!("its alias is not in {list}"));
    checker.dismiss("transforms.", &nobody("transforms"));
    checker.dismiss("predicates.", &nobody("predicates"));
    chain
}

/// The aliases of a list, each once.
fn aliases(checker: &mut Checker, list: &str) -> Vec<String> {
    let text = checker.value(list).unwrap_or_default().to_owned();
    let mut found: Vec<String> = Vec::new();
    for alias in text.split(',').map(str::trim).filter(|alias| !alias.is_empty()) {
        if found.iter().any(|one| one == alias) {
            checker.refuse(list, format!("{alias} is in the list twice"));
        } else {
            found.push(alias.to_owned());
        }
    }
    found
}

fn read_transform(
    checker: &mut Checker,
    alias: &str,
    predicates: &BTreeMap<String, Option<PredicateConfig>>,
    used: &mut Vec<String>,
) -> Option<TransformConfig> {
    let prefix = format!("transforms.{alias}.");
    let (class, kind) = classified(checker, &prefix, TRANSFORM_KEYS, classify)?;
    let others = vec![PLUGIN_OTHERS];
    let scope = match &kind {
        TransformKind::ExtractNewRecordState(_) => {
            let keys = vec![TRANSFORM_KEYS, extract_new_record_state::config::CONFIG.keys];
            Scope { keys, others, ..Scope::default() }
        }
        TransformKind::Kafka(name, _) => {
            let keys = vec![TRANSFORM_KEYS, kafka_keys(name)];
            Scope { keys, others, ..Scope::default() }
        }
        TransformKind::Component(_) => {
            Scope { keys: vec![TRANSFORM_KEYS, COMPONENT_KEYS], others, rest: Rest::Honoured, ..Scope::default() }
        }
    };
    let honoured = checker.judge(&prefix, &scope);
    let negate = honoured.get("negate").is_some_and(|negate| negate.trim().eq_ignore_ascii_case("true"));
    let predicate = honoured.get("predicate").map(|name| name.trim().to_owned());
    let mut properties: Properties =
        honoured.iter().filter(|(key, _)| !matches!(*key, "type" | "predicate" | "negate")).collect();
    let kind = match kind {
        TransformKind::ExtractNewRecordState(_) => {
            if let Err(error) = ExtractNewRecordState::new(&properties, Arc::new(InternedSchemas::new())) {
                checker.refuse_by(&prefix, &error, &format!("{prefix}type"));
            }
            let wasm = properties.get("engine").is_some_and(|engine| engine.trim().eq_ignore_ascii_case("wasm"));
            TransformKind::ExtractNewRecordState(if wasm { Engine::Wasm } else { Engine::Native })
        }
        TransformKind::Kafka(name, side) => {
            if let Err(error) = crate::transforms::check_kafka(name, side, &properties) {
                checker.refuse_by(&prefix, &error, &format!("{prefix}type"));
            }
            TransformKind::Kafka(name, side)
        }
        TransformKind::Component(mut component) => {
            component.sha256 = properties.get("component.sha256").map(str::to_owned);
            properties = without(&properties, "component.sha256");
            TransformKind::Component(component)
        }
    };
    let predicate = match predicate {
        None => {
            if negate {
                checker.refuse(&format!("{prefix}negate"), "there is no predicate to negate");
            }
            None
        }
        Some(name) => {
            used.push(name.clone());
            match predicates.get(&name) {
                Some(found) => found.clone().map(|predicate| PredicateConfig { negate, ..predicate }),
                None => {
                    let near = suggest::nearest(&name, predicates.keys().map(String::as_str));
                    let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
                    checker.refuse(&format!("{prefix}predicate"), format!("{name} is not in predicates{hint}"));
                    None
                }
            }
        }
    };
    Some(TransformConfig { alias: alias.to_owned(), class, kind, properties, predicate })
}

/// The declared settings of one of Kafka's transformations.
fn kafka_keys(name: &str) -> &'static [ConfigKey] {
    kafka_transformations().iter().find(|(known, _)| *known == name).map_or(&[], |(_, keys)| keys)
}

/// `type` and what it stands for; without a usable one the rest of its keys is left alone.
fn classified<T>(
    checker: &mut Checker,
    prefix: &str,
    keys: &'static [ConfigKey],
    classify: impl Fn(&str) -> Result<T, String>,
) -> Option<(String, T)> {
    let name = format!("{prefix}type");
    let Some(class) = checker.value(&name).map(|class| class.trim().to_owned()) else {
        checker.judge(prefix, &Scope { keys: vec![keys], rest: Rest::Honoured, ..Scope::default() });
        return None;
    };
    match classify(&class) {
        Ok(kind) => Some((class, kind)),
        Err(why) => {
            checker.refuse(&name, why);
            checker.dismiss(prefix, &Fate::Ignored(format!("{name} is refused")));
            None
        }
    }
}

fn classify(class: &str) -> Result<TransformKind, String> {
    if let Some(component) = component(class) {
        return Ok(TransformKind::Component(component));
    }
    if UNWRAP.contains(&class) {
        return Ok(TransformKind::ExtractNewRecordState(Engine::Native));
    }
    let name = class.strip_prefix(KAFKA).unwrap_or(class);
    let (name, side) = match name.split_once('$') {
        Some((name, "Key")) => (name, Some(Side::Key)),
        Some((name, "Value")) => (name, Some(Side::Value)),
        _ => (name, None),
    };
    if let Some((known, _)) = kafka_transformations().iter().find(|(known, _)| *known == name) {
        return match (crate::transforms::has_sides(known), side) {
            (true, None) => Err(format!("{class} has two forms: {class}$Key and {class}$Value")),
            (false, Some(_)) => Err(format!("{name} has no forms for key and value")),
            _ => Ok(TransformKind::Kafka(known, side)),
        };
    }
    let mut available: Vec<String> = vec![UNWRAP[0].to_owned()];
    available.extend(kafka_transformations().iter().map(|(name, _)| format!("{KAFKA}{name}")));
    let near = suggest::nearest(class, available.iter().map(String::as_str));
    let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    Err(format!("no JVM runs here that could load this class; available are {}, wasm:FILE{hint}", available.join(", ")))
}

/// The predicates by alias; `None` for one that is refused.
fn read_predicates(checker: &mut Checker) -> BTreeMap<String, Option<PredicateConfig>> {
    let mut predicates = BTreeMap::new();
    for alias in aliases(checker, "predicates") {
        let predicate = read_predicate(checker, &alias);
        predicates.insert(alias, predicate);
    }
    predicates
}

fn read_predicate(checker: &mut Checker, alias: &str) -> Option<PredicateConfig> {
    let prefix = format!("predicates.{alias}.");
    let (class, kind) = classified(checker, &prefix, PREDICATE_KEYS, classify_predicate)?;
    let others = vec![PLUGIN_OTHERS];
    let scope = match &kind {
        PredicateKind::Component(_) => {
            Scope { keys: vec![PREDICATE_KEYS, COMPONENT_KEYS], others, rest: Rest::Honoured, ..Scope::default() }
        }
        kind => {
            let keys = PREDICATES.iter().find(|(_, known, _)| known == kind).map_or(&[][..], |(_, _, keys)| *keys);
            Scope { keys: vec![PREDICATE_KEYS, keys], others, ..Scope::default() }
        }
    };
    let honoured = checker.judge(&prefix, &scope);
    let mut properties = without(&honoured, "type");
    let kind = match kind {
        PredicateKind::Component(mut component) => {
            component.sha256 = properties.get("component.sha256").map(str::to_owned);
            properties = without(&properties, "component.sha256");
            PredicateKind::Component(component)
        }
        kind => {
            if let Err(error) = crate::transforms::check_predicate(&kind, &properties) {
                checker.refuse_by(&prefix, &error, &format!("{prefix}type"));
            }
            kind
        }
    };
    Some(PredicateConfig { alias: alias.to_owned(), class, kind, properties, negate: false })
}

fn classify_predicate(class: &str) -> Result<PredicateKind, String> {
    if let Some(component) = component(class) {
        return Ok(PredicateKind::Component(component));
    }
    let name = class.strip_prefix(KAFKA_PREDICATES).unwrap_or(class);
    if let Some((_, kind, _)) = PREDICATES.iter().find(|(known, _, _)| *known == name) {
        return Ok(kind.clone());
    }
    let names: Vec<_> = PREDICATES.iter().map(|(name, _, _)| format!("{KAFKA_PREDICATES}{name}")).collect();
    let near = suggest::nearest(class, names.iter().map(String::as_str));
    let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    Err(format!("no JVM runs here that could load this class; available are {}, wasm:FILE{hint}", names.join(", ")))
}
