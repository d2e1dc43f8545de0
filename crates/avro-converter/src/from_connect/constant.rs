//! Values that are not in the row: what a null field with a default is written as (`Struct.get`).

use super::default::Steps;
use super::leaf::{Leaf, Variable};
use super::node::is_union;
use super::resolve::{Child, Context, Meeting, Resolved, Types};
use super::write::Word;
use connect_data::{Error, Result, Step, Value};

/// The octets of a null, or Java's error.
pub(super) fn null(types: &Types<'_>, meeting: Meeting) -> Result<Box<[u8]>> {
    let mut constant = Constant { types, steps: Steps::default(), out: Vec::new() };
    constant.value(meeting, &Value::Null)?;
    Ok(constant.out.into())
}

/// Writes one value.
struct Constant<'a> {
    types: &'a Types<'a>,
    steps: Steps,
    out: Vec<u8>,
}

impl Constant<'_> {
    fn value(&mut self, meeting: Meeting, value: &Value) -> Result<()> {
        self.steps.enter()?;
        let result = self.value_here(meeting, value);
        self.steps.leave();
        result
    }

    fn value_here(&mut self, meeting: Meeting, value: &Value) -> Result<()> {
        let types = self.types;
        let node = types.schema.node(meeting.node);
        let value = match (value, &node.default) {
            (Value::Null, Some(default)) if types.uses_default(node, meeting.context) => match default {
                Value::Struct(_) => return Err(struct_for_null()),
                default => default,
            },
            _ => value,
        };
        match value {
            Value::Null => return self.null_here(meeting),
            Value::Unavailable => return Err(unavailable()),
            Value::Struct(values) if is_union(node) => return self.union(meeting, values),
            _ => {}
        }
        let (branch, resolved) = types.resolve(meeting)?;
        branch.word().append(&mut self.out);
        let mismatch = || {
            let message = format!("default: expected {}, found {}", node.kind.name(), value.kind());
            Err(Error::data("avro.default", message))
        };
        match resolved {
            Resolved::Leaf(leaf) => leaf.write(value, &mut self.out),
            Resolved::Record { own, writer } => {
                let Value::Struct(values) = value else { return mismatch() };
                let values: Vec<&Value> = values.iter().collect();
                self.children(&types.fields(meeting.node, own, writer)?, &values)
            }
            Resolved::Array { own, writer } => {
                let Value::Array(items) = value else { return mismatch() };
                let item = Meeting { node: node.item.unwrap_or(0), own, writer, context: Context::Item };
                self.items(items.len(), Step::Index, |constant, i| match items.get(i) {
                    Some(value) => constant.value(item, value),
                    None => Ok(()),
                })
            }
            Resolved::Map { own, writer } => {
                let Value::Map(entries) = value else { return mismatch() };
                let item = Meeting { node: node.item.unwrap_or(0), own, writer, context: Context::Item };
                self.items(entries.len(), Step::Entry, |constant, i| {
                    let Some((key, value)) = entries.get(i) else { return Ok(()) };
                    Leaf::Variable(Variable::String).write(key, &mut constant.out)?;
                    constant.value(item, value)
                })
            }
            Resolved::Entries { own, writer } => {
                let Value::Map(entries) = value else { return mismatch() };
                let (branch, writer) = types.entry(own, writer)?;
                let children = types.key_and_value(meeting.node, own, writer)?;
                self.items(entries.len(), Step::Entry, |constant, i| {
                    let Some((key, value)) = entries.get(i) else { return Ok(()) };
                    branch.word().append(&mut constant.out);
                    constant.children(&children, &[key, value])
                })
            }
        }
    }

    fn null_here(&mut self, meeting: Meeting) -> Result<()> {
        if !self.types.schema.node(meeting.node).optional {
            return Err(null_for_required());
        }
        self.types.null(meeting.writer)?.word().append(&mut self.out);
        Ok(())
    }

    fn union(&mut self, meeting: Meeting, values: &[Value]) -> Result<()> {
        let types = self.types;
        for (field, value) in types.schema.node(meeting.node).fields.iter().zip(values) {
            let branch = Meeting { node: field.node, context: Context::Field, ..meeting };
            if !value.is_null() || types.uses_default(types.schema.node(field.node), Context::Field) {
                return self.value(branch, value).map_err(|e| e.field(&field.name));
            }
        }
        self.null_here(meeting)
    }

    fn children(&mut self, children: &[Child<'_>], values: &[&Value]) -> Result<()> {
        for child in children {
            let Some(value) = values.get(child.position) else { continue };
            let written = self.out.len();
            self.value(child.meeting, value).map_err(|e| e.field(child.name))?;
            if child.discarded {
                self.out.truncate(written);
            }
        }
        Ok(())
    }

    fn items(
        &mut self,
        count: usize,
        step: fn(u32) -> Step,
        mut item: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<()> {
        if count > 0 {
            Word::count(count).append(&mut self.out);
        }
        for i in 0..count {
            item(self, i).map_err(|e| e.within(step(i as u32)))?;
        }
        Word::count(0).append(&mut self.out);
        Ok(())
    }
}

/// `validateSchemaValue`.
pub(super) fn null_for_required() -> Error {
    Error::data("avro.null-required", "Found null value for non-optional schema")
        .hint("make the schema optional, give the field a default, or correct whatever wrote the record")
}

/// "Mismatching struct schema": the schema of the struct that is a default cannot have that default, so that it never equals
/// the schema it stands in, which `AvroData.fromConnectData` wants.
fn struct_for_null() -> Error {
    Error::data(
        "avro.struct-default",
        "null: expected a struct, found a default that is a struct, which is never written",
    )
    .hint("fill the field, or make it optional without a default")
}

pub(super) fn unavailable() -> Error {
    Error::data("avro.unavailable", "Avro value: expected a value, found an unchanged one that the source did not send")
        .hint("large unchanged columns are missing from updates; set REPLICA IDENTITY FULL or a placeholder for them")
}
