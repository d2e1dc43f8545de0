//! The image for a JVM: addresses and numbers only, as our own boundary has it.

use crate::image;
use std::ffi::c_void;

/// Writes the image of the `len` bytes at `input` to `out`; answers its length, or -1.
///
/// # Safety
/// As many bytes are there, and `out` has room for an image.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_bucatini_bench_Straight_image(
    _: *mut c_void,
    _: *mut c_void,
    input: i64,
    len: i32,
    out: i64,
) -> i64 {
    // SAFETY: the caller's promise.
    let (payload, image) = unsafe {
        (std::slice::from_raw_parts(input as *const u8, len as usize), &mut *(out as *mut [u8; image::IMAGE]))
    };
    image::write(payload, image).map_or(-1, |()| image::IMAGE as i64)
}
