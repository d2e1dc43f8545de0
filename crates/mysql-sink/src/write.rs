//! Executes the groups of a batch in a transaction, up to but without its COMMIT.

use crate::batch::{Action, Batch, Group};
use crate::fault::Failure;
use crate::plan::Plan;
use crate::server::Server;
use crate::settings::InsertMode;
use crate::sink::Statistics;
use crate::statement;
use connect_data::Error;

/// Statements end here, though the server may take longer ones.
const MAX_STATEMENT: usize = 8 << 20;
/// Keys of several columns in one DELETE: of thousands, both servers read the whole table and compare each row with each.
const MAX_TUPLES: usize = 500;

/// A batch on its way into the database.
pub(crate) struct Writer<'a> {
    pub(crate) server: &'a mut Server,
    pub(crate) batch: &'a Batch,
    pub(crate) plans: &'a [Plan],
    pub(crate) max_rows: usize,
    pub(crate) sql: &'a mut Vec<u8>,
    pub(crate) counts: &'a mut Statistics,
}

impl Writer<'_> {
    /// Writes everything, as much as possible in a statement.
    pub(crate) async fn write(&mut self) -> Result<(), Failure> {
        self.server.execute(b"START TRANSACTION").await?;
        let written = self.write_groups().await;
        if let Err(Failure::Row(_)) = &written {
            self.server.execute(b"ROLLBACK").await?;
        }
        written
    }

    async fn write_groups(&mut self) -> Result<(), Failure> {
        let batch = self.batch;
        for group in batch.groups() {
            let Some(plan) = self.plans.get(group.plan as usize) else { continue };
            let names = plan.names();
            let mut rest = group.rows.as_slice();
            while !rest.is_empty() {
                let (now, later) = rest.split_at_checked(self.fitting(plan, group, rest)).unwrap_or((rest, &[]));
                statement::write(batch, plan, group, now, self.server.facts.has_row_alias(), self.sql);
                self.server.write(self.sql, &names).await?;
                self.count(group, now.len());
                rest = later;
            }
        }
        Ok(())
    }

    /// Writes everything, and finds the rows that the server refuses: `refuse` says whether to go on without them. Each
    /// statement has a savepoint, from which its halves are tried.
    pub(crate) async fn write_carefully(
        &mut self,
        mut refuse: impl FnMut(usize, &Error) -> Result<(), Error>,
    ) -> Result<(), Failure> {
        self.server.execute(b"START TRANSACTION").await?;
        let batch = self.batch;
        for group in batch.groups() {
            let Some(plan) = self.plans.get(group.plan as usize) else { continue };
            let names = plan.names();
            // Parts that are still to be written, the next one last.
            let mut parts = vec![group.rows.as_slice()];
            while let Some(part) = parts.pop() {
                let Some(now) = part.get(..self.fitting(plan, group, part)).filter(|now| !now.is_empty()) else {
                    continue;
                };
                let later = part.get(now.len()..).unwrap_or(&[]);
                if !later.is_empty() {
                    parts.push(later);
                }
                self.server.execute(b"SAVEPOINT part").await?;
                statement::write(batch, plan, group, now, self.server.facts.has_row_alias(), self.sql);
                match (self.server.write(self.sql, &names).await, now) {
                    (Ok(()), _) => self.count(group, now.len()),
                    (Err(Failure::Row(error)), [row]) => {
                        self.server.execute(b"ROLLBACK TO SAVEPOINT part").await?;
                        let record = batch.row(*row).map_or(0, |row| row.record as usize);
                        if let Err(error) = refuse(record, &error) {
                            self.server.execute(b"ROLLBACK").await?;
                            return Err(Failure::Row(error));
                        }
                    }
                    (Err(Failure::Row(_)), _) => {
                        self.server.execute(b"ROLLBACK TO SAVEPOINT part").await?;
                        let (first, second) = now.split_at_checked(now.len() / 2).unwrap_or((now, &[]));
                        parts.push(second);
                        parts.push(first);
                    }
                    (Err(failure), _) => return Err(failure),
                }
            }
        }
        Ok(())
    }

    /// How many of the rows go into one statement: at least one.
    fn fitting(&self, plan: &Plan, group: &Group, rows: &[u32]) -> usize {
        if group.action == Action::Write && plan.mode == InsertMode::Update {
            return rows.len().min(1);
        }
        let tuples = group.action == Action::Delete && plan.keys.len() > 1;
        let max_rows = if tuples { self.max_rows.min(MAX_TUPLES) } else { self.max_rows };
        let limit = self.server.facts.max_packet.min(MAX_STATEMENT);
        let mut bytes = plan.overhead;
        for (count, row) in rows.iter().take(max_rows).enumerate() {
            bytes += self.batch.row(*row).map_or(0, |row| self.batch.literal(row).len() + 4);
            if bytes > limit && count > 0 {
                return count;
            }
        }
        rows.len().min(max_rows)
    }

    fn count(&mut self, group: &Group, rows: usize) {
        self.counts.statements += 1;
        match group.action {
            Action::Write => self.counts.rows_written += rows as u64,
            Action::Delete => self.counts.rows_deleted += rows as u64,
        }
    }
}
