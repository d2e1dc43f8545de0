//! What the tests with real servers share: the servers, records, and what is in a table.
#![allow(dead_code, reason = "each test file uses its part")]

use connect_data::frame::{Datum, RecordFrame};
use connect_data::row_image::{tree, write_null};
use connect_data::schema::{Node, SchemaBuilder, Type};
use connect_data::{Error, InternedSchemas, Properties, Schema, SchemaStore, Value};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};
use mysql_sink::{Flavour, Settings, Sink, SinkRecord};
use std::sync::Arc;

/// Which of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    MySql,
    MariaDb,
}

/// A server, and a table name that nobody else uses.
pub(crate) struct Target {
    opts: Opts,
    pub(crate) kind: Kind,
    pub(crate) table: String,
    pub(crate) conn: Conn,
}

impl Target {
    /// Connects to the server that the environment names and drops the table.
    pub(crate) async fn of(kind: Kind, table: &str) -> Self {
        let variable = match kind {
            Kind::MySql => "BUCATINI_TEST_MYSQL",
            Kind::MariaDb => "BUCATINI_TEST_MARIADB",
        };
        let url = std::env::var(variable)
            .unwrap_or_else(|_| panic!("{variable} is not set: expected mysql://user:password@host:port/database"));
        let opts = Opts::from_url(&url)
            .unwrap_or_else(|_| panic!("{variable}: expected mysql://user:password@host:port/database"));
        let plain = OptsBuilder::from_opts(opts.clone()).prefer_socket(Some(false));
        let mut conn = Conn::new(plain).await.unwrap_or_else(|e| panic!("{variable}: {e}"));
        conn.query_drop(format!("DROP TABLE IF EXISTS `{table}`")).await.unwrap();
        Self { opts, kind, table: table.to_owned(), conn }
    }

    /// Another connection.
    pub(crate) async fn connect(&self) -> Conn {
        Conn::new(OptsBuilder::from_opts(self.opts.clone()).prefer_socket(Some(false))).await.unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        self.opts.tcp_port()
    }

    pub(crate) fn user(&self) -> &str {
        self.opts.user().unwrap()
    }

    /// Settings for a sink into the table; a later entry goes before an earlier one.
    pub(crate) fn settings(&self, flavour: Flavour, more: &[(&str, &str)]) -> Settings {
        self.settings_at(flavour, self.opts.tcp_port(), more)
    }

    pub(crate) fn settings_at(&self, flavour: Flavour, port: u16, more: &[(&str, &str)]) -> Settings {
        let database = self.opts.db_name().unwrap();
        let url = format!("jdbc:mysql://{}:{port}/{database}?useSSL=false", self.opts.ip_or_hostname());
        let mut properties = Properties::from_iter([("connection.url", url)]);
        let user = if flavour == Flavour::Debezium { "connection.username" } else { "connection.user" };
        properties.set(user, self.opts.user().unwrap());
        properties.set("connection.password", self.opts.pass().unwrap_or_default());
        let format = if flavour == Flavour::Debezium { "collection.name.format" } else { "table.name.format" };
        properties.set(format, self.table.as_str());
        properties.set(if flavour == Flavour::Debezium { "flush.retry.delay.ms" } else { "retry.backoff.ms" }, "100");
        for (name, value) in more {
            properties.set(*name, *value);
        }
        Settings::parse(flavour, &properties).unwrap()
    }

    pub(crate) async fn sink(&self, records: &Records, more: &[(&str, &str)]) -> Sink {
        self.sink_of(Flavour::Aiven, records, more).await
    }

    pub(crate) async fn sink_of(&self, flavour: Flavour, records: &Records, more: &[(&str, &str)]) -> Sink {
        Sink::open(self.settings(flavour, more), records.store.clone()).await.unwrap()
    }

    pub(crate) async fn sql(&mut self, sql: &str) {
        self.conn.query_drop(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }

    /// Rows as text, columns with `|` between them.
    pub(crate) async fn rows(&mut self, sql: &str) -> Vec<String> {
        let rows: Vec<mysql_async::Row> = self.conn.query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        let text = |value: mysql_async::Value| match value {
            mysql_async::Value::NULL => "NULL".to_owned(),
            mysql_async::Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => other.as_sql(true),
        };
        rows.into_iter().map(|row| row.unwrap().into_iter().map(text).collect::<Vec<_>>().join("|")).collect()
    }

    pub(crate) async fn table_rows(&mut self) -> Vec<String> {
        let sql = format!("SELECT * FROM `{}`", self.table);
        self.rows(&sql).await
    }
}

/// Frames of records, under the schemas of one store.
pub(crate) struct Records {
    pub(crate) store: Arc<InternedSchemas>,
    pub(crate) topic: String,
    pub(crate) frames: Vec<Vec<u8>>,
}

impl Records {
    pub(crate) fn new(topic: &str) -> Self {
        Self { store: Arc::new(InternedSchemas::new()), topic: topic.to_owned(), frames: Vec::new() }
    }

    /// Adds a record; `None` is null without a schema.
    pub(crate) fn add(
        &mut self,
        key: Option<(&Arc<Schema>, Value)>,
        value: Option<(&Arc<Schema>, Value)>,
    ) -> &mut Self {
        let (key, value) = (self.datum(key), self.datum(value));
        let mut frame = Vec::new();
        RecordFrame::write(
            &self.topic,
            Some(0),
            Some(0),
            Datum { schema: key.0, image: &key.1 },
            Datum { schema: value.0, image: &value.1 },
            &[],
            &mut frame,
        );
        self.frames.push(frame);
        self
    }

    fn datum(&self, datum: Option<(&Arc<Schema>, Value)>) -> (u32, Vec<u8>) {
        let mut image = Vec::new();
        match datum {
            None => {
                write_null(&mut image);
                (0, image)
            }
            Some((schema, value)) => {
                tree::write(Some(schema), &value, &mut image).unwrap();
                (self.store.intern(schema.clone()).unwrap(), image)
            }
        }
    }

    /// The records, and forgets them; offsets go on from `offset`.
    pub(crate) async fn put(&mut self, sink: &mut Sink) -> Result<(), Error> {
        let frames = std::mem::take(&mut self.frames);
        sink.put(&self.of(&frames), None).await
    }

    pub(crate) async fn put_tolerantly(&mut self, sink: &mut Sink) -> Result<Vec<(usize, Error)>, Error> {
        let frames = std::mem::take(&mut self.frames);
        let mut rejected = Vec::new();
        sink.put(&self.of(&frames), Some(&mut rejected)).await?;
        Ok(rejected)
    }

    pub(crate) fn of<'a>(&'a self, frames: &'a [Vec<u8>]) -> Vec<SinkRecord<'a>> {
        let record = |(offset, frame): (usize, &'a Vec<u8>)| SinkRecord {
            frame,
            topic: &self.topic,
            partition: 3,
            offset: offset as i64,
        };
        frames.iter().enumerate().map(record).collect()
    }
}

/// A struct of these fields.
pub(crate) fn structure(fields: &[(&str, Node)]) -> Arc<Schema> {
    let mut builder = SchemaBuilder::new();
    let root = builder.push(Node::new(Type::Struct));
    for (name, node) in fields {
        builder.field(root, *name, node.clone());
    }
    Arc::new(builder.build().unwrap())
}

pub(crate) fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

pub(crate) fn int(value: i32) -> Value {
    Value::Int32(value)
}

/// Key `{id: int32}`, value `{id: int32, name: string?, minutes: int32?}`.
pub(crate) struct Pasta {
    pub(crate) key: Arc<Schema>,
    pub(crate) value: Arc<Schema>,
}

impl Pasta {
    pub(crate) fn new() -> Self {
        Self {
            key: structure(&[("id", Node::new(Type::Int32))]),
            value: structure(&[
                ("id", Node::new(Type::Int32)),
                ("name", Node::new(Type::String).optional()),
                ("minutes", Node::new(Type::Int32).optional()),
            ]),
        }
    }

    pub(crate) fn upsert(&self, records: &mut Records, id: i32, name: Value, minutes: Value) {
        let value = Value::Struct(vec![int(id), name, minutes]);
        records.add(Some((&self.key, Value::Struct(vec![int(id)]))), Some((&self.value, value)));
    }

    pub(crate) fn delete(&self, records: &mut Records, id: i32) {
        records.add(Some((&self.key, Value::Struct(vec![int(id)]))), None);
    }
}

/// Upserts by the record's key, deletes on, tables made and extended.
pub(crate) const UPSERTS: &[(&str, &str)] = &[
    ("insert.mode", "upsert"),
    ("pk.mode", "record_key"),
    ("delete.enabled", "true"),
    ("auto.create", "true"),
    ("auto.evolve", "true"),
];

/// One test for each server.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod mysql {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs MySQL: tests/e2e/run runner"]
            async fn $name() {
                super::$name(super::target::Target::of(super::target::Kind::MySql, concat!("my_", stringify!($name))).await).await;
            })*
        }
        mod mariadb {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs MariaDB: tests/e2e/run runner"]
            async fn $name() {
                super::$name(super::target::Target::of(super::target::Kind::MariaDb, concat!("ma_", stringify!($name))).await).await;
            })*
        }
    };
}
