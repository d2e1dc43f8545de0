//! Rows of the tables at one point: `COPY` of each table inside one transaction, row by row into records.

use crate::catalog::{self, Described, TableFacts};
use crate::connection::{Connection, Copied};
use crate::copy_text;
use crate::failure::{Failure, PgResult};
use crate::offset::Stage;
use crate::settings::Settings;
use crate::worker::{Ended, Worker, now_micros, now_ms};
use postgres_protocol::escape::{escape_identifier, escape_literal};
use std::sync::Arc;
use wal2json::{SnapshotPlan, SnapshotPosition, TableId};

/// Begins the transaction in which rows are read: as of the slot's consistent point if there is a snapshot of it.
pub(crate) async fn begin(sql: &mut Connection, exported: Option<&str>) -> PgResult<()> {
    sql.query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
    if let Some(snapshot) = exported {
        sql.query(&format!("SET TRANSACTION SNAPSHOT {}", escape_literal(snapshot))).await?;
    }
    Ok(())
}

/// The tables of a snapshot in Debezium's order: as the include list names them, otherwise by name.
fn in_order(captured: Vec<TableFacts>, settings: &Settings) -> Vec<TableFacts> {
    let mut tables: Vec<_> = captured
        .into_iter()
        .filter(|table| settings.filters.reads(&table.id.schema, &table.id.table))
        .map(|table| (settings.filters.place(&table.id.schema, &table.id.table), table.id.to_string(), table))
        .collect();
    tables.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    tables.into_iter().map(|(_, _, table)| table).collect()
}

/// `COPY` of these columns. Generated columns can only be selected.
fn copy_statement(id: &TableId, described: &Described) -> String {
    let table = format!("{}.{}", escape_identifier(&id.schema), escape_identifier(&id.table));
    let columns = described.schema.columns.iter().map(|column| escape_identifier(&column.name));
    let columns = columns.collect::<Vec<_>>().join(", ");
    match described.has_generated {
        true => format!("COPY (SELECT {columns} FROM ONLY {table}) TO STDOUT"),
        false if columns.is_empty() => format!("COPY {table} TO STDOUT"),
        false => format!("COPY {table} ({columns}) TO STDOUT"),
    }
}

/// The last row that was read: it can only be handed out when it is known whether another one follows.
struct Held {
    row: Vec<u8>,
    /// Its table, among the plans.
    table: Option<usize>,
    read_ms: i64,
}

/// What of a table is needed for its rows.
struct Plan {
    id: TableId,
    plan: SnapshotPlan,
    columns: usize,
}

impl Worker {
    /// Reads all rows, hands them out, and ends the transaction.
    pub(crate) async fn snapshot(&mut self) -> PgResult<Ended> {
        let settings = Arc::clone(&self.settings);
        if !settings.snapshot_delay.is_zero() {
            tokio::select! {
                () = tokio::time::sleep(settings.snapshot_delay) => {}
                () = self.shared.stopped() => return Ok(Ended::Stopped),
            }
        }
        let mut sql = match self.sql.take() {
            Some(sql) => sql,
            None => {
                // The transaction of the slot's point is gone: any later one will do, as the stream begins at that point.
                let mut sql = Connection::open(&settings.connection, false).await?;
                begin(&mut sql, None).await?;
                sql
            }
        };
        let ended = self.read_tables(&mut sql, &settings).await?;
        // All rows were handed out: a connection that is lost only now is made again when it is needed.
        if ended == Ended::Done && sql.query("COMMIT").await.is_ok() {
            self.sql = Some(sql);
        }
        Ok(ended)
    }

    async fn read_tables(&mut self, sql: &mut Connection, settings: &Settings) -> PgResult<Ended> {
        let xid = sql.query("SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE txid_current() END").await?;
        let xid: Option<u64> = xid.first().and_then(|row| row.first()?.as_deref()?.parse().ok());
        self.position.describe_snapshot(xid, now_micros());
        if !self.announce(Stage::Snapshot).await {
            return Ok(Ended::Stopped);
        }
        let types = catalog::types(sql).await?;
        self.set_types(types);
        let (captured, _) = catalog::tables(sql, &settings.filters).await?;
        let tables = in_order(captured, settings);
        let estimated = tables.iter().map(|table| table.rows.max(0.0) as u64).sum();
        self.shared.progress(|progress| {
            (progress.in_snapshot, progress.tables, progress.tables_done) = (true, tables.len() as u64, 0);
            (progress.rows, progress.estimated_rows) = (0, estimated);
        });
        tracing::info!(tables = tables.len(), estimated, lsn = %self.position.resume(), "snapshot begins");
        let mut held = Held { row: Vec::new(), table: None, read_ms: 0 };
        let mut plans = Vec::new();
        let mut fields = Vec::new();
        let mut rows = 0u64;
        for table in tables {
            let Some(described) = catalog::table(sql, &table.id, &settings.filters).await? else { continue };
            let statement = copy_statement(&table.id, &described);
            let names: Vec<_> = described.schema.columns.iter().map(|column| column.name.clone()).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            self.decoder.set_table(&table.id, wal2json::TableAnswer::Known(described.schema));
            let plan = self.decoder.snapshot_plan(&table.id, &names)?;
            self.warn_left_out(&table.id);
            plans.push(Plan { id: table.id, plan, columns: names.len() });
            sql.start_copy(&statement).await?;
            loop {
                match sql.copied()? {
                    Copied::Data(row) => {
                        fields = self.hand_out_row(&mut held, &plans, fields, xid, false)?;
                        held.row.clear();
                        held.row.extend_from_slice(row);
                        (held.table, held.read_ms) = (plans.len().checked_sub(1), now_ms());
                        sql.consume();
                        rows += 1;
                    }
                    Copied::Incomplete => tokio::select! {
                        filled = sql.fill() => filled?,
                        () = self.shared.stopped() => return Ok(Ended::Stopped),
                    },
                    Copied::Done => break,
                }
                if self.is_full() {
                    self.shared.progress(|progress| progress.rows = rows);
                    self.mark();
                    if !self.deliver().await {
                        return Ok(Ended::Stopped);
                    }
                }
            }
            sql.finish_copy().await?;
            self.shared.progress(|progress| (progress.rows, progress.tables_done) = (rows, progress.tables_done + 1));
        }
        self.hand_out_row(&mut held, &plans, fields, xid, true)?;
        self.shared.progress(|progress| progress.in_snapshot = false);
        tracing::info!(rows, "snapshot ends");
        Ok(if self.announce(Stage::SnapshotDone).await { Ended::Done } else { Ended::Stopped })
    }

    /// Hands out the row that was held back, if there is one.
    fn hand_out_row<'f>(
        &mut self,
        held: &mut Held,
        plans: &[Plan],
        fields: Vec<Option<&'f [u8]>>,
        xid: Option<u64>,
        last: bool,
    ) -> PgResult<Vec<Option<&'f [u8]>>> {
        let Some(table) = held.table.take().and_then(|table| plans.get(table)) else { return Ok(fields) };
        let mut values = copy_text::recycle(fields);
        copy_text::split(&mut held.row, &mut values)?;
        if table.columns == 0 {
            values.clear();
        }
        let position = SnapshotPosition { lsn: self.position.resume(), xid, ts_ms: held.read_ms, last };
        let records = self.batch.len();
        let batch = &mut self.batch;
        let handed_out = self.decoder.snapshot_row(&table.plan, &values, &position, held.read_ms, &mut |record| {
            batch.push(record);
            Ok(())
        });
        if let Err(error) = handed_out {
            self.batch.truncate(records);
            self.on_bad_change(error.field(&table.id.to_string())).map_err(Failure::Final)?;
        }
        Ok(copy_text::recycle(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wal2json::{ColumnSchema, TableSchema};

    #[test]
    fn generated_columns_are_selected_and_names_are_quoted() {
        let id = TableId { schema: "a b".to_owned(), table: "t\"x".to_owned() };
        let column = |name: &str| ColumnSchema {
            name: name.to_owned(),
            data_type: "integer".to_owned(),
            optional: false,
            default: None,
            toastable: false,
        };
        let columns = vec![column("id"), column("B")];
        let mut described =
            Described { schema: TableSchema { columns, ..TableSchema::default() }, has_generated: false };
        assert_eq!(copy_statement(&id, &described), "COPY \"a b\".\"t\"\"x\" (\"id\", \"B\") TO STDOUT");
        described.has_generated = true;
        assert_eq!(
            copy_statement(&id, &described),
            "COPY (SELECT \"id\", \"B\" FROM ONLY \"a b\".\"t\"\"x\") TO STDOUT"
        );
        assert_eq!(copy_statement(&id, &Described::default()), "COPY \"a b\".\"t\"\"x\" TO STDOUT");
    }
}
