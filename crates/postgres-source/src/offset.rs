//! Where the source stands: what a host stores and gives back at the next start.
//!
//! The JSON is that of Debezium 1.7's `PostgresOffsetContext`, so that a connector can take over in both directions.
//! What Debezium does not have stands in keys of its own, which it ignores: `bucatini_records`, `bucatini_basis` and
//! `bucatini_system`.

use connect_data::{Error, Result};
use serde_json::{Map, Value};
use std::sync::Arc;
use wal2json::Lsn;

/// How far a snapshot is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Not all rows were handed out: a restart begins again.
    Snapshot,
    /// All rows were, and nothing of the stream.
    SnapshotDone,
    /// In the stream.
    #[default]
    Streaming,
}

/// A position in the change stream. The order is that of the stream; positions of different databases or of a slot that
/// was created again do not compare meaningfully.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset {
    pub(crate) stage: Stage,
    /// End of the last transaction that was handed out completely, or the consistent point of the snapshot: streaming
    /// goes on from here.
    pub(crate) resume: Lsn,
    /// The last record's position, and no later than what anybody may have told the slot: Debezium tells it more than
    /// `resume`.
    pub(crate) lsn: Lsn,
    /// Of an unfinished transaction: records with the position `lsn` that were handed out.
    pub(crate) records: u64,
    /// Fingerprint of what decides how a transaction becomes records; with another one `records` says nothing.
    pub(crate) basis: Option<Arc<str>>,
    /// Transaction of the last record.
    pub(crate) tx_id: Option<u64>,
    /// Its commit time in microseconds.
    pub(crate) ts_usec: Option<i64>,
    /// `system_identifier` of the server.
    pub(crate) system: Option<Arc<str>>,
}

impl Offset {
    /// Whether a snapshot was going on: the next start begins it again.
    pub fn in_snapshot(&self) -> bool {
        self.stage == Stage::Snapshot
    }

    /// The position from which the log is still needed.
    pub fn resume(&self) -> Lsn {
        self.resume
    }

    /// Debezium 1.7's offset as compact JSON.
    pub fn to_json(&self) -> String {
        let mut map = Map::new();
        let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
        if self.stage == Stage::Streaming {
            put("transaction_id", Value::Null);
            if self.resume != Lsn(0) {
                put("lsn_proc", self.resume.0.into());
                put("lsn_commit", self.resume.0.into());
            }
        }
        put("lsn", if self.stage == Stage::Streaming { self.lsn.max(self.resume) } else { self.resume }.0.into());
        if let Some(tx_id) = self.tx_id {
            put("txId", tx_id.into());
        }
        if let Some(ts_usec) = self.ts_usec {
            put("ts_usec", ts_usec.into());
        }
        if self.stage != Stage::Streaming {
            put("snapshot", true.into());
            put("last_snapshot_record", (self.stage == Stage::SnapshotDone).into());
        }
        if self.stage == Stage::Streaming && self.records > 0 {
            put("bucatini_records", self.records.into());
        }
        if let Some(basis) = &self.basis {
            put("bucatini_basis", (**basis).into());
        }
        if let Some(system) = &self.system {
            put("bucatini_system", (**system).into());
        }
        Value::Object(map).to_string()
    }

    /// Reads what [`Self::to_json`] or Debezium wrote.
    ///
    /// # Errors
    /// Config: not an object, no position in it, or a value of another type.
    pub fn from_json(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(|_| invalid("JSON", "something else"))?;
        let Value::Object(map) = value else { return Err(invalid("a JSON object", "another value")) };
        let number = |name: &str| match map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(invalid("a number that is not negative", "another value").field(name)),
            },
        };
        let flag = |name: &str| match map.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            // Kafka Connect's JSON keeps types, hand-made offsets do not always.
            Some(Value::String(text)) => match text.as_str() {
                "true" | "last" => Ok(true),
                "false" => Ok(false),
                _ => Err(invalid("true or false", "another value").field(name)),
            },
            Some(_) => Err(invalid("true or false", "another value").field(name)),
        };
        let text = |name: &str| match map.get(name) {
            Some(Value::String(text)) => Some(Arc::from(text.as_str())),
            _ => None,
        };
        let (lsn, done, commit) = (number("lsn")?, number("lsn_proc")?, number("lsn_commit")?);
        let last = lsn.or(done).or(commit).ok_or_else(|| invalid("a position in lsn", "none"))?;
        let stage = match (flag("snapshot")?, flag("last_snapshot_record")?) {
            (false, _) => Stage::Streaming,
            (true, false) => Stage::Snapshot,
            (true, true) => Stage::SnapshotDone,
        };
        let basis = text("bucatini_basis");
        let resume = match (stage, &basis) {
            (Stage::Streaming, Some(_)) => commit.unwrap_or(0),
            // Debezium's positions are those of the frames of a transaction, none of which is behind its end: what
            // ends up to here was handed out, what follows may have been in part.
            (Stage::Streaming, None) => commit.or(done).unwrap_or(0),
            _ => last,
        };
        let highest = [lsn, done, commit].into_iter().flatten().max().unwrap_or(last);
        Ok(Self {
            stage,
            resume: Lsn(resume),
            lsn: Lsn(highest),
            records: number("bucatini_records")?.unwrap_or(0),
            basis,
            tx_id: number("txId")?,
            ts_usec: map.get("ts_usec").and_then(Value::as_i64),
            system: text("bucatini_system"),
        })
    }

    /// What the slot may have been told while this offset was the stored one.
    pub(crate) fn acknowledged(&self) -> Lsn {
        self.lsn.max(self.resume)
    }
}

fn invalid(expected: &str, found: &str) -> Error {
    Error::config("postgres.offset", format!("stored offset: expected {expected}, found {found}"))
        .hint("give back the offset as it was stored, or remove it to begin with a snapshot")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_of_debezium_is_read() {
        let text =
            r#"{"transaction_id":null,"lsn_proc":201327488,"lsn":201327488,"txId":740,"ts_usec":1639387523428123}"#;
        let offset = Offset::from_json(text).unwrap();
        assert_eq!((offset.stage, offset.resume, offset.tx_id), (Stage::Streaming, Lsn(201_327_488), Some(740)));
        assert_eq!((offset.records, offset.acknowledged()), (0, Lsn(201_327_488)));
        let text = r#"{"transaction_id":null,"lsn_proc":300,"lsn_commit":200,"lsn":300,"txId":740,"ts_usec":1}"#;
        let offset = Offset::from_json(text).unwrap();
        // What was handed out to its end is behind; more may have been acknowledged.
        assert_eq!((offset.resume, offset.acknowledged()), (Lsn(200), Lsn(300)));
        let text =
            r#"{"last_snapshot_record":false,"lsn":84042304,"txId":529,"ts_usec":1639385467887000,"snapshot":true}"#;
        let offset = Offset::from_json(text).unwrap();
        assert!(offset.in_snapshot());
        let json: Value = serde_json::from_str(&offset.to_json()).unwrap();
        assert_eq!(json, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn our_offsets_come_back_and_are_ordered() {
        let snapshot = Offset {
            stage: Stage::Snapshot,
            resume: Lsn(7),
            lsn: Lsn(7),
            tx_id: Some(3),
            ts_usec: Some(-5),
            system: Some("72".into()),
            basis: Some("b".into()),
            ..Offset::default()
        };
        let done = Offset { stage: Stage::SnapshotDone, ..snapshot.clone() };
        let within = Offset { stage: Stage::Streaming, lsn: Lsn(9), records: 2, ..snapshot.clone() };
        let complete = Offset { resume: Lsn(12), lsn: Lsn(12), records: 0, ..within.clone() };
        let all = [snapshot, done, within, complete];
        assert!(all.is_sorted_by(|a, b| a < b));
        for offset in &all {
            assert_eq!(&Offset::from_json(&offset.to_json()).unwrap(), offset);
        }
    }

    #[test]
    fn what_is_no_offset_is_refused() {
        for text in ["", "1", "[]", "{}", r#"{"lsn":"x"}"#, r#"{"lsn":-1}"#, r#"{"lsn":1,"snapshot":3}"#] {
            assert_eq!(Offset::from_json(text).unwrap_err().code(), "postgres.offset", "{text}");
        }
    }
}
