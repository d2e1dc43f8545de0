//! The type map: PostgreSQL types to Connect schemas and the codecs that fill them, as Debezium 1.7's
//! `PostgresValueConverter` has it.
//!
//! Where Debezium 1.7 has a schema for a type but loses the value on the way from wal2json (`name`, `ltree`, `interval`
//! with fields), the value is delivered.

use crate::codec::{Binary, Codec};
use crate::config::{BinaryMode, DecimalMode, Settings, TimeMode};
use crate::pg_type::{PgType, UserType, UserTypes};
use connect_data::row_image::Layout;
use connect_data::schema::{Node, Schema, SchemaBuilder, Type, logical};
use connect_data::{Error, Result};

/// How a column is represented.
#[derive(Clone, Debug)]
pub(crate) struct Mapped {
    pub(crate) codec: Codec,
    /// Of a required column without default.
    pub(crate) schema: Schema,
}

/// Domains over domains beyond this are refused.
const MAX_DOMAINS: usize = 16;

/// Kafka Connect's own parameter for the precision of a Decimal.
const PRECISION: &str = "connect.decimal.precision";

impl Mapped {
    fn new(codec: Codec, node: Node) -> Option<Self> {
        Some(Self { codec, schema: Schema::primitive(node) })
    }

    fn plain(codec: Codec, kind: Type) -> Option<Self> {
        Self::new(codec, Node::new(kind))
    }

    fn semantic(codec: Codec, kind: Type, name: &str) -> Option<Self> {
        Self::new(codec, Node::new(kind).named(name).version(1))
    }
}

/// The representation of a type string; `None` = the column is left out.
///
/// # Errors
/// Data: domains that refer to each other. Internal: a schema that cannot be built.
pub(crate) fn map(text: &str, settings: &Settings, types: &UserTypes) -> Result<Option<Mapped>> {
    let mut pg_type = PgType::parse(text);
    let mut domains = 0;
    while let Some(UserType::Domain(base)) = types.get(&pg_type) {
        let base = PgType::parse(base);
        // An array of a domain is an array of its base type.
        pg_type = PgType { array: pg_type.array || base.array, ..base };
        domains += 1;
        if domains > MAX_DOMAINS {
            return Err(Error::data(
                "wal2json.domain",
                format!("expected at most {MAX_DOMAINS} nested domains, found more"),
            ));
        }
    }
    let mapper = Mapper { settings, types };
    let mapped = if pg_type.array { mapper.array(&pg_type)? } else { mapper.scalar(&pg_type)? };
    Ok(mapped.or_else(|| mapper.unknown()))
}

struct Mapper<'a> {
    settings: &'a Settings,
    types: &'a UserTypes,
}

impl Mapper<'_> {
    fn scalar(&self, pg_type: &PgType) -> Result<Option<Mapped>> {
        let connect = self.settings.time == TimeMode::Connect;
        let precision = pg_type.modifiers[0];
        Ok(match pg_type.name.as_str() {
            "bool" => Mapped::plain(Codec::Boolean, Type::Boolean),
            "int2" => Mapped::plain(Codec::Int16, Type::Int16),
            "int4" => Mapped::plain(Codec::Int32, Type::Int32),
            "int8" | "oid" => Mapped::plain(Codec::Int64, Type::Int64),
            "float4" => Mapped::plain(Codec::Float32, Type::Float32),
            "float8" => Mapped::plain(Codec::Float64, Type::Float64),
            "numeric" => self.numeric(pg_type)?,
            "money" => Mapped::new(Codec::Money, decimal(2)),
            "bit" | "varbit" => bits(pg_type),
            "bytea" => self.binary(Codec::Binary),
            "date" if connect => Mapped::semantic(Codec::Date, Type::Int32, logical::DATE),
            "date" => Mapped::semantic(Codec::Date, Type::Int32, "io.debezium.time.Date"),
            "time" => match self.settings.time {
                TimeMode::Connect => Mapped::semantic(Codec::TimeMillis, Type::Int32, logical::TIME),
                TimeMode::Adaptive if precision.unwrap_or(6) <= 3 => {
                    Mapped::semantic(Codec::TimeMillis, Type::Int32, "io.debezium.time.Time")
                }
                _ => micro_time(),
            },
            "timestamp" if connect => Mapped::semantic(Codec::TimestampMillis, Type::Int64, logical::TIMESTAMP),
            "timestamp" if precision.unwrap_or(6) <= 3 => {
                Mapped::semantic(Codec::TimestampMillis, Type::Int64, "io.debezium.time.Timestamp")
            }
            "timestamp" => Mapped::semantic(Codec::TimestampMicros, Type::Int64, "io.debezium.time.MicroTimestamp"),
            "timetz" => Mapped::semantic(Codec::ZonedTime, Type::String, "io.debezium.time.ZonedTime"),
            "timestamptz" => Mapped::semantic(Codec::ZonedTimestamp, Type::String, "io.debezium.time.ZonedTimestamp"),
            "interval" if self.settings.interval_text => {
                Mapped::semantic(Codec::IntervalText, Type::String, "io.debezium.time.Interval")
            }
            "interval" => Mapped::semantic(Codec::IntervalMicros, Type::Int64, "io.debezium.time.MicroDuration"),
            "json" | "jsonb" => Mapped::semantic(Codec::Text, Type::String, "io.debezium.data.Json"),
            "xml" => Mapped::semantic(Codec::Text, Type::String, "io.debezium.data.Xml"),
            "uuid" => Mapped::semantic(Codec::Text, Type::String, "io.debezium.data.Uuid"),
            "char" | "bpchar" | "varchar" | "text" | "name" | "inet" | "cidr" | "macaddr" | "macaddr8"
            | "int4range" | "int8range" | "numrange" | "tsrange" | "tstzrange" | "daterange" => {
                Mapped::plain(Codec::Text, Type::String)
            }
            "point" => point()?,
            // Types that PostgreSQL brings along and Debezium 1.7 does not map.
            "box" | "circle" | "line" | "lseg" | "path" | "polygon" | "pg_lsn" | "tsvector" | "tsquery"
            | "jsonpath" | "txid_snapshot" | "pg_snapshot" | "xid" | "xid8" | "cid" | "tid" | "int4multirange"
            | "int8multirange" | "nummultirange" | "tsmultirange" | "tstzmultirange" | "datemultirange"
            | "refcursor" => None,
            _ => self.user_defined(pg_type)?,
        })
    }

    /// Types of extensions by their well-known names, enums, and whatever else there is.
    fn user_defined(&self, pg_type: &PgType) -> Result<Option<Mapped>> {
        if let Some(UserType::Enum(labels)) = self.types.get(pg_type) {
            let node = Node::new(Type::String).named("io.debezium.data.Enum").version(1);
            return Ok(Mapped::new(Codec::Text, node.parameter("allowed", labels.join(","))));
        }
        Ok(match pg_type.unqualified() {
            "citext" => Mapped::plain(Codec::Text, Type::String),
            "ltree" => Mapped::semantic(Codec::Text, Type::String, "io.debezium.data.Ltree"),
            "hstore" if self.settings.hstore_map => hstore_map()?,
            "hstore" => Mapped::semantic(Codec::HstoreJson, Type::String, "io.debezium.data.Json"),
            "geometry" => geometry("io.debezium.data.geometry.Geometry", "Geometry")?,
            "geography" => geometry("io.debezium.data.geometry.Geography", "Geography")?,
            _ if self.types.known() => None,
            _ => Mapped::plain(Codec::Text, Type::String),
        })
    }

    fn array(&self, pg_type: &PgType) -> Result<Option<Mapped>> {
        let element = match pg_type.name.as_str() {
            "bytea" | "money" | "name" | "interval" | "bit" | "varbit" | "xml" | "point" => None,
            // Whatever the mode and the precision, as in Debezium.
            "time" => micro_time(),
            _ => self.scalar(pg_type)?,
        };
        let Some(element) = element else { return Ok(None) };
        let mut builder = SchemaBuilder::new();
        let array = builder.push(Node::new(Type::Array));
        let item = builder.copy(&element.schema, 0)?;
        if let Some(node) = builder.node_mut(item) {
            // Debezium does not make the items of an enum array optional.
            node.optional = node.name.as_deref() != Some("io.debezium.data.Enum");
        }
        if let Some(node) = builder.node_mut(array) {
            node.item = Some(item);
        }
        let schema = builder.build()?;
        let width = Layout::of(&schema).width(item) as usize;
        Ok(Some(Mapped { codec: Codec::Array(Box::new(element.codec), width), schema }))
    }

    fn numeric(&self, pg_type: &PgType) -> Result<Option<Mapped>> {
        let [precision, scale] = pg_type.modifiers;
        // PostgreSQL 15 and later allow a negative scale: the value is then a whole number, written in full.
        let digits = usize::try_from(scale.unwrap_or(0)).unwrap_or(0);
        Ok(match (self.settings.decimal, precision) {
            (DecimalMode::Double, _) => Mapped::plain(Codec::DecimalDouble, Type::Float64),
            (DecimalMode::String, _) => Mapped::plain(Codec::DecimalText(digits), Type::String),
            (DecimalMode::Precise, None) => variable_scale()?,
            (DecimalMode::Precise, Some(precision)) => {
                let precision = i64::from(precision) - i64::from(scale.unwrap_or(0).min(0));
                Mapped::new(Codec::Decimal(digits), decimal(digits).parameter(PRECISION, precision.to_string()))
            }
        })
    }

    fn binary(&self, codec: impl Fn(Binary) -> Codec) -> Option<Mapped> {
        match self.settings.binary {
            BinaryMode::Bytes => Mapped::plain(codec(Binary::Bytes), Type::Bytes),
            BinaryMode::Base64 => Mapped::plain(codec(Binary::Base64), Type::String),
            BinaryMode::Hex => Mapped::plain(codec(Binary::Hex), Type::String),
        }
    }

    fn unknown(&self) -> Option<Mapped> {
        if self.settings.include_unknown { self.binary(Codec::Opaque) } else { None }
    }
}

fn decimal(scale: usize) -> Node {
    Node::new(Type::Bytes).named(logical::DECIMAL).version(1).parameter(logical::SCALE, scale.to_string())
}

fn micro_time() -> Option<Mapped> {
    Mapped::semantic(Codec::TimeMicros, Type::Int64, "io.debezium.time.MicroTime")
}

/// `bit` without length is `bit(1)`; `bit varying` without length has no limit.
fn bits(pg_type: &PgType) -> Option<Mapped> {
    let unlimited = if pg_type.name == "varbit" { i32::MAX } else { 1 };
    match pg_type.modifiers[0].unwrap_or(unlimited) {
        ..=1 => Mapped::plain(Codec::BitBoolean, Type::Boolean),
        length => {
            let node = Node::new(Type::Bytes).named("io.debezium.data.Bits").version(1);
            Mapped::new(Codec::Bits, node.parameter("length", length.to_string()))
        }
    }
}

fn structure(codec: Codec, root: Node, fields: &[(&str, Type, bool)]) -> Result<Option<Mapped>> {
    let mut builder = SchemaBuilder::new();
    let root = builder.push(root);
    for (name, kind, optional) in fields {
        let mut node = Node::new(*kind);
        node.optional = *optional;
        builder.field(root, *name, node);
    }
    Ok(Some(Mapped { codec, schema: builder.build()? }))
}

fn struct_node(name: &str, doc: &str) -> Node {
    let mut node = Node::new(Type::Struct).named(name).version(1);
    node.doc = Some(doc.to_owned());
    node
}

fn variable_scale() -> Result<Option<Mapped>> {
    let root = struct_node("io.debezium.data.VariableScaleDecimal", "Variable scaled decimal");
    structure(Codec::VariableScaleDecimal, root, &[("scale", Type::Int32, false), ("value", Type::Bytes, false)])
}

fn point() -> Result<Option<Mapped>> {
    let root = struct_node("io.debezium.data.geometry.Point", "Geometry (POINT)");
    let fields = [
        ("x", Type::Float64, false),
        ("y", Type::Float64, false),
        ("wkb", Type::Bytes, true),
        ("srid", Type::Int32, true),
    ];
    structure(Codec::Point, root, &fields)
}

/// Debezium makes these optional whatever the column is.
fn geometry(name: &str, doc: &str) -> Result<Option<Mapped>> {
    let root = struct_node(name, doc).optional();
    structure(Codec::Geometry, root, &[("wkb", Type::Bytes, false), ("srid", Type::Int32, true)])
}

fn hstore_map() -> Result<Option<Mapped>> {
    let mut builder = SchemaBuilder::new();
    let map = builder.push(Node::new(Type::Map));
    let key = builder.push(Node::new(Type::String));
    let value = builder.push(Node::new(Type::String).optional());
    if let Some(node) = builder.node_mut(map) {
        (node.key, node.item) = (Some(key), Some(value));
    }
    Ok(Some(Mapped { codec: Codec::HstoreMap, schema: builder.build()? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CONFIG;
    use connect_data::Properties;

    fn settings(extra: &[(&str, &str)]) -> Settings {
        let base = [("topic.prefix", "s"), ("database.dbname", "d")];
        let properties: Properties = base.iter().chain(extra).copied().collect();
        Settings::parse(&CONFIG, &properties).unwrap()
    }

    fn mapped(text: &str, extra: &[(&str, &str)]) -> Option<Mapped> {
        let types = UserTypes::from_catalog([
            ("mood".to_owned(), UserType::Enum(vec!["a".to_owned(), "b".to_owned()])),
            ("price".to_owned(), UserType::Domain("numeric(12,2)".to_owned())),
            ("list".to_owned(), UserType::Domain("price[]".to_owned())),
            ("loop".to_owned(), UserType::Domain("loop".to_owned())),
        ]);
        map(text, &settings(extra), &types).unwrap()
    }

    #[test]
    fn modes_choose_the_representation() {
        let name = |text: &str, extra: &[(&str, &str)]| mapped(text, extra).unwrap().schema.root().name.clone();
        assert_eq!(name("time(3) without time zone", &[]).unwrap(), "io.debezium.time.Time");
        let micros = [("time.precision.mode", "adaptive_time_microseconds")];
        assert_eq!(name("time(3) without time zone", &micros).unwrap(), "io.debezium.time.MicroTime");
        assert_eq!(name("timestamp(3) without time zone", &micros).unwrap(), "io.debezium.time.Timestamp");
        let connect = [("time.precision.mode", "connect")];
        assert_eq!(name("timestamp without time zone", &connect).unwrap(), logical::TIMESTAMP);
        assert_eq!(mapped("numeric", &[("decimal.handling.mode", "double")]).unwrap().codec, Codec::DecimalDouble);
        assert_eq!(mapped("bytea", &[("binary.handling.mode", "HEX")]).unwrap().codec, Codec::Binary(Binary::Hex));
    }

    #[test]
    fn a_negative_scale_is_a_whole_number() {
        let mapped = mapped("numeric(5,-2)", &[]).unwrap();
        assert_eq!(mapped.codec, Codec::Decimal(0));
        assert_eq!(mapped.schema.root().get_parameter(PRECISION), Some("7"));
    }

    #[test]
    fn domains_are_their_base_types() {
        assert_eq!(mapped("price", &[]).unwrap().codec, Codec::Decimal(2));
        let arrays = Codec::Array(Box::new(Codec::Decimal(2)), 1);
        assert_eq!(mapped("list", &[]).unwrap().codec, arrays);
        assert_eq!(mapped("price[]", &[]).unwrap().codec, arrays);
        let types = UserTypes::from_catalog([("loop".to_owned(), UserType::Domain("loop".to_owned()))]);
        assert_eq!(map("loop", &settings(&[]), &types).unwrap_err().code(), "wal2json.domain");
    }

    #[test]
    fn unknown_types_are_left_out_unless_included() {
        for text in ["tsvector", "composite", "bytea[]", "composite[]"] {
            assert!(mapped(text, &[]).is_none(), "{text}");
            let included = mapped(text, &[("include.unknown.datatypes", "true")]).unwrap();
            assert_eq!(included.codec, Codec::Opaque(Binary::Bytes), "{text}");
        }
        // Without a catalogue nobody knows what it is, so it is kept as text.
        let kept = map("mood", &settings(&[]), &UserTypes::unknown()).unwrap().unwrap();
        assert_eq!((kept.codec, kept.schema.root().kind), (Codec::Text, Type::String));
    }

    #[test]
    fn items_of_arrays_are_optional_but_for_enums() {
        let item = |text: &str| mapped(text, &[]).unwrap().schema.node(1).optional;
        assert!(item("integer[]") && item("numeric(5,2)[]") && item("uuid[]"));
        assert!(!item("mood[]"));
        assert_eq!(mapped("numeric[]", &[]).unwrap().codec, Codec::Array(Box::new(Codec::VariableScaleDecimal), 3));
    }
}
