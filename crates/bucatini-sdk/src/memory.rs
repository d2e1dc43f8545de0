//! Memory of a component. Every call brings a batch in and takes a result out, of ever new lengths: what one record has
//! given back serves the next one as it is, where the standard allocator would split and join it each time.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;

/// Blocks of 2^7 to 2^17 bytes are kept, a few of each size: at most 1 MiB in all.
const SMALLEST: u32 = 7;
const LARGEST: u32 = 17;
const SIZES: usize = (LARGEST - SMALLEST + 1) as usize;
const KEPT: usize = 4;
const ALIGNMENT: usize = 16;

/// The standard allocator with a few blocks kept in front of it.
pub(crate) struct Memory {
    sizes: UnsafeCell<[Blocks; SIZES]>,
}

#[derive(Clone, Copy)]
struct Blocks {
    count: usize,
    blocks: [*mut u8; KEPT],
}

// SAFETY: a component has one thread.
unsafe impl Sync for Memory {}

impl Memory {
    /// Nothing is kept yet.
    pub(crate) const fn new() -> Self {
        Self { sizes: UnsafeCell::new([Blocks { count: 0, blocks: [std::ptr::null_mut(); KEPT] }; SIZES]) }
    }

    /// The blocks of a size. Nobody else holds them: no method calls another one while it does.
    #[allow(clippy::mut_from_ref)]
    fn of_size(&self, exponent: u32) -> Option<&mut Blocks> {
        // SAFETY: as said; and a component has one thread.
        unsafe { (*self.sizes.get()).get_mut((exponent - SMALLEST) as usize) }
    }
}

/// The power of two whose blocks serve this layout, if there are such.
fn exponent(layout: &Layout) -> Option<u32> {
    let exponent = layout.size().next_power_of_two().trailing_zeros().max(SMALLEST);
    (layout.size() > 1 << (SMALLEST - 1) && exponent <= LARGEST && layout.align() <= ALIGNMENT).then_some(exponent)
}

fn block(exponent: u32) -> Layout {
    // SAFETY: a power of two, and a size far below the largest.
    unsafe { Layout::from_size_align_unchecked(1 << exponent, ALIGNMENT) }
}

// SAFETY: a kept block belongs to nobody until it is handed out again; a block is as large as its power of two says, which
// follows from the layout both when it is taken and when it is given back.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(exponent) = exponent(&layout) else {
            // SAFETY: the caller's promise.
            return unsafe { System.alloc(layout) };
        };
        if let Some(Blocks { count, blocks }) = self.of_size(exponent)
            && let Some(last) = count.checked_sub(1)
            && let Some(kept) = blocks.get(last)
        {
            *count = last;
            return *kept;
        }
        // SAFETY: not of size 0.
        unsafe { System.alloc(block(exponent)) }
    }

    unsafe fn dealloc(&self, given: *mut u8, layout: Layout) {
        let Some(exponent) = exponent(&layout) else {
            // SAFETY: the caller's promise; `alloc` took it from there.
            return unsafe { System.dealloc(given, layout) };
        };
        if let Some(Blocks { count, blocks }) = self.of_size(exponent)
            && let Some(place) = blocks.get_mut(*count)
        {
            *place = given;
            *count += 1;
            return;
        }
        // SAFETY: `alloc` took it from there, by this layout.
        unsafe { System.dealloc(given, block(exponent)) }
    }

    unsafe fn realloc(&self, given: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise: with this alignment, `size` does not overflow.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (exponent(&layout), exponent(&wanted)) {
            // SAFETY: the caller's promise; `alloc` took it from there.
            (None, None) => unsafe { System.realloc(given, layout, size) },
            (before, after) if before == after => given,
            _ => {
                // SAFETY: both blocks are at least as large as what is copied, and not the same.
                unsafe {
                    let moved = self.alloc(wanted);
                    if !moved.is_null() {
                        std::ptr::copy_nonoverlapping(given, moved, layout.size().min(size));
                        self.dealloc(given, layout);
                    }
                    moved
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_handed_out_again() {
        let memory = Memory::new();
        let layout = |size| Layout::from_size_align(size, 1).unwrap();
        // SAFETY: every block is used by its layout and given back once.
        unsafe {
            let first = memory.alloc(layout(300));
            memory.dealloc(first, layout(300));
            let second = memory.alloc(layout(500));
            assert_eq!(first, second);
            second.write_bytes(7, 500);
            assert_eq!(memory.realloc(second, layout(500), 512), second);
            let third = memory.realloc(second, layout(512), 5_000);
            assert_eq!(std::slice::from_raw_parts(third, 500), [7; 500]);
            assert_eq!(memory.alloc(layout(257)), second);
            let fourth = memory.realloc(third, layout(5_000), 10);
            assert_eq!(std::slice::from_raw_parts(fourth, 10), [7; 10]);
            memory.dealloc(fourth, layout(10));
            memory.dealloc(second, layout(257));
        }
    }

    #[test]
    fn sizes_have_the_same_block_on_the_way_out_and_in() {
        for size in [1, 64, 65, 127, 128, 129, 1 << 16, (1 << 16) + 1, 1 << 17] {
            let layout = Layout::from_size_align(size, 8).unwrap();
            match exponent(&layout) {
                None => assert!(size <= 64),
                Some(exponent) => assert!(block(exponent).size() >= size && block(exponent).size() < 2 * size.max(65)),
            }
        }
        assert_eq!(exponent(&Layout::from_size_align((1 << 17) + 1, 8).unwrap()), None);
        assert_eq!(exponent(&Layout::from_size_align(1 << 10, 32).unwrap()), None);
        assert_eq!(exponent(&Layout::from_size_align(usize::MAX >> 1, 1).unwrap()), None);
        let memory = Memory::new();
        let layout = Layout::from_size_align(200, 1).unwrap();
        // SAFETY: every block is given back once.
        unsafe {
            let blocks: Vec<_> = (0..KEPT + 3).map(|_| memory.alloc(layout)).collect();
            blocks.iter().for_each(|block| memory.dealloc(*block, layout));
            let again: Vec<_> = (0..KEPT).map(|_| memory.alloc(layout)).collect();
            assert!(again.iter().all(|block| blocks[..KEPT].contains(block)));
            again.iter().for_each(|block| System.dealloc(*block, super::block(8)));
        }
    }
}
