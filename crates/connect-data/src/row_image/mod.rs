//! The row image, format 1: how a value crosses every boundary. Specification: `wit/ROW-IMAGE.md`.
//!
//! Little-endian. A 16-byte header, three bit sets (null, unavailable, tail) of `ceil(slots / 64)` words each, the
//! slots of 8 bytes, the tail. [`Layout`] says which slot a schema node has; [`ImageWriter`] and [`Image`] are the
//! codec; [`tree`] converts to and from [`Value`](crate::Value) where speed does not matter.

mod layout;
mod read;
pub mod tree;
mod write;

pub use layout::Layout;
pub use read::{Image, Parts};
pub use write::{ImageWriter, Prototype, write_null};

/// Format number in the first byte.
pub const FORMAT: u8 = 1;
/// Bytes before the bit sets: `format u8, flags u8, reserved u16, status i32, slots u32, tail_len u32`.
pub const HEADER: usize = 16;
/// Largest image that is written or read, in bytes.
pub const MAX_IMAGE: usize = 64 << 20;
/// Flag: no value and no schema (Connect's `SchemaAndValue.NULL`).
pub const FLAG_NO_VALUE: u8 = 1;
/// Nesting of aggregates beyond this is refused.
pub const MAX_AGGREGATE_DEPTH: usize = 1_100;

/// Words in one bit set for this many slots.
pub const fn bit_words(slots: usize) -> usize {
    slots.div_ceil(64)
}

/// Offset of the first slot.
pub const fn slots_start(slots: usize) -> usize {
    HEADER + 3 * 8 * bit_words(slots)
}

/// Offset of the tail.
pub const fn tail_start(slots: usize) -> usize {
    slots_start(slots) + 8 * slots
}
