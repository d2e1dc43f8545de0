//! A schema prepared for printing: names are escaped once.

use super::calendar::Unit;
use super::{Style, print};
use crate::avro_schema::{AvroSchema, AvroType, Kind, LogicalType, TypeId};
use std::collections::BTreeMap;

/// One type of the schema, at its id.
#[derive(Debug)]
pub(super) enum Shape {
    Null,
    Boolean,
    Int(Look),
    Long(Look),
    Float,
    Double,
    Bytes(Look),
    String,
    Array(TypeId),
    Map(TypeId),
    Union(Vec<Branch>),
    Record(Vec<Member>),
    /// Symbols, quoted.
    Enum(Vec<Box<str>>),
    Fixed(usize, Look),
}

/// What a number or octets stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Itself,
    Decimal(usize),
    Date,
    Time(Unit),
    /// `true`: an instant, in UTC.
    Timestamp(Unit, bool),
    Uuid,
}

#[derive(Debug)]
pub(super) struct Branch {
    pub(super) ty: TypeId,
    /// What is printed before and after a value.
    pub(super) before: Box<str>,
    pub(super) after: &'static str,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) ty: TypeId,
    pub(super) name: Box<str>,
    /// Brace or comma, name and colon.
    pub(super) before: Box<str>,
}

/// All types of a schema.
pub(super) fn shapes(schema: &AvroSchema, style: Style) -> Vec<Shape> {
    schema.types().iter().map(|ty| shape(schema, ty, style)).collect()
}

fn shape(schema: &AvroSchema, ty: &AvroType, style: Style) -> Shape {
    let quoted = |text: &str| {
        let mut out = String::new();
        print::string(text, style, &mut out);
        out
    };
    let (comma, colon) = match style {
        Style::Avro => (", ", ": "),
        Style::Plain => (",", ":"),
    };
    match &ty.kind {
        Kind::Null => Shape::Null,
        Kind::Boolean => Shape::Boolean,
        Kind::Int => Shape::Int(look(ty, style)),
        Kind::Long => Shape::Long(look(ty, style)),
        Kind::Float => Shape::Float,
        Kind::Double => Shape::Double,
        Kind::Bytes => Shape::Bytes(look(ty, style)),
        Kind::String => Shape::String,
        Kind::Array(item) => Shape::Array(*item),
        Kind::Map(value) => Shape::Map(*value),
        Kind::Fixed(fixed) => Shape::Fixed(fixed.size, look(ty, style)),
        Kind::Enum(definition) => Shape::Enum(definition.symbols.iter().map(|symbol| quoted(symbol).into()).collect()),
        Kind::Record(record) => {
            let member = |(i, field): (usize, &crate::avro_schema::Field)| {
                let start = if i == 0 { "{" } else { comma };
                let before = format!("{start}{}{colon}", quoted(&field.name));
                Member { ty: field.ty, name: field.name.as_str().into(), before: before.into() }
            };
            Shape::Record(record.fields.iter().enumerate().map(member).collect())
        }
        Kind::Union(branches) => {
            let names = branch_names(schema, branches);
            let branch = |(ty, name): (&TypeId, &str)| {
                let bare = style == Style::Plain || matches!(schema.get(*ty).kind, Kind::Null);
                let before = if bare { String::new() } else { format!("{{{}{colon}", quoted(name)) };
                Branch { ty: *ty, before: before.into(), after: if bare { "" } else { "}" } }
            };
            Shape::Union(branches.iter().zip(names).map(branch).collect())
        }
    }
}

/// How a union's branches are named: by their simple names as libavro does, or by their full ones where two share a
/// simple name.
pub(super) fn branch_names<'a>(schema: &'a AvroSchema, branches: &[TypeId]) -> Vec<&'a str> {
    let simple = |id: &TypeId| {
        let ty = schema.get(*id);
        ty.name().map_or_else(|| ty.kind.type_name(), |name| name.simple())
    };
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for branch in branches {
        *uses.entry(simple(branch)).or_default() += 1;
    }
    let name = |id: &TypeId| match uses.get(simple(id)) {
        Some(1) => simple(id),
        _ => schema.get(*id).full_name(),
    };
    branches.iter().map(name).collect()
}

/// What a type stands for: by its logical type, by Debezium's name of it, or by its own kind.
fn look(ty: &AvroType, style: Style) -> Look {
    if style == Style::Avro {
        return Look::Itself;
    }
    match (ty.logical_type(), ty.props.text("logicalType")) {
        (Some(LogicalType::Decimal { scale, .. }), _) => {
            return usize::try_from(scale).map_or(Look::Itself, Look::Decimal);
        }
        (Some(LogicalType::Date), _) => return Look::Date,
        (Some(LogicalType::TimeMillis), _) => return Look::Time(Unit::Millis),
        (Some(LogicalType::TimestampMillis), _) => return Look::Timestamp(Unit::Millis, true),
        (Some(LogicalType::Other), Some(name)) => {
            return match (name, &ty.kind) {
                ("time-micros", _) => Look::Time(Unit::Micros),
                ("timestamp-micros", _) => Look::Timestamp(Unit::Micros, true),
                ("timestamp-nanos", _) => Look::Timestamp(Unit::Nanos, true),
                ("local-timestamp-millis", _) => Look::Timestamp(Unit::Millis, false),
                ("local-timestamp-micros", _) => Look::Timestamp(Unit::Micros, false),
                ("local-timestamp-nanos", _) => Look::Timestamp(Unit::Nanos, false),
                ("uuid", Kind::Fixed(_)) => Look::Uuid,
                _ => Look::Itself,
            };
        }
        _ => {}
    }
    match (ty.props.text("connect.name").unwrap_or(""), &ty.kind) {
        ("io.debezium.time.Date", Kind::Int) => Look::Date,
        ("io.debezium.time.Time", Kind::Int) => Look::Time(Unit::Millis),
        ("io.debezium.time.MicroTime", Kind::Long) => Look::Time(Unit::Micros),
        ("io.debezium.time.NanoTime", Kind::Long) => Look::Time(Unit::Nanos),
        ("io.debezium.time.Timestamp", Kind::Long) => Look::Timestamp(Unit::Millis, false),
        ("io.debezium.time.MicroTimestamp", Kind::Long) => Look::Timestamp(Unit::Micros, false),
        ("io.debezium.time.NanoTimestamp", Kind::Long) => Look::Timestamp(Unit::Nanos, false),
        _ => Look::Itself,
    }
}
