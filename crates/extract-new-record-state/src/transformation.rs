//! The transformation: plans looked up, executed, handed out.

use crate::budget::Budget;
use crate::cache::{Bounded, Plans};
use crate::claims::Claims;
use crate::compile::{Compiler, Dropped, Selected, no_before};
use crate::config::Settings;
use crate::execute;
use crate::plan::{
    Branch, Change, Envelope, HeaderAdd, KeyProgram, Place, Program, Select, Shape, Step, Tombstone, ValuePlan,
    ValueProgram,
};
use crate::plan_codec::{self, Request};
use connect_data::frame::{CHANGE, DROP, Datum, PASS, RecordFrame, change};
use connect_data::row_image::{Image, tree};
use connect_data::wire::{Reader, Writer};
use connect_data::{Error, Properties, Result, SchemaId, SchemaStore, Transformation, Value};
use std::sync::Arc;

/// Debezium's `ExtractNewRecordState`.
pub struct ExtractNewRecordState {
    settings: Settings,
    store: Arc<dyn SchemaStore>,
    claims: Claims,
    plans: Plans,
    budget: Budget,
}

impl ExtractNewRecordState {
    /// Configures an instance, which finds the schemas of its records in `store` and puts those it makes there.
    ///
    /// # Errors
    /// Config: a value that the chosen generation refuses; delete settings of both without `generation`.
    pub fn new(properties: &Properties, store: Arc<dyn SchemaStore>) -> Result<Self> {
        let settings = Settings::new(properties)?;
        Ok(Self { settings, store, claims: Claims::default(), plans: Plans::new(), budget: Budget::default() })
    }

    fn compiler(&self) -> Compiler<'_> {
        Compiler { settings: &self.settings, store: &*self.store, claims: &self.claims, budget: &self.budget }
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
        let with_defaults = self.with_defaults(schema, &value, record.value.image, envelope)?;
        let rows = match &with_defaults {
            None => value,
            Some(image) => Image::new(image, &[])?,
        };
        let shape = shape(&rows, envelope);
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
                let no_row = |before: &Place| value.is_null(before.slot as usize);
                if shape == Shape::Before && change.topic.is_some() && envelope.before.as_ref().is_some_and(no_row) {
                    return Err(no_before());
                }
                let program = self.program(record, &value, shape, change, programs, out)?;
                write_change(record, [&value, &rows], shape, change, &program, out)
            }
        }
    }

    /// The value with defaults in the place of rows that are null, as `Struct.get` gives them; `None` = it is the same.
    /// No connector's schema has such defaults, so this goes through a value tree.
    fn with_defaults(
        &self,
        schema: SchemaId,
        value: &Image<'_>,
        image: &[u8],
        envelope: &Envelope,
    ) -> Result<Option<Vec<u8>>> {
        let rows =
            [(Some(&envelope.after), &envelope.after_default), (envelope.before.as_ref(), &envelope.before_default)];
        let mut root = None;
        for row in rows {
            let (Some(place), Some(default)) = row else { continue };
            if !value.is_null(place.slot as usize) {
                continue;
            }
            let envelope = self.schema(schema)?;
            let values = match &mut root {
                Some(values) => values,
                empty => empty.insert(tree::read(envelope.as_deref(), image, &[])?),
            };
            if let (Value::Struct(fields), Some(position)) = (values, place.path.first())
                && let Some(field) = fields.get_mut(*position as usize)
            {
                *field = tree::read(self.schema(default.schema)?.as_deref(), &default.image, &[])?;
            }
        }
        let Some(root) = root else { return Ok(None) };
        let mut image = Vec::new();
        tree::write(self.schema(schema)?.as_deref(), &root, &mut image)?;
        Ok(Some(image))
    }

    /// Looks the program up by what selects it, compiling it when it is new. `out` serves as scratch for the key.
    fn program(
        &self,
        record: &RecordFrame<'_>,
        value: &Image<'_>,
        shape: Shape,
        change: &Change,
        programs: &Bounded<Vec<u8>, Program>,
        out: &mut Vec<u8>,
    ) -> Result<Arc<Program>> {
        let select = &change.select;
        let operation = match &select.operation {
            None => None,
            Some(place) => execute::text_at(value, place)?,
        };
        let start = out.len();
        Writer::new(out).opt_str(operation);
        let operation_end = out.len();
        if let Some(name) = &select.dropped {
            dropped_list(record, value, &change.headers, name, out)?;
        }
        let list_end = out.len();
        if list_end > operation_end {
            Writer::new(out).u32(if select.key { record.key.schema } else { 0 });
        }
        if let Some(program) = programs.get(out.get(start..).unwrap_or(&[])) {
            out.truncate(start);
            return Ok(program);
        }
        let key = out.split_off(start);
        let dropped = match key.get(operation_end - start..list_end - start) {
            None | Some([]) => Vec::new(),
            Some(list) => self.names(list)?,
        };
        let selected = Selected { shape, operation, key_schema: record.key.schema, dropped: &dropped };
        Ok(programs.insert(key, self.compiler().program(record.value.schema, &selected)?))
    }

    /// The slot of the struct that becomes the row of a record, and the row's schema, where the row is that struct as it is
    /// and nothing else of the record changes; for records that have one. `None`: more is done, or no such record has come
    /// yet.
    pub fn excerpt(&self, schema: SchemaId) -> Option<(u32, SchemaId)> {
        let compiled = self.plans.get(schema, || self.compiler().plan(schema)).ok()?;
        let ValuePlan::Envelope(envelope) = &compiled.plan.value else { return None };
        let [Branch::Change(change), ..] = &envelope.branches else { return None };
        if !change.headers.is_empty() || change.topic.is_some() || change.select != Select::default() {
            return None;
        }
        let [programs, ..] = &compiled.programs;
        let mut key = Vec::new();
        Writer::new(&mut key).opt_str(None);
        let program = programs.get(&key)?;
        let (KeyProgram::Keep, ValueProgram::Rebuild(rebuild)) = (&program.key, &program.value) else { return None };
        let slot = envelope.after.slot;
        let mut copies = 0;
        for step in &rebuild.steps {
            match step {
                // A converter refuses it as well.
                Step::Require { .. } => {}
                Step::Copy { from_slot, to_slot: 1, cells, .. }
                    if *from_slot == slot + 1 && cells.width + 1 == rebuild.slots =>
                {
                    copies += 1;
                }
                _ => return None,
            }
        }
        (copies == 1 && rebuild.nulls.is_empty() && rebuild.watch.is_none()).then_some((slot, rebuild.schema))
    }

    /// The items of a list, which is a datum.
    fn names(&self, list: &[u8]) -> Result<Vec<Dropped>> {
        let mut r = Reader::new(list);
        let schema = self.schema(r.u32()?)?;
        match tree::read(schema.as_deref(), r.bytes()?, &[])? {
            Value::Array(items) => Ok(items.iter().map(dropped).collect()),
            _ => {
                Err(Error::data("enrs.drop-fields", "expected a list of field names, found another value")
                    .field("headers"))
            }
        }
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
        Tombstone::Fail(error) => return Err(error.clone()),
        Tombstone::Keep(headers) if headers.is_empty() => out.push(PASS),
        Tombstone::Keep(headers) => {
            out.extend_from_slice(&[CHANGE, change::APPEND_HEADERS]);
            execute::headers(value, headers, &None, out)?;
        }
    }
    Ok(())
}

/// Topic, key, value, headers: the order of an outcome's parts. `rows` is `value` with defaults for its rows.
fn write_change(
    record: &RecordFrame<'_>,
    [value, rows]: [&Image<'_>; 2],
    shape: Shape,
    change: &Change,
    program: &Program,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.push(CHANGE);
    let mask_at = out.len();
    out.push(0);
    let mut mask = change::VALUE;
    if let Some(topic) = &change.topic {
        execute::topic(if shape == Shape::After { rows } else { value }, topic, |text| {
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
                execute::rebuild(&key, &key, rebuild, out)?;
                mask |= change::KEY;
            }
        }
    }
    let unsent = match &program.value {
        ValueProgram::Fail(error) => return Err(error.clone()),
        ValueProgram::Null { schema, slots } => {
            execute::null(*schema, *slots, out)?;
            None
        }
        ValueProgram::Rebuild(rebuild) => execute::rebuild(rows, value, rebuild, out)?,
    };
    if !change.headers.is_empty() || unsent.is_some() {
        mask |= change::APPEND_HEADERS;
        execute::headers(value, &change.headers, &unsent, out)?;
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

/// Appends the first header of this name as a datum, unless it is null: one of the record's own, else one that is added.
fn dropped_list(
    record: &RecordFrame<'_>,
    value: &Image<'_>,
    added: &[HeaderAdd],
    name: &str,
    out: &mut Vec<u8>,
) -> Result<()> {
    for header in record.headers.iter() {
        let (found, datum) = header?;
        if found == name {
            if !is_null(&Image::new(datum.image, &[])?) {
                datum.write(&mut Writer::new(out));
            }
            return Ok(());
        }
    }
    match added.iter().find(|header| header.name == name) {
        Some(header) if execute::is_given(value, header) => execute::header(value, header, out),
        _ => Ok(()),
    }
}

fn dropped(item: &Value) -> Dropped {
    match item {
        Value::Null => Dropped::Null,
        Value::String(text) => Dropped::Name(text.clone()),
        other => Dropped::Other(java_text(other)),
    }
}

/// `Object.toString`, as far as a part of it between commas could be a field's name.
fn java_text(value: &Value) -> String {
    let list = |items: &[Value]| items.iter().map(java_text).collect::<Vec<_>>().join(", ");
    match value {
        Value::Null | Value::Unavailable => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Int8(value) => value.to_string(),
        Value::Int16(value) => value.to_string(),
        Value::Int32(value) => value.to_string(),
        Value::Int64(value) => value.to_string(),
        Value::Float32(value) => format!("{value:?}"),
        Value::Float64(value) => format!("{value:?}"),
        Value::String(text) => text.clone(),
        Value::Bytes(_) => "[B".to_owned(),
        Value::Struct(_) => "Struct{}".to_owned(),
        Value::Array(items) => format!("[{}]", list(items)),
        Value::Map(entries) => {
            let entry = |(key, value): &(Value, Value)| format!("{}={}", java_text(key), java_text(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
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
