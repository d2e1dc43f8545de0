//! Kafka through librdkafka: an idempotent producer whose deliveries are counted by batch, topics made by the admin API, a
//! consumer whose offsets are committed by hand.

mod client;
mod consumer;
mod deliveries;
mod headers;
mod producer;
mod topics;

pub(crate) use client::{TIMED_OUT, error};
pub(crate) use consumer::{Consumer, Polled, Positions};
pub(crate) use headers::{read_headers, to_kafka_headers};
pub(crate) use producer::{Message, Producer};
pub(crate) use topics::{Administration, NewTopic};
