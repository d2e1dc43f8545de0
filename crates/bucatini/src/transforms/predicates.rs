//! Predicates of `org.apache.kafka.connect.transforms.predicates`.

use connect_data::frame::RecordFrame;
use connect_data::row_image::Image;
use connect_data::{Error, Predicate, Properties, Result};
use regex::Regex;

/// The whole topic name matches a pattern.
struct TopicNameMatches(Regex);

/// A header has this name.
struct HasHeaderKey(String);

/// The value is null.
pub(super) struct RecordIsTombstone;

/// `TopicNameMatches` with its `pattern`.
pub(super) fn topic_name_matches(settings: &Properties) -> Result<Box<dyn Predicate>> {
    let pattern = required(settings, "pattern")?;
    Ok(Box::new(TopicNameMatches(super::pattern::whole(pattern, "pattern")?)))
}

/// `HasHeaderKey` with its `name`.
pub(super) fn has_header_key(settings: &Properties) -> Result<Box<dyn Predicate>> {
    Ok(Box::new(HasHeaderKey(required(settings, "name")?.to_owned())))
}

fn required<'a>(settings: &'a Properties, name: &str) -> Result<&'a str> {
    settings.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
        Error::config("config.missing", format!("setting {name}: expected a value, found none"))
    })
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
