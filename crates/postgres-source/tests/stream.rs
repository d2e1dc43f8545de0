//! Snapshot, hand-off and streaming on a real server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::{Database, Event, connect, value};

const NEEDS: &str = "needs PostgreSQL: tests/e2e/run runner";

/// What a sink would hold: rows by key.
fn apply(rows: &mut BTreeMap<String, Json>, events: &[Event]) {
    for event in events {
        let key = event.key.to_string();
        match &event.value {
            Json::Null => {
                rows.remove(&key);
            }
            payload if payload["op"] == "d" => {
                rows.remove(&key);
            }
            payload => {
                rows.insert(key, payload["after"].clone());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn the_story() {
    let db = Database::new("ps_story").await;
    db.execute(
        "create table pasta (id serial, name varchar primary key, cooking_minutes int);
         alter table pasta replica identity full;
         insert into pasta (name, cooking_minutes) values ('spaghetti', 8), ('pennette', 7), ('linguine', 10), ('farfalle', 9)",
    )
    .await;
    let mut reader = db.open(&[("table.include.list", "public.pasta")], None).await.unwrap();
    let events = reader.snapshot().await.unwrap();
    assert_eq!(events.len(), 4, "{NEEDS}");
    let last: Vec<_> = events.iter().map(|event| event.value["source"]["snapshot"].clone()).collect();
    assert_eq!(last, ["true", "true", "true", "last"]);
    let source = &events[0].value["source"];
    let lsn = source["lsn"].as_i64().unwrap();
    assert_eq!(source["sequence"], format!("[null,\"{lsn}\"]"));
    assert_eq!(source["version"], "1.7.0.Final");
    assert!(source["txId"].as_i64().unwrap() > 0 && source["xmin"].is_null());
    assert_eq!(events[0].topic, "srv.public.pasta");
    assert_eq!(events[0].key, json!({"name": "spaghetti"}));
    assert_eq!(events[0].value["after"], json!({"id": 1, "name": "spaghetti", "cooking_minutes": 8}));
    db.execute("update pasta set cooking_minutes=6 where name='pennette'").await;
    db.execute("update pasta set name='spaghettini' where name='spaghetti'").await;
    db.execute("delete from pasta where name='linguine'").await;
    let events = reader.until(|events| events.len() >= 6).await.unwrap();
    let ops: Vec<_> = events.iter().map(Event::op).collect();
    assert_eq!(ops, ["u", "d", "", "c", "d", ""]);
    assert_eq!(events[0].value["before"], json!({"id": 2, "name": "pennette", "cooking_minutes": 7}));
    assert_eq!(events[0].value["source"]["sequence"].as_str().unwrap().split(',').next(), Some("[null"));
    assert_eq!(events[1].headers[0].0, "__debezium.newkey");
    assert_eq!(events[3].headers[0].0, "__debezium.oldkey");
    reader.source.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn the_hand_off_neither_loses_nor_doubles() {
    let db = Database::new("ps_handoff").await;
    db.execute(
        "create table ledger (seq bigserial primary key, writer int);
         create table state (id int primary key, n int, pad text);
         insert into state select i, 0, repeat('x', 50) from generate_series(1, 20000) i",
    )
    .await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..4 {
        let (sql, stop) = (connect(&db.config).await, Arc::clone(&stop));
        writers.push(tokio::spawn(async move {
            let mut round = 0;
            while !stop.load(Ordering::Relaxed) {
                round += 1;
                let at = (writer * 4_999 + round * 37) % 20_000 + 1;
                let text = format!(
                    "begin; insert into ledger (writer) select {writer} from generate_series(1, 3);
                     update state set n = n + 1 where id = {at};
                     delete from state where id = {}; insert into state values ({}, 0, 'new'); commit",
                    (at * 7) % 20_000 + 1,
                    30_000 + writer * 1_000_000 + round
                );
                sql.batch_execute(&text).await.unwrap();
            }
        }));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut reader = db.open(&[], None).await.unwrap();
    let mut events = reader.snapshot().await.unwrap();
    let snapshot_rows = events.len();
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    db.execute("insert into ledger (writer) values (-1)").await;
    events.extend(reader.until(|events| events.iter().any(|e| e.value["after"]["writer"] == -1)).await.unwrap());
    let mut ledger = BTreeMap::<i64, usize>::new();
    for event in events.iter().filter(|event| event.topic == "srv.public.ledger") {
        *ledger.entry(event.value["after"]["seq"].as_i64().unwrap()).or_default() += 1;
    }
    let count: usize = db.value("select count(*) from ledger").await.unwrap().parse().unwrap();
    assert!(count > 100 && ledger.len() == count && snapshot_rows > 20_000, "{count} {}", ledger.len());
    let doubled: Vec<_> = ledger.iter().filter(|(_, times)| **times != 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    let mut rows = BTreeMap::new();
    apply(&mut rows, &events.iter().filter(|e| e.topic == "srv.public.state").cloned().collect::<Vec<_>>());
    let expected: BTreeSet<_> = db
        .value("select string_agg(id || ':' || n, ',') from state")
        .await
        .unwrap()
        .split(',')
        .map(str::to_owned)
        .collect();
    let found: BTreeSet<_> = rows.values().map(|row| format!("{}:{}", row["id"], row["n"])).collect();
    assert_eq!(expected.symmetric_difference(&found).collect::<Vec<_>>(), Vec::<&String>::new());
    reader.source.close().await.unwrap();
}

/// Sequence numbers of the ledger's events.
fn numbers(events: &[Event]) -> Vec<i64> {
    let inserts = events.iter().filter(|event| event.topic.ends_with(".ledger") && !event.value.is_null());
    inserts.map(|event| event.value["after"]["seq"].as_i64().unwrap()).collect()
}

const LEDGER: &str = "create table ledger (seq bigserial primary key, pad text)";

fn insert(count: usize) -> String {
    format!("insert into ledger (pad) select repeat('p', 100) from generate_series(1, {count})")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn a_killed_walsender_costs_nothing() {
    let db = Database::new("ps_killed").await;
    db.execute(LEDGER).await;
    let extra = [("max.batch.size", "100"), ("max.queue.size", "200"), ("retriable.restart.connector.wait.ms", "300")];
    let mut reader = db.open(&extra, None).await.unwrap();
    reader.snapshot().await.unwrap();
    let kill =
        format!("select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '{}'", db.slot());
    let mut found = Vec::new();
    for _ in 0..3 {
        db.execute(&insert(2_000)).await;
        // In the middle of the transaction.
        let wanted = found.len() + 500;
        while found.len() < wanted {
            found.extend(numbers(&reader.next().await.unwrap()));
        }
        db.value(&kill).await;
    }
    while found.len() < 6_000 {
        found.extend(numbers(&reader.next().await.unwrap()));
    }
    assert_eq!(found, (1..=6_000).collect::<Vec<_>>());
    assert!(reader.source.progress().reconnects >= 1);
    reader.source.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn a_restart_goes_on_after_the_stored_record() {
    let db = Database::new("ps_restart").await;
    db.execute(LEDGER).await;
    let extra = [("max.batch.size", "70"), ("max.queue.size", "100")];
    let mut reader = db.open(&extra, None).await.unwrap();
    reader.snapshot().await.unwrap();
    let (mut found, mut stored) = (Vec::new(), reader.stored.clone());
    db.execute(&insert(1_000)).await;
    for round in 0..6 {
        // Without a goodbye, as after a crash, and with one.
        if round % 2 == 0 {
            drop(reader);
        } else {
            reader.source.close().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        reader = db.open(&extra, stored.as_deref()).await.unwrap();
        for _ in 0..2 {
            let events = reader.next().await.unwrap();
            stored = reader.stored.clone();
            found.extend(numbers(&events));
        }
    }
    assert!(found.len() < 1_000, "all restarts fall into one transaction");
    while found.len() < 1_000 {
        found.extend(numbers(&reader.next().await.unwrap()));
    }
    assert_eq!(found, (1..=1_000).collect::<Vec<_>>());
    reader.source.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn the_slot_follows_the_acknowledgements_only() {
    let db = Database::new("ps_acks").await;
    db.execute(LEDGER).await;
    let mut reader = db.open(&[], None).await.unwrap();
    reader.snapshot().await.unwrap();
    reader.acknowledges = false;
    let confirmed =
        format!("select confirmed_flush_lsn::text from pg_replication_slots where slot_name = '{}'", db.slot());
    let before = db.value(&confirmed).await;
    db.execute(&insert(10)).await;
    let events = reader.until(|events| numbers(events).len() == 10).await.unwrap();
    assert_eq!(numbers(&events).len(), 10);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(db.value(&confirmed).await, before);
    reader.acknowledges = true;
    // Other tables and other databases move the log on: an idle source follows.
    let other = Database::new("ps_acks_other").await;
    other.execute("create table t as select generate_series(1, 1000) i").await;
    let end = db.value("select pg_current_wal_lsn()::text").await.unwrap();
    let passed = format!(
        "select confirmed_flush_lsn >= '{end}'::pg_lsn from pg_replication_slots where slot_name = '{}'",
        db.slot()
    );
    for _ in 0..100 {
        let _ = tokio::time::timeout(Duration::from_millis(200), reader.next()).await;
        if db.value(&passed).await.as_deref() == Some("t") {
            // What was acknowledged is what was stored: a restart finds no gap.
            let stored = reader.stored.clone();
            reader.source.close().await.unwrap();
            let mut again = db.open(&[], stored.as_deref()).await.unwrap();
            db.execute(&insert(1)).await;
            assert_eq!(numbers(&again.until(|events| !events.is_empty()).await.unwrap()), [11]);
            return again.source.close().await.unwrap();
        }
    }
    panic!("the slot stays at {:?}, the log ends at {end}", db.value(&confirmed).await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn a_gap_is_an_error_with_its_remedy() {
    let db = Database::new("ps_gap").await;
    db.execute(LEDGER).await;
    let mut reader = db.open(&[], None).await.unwrap();
    reader.snapshot().await.unwrap();
    db.execute(&insert(1)).await;
    reader.until(|events| !numbers(events).is_empty()).await.unwrap();
    let stored = reader.stored.clone();
    reader.source.close().await.unwrap();
    let code = |opened: connect_data::Result<support::Reader>| match opened {
        Ok(_) => "opened".to_owned(),
        Err(error) => {
            assert!(error.hint_text().is_some(), "{error}");
            error.code().to_owned()
        }
    };
    // Somebody else reads.
    db.execute(&insert(1)).await;
    let consume = format!("select count(*) from pg_logical_slot_get_changes('{}', null, null)", db.slot());
    db.value(&consume).await;
    assert_eq!(code(db.open(&[], stored.as_deref()).await), "postgres.gap");
    // Created again, further on.
    let again = format!(
        "select pg_drop_replication_slot('{0}'); select pg_create_logical_replication_slot('{0}', 'wal2json')",
        db.slot()
    );
    db.value(&again).await;
    assert_eq!(code(db.open(&[], stored.as_deref()).await), "postgres.gap");
    db.value(&format!("select pg_drop_replication_slot('{}')", db.slot())).await;
    assert_eq!(code(db.open(&[], stored.as_deref()).await), "postgres.slot-missing");
    let system = "\"bucatini_system\":\"";
    let elsewhere = stored.as_deref().unwrap().replace(system, &format!("{system}1"));
    assert_eq!(code(db.open(&[], Some(&elsewhere)).await), "postgres.other-server");
    db.value(&format!("select pg_create_logical_replication_slot('{}', 'pgoutput')", db.slot())).await;
    assert_eq!(code(db.open(&[], None).await), "postgres.slot-other");
    db.value(&format!("select pg_drop_replication_slot('{}')", db.slot())).await;
    // A snapshot at every start makes good for it.
    let mut reader = db.open(&[("snapshot.mode", "always")], stored.as_deref()).await.unwrap();
    assert_eq!(numbers(&reader.snapshot().await.unwrap()), [1, 2]);
    reader.source.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn an_interrupted_snapshot_begins_again_and_misses_nothing() {
    let db = Database::new("ps_interrupted").await;
    db.execute(LEDGER).await;
    // More than fits into the buffers between the server and the source.
    db.execute("insert into ledger (pad) select repeat('p', 6000) from generate_series(1, 5000)").await;
    let mut rows = BTreeMap::new();
    let extra = [("max.batch.size", "100"), ("max.queue.size", "100")];
    let mut reader = db.open(&extra, None).await.unwrap();
    while rows.len() < 1_000 {
        apply(&mut rows, &reader.next().await.unwrap());
    }
    let stored = reader.stored.clone();
    drop(reader);
    // Nobody looks: a row that was handed out goes, another one comes.
    db.execute("delete from ledger where seq = 7").await;
    db.execute(&insert(1)).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut reader = db.open(&extra, stored.as_deref()).await.unwrap();
    let snapshot = reader.snapshot().await.unwrap();
    assert_eq!(numbers(&snapshot).len(), 5_000);
    apply(&mut rows, &snapshot);
    db.execute("insert into ledger values (9000, 'end')").await;
    apply(&mut rows, &reader.until_text("9000").await.unwrap());
    let found: BTreeSet<_> = rows.values().map(|row| row["seq"].as_i64().unwrap()).collect();
    let expected: BTreeSet<_> = (1..=5_001).filter(|seq| *seq != 7).chain([9_000]).collect();
    assert_eq!(found, expected);
    // The connection of the snapshot is lost within.
    reader.source.close().await.unwrap();
    let extra = [("max.batch.size", "100"), ("max.queue.size", "100"), ("snapshot.mode", "always")];
    let mut reader = db.open(&extra, reader.stored.as_deref()).await.unwrap();
    reader.next().await.unwrap();
    reader.next().await.unwrap();
    db.value(&format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}' and query like 'COPY%'",
        db.name
    ))
    .await;
    assert!(numbers(&reader.snapshot().await.unwrap()).len() >= 5_001);
    reader.source.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn a_slow_host_keeps_its_connection_and_bounds_the_queue() {
    let db = Database::new("ps_slow").await;
    db.execute(LEDGER).await;
    db.execute(&format!("alter role {} set wal_sender_timeout = '2s'", db.config.get_user().unwrap())).await;
    let extra = [("max.batch.size", "100"), ("max.queue.size", "300"), ("status.update.interval.ms", "10000")];
    let mut reader = db.open(&extra, None).await.unwrap();
    reader.snapshot().await.unwrap();
    db.execute(&insert(10_000)).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let waiting = reader.source.progress().records;
    // Whole batches, as many as fit.
    assert!((100..=300).contains(&waiting), "{waiting} records wait");
    let mut found = Vec::new();
    while found.len() < 10_000 {
        found.extend(numbers(&reader.next().await.unwrap()));
    }
    assert_eq!(found, (1..=10_000).collect::<Vec<_>>());
    assert_eq!(reader.source.progress().reconnects, 0);
    reader.source.close().await.unwrap();
    db.execute(&format!("alter role {} reset wal_sender_timeout", db.config.get_user().unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn tables_change_under_the_stream() {
    let db = Database::new("ps_ddl").await;
    db.execute("create table t (id int primary key, a int); insert into t values (1, 1)").await;
    let extra = [("table.exclude.list", "public\\.secret"), ("column.exclude.list", "public\\.t\\.hidden")];
    let mut reader = db.open(&extra, None).await.unwrap();
    reader.snapshot().await.unwrap();
    for statement in [
        "insert into t values (2, 2)",
        "alter table t add b text not null default 'x'",
        "insert into t values (3, 3, 'y')",
        "alter table t drop a, add hidden int, alter b drop not null",
        "insert into t values (4, null, 8)",
        "create type mood as enum ('ok', 'sad'); create table late (id bigint primary key, m mood)",
        "insert into late values (1, 'sad')",
        "create table secret (id int primary key); insert into secret values (1)",
        "insert into t values (5, 'end', 9)",
    ] {
        db.execute(statement).await;
    }
    let events = reader.until_text("\"end\"").await.unwrap();
    let after: Vec<_> = events.iter().map(|event| event.value["after"].clone()).collect();
    // The catalogue is ahead of the first two rows: what it says of the columns that they have is used.
    assert_eq!(after[0], json!({"id": 2, "a": 2}));
    assert_eq!(after[1], json!({"id": 3, "a": 3, "b": "y"}));
    assert_eq!(after[2], json!({"id": 4, "b": null}));
    assert_eq!(after[3], json!({"id": 1, "m": "sad"}));
    assert_eq!(after[4], json!({"id": 5, "b": "end"}));
    assert_eq!(after.len(), 5);
    let mood = &events[3].value_schema["fields"][1]["fields"][1];
    assert_eq!((&mood["name"], &mood["parameters"]), (&json!("io.debezium.data.Enum"), &json!({"allowed": "ok,sad"})));
    reader.source.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn modes_of_the_snapshot_and_the_end_of_the_slot() {
    let db = Database::new("ps_modes").await;
    db.execute(LEDGER).await;
    db.execute(&insert(3)).await;
    let slots = format!("select count(*) from pg_replication_slots where slot_name = '{}'", db.slot());
    let mut only = db.open(&[("snapshot.mode", "initial_only")], None).await.unwrap();
    assert_eq!(numbers(&only.snapshot().await.unwrap()), [1, 2, 3]);
    assert!(tokio::time::timeout(Duration::from_millis(300), only.next()).await.is_err());
    only.source.close().await.unwrap();
    assert_eq!(db.value(&slots).await.as_deref(), Some("0"));
    let never = [("snapshot.mode", "never"), ("slot.drop.on.stop", "true")];
    let mut reader = db.open(&never, None).await.unwrap();
    // A position to store comes at once, before any change.
    assert!(reader.next().await.unwrap().is_empty());
    assert!(!reader.stored.as_deref().unwrap().contains("snapshot"));
    assert_eq!(db.value(&slots).await.as_deref(), Some("1"));
    db.execute(&insert(1)).await;
    assert_eq!(numbers(&reader.until(|events| !events.is_empty()).await.unwrap()), [4]);
    reader.source.close().await.unwrap();
    assert_eq!(db.value(&slots).await.as_deref(), Some("0"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/e2e/run runner"]
async fn formats_heartbeats_and_skipped_operations() {
    let db = Database::new("ps_formats").await;
    db.execute("create table t (id int primary key, v text); create table beat (at timestamptz)").await;
    let (mut stored, mut results) = (None, Vec::new());
    for plugin in ["wal2json", "wal2json_streaming", "wal2json_rds"] {
        let format = if plugin == "wal2json_rds" {
            "1"
        } else if plugin == "wal2json" {
            "2"
        } else {
            "1"
        };
        let extra = [
            ("plugin.name", plugin),
            ("wal2json.format.version", format),
            ("table.include.list", "public.t"),
            ("heartbeat.interval.ms", "200"),
            ("heartbeat.action.query", "insert into beat values (now())"),
            ("skipped.operations", "d"),
        ];
        let mut reader = db.open(&extra, stored.as_deref()).await.unwrap();
        db.execute(
            "begin; insert into t values (1, 'a'), (2, 'b'); update t set id = 3 where id = 1; update t set v = 'c'; \
             delete from t where id = 3; commit; select pg_logical_emit_message(true, 'p', 'm'); truncate t; \
             insert into t values (9, 'end'); delete from t",
        )
        .await;
        let ends = |event: &Event| event.value["after"]["v"] == "end";
        let beats = |event: &Event| event.topic == "__debezium-heartbeat.srv";
        let mut events = reader
            .until(|events| events.iter().any(ends) && events.iter().filter(|e| beats(e)).count() > 1)
            .await
            .unwrap();
        let beat = events.iter().find(|event| beats(event)).unwrap();
        assert_eq!(beat.key, json!({"serverName": "srv"}));
        assert!(beat.value["ts_ms"].as_i64().unwrap() > 1_700_000_000_000);
        events.retain(|event| !beats(event));
        let changes: Vec<_> = events.iter().map(|e| (e.op().to_owned(), e.key.clone())).collect();
        results.push(changes);
        tokio::time::sleep(Duration::from_millis(300)).await;
        // The delete at the end is behind, too.
        let _ = tokio::time::timeout(Duration::from_millis(700), reader.next()).await;
        stored = reader.stored.clone();
        reader.source.close().await.unwrap();
    }
    let op = |op: &str, id: i32| (op.to_owned(), json!({ "id": id }));
    let expected =
        [op("c", 1), op("c", 2), op("d", 1), op("", 1), op("c", 3), op("u", 2), op("u", 3), op("c", 9)].to_vec();
    for result in &results {
        assert_eq!(result, &expected);
    }
    let beats: usize = value(&db.sql, "select count(*) from beat").await.unwrap().parse().unwrap();
    assert!(beats > 3);
}
