//! Memory stays bounded while many rows go through, and how fast they do. `BUCATINI_TEST_ROWS` says how many (50,000 unless
//! it is set); with `--nocapture` the figures are printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::time::{Duration, Instant};
use support::{Database, Reader};

/// Most that the process has ever held, in MiB.
fn peak_rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

/// Takes records without looking at them.
async fn take(reader: &mut Reader, records: usize) -> (Duration, usize) {
    let (begun, mut taken, mut bytes) = (Instant::now(), 0, 0);
    while taken < records {
        tokio::time::timeout(Duration::from_secs(120), reader.source.next(&mut reader.batch)).await.unwrap().unwrap();
        taken += reader.batch.len();
        bytes += reader.batch.byte_len();
        let offset = reader.batch.offset().unwrap();
        reader.stored = Some(offset.to_json());
        reader.source.acknowledge(offset);
    }
    assert_eq!(taken, records);
    (begun.elapsed(), bytes)
}

fn report(what: &str, records: usize, took: Duration, bytes: usize) {
    let rate = records as f64 / took.as_secs_f64();
    println!("{what}: {records} records, {bytes} bytes, {took:.2?}, {rate:.0}/s, peak RSS {} MiB", peak_rss());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn rows_go_through_in_bounded_memory() {
    let rows: usize = std::env::var("BUCATINI_TEST_ROWS").map_or(50_000, |rows| rows.parse().unwrap());
    let changes = rows / 5;
    let db = Database::new("ps_memory").await;
    db.execute(&format!(
        "create table big (id bigint primary key, name varchar(60), price numeric(10,2), qty int, created timestamp, \
         active boolean, note text, ratio double precision); \
         insert into big select i, 'name of item ' || i, i * 1.01, i % 1000, timestamp '2024-01-01' + i * interval '1 s', \
         i % 2 = 0, 'a note that is a little longer, for row ' || i, i / 7.0 from generate_series(1, {rows}) i"
    ))
    .await;
    let before = peak_rss();
    let mut reader = db.open(&[], None).await.unwrap();
    let (took, bytes) = take(&mut reader, rows).await;
    report("snapshot", rows, took, bytes);
    while !reader.stored.as_deref().unwrap().contains("\"last_snapshot_record\":true") {
        reader.next().await.unwrap();
    }
    db.execute(&format!("alter table big replica identity full; update big set qty = qty + 1 where id <= {changes}"))
        .await;
    let (took, bytes) = take(&mut reader, changes).await;
    report("one transaction", changes, took, bytes);
    db.execute(&format!(
        "do $$ begin for i in 1..{} loop update big set qty = qty + 1 where id between i * 10 - 9 and i * 10; commit; \
         end loop; end $$",
        changes / 10
    ))
    .await;
    let (took, bytes) = take(&mut reader, changes).await;
    report("transactions of 10", changes, took, bytes);
    reader.source.close().await.unwrap();
    let grown = peak_rss() - before;
    assert!(grown < 192, "memory grew by {grown} MiB");
}
