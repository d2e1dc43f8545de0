//! Runs a plan over a payload.

use super::aggregate::{Aggregate, align, reserve};
use super::cursor::{Cursor, countable};
use super::fault::Fault;
use super::keys::{Duplicates, Map};
use super::plan::{Code, Container, Op, Pc};
use super::quick;
use super::straight::{Straight, unscaled};
use super::text;
use super::words::Words;
use connect_data::row_image::MAX_AGGREGATE_DEPTH;
use connect_data::{Error, Schema, Step};
use std::cell::RefCell;

/// Nested skips: they leave no aggregate behind, but need an end, too.
const MAX_SKIP_DEPTH: usize = 4 * MAX_AGGREGATE_DEPTH;

/// What a thread keeps between records.
#[derive(Default)]
struct Scratch {
    frames: Vec<Frame>,
    duplicates: Duplicates,
    room: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Decodes `payload` from `start` on and appends a row image of `slots` slots; `false` = no value and no schema, nothing
/// was appended. On an error nothing was appended either.
pub(super) fn run(
    code: &Code,
    schema: &Schema,
    slots: usize,
    payload: &[u8],
    start: usize,
    out: &mut Vec<u8>,
) -> Result<bool, Error> {
    let root = out.len();
    let decoded = match begin(code, slots, payload, start, out) {
        Ok(Begun::Whole) => return Ok(true),
        Ok(Begun::Until { image, at, pc }) => SCRATCH.with(|scratch| {
            let mut go_on = |scratch: &mut Scratch| go_on(code, schema, payload, (root, image, at, pc), out, scratch);
            match scratch.try_borrow_mut() {
                Ok(mut scratch) => go_on(&mut scratch),
                Err(_) => go_on(&mut Scratch::default()),
            }
        }),
        Err(fault) => Err(fault.into_error(&[])),
    };
    if !matches!(decoded, Ok(true)) {
        out.truncate(root);
    }
    decoded
}

/// How far a record got without a machine.
enum Begun {
    Whole,
    Until { image: Aggregate, at: usize, pc: usize },
}

/// Opens the image and does what needs no machine: for most records all.
fn begin(code: &Code, slots: usize, payload: &[u8], start: usize, out: &mut Vec<u8>) -> Result<Begun, Fault> {
    let Ok(len) = u32::try_from(payload.len()) else { return Err(Fault::TooLarge) };
    let root = out.len();
    let image = Aggregate::open(out, root, slots)?;
    let start = start.min(payload.len()) as u32;
    let (at, pc) = quick::run(&code.quick, Words::new(payload), &mut image.slots(out), 0, start, 0);
    if at == len && matches!(code.ops.get(pc), Some(Op::End)) {
        // Nothing was appended, so that the header is complete, too.
        return Ok(Begun::Whole);
    }
    Ok(Begun::Until { image, at: at as usize, pc })
}

fn go_on(
    code: &Code,
    schema: &Schema,
    payload: &[u8],
    (root, image, at, pc): (usize, Aggregate, usize, usize),
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<bool, Error> {
    scratch.frames.clear();
    let mut machine = Machine {
        code,
        schema,
        payload,
        cursor: Cursor::new(payload, at),
        aside: None,
        out,
        root,
        image,
        base: 0,
        pc: pc as Pc,
        scratch,
        depth: 0,
        no_value: false,
    };
    match machine.run() {
        Ok(()) => {
            let no_value = machine.no_value;
            if !no_value {
                image.finish(out);
            }
            Ok(!no_value)
        }
        Err(fault) => Err(machine.locate(fault)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Array or map.
    Items,
    /// Recursive struct.
    Struct,
    /// Array or map that the reader does not want.
    Skip,
    /// Record that the reader does not want.
    SkipRecord,
}

/// What is open, and where to go on when it is closed.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    opened_by: Pc,
    /// Opcode after it.
    exit: Pc,
    /// The image around it, its base, and the slot there that points to it.
    image: Aggregate,
    base: u32,
    slot: usize,
    container: Container,
    /// Items that are complete.
    done: usize,
    /// Items left in the current block.
    left: usize,
    /// Items that the image has room for.
    capacity: usize,
}

struct Machine<'a> {
    code: &'a Code,
    schema: &'a Schema,
    payload: &'a [u8],
    cursor: Cursor<'a>,
    /// The payload's cursor while constants are read.
    aside: Option<Cursor<'a>>,
    out: &'a mut Vec<u8>,
    root: usize,
    image: Aggregate,
    /// Added to the slots of opcodes.
    base: u32,
    pc: Pc,
    scratch: &'a mut Scratch,
    /// Open aggregates.
    depth: usize,
    no_value: bool,
}

const NO_CONTAINER: Container =
    Container { key_width: 0, width: 0, least: 0, constant: None, body: 0, exit: 0, keys: super::plan::Keys::None };

impl Machine<'_> {
    fn run(&mut self) -> Result<(), Fault> {
        loop {
            match self.straight()? {
                Op::Text(slot) => {
                    let bytes = self.cursor.prefixed()?;
                    if std::str::from_utf8(bytes).is_ok() {
                        self.octets(slot, bytes)?;
                    } else {
                        reserve(self.out, self.root, 3 * bytes.len())?;
                        let slot = self.at(slot);
                        self.image.append(self.out, slot, |out| text::repair(bytes, out));
                    }
                }
                Op::Bytes(slot) => {
                    let bytes = self.cursor.prefixed()?;
                    self.octets(slot, bytes)?;
                }
                Op::Decimal(slot) => {
                    let bytes = self.cursor.prefixed()?;
                    self.octets(slot, unscaled(bytes)?)?;
                }
                Op::Fixed { slot, len } => {
                    let bytes = self.cursor.take(len as usize)?;
                    self.octets(slot, bytes)?;
                }
                Op::FixedDecimal { slot, len } => {
                    let bytes = self.cursor.take(len as usize)?;
                    self.octets(slot, unscaled(bytes)?)?;
                }
                Op::Rest { slot, decimal } => {
                    let bytes = self.cursor.take(self.cursor.remaining())?;
                    self.octets(slot, if decimal { unscaled(bytes)? } else { bytes })?;
                }
                Op::Enum { slot, table } => self.symbol(slot, table)?,
                Op::Branch { table } => {
                    let index = usize::try_from(self.cursor.int()?).map_err(|_| Fault::Branch)?;
                    let entries = self.code.branches.get(table as usize).ok_or(Fault::Plan)?;
                    self.pc = *entries.get(index).ok_or(Fault::Branch)?;
                }
                Op::ByLength { table } => self.by_length(table)?,
                Op::NoValue => self.no_value = true,
                Op::Nulls { table } => {
                    let code = self.code;
                    for slot in code.nulls.get(table as usize).ok_or(Fault::Plan)? {
                        self.null(*slot);
                    }
                }
                Op::Items { slot, container } => self.open_items(slot, container)?,
                Op::Key => {
                    let frame = self.frame()?;
                    self.base = (frame.done * frame.container.key_width as usize) as u32;
                }
                Op::Value => {
                    let frame = self.frame()?;
                    self.base = value_base(&frame);
                }
                Op::Next => self.next_item()?,
                Op::Call { slot, routine } => self.call(slot, routine)?,
                Op::Return => self.close()?,
                Op::Default { start, len } => {
                    let (start, len) = (start as usize, len as usize);
                    let constants = self.code.constants.get(..start + len).ok_or(Fault::Plan)?;
                    self.aside = Some(std::mem::replace(&mut self.cursor, Cursor::new(constants, start)));
                }
                Op::EndDefault => self.cursor = self.aside.take().ok_or(Fault::Plan)?,
                Op::SkipItems { container } => self.skip_items(container)?,
                Op::SkipNext => self.skip_next()?,
                Op::SkipCall { entry } => {
                    self.push(Kind::SkipRecord, self.pc, 0, NO_CONTAINER, 0)?;
                    self.pc = entry;
                }
                Op::SkipReturn => self.pc = self.scratch.frames.pop().ok_or(Fault::Plan)?.exit,
                Op::Fail(index) => return Err(Fault::Foreseen(index)),
                // What goes straight on does not stop there.
                Op::Boolean(_)
                | Op::Int(_)
                | Op::Int8(_)
                | Op::Int16(_)
                | Op::Time(_)
                | Op::Long(_)
                | Op::Float(_)
                | Op::Double(_)
                | Op::IntAsLong(_)
                | Op::IntAsFloat(_)
                | Op::IntAsDouble(_)
                | Op::LongAsFloat(_)
                | Op::LongAsDouble(_)
                | Op::FloatAsDouble(_)
                | Op::Optional { .. }
                | Op::Jump(_)
                | Op::Null(_)
                | Op::SkipInt
                | Op::SkipLong
                | Op::SkipPrefixed
                | Op::Skip(_) => return Err(Fault::Plan),
                Op::End => {
                    return match self.cursor.remaining() {
                        0 => Ok(()),
                        _ if self.code.refuse_trailing => Err(Fault::Trailing),
                        _ => Ok(()),
                    };
                }
            }
        }
    }

    /// Runs the opcodes that need no more than the slots, and gives the first other one.
    fn straight(&mut self) -> Result<Op, Fault> {
        // A variable of its own, so that it can live in registers.
        let mut straight = Straight {
            cursor: self.cursor,
            slots: self.image.slots(self.out),
            base: self.base,
            pc: self.pc as usize,
            in_payload: self.aside.is_none(),
        };
        let stopped = straight.run(&self.code.ops, &self.code.quick, self.payload);
        (self.cursor, self.pc) = (straight.cursor, straight.pc as Pc);
        stopped
    }

    #[inline]
    fn at(&self, slot: u32) -> usize {
        self.base.wrapping_add(slot) as usize
    }

    #[inline]
    fn null(&mut self, slot: u32) {
        let slot = self.at(slot);
        self.image.null(self.out, slot);
    }

    /// Bytes up to the current position: they stay where they are, unless they are a constant of the plan.
    #[inline]
    fn octets(&mut self, slot: u32, bytes: &[u8]) -> Result<(), Fault> {
        let slot = self.at(slot);
        if self.aside.is_none() {
            self.image.input(self.out, slot, self.cursor.at() - bytes.len(), bytes.len());
            return Ok(());
        }
        reserve(self.out, self.root, bytes.len())?;
        self.image.append(self.out, slot, |out| out.extend_from_slice(bytes));
        Ok(())
    }

    fn symbol(&mut self, slot: u32, table: u32) -> Result<(), Fault> {
        let index = usize::try_from(self.cursor.int()?).map_err(|_| Fault::Symbol)?;
        let symbols = self.code.symbols.get(table as usize).ok_or(Fault::Plan)?;
        let symbol = symbols.get(index).and_then(Option::as_deref).ok_or(Fault::Symbol)?;
        reserve(self.out, self.root, symbol.len())?;
        let slot = self.at(slot);
        self.image.append(self.out, slot, |out| out.extend_from_slice(symbol.as_bytes()));
        Ok(())
    }

    fn by_length(&mut self, table: u32) -> Result<(), Fault> {
        let len = usize::try_from({ self.cursor }.long()?).map_err(|_| Fault::Length)?;
        let entries = self.code.lengths.get(table as usize).ok_or(Fault::Plan)?;
        let entry = entries.iter().find(|(size, _)| *size == len).or(entries.last()).ok_or(Fault::Plan)?;
        self.pc = entry.1;
        Ok(())
    }

    fn frame(&self) -> Result<Frame, Fault> {
        self.scratch.frames.last().copied().ok_or(Fault::Plan)
    }

    fn push(&mut self, kind: Kind, exit: Pc, slot: usize, container: Container, left: usize) -> Result<(), Fault> {
        if self.depth > MAX_AGGREGATE_DEPTH || self.scratch.frames.len() > MAX_SKIP_DEPTH {
            return Err(Fault::Depth);
        }
        let opened_by = self.pc.saturating_sub(1);
        let (image, base) = (self.image, self.base);
        let frame = Frame { kind, opened_by, exit, image, base, slot, container, done: 0, left, capacity: left };
        self.scratch.frames.push(frame);
        Ok(())
    }

    /// Opens an aggregate for the current slot, under a frame of its own.
    fn open(
        &mut self,
        kind: Kind,
        exit: Pc,
        slot: u32,
        container: Container,
        left: usize,
        slots: usize,
    ) -> Result<(), Fault> {
        self.depth += 1;
        self.push(kind, exit, self.at(slot), container, left)?;
        align(self.out, self.root);
        self.image = Aggregate::open(self.out, self.root, slots)?;
        Ok(())
    }

    /// Completes the current aggregate and returns to what is around it.
    fn close(&mut self) -> Result<(), Fault> {
        let frame = self.scratch.frames.pop().ok_or(Fault::Plan)?;
        self.image.finish(self.out);
        let start = self.image.base();
        self.image = frame.image;
        self.base = frame.base;
        self.pc = frame.exit;
        self.depth -= 1;
        self.image.points_to(self.out, frame.slot, start);
        Ok(())
    }

    fn call(&mut self, slot: u32, routine: u32) -> Result<(), Fault> {
        let routine = *self.code.routines.get(routine as usize).ok_or(Fault::Plan)?;
        self.open(Kind::Struct, self.pc, slot, NO_CONTAINER, 0, routine.width as usize)?;
        self.base = 0u32.wrapping_sub(routine.home);
        self.pc = routine.entry;
        Ok(())
    }

    fn container(&self, index: u32) -> Result<Container, Fault> {
        self.code.containers.get(index as usize).copied().ok_or(Fault::Plan)
    }

    fn check_block(&self, container: &Container, items: usize) -> Result<(), Fault> {
        if items.saturating_mul(container.least as usize) > self.cursor.remaining() {
            return Err(Fault::Truncated);
        }
        Ok(())
    }

    fn open_items(&mut self, slot: u32, index: u32) -> Result<(), Fault> {
        let container = self.container(index)?;
        let items = self.cursor.block(true)?;
        self.check_block(&container, items)?;
        let slots = items.saturating_mul((container.key_width + container.width) as usize);
        self.open(Kind::Items, container.exit, slot, container, items, slots)?;
        if items == 0 {
            return self.close();
        }
        self.base = value_base(&self.frame()?);
        self.pc = container.body;
        Ok(())
    }

    fn next_item(&mut self) -> Result<(), Fault> {
        let frame = self.scratch.frames.last_mut().ok_or(Fault::Plan)?;
        frame.done += 1;
        frame.left -= 1;
        if frame.left == 0 {
            let items = self.cursor.block(false)?;
            if items == 0 {
                return self.close_items();
            }
            let container = self.frame()?.container;
            self.check_block(&container, items)?;
            self.make_room(items)?;
        }
        let frame = self.frame()?;
        self.base = value_base(&frame);
        self.pc = frame.container.body;
        Ok(())
    }

    /// Room for another block. Twice the room each time, so that many small blocks do not move everything each.
    fn make_room(&mut self, items: usize) -> Result<(), Fault> {
        let frame = self.frame()?;
        let needed = frame.done + items;
        if needed > frame.capacity {
            let doubled = needed.max(frame.capacity.saturating_mul(2));
            let fits =
                |capacity: &usize| capacity.saturating_mul(8 * width(&frame)) <= connect_data::row_image::MAX_IMAGE / 2;
            let capacity = Some(doubled).filter(fits).unwrap_or(needed);
            self.reshape(frame.capacity, capacity, frame.done)?;
        }
        let frame = self.scratch.frames.last_mut().ok_or(Fault::Plan)?;
        frame.left = items;
        Ok(())
    }

    /// Changes the room of the innermost container, of whose items the first `items` stay.
    fn reshape(&mut self, from: usize, to: usize, items: usize) -> Result<(), Fault> {
        let frame = self.frame()?;
        let (key, value) = (frame.container.key_width as usize, frame.container.width as usize);
        let slots = to.saturating_mul(key + value);
        let values = (from * key, to.saturating_mul(key), items * value);
        self.image = self.image.reshape(self.out, self.root, slots, items * key, values, &mut self.scratch.room)?;
        if let Some(frame) = self.scratch.frames.last_mut() {
            frame.capacity = to;
        }
        Ok(())
    }

    fn close_items(&mut self) -> Result<(), Fault> {
        let frame = self.frame()?;
        if frame.capacity != frame.done {
            self.reshape(frame.capacity, frame.done, frame.done)?;
        }
        if frame.done > 1 && frame.container.key_width > 0 {
            self.drop_duplicates(&frame)?;
        }
        self.close()
    }

    fn drop_duplicates(&mut self, frame: &Frame) -> Result<(), Fault> {
        let (key, value) = (frame.container.key_width as usize, frame.container.width as usize);
        self.image.finish(self.out);
        let map = Map {
            aggregate: self.image,
            out: self.out,
            input: self.payload,
            entries: frame.done,
            key_width: key,
            keys: frame.container.keys,
        };
        let kept = self.scratch.duplicates.find(&map, self.schema).map_err(|_| Fault::Depth)?;
        let Some(kept) = kept else { return Ok(()) };
        // Places only ever take entries from behind them, so nothing is overwritten before it has moved.
        let values = frame.done * key;
        for (to, (first, last)) in kept.iter().enumerate() {
            for i in 0..key {
                self.image.move_slot(self.out, *first as usize * key + i, to * key + i);
            }
            for i in 0..value {
                self.image.move_slot(self.out, values + *last as usize * value + i, values + to * value + i);
            }
        }
        let kept = kept.len();
        self.reshape(frame.done, kept, kept)
    }

    fn skip_items(&mut self, index: u32) -> Result<(), Fault> {
        let container = self.container(index)?;
        loop {
            let items = self.cursor.block_to_skip()?;
            match container.constant {
                _ if items == 0 => {
                    self.pc = container.exit;
                    return Ok(());
                }
                Some(size) => {
                    let size = items.checked_mul(u64::from(size)).and_then(|size| i64::try_from(size).ok());
                    self.cursor.skip(size.ok_or(Fault::Truncated)?)?;
                }
                None => {
                    self.push(Kind::Skip, container.exit, 0, container, countable(items))?;
                    self.pc = container.body;
                    return Ok(());
                }
            }
        }
    }

    fn skip_next(&mut self) -> Result<(), Fault> {
        let frame = self.scratch.frames.last_mut().ok_or(Fault::Plan)?;
        frame.done += 1;
        frame.left -= 1;
        if frame.left == 0 {
            frame.left = countable(self.cursor.block_to_skip()?);
        }
        if frame.left > 0 {
            self.pc = frame.container.body;
        } else {
            self.pc = frame.container.exit;
            self.scratch.frames.pop();
        }
        Ok(())
    }

    /// The error with the path to where it happened.
    fn locate(&self, fault: Fault) -> Error {
        let at = self.pc.saturating_sub(1);
        let mut error = fault.into_error(&self.code.failures);
        for name in self.code.path(at) {
            error = error.field(name);
        }
        for frame in self.scratch.frames.iter().rev() {
            error = match frame.kind {
                Kind::Items if frame.container.key_width > 0 => error.within(Step::Entry(frame.done as u32)),
                Kind::Items => error.within(Step::Index(frame.done as u32)),
                Kind::Struct | Kind::Skip | Kind::SkipRecord => error,
            };
            for name in self.code.path(frame.opened_by) {
                error = error.field(name);
            }
        }
        error
    }
}

fn width(frame: &Frame) -> usize {
    (frame.container.key_width + frame.container.width) as usize
}

/// Slot of the current item, or of the current entry's value.
fn value_base(frame: &Frame) -> u32 {
    let keys = frame.capacity * frame.container.key_width as usize;
    (keys + frame.done * frame.container.width as usize) as u32
}
