//! Executes plans on row images. Nothing is allocated but what `out` grows by.

use crate::config::UnavailableAction;
use crate::input::{Input, recursive};
use crate::plan::{
    Carry, Cells, Constant, HeaderAdd, Place, Placeholder, Rebuild, Source, Step, Topic, Watch, WatchedColumn,
};
use crate::valid::{is_valid, is_valid_reference};
use connect_data::frame::Datum;
use connect_data::row_image::{Image, ImageWriter, tree};
use connect_data::wire::Writer;
use connect_data::{Error, NodeId, Result, SchemaId};

/// Whether the place itself and all structs on the way to it are there.
pub(crate) fn is_present(image: &Image<'_>, place: &Place) -> bool {
    has_value(image, place.slot) && reaches(image, place)
}

fn reaches(image: &Image<'_>, place: &Place) -> bool {
    place.guards.iter().all(|slot| has_value(image, *slot))
}

fn has_value(image: &Image<'_>, slot: u32) -> bool {
    !image.is_null(slot as usize) && !image.is_unavailable(slot as usize)
}

/// What a source gives.
enum Given<'a> {
    Null,
    Constant(&'a Constant),
    Slot(usize),
}

fn give<'a>(image: &Image<'_>, source: &'a Source) -> Given<'a> {
    let or_null = |constant: &'a Option<Constant>| constant.as_ref().map_or(Given::Null, Given::Constant);
    match source {
        Source::Constant(constant) => Given::Constant(constant),
        Source::Place { guard, place, absent, null } => {
            if guard.as_ref().is_some_and(|guard| !is_present(image, guard)) || !reaches(image, place) {
                or_null(absent)
            } else if image.is_null(place.slot as usize) {
                or_null(null)
            } else {
                Given::Slot(place.slot as usize)
            }
        }
    }
}

/// The text of a string at `place`.
pub(crate) fn text_at<'a>(image: &Image<'a>, place: &Place) -> Result<Option<&'a str>> {
    if is_present(image, place) { image.text(place.slot as usize).map(Some) } else { Ok(None) }
}

/// Calls `write` with the topic, if there is a new one.
pub(crate) fn topic(image: &Image<'_>, topic: &Topic, write: impl FnOnce(&str)) -> Result<()> {
    let constant;
    let text = match give(image, &topic.from) {
        Given::Null => return Ok(()),
        Given::Constant(value) => {
            constant = Image::new(&value.image, &[])?;
            constant.text(0)?
        }
        Given::Slot(slot) if image.is_unavailable(slot) => return Ok(()),
        Given::Slot(slot) => image.text(slot)?,
    };
    if !(topic.keep_if_blank && text.chars().all(|c| c <= ' ')) {
        write(text);
    }
    Ok(())
}

/// Appends added headers as an outcome has them.
pub(crate) fn headers(image: &Image<'_>, headers: &[HeaderAdd], unsent: &Unsent<'_>, out: &mut Vec<u8>) -> Result<()> {
    Writer::new(out).u32(headers.len() as u32 + u32::from(unsent.is_some()));
    for header in headers {
        Writer::new(out).str(&header.name);
        self::header(image, header, out)?;
    }
    if let Some((watch, columns)) = unsent {
        Writer::new(out).str(UNAVAILABLE_HEADER);
        datum(watch.header_schema, out, |out| {
            let mut writer = ImageWriter::new(out, 1)?;
            writer.nested(0, columns.len(), |items| {
                columns.iter().enumerate().try_for_each(|(slot, column)| items.tail(slot, column.field.as_bytes()))
            })?;
            writer.finish();
            Ok(())
        })?;
    }
    Ok(())
}

/// Whether an added header has a value.
pub(crate) fn is_given(image: &Image<'_>, header: &HeaderAdd) -> bool {
    !matches!(give(image, &header.from), Given::Null)
}

/// Appends the datum of one.
pub(crate) fn header(image: &Image<'_>, header: &HeaderAdd, out: &mut Vec<u8>) -> Result<()> {
    if header.schema_of_null != header.schema && !is_given(image, header) {
        return null(header.schema_of_null, 1, out);
    }
    datum(header.schema, out, |out| {
        let width = match (&header.carry, &header.inputs) {
            (Carry::Cells(cells), _) => cells.width as usize,
            (_, inputs) => inputs.as_ref().map_or(1, |[_, target]| target.layout.slots()),
        };
        let mut writer = ImageWriter::new(out, width)?;
        let inputs = header.inputs.as_ref().map(|[source, target]| (&**source, &**target, 0));
        put(&mut writer, image, &header.from, 0, &header.carry, inputs)?;
        writer.finish();
        Ok(())
    })
}

/// Appends a datum whose image `fill` writes.
fn datum(schema: SchemaId, out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    Datum { schema, image: &[] }.write(&mut Writer::new(out));
    let start = out.len();
    fill(out)?;
    let len = ((out.len() - start) as u32).to_le_bytes();
    if let Some(place) = start.checked_sub(len.len()).and_then(|at| out.get_mut(at..start)) {
        place.copy_from_slice(&len);
    }
    Ok(())
}

/// Appends a null datum.
pub(crate) fn null(schema: SchemaId, slots: u32, out: &mut Vec<u8>) -> Result<()> {
    datum(schema, out, |out| {
        let mut writer = ImageWriter::new(out, slots as usize)?;
        writer.null(0);
        writer.finish();
        Ok(())
    })
}

/// The header that lists the fields without a value.
const UNAVAILABLE_HEADER: &str = "__unavailable";

/// Appends the new struct as a datum; answers which fields a header must list.
///
/// # Errors
/// Data: what the plan's guards refuse. Internal: a malformed image.
///
/// `raw` is the old datum as it came, `image` the same with defaults for its rows.
pub(crate) fn rebuild<'a>(
    image: &Image<'_>,
    raw: &Image<'_>,
    rebuild: &'a Rebuild,
    out: &mut Vec<u8>,
) -> Result<Unsent<'a>> {
    image.expect_slots(rebuild.source.layout.slots())?;
    let unsent = match &rebuild.watch {
        None => Vec::new(),
        Some(watch) => unsent(watch, image)?,
    };
    datum(rebuild.schema, out, |out| {
        let mut writer = ImageWriter::new(out, rebuild.slots as usize)?;
        for step in &rebuild.steps {
            run(step, rebuild, image, raw, &mut writer)?;
        }
        rebuild.nulls.iter().for_each(|slot| writer.null(*slot as usize));
        if rebuild.watch.as_ref().is_some_and(|watch| watch.action == UnavailableAction::Mark) {
            unsent.iter().for_each(|column| writer.unavailable(column.to_slot as usize));
        }
        writer.finish();
        Ok(())
    })?;
    let listed = rebuild.watch.as_ref().filter(|watch| watch.action == UnavailableAction::Header && !unsent.is_empty());
    Ok(listed.map(|watch| (watch, unsent)))
}

/// Fields whose value the source did not send, if a header must list them.
pub(crate) type Unsent<'a> = Option<(&'a Watch, Vec<&'a WatchedColumn>)>;

/// The columns that hold the placeholder.
fn unsent<'a>(watch: &'a Watch, image: &Image<'_>) -> Result<Vec<&'a WatchedColumn>> {
    let mut found = Vec::new();
    for column in &watch.columns {
        if is_present(image, &column.place) && holds(image, column, watch.placeholder.as_bytes())? {
            if watch.action == UnavailableAction::Fail {
                return Err(watch.error.clone().field(&column.field));
            }
            found.push(column);
        }
    }
    Ok(found)
}

fn holds(image: &Image<'_>, column: &WatchedColumn, placeholder: &[u8]) -> Result<bool> {
    let slot = column.place.slot as usize;
    let text = |image: &Image<'_>, slot: usize| Ok(!image.is_null(slot) && image.bytes(slot)? == placeholder);
    match column.form {
        Placeholder::Text | Placeholder::Bytes => text(image, slot),
        Placeholder::Texts => {
            let items = image.nested(slot)?;
            Ok(items.slots() == 1 && text(&items, 0)?)
        }
        Placeholder::Integers => {
            let items = image.nested(slot)?;
            let octet = |(slot, octet): (usize, &u8)| !items.is_null(slot) && items.get(slot) == u64::from(*octet);
            Ok(items.slots() == placeholder.len() && placeholder.iter().enumerate().all(octet))
        }
        Placeholder::Entry => {
            let entries = image.nested(slot)?;
            Ok(entries.slots() == 2 && text(&entries, 0)? && text(&entries, 1)?)
        }
    }
}

fn run(step: &Step, rebuild: &Rebuild, image: &Image<'_>, raw: &Image<'_>, writer: &mut ImageWriter<'_>) -> Result<()> {
    match step {
        Step::Require { place, field } => {
            if image.is_null(place.slot as usize) {
                return Err(rebuild.null.clone().field(field));
            }
        }
        Step::Refuse { from, field } => {
            if !matches!(give(raw, from), Given::Null) {
                return Err(rebuild.unfit.clone().field(field));
            }
        }
        Step::Copy { from_slot, to_slot, cells, .. } => {
            copy(writer, image, *from_slot as usize, *to_slot as usize, cells)?;
        }
        Step::Default { from_slot, to_slot, constant, cells, .. } => {
            if image.is_null(*from_slot as usize) {
                writer.not_null(*to_slot as usize);
                put_constant(writer, constant, *to_slot as usize, cells)?;
            }
        }
        Step::CopyWhole { from_slot, to_slot, node, is_reference, target, .. } => {
            let inputs = (&*rebuild.source, &*rebuild.target, *target);
            carry_whole(writer, image, *from_slot as usize, *to_slot as usize, (*node, *is_reference), inputs)?;
        }
        Step::Put { from, to_slot, carry, target, .. } => {
            let inputs = (&*rebuild.source, &*rebuild.target, *target);
            put(writer, raw, from, *to_slot as usize, carry, Some(inputs))?;
        }
        Step::Valid { place, node, is_reference, field, raw: of_raw } => {
            let image = if *of_raw { raw } else { image };
            let is_valid = if *is_reference { is_valid_reference } else { is_valid };
            if is_present(image, place) && !is_valid(&rebuild.source, *node, image, place.slot as usize)? {
                return Err(rebuild.null.clone().field(field));
            }
        }
    }
    Ok(())
}

/// Schemas and layouts of the old image and the new, and the value's node in the new.
type Inputs<'a> = (&'a Input, &'a Input, NodeId);

fn put(
    writer: &mut ImageWriter<'_>,
    image: &Image<'_>,
    from: &Source,
    to: usize,
    carry: &Carry,
    inputs: Option<Inputs<'_>>,
) -> Result<()> {
    match (give(image, from), carry, inputs) {
        (Given::Null, ..) => {
            writer.null(to);
            Ok(())
        }
        (Given::Constant(constant), Carry::Cells(cells), _) => put_constant(writer, constant, to, cells),
        (Given::Slot(slot), Carry::Cells(cells), _) => copy(writer, image, slot, to, cells),
        (Given::Slot(slot), Carry::Whole { node, is_reference }, Some(inputs)) => {
            carry_whole(writer, image, slot, to, (*node, *is_reference), inputs)
        }
        (_, Carry::Whole { .. }, _) => Err(recursive()),
    }
}

/// No connector's rows have such fields, so this goes through a value tree.
fn carry_whole(
    writer: &mut ImageWriter<'_>,
    image: &Image<'_>,
    from: usize,
    to: usize,
    (node, is_reference): (NodeId, bool),
    (source, target, target_node): Inputs<'_>,
) -> Result<()> {
    let value = source.value(node, is_reference, image, from)?;
    tree::write_node(&target.schema, &target.layout, target_node, &value, writer, to)
}

fn put_constant(writer: &mut ImageWriter<'_>, constant: &Constant, to: usize, cells: &Cells) -> Result<()> {
    let image = Image::new(&constant.image, &[])?;
    image.expect_slots(cells.width as usize)?;
    copy(writer, &image, 0, to, cells)
}

/// Copies a range of slots and gives those of variable length their bytes.
fn copy(writer: &mut ImageWriter<'_>, image: &Image<'_>, from: usize, to: usize, cells: &Cells) -> Result<()> {
    match cells.width {
        1 if image.is_null(from) => writer.null(to),
        1 if image.is_unavailable(from) => writer.unavailable(to),
        1 => writer.set(to, image.get(from)),
        width => writer.copy_slots(image, from, to, width as usize),
    }
    for variable in &cells.variable {
        let offset = variable.offset as usize;
        let slot = from + offset;
        if image.is_null(slot) || image.is_unavailable(slot) {
            continue;
        }
        if !image.is_in_tail(slot) {
            // Below a null struct slots and bits are zero; anything else would be a range of an input that is not here.
            if image.get(slot) != 0 {
                return Err(Error::internal(
                    "enrs.input-range",
                    format!("expected a self-contained image, found slot {slot} to refer to an input"),
                ));
            }
            continue;
        }
        if variable.aligned {
            writer.align();
        }
        writer.tail(to + offset, image.bytes(slot)?)?;
    }
    Ok(())
}
