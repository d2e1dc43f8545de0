//! Runs a plan over a row image.

use super::anything;
use super::constant::unavailable;
use super::plan::{Code, Null, NullId, Op, Pc};
use super::resolve::Branch;
use super::straight;
use super::write::{self, Word};
use connect_data::row_image::{Image, MAX_AGGREGATE_DEPTH, MAX_IMAGE};
use connect_data::{Error, Result};
use std::cell::Cell;

/// Largest record. Slots of an image may share bytes and aggregates, so it can stand for more than its own size.
const MAX_RECORD: usize = MAX_IMAGE;
/// Items of all aggregates together: no honest image has more.
const MAX_ITEMS: usize = MAX_IMAGE / 8;

/// Octets that [`straight`] gets at a time: what is not used was zeroed in vain.
const LEAST_ROOM: usize = 256;
const MOST_ROOM: usize = 16 * 1024;

/// What has to be taken up again after an aggregate or a call, and how far it is.
#[derive(Clone, Copy)]
struct Frame<'a> {
    outer: Cursor<'a>,
    /// The opcode that opened the frame.
    pc: Pc,
    /// Where to go on after the last item.
    end: Pc,
    /// Current item, and how many there are; a call has one.
    index: u32,
    count: u32,
    /// Slots of an item or key.
    width: u32,
}

/// Where slots are counted from.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    image: Image<'a>,
    base: usize,
    /// Whether any slot of the image is unavailable: hardly ever, so that slots need not be asked.
    unavailable: bool,
}

impl<'a> Cursor<'a> {
    fn of(image: Image<'a>) -> Self {
        Self { image, base: 0, unavailable: image.any_unavailable() }
    }
}

thread_local! {
    /// Kept from record to record, so that nothing is allocated.
    static FRAMES: Cell<Vec<Frame<'static>>> = const { Cell::new(Vec::new()) };
}

/// Appends the record. `false`: the record is null.
pub(super) fn encode(code: &Code, image: &Image<'_>, out: &mut Vec<u8>) -> Result<bool> {
    let start = out.len();
    let frames = if code.nests { FRAMES.take() } else { Vec::new() };
    let limit = start + MAX_RECORD;
    let mut run = Run { code, cursor: Cursor::of(*image), frames, pc: 0, mark: 0, items: 0, start, limit };
    let result = run.all(out).map_err(|error| run.locate(error));
    if code.nests {
        let mut frames = run.frames;
        frames.clear();
        // An empty vector may change its lifetime: collecting in place keeps the memory.
        FRAMES.set(frames.into_iter().map_while(|_| None).collect());
    }
    if !matches!(result, Ok(true)) {
        out.truncate(start);
    }
    result
}

struct Run<'a, 'c> {
    code: &'c Code,
    cursor: Cursor<'a>,
    frames: Vec<Frame<'a>>,
    pc: Pc,
    mark: usize,
    /// Items of the aggregates so far.
    items: usize,
    /// Length of the output before the record, and that which no record may reach.
    start: usize,
    limit: usize,
}

impl<'a> Run<'a, '_> {
    fn all(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        let code = self.code;
        loop {
            let mut next = code.ops.get(self.pc as usize);
            // Single items are not worth it.
            if !self.cursor.unavailable
                && (self.frames.is_empty() || matches!(next, Some(Op::Struct { .. })))
                && code.steps.get(self.pc as usize).is_some_and(straight::Step::is_done)
            {
                self.straight(out);
                next = code.ops.get(self.pc as usize);
            }
            let Some(op) = next else { return Err(broken("a step")) };
            match *op {
                Op::Int { slot, branch, null } => {
                    if let Some(slot) = self.present(slot, null, out)? {
                        let value = self.cursor.image.get(slot) as i32;
                        branch.word().then(Word::int(value)).append(out);
                    }
                }
                Op::Long { slot, branch, null } => {
                    if let Some(slot) = self.present(slot, null, out)? {
                        write::long(out, branch.word(), self.cursor.image.get(slot) as i64);
                    }
                }
                Op::String { slot, branch, null } => {
                    if let Some(slot) = self.present(slot, null, out)? {
                        write::bytes(out, branch.word(), self.cursor.image.text_bytes(slot)?);
                        self.check_size(out)?;
                    }
                }
                Op::Scalar { slot, scalar, branch, null } => {
                    if let Some(slot) = self.present(slot, null, out)? {
                        scalar.write(branch.word(), self.cursor.image.get(slot), out)?;
                    }
                }
                Op::Variable { slot, variable, branch, null } => {
                    if let Some(slot) = self.present(slot, null, out)? {
                        let octets = self.cursor.image.bytes(slot)?;
                        match code.variables.get(variable as usize) {
                            Some(variable) => variable.write(branch.word(), octets, out)?,
                            None => return Err(broken("a variable")),
                        }
                        self.check_size(out)?;
                    }
                }
                Op::Struct { slot, branch, null, skip } => {
                    if self.present(slot, null, out)?.is_none() {
                        self.pc = skip;
                        continue;
                    }
                    branch.word().append(out);
                }
                Op::Call { slot, branch, null, target } => {
                    if let Some(slot) = self.present(slot, null, out)? {
                        branch.word().append(out);
                        self.enter(Cursor { base: slot, ..self.cursor }, self.pc + 1, 1, 0)?;
                        self.pc = target;
                        continue;
                    }
                }
                Op::CallNested { slot, branch, null, target, width } => {
                    if let Some(slot) = self.present(slot, null, out)? {
                        let image = self.cursor.image.nested(slot)?;
                        image.expect_slots(width as usize)?;
                        // The aggregate's own slot says once more whether the struct is there.
                        if image.is_null(0) || image.is_unavailable(0) {
                            return Err(Error::internal(
                                "row-image.slots",
                                "row image: expected a struct in an aggregate",
                            ));
                        }
                        branch.word().append(out);
                        self.enter(Cursor::of(image), self.pc + 1, 1, 0)?;
                        self.pc = target;
                        continue;
                    }
                }
                Op::Return => {
                    let Some(frame) = self.frames.pop() else { return Err(broken("an open aggregate")) };
                    self.cursor = frame.outer;
                    self.pc = frame.end;
                    continue;
                }
                Op::Array { slot, branch, null, width, end } => {
                    if !self.open(slot, branch, null, (width, width, end), out)? {
                        self.pc = end;
                        continue;
                    }
                }
                Op::Map { slot, branch, null, key_width, width, end } => {
                    if !self.open(slot, branch, null, (key_width, key_width + width, end), out)? {
                        self.pc = end;
                        continue;
                    }
                }
                Op::MapValue { width } => {
                    let Some(frame) = self.frames.last() else { return Err(broken("an open aggregate")) };
                    self.cursor.base = (frame.count * frame.width + frame.index * width) as usize;
                }
                Op::MapKey => {
                    let Some(frame) = self.frames.last() else { return Err(broken("an open aggregate")) };
                    self.cursor.base = frame.index as usize * frame.width as usize;
                }
                Op::Index { branch } => branch.word().append(out),
                Op::Next => {
                    let Some(frame) = self.frames.last_mut() else { return Err(broken("an open aggregate")) };
                    frame.index += 1;
                    // Defaults add up, too.
                    if out.len() > self.limit {
                        return Err(too_large());
                    }
                    if frame.index < frame.count {
                        self.cursor.base = frame.index as usize * frame.width as usize;
                        self.pc = frame.pc;
                    } else {
                        out.push(0);
                        self.cursor = frame.outer;
                        self.pc = frame.end;
                        self.frames.pop();
                        continue;
                    }
                }
                Op::Present { slot, default, otherwise, end } => {
                    if self.cursor.image.is_null(self.cursor.base + slot as usize) {
                        match default {
                            None => self.pc = otherwise,
                            Some(default) => {
                                self.null(default, out)?;
                                self.pc = end;
                            }
                        }
                        continue;
                    }
                }
                Op::Jump { to } => {
                    self.pc = to;
                    continue;
                }
                Op::Empty { null } => self.null(null, out)?,
                Op::NoValue => return Ok(false),
                Op::Fail { slot, null, error } => {
                    if self.present(slot, null, out)?.is_some() {
                        return Err(self.error(error));
                    }
                }
                Op::FailAlways { error } => return Err(self.error(error)),
                Op::Mark => self.mark = out.len(),
                Op::Rewind => out.truncate(self.mark),
                Op::Anything { slot } => anything::encode(self.cursor.image.bytes(slot as usize)?, out)?,
                Op::End => return Ok(true),
            }
            self.pc += 1;
        }
    }

    /// Goes on to the first opcode that takes more than a slot.
    #[inline]
    fn straight(&mut self, out: &mut Vec<u8>) {
        let at = out.len();
        let image = self.cursor.image.parts();
        // Most values take fewer octets than their slot; whoever takes more gets room once more.
        let room = if at == self.start { 6 * image.slots.len() + image.tail.len() } else { 0 };
        out.resize((at + room.clamp(LEAST_ROOM, MOST_ROOM)).min(self.limit), 0);
        let place = out.get_mut(at..).unwrap_or_default();
        let (written, pc) = straight::run(self.code, image, self.cursor.base, place, self.pc as usize);
        self.pc = pc as Pc;
        out.truncate(at + written);
    }

    /// The slot in the image, or `None` after having written what null becomes.
    #[inline(always)]
    fn present(&self, slot: u32, null: NullId, out: &mut Vec<u8>) -> Result<Option<usize>> {
        let slot = self.cursor.base + slot as usize;
        if self.cursor.image.is_null(slot) {
            self.null(null, out)?;
            return Ok(None);
        }
        if self.cursor.unavailable && self.cursor.image.is_unavailable(slot) {
            return Err(unavailable());
        }
        Ok(Some(slot))
    }

    #[inline(always)]
    fn null(&self, null: NullId, out: &mut Vec<u8>) -> Result<()> {
        match self.code.nulls.get(null as usize) {
            Some(Null::Octet(octet)) => out.push(*octet),
            Some(Null::Octets(octets)) => out.extend_from_slice(octets),
            Some(Null::Error(error)) => return Err(error.clone()),
            None => return Err(broken("a constant")),
        }
        Ok(())
    }

    #[inline]
    fn check_size(&self, out: &[u8]) -> Result<()> {
        if out.len() > self.limit { Err(too_large()) } else { Ok(()) }
    }

    /// Enters an aggregate, given the slots of its key or item and of its entry, and its end. `false`: it is null or
    /// empty, and written.
    fn open(
        &mut self,
        slot: u32,
        branch: Branch,
        null: NullId,
        (width, entry, end): (u32, u32, Pc),
        out: &mut Vec<u8>,
    ) -> Result<bool> {
        let Some(slot) = self.present(slot, null, out)? else { return Ok(false) };
        let image = self.cursor.image.nested(slot)?;
        let (slots, entry) = (image.slots(), entry as usize);
        if entry == 0 || !slots.is_multiple_of(entry) {
            let message = format!("row image: expected a multiple of {entry} slots in an aggregate, found {slots}");
            return Err(Error::internal("row-image.slots", message));
        }
        let count = slots / entry;
        branch.word().then(Word::count(count)).append(out);
        if count == 0 {
            return Ok(false);
        }
        self.enter(Cursor::of(image), end, count as u32, width)?;
        Ok(true)
    }

    fn enter(&mut self, inner: Cursor<'a>, end: Pc, count: u32, width: u32) -> Result<()> {
        self.items = self.items.saturating_add(count as usize);
        if self.items > MAX_ITEMS {
            return Err(too_large());
        }
        if self.frames.len() >= MAX_AGGREGATE_DEPTH {
            let message = format!("expected at most {MAX_AGGREGATE_DEPTH} nested aggregates, found more");
            return Err(Error::data("row-image.depth", message));
        }
        self.frames.push(Frame { outer: self.cursor, pc: self.pc, end, index: 0, count, width });
        self.cursor = inner;
        Ok(())
    }

    #[cold]
    fn error(&self, error: u32) -> Error {
        let known = self.code.errors.get(error as usize).cloned();
        known.unwrap_or_else(|| broken("an error"))
    }

    #[cold]
    fn locate(&self, error: Error) -> Error {
        let frames = self.frames.iter().rev().map(|frame| (frame.pc, frame.index));
        self.code.locate(error, self.pc, frames)
    }
}

#[cold]
fn broken(expected: &str) -> Error {
    Error::internal("avro.plan", format!("plan: expected {expected}, found none"))
}

#[cold]
fn too_large() -> Error {
    let message = format!("Avro record: expected at most {MAX_RECORD} bytes and {MAX_ITEMS} items, found more");
    Error::data("avro.too-large", message)
}
