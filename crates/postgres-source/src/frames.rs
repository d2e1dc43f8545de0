//! Messages inside `CopyData` of a replication stream: XLogData, keep-alives, and our status.
//! <https://www.postgresql.org/docs/current/protocol-replication.html>

use crate::failure::{Failure, PgResult};
use wal2json::Lsn;

/// What the server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// Output of the plug-in.
    Data {
        start: Lsn,
        /// As far as the server has read when it sent this.
        end: Lsn,
        body: &'a [u8],
    },
    KeepAlive {
        end: Lsn,
        reply: bool,
    },
}

impl<'a> Frame<'a> {
    /// Reads the payload of a `CopyData` message.
    pub(crate) fn parse(payload: &'a [u8]) -> PgResult<Self> {
        let invalid =
            |expected: &str| Failure::Protocol(format!("replication stream: expected {expected}, found less"));
        let (tag, rest) = payload.split_first().ok_or_else(|| invalid("a message"))?;
        match tag {
            b'w' => {
                let (head, body) = rest.split_at_checked(24).ok_or_else(|| invalid("24 bytes before the data"))?;
                Ok(Self::Data { start: lsn(head, 0), end: lsn(head, 8), body })
            }
            b'k' => match rest {
                [head @ .., reply] if head.len() == 16 => Ok(Self::KeepAlive { end: lsn(head, 0), reply: *reply != 0 }),
                _ => Err(invalid("a keep-alive of 17 bytes")),
            },
            tag => Err(Failure::Protocol(format!("replication stream: expected w or k, found a message 0x{tag:02X}"))),
        }
    }
}

fn lsn(bytes: &[u8], at: usize) -> Lsn {
    let number = bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    Lsn(number)
}

/// Microseconds from the Unix epoch to PostgreSQL's.
const EPOCH: i64 = 946_684_800_000_000;

/// Our status: received and durable positions, and the time in microseconds since the Unix epoch.
pub(crate) fn status(received: Lsn, durable: Lsn, now_micros: i64) -> [u8; 34] {
    let mut message = [0; 34];
    let mut put = |at: usize, bytes: [u8; 8]| {
        if let Some(slot) = message.get_mut(at..at + 8) {
            slot.copy_from_slice(&bytes);
        }
    };
    put(1, received.0.to_be_bytes());
    put(9, durable.0.to_be_bytes());
    put(17, durable.0.to_be_bytes());
    put(25, now_micros.saturating_sub(EPOCH).to_be_bytes());
    if let Some(tag) = message.first_mut() {
        *tag = b'r';
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(body: &[u8]) -> Vec<u8> {
        [&b"w"[..], &5u64.to_be_bytes(), &6u64.to_be_bytes(), &[0; 8], body].concat()
    }

    #[test]
    fn both_frames_are_read() {
        let frame = data(b"{}");
        assert_eq!(Frame::parse(&frame).unwrap(), Frame::Data { start: Lsn(5), end: Lsn(6), body: b"{}" });
        let empty = data(b"");
        assert_eq!(Frame::parse(&empty).unwrap(), Frame::Data { start: Lsn(5), end: Lsn(6), body: b"" });
        let alive = [&b"k"[..], &7u64.to_be_bytes(), &[0; 8], &[1]].concat();
        assert_eq!(Frame::parse(&alive).unwrap(), Frame::KeepAlive { end: Lsn(7), reply: true });
    }

    #[test]
    fn anything_else_is_an_error() {
        let whole = data(b"");
        for len in 0..whole.len() {
            assert!(Frame::parse(&whole[..len]).is_err(), "{len}");
        }
        for wrong in [&b"k"[..], &[b'k'; 17], &[b'k'; 19], b"x", b"s1234567890123456789012345"] {
            assert!(Frame::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_status_is_what_the_server_expects() {
        let message = status(Lsn(0x0102), Lsn(3), EPOCH + 9);
        assert_eq!(message[0], b'r');
        assert_eq!(message[1..9], 0x0102u64.to_be_bytes());
        assert_eq!((&message[9..17], &message[17..25]), (&3u64.to_be_bytes()[..], &3u64.to_be_bytes()[..]));
        assert_eq!((&message[25..33], message[33]), (&9u64.to_be_bytes()[..], 0));
    }
}
