//! The least that has to be done to cut the row out of an event of the table.

use crate::event::Event;

/// The bytes of `after`; everything was checked.
pub fn after(payload: &[u8]) -> Option<&[u8]> {
    Event::<_, true>::new(payload, ()).read()?
}

/// The bytes of `after`; nobody has looked at the texts.
pub fn lengths(payload: &[u8]) -> Option<&[u8]> {
    Event::<_, false>::new(payload, ()).read()?
}
