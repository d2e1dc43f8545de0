//! Batches in a component against the native code, and what the settings that a JVM demands of the engine take.

use crate::guest::{Guest, Settings};
use crate::input::{Input, TOPIC, to_connect};
use crate::race::Race;
use avro_converter::converter::AvroConverter;
use component_host::{Component, ComponentConverter, Options};
use connect_data::{Converter, InternedSchemas, Properties};
use std::hint::black_box;
use std::sync::Arc;

const BATCH: usize = 500;

pub fn race<'a>(input: &'a Input, bytes: &[u8]) -> Race<'a> {
    let settings = Properties::from_iter([("schema.registry.url", "http://registry")]);
    let native = AvroConverter::new(&settings, false, Arc::new(InternedSchemas::new())).unwrap();
    let component = Component::load(bytes, None).unwrap();
    let schemas = Arc::new(InternedSchemas::new());
    let guest = ComponentConverter::open(&component, &settings, false, schemas, &Options::default()).unwrap();
    let (native_topic, guest_topic) = (native.topic(TOPIC).unwrap(), guest.topic(TOPIC).unwrap());
    let (mut one, mut other, mut single) = (Vec::new(), Vec::new(), Vec::new());
    for payload in &input.payloads {
        to_connect(&native, native_topic, payload, input, &mut one);
        to_connect(&guest, guest_topic, payload, input, &mut other);
        assert_eq!(one, other, "the component's image is another");
    }
    let batch: Vec<&[u8]> = (0..BATCH).map(|i| &*input.payloads[i % input.payloads.len()]).collect();
    let again = batch.clone();
    let guest = Arc::new(guest);
    let one_by_one = guest.clone();
    let mut race = Race::default()
        .lane("native", move |count| {
            for i in 0..count {
                one.clear();
                black_box(native.to_connect(native_topic, &[], again[i % BATCH], &mut one).unwrap());
            }
        })
        .lane("component", move |count| {
            for _ in 0..count / BATCH {
                other.clear();
                guest.to_connect_batch(guest_topic, &batch, &mut other).unwrap();
                black_box(&other);
            }
        })
        .lane("component, one record a call", move |count| {
            for i in 0..count {
                single.clear();
                let payload = &input.payloads[i % input.payloads.len()];
                black_box(one_by_one.to_connect(guest_topic, &[], payload, &mut single).unwrap());
            }
        });
    for settings in Settings::ALL {
        let mut guest = Guest::new(bytes, settings, input);
        race = race.lane(settings.name, move |count| {
            for _ in 0..count / BATCH {
                black_box(guest.run(BATCH));
            }
        });
    }
    race
}
