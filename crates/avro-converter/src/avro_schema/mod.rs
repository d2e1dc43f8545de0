//! Avro schemas: a model that keeps everything a schema says, parsed and printed as Avro's Java implementation does.
//!
//! [`AvroSchema`] is an arena: a type is an [`AvroType`] at a [`TypeId`], and a second use of a named type is the same
//! id. Build one with [`AvroSchemaBuilder`]:
//!
//! ```
//! use avro_converter::avro_schema::{AvroSchemaBuilder, AvroType, Field, Kind, Name, Record};
//! let mut b = AvroSchemaBuilder::new();
//! let row = b.add(AvroType::new(Kind::Record(Record::new(Name::new("inventory.Row", None)))));
//! let id = b.add(AvroType::new(Kind::Long).with_prop("connect.type", "int64"));
//! let null = b.add(AvroType::new(Kind::Null));
//! let next = b.add(AvroType::new(Kind::Union(vec![null, row]))); // recursion: the id is known before the fields
//! b.add_field(row, Field::new("id", id));
//! b.add_field(row, Field::new("next", next).with_default(serde_json::Value::Null));
//! b.add_prop(row, "connect.name", "inventory.Row");
//! let schema = b.finish(row).unwrap();
//! assert_eq!(
//!     schema.to_string(),
//!     r#"{"type":"record","name":"Row","namespace":"inventory","fields":[{"name":"id","type":{"type":"long","connect.type":"int64"}},{"name":"next","type":["null","Row"],"default":null}],"connect.name":"inventory.Row"}"#
//! );
//! ```
//!
//! As in Java two different types may carry the same full name in a built schema; the printed text then refers to the
//! first one. The builder checks no names: [`NameRule`] does, and [`valid_default`] says what Avro thinks of a default.
//! Floats of 32 bits go into [`Json`] through their shortest text (`format!("{x}").parse::<f64>()`), as Java prints them;
//! NaN and the infinities are the strings that Jackson writes (`"NaN"`, `"Infinity"`, `"-Infinity"`).

mod canonical;
mod compatibility;
mod default;
mod equality;
mod logical_type;
mod model;
mod name;
mod parse;
mod print;

pub use default::valid_default;
pub use logical_type::LogicalType;
pub use model::{
    AvroSchema, AvroSchemaBuilder, AvroType, Enum, Field, Fixed, Kind, MAX_DEPTH, MAX_TYPES, Order, Props, Record,
    TypeId,
};
pub use name::{Name, NameRule};
pub use parse::{MAX_TEXT, ParseOptions};
pub use print::write_json;

/// JSON as in schema texts: properties and defaults.
pub type Json = serde_json::Value;
