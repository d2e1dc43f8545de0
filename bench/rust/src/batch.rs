//! Batches in a component against the native code, and what the settings that a JVM demands of the engine take.

use crate::guest::{Guest, Settings};
use crate::input::{Input, to_connect};
use crate::race::Race;
use crate::sizes::Pair;
use crate::straight::{StraightComponent, StraightModule, with_fixed_memory};
use bucatini_bench_guest::image;
use connect_data::Converter;
use connect_data::batch::{BatchWriter, Items, ToConnect};
use std::hint::black_box;
use std::sync::Arc;

const BATCH: usize = 500;

/// `straight`: the core module of a program for this table alone.
pub fn race<'a>(input: &'a Input, bytes: &[u8], straight: &[u8]) -> Race<'a> {
    let Pair { native, native_topic, guest, guest_topic } = Pair::open(input, bytes);
    let (mut one, mut other, mut single) = (Vec::new(), Vec::new(), Vec::new());
    let mut images = Vec::new();
    for payload in &input.payloads {
        to_connect(&native, native_topic, payload, input, &mut one);
        to_connect(&guest, guest_topic, payload, input, &mut other);
        assert_eq!(one, other, "the component's image is another");
        images.push(one.clone());
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
    race = floors(race, input, &images, straight);
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

/// Programs for this table alone, to the same images: natively, and in the host's engine by the batch and by the record.
fn floors<'a>(race: Race<'a>, input: &'a Input, images: &[Vec<u8>], straight: &[u8]) -> Race<'a> {
    let mut image = [0; image::IMAGE];
    for (payload, wanted) in input.payloads.iter().zip(images) {
        image::write(payload, &mut image).unwrap();
        assert_eq!(wanted[..], image, "the straight program's image is another");
    }
    let payloads = || input.payloads.iter().cycle().map(|payload| &payload[..]);
    // They live as long as the process: component functions want borrowed lists of one lifetime.
    let batch: &'static [u8] = calls(payloads().take(BATCH)).leak();
    let singles: Vec<&'static [u8]> = payloads().take(input.payloads.len()).map(|one| &*calls([one]).leak()).collect();
    let again = singles.clone();
    let mut out = vec![0; batch.len() * 4];
    let written = image::batch(batch, &mut out).unwrap();
    for (item, wanted) in Items::read(&out[..written]).unwrap().zip(images.iter().cycle()) {
        assert_eq!(&item.unwrap()[5..], wanted, "the straight program's result is another");
    }
    let fixed = with_fixed_memory(straight);
    let mut component = StraightComponent::new(straight, Settings::HOST);
    let mut single = StraightComponent::new(straight, Settings::HOST);
    let mut module = StraightModule::new(straight, Settings::HOST);
    let mut one = StraightModule::new(straight, Settings::HOST);
    let mut still = StraightModule::new(&fixed, Settings::HOST);
    assert!(component.run(batch) == out[..written] && module.run(batch) == &out[..written]);
    assert!(still.run(batch) == &out[..written]);
    race.lane("floor native", move |count| {
        for _ in 0..count / BATCH {
            black_box(image::batch(batch, &mut out).unwrap());
        }
    })
    .lane("floor", move |count| {
        for _ in 0..count / BATCH {
            black_box(component.run(batch));
        }
    })
    .lane("floor, memory shared", move |count| {
        for _ in 0..count / BATCH {
            black_box(module.run(batch));
        }
    })
    .lane("floor, memory that never grows", move |count| {
        for _ in 0..count / BATCH {
            black_box(still.run(batch));
        }
    })
    .lane("floor, one record a call", move |count| {
        for i in 0..count {
            black_box(single.run(singles[i % singles.len()]));
        }
    })
    .lane("floor, one record a call, memory shared", move |count| {
        for i in 0..count {
            black_box(one.run(again[i % again.len()]));
        }
    })
}

fn calls<'a>(payloads: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut calls = Vec::new();
    let mut batch = BatchWriter::new(&mut calls);
    for payload in payloads {
        batch.item(|item| ToConnect { topic: 0, headers: &[], payload }.write(item));
    }
    calls
}
