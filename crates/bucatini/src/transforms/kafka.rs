//! Transformations of `org.apache.kafka.connect.transforms`.

use super::Side;
use connect_data::{Error, Properties, Result, SchemaStore, Transformation};
use std::sync::Arc;

/// Builds the transformation of this simple class name.
pub(super) fn transformation(
    name: &'static str,
    side: Option<Side>,
    settings: &Properties,
    schemas: Arc<dyn SchemaStore>,
) -> Result<Box<dyn Transformation>> {
    let _ = (side, settings, schemas);
    Err(Error::config("transforms.class", format!("{name}: expected a transformation that runs here, found this one")))
}
