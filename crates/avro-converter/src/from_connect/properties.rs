//! Keys of the metadata that `AvroData` 8.3.1 puts into Avro schemas and Connect parameters.

pub(super) const NAMESPACE: &str = "io.confluent.connect.avro";
pub(super) const DEFAULT_RECORD: &str = "ConnectDefault";
pub(super) const DEFAULT_RECORD_FULL: &str = "io.confluent.connect.avro.ConnectDefault";
pub(super) const MAP_ENTRY: &str = "MapEntry";
pub(super) const KEY: &str = "key";
pub(super) const VALUE: &str = "value";

pub(super) const CONNECT_NAME: &str = "connect.name";
pub(super) const CONNECT_DOC: &str = "connect.doc";
pub(super) const CONNECT_VERSION: &str = "connect.version";
pub(super) const CONNECT_DEFAULT: &str = "connect.default";
pub(super) const CONNECT_PARAMETERS: &str = "connect.parameters";
pub(super) const CONNECT_TYPE: &str = "connect.type";
pub(super) const CONNECT_INTERNAL_TYPE: &str = "connect.internal.type";

/// Read instead of the `io.confluent.connect.avro.*` ones when `discard.type.doc.default` is set.
pub(super) const CONNECT_RECORD_DOC: &str = "connect.record.doc";
pub(super) const CONNECT_ENUM_DOC: &str = "connect.enum.doc";
pub(super) const RECORD_DOC: &str = "io.confluent.connect.avro.record.doc";
pub(super) const FIELD_DOC_PREFIX: &str = "io.confluent.connect.avro.field.doc.";
pub(super) const ENUM_DOC_PREFIX: &str = "io.confluent.connect.avro.enum.doc.";
pub(super) const ENUM_DEFAULT_PREFIX: &str = "io.confluent.connect.avro.enum.default.";
/// Says that a default came from an Avro field, so that it is not repeated as `connect.default`.
pub(super) const FIELD_DEFAULT_FLAG: &str = "io.confluent.connect.avro.field.default";

pub(super) const UNION: &str = "io.confluent.connect.avro.Union";
pub(super) const ENUM: &str = "io.confluent.connect.avro.Enum";
pub(super) const GENERALIZED_UNION: &str = "org.apache.kafka.connect.data.Union";
pub(super) const GENERALIZED_ENUM: &str = "org.apache.kafka.connect.data.Enum";
pub(super) const VARIANT: &str = "org.apache.kafka.connect.data.Variant";

/// Parameters that begin with this become properties of their own.
pub(super) const AVRO_PREFIX: &str = "avro";
pub(super) const LOGICAL_TYPE: &str = "logicalType";
pub(super) const SCALE: &str = "scale";
pub(super) const PRECISION: &str = "precision";
pub(super) const FIXED_SIZE: &str = "connect.fixed.size";
pub(super) const DECIMAL_PRECISION: &str = "connect.decimal.precision";
/// Precision of a decimal that names none.
pub(super) const DEFAULT_PRECISION: i32 = 64;
