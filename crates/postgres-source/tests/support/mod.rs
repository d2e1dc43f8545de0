//! A database of its own for each test on the server that `BUCATINI_TEST_POSTGRES` names, and a source that reads it.
#![allow(dead_code, unreachable_pub)] // Each test uses a part.

use connect_data::frame::{Datum, RecordFrame};
use connect_data::row_image::tree;
use connect_data::{InternedSchemas, Properties, Result, SchemaId, SchemaStore};
use postgres_source::{Offset, Settings, Source, SourceBatch};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// The server; without one the test fails.
pub fn server() -> Config {
    let url = std::env::var("BUCATINI_TEST_POSTGRES")
        .expect("BUCATINI_TEST_POSTGRES must name a server: postgres://user:password@host:port/postgres");
    url.parse().expect("BUCATINI_TEST_POSTGRES is no URL of a server")
}

pub async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A database, its slots, and its connection.
pub struct Database {
    pub name: String,
    pub config: Config,
    pub sql: Client,
    pub store: Arc<InternedSchemas>,
}

impl Database {
    /// A fresh one.
    pub async fn new(name: &str) -> Self {
        let mut config = server();
        let admin = connect(&config).await;
        let drop_slots = format!(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = '{name}' AND active_pid IS \
             NOT NULL; SELECT pg_sleep(0.2); SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE \
             database = '{name}'"
        );
        admin.batch_execute(&drop_slots).await.unwrap();
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        config.dbname(name);
        let sql = connect(&config).await;
        Self { name: name.to_owned(), config, sql, store: Arc::new(InternedSchemas::new()) }
    }

    /// The slot of the test.
    pub fn slot(&self) -> String {
        format!("slot_{}", self.name)
    }

    pub fn settings(&self, extra: &[(&str, &str)]) -> Settings {
        let host = match self.config.get_hosts().first() {
            Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
            _ => panic!("the server has no host"),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432).to_string();
        let password = String::from_utf8(self.config.get_password().unwrap_or_default().to_vec()).unwrap();
        let slot = self.slot();
        let base = [
            ("database.hostname", host.as_str()),
            ("database.port", &port),
            ("database.user", self.config.get_user().unwrap()),
            ("database.password", &password),
            ("database.dbname", &self.name),
            ("database.server.name", "srv"),
            ("slot.name", &slot),
            ("source.version", "1.7.0.Final"),
            ("status.update.interval.ms", "300"),
        ];
        Settings::parse(&base.iter().chain(extra).copied().collect::<Properties>()).unwrap()
    }

    pub async fn execute(&self, sql: &str) {
        self.sql.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    /// The first column of the first row.
    pub async fn value(&self, sql: &str) -> Option<String> {
        value(&self.sql, sql).await
    }

    pub async fn open(&self, extra: &[(&str, &str)], offset: Option<&str>) -> Result<Reader> {
        let offset = offset.map(|json| Offset::from_json(json).unwrap());
        let store = Arc::clone(&self.store) as Arc<dyn SchemaStore>;
        let source = Source::open(self.settings(extra), offset, store).await?;
        Ok(Reader {
            source,
            batch: SourceBatch::new(),
            store: Arc::clone(&self.store),
            schemas: Schemas::new(),
            stored: None,
            acknowledges: true,
        })
    }
}

pub async fn value(sql: &Client, text: &str) -> Option<String> {
    for message in sql.simple_query(text).await.unwrap_or_else(|e| panic!("{text}: {e:?}")) {
        if let SimpleQueryMessage::Row(row) = message {
            return row.get(0).map(str::to_owned);
        }
    }
    None
}

/// A record in the form of the corpus.
#[derive(Clone, Debug)]
pub struct Event {
    pub topic: String,
    pub key: Json,
    pub key_schema: Arc<Json>,
    pub value: Json,
    pub value_schema: Arc<Json>,
    pub headers: Vec<(String, Json)>,
}

impl Event {
    pub fn op(&self) -> &str {
        self.value["op"].as_str().unwrap_or("")
    }
}

/// Schemas by number, as JSON.
type Schemas = BTreeMap<SchemaId, Arc<Json>>;

/// A source, and what its host remembers.
pub struct Reader {
    pub source: Source,
    pub batch: SourceBatch,
    pub store: Arc<InternedSchemas>,
    schemas: Schemas,
    /// The offset behind the last batch.
    pub stored: Option<String>,
    pub acknowledges: bool,
}

impl Reader {
    /// The next batch; its offset counts as stored.
    pub async fn next(&mut self) -> Result<Vec<Event>> {
        self.source.next(&mut self.batch).await?;
        let offset = self.batch.offset().expect("a batch without offset");
        assert!(!self.batch.is_empty() || self.stored.as_deref() != Some(offset.to_json().as_str()), "nothing new");
        assert_eq!(&Offset::from_json(&offset.to_json()).unwrap(), offset);
        self.stored = Some(offset.to_json());
        if self.acknowledges {
            self.source.acknowledge(offset);
        }
        Ok(self.batch.iter().map(|bytes| event(bytes, &self.store, &mut self.schemas)).collect())
    }

    /// Batches until this is true of all events so far.
    pub async fn until(&mut self, done: impl Fn(&[Event]) -> bool) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        while !done(&events) {
            let left = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.next()).await {
                Ok(more) => events.extend(more?),
                Err(_) => panic!("not within a minute; {} events, the last: {:?}", events.len(), events.last()),
            }
        }
        Ok(events)
    }

    /// Everything up to the event with this text in its value.
    pub async fn until_text(&mut self, text: &str) -> Result<Vec<Event>> {
        self.until(|events| events.iter().any(|event| event.value.to_string().contains(text))).await
    }

    /// Everything of the snapshot.
    pub async fn snapshot(&mut self) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        loop {
            events.extend(self.next().await?);
            if self.stored.as_deref().is_some_and(|stored| stored.contains("\"last_snapshot_record\":true")) {
                return Ok(events);
            }
        }
    }
}

fn event(bytes: &[u8], store: &InternedSchemas, schemas: &mut Schemas) -> Event {
    let record = RecordFrame::read(bytes).unwrap();
    let mut read = |datum: Datum<'_>| {
        let schema = store.get(datum.schema);
        let value = tree::read(schema.as_deref(), datum.image, &[]).unwrap();
        let json = schemas.entry(datum.schema);
        let json = json.or_insert_with(|| Arc::new(connect_json::schema::write(schema.as_deref()).unwrap()));
        (connect_json::payload::write(schema.as_deref(), &value).unwrap(), Arc::clone(json))
    };
    let ((key, key_schema), (value, value_schema)) = (read(record.key), read(record.value));
    let headers = record.headers.iter().map(|header| header.unwrap());
    let headers = headers.map(|(name, datum)| (name.to_owned(), read(datum).0)).collect();
    Event { topic: record.topic.to_owned(), key, key_schema, value, value_schema, headers }
}
