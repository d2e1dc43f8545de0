//! The two areas of memory that the shim lends for the time of one call, and the buffer in which results are built.

use connect_data::{Error, Result, Step};
use std::cell::Cell;

/// Result codes below zero.
pub(crate) mod code {
    /// An error: its length and its boundary form follow in the output.
    pub(crate) const ERROR: i64 = -1;
    /// A need: its number follows in the output.
    pub(crate) const NEED: i64 = -2;
    /// The output is too small: the size wanted follows in it.
    pub(crate) const CAPACITY: i64 = -3;
    /// Null.
    pub(crate) const NULL: i64 = -4;
}

/// Smallest output that a caller may lend.
pub const LEAST_OUTPUT: usize = 4_096;
/// A thread that has converted a large record does not keep the memory for ever.
const RETAINED: usize = 1 << 20;

/// Where a call's bytes are: address and length as Java passed them.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    address: i64,
    len: i64,
}

impl Input {
    /// # Safety
    /// Unless `len` is 0 or less, `len` bytes at `address` must stay readable and unchanged while the call lasts.
    pub unsafe fn new(address: i64, len: i64) -> Self {
        Self { address, len }
    }

    pub(crate) fn bytes(&self) -> Result<&[u8]> {
        match (usize::try_from(self.address), usize::try_from(self.len)) {
            (_, Ok(0)) => Ok(&[]),
            // SAFETY: `new` was promised that this memory is there; null and negative numbers are excluded here.
            (Ok(address), Ok(len)) if address != 0 => unsafe {
                Ok(std::slice::from_raw_parts(std::ptr::with_exposed_provenance(address), len))
            },
            _ => {
                Err(Error::internal("jni.input", "expected the address and length of an input, found null or negative"))
            }
        }
    }
}

/// Where a call's results go: address and capacity as Java passed them.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    address: i64,
    cap: i32,
}

impl Output {
    /// # Safety
    /// Unless `cap` is below [`LEAST_OUTPUT`], `cap` bytes at `address` must be writable while the call lasts, and nobody
    /// else may use them.
    pub unsafe fn new(address: i64, cap: i32) -> Self {
        Self { address, cap }
    }

    /// Copies a whole result.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> i64 {
        if self.put(0, bytes) {
            return bytes.len() as i64;
        }
        self.put(0, &(bytes.len() as u64).to_le_bytes());
        code::CAPACITY
    }

    pub(crate) fn need(&self, need: u32) -> i64 {
        self.put(0, &need.to_le_bytes());
        code::NEED
    }

    /// Writes an error, shortened to fit.
    pub(crate) fn error(&self, error: &Error, buffer: &mut Vec<u8>) -> i64 {
        buffer.clear();
        error.encode(buffer);
        let room = usize::try_from(self.cap).unwrap_or(0).saturating_sub(4);
        if buffer.len() > room {
            buffer.clear();
            shortened(error, room).encode(buffer);
        }
        if self.put(4, buffer) {
            self.put(0, &(buffer.len() as u32).to_le_bytes());
        }
        code::ERROR
    }

    fn put(&self, at: usize, bytes: &[u8]) -> bool {
        let (Ok(address), Ok(cap)) = (usize::try_from(self.address), usize::try_from(self.cap)) else {
            return false;
        };
        if address == 0 || cap < LEAST_OUTPUT || bytes.len() > cap - at {
            return false;
        }
        // SAFETY: `new` was promised `cap` writable bytes that nobody else uses; the range lies within them.
        unsafe {
            let to = std::ptr::with_exposed_provenance_mut::<u8>(address + at);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        true
    }
}

/// The same error with texts cut so that its boundary form takes at most `room` bytes.
fn shortened(error: &Error, room: usize) -> Error {
    const NUMBERS: usize = 1 + 4 * 4;
    const CODE: usize = 64;
    let share = room.saturating_sub(NUMBERS + CODE) / 4;
    let path = error.path_text();
    let path = cut(&path, share);
    Error::foreign(
        error.kind(),
        cut(error.code(), CODE).to_owned(),
        cut(error.message(), 2 * share).to_owned(),
        if path.is_empty() { Vec::new() } else { vec![Step::Field(path.to_owned())] },
        error.hint_text().map(|hint| cut(hint, share).to_owned()),
    )
}

fn cut(text: &str, most: usize) -> &str {
    text.split_at_checked(text.floor_char_boundary(most)).map_or(text, |(head, _)| head)
}

/// Lends this thread's buffer, empty.
pub(crate) fn with_buffer<R>(body: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    thread_local! {
        static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    buffer.clear();
    let result = body(&mut buffer);
    if buffer.capacity() <= RETAINED {
        let _ = BUFFER.try_with(|cell| cell.set(buffer));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_error_is_shortened_and_stays_readable() {
        let error = Error::data("code.long", "m\u{fc}".repeat(5_000)).field(&"p".repeat(3_000)).hint("h".repeat(3_000));
        let mut out = vec![0u8; LEAST_OUTPUT];
        // SAFETY: `out` is as long as is said.
        let output = unsafe { Output::new(out.as_mut_ptr().expose_provenance() as i64, out.len() as i32) };
        assert_eq!(output.error(&error, &mut Vec::new()), code::ERROR);
        let len = u32::from_le_bytes(out[..4].try_into().unwrap()) as usize;
        let read = Error::decode(&out[4..4 + len]).unwrap();
        assert_eq!((read.kind(), read.code()), (error.kind(), "code.long"));
        assert!(read.message().len() > 1_500 && read.path_text().len() > 700 && read.hint_text().unwrap().len() > 700);
    }

    #[test]
    fn nothing_is_written_outside_the_output() {
        let mut out = vec![7u8; LEAST_OUTPUT + 8];
        let address = out.as_mut_ptr().expose_provenance() as i64;
        // SAFETY: `out` is longer than is said.
        let output = unsafe { Output::new(address, LEAST_OUTPUT as i32) };
        assert_eq!(output.bytes(&vec![1; LEAST_OUTPUT + 1]), code::CAPACITY);
        assert_eq!(out[..8], (LEAST_OUTPUT as u64 + 1).to_le_bytes());
        assert_eq!(output.bytes(&vec![1; LEAST_OUTPUT]), LEAST_OUTPUT as i64);
        assert!(out[LEAST_OUTPUT..].iter().all(|b| *b == 7));
        for (address, cap) in [(0, 5_000), (address, 100), (address, -1), (-1, 5_000)] {
            // SAFETY: too small or null: not written to.
            let refused = unsafe { Output::new(address, cap) };
            assert_eq!(refused.bytes(b"x"), code::CAPACITY);
        }
    }
}
