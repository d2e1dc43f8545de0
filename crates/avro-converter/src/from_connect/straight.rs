//! The opcodes that take a slot to the output: most of any plan. They run with all they need in registers and into bytes
//! that are there already. Whatever is not as usual (aggregates, defaults, errors, a lack of room) is left to the machine of
//! [`super::encode`], which can do all that is done here as well.

use super::leaf::{Number, Scalar, Variable, minimal};
use super::plan::{Code, Null, NullId, Op};
use super::write::Word;
use connect_data::row_image::Parts;
use connect_data::utf8::is_text;

/// Room for a value without its octets: a branch, a length or number, and what is written beyond them.
const ROOM: usize = 32;
/// Octets are copied so many at a time: often beyond the value's end, where the next value goes.
const PIECE: usize = 16;

/// Where a run of opcodes is.
pub(super) struct Straight<'i, 'o> {
    pub(super) image: Parts<'i>,
    /// Added to the slots of opcodes.
    pub(super) base: usize,
    pub(super) out: &'o mut [u8],
    /// What has been written of it.
    pub(super) at: usize,
}

impl<'i> Straight<'i, '_> {
    /// Goes on to the first opcode that is not done here, and gives it.
    #[inline(always)]
    pub(super) fn run(&mut self, code: &Code, from: usize) -> usize {
        let mut pc = from;
        while let Some(op) = code.ops.get(pc)
            && self.out.len() - self.at >= ROOM
        {
            let done = match *op {
                Op::Int { slot, branch, null } => match self.value(slot) {
                    Some(value) => self.put(branch.word().then(Word::int(value as i32))),
                    None => self.null(code, null),
                },
                Op::Long { slot, branch, null } => match self.value(slot) {
                    Some(value) => {
                        self.put(branch.word());
                        self.long(value as i64)
                    }
                    None => self.null(code, null),
                },
                Op::String { slot, branch, null } => match self.value(slot) {
                    Some(range) => self.variable(slot, range, branch.word(), true),
                    None => self.null(code, null),
                },
                Op::Scalar { slot, scalar, branch, null } => match self.value(slot) {
                    Some(bits) => self.scalar(scalar, branch.word(), bits),
                    None => self.null(code, null),
                },
                Op::Variable { slot, variable, branch, null } => match self.value(slot) {
                    Some(range) => match code.variables.get(variable as usize) {
                        Some(Variable::Bytes) => self.variable(slot, range, branch.word(), false),
                        Some(Variable::Decimal) => self.decimal(slot, range, branch.word()),
                        _ => false,
                    },
                    None => self.null(code, null),
                },
                Op::Struct { slot, branch, null, skip } => match self.value(slot) {
                    Some(_) => self.put(branch.word()),
                    None if self.null(code, null) => {
                        pc = skip as usize;
                        continue;
                    }
                    None => false,
                },
                Op::Jump { to } => {
                    pc = to as usize;
                    continue;
                }
                _ => false,
            };
            if !done {
                break;
            }
            pc += 1;
        }
        pc
    }

    /// A slot that is not null.
    #[inline(always)]
    fn value(&self, slot: u32) -> Option<u64> {
        let slot = self.base + slot as usize;
        if self.image.is_null(slot) {
            return None;
        }
        Some(self.image.slots.get(slot).map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }

    #[inline(always)]
    fn null(&mut self, code: &Code, null: NullId) -> bool {
        match code.nulls.get(null as usize) {
            Some(Null::Octet(octet)) => self.put(Word::octet(*octet)),
            _ => false,
        }
    }

    #[inline(always)]
    fn put(&mut self, word: Word) -> bool {
        let place = self.out.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut());
        place.is_some_and(|place| {
            *place = word.octets();
            self.at += word.len();
            true
        })
    }

    #[inline(always)]
    fn long(&mut self, value: i64) -> bool {
        let (first, rest) = Word::long(value);
        self.put(first) && rest.is_none_or(|rest| self.put(rest))
    }

    #[inline(always)]
    fn scalar(&mut self, scalar: Scalar, branch: Word, bits: u64) -> bool {
        let word = match scalar {
            Scalar::Boolean => Word::octet(u8::from(bits != 0)),
            Scalar::Float(Number::Float32) => Word::four(bits as u32),
            Scalar::Double(Number::Float64) => Word::eight(bits),
            _ => return false,
        };
        self.put(branch) && self.put(word)
    }

    /// The heap from a slot's octets on, and how many they are.
    #[inline(always)]
    fn range(&self, slot: u32, range: u64) -> Option<(&'i [u8], usize)> {
        let heap = if self.image.is_in_tail(self.base + slot as usize) { self.image.tail } else { self.image.input };
        let (offset, len) = ((range & 0xFFFF_FFFF) as usize, (range >> 32) as usize);
        heap.get(offset..).filter(|heap| len <= heap.len()).map(|heap| (heap, len))
    }

    #[inline(always)]
    fn variable(&mut self, slot: u32, range: u64, branch: Word, text: bool) -> bool {
        self.range(slot, range).is_some_and(|(heap, len)| self.prefixed(branch, heap, len, text))
    }

    #[inline(always)]
    fn decimal(&mut self, slot: u32, range: u64, branch: Word) -> bool {
        let Some((heap, len)) = self.range(slot, range) else { return false };
        let Some(Ok(unscaled)) = heap.get(..len).map(minimal) else { return false };
        heap.get(len - unscaled.len()..).is_some_and(|heap| self.prefixed(branch, heap, unscaled.len(), false))
    }

    /// The first `len` octets of `heap` after a branch and their number, provided that they are text if they have to be.
    #[inline(always)]
    fn prefixed(&mut self, branch: Word, heap: &[u8], len: usize, text: bool) -> bool {
        // Nearly every one is short.
        let before = if len < 64 { Word::octet(2 * len as u8) } else { Word::count(len) };
        let from = self.at;
        if !self.put(branch.then(before)) {
            return false;
        }
        // The place reaches to where the next value may be.
        let place = self.out.get_mut(self.at..).filter(|place| len.saturating_add(PIECE) <= place.len());
        let Some(all) = place.map(|place| copy(heap, len, place)) else {
            self.at = from;
            return false;
        };
        if all & HIGH != 0 && text && !heap.get(..len).is_some_and(is_text) {
            self.at = from;
            return false;
        }
        self.at += len;
        true
    }
}

/// The highest bit of each octet.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Masks of the octets that count of two words, by their number.
const COUNTED: [[u64; 2]; PIECE] = {
    let mut masks = [[0; 2]; PIECE];
    let (mut len, mut rest): (u32, &mut [[u64; 2]]) = (0, &mut masks);
    while let Some((mask, others)) = rest.split_first_mut() {
        *mask = if len < 8 { [(1 << (8 * len)) - 1, 0] } else { [u64::MAX, (1 << (8 * len - 64)) - 1] };
        (len, rest) = (len + 1, others);
    }
    masks
};

/// Copies the first `len` octets of `from`, and perhaps some behind them, to a place that is [`PIECE`] longer. Gives all of
/// the value's octets, one over the other.
#[inline(always)]
fn copy(from: &[u8], len: usize, to: &mut [u8]) -> u64 {
    if let (Some(masks), Some(piece), Some(place)) =
        (COUNTED.get(len), from.first_chunk::<PIECE>(), to.first_chunk_mut::<PIECE>())
    {
        *place = *piece;
        let [[a, b], [of_a, of_b]] = [words(piece), *masks];
        return a & of_a | b & of_b;
    }
    let (Some(from), Some(to)) = (from.get(..len), to.get_mut(..len)) else { return HIGH };
    let ((pieces, _), (places, _)) = (from.as_chunks::<PIECE>(), to.as_chunks_mut::<PIECE>());
    let mut all = 0;
    for (piece, place) in pieces.iter().zip(places) {
        *place = *piece;
        let [a, b] = words(piece);
        all |= a | b;
    }
    // The last piece overlaps with the one before.
    match (from.last_chunk::<PIECE>(), to.last_chunk_mut::<PIECE>()) {
        (Some(piece), Some(place)) => {
            *place = *piece;
            let [a, b] = words(piece);
            all | a | b
        }
        _ => {
            to.copy_from_slice(from);
            from.iter().fold(0, |all, octet| all | u64::from(*octet))
        }
    }
}

#[inline(always)]
fn words(piece: &[u8; PIECE]) -> [u64; 2] {
    let both = u128::from_le_bytes(*piece);
    [both as u64, (both >> 64) as u64]
}
