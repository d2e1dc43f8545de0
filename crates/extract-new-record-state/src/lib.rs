//! Debezium's `ExtractNewRecordState`, of 1.7 and of 3.x, compiled to plans.
//!
//! [`ExtractNewRecordState`] is a `Transformation` on row images. For a host that holds Structs it hands out the same
//! plans as bytes ([`plan_codec`]). The behaviour is that of debezium-core 1.7.0.Final on Kafka Connect 2.8.0 and of
//! debezium-connect-plugins 3.6.1.Final on Kafka 4.3.0, as `tests/corpus/smt` records it.
//!
//! ```
//! use connect_data::frame::{Datum, PASS, RecordFrame};
//! use connect_data::row_image::tree;
//! use connect_data::{InternedSchemas, Properties, Transformation, Value};
//! use extract_new_record_state::ExtractNewRecordState;
//! use std::sync::Arc;
//!
//! let settings = Properties::from_iter([("delete.tombstone.handling.mode", "rewrite-with-tombstone")]);
//! let unwrap = ExtractNewRecordState::new(&settings, Arc::new(InternedSchemas::new()))?;
//! let mut null = Vec::new();
//! tree::write(None, &Value::Null, &mut null)?;
//! let (mut record, mut outcome) = (Vec::new(), Vec::new());
//! let null = Datum { schema: 0, image: &null };
//! RecordFrame::write("topic", None, None, null, null, &[], &mut record);
//! unwrap.apply(&record, &mut outcome)?;
//! assert_eq!(outcome, [PASS], "a tombstone is kept as it is");
//! # Ok::<(), connect_data::Error>(())
//! ```
//!
//! What this crate does not do: MongoDB's `ExtractNewDocumentState`.
//!
//! Known differences, none of which a relational connector's records show:
//! * an added header that is a struct or a map keeps the schema of its content, which Debezium loses;
//! * an envelope whose `after` or `before` is the envelope itself again is refused.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod budget;
mod cache;
mod claims;
mod compile;
pub mod config;
mod execute;
mod field_reference;
mod input;
mod plan;
pub mod plan_codec;
mod resolve;
mod row;
mod transformation;
mod valid;

pub use transformation::ExtractNewRecordState;
