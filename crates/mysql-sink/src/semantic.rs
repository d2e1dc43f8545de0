//! What a schema node means: Connect's types, its logical types, and Debezium's semantic types.

use crate::literal::Unit;
use connect_data::schema::{Node, NodeId, Schema, Type, logical};

/// Meaning of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Semantic {
    /// BOOLEAN and integers, durations and years among them.
    Integer,
    Float32,
    Float64,
    Text,
    Bytes,
    Decimal {
        scale: i32,
        precision: Option<u32>,
    },
    /// `io.debezium.data.VariableScaleDecimal`; fields' offsets from the struct's slot.
    VariableDecimal {
        scale: u32,
        value: u32,
    },
    /// Days since the epoch.
    Date,
    Time(Unit),
    /// A wall clock without zone, since the epoch.
    LocalTimestamp(Unit),
    /// Connect's Timestamp: an instant, in milliseconds.
    Instant,
    /// ISO 8601 text: `ZonedTimestamp`, `IsoTimestamp`.
    IsoTimestamp,
    /// ISO 8601 text: `ZonedTime`, `IsoTime`.
    IsoTime,
    /// ISO 8601 text: `IsoDate`.
    IsoDate,
    /// Little-endian bits in BYTES.
    Bits {
        length: u32,
    },
    Json,
    Uuid,
    /// With the longest allowed value, in characters.
    Enum {
        longest: u32,
    },
    /// STRUCT, ARRAY, MAP of no known meaning.
    Structure,
}

impl Semantic {
    /// Meaning with Debezium's types.
    pub(crate) fn of(schema: &Schema, id: NodeId) -> Self {
        let node = schema.node(id);
        let name = node.name.as_deref().unwrap_or_default();
        let number = matches!(node.kind, Type::Int32 | Type::Int64);
        match (name, node.kind) {
            ("io.debezium.time.Date", _) if number => Self::Date,
            ("io.debezium.time.Time", _) if number => Self::Time(Unit::Millis),
            ("io.debezium.time.MicroTime", _) if number => Self::Time(Unit::Micros),
            ("io.debezium.time.NanoTime", _) if number => Self::Time(Unit::Nanos),
            ("io.debezium.time.Timestamp", _) if number => Self::LocalTimestamp(Unit::Millis),
            ("io.debezium.time.MicroTimestamp", _) if number => Self::LocalTimestamp(Unit::Micros),
            ("io.debezium.time.NanoTimestamp", _) if number => Self::LocalTimestamp(Unit::Nanos),
            ("io.debezium.time.ZonedTimestamp" | "io.debezium.time.IsoTimestamp", Type::String) => Self::IsoTimestamp,
            ("io.debezium.time.ZonedTime" | "io.debezium.time.IsoTime", Type::String) => Self::IsoTime,
            ("io.debezium.time.IsoDate", Type::String) => Self::IsoDate,
            ("io.debezium.data.Bits", Type::Bytes) => {
                Self::Bits { length: node.get_parameter("length").and_then(|length| length.parse().ok()).unwrap_or(64) }
            }
            ("io.debezium.data.Json", Type::String) => Self::Json,
            ("io.debezium.data.Uuid", Type::String) => Self::Uuid,
            ("io.debezium.data.Enum", Type::String) => {
                let values = node.get_parameter("allowed").unwrap_or_default();
                let longest = values.split(',').map(|value| value.chars().count()).max().unwrap_or(0);
                Self::Enum { longest: longest as u32 }
            }
            ("io.debezium.data.VariableScaleDecimal", Type::Struct) => variable_decimal(schema, id),
            _ => Self::of_connect(node),
        }
    }

    /// Meaning with Connect's own types only, as Confluent's and Aiven's connectors read it.
    pub(crate) fn of_connect(node: &Node) -> Self {
        match (node.name.as_deref().unwrap_or_default(), node.kind) {
            (logical::DECIMAL, Type::Bytes) => Self::Decimal {
                scale: node.get_parameter(logical::SCALE).and_then(|scale| scale.parse().ok()).unwrap_or(0),
                precision: node.get_parameter("connect.decimal.precision").and_then(|p| p.parse().ok()),
            },
            (logical::DATE, Type::Int32) => Self::Date,
            (logical::TIME, Type::Int32) => Self::Time(Unit::Millis),
            (logical::TIMESTAMP, Type::Int64) => Self::Instant,
            (_, Type::Boolean | Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64) => Self::Integer,
            (_, Type::Float32) => Self::Float32,
            (_, Type::Float64) => Self::Float64,
            (_, Type::String) => Self::Text,
            (_, Type::Bytes) => Self::Bytes,
            (_, Type::Array | Type::Map | Type::Struct) => Self::Structure,
        }
    }
}

fn variable_decimal(schema: &Schema, id: NodeId) -> Semantic {
    let (Some((scale, scale_node)), Some((value, value_node))) = (schema.field(id, "scale"), schema.field(id, "value"))
    else {
        return Semantic::Structure;
    };
    if (schema.node(scale_node).kind, schema.node(value_node).kind) != (Type::Int32, Type::Bytes) {
        return Semantic::Structure;
    }
    let layout = connect_data::row_image::Layout::of(schema);
    Semantic::VariableDecimal {
        scale: layout.field_offset(schema, id, scale),
        value: layout.field_offset(schema, id, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::SchemaBuilder;

    fn of(node: Node) -> Semantic {
        Semantic::of(&Schema::primitive(node), 0)
    }

    #[test]
    fn debezium_s_names_count_only_on_their_types() {
        assert_eq!(
            of(Node::new(Type::Int64).named("io.debezium.time.MicroTimestamp")),
            Semantic::LocalTimestamp(Unit::Micros)
        );
        assert_eq!(of(Node::new(Type::String).named("io.debezium.time.MicroTimestamp")), Semantic::Text);
        assert_eq!(of(Node::new(Type::Int64).named("io.debezium.time.MicroDuration")), Semantic::Integer);
        let bits = Node::new(Type::Bytes).named("io.debezium.data.Bits").parameter("length", "3");
        assert_eq!(of(bits), Semantic::Bits { length: 3 });
        let allowed = Node::new(Type::String).named("io.debezium.data.Enum").parameter("allowed", "a,größer");
        assert_eq!(of(allowed), Semantic::Enum { longest: 6 });
        let decimal = Node::new(Type::Bytes).named(logical::DECIMAL).parameter("scale", "2");
        assert_eq!(of(decimal), Semantic::Decimal { scale: 2, precision: None });
    }

    #[test]
    fn a_decimal_of_variable_scale_is_found_by_its_fields() {
        let mut b = SchemaBuilder::new();
        let root = b.push(Node::new(Type::Struct).named("io.debezium.data.VariableScaleDecimal"));
        b.field(root, "scale", Node::new(Type::Int32));
        b.field(root, "value", Node::new(Type::Bytes));
        assert_eq!(Semantic::of(&b.build().unwrap(), 0), Semantic::VariableDecimal { scale: 1, value: 2 });
        let empty = Node::new(Type::Struct).named("io.debezium.data.VariableScaleDecimal");
        assert_eq!(of(empty), Semantic::Structure);
    }
}
