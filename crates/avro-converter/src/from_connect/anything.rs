//! Schemaless data: the record `Anything`, one optional field per kind of value, arrays and maps of itself.

use super::properties::{KEY, MAP_ENTRY, NAMESPACE, VALUE};
use super::write::{self, Word};
use crate::avro_schema::{AvroSchema, AvroSchemaBuilder, AvroType, Field, Json, Kind, Name, Record};
use connect_data::wire::Reader;
use connect_data::{Error, Result, schemaless};

/// Fields of the record.
const FIELDS: usize = 9;

/// `AvroData.ANYTHING_SCHEMA`.
pub(super) fn avro_schema() -> Result<AvroSchema> {
    let mut types = AvroSchemaBuilder::new();
    let anything = types.add(AvroType::new(Kind::Record(Record::new(Name::new("Anything", Some(NAMESPACE))))));
    let primitives = [
        ("boolean", Kind::Boolean),
        ("bytes", Kind::Bytes),
        ("double", Kind::Double),
        ("float", Kind::Float),
        ("int", Kind::Int),
        ("long", Kind::Long),
        ("string", Kind::String),
        ("array", Kind::Array(anything)),
    ];
    let optional = |types: &mut AvroSchemaBuilder, name: &str, kind: Kind| {
        let (null, ty) = (types.add(AvroType::new(Kind::Null)), types.add(AvroType::new(kind)));
        let union = types.add(AvroType::new(Kind::Union(vec![null, ty])));
        types.add_field(anything, Field::new(name, union).with_default(Json::Null));
    };
    for (name, kind) in primitives {
        optional(&mut types, name, kind);
    }
    let entry = types.add(AvroType::new(Kind::Record(Record::new(Name::new(MAP_ENTRY, Some(NAMESPACE))))));
    for name in [KEY, VALUE] {
        types.add_field(entry, Field::new(name, anything));
    }
    optional(&mut types, "map", Kind::Array(entry));
    types.finish(anything)
}

/// Writes tagged bytes ([`connect_data::schemaless`]) as an `Anything`.
///
/// # Errors
/// Data `avro.schemaless-bytes`: Java knows no schemaless bytes. Data `schemaless.depth`. Internal: malformed input.
pub(super) fn encode(tagged: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut reader = Reader::new(tagged);
    value(&mut reader, out, 0)?;
    match reader.remaining() {
        0 => Ok(()),
        rest => Err(malformed(format!("{rest} bytes after the value"))),
    }
}

/// Recursion is bounded by [`schemaless::MAX_DEPTH`].
fn value(r: &mut Reader<'_>, out: &mut Vec<u8>, depth: usize) -> Result<()> {
    if depth > schemaless::MAX_DEPTH {
        let most = schemaless::MAX_DEPTH;
        return Err(Error::data(
            "schemaless.depth",
            format!("schemaless data: expected at most {most} levels, found more"),
        ));
    }
    let tag = r.u8()?;
    let position = match tag {
        0 => {
            out.extend_from_slice(&[0; FIELDS]);
            return Ok(());
        }
        1 | 2 => 0,
        3..=5 => 4,
        6 => 5,
        7 => 3,
        8 => 2,
        9 => 6,
        10 => {
            return Err(Error::data("avro.schemaless-bytes", "schemaless data: expected no bytes, found some")
                .hint("give the data a schema, or convert the bytes to a string"));
        }
        11 => 7,
        12 => 8,
        tag => return Err(malformed(format!("unknown tag {tag}"))),
    };
    let nulls = [0; FIELDS];
    out.extend_from_slice(nulls.get(..position).unwrap_or(&[]));
    // The branch after null.
    let branch = Word::count(1);
    match tag {
        1 | 2 => branch.then(Word::octet(tag - 1)).append(out),
        3 => branch.then(Word::int(i32::from(r.i64()? as i8))).append(out),
        4 => branch.then(Word::int(i32::from(r.i64()? as i16))).append(out),
        5 => branch.then(Word::int(r.i64()? as i32)).append(out),
        6 => write::long(out, branch, r.i64()?),
        7 => branch.then(Word::four(r.u32()?)).append(out),
        8 => {
            branch.append(out);
            Word::eight(r.i64()? as u64).append(out);
        }
        9 => write::bytes(out, branch, r.str()?.as_bytes()),
        _ => {
            let values = if tag == 11 { 1 } else { 2 };
            let count = r.count(values)?;
            branch.append(out);
            if count > 0 {
                Word::count(count).append(out);
                for _ in 0..count * values {
                    value(r, out, depth + 1)?;
                }
            }
            Word::count(0).append(out);
        }
    }
    out.extend_from_slice(nulls.get(position + 1..).unwrap_or(&[]));
    Ok(())
}

fn malformed(found: String) -> Error {
    Error::internal("schemaless.tag", format!("schemaless data: expected a tagged value, found {found}"))
}
