//! Rows a second into a table of 8 columns, beside the same rows by hand: multi-row INSERT as text, and prepared.
//! `BUCATINI_TEST_ROWS` says how many (1,000,000 unless told); run it in a release build.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod target;

use connect_data::schema::{Node, Type};
use connect_data::{Value, logical};
use mysql_async::prelude::Queryable;
use std::time::{Duration, Instant};
use target::{Records, Target, UPSERTS, structure, text};

on_both!(rows_a_second);

const BATCH: usize = 10_000;
const STATEMENT: usize = 1_000;
const PREPARED: usize = 512;

struct Rate {
    rows: usize,
    time: Duration,
}

impl Rate {
    fn per_second(&self) -> f64 {
        self.rows as f64 / self.time.as_secs_f64()
    }
}

async fn rows_a_second(mut target: Target) {
    let rows: usize = std::env::var("BUCATINI_TEST_ROWS").map_or(1_000_000, |rows| rows.parse().unwrap());
    let first = by_sink(&mut target, rows, 0).await;
    let again = by_sink(&mut target, rows, 1).await;
    let definition = target.rows(&format!("SHOW CREATE TABLE `{}`", target.table)).await.concat();
    let create = definition.split_once('|').unwrap().1.to_owned();
    let mut by_hand = Vec::new();
    for prepared in [false, true] {
        target.sql(&format!("DROP TABLE `{}`", target.table)).await;
        target.sql(&create).await;
        let rows = if prepared { rows.min(100_000) } else { rows };
        by_hand.push(insert_by_hand(&mut target, rows, prepared).await);
    }
    println!(
        "{:?}: sink inserting {:.0}, updating {:.0}; by hand, inserting: text {:.0}, prepared {:.0} rows/s",
        target.kind,
        first.per_second(),
        again.per_second(),
        by_hand[0].per_second(),
        by_hand[1].per_second()
    );
    assert!(first.per_second() > by_hand[0].per_second() / 2.0, "the sink costs more than the database");
}

fn name(id: usize) -> String {
    format!("pasta number {id} of all kinds")
}

fn note(id: usize) -> String {
    format!("cook it in {} litres of salted water, then taste", id % 17)
}

async fn by_sink(target: &mut Target, rows: usize, round: i32) -> Rate {
    let key = structure(&[("id", Node::new(Type::Int64))]);
    let decimal = Node::new(Type::Bytes)
        .named(logical::DECIMAL)
        .parameter("scale", "2")
        .parameter("connect.decimal.precision", "12");
    let value = structure(&[
        ("id", Node::new(Type::Int64)),
        ("name", Node::new(Type::String)),
        ("amount", decimal.optional()),
        ("quantity", Node::new(Type::Int32).optional()),
        ("active", Node::new(Type::Boolean)),
        ("made", Node::new(Type::Int64).named("io.debezium.time.MicroTimestamp").optional()),
        ("weight", Node::new(Type::Float64).optional()),
        ("note", Node::new(Type::String).optional()),
    ]);
    let mut records = Records::new("throughput");
    let mut sink = target.sink(&records, UPSERTS).await;
    let mut time = Duration::ZERO;
    for from in (0..rows).step_by(BATCH) {
        for id in from..(from + BATCH).min(rows) {
            let row = Value::Struct(vec![
                Value::Int64(id as i64),
                text(&name(id)),
                Value::Bytes((id as i64 * 100 + 25).to_be_bytes().to_vec()),
                Value::Int32(round),
                Value::Boolean(id % 2 == 0),
                Value::Int64(1_639_380_287_887_136 + id as i64),
                Value::Float64(id as f64 / 8.0),
                text(&note(id)),
            ]);
            records.add(Some((&key, Value::Struct(vec![Value::Int64(id as i64)]))), Some((&value, row)));
        }
        let frames = std::mem::take(&mut records.frames);
        let batch = records.of(&frames);
        let started = Instant::now();
        sink.put(&batch, None).await.unwrap();
        time += started.elapsed();
    }
    let found = target.rows(&format!("SELECT COUNT(*), SUM(quantity) FROM `{}`", target.table)).await;
    assert_eq!(found, [format!("{rows}|{}", rows as i32 * round)]);
    assert_eq!(sink.statistics().rows_written, rows as u64);
    Rate { rows, time }
}

async fn insert_by_hand(target: &mut Target, rows: usize, prepared: bool) -> Rate {
    let columns = ["id", "name", "amount", "quantity", "active", "made", "weight", "note"];
    let updates: Vec<String> = columns[1..].iter().map(|c| format!("{c}=VALUES({c})")).collect();
    let head = format!("INSERT INTO `{}` ({}) VALUES ", target.table, columns.join(","));
    let tail = format!(" ON DUPLICATE KEY UPDATE {}", updates.join(","));
    let size = if prepared { PREPARED } else { STATEMENT };
    let marks = vec!["(?,?,?,?,?,?,?,?)"; size].join(",");
    let statement = if prepared { Some(target.conn.prep(format!("{head}{marks}{tail}")).await.unwrap()) } else { None };
    let mut time = Duration::ZERO;
    let mut done = 0;
    while done + size <= rows {
        let ids = done..done + size;
        match &statement {
            None => {
                let rows: Vec<String> = ids
                    .map(|id| {
                        format!(
                            "({id},'{}',{id}.25,0,{},'2021-12-13 07:24:47.887136',{:e},'{}')",
                            name(id),
                            id % 2,
                            id as f64 / 8.0,
                            note(id)
                        )
                    })
                    .collect();
                let sql = format!("{head}{}{tail}", rows.join(","));
                let started = Instant::now();
                target.conn.query_drop(sql).await.unwrap();
                time += started.elapsed();
            }
            Some(statement) => {
                let mut values: Vec<mysql_async::Value> = Vec::with_capacity(8 * size);
                for id in ids {
                    values.extend([
                        (id as i64).into(),
                        name(id).into(),
                        format!("{id}.25").into(),
                        0.into(),
                        (id % 2 == 0).into(),
                        mysql_async::Value::Date(2021, 12, 13, 7, 24, 47, 887_136),
                        (id as f64 / 8.0).into(),
                        note(id).into(),
                    ]);
                }
                let started = Instant::now();
                target.conn.exec_drop(statement, values).await.unwrap();
                time += started.elapsed();
            }
        }
        done += size;
    }
    Rate { rows: done, time }
}
