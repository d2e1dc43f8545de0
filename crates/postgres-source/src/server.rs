//! The server and the slot before anything is read: what is there, what is missing, and what the operator can do.

use crate::catalog::{self, TableFacts};
use crate::connection::Connection;
use crate::failure::{Failure, PgResult, allow_plugin, slot_lost};
use crate::offset::{Offset, Stage};
use crate::settings::Settings;
use connect_data::{Error, Result};
use postgres_protocol::escape::{escape_identifier, escape_literal};
use std::sync::Arc;
use wal2json::{Lsn, TableId};

/// What `pg_replication_slots` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) plugin: String,
    pub(crate) database: String,
    pub(crate) active_pid: Option<String>,
    pub(crate) confirmed: Option<Lsn>,
    /// `wal_status`, or why the slot was invalidated.
    pub(crate) lost: Option<String>,
}

/// The server as it was found.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// `system_identifier`.
    pub(crate) system: Arc<str>,
    /// End of its log.
    pub(crate) end: Lsn,
    pub(crate) slot: Option<Slot>,
    pub(crate) captured: Vec<TableFacts>,
    /// Tables that wal2json need not write about.
    pub(crate) others: Vec<TableId>,
    /// `wal_sender_timeout` in milliseconds; 0 = none.
    pub(crate) sender_timeout: u64,
}

fn first(rows: crate::connection::Rows) -> Vec<Option<String>> {
    rows.into_iter().next().unwrap_or_default()
}

fn text(row: &[Option<String>], at: usize) -> &str {
    row.get(at).and_then(Option::as_deref).unwrap_or("")
}

/// End of the log, also on a standby.
pub(crate) async fn end_of_log(sql: &mut Connection) -> PgResult<Lsn> {
    let end = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END";
    Ok(Lsn::parse(text(&first(sql.query(end).await?), 0).as_bytes()).unwrap_or_default())
}

impl Server {
    /// Asks the server. Without `replication` nothing will be streamed.
    pub(crate) async fn look(
        sql: &mut Connection,
        replication: Option<&mut Connection>,
        settings: &Settings,
    ) -> PgResult<Self> {
        if sql.version() < 100_000 {
            let message = format!("expected PostgreSQL 10 or later, found server_version_num {}", sql.version());
            return Err(Failure::Final(Error::config("postgres.version", message)));
        }
        let row = first(
            sql.query(
                "SELECT current_setting('wal_level'), current_setting('max_replication_slots')::int, \
                 (SELECT count(*) FROM pg_catalog.pg_replication_slots), \
                 (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'output_plugin_libraries'), \
                 (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout')",
            )
            .await?,
        );
        let slot = Slot::find(sql, &settings.slot).await?;
        let sender_timeout = text(&row, 4).parse().unwrap_or(0);
        let mut system = String::new();
        if let Some(replication) = replication {
            check_server(&row, slot.is_some())?;
            system = text(&first(replication.query("IDENTIFY_SYSTEM").await?), 0).to_owned();
        }
        let end = end_of_log(sql).await?;
        let (captured, others) = catalog::tables(sql, &settings.filters).await?;
        Ok(Self { system: system.into(), end, slot, captured, others, sender_timeout })
    }

    /// Says what works, but perhaps not as expected.
    pub(crate) fn warn(&self, settings: &Settings) {
        if self.captured.is_empty() {
            tracing::warn!("no table matches the filters (yet): see schema.include.list and table.include.list");
        }
        for table in &self.captured {
            if table.loses_updates() {
                let name = format!("{}.{}", escape_identifier(&table.id.schema), escape_identifier(&table.id.table));
                tracing::warn!(
                    table = %table.id,
                    "wal2json leaves out updates and deletes of this table, as it has neither a primary key nor a \
                     replica identity: ALTER TABLE {name} REPLICA IDENTITY FULL"
                );
            }
            if table.unlogged {
                tracing::warn!(table = %table.id, "the table is UNLOGGED: its changes are not in the log");
            }
        }
        if settings.drop_slot {
            tracing::warn!("slot.drop.on.stop: the changes between a stop and the next start will not be seen");
        }
    }

    /// Whether the role may read what a snapshot is to read.
    pub(crate) fn check_readable(&self, settings: &Settings) -> Result<()> {
        let unreadable = self
            .captured
            .iter()
            .filter(|table| !table.readable && settings.filters.reads(&table.id.schema, &table.id.table));
        let names: Vec<_> = unreadable.map(|table| table.id.to_string()).collect();
        let Some(first) = names.first() else { return Ok(()) };
        Err(Error::config(
            "postgres.privilege",
            format!("snapshot: expected SELECT on all captured tables, found {} without, such as {first}", names.len()),
        )
        .hint(format!(
            "GRANT SELECT ON {} TO {}",
            names.join(", "),
            escape_identifier(&settings.connection.user)
        )))
    }

    /// Whether the slot, if it is there, is ours to read, and what it can give reaches back to the offset.
    pub(crate) fn check_slot(&self, settings: &Settings, offset: Option<&Offset>) -> Result<()> {
        let name = &settings.slot;
        if let Some(offset) = offset {
            self.check_origin(offset)?;
        }
        let streaming = offset.filter(|offset| offset.stage != Stage::Snapshot);
        let Some(slot) = &self.slot else {
            return match streaming {
                None => Ok(()),
                Some(offset) => Err(Error::config(
                    "postgres.slot-missing",
                    format!("slot {name}: expected a slot that goes on from {}, found none", offset.resume),
                )
                .hint(
                    "changes since then are lost: remove the stored offset, so that the next start makes a new slot and a \
                     snapshot",
                )),
            };
        };
        if slot.plugin != "wal2json" || slot.database != settings.connection.database {
            return Err(Error::config(
                "postgres.slot-other",
                format!(
                    "slot {name}: expected one of wal2json in database {}, found one of {} in database {}",
                    settings.connection.database, slot.plugin, slot.database
                ),
            )
            .hint("choose another slot.name"));
        }
        if let Some(lost) = &slot.lost {
            return Err(slot_lost(format!("slot {name}: expected its log to be there, found that it is {lost}")));
        }
        match (streaming, slot.confirmed) {
            (Some(offset), Some(confirmed)) if confirmed > offset.acknowledged() => Err(Error::config(
                "postgres.gap",
                format!(
                    "slot {name}: expected it to go on from the stored offset {}, found that it goes on from {confirmed}",
                    offset.resume
                ),
            )
            .hint(
                "somebody else has read from the slot, or it was created again: changes in between are lost. Remove the \
                 stored offset, so that the next start makes a snapshot, and use a distinct slot.name for each source",
            )),
            _ => Ok(()),
        }
    }

    /// Whether the offset comes from this server's history.
    fn check_origin(&self, offset: &Offset) -> Result<()> {
        const HINT: &str = "this is not the server of the stored offset, or it was restored from a backup: remove the \
                            stored offset and drop the slot, so that the next start makes a snapshot";
        if let Some(system) = &offset.system
            && **system != *self.system
            && !self.system.is_empty()
        {
            let message =
                format!("stored offset: expected system identifier {system}, found a server with {}", self.system);
            return Err(Error::config("postgres.other-server", message).hint(HINT));
        }
        if offset.resume > self.end && self.end != Lsn(0) {
            let message = format!(
                "stored offset: expected a log that reaches {}, found one that ends at {}",
                offset.resume, self.end
            );
            return Err(Error::config("postgres.other-server", message).hint(HINT));
        }
        Ok(())
    }
}

fn check_server(row: &[Option<String>], has_slot: bool) -> Result<()> {
    if text(row, 0) != "logical" {
        return Err(Error::config(
            "postgres.wal-level",
            format!("server: expected wal_level logical, found {}", text(row, 0)),
        )
        .hint("as a superuser: ALTER SYSTEM SET wal_level = logical, then restart the server"));
    }
    let number = |at: usize| text(row, at).parse::<u64>().unwrap_or(0);
    if !has_slot && number(2) >= number(1) {
        return Err(Error::config(
            "postgres.slots",
            format!("server: expected room for a replication slot, found {} of {} in use", number(2), number(1)),
        )
        .hint(format!(
            "drop a slot that is not needed any more, or as a superuser: ALTER SYSTEM SET max_replication_slots = {}, then \
             restart the server",
            number(1) + 10
        )));
    }
    let listed = |list: &str| list.split(',').any(|name| name.trim().trim_matches('"') == "wal2json");
    match row.get(3).and_then(Option::as_deref) {
        Some(list) if !listed(list) => Err(Error::config(
            "postgres.plugin-refused",
            format!("server: expected wal2json in output_plugin_libraries, found {list}"),
        )
        .hint(format!("as a superuser: {}", allow_plugin(list)))),
        _ => Ok(()),
    }
}

impl Slot {
    /// The slot of this name.
    pub(crate) async fn find(sql: &mut Connection, name: &str) -> PgResult<Option<Self>> {
        let status = if sql.version() >= 130_000 { "wal_status" } else { "NULL" };
        let reason = if sql.version() >= 170_000 { "invalidation_reason" } else { "NULL" };
        let rows = sql
            .query(&format!(
                "SELECT plugin, database, active_pid, confirmed_flush_lsn, {status}, {reason} \
                 FROM pg_catalog.pg_replication_slots WHERE slot_name = {}",
                escape_literal(name)
            ))
            .await?;
        Ok(rows.into_iter().next().map(|row| Self {
            plugin: text(&row, 0).to_owned(),
            database: text(&row, 1).to_owned(),
            active_pid: row.get(2).cloned().flatten(),
            confirmed: Lsn::parse(text(&row, 3).as_bytes()),
            lost: match (text(&row, 4), text(&row, 5)) {
                (_, reason) if !reason.is_empty() => Some(format!("invalidated ({reason})")),
                ("lost", _) => Some("lost".to_owned()),
                _ => None,
            },
        }))
    }

    /// Creates it: its consistent point, and the snapshot that belongs to it, which lives until the next command.
    pub(crate) async fn create(replication: &mut Connection, name: &str, export: bool) -> PgResult<(Lsn, String)> {
        let snapshot = if export { "EXPORT_SNAPSHOT" } else { "NOEXPORT_SNAPSHOT" };
        let command = format!("CREATE_REPLICATION_SLOT {} LOGICAL wal2json {snapshot}", escape_identifier(name));
        let row = first(replication.query(&command).await?);
        let point = Lsn::parse(text(&row, 1).as_bytes())
            .ok_or_else(|| Failure::Protocol("expected the consistent point of the new slot, found none".to_owned()))?;
        Ok((point, text(&row, 2).to_owned()))
    }

    /// Drops it.
    pub(crate) async fn drop(sql: &mut Connection, name: &str) -> PgResult<()> {
        sql.query(&format!("SELECT pg_catalog.pg_drop_replication_slot({})", escape_literal(name))).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::Properties;

    fn row(fields: &[&str]) -> Vec<Option<String>> {
        fields.iter().map(|field| (*field != "-").then(|| (*field).to_owned())).collect()
    }

    #[test]
    fn what_the_server_lacks_is_named_with_its_remedy() {
        assert!(check_server(&row(&["logical", "10", "1", "-", "60000"]), false).is_ok());
        assert!(check_server(&row(&["logical", "10", "1", "pgoutput, wal2json", "60000"]), false).is_ok());
        assert!(check_server(&row(&["logical", "1", "1", "-"]), true).is_ok());
        for (fields, code, hint) in [
            (["replica", "10", "1", "-"], "postgres.wal-level", "wal_level = logical"),
            (["logical", "2", "2", "-"], "postgres.slots", "max_replication_slots = 12"),
            (
                ["logical", "10", "1", "pgoutput,test_decoding"],
                "postgres.plugin-refused",
                "output_plugin_libraries = pgoutput, test_decoding, wal2json;",
            ),
        ] {
            let error = check_server(&row(&fields), false).unwrap_err();
            assert_eq!(error.code(), code);
            assert!(error.hint_text().unwrap().contains(hint), "{error}");
        }
    }

    #[test]
    fn a_gap_is_never_passed_over() {
        let properties = Properties::from_iter([
            ("database.hostname", "h"),
            ("database.user", "u"),
            ("database.dbname", "d"),
            ("database.server.name", "s"),
        ]);
        let settings = Settings::parse(&properties).unwrap();
        let good = Slot {
            plugin: "wal2json".to_owned(),
            database: "d".to_owned(),
            confirmed: Some(Lsn(100)),
            ..Slot::default()
        };
        let server = |slot: Option<Slot>| Server {
            system: "7".into(),
            end: Lsn(1_000),
            slot,
            captured: Vec::new(),
            others: Vec::new(),
            sender_timeout: 0,
        };
        let offset = |resume: u64| Offset { resume: Lsn(resume), system: Some("7".into()), ..Offset::default() };
        let code = |slot: Option<Slot>, offset: Option<&Offset>| match server(slot).check_slot(&settings, offset) {
            Ok(()) => "ok".to_owned(),
            Err(error) => {
                assert!(error.hint_text().is_some(), "{error}");
                error.code().to_owned()
            }
        };
        assert_eq!(code(Some(good.clone()), Some(&offset(100))), "ok");
        assert_eq!(code(Some(good.clone()), Some(&offset(1_000))), "ok");
        assert_eq!(code(Some(good.clone()), Some(&offset(99))), "postgres.gap");
        assert_eq!(code(Some(good.clone()), Some(&offset(1_001))), "postgres.other-server");
        assert_eq!(code(None, Some(&offset(100))), "postgres.slot-missing");
        assert_eq!(code(None, Some(&Offset { stage: Stage::Snapshot, ..offset(100) })), "ok");
        assert_eq!(code(None, None), "ok");
        let lost = Slot { lost: Some("lost".to_owned()), ..good.clone() };
        assert_eq!(code(Some(lost), Some(&offset(100))), "postgres.slot-lost");
        let other = Slot { plugin: "pgoutput".to_owned(), ..good.clone() };
        assert_eq!(code(Some(other), None), "postgres.slot-other");
        let elsewhere = Offset { system: Some("8".into()), ..offset(100) };
        assert_eq!(code(Some(good.clone()), Some(&elsewhere)), "postgres.other-server");
        // Debezium acknowledges more than what it surely handed out.
        let foreign = Offset { lsn: Lsn(100), ..offset(50) };
        assert_eq!(code(Some(good), Some(&foreign)), "ok");
    }
}
