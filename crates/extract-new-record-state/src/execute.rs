//! Executes plans on row images. Nothing is allocated but what `out` grows by.

use crate::plan::{Cells, Constant, HeaderAdd, Place, Rebuild, Source, Step, Topic};
use connect_data::frame::Datum;
use connect_data::row_image::{Image, ImageWriter};
use connect_data::wire::Writer;
use connect_data::{Error, Result, SchemaId};

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
pub(crate) fn headers(image: &Image<'_>, headers: &[HeaderAdd], out: &mut Vec<u8>) -> Result<()> {
    Writer::new(out).u32(headers.len() as u32);
    for header in headers {
        Writer::new(out).str(&header.name);
        if matches!(give(image, &header.from), Given::Null) && header.schema_of_null != header.schema {
            null(header.schema_of_null, 1, out)?;
            continue;
        }
        datum(header.schema, out, |out| {
            let mut writer = ImageWriter::new(out, header.cells.width as usize)?;
            put(&mut writer, image, &header.from, 0, &header.cells)?;
            writer.finish();
            Ok(())
        })?;
    }
    Ok(())
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

/// Appends the new struct as a datum.
///
/// # Errors
/// Data: what the plan's guards refuse. Internal: a malformed image.
pub(crate) fn rebuild(image: &Image<'_>, rebuild: &Rebuild, out: &mut Vec<u8>) -> Result<()> {
    image.expect_slots(rebuild.source_slots as usize)?;
    datum(rebuild.schema, out, |out| {
        let mut writer = ImageWriter::new(out, rebuild.slots as usize)?;
        for step in &rebuild.steps {
            run(step, rebuild, image, &mut writer)?;
        }
        rebuild.nulls.iter().for_each(|slot| writer.null(*slot as usize));
        writer.finish();
        Ok(())
    })
}

fn run(step: &Step, rebuild: &Rebuild, image: &Image<'_>, writer: &mut ImageWriter<'_>) -> Result<()> {
    match step {
        Step::Require { place, field } => {
            if image.is_null(place.slot as usize) {
                return Err(rebuild.null.clone().field(field));
            }
        }
        Step::Refuse { from, field } => {
            if !matches!(give(image, from), Given::Null) {
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
        Step::Put { from, to_slot, cells, .. } => put(writer, image, from, *to_slot as usize, cells)?,
    }
    Ok(())
}

fn put(writer: &mut ImageWriter<'_>, image: &Image<'_>, from: &Source, to: usize, cells: &Cells) -> Result<()> {
    match give(image, from) {
        Given::Null => {
            writer.null(to);
            Ok(())
        }
        Given::Constant(constant) => put_constant(writer, constant, to, cells),
        Given::Slot(slot) => copy(writer, image, slot, to, cells),
    }
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
