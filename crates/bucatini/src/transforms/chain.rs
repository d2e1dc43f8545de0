//! Transformations in order, each behind its predicate.

use super::{kafka, predicates};
use crate::config::{ComponentSource, Engine, PredicateConfig, PredicateKind, TransformConfig, TransformKind};
use connect_data::frame::{DROP, Outcome, PASS, RecordFrame};
use connect_data::{Error, Predicate, Properties, Result, SchemaStore, Transformation};
use std::sync::Arc;

/// Where plug-ins that are not Kafka's own come from.
pub trait Plugins {
    /// `ExtractNewRecordState`, natively or as the shipped component.
    ///
    /// # Errors
    /// Config: a setting is wrong, or there is no such component.
    fn extract_new_record_state(
        &self,
        engine: Engine,
        settings: &Properties,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Transformation>>;

    /// An author's transformation.
    ///
    /// # Errors
    /// Config: there is no such component, its digest is another, or a setting is wrong.
    fn transformation(
        &self,
        component: &ComponentSource,
        settings: &Properties,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Transformation>>;

    /// An author's predicate.
    ///
    /// # Errors
    /// As [`Self::transformation`].
    fn predicate(
        &self,
        component: &ComponentSource,
        settings: &Properties,
        schemas: Arc<dyn SchemaStore>,
    ) -> Result<Box<dyn Predicate>>;
}

/// A connector's transformations. Any number of threads may apply it, each with a [`Scratch`] of its own.
pub struct Chain {
    links: Vec<Link>,
}

struct Link {
    alias: String,
    class: String,
    transformation: Box<dyn Transformation>,
    /// With whether its answer is negated.
    predicate: Option<(Box<dyn Predicate>, bool)>,
}

/// Buffers of a thread that applies chains.
#[derive(Default)]
pub struct Scratch {
    outcome: Vec<u8>,
    next: Vec<u8>,
}

/// A transformation or its predicate failed on a record.
#[derive(Debug)]
pub struct Failed<'a> {
    /// The transformation's alias.
    pub alias: &'a str,
    /// Its `type` as configured: what `__connect.errors.class.name` holds.
    pub class: &'a str,
    /// What is wrong.
    pub error: Error,
}

impl Chain {
    /// Builds the chain that a connector configures.
    ///
    /// # Errors
    /// Config: a setting of a transformation or predicate is wrong; it is named with its whole key.
    pub fn new(transforms: &[TransformConfig], plugins: &dyn Plugins, schemas: &Arc<dyn SchemaStore>) -> Result<Self> {
        let link = |config: &TransformConfig| {
            let settings = &config.properties;
            let transformation = match &config.kind {
                TransformKind::ExtractNewRecordState(engine) => {
                    plugins.extract_new_record_state(*engine, settings, schemas.clone())
                }
                TransformKind::Kafka(name, side) => kafka::transformation(name, *side, settings, schemas.clone()),
                TransformKind::Component(component) => plugins.transformation(component, settings, schemas.clone()),
            }
            .map_err(|error| error.field(&format!("transforms.{}", config.alias)))?;
            let predicate = config.predicate.as_ref().map(|predicate| {
                let built = build_predicate(predicate, plugins, schemas);
                built.map_err(|error| error.field(&format!("predicates.{}", predicate.alias)))
            });
            let predicate = predicate.transpose()?.zip(config.predicate.as_ref().map(|predicate| predicate.negate));
            Ok(Link { alias: config.alias.clone(), class: config.class.clone(), transformation, predicate })
        };
        Ok(Self { links: transforms.iter().map(link).collect::<Result<_>>()? })
    }

    /// Whether there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Applies the chain to the record in `record`, which is then the one that goes on; `Ok(false)` = it is dropped.
    ///
    /// # Errors
    /// The first failure; `record` is then as that transformation found it.
    pub fn apply(&self, record: &mut Vec<u8>, scratch: &mut Scratch) -> std::result::Result<bool, Failed<'_>> {
        for link in &self.links {
            match link.apply(record, scratch) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => return Err(Failed { alias: &link.alias, class: &link.class, error }),
            }
        }
        Ok(true)
    }
}

fn build_predicate(
    config: &PredicateConfig,
    plugins: &dyn Plugins,
    schemas: &Arc<dyn SchemaStore>,
) -> Result<Box<dyn Predicate>> {
    match &config.kind {
        PredicateKind::Component(component) => plugins.predicate(component, &config.properties, schemas.clone()),
        kind => match predicates::predicate(kind, &config.properties)? {
            Some(predicate) => Ok(predicate),
            None => Err(Error::internal("transforms.predicate", "expected a predicate of Kafka's, found another")),
        },
    }
}

impl Link {
    fn apply(&self, record: &mut Vec<u8>, scratch: &mut Scratch) -> Result<bool> {
        if let Some((predicate, negate)) = &self.predicate
            && predicate.test(record)? == *negate
        {
            return Ok(true);
        }
        scratch.outcome.clear();
        self.transformation.apply(record, &mut scratch.outcome)?;
        match scratch.outcome.as_slice() {
            [PASS] => return Ok(true),
            [DROP] => return Ok(false),
            _ => {}
        }
        scratch.next.clear();
        let goes_on = RecordFrame::read(record)?.write_changed(&Outcome::read(&scratch.outcome)?, &mut scratch.next)?;
        std::mem::swap(record, &mut scratch.next);
        Ok(goes_on)
    }
}
