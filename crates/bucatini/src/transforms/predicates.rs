//! Predicates of `org.apache.kafka.connect.transforms.predicates`.

use crate::config::PredicateKind;
use connect_data::config::{ConfigType, DefaultValue, Importance, Validator};
use connect_data::frame::RecordFrame;
use connect_data::row_image::Image;
use connect_data::{ConfigKey, Error, Predicate, Properties, Result};
use regex::Regex;

/// The predicates by simple class name, with their settings.
pub(crate) static PREDICATES: [(&str, PredicateKind, &[ConfigKey]); 3] = [
    ("TopicNameMatches", PredicateKind::TopicNameMatches, &[PATTERN]),
    ("RecordIsTombstone", PredicateKind::RecordIsTombstone, &[]),
    ("HasHeaderKey", PredicateKind::HasHeaderKey, &[NAME]),
];

const PATTERN: ConfigKey = ConfigKey {
    validator: Validator::NonEmpty,
    ..ConfigKey::new(
        "pattern",
        ConfigType::String,
        DefaultValue::Required,
        Importance::Medium,
        "Predicate",
        "Pattern",
        "Java regular expression that the whole topic name matches.",
    )
};

const NAME: ConfigKey = ConfigKey {
    validator: Validator::NonEmpty,
    ..ConfigKey::new(
        "name",
        ConfigType::String,
        DefaultValue::Required,
        Importance::Medium,
        "Predicate",
        "Header name",
        "Name of a header that the record has.",
    )
};

/// The whole topic name matches a pattern.
struct TopicNameMatches(Regex);

/// A header has this name.
struct HasHeaderKey(String);

/// The value is null.
struct RecordIsTombstone;

/// Builds a predicate; `None` for one that is not Kafka's.
pub(super) fn predicate(kind: &PredicateKind, settings: &Properties) -> Result<Option<Box<dyn Predicate>>> {
    let required = |name: &str| {
        settings
            .get(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Error::config("config.missing", format!("setting {name}: expected a value, found none")))
    };
    Ok(Some(match kind {
        PredicateKind::TopicNameMatches => {
            Box::new(TopicNameMatches(super::pattern::whole(required("pattern")?, "pattern")?))
        }
        PredicateKind::HasHeaderKey => Box::new(HasHeaderKey(required("name")?.to_owned())),
        PredicateKind::RecordIsTombstone => Box::new(RecordIsTombstone),
        PredicateKind::Component(_) => return Ok(None),
    }))
}

/// Whether a predicate takes its settings.
pub(crate) fn check(kind: &PredicateKind, settings: &Properties) -> Result<()> {
    predicate(kind, settings).map(|_| ())
}

impl Predicate for TopicNameMatches {
    fn test(&self, record: &[u8]) -> Result<bool> {
        Ok(self.0.is_match(RecordFrame::read(record)?.topic))
    }
}

impl Predicate for HasHeaderKey {
    fn test(&self, record: &[u8]) -> Result<bool> {
        for header in RecordFrame::read(record)?.headers.iter() {
            if header?.0 == self.0 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Predicate for RecordIsTombstone {
    fn test(&self, record: &[u8]) -> Result<bool> {
        let image = Image::new(RecordFrame::read(record)?.value.image, &[])?;
        Ok(image.is_no_value() || image.is_null(0))
    }
}
