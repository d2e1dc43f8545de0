//! The SQL of a group's rows.

use crate::batch::{Action, Batch, Group};
use crate::plan::{Plan, PlanColumn};
use crate::settings::InsertMode;

/// Writes the statement of some rows of a group.
pub(crate) fn write(batch: &Batch, plan: &Plan, group: &Group, rows: &[u32], row_alias: bool, out: &mut Vec<u8>) {
    out.clear();
    let rows = rows.iter().filter_map(|row| batch.row(*row));
    match (group.action, plan.mode) {
        (Action::Delete, _) => {
            let keys: Vec<&str> = plan.key_columns().map(|column| column.sql.as_str()).collect();
            push(out, &["DELETE FROM ", &plan.table_sql, " WHERE "]);
            match keys.as_slice() {
                [key] => push(out, &[key, " IN ("]),
                keys => push(out, &["(", &keys.join(","), ") IN ("]),
            }
            for (i, row) in rows.enumerate() {
                if i != 0 {
                    out.push(b',');
                }
                out.extend_from_slice(batch.literal(row));
            }
            out.push(b')');
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
                upsert(plan, columns, row_alias, out);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Input;
    use crate::fields::{Schemas, fields};
    use crate::literal::Holds;
    use crate::name::TableName;
    use crate::plan::Target;
    use crate::settings::{Flavour, Settings};
    use crate::table::{Column, Table, Unique};
    use connect_data::row_image::{Image, Layout, tree};
    use connect_data::schema::{Node, SchemaBuilder, Type};
    use connect_data::{Error, Properties, Schema, Value};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn structure(fields: &[(&str, Node)]) -> Arc<Schema> {
        let mut builder = SchemaBuilder::new();
        let root = builder.push(Node::new(Type::Struct));
        for (name, node) in fields {
            builder.field(root, *name, node.clone());
        }
        Arc::new(builder.build().unwrap())
    }

    struct Fixture {
        key: Arc<Schema>,
        value: Arc<Schema>,
        plan: Plan,
        batch: Batch,
    }

    /// A record: its key, and name and minutes, or a deletion.
    type Record = (i32, Option<(Value, Value)>);

    fn compile(mode: &str, keys: &[&str], unique: &[&str], table: &str, ordered: bool) -> Result<Fixture, Error> {
        let properties = Properties::from_iter([
            ("connection.url", "jdbc:mysql://h/d"),
            ("pk.mode", "record_key"),
            ("delete.enabled", "true"),
            ("insert.mode", mode),
        ]);
        let settings = Settings::parse(Flavour::Aiven, &properties)?;
        let node = |kind| Node::new(kind).optional();
        let key: Vec<(&str, Node)> = keys.iter().map(|name| (*name, Node::new(Type::Int32))).collect();
        let mut value = key.clone();
        value.extend([("name", node(Type::String)), ("minutes", node(Type::Int32))]);
        let (key, value) = (structure(&key), structure(&value));
        let column = |name: &str, holds| Column { name: name.into(), holds, loose: false };
        let mut columns: Vec<Column> = keys.iter().map(|name| column(name, Holds::Number)).collect();
        columns.extend([column("name", Holds::Text), column("Minutes", Holds::Number)]);
        let index =
            |name: &&str| Unique { name: (*name).into(), columns: Some(name.split('+').map(str::to_owned).collect()) };
        let table_facts =
            Table { columns, unique: unique.iter().map(index).collect(), foreign_keys: false, transactional: true };
        let found = fields(&settings, &Schemas { topic: "t", key: Some(&key), value: Some(&value), headers: &[] })?;
        let name = TableName { database: None, table: table.into() };
        let target = Target { number: 0, name: &name, table: &table_facts, ordered };
        let slots = (Layout::of(&key).slots(), Layout::of(&value).slots());
        let plan = Plan::compile(&settings, &found, &target, slots)?;
        Ok(Fixture { key, value, plan, batch: Batch::new() })
    }

    impl Fixture {
        fn fill(&mut self, records: &[Record], reduce: bool) {
            self.batch.start(reduce, 1 << 20);
            for (at, (id, row)) in records.iter().enumerate() {
                let (mut key, mut value) = (Vec::new(), Vec::new());
                let keys = vec![Value::Int32(*id); self.plan.keys.len()];
                tree::write(Some(&self.key), &Value::Struct(keys.clone()), &mut key).unwrap();
                if let Some((name, minutes)) = row {
                    let mut values = keys;
                    values.extend([name.clone(), minutes.clone()]);
                    tree::write(Some(&self.value), &Value::Struct(values), &mut value).unwrap();
                }
                let input = Input {
                    record: at as u32,
                    key: Some(Image::new(&key, &[]).unwrap()),
                    value: row.as_ref().map(|_| Image::new(&value, &[]).unwrap()),
                    headers: &[],
                    topic: "t",
                    partition: 0,
                    offset: at as i64,
                };
                let action = if row.is_some() { Action::Write } else { Action::Delete };
                self.batch.add(&self.plan, 0, action, &input, b"__placeholder").unwrap();
            }
            self.batch.finish(std::slice::from_ref(&self.plan));
        }

        fn sql(&self, row_alias: bool) -> Vec<String> {
            let groups = self.batch.groups().iter().filter(|group| !group.rows.is_empty());
            groups
                .map(|group| {
                    let mut sql = Vec::new();
                    write(&self.batch, &self.plan, group, &group.rows, row_alias, &mut sql);
                    String::from_utf8(sql).unwrap()
                })
                .collect()
        }
    }

    fn row(name: &str, minutes: i32) -> Option<(Value, Value)> {
        Some((Value::String(name.into()), Value::Int32(minutes)))
    }

    #[test]
    fn upserts_of_both_dialects_keep_the_last_row_of_each_key() {
        let mut fixture = compile("upsert", &["id"], &["id"], "pasta", false).unwrap();
        let unavailable = Some((Value::String("__placeholder".into()), Value::Null));
        fixture.fill(&[(10, row("a", 1)), (9, row("it's", 2)), (10, row("b", 3)), (9, unavailable)], true);
        assert_eq!(
            fixture.sql(true),
            [
                "INSERT INTO `pasta` (`id`,`name`,`Minutes`) VALUES (9,'it''s',2),(10,'b',3) AS `new` ON DUPLICATE KEY UPDATE `name`=`new`.`name`,`Minutes`=`new`.`Minutes`",
                "INSERT INTO `pasta` (`id`,`Minutes`) VALUES (9,NULL) AS `new` ON DUPLICATE KEY UPDATE `Minutes`=`new`.`Minutes`",
            ]
        );
        assert!(
            fixture.sql(false)[0]
                .ends_with("(10,'b',3) ON DUPLICATE KEY UPDATE `name`=VALUES(`name`),`Minutes`=VALUES(`Minutes`)")
        );
        let mut fixture = compile("upsert", &["id"], &["id"], "NEW", false).unwrap();
        fixture.fill(&[(1, Some((Value::Unavailable, Value::Unavailable)))], true);
        assert_eq!(
            fixture.sql(true),
            ["INSERT INTO `NEW` (`id`) VALUES (1) AS `new_` ON DUPLICATE KEY UPDATE `id`=`new_`.`id`"]
        );
    }

    #[test]
    fn deletes_updates_and_inserts() {
        let mut fixture = compile("upsert", &["a", "b"], &["b+a"], "t", false).unwrap();
        fixture.fill(&[(2, row("x", 1)), (2, None), (1, None), (2, None)], true);
        assert_eq!(fixture.sql(true), ["DELETE FROM `t` WHERE (`a`,`b`) IN ((1,1),(2,2))"]);
        let mut fixture = compile("update", &["id"], &[], "t", false).unwrap();
        fixture.fill(&[(1, row("x", 1)), (2, Some((Value::Unavailable, Value::Unavailable))), (3, None)], true);
        assert_eq!(
            fixture.sql(true),
            ["UPDATE `t` SET `name`='x',`Minutes`=1 WHERE `id`=1", "DELETE FROM `t` WHERE `id` IN (3)"]
        );
        let mut fixture = compile("insert", &["id"], &[], "t", false).unwrap();
        fixture.fill(&[(1, row("x", 1)), (1, row("y", 1))], true);
        let sql = fixture.sql(true).concat();
        assert!(sql.contains("(1,'x',1)") && sql.contains("(1,'y',1)") && !sql.contains("DUPLICATE"), "{sql}");
    }

    #[test]
    fn tables_that_upserts_would_harm_are_refused() {
        let code = |unique: &[&str]| compile("upsert", &["id"], unique, "t", false).err().map(|e| e.code().to_owned());
        assert_eq!(code(&["id"]), None);
        assert_eq!(code(&[]).as_deref(), Some("mysql.no-unique-key"));
        assert_eq!(code(&["name"]).as_deref(), Some("mysql.no-unique-key"));
        assert_eq!(code(&["id", "name"]).as_deref(), Some("mysql.secondary-unique"));
    }

    type Model = BTreeMap<i32, (Option<String>, Option<i32>)>;

    fn apply(model: &mut Model, (id, row): &Record) {
        let Some((name, minutes)) = row else {
            model.remove(id);
            return;
        };
        let entry = model.entry(*id).or_default();
        match name {
            Value::Unavailable => {}
            Value::String(name) => entry.0 = Some(name.clone()),
            _ => entry.0 = None,
        }
        match minutes {
            Value::Unavailable => {}
            Value::Int32(minutes) => entry.1 = Some(*minutes),
            _ => entry.1 = None,
        }
    }

    fn record() -> impl Strategy<Value = Record> {
        let name = prop_oneof![Just(Value::Unavailable), Just(Value::Null), "[ab]".prop_map(Value::String)];
        let minutes = prop_oneof![Just(Value::Unavailable), Just(Value::Null), (0..9).prop_map(Value::Int32)];
        (0..4, proptest::option::weighted(0.7, (name, minutes)))
    }

    proptest! {
        /// The groups in their order leave what the records in theirs would, and no statement has a key twice.
        #[test]
        fn groups_do_what_the_records_say(records in proptest::collection::vec(record(), 0..60), reduce: bool, ordered: bool) {
            let mut fixture = compile("upsert", &["id"], &["id"], "t", ordered).unwrap();
            fixture.fill(&records, reduce);
            let (mut by_record, mut by_group) = (Model::new(), Model::new());
            for record in &records {
                apply(&mut by_record, record);
            }
            for group in fixture.batch.groups() {
                let mut keys = Vec::new();
                for number in &group.rows {
                    let record = &records[fixture.batch.row(*number).unwrap().record as usize];
                    prop_assert!(!keys.contains(&record.0));
                    keys.push(record.0);
                    apply(&mut by_group, record);
                }
            }
            prop_assert_eq!(by_record, by_group);
        }
    }
}
