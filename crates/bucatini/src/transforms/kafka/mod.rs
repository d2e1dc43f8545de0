//! Transformations of `org.apache.kafka.connect.transforms`, as Kafka 4.1 has them.

mod fields;
mod headers;
mod routers;

use super::Side;
use connect_data::config::{ConfigType, DefaultValue, Importance};
use connect_data::frame::{DROP, Datum, RecordFrame};
use connect_data::row_image::Image;
use connect_data::{ConfigKey, Error, InternedSchemas, Properties, Result, SchemaStore, Transformation};
use std::sync::Arc;

/// Simple class names with their settings.
pub(crate) fn transformations() -> &'static [(&'static str, &'static [ConfigKey])] {
    &[
        ("DropHeaders", headers::DROP_KEYS),
        ("ExtractField", fields::EXTRACT_KEYS),
        ("Filter", &[]),
        ("HoistField", fields::HOIST_KEYS),
        ("InsertField", fields::INSERT_KEYS),
        ("InsertHeader", headers::INSERT_KEYS),
        ("RegexRouter", routers::REGEX_KEYS),
        ("ReplaceField", fields::REPLACE_KEYS),
        ("TimestampRouter", routers::TIMESTAMP_KEYS),
        ("ValueToKey", fields::VALUE_TO_KEY_KEYS),
    ]
}

/// Whether a transformation comes as `$Key` and `$Value`.
pub(crate) fn has_sides(name: &str) -> bool {
    matches!(name, "ExtractField" | "HoistField" | "InsertField" | "ReplaceField")
}

/// Whether a transformation takes its settings.
pub(crate) fn check(name: &str, side: Option<Side>, settings: &Properties) -> Result<()> {
    transformation(name, side, settings, Arc::new(InternedSchemas::new())).map(|_| ())
}

/// Builds the transformation of this simple class name.
pub(super) fn transformation(
    name: &str,
    side: Option<Side>,
    settings: &Properties,
    schemas: Arc<dyn SchemaStore>,
) -> Result<Box<dyn Transformation>> {
    let side = side.unwrap_or(Side::Value);
    Ok(match name {
        "DropHeaders" => Box::new(headers::DropHeaders::new(settings)?),
        "ExtractField" => Box::new(fields::ExtractField::new(side, settings, schemas)?),
        "Filter" => Box::new(Filter),
        "HoistField" => Box::new(fields::HoistField::new(side, settings, schemas)?),
        "InsertField" => Box::new(fields::InsertField::new(side, settings, schemas)?),
        "InsertHeader" => Box::new(headers::InsertHeader::new(settings, &*schemas)?),
        "RegexRouter" => Box::new(routers::RegexRouter::new(settings)?),
        "ReplaceField" => Box::new(fields::ReplaceField::new(side, settings, schemas)?),
        "TimestampRouter" => Box::new(routers::TimestampRouter::new(settings)?),
        "ValueToKey" => Box::new(fields::ValueToKey::new(settings, schemas)?),
        other => {
            let message = format!("{other}: expected a transformation that is available, found another");
            return Err(Error::config("transforms.class", message));
        }
    })
}

/// Drops every record that it is applied to.
struct Filter;

impl Transformation for Filter {
    fn apply(&self, _record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        out.push(DROP);
        Ok(())
    }
}

const fn key(name: &'static str, kind: ConfigType, default: DefaultValue, doc: &'static str) -> ConfigKey {
    ConfigKey::new(name, kind, default, Importance::Medium, "Transformation", name, doc)
}

fn missing(name: &str) -> Error {
    Error::config("config.missing", format!("setting {name}: expected a value, found none"))
}

/// A setting that must not be empty.
fn required<'a>(settings: &'a Properties, name: &str) -> Result<&'a str> {
    settings.get(name).map(str::trim).filter(|value| !value.is_empty()).ok_or_else(|| missing(name))
}

/// A list: empty if it is not set.
fn list(settings: &Properties, name: &str) -> Vec<String> {
    let text = settings.get(name).unwrap_or_default();
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// Kafka's default for `replace.null.with.default` and the like.
fn boolean(settings: &Properties, name: &str, default: bool) -> Result<bool> {
    match settings.get(name).map(str::trim) {
        None => Ok(default),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => {
            let message = format!("setting {name}: expected true or false, found something else");
            Err(Error::config("config.invalid", message))
        }
    }
}

fn side_of<'a>(record: &RecordFrame<'a>, side: Side) -> Datum<'a> {
    match side {
        Side::Key => record.key,
        Side::Value => record.value,
    }
}

fn is_null(image: &Image<'_>) -> bool {
    image.is_no_value() || image.is_null(0)
}

/// The schema with this number.
fn schema(store: &dyn SchemaStore, id: connect_data::SchemaId) -> Result<Arc<connect_data::Schema>> {
    store.get(id).ok_or_else(|| {
        Error::internal("transforms.schema-id", format!("expected an interned schema, found the unknown number {id}"))
    })
}

#[cfg(test)]
mod tests;
