//! What a record takes in a component by how many are in a call.

use crate::input::{Input, TOPIC, to_connect};
use crate::race::Race;
use avro_converter::converter::AvroConverter;
use component_host::{Component, ComponentConverter, Options};
use connect_data::{Converter, InternedSchemas, Properties};
use std::hint::black_box;
use std::sync::Arc;

/// Each divides the least count of a lane.
const SIZES: [(usize, &str); 5] = [(1, "1"), (10, "10"), (50, "50"), (100, "100"), (500, "500")];

/// The converter, native and as a component, that has converted a record of the input.
pub struct Pair {
    pub native: AvroConverter,
    pub native_topic: u32,
    pub guest: ComponentConverter,
    pub guest_topic: u32,
}

impl Pair {
    pub fn open(input: &Input, component: &[u8]) -> Self {
        let settings = Properties::from_iter([("schema.registry.url", "http://registry")]);
        let native = AvroConverter::new(&settings, false, Arc::new(InternedSchemas::new())).unwrap();
        let component = Component::load(component, None).unwrap();
        let schemas = Arc::new(InternedSchemas::new());
        let guest = ComponentConverter::open(&component, &settings, false, schemas, &Options::default()).unwrap();
        let (native_topic, guest_topic) = (native.topic(TOPIC).unwrap(), guest.topic(TOPIC).unwrap());
        let mut out = Vec::new();
        to_connect(&native, native_topic, &input.payloads[0], input, &mut out);
        to_connect(&guest, guest_topic, &input.payloads[0], input, &mut out);
        Self { native, native_topic, guest, guest_topic }
    }
}

/// Lanes: native, and the component with each number of records a call.
pub fn race<'a>(input: &'a Input, component: &[u8]) -> Race<'a> {
    let Pair { native, native_topic, guest, guest_topic } = Pair::open(input, component);
    let payloads: Vec<&[u8]> = input.payloads.iter().cycle().take(500).map(|payload| &**payload).collect();
    let guest = Arc::new(guest);
    let mut image = Vec::new();
    let all = payloads.clone();
    let mut race = Race::default().lane("native", move |count| {
        for payload in all.iter().cycle().take(count) {
            image.clear();
            black_box(native.to_connect(native_topic, &[], payload, &mut image).unwrap());
        }
    });
    for (size, name) in SIZES {
        let (guest, payloads, mut images) = (guest.clone(), payloads.clone(), Vec::new());
        race = race.lane(name, move |count| {
            for batch in payloads.chunks(size).cycle().take(count / size) {
                images.clear();
                guest.to_connect_batch(guest_topic, batch, &mut images).unwrap();
                black_box(&images);
            }
        });
    }
    race
}
