//! The image and the payload for a JVM: addresses and numbers only, as our own boundary has it.

use crate::{encode, image};
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

/// Writes the payload of the image of `len` bytes at `input` to the `cap` bytes at `out`; answers its length, or -1.
///
/// # Safety
/// All these bytes are there.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_bucatini_bench_Straight_payload(
    _: *mut c_void,
    _: *mut c_void,
    input: i64,
    len: i32,
    schema: i32,
    out: i64,
    cap: i32,
) -> i64 {
    // SAFETY: the caller's promise.
    let (image, payload) = unsafe {
        (
            std::slice::from_raw_parts(input as *const u8, len as usize),
            std::slice::from_raw_parts_mut(out as *mut u8, cap as usize),
        )
    };
    encode::write(image, schema as u32, payload).map_or(-1, |len| len as i64)
}
