//! The end of a pipeline: batches into the database, what it refuses aside.

use super::batch::{Batch, Failed};
use super::errors::{DeadLetters, Failure, Stage, Tolerance};
use super::recovery::Patience;
use crate::cli::stop::{Level, Stop};
use crate::config::SinkConfig;
use crate::registry::stopped;
use crate::report::Reporter;
use connect_data::{Error, Properties, Result, SchemaStore};
use mysql_sink::{Flavour, Settings, Sink};
use std::sync::Arc;

/// Writes the batches of one task.
pub(crate) struct Writer {
    sink: Option<Sink>,
    flavour: Flavour,
    properties: Properties,
    schemas: Arc<dyn SchemaStore>,
    class: &'static str,
    tolerance: Tolerance,
    dead_letters: Option<DeadLetters>,
    patience: Patience,
    stop: Stop,
    reporter: Reporter,
}

impl Writer {
    /// Connects to the database, and to the dead-letter queue of a sink that has one.
    ///
    /// # Errors
    /// Config: a setting is wrong or a server refuses. Outage: the database did not answer within the budget.
    pub(crate) async fn open(
        config: &SinkConfig,
        kafka: Option<&Properties>,
        tolerance: Tolerance,
        schemas: Arc<dyn SchemaStore>,
        stop: &Stop,
        reporter: &Reporter,
    ) -> Result<Self> {
        let policy = tolerance.policy().clone();
        let mut patience = Patience::new(policy.retry_timeout, policy.retry_delay_max);
        let dead_letters = match (&policy.dead_letter_queue, kafka) {
            (Some(queue), Some(kafka)) => loop {
                match DeadLetters::open(queue, kafka, &tolerance).await {
                    Ok(letters) => break Some(letters),
                    Err(error) => {
                        if !patience.wait(error, stop, Level::Drain).await? {
                            return Err(stopped());
                        }
                    }
                }
            },
            _ => None,
        };
        let mut writer = Self {
            sink: None,
            flavour: config.flavour,
            properties: config.connector.clone(),
            schemas,
            class: task_class(config.flavour),
            tolerance,
            dead_letters,
            patience,
            stop: stop.clone(),
            reporter: reporter.clone(),
        };
        let stop = stop.clone();
        tokio::select! {
            opened = writer.reopen() => opened?,
            () = stop.requested() => return Err(stopped()),
        }
        Ok(writer)
    }

    async fn reopen(&mut self) -> Result<()> {
        while self.sink.is_none() {
            let settings = Settings::parse(self.flavour, &self.properties)?;
            let opened = tokio::select! {
                opened = Sink::open(settings, self.schemas.clone()) => opened,
                () = self.stop.reached(Level::Now) => Err(stopped()),
            };
            match opened {
                Ok(sink) => self.sink = Some(sink),
                Err(error) => {
                    if !self.patience.wait(error, &self.stop, Level::Now).await? {
                        return Err(stopped());
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes a batch: when this returns it is committed, and what failed is in the dead-letter queue. A database that is
    /// away is waited for.
    ///
    /// # Errors
    /// Data: a record that is not tolerated. Outage: the budget is spent, or the run is to end at once. Nothing of the batch
    /// counts as written then.
    pub(crate) async fn write(&mut self, batch: &Batch) -> Result<()> {
        let mut refused = Vec::new();
        if batch.count() > 0 {
            refused = self.put(batch).await?;
        }
        let mut failed: Vec<Failed> = Vec::with_capacity(refused.len());
        for (index, error) in refused {
            let failure = Failure::new(Stage::TaskPut, self.class, error);
            let Some(record) = batch.refused(index, failure) else { continue };
            self.tolerance.tolerate(&record.failure, &|| describe(&record))?;
            failed.push(record);
        }
        let written = batch.count() - failed.len();
        if let Some(letters) = &self.dead_letters {
            letters.send(batch, &batch.failed).await?;
            letters.send(batch, &failed).await?;
        }
        self.reporter.written(written as u64);
        Ok(())
    }

    async fn put(&mut self, batch: &Batch) -> Result<Vec<(usize, Error)>> {
        let records = batch.records();
        let tolerate = self.tolerance.policy().tolerate;
        loop {
            self.reopen().await?;
            let Some(sink) = &mut self.sink else { continue };
            let mut refused = Vec::new();
            let put = sink.put(&records, tolerate.then_some(&mut refused));
            let outcome = tokio::select! {
                outcome = put => outcome,
                () = self.stop.reached(Level::Now) => Err(stopped()),
            };
            match outcome {
                Ok(()) => {
                    self.patience.restore();
                    return Ok(refused);
                }
                Err(error) => {
                    // A connection in the middle of something is no use.
                    self.sink = None;
                    if !self.patience.wait(error, &self.stop, Level::Now).await? {
                        return Err(stopped());
                    }
                }
            }
        }
    }

    /// Ends the connection.
    pub(crate) async fn close(self) {
        if let Some(sink) = self.sink
            && let Err(error) = sink.close().await
        {
            tracing::debug!("{error}");
        }
    }
}

/// A record by its place.
pub(crate) fn describe(record: &Failed) -> String {
    format!("record {}-{}@{}", record.topic, record.partition, record.offset)
}

fn task_class(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Aiven => "io.aiven.connect.jdbc.sink.JdbcSinkTask",
        Flavour::Confluent => "io.confluent.connect.jdbc.sink.JdbcSinkTask",
        Flavour::Debezium => "io.debezium.connector.jdbc.JdbcSinkConnectorTask",
    }
}
