//! The SQL of a group's rows.

use crate::batch::{Action, Batch, Group};
use crate::plan::{Plan, PlanColumn};
use crate::server::Facts;
use crate::settings::InsertMode;

/// Writes the statement of some rows of a group.
pub(crate) fn write(batch: &Batch, plan: &Plan, group: &Group, rows: &[u32], facts: &Facts, out: &mut Vec<u8>) {
    out.clear();
    let rows = rows.iter().filter_map(|row| batch.row(*row));
    match (group.action, plan.mode) {
        (Action::Delete, _) => {
            let keys: Vec<&str> = plan.key_columns().map(|column| column.sql.as_str()).collect();
            let by_condition = keys.len() > 1 && !facts.deletes_by_tuples();
            push(out, &["DELETE FROM ", &plan.table_sql, " WHERE "]);
            match keys.as_slice() {
                _ if by_condition => {}
                [key] => push(out, &[key, " IN ("]),
                keys => push(out, &["(", &keys.join(","), ") IN ("]),
            }
            for (i, row) in rows.enumerate() {
                if i != 0 {
                    push(out, &[if by_condition { " OR " } else { "," }]);
                }
                out.extend_from_slice(batch.literal(row));
            }
            if !by_condition {
                out.push(b')');
            }
        }
        // Each row is a statement of its own.
        (Action::Write, InsertMode::Update) => {
            for row in rows {
                out.extend_from_slice(batch.literal(row));
            }
        }
        (Action::Write, mode) => {
            let omitted = batch.omitted(group);
            let sent = |(at, _): &(usize, &PlanColumn)| !omitted.contains(&(*at as u16));
            push(out, &["INSERT INTO ", &plan.table_sql, " ("]);
            for (i, (_, column)) in plan.columns.iter().enumerate().filter(sent).enumerate() {
                push(out, &[if i == 0 { "" } else { "," }, &column.sql]);
            }
            push(out, &[") VALUES "]);
            for (i, row) in rows.enumerate() {
                if i != 0 {
                    out.push(b',');
                }
                out.extend_from_slice(batch.literal(row));
            }
            if mode == InsertMode::Upsert {
                let columns = plan.columns.iter().enumerate().filter(sent).map(|(_, column)| column);
                upsert(plan, columns, facts.has_row_alias(), out);
            }
        }
    }
}

/// Sets every column but the key's. If there is none, the key is set to what it is.
fn upsert<'a>(plan: &'a Plan, columns: impl Iterator<Item = &'a PlanColumn>, row_alias: bool, out: &mut Vec<u8>) {
    // A table may have the alias's name, but not both of these at once.
    let alias = if plan.table_sql.trim_matches('`').eq_ignore_ascii_case("new") { "`new_`" } else { "`new`" };
    if row_alias {
        push(out, &[" AS ", alias]);
    }
    push(out, &[" ON DUPLICATE KEY UPDATE "]);
    let set = |out: &mut Vec<u8>, column: &PlanColumn, first: bool| {
        let name = column.sql.as_str();
        let comma = if first { "" } else { "," };
        if row_alias {
            push(out, &[comma, name, "=", alias, ".", name]);
        } else {
            push(out, &[comma, name, "=VALUES(", name, ")"]);
        }
    };
    let mut first = true;
    for column in columns.filter(|column| !column.key) {
        set(out, column, first);
        first = false;
    }
    if first && let Some(key) = plan.key_columns().next() {
        set(out, key, true);
    }
}

fn push(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}
