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

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::frame::Datum;
    use connect_data::row_image::tree;
    use connect_data::{ErrorKind, InternedSchemas, Value};
    use std::path::PathBuf;

    /// Plug-ins that only say what was asked for.
    struct Nothing;

    impl Plugins for Nothing {
        fn extract_new_record_state(
            &self,
            engine: Engine,
            settings: &Properties,
            schemas: Arc<dyn SchemaStore>,
        ) -> Result<Box<dyn Transformation>> {
            assert_eq!(engine, Engine::Native);
            Ok(Box::new(extract_new_record_state::ExtractNewRecordState::new(settings, schemas)?))
        }

        fn transformation(
            &self,
            component: &ComponentSource,
            _: &Properties,
            _: Arc<dyn SchemaStore>,
        ) -> Result<Box<dyn Transformation>> {
            Err(Error::config("test.component", component.path.display().to_string()))
        }

        fn predicate(
            &self,
            component: &ComponentSource,
            _: &Properties,
            _: Arc<dyn SchemaStore>,
        ) -> Result<Box<dyn Predicate>> {
            Err(Error::config("test.component", component.path.display().to_string()))
        }
    }

    fn transform(kind: TransformKind, settings: &[(&str, &str)]) -> TransformConfig {
        TransformConfig {
            alias: "a".to_owned(),
            class: "org.example.Class".to_owned(),
            kind,
            properties: Properties::from_iter(settings.iter().copied()),
            predicate: None,
        }
    }

    fn router(regex: &str, replacement: &str) -> TransformConfig {
        transform(TransformKind::Kafka("RegexRouter", None), &[("regex", regex), ("replacement", replacement)])
    }

    fn when(
        mut config: TransformConfig,
        kind: PredicateKind,
        settings: &[(&str, &str)],
        negate: bool,
    ) -> TransformConfig {
        let properties = Properties::from_iter(settings.iter().copied());
        config.predicate = Some(PredicateConfig {
            alias: "p".to_owned(),
            class: "org.example.P".to_owned(),
            kind,
            properties,
            negate,
        });
        config
    }

    fn chain(transforms: &[TransformConfig]) -> Result<Chain> {
        let schemas: Arc<dyn SchemaStore> = Arc::new(InternedSchemas::new());
        Chain::new(transforms, &Nothing, &schemas)
    }

    fn record(value: &Value) -> Vec<u8> {
        let (mut image, mut record) = (Vec::new(), Vec::new());
        tree::write(None, value, &mut image).unwrap();
        let datum = Datum { schema: 0, image: &image };
        RecordFrame::write("t", Some(0), Some(0), datum, datum, &[("h", datum)], &mut record);
        record
    }

    /// The topic that comes out; `None` = dropped.
    fn topic(transforms: &[TransformConfig], value: &Value) -> Option<String> {
        let (chain, mut record, mut scratch) = (chain(transforms).unwrap(), record(value), Scratch::default());
        let goes_on = chain.apply(&mut record, &mut scratch).unwrap();
        goes_on.then(|| RecordFrame::read(&record).unwrap().topic.to_owned())
    }

    #[test]
    fn each_link_sees_what_the_one_before_it_made() {
        let text = Value::String("x".to_owned());
        assert_eq!(topic(&[], &text).as_deref(), Some("t"));
        assert_eq!(topic(&[router("t", "u"), router("t", "no"), router("u", "v")], &text).as_deref(), Some("v"));
        let unwrap = transform(TransformKind::ExtractNewRecordState(Engine::Native), &[]);
        assert_eq!(topic(&[router("t", "u"), unwrap], &Value::Null), None);
    }

    #[test]
    fn predicates_decide_and_negate_turns_them() {
        let text = Value::String("x".to_owned());
        let cases = [
            (PredicateKind::TopicNameMatches, &[("pattern", "[tu]")][..], &text, true),
            (PredicateKind::TopicNameMatches, &[("pattern", "[uv]")], &text, false),
            (PredicateKind::HasHeaderKey, &[("name", "h")], &text, true),
            (PredicateKind::HasHeaderKey, &[("name", "g")], &text, false),
            (PredicateKind::RecordIsTombstone, &[], &Value::Null, true),
            (PredicateKind::RecordIsTombstone, &[], &text, false),
        ];
        for (kind, settings, value, satisfied) in cases {
            for negate in [false, true] {
                let link = when(router("t", "changed"), kind.clone(), settings, negate);
                let expected = if satisfied != negate { "changed" } else { "t" };
                assert_eq!(topic(&[link], value).as_deref(), Some(expected), "{kind:?} {settings:?} {negate}");
            }
        }
        let dropped =
            when(transform(TransformKind::Kafka("Filter", None), &[]), PredicateKind::RecordIsTombstone, &[], true);
        assert_eq!(topic(std::slice::from_ref(&dropped), &text), None);
        assert_eq!(topic(&[dropped], &Value::Null).as_deref(), Some("t"));
    }

    /// A tombstone reaches the unwrapping, which drops it, or goes past it.
    #[test]
    fn predicates_choose_what_is_unwrapped() {
        for (kind, settings, satisfied) in [
            (PredicateKind::RecordIsTombstone, &[][..], true),
            (PredicateKind::TopicNameMatches, &[("pattern", "[tu]")], true),
            (PredicateKind::TopicNameMatches, &[("pattern", "u")], false),
            (PredicateKind::HasHeaderKey, &[("name", "h")], true),
            (PredicateKind::HasHeaderKey, &[("name", "g")], false),
        ] {
            for negate in [false, true] {
                let unwrap = transform(TransformKind::ExtractNewRecordState(Engine::Native), &[]);
                let past = topic(&[when(unwrap, kind.clone(), settings, negate)], &Value::Null);
                assert_eq!(past.is_none(), satisfied != negate, "{kind:?} {settings:?} {negate}");
            }
        }
    }

    #[test]
    fn a_failure_names_its_link_and_leaves_the_record() {
        let insert = transform(TransformKind::Kafka("InsertField", None), &[("topic.field", "topic")]);
        let chain = chain(&[router("t", "u"), insert]).unwrap();
        let mut bytes = record(&Value::String("x".to_owned()));
        let failed = chain.apply(&mut bytes, &mut Scratch::default()).unwrap_err();
        assert_eq!((failed.alias, failed.class, failed.error.kind()), ("a", "org.example.Class", ErrorKind::Data));
        assert_eq!(RecordFrame::read(&bytes).unwrap().topic, "u");
    }

    #[test]
    fn what_cannot_be_built_is_named() {
        let component = ComponentSource { path: PathBuf::from("mine.wasm"), sha256: None };
        let error = chain(&[transform(TransformKind::Component(component.clone()), &[])]).err().unwrap();
        assert_eq!(error.to_string(), "mine.wasm [test.component] at transforms.a");
        let error = chain(&[when(router("t", "u"), PredicateKind::Component(component), &[], false)]).err().unwrap();
        assert_eq!(error.to_string(), "mine.wasm [test.component] at predicates.p");
        assert!(chain(&[router("(", "u")]).err().unwrap().to_string().contains("at transforms.a"));
    }
}
