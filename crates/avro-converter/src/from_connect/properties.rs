//! Keys of the metadata that `AvroData` 8.3.1 puts into Avro schemas and Connect parameters.

pub(crate) const NAMESPACE: &str = "io.confluent.connect.avro";
pub(crate) const DEFAULT_RECORD: &str = "ConnectDefault";
pub(crate) const DEFAULT_RECORD_FULL: &str = "io.confluent.connect.avro.ConnectDefault";
pub(crate) const MAP_ENTRY: &str = "MapEntry";
pub(crate) const KEY: &str = "key";
pub(crate) const VALUE: &str = "value";

pub(crate) const CONNECT_NAME: &str = "connect.name";
pub(crate) const CONNECT_DOC: &str = "connect.doc";
pub(crate) const CONNECT_VERSION: &str = "connect.version";
pub(crate) const CONNECT_DEFAULT: &str = "connect.default";
pub(crate) const CONNECT_PARAMETERS: &str = "connect.parameters";
pub(crate) const CONNECT_TYPE: &str = "connect.type";
pub(crate) const CONNECT_INTERNAL_TYPE: &str = "connect.internal.type";

/// Read instead of the `io.confluent.connect.avro.*` ones when `discard.type.doc.default` is set.
pub(crate) const CONNECT_RECORD_DOC: &str = "connect.record.doc";
pub(crate) const CONNECT_ENUM_DOC: &str = "connect.enum.doc";
pub(crate) const RECORD_DOC: &str = "io.confluent.connect.avro.record.doc";
pub(crate) const FIELD_DOC_PREFIX: &str = "io.confluent.connect.avro.field.doc.";
pub(crate) const ENUM_DOC_PREFIX: &str = "io.confluent.connect.avro.enum.doc.";
pub(crate) const ENUM_DEFAULT_PREFIX: &str = "io.confluent.connect.avro.enum.default.";
/// Says that a default came from an Avro field, so that it is not repeated as `connect.default`.
pub(crate) const FIELD_DEFAULT_FLAG: &str = "io.confluent.connect.avro.field.default";

pub(crate) const UNION: &str = "io.confluent.connect.avro.Union";
pub(crate) const ENUM: &str = "io.confluent.connect.avro.Enum";
pub(crate) const GENERALIZED_UNION: &str = "org.apache.kafka.connect.data.Union";
pub(crate) const GENERALIZED_ENUM: &str = "org.apache.kafka.connect.data.Enum";
pub(crate) const VARIANT: &str = "org.apache.kafka.connect.data.Variant";

/// Parameters that begin with this become properties of their own.
pub(crate) const AVRO_PREFIX: &str = "avro";
pub(crate) const LOGICAL_TYPE: &str = "logicalType";
pub(crate) const SCALE: &str = "scale";
pub(crate) const PRECISION: &str = "precision";
pub(crate) const FIXED_SIZE: &str = "connect.fixed.size";
pub(crate) const DECIMAL_PRECISION: &str = "connect.decimal.precision";
/// Precision of a decimal that names none.
pub(crate) const DEFAULT_PRECISION: i32 = 64;

/// Names of generalized unions and of their fields, before a number.
pub(crate) const GENERALIZED_UNION_PREFIX: &str = "connect_union_";
pub(crate) const GENERALIZED_UNION_FIELD_PREFIX: &str = "connect_union_field_";
