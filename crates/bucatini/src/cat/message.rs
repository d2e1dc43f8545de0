//! A message of a topic, wherever it comes from.

/// Name and value of a header.
pub(super) type Header<'a> = (&'a str, Option<&'a [u8]>);

/// A message and where it was.
#[derive(Clone, Debug)]
pub(super) struct Message<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) timestamp: Timestamp,
    /// The partition's leader; -1 if nobody knows.
    pub(super) broker: i32,
    /// Name and value of each; `None` = there is no list at all.
    pub(super) headers: Option<Vec<Header<'a>>>,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
}

/// Milliseconds since the epoch, and who set them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timestamp {
    None,
    Create(i64),
    LogAppend(i64),
}

impl Timestamp {
    /// -1 if there is none.
    pub(super) fn millis(self) -> i64 {
        match self {
            Self::None => -1,
            Self::Create(millis) | Self::LogAppend(millis) => millis,
        }
    }
}
