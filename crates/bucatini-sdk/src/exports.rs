//! The exported functions, over a core.

use crate::bindings::converter::exports::bucatini::connect::converter::Guest as GuestConverter;
use crate::bindings::imports::bucatini::connect::{configs, errors, logging};
use crate::bindings::plugin::exports::bucatini::connect::plugin::{Descriptor, Guest as GuestPlugin, Role};
use crate::bindings::predicate::exports::bucatini::connect::predicate::Guest as GuestPredicate;
use crate::bindings::transformation::exports::bucatini::connect::transformation::Guest as GuestTransformation;
use crate::schemas::{HostSchemas, to_wit_error};
use connect_data::batch::{self, BatchWriter, FromConnect, Items, ToConnect, status};
use connect_data::config::{ConfigType, DefaultValue, Importance, Validator};
use connect_data::{
    ConfigDef, Converter, Error, Predicate, Properties, Result, SchemaStore, Transformation, row_image,
};
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

/// How a component makes its core.
pub trait Plugin {
    /// What does the work: a [`Converter`], [`Transformation`] or [`Predicate`].
    type Core;
    /// Version of the component, usually `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;

    /// Its settings; their `plugin` names the component.
    fn config() -> &'static ConfigDef;

    /// Makes the core of a configured plug-in. `is_key`: the converter is the key's.
    ///
    /// # Errors
    /// Config: a setting is wrong.
    fn open(settings: &Properties, is_key: bool, schemas: Arc<dyn SchemaStore>) -> Result<Self::Core>;
}

/// The exports of a converter.
pub struct ConverterExports<P>(PhantomData<P>);

impl<P: Plugin<Core: Converter>> ConverterExports<P> {
    #[doc(hidden)]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// The exports of a transformation.
pub struct TransformationExports<P>(PhantomData<P>);

impl<P: Plugin<Core: Transformation>> TransformationExports<P> {
    #[doc(hidden)]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// The exports of a predicate.
pub struct PredicateExports<P>(PhantomData<P>);

impl<P: Plugin<Core: Predicate>> PredicateExports<P> {
    #[doc(hidden)]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

// A component instance is one plug-in instance.
static CONVERTER: OnceLock<Box<dyn Converter>> = OnceLock::new();
static TRANSFORMATION: OnceLock<Box<dyn Transformation>> = OnceLock::new();
static PREDICATE: OnceLock<Box<dyn Predicate>> = OnceLock::new();

type Configured = std::result::Result<(), errors::Error>;

impl<P: Plugin<Core: Converter + 'static>> GuestPlugin for ConverterExports<P> {
    fn describe() -> Descriptor {
        describe::<P>(Role::Converter)
    }

    fn configure(settings: Vec<configs::Setting>, is_key: bool) -> Configured {
        configure::<P, dyn Converter>(&CONVERTER, settings, is_key, |core| Box::new(core))
    }
}

impl<P: Plugin<Core: Transformation + 'static>> GuestPlugin for TransformationExports<P> {
    fn describe() -> Descriptor {
        describe::<P>(Role::Transformation)
    }

    fn configure(settings: Vec<configs::Setting>, is_key: bool) -> Configured {
        configure::<P, dyn Transformation>(&TRANSFORMATION, settings, is_key, |core| Box::new(core))
    }
}

impl<P: Plugin<Core: Predicate + 'static>> GuestPlugin for PredicateExports<P> {
    fn describe() -> Descriptor {
        describe::<P>(Role::Predicate)
    }

    fn configure(settings: Vec<configs::Setting>, is_key: bool) -> Configured {
        configure::<P, dyn Predicate>(&PREDICATE, settings, is_key, |core| Box::new(core))
    }
}

impl<P> GuestConverter for ConverterExports<P> {
    fn topic(name: String) -> std::result::Result<u32, errors::Error> {
        get(&CONVERTER).and_then(|core| core.topic(&name)).map_err(|e| to_wit_error(&e))
    }

    fn to_connect(batch: Vec<u8>) -> Vec<u8> {
        each(&CONVERTER, &batch, |core, item, out| {
            let call = ToConnect::read(item)?;
            batch::write_decoded(out, |out| core.to_connect(call.topic, call.headers, call.payload, out))
        })
    }

    fn from_connect(batch: Vec<u8>) -> Vec<u8> {
        each(&CONVERTER, &batch, |core, item, out| {
            let call = FromConnect::read(item)?;
            batch::write_encoded(out, |out| core.from_connect(call.topic, call.schema, call.image, out))
        })
    }

    fn exchange(need: u32, now_ms: i64) -> std::result::Result<Option<Vec<u8>>, errors::Error> {
        optional(&CONVERTER, |core, out| core.exchange(need, now_ms, out))
    }

    fn answer(answer: Vec<u8>, now_ms: i64) -> Configured {
        get(&CONVERTER).and_then(|core| core.answer(&answer, now_ms)).map_err(|e| to_wit_error(&e))
    }
}

impl<P> GuestTransformation for TransformationExports<P> {
    fn apply(batch: Vec<u8>) -> Vec<u8> {
        each(&TRANSFORMATION, &batch, |core, item, out| core.apply(item, out).map(|()| status::DONE))
    }

    fn plan(request: Vec<u8>) -> std::result::Result<Option<Vec<u8>>, errors::Error> {
        optional(&TRANSFORMATION, |core, out| core.plan(&request, out))
    }
}

impl<P> GuestPredicate for PredicateExports<P> {
    fn test(batch: Vec<u8>) -> Vec<u8> {
        each(&PREDICATE, &batch, |core, item, out| {
            out.push(u8::from(core.test(item)?));
            Ok(status::DONE)
        })
    }
}

fn describe<P: Plugin>(role: Role) -> Descriptor {
    let texts = |values: &[&str]| values.iter().map(|&v| v.to_owned()).collect::<Vec<_>>();
    let keys = P::config().keys.iter().map(|key| configs::ConfigKey {
        name: key.name.to_owned(),
        value_type: match key.kind {
            ConfigType::Boolean => configs::ValueType::Boolean,
            ConfigType::String => configs::ValueType::Text,
            ConfigType::Int => configs::ValueType::Int,
            ConfigType::Long => configs::ValueType::Long,
            ConfigType::List => configs::ValueType::TextList,
            ConfigType::Password => configs::ValueType::Password,
            ConfigType::Class => configs::ValueType::ClassName,
        },
        default_value: match key.default {
            DefaultValue::Required => configs::DefaultValue::Required,
            DefaultValue::Null => configs::DefaultValue::Null,
            DefaultValue::Text(text) => configs::DefaultValue::Text(text.to_owned()),
        },
        validator: match key.validator {
            Validator::Any => configs::Validator::Any,
            Validator::NonEmpty => configs::Validator::NonEmpty,
            Validator::OneOf(values) => configs::Validator::OneOf(texts(values)),
            Validator::OneOfIgnoringCase(values) => configs::Validator::OneOfIgnoringCase(texts(values)),
            Validator::AtLeast(least) => configs::Validator::AtLeast(least),
        },
        importance: match key.importance {
            Importance::High => configs::Importance::High,
            Importance::Medium => configs::Importance::Medium,
            Importance::Low => configs::Importance::Low,
        },
        doc: key.doc.to_owned(),
        group: key.group.to_owned(),
        display: key.display.to_owned(),
    });
    Descriptor {
        name: P::config().plugin.to_owned(),
        version: P::VERSION.to_owned(),
        role,
        row_format: u32::from(row_image::FORMAT),
        config: keys.collect(),
    }
}

fn configure<P: Plugin, C: ?Sized>(
    place: &OnceLock<Box<C>>,
    settings: Vec<configs::Setting>,
    is_key: bool,
    boxed: impl FnOnce(P::Core) -> Box<C>,
) -> Configured {
    // A panic message may quote row data: only its place is told, then the instance traps.
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        logging::log(logging::Level::Error, &format!("panic at {place}"));
    }));
    let settings = settings.into_iter().map(|s| (s.name, s.value)).collect::<Properties>();
    P::open(&settings, is_key, Arc::new(HostSchemas::default()))
        .and_then(|core| {
            place.set(boxed(core)).map_err(|_| {
                Error::internal("component.configured", "expected one configure call for an instance, found another")
            })
        })
        .map_err(|e| to_wit_error(&e))
}

fn get<C: ?Sized>(place: &'static OnceLock<Box<C>>) -> Result<&'static C> {
    place.get().map(Box::as_ref).ok_or_else(|| {
        Error::internal("component.not-configured", "expected a configure call before any other, found none")
    })
}

fn optional<C: ?Sized>(
    place: &'static OnceLock<Box<C>>,
    call: impl FnOnce(&C, &mut Vec<u8>) -> Result<bool>,
) -> std::result::Result<Option<Vec<u8>>, errors::Error> {
    let mut out = Vec::new();
    match get(place).and_then(|core| call(core, &mut out)) {
        Ok(found) => Ok(found.then_some(out)),
        Err(error) => Err(to_wit_error(&error)),
    }
}

/// Runs `call` on each item. A batch that cannot be read gives no items at all, which the host notices.
fn each<C: ?Sized>(
    place: &'static OnceLock<Box<C>>,
    batch: &[u8],
    call: impl Fn(&C, &[u8], &mut Vec<u8>) -> Result<u8>,
) -> Vec<u8> {
    // A result is seldom larger than twice its call: one allocation instead of a dozen growing ones.
    let mut out = Vec::with_capacity(2 * batch.len() + 256);
    let mut results = BatchWriter::new(&mut out);
    for item in Items::read(batch).into_iter().flatten() {
        results.result(|out| call(get(place)?, item?, out));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Odd;

    impl Predicate for Odd {
        fn test(&self, record: &[u8]) -> Result<bool> {
            match record {
                [byte] => Ok(byte % 2 == 1),
                _ => Err(Error::data("odd.length", "expected one byte")),
            }
        }
    }

    impl Plugin for Odd {
        type Core = Odd;
        const VERSION: &'static str = "1.2.3";

        fn config() -> &'static ConfigDef {
            &ConfigDef { plugin: "odd", keys: &[] }
        }

        fn open(_: &Properties, _: bool, _: Arc<dyn SchemaStore>) -> Result<Odd> {
            Ok(Odd)
        }
    }

    #[test]
    fn each_item_of_a_batch_has_its_own_result() {
        let mut call = Vec::new();
        let mut batch = BatchWriter::new(&mut call);
        [&[3][..], &[], &[4]].iter().for_each(|item| batch.item(|out| out.extend_from_slice(item)));
        let results = |call: &[u8]| {
            let out = <PredicateExports<Odd> as GuestPredicate>::test(call.to_vec());
            Items::read(&out)
                .unwrap()
                .map(|item| batch::read_done(item.unwrap()).map(<[u8]>::to_vec).map_err(|e| e.code().to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(results(&call)[0], Err("component.not-configured".to_owned()));
        PredicateExports::<Odd>::configure(Vec::new(), false).unwrap();
        assert_eq!(results(&call), [Ok(vec![1]), Err("odd.length".to_owned()), Ok(vec![0])]);
        assert!(results(&[9, 0, 0, 0]).is_empty());
        let again = PredicateExports::<Odd>::configure(Vec::new(), false).unwrap_err();
        assert_eq!(again.code, "component.configured");
        let described = PredicateExports::<Odd>::describe();
        assert_eq!((described.name.as_str(), described.version.as_str(), described.row_format), ("odd", "1.2.3", 1));
    }
}
