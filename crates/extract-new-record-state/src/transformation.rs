//! The transformation: plans looked up, executed, handed out.

use crate::cache::{Bounded, Plans};
use crate::claims::Claims;
use crate::compile::{Compiler, Selected};
use crate::config::Settings;
use crate::execute;
use crate::plan::{Branch, Change, Envelope, KeyProgram, Program, Select, Shape, Tombstone, ValuePlan, ValueProgram};
use crate::plan_codec::{self, Request};
use connect_data::frame::{CHANGE, DROP, Datum, PASS, RecordFrame, change};
use connect_data::row_image::{Image, tree};
use connect_data::wire::Writer;
use connect_data::{Error, Properties, Result, SchemaId, SchemaStore, Transformation, Value};
use std::sync::Arc;

/// Debezium's `ExtractNewRecordState`.
pub struct ExtractNewRecordState {
    settings: Settings,
    store: Arc<dyn SchemaStore>,
    claims: Claims,
    plans: Plans,
}

impl ExtractNewRecordState {
    /// Configures an instance, which finds the schemas of its records in `store` and puts those it makes there.
    ///
    /// # Errors
    /// Config: a value that the chosen generation refuses; delete settings of both without `generation`.
    pub fn new(properties: &Properties, store: Arc<dyn SchemaStore>) -> Result<Self> {
        let settings = Settings::new(properties)?;
        Ok(Self { settings, store, claims: Claims::default(), plans: Plans::new() })
    }

    fn compiler(&self) -> Compiler<'_> {
        Compiler { settings: &self.settings, store: &*self.store, claims: &self.claims }
    }

    fn transform(&self, record: &RecordFrame<'_>, out: &mut Vec<u8>) -> Result<()> {
        let value = Image::new(record.value.image, &[])?;
        let schema = record.value.schema;
        let compiled = self.plans.get(schema, || self.compiler().plan(schema))?;
        if is_null(&value) {
            return tombstone(&compiled.plan.tombstone, &value, out);
        }
        let envelope = match &compiled.plan.value {
            ValuePlan::Pass => {
                out.push(PASS);
                return Ok(());
            }
            ValuePlan::Fail(error) => return Err(error.clone()),
            ValuePlan::Envelope(envelope) => envelope,
        };
        value.expect_slots(envelope.slots as usize)?;
        let shape = shape(&value, envelope);
        let [after, before, neither] = &envelope.branches;
        let [of_after, of_before, of_neither] = &compiled.programs;
        let (branch, programs) = match shape {
            Shape::After => (after, of_after),
            Shape::Before => (before, of_before),
            Shape::Neither => (neither, of_neither),
        };
        match branch {
            Branch::Fail(error) => Err(error.clone()),
            Branch::Drop => {
                out.push(DROP);
                Ok(())
            }
            Branch::Change(change) => {
                let program = self.program(record, &value, shape, &change.select, programs, out)?;
                write_change(record, &value, change, &program, out)
            }
        }
    }

    /// Looks the program up by what selects it, compiling it when it is new. `out` serves as scratch for the key.
    fn program(
        &self,
        record: &RecordFrame<'_>,
        value: &Image<'_>,
        shape: Shape,
        select: &Select,
        programs: &Bounded<Vec<u8>, Program>,
        out: &mut Vec<u8>,
    ) -> Result<Arc<Program>> {
        let operation = match &select.operation {
            None => None,
            Some(place) => execute::text_at(value, place)?,
        };
        let dropped = match &select.dropped {
            None => None,
            Some(name) => list_header(record, name)?,
        };
        let start = out.len();
        let mut w = Writer::new(out);
        w.opt_str(operation);
        if let Some(dropped) = dropped {
            dropped.write(&mut w);
            w.u32(if select.key { record.key.schema } else { 0 });
        }
        let key = out.get(start..).unwrap_or(&[]);
        let found = programs.get(key);
        let key = if found.is_none() { key.to_vec() } else { Vec::new() };
        out.truncate(start);
        if let Some(program) = found {
            return Ok(program);
        }
        let dropped = dropped.map_or(Ok(Vec::new()), |dropped| self.names(dropped))?;
        let selected = Selected { shape, operation, key_schema: record.key.schema, dropped: &dropped };
        Ok(programs.insert(key, self.compiler().program(record.value.schema, &selected)?))
    }

    /// The items of a list as text; nulls are left out.
    fn names(&self, list: Datum<'_>) -> Result<Vec<String>> {
        let not_a_list = || Error::data("enrs.drop-fields", "expected a list of field names, found another value");
        let schema = self.schema(list.schema)?;
        match tree::read(schema.as_deref(), list.image, &[])? {
            Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(name).collect(),
            _ => Err(not_a_list()),
        }
        .map_err(|error| error.field("headers"))
    }

    fn schema(&self, id: SchemaId) -> Result<Option<Arc<connect_data::Schema>>> {
        if id == 0 {
            return Ok(None);
        }
        match self.store.get(id) {
            Some(schema) => Ok(Some(schema)),
            None => Err(Error::internal(
                "enrs.schema-id",
                format!("expected an interned schema, found the unknown number {id}"),
            )),
        }
    }
}

impl Transformation for ExtractNewRecordState {
    fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let record = RecordFrame::read(record)?;
        let start = out.len();
        let result = self.transform(&record, out);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// Requests and answers are those of [`plan_codec`].
    fn plan(&self, request: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        match Request::read(request)? {
            Request::Plan { value_schema } => {
                let compiled = self.plans.get(value_schema, || self.compiler().plan(value_schema))?;
                plan_codec::write_plan(&compiled.plan, out);
            }
            Request::Program { value_schema, shape, key_schema, operation, dropped } => {
                let selected = Selected { shape, operation: operation.as_deref(), key_schema, dropped: &dropped };
                plan_codec::write_program(&self.compiler().program(value_schema, &selected)?, out);
            }
        }
        Ok(true)
    }
}

fn is_null(image: &Image<'_>) -> bool {
    image.is_no_value() || image.is_null(0)
}

fn shape(value: &Image<'_>, envelope: &Envelope) -> Shape {
    if execute::is_present(value, &envelope.after) {
        Shape::After
    } else if envelope.before.as_ref().is_some_and(|before| execute::is_present(value, before)) {
        Shape::Before
    } else {
        Shape::Neither
    }
}

fn tombstone(plan: &Tombstone, value: &Image<'_>, out: &mut Vec<u8>) -> Result<()> {
    match plan {
        Tombstone::Drop => out.push(DROP),
        Tombstone::Keep(headers) if headers.is_empty() => out.push(PASS),
        Tombstone::Keep(headers) => {
            out.extend_from_slice(&[CHANGE, change::APPEND_HEADERS]);
            execute::headers(value, headers, out)?;
        }
    }
    Ok(())
}

/// Topic, key, value, headers: the order of an outcome's parts.
fn write_change(
    record: &RecordFrame<'_>,
    value: &Image<'_>,
    change: &Change,
    program: &Program,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.push(CHANGE);
    let mask_at = out.len();
    out.push(0);
    let mut mask = change::VALUE;
    if let Some(topic) = &change.topic {
        execute::topic(value, topic, |text| {
            Writer::new(out).str(text);
            mask |= change::TOPIC;
        })?;
    }
    let key = Image::new(record.key.image, &[])?;
    if !is_null(&key) {
        match &program.key {
            KeyProgram::Keep => {}
            KeyProgram::Fail(error) => return Err(error.clone()),
            KeyProgram::RemoveEntries(names) => {
                remove_entries(record.key, names, out)?;
                mask |= change::KEY;
            }
            KeyProgram::Rebuild(rebuild) => {
                execute::rebuild(&key, rebuild, out)?;
                mask |= change::KEY;
            }
        }
    }
    match &program.value {
        ValueProgram::Fail(error) => return Err(error.clone()),
        ValueProgram::Null { schema, slots } => execute::null(*schema, *slots, out)?,
        ValueProgram::Rebuild(rebuild) => execute::rebuild(value, rebuild, out)?,
    }
    if !change.headers.is_empty() {
        mask |= change::APPEND_HEADERS;
        execute::headers(value, &change.headers, out)?;
    }
    if let Some(place) = out.get_mut(mask_at) {
        *place = mask;
    }
    Ok(())
}

/// A schemaless key is rare and so is dropping its fields: it goes through a value tree.
fn remove_entries(key: Datum<'_>, names: &[String], out: &mut Vec<u8>) -> Result<()> {
    let Value::Map(mut entries) = tree::read(None, key.image, &[])? else {
        return Err(Error::data("enrs.drop-fields", "expected a key that is a map or a struct, found another value")
            .field("key")
            .hint("set drop.fields.from.key=false"));
    };
    entries.retain(|(name, _)| !matches!(name, Value::String(name) if names.contains(name)));
    let mut image = Vec::new();
    tree::write(None, &Value::Map(entries), &mut image)?;
    Datum { schema: 0, image: &image }.write(&mut Writer::new(out));
    Ok(())
}

/// The first header of this name, unless it is null.
fn list_header<'a>(record: &RecordFrame<'a>, name: &str) -> Result<Option<Datum<'a>>> {
    for header in record.headers.iter() {
        let (found, datum) = header?;
        if found == name {
            return Ok((!is_null(&Image::new(datum.image, &[])?)).then_some(datum));
        }
    }
    Ok(None)
}

/// Debezium joins whatever the list holds.
fn name(item: &Value) -> Result<String> {
    Ok(match item {
        Value::String(text) => text.clone(),
        Value::Boolean(value) => value.to_string(),
        Value::Int8(value) => value.to_string(),
        Value::Int16(value) => value.to_string(),
        Value::Int32(value) => value.to_string(),
        Value::Int64(value) => value.to_string(),
        other => {
            return Err(Error::data("enrs.drop-fields", format!("expected a field name, found {}", other.kind())));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::InternedSchemas;

    #[test]
    fn requests_that_are_none_are_refused() {
        let smt = ExtractNewRecordState::new(&Properties::default(), Arc::new(InternedSchemas::new())).unwrap();
        for request in [&[][..], &[2], &[0, 1, 0], &[0, 0, 0, 0, 0, 9], &[1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
        {
            assert!(smt.plan(request, &mut Vec::new()).is_err());
        }
        assert_eq!(smt.plan(&[0, 9, 0, 0, 0], &mut Vec::new()).unwrap_err().code(), "enrs.schema-id");
    }
}
