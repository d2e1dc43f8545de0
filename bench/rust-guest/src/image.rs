//! The row image of an event of the table.

use crate::event::{Event, SLOTS};

/// Bytes of an image: it has no tail.
pub const IMAGE: usize = FIRST_SLOT + 8 * SLOTS;
pub const FIRST_SLOT: usize = 40;
/// Before each image of a result: its length, the status and the schema.
const RESULT: usize = 9;
/// Before each payload of a batch: the topic and the length of its headers.
const CALL: usize = 8;

/// The results of a batch as `to-connect` has them, every schema number 1; answers their length.
pub fn batch(batch: &[u8], out: &mut [u8]) -> Option<usize> {
    let (count, mut rest) = batch.split_first_chunk()?;
    let (written, mut free) = out.split_first_chunk_mut()?;
    *written = *count;
    let count = u32::from_le_bytes(*count);
    for _ in 0..count {
        let (len, after) = rest.split_first_chunk()?;
        let (item, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        rest = after;
        let payload = item.get(CALL..)?;
        let (result, after) = std::mem::take(&mut free).split_first_chunk_mut::<{ RESULT + IMAGE }>()?;
        free = after;
        let (head, image) = result.split_first_chunk_mut::<RESULT>()?;
        *head = [0; RESULT];
        head[..4].copy_from_slice(&((RESULT - 4 + IMAGE) as u32).to_le_bytes());
        head[5] = 1;
        write(payload, image.first_chunk_mut()?)?;
    }
    rest.is_empty().then_some(4 + count as usize * (RESULT + IMAGE))
}

/// The image of one payload.
#[inline]
pub fn write(payload: &[u8], out: &mut [u8; IMAGE]) -> Option<()> {
    *out = [0; IMAGE];
    out[0] = 1;
    out[8] = SLOTS as u8;
    let (head, slots) = out.split_first_chunk_mut::<FIRST_SLOT>()?;
    let slots: &mut [[u8; 8]; SLOTS] = slots.as_chunks_mut().0.first_chunk_mut()?;
    let mut event = Event::<_, true>::new(payload, slots);
    event.read()?;
    head[16..24].copy_from_slice(&event.nulls().to_le_bytes());
    Some(())
}
