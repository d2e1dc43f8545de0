//! The same programs for a host: in memory that both see, and as the canonical ABI has it for `func(list<u8>) -> list<u8>`. One
//! call at a time, so that input and output have their places for good and nothing is allocated.

use crate::image;
use std::cell::UnsafeCell;

/// A batch of 500 and its result fit.
const SIZE: usize = 1 << 20;

#[repr(C, align(16))]
struct Place<T>(UnsafeCell<T>);

// SAFETY: a module has one thread.
unsafe impl<T> Sync for Place<T> {}

static INPUT: Place<[u8; SIZE]> = Place(UnsafeCell::new([0; SIZE]));
static OUTPUT: Place<[u8; SIZE]> = Place(UnsafeCell::new([0; SIZE]));
static LIST: Place<[usize; 2]> = Place(UnsafeCell::new([0; 2]));

/// Where the host puts what it hands in, by whichever way.
#[unsafe(no_mangle)]
extern "C" fn cabi_realloc(_: usize, _: usize, _: usize, size: usize) -> *mut u8 {
    assert!(size <= SIZE);
    INPUT.0.get().cast()
}

/// Where the result lies.
#[unsafe(no_mangle)]
extern "C" fn output() -> *mut u8 {
    OUTPUT.0.get().cast()
}

/// The images of a batch of `len` bytes; answers the length of the result.
#[unsafe(no_mangle)]
extern "C" fn convert(len: usize) -> usize {
    // SAFETY: nobody else looks at the two places during a call.
    let (input, output) = unsafe { (&*INPUT.0.get(), &mut *OUTPUT.0.get()) };
    input.get(..len).and_then(|batch| image::batch(batch, output)).unwrap_or(0)
}

/// As a component exports it: the list lies where [`cabi_realloc`] has said.
#[unsafe(export_name = "images")]
extern "C" fn images(_: *const u8, len: usize) -> *const [usize; 2] {
    let list = LIST.0.get();
    // SAFETY: as above.
    unsafe { *list = [OUTPUT.0.get() as usize, convert(len)] };
    list
}
