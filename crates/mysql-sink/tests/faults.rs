//! Failures that pass, on real MySQL and MariaDB: deadlocks, killed connections, a COMMIT whose answer never comes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod target;

use connect_data::{ErrorKind, InternedSchemas};
use mysql_async::prelude::Queryable;
use mysql_sink::{Flavour, Sink};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use target::{Pasta, Records, Target, UPSERTS, int, text};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

on_both!(
    a_deadlock_is_tried_again,
    a_killed_connection_is_replaced,
    a_lost_answer_to_commit,
    access_and_servers_that_are_not_there,
    encrypted_connections,
);

/// Rows 1 to 1000, and a sink that has written there already.
async fn prepared(target: &mut Target, records: &mut Records) -> (Pasta, Sink) {
    let pasta = Pasta::new();
    let mut sink = target.sink(records, UPSERTS).await;
    for id in 1..=1000 {
        pasta.upsert(records, id, text("a"), int(0));
    }
    records.put(&mut sink).await.unwrap();
    (pasta, sink)
}

/// Waits until a transaction of the sink waits for a lock, and returns its connection's number.
async fn waiting(target: &mut Target, of: &str) -> u64 {
    let sql = format!(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{}' AND ID <> CONNECTION_ID() AND INFO LIKE '%{}%'",
        target.user(),
        of
    );
    for _ in 0..200 {
        if let [id] = target.rows(&sql).await.as_slice() {
            return id.parse().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no statement of the sink waits");
}

async fn a_deadlock_is_tried_again(mut target: Target) {
    let mut records = Records::new("deadlock");
    let (pasta, mut sink) = prepared(&mut target, &mut records).await;
    let table = target.table.clone();
    // The other transaction has changed more rows, so that the sink's is the one to be rolled back.
    let mut other = target.connect().await;
    other.query_drop("START TRANSACTION").await.unwrap();
    other.query_drop(format!("UPDATE `{table}` SET minutes = 7 WHERE id >= 500")).await.unwrap();
    pasta.upsert(&mut records, 1, text("sink"), int(1));
    pasta.upsert(&mut records, 999, text("sink"), int(1));
    let task = tokio::spawn(async move {
        let result = records.put(&mut sink).await;
        (result, sink)
    });
    waiting(&mut target, &format!("INSERT INTO `{table}`")).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    other.query_drop(format!("UPDATE `{table}` SET minutes = 8 WHERE id = 1")).await.unwrap();
    other.query_drop("COMMIT").await.unwrap();
    let (result, sink) = task.await.unwrap();
    result.unwrap();
    assert!(sink.statistics().retries >= 1, "{:?}", sink.statistics());
    assert_eq!(
        target.rows(&format!("SELECT * FROM `{table}` WHERE id IN (1, 500, 999)")).await,
        ["1|sink|1", "500|a|7", "999|sink|1"]
    );
}

async fn a_killed_connection_is_replaced(mut target: Target) {
    let mut records = Records::new("killed");
    let (pasta, mut sink) = prepared(&mut target, &mut records).await;
    let table = target.table.clone();
    let mut other = target.connect().await;
    other.query_drop("START TRANSACTION").await.unwrap();
    other.query_drop(format!("UPDATE `{table}` SET minutes = 7 WHERE id = 600")).await.unwrap();
    for id in 1..=1000 {
        pasta.upsert(&mut records, id, text("sink"), int(1));
    }
    let task = tokio::spawn(async move {
        let result = records.put(&mut sink).await;
        (result, sink)
    });
    let id = waiting(&mut target, &format!("INSERT INTO `{table}`")).await;
    target.sql(&format!("KILL {id}")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    // Nothing of the batch is visible before it is whole.
    let written = format!("SELECT COUNT(*) FROM `{table}` WHERE name = 'sink'");
    assert_eq!(target.rows(&written).await, ["0"]);
    other.query_drop("COMMIT").await.unwrap();
    let (result, sink) = task.await.unwrap();
    result.unwrap();
    assert_eq!(sink.statistics().retries, 1);
    assert_eq!(target.rows(&written).await, ["1000"]);
}

/// Hands bytes on, but for the answer to a COMMIT when it is told so: the server commits, the client never knows.
struct Proxy {
    port: u16,
    cut: Arc<AtomicBool>,
}

impl Proxy {
    async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicBool::new(false));
        let armed = cut.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let armed = armed.clone();
                tokio::spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                    let (mut from_client, mut to_client) = client.into_split();
                    let (mut from_server, mut to_server) = server.into_split();
                    let silent = Arc::new(AtomicBool::new(false));
                    let silenced = silent.clone();
                    let back = tokio::spawn(async move {
                        let mut bytes = vec![0; 65536];
                        while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
                            if silenced.load(Ordering::SeqCst) {
                                return;
                            }
                            if to_client.write_all(&bytes[..count]).await.is_err() {
                                return;
                            }
                        }
                    });
                    let mut bytes = vec![0; 65536];
                    while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
                        if bytes[..count].windows(6).any(|word| word == b"COMMIT")
                            && armed.swap(false, Ordering::SeqCst)
                        {
                            silent.store(true, Ordering::SeqCst);
                        }
                        if to_server.write_all(&bytes[..count]).await.is_err() {
                            break;
                        }
                    }
                    let _ = back.await;
                });
            }
        });
        Self { port, cut }
    }
}

async fn a_lost_answer_to_commit(mut target: Target) {
    let proxy = Proxy::before(target.port()).await;
    let pasta = Pasta::new();
    let mut records = Records::new("commit");
    let open = async |more: &[(&str, &str)]| {
        let settings = target.settings_at(Flavour::Aiven, proxy.port, &[UPSERTS, more].concat());
        Sink::open(settings, records.store.clone()).await.unwrap()
    };
    let mut upserts = open(&[]).await;
    let mut inserts = open(&[("insert.mode", "insert")]).await;
    pasta.upsert(&mut records, 1, text("a"), int(1));
    records.put(&mut upserts).await.unwrap();
    proxy.cut.store(true, Ordering::SeqCst);
    pasta.upsert(&mut records, 1, text("b"), int(1));
    pasta.upsert(&mut records, 2, text("b"), int(1));
    records.put(&mut upserts).await.unwrap();
    assert_eq!(upserts.statistics().retries, 1);
    assert_eq!(target.table_rows().await, ["1|b|1", "2|b|1"]);
    // Inserts cannot be written twice: an error that names them, and no second try.
    proxy.cut.store(true, Ordering::SeqCst);
    pasta.upsert(&mut records, 3, text("c"), int(1));
    let error = records.put(&mut inserts).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("mysql.commit-unknown", ErrorKind::Outage));
    assert!(error.message().contains("commit-3@0"), "{error}");
    assert_eq!(inserts.statistics().retries, 0);
    assert_eq!(target.table_rows().await.len(), 3);
}

async fn access_and_servers_that_are_not_there(target: Target) {
    let store = || Arc::new(InternedSchemas::new());
    let error = |settings| async { Sink::open(settings, store()).await.err().unwrap() };
    let wrong = error(target.settings(Flavour::Aiven, &[("connection.password", "geheim-wrong")])).await;
    assert_eq!((wrong.code(), wrong.kind()), ("mysql.access", ErrorKind::Config));
    assert!(!wrong.to_string().contains("geheim"));
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let settings =
        target.settings_at(Flavour::Aiven, nobody, &[("connection.attempts", "2"), ("connection.backoff.ms", "10")]);
    let outage = error(settings).await;
    assert_eq!((outage.code(), outage.kind()), ("mysql.connection", ErrorKind::Outage));
    // One that accepts and then says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("jdbc:mysql://127.0.0.1:{port}/d?connectTimeout=300");
    let started = std::time::Instant::now();
    let settings = target.settings(Flavour::Aiven, &[("connection.url", &url), ("connection.attempts", "1")]);
    assert_eq!(error(settings).await.kind(), ErrorKind::Outage);
    assert!(started.elapsed() < Duration::from_secs(30));
}

async fn encrypted_connections(mut target: Target) {
    let ciphers = target.rows("SHOW VARIABLES LIKE 'have_ssl'").await.concat()
        + &target.rows("SHOW VARIABLES LIKE 'ssl_ca'").await.concat();
    let has_tls = ciphers.contains("YES") || ciphers.contains(".pem");
    let pasta = Pasta::new();
    let mut records = Records::new("tls");
    let open = |mode: &str| {
        let url = format!("jdbc:mysql://localhost:{}/target?sslMode={mode}", target.port());
        let settings = target.settings(Flavour::Aiven, &[UPSERTS, &[("connection.url", url.as_str())]].concat());
        Sink::open(settings, records.store.clone())
    };
    let preferred = open("PREFERRED").await;
    let required = open("REQUIRED").await;
    let verified = open("VERIFY_IDENTITY").await.err().unwrap();
    assert_eq!((verified.code(), verified.kind()), ("mysql.tls", ErrorKind::Config), "{verified}");
    pasta.upsert(&mut records, 1, text("a"), int(1));
    records.put(&mut preferred.unwrap()).await.unwrap();
    match required {
        Ok(mut sink) if has_tls => {
            pasta.upsert(&mut records, 1, text("b"), int(1));
            records.put(&mut sink).await.unwrap();
            assert_eq!(target.table_rows().await, ["1|b|1"]);
        }
        Err(error) if !has_tls => assert_eq!(error.code(), "mysql.tls"),
        other => panic!("TLS of the server: {has_tls}; connection: {:?}", other.err()),
    }
}
