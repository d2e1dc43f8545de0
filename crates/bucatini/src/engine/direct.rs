//! A source to sinks without Kafka: both connectors' transformations, no converters.

use super::batch::{Batch, Place};
use super::convert::Transforms;
use super::errors::Tolerance;
use super::source::{Offsets, describe};
use super::until::Progress;
use super::writer::Writer;
use super::{Shared, joined};
use crate::cli::stop::Level;
use crate::config::{SinkConfig, SourceConfig, Topics};
use crate::engine::recovery::Patience;
use crate::registry::stopped;
use crate::transforms::Chain;
use connect_data::frame::RecordFrame;
use connect_data::{Error, Result};
use postgres_source::{Offset, Source, SourceBatch};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Offsets are stored at most this often while records keep coming.
const STORE_EVERY: Duration = Duration::from_millis(500);

/// Runs the source and the sinks until the run ends.
///
/// # Errors
/// What it cannot go on after. What was written before is stored and acknowledged.
pub(crate) async fn run(shared: Arc<Shared>) -> Result<()> {
    let Some(source) = &shared.pipeline.source else {
        return Err(Error::config("run.direct", "direct run: expected a source connector, found none"));
    };
    if shared.pipeline.sinks.is_empty() {
        return Err(Error::config("run.direct", "direct run: expected a sink connector, found none"));
    }
    for sink in &shared.pipeline.sinks {
        let kafka = |name: &str| sink.connector.get(name).is_some_and(|mode| mode.trim().eq_ignore_ascii_case("kafka"));
        if kafka("pk.mode") || kafka("primary.key.mode") {
            let message = format!("sink {}: expected a primary key from the record, found one from Kafka", sink.name);
            return Err(Error::config("run.direct", message)
                .hint("without Kafka there is no partition and offset; use record_key or record_value"));
        }
    }
    let mut offsets = Offsets::open(source, &shared)?;
    let mut patience = Patience::new(source.errors.retry_timeout, source.errors.retry_delay_max);
    loop {
        let stored = offsets.stored;
        match attempt(source, &shared, &mut offsets).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                if offsets.stored > stored {
                    patience.restore();
                }
                if !patience.wait(error, &shared.stop, Level::Drain).await? {
                    return Ok(());
                }
            }
        }
    }
}

/// The way of a record into one sink.
struct Branch {
    topics: Topics,
    transforms: Transforms,
    tolerance: Tolerance,
    writer: Writer,
    /// Of the last record.
    topic: Arc<str>,
}

impl Branch {
    async fn open(config: &SinkConfig, shared: &Shared) -> Result<Self> {
        let tolerance = Tolerance::new(&config.errors, &config.name, 0, &shared.reporter);
        let chain = Chain::new(&config.transforms, &shared.plugins, &shared.schemas)?;
        let writer =
            Writer::open(config, None, tolerance.clone(), shared.schemas.clone(), &shared.stop, &shared.reporter)
                .await?;
        Ok(Self {
            topics: config.topics.clone(),
            transforms: Transforms::new(chain),
            tolerance,
            writer,
            topic: "".into(),
        })
    }
}

async fn attempt(config: &SourceConfig, shared: &Arc<Shared>, offsets: &mut Offsets) -> Result<()> {
    let mut branches = Vec::new();
    for sink in &shared.pipeline.sinks {
        branches.push(Branch::open(sink, shared).await?);
    }
    let stored = offsets.get()?;
    let settings = postgres_source::Settings::parse(&config.connector)?;
    let chain = Chain::new(&config.transforms, &shared.plugins, &shared.schemas)?;
    let opening = Source::open(settings, stored.clone(), shared.schemas.clone());
    let mut source = tokio::select! {
        opened = opening => opened?,
        () = shared.stop.requested() => return Ok(()),
    };
    shared.part_is_ready();

    let (batches, incoming) = mpsc::channel(1);
    let (written, mut durable) = watch::channel(None);
    let writing = tokio::spawn(write(
        branches,
        Transforms::new(chain),
        Tolerance::new(&config.errors, &config.name, 0, &shared.reporter),
        incoming,
        written,
        shared.clone(),
    ));
    let mut progress = Progress::new(shared.pipeline.options.until, &shared.reporter, stored.as_ref());
    let mut gathered = Gathered::default();
    let mut batch = SourceBatch::new();
    let mut stored_at: Option<Instant> = None;
    let mut to_store: Option<Offset> = None;
    let mut sender = Some(batches);
    let mut failed = None;

    loop {
        let ends = shared.stop.is_requested() || progress.is_done() || failed.is_some();
        if ends && sender.is_some() {
            progress.draining();
            if gathered.is_empty() {
                sender = None;
            }
        }
        let store_in =
            to_store.as_ref().map(|_| stored_at.map_or(Duration::ZERO, |at| STORE_EVERY.saturating_sub(at.elapsed())));
        tokio::select! {
            biased;
            () = shared.stop.reached(Level::Now) => {
                failed = Some(stopped());
                break;
            }
            changed = durable.changed() => {
                if let Some(offset) = durable.borrow_and_update().clone() {
                    to_store = Some(offset);
                }
                // The writer is through, or has failed.
                if changed.is_err() {
                    break;
                }
            }
            () = tokio::time::sleep(store_in.unwrap_or_default()), if store_in.is_some() => {
                if let Some(offset) = to_store.take() {
                    offsets.put(&offset)?;
                    source.acknowledge(&offset);
                    stored_at = Some(Instant::now());
                }
            }
            // What was gathered while the writer was busy goes when it is free.
            permit = reserve(sender.as_ref()), if !gathered.is_empty() => match permit {
                Some(permit) => {
                    permit.send(std::mem::take(&mut gathered));
                }
                None => break,
            },
            next = source.next(&mut batch), if !ends && !gathered.is_full() => match next {
                Ok(()) => {
                    progress.took(&batch, &source.progress());
                    gathered.push(std::mem::take(&mut batch));
                }
                Err(error) => failed = Some(error),
            },
            () = progress.tick(), if sender.is_some() => progress.update(&source.progress()),
        }
    }
    drop(sender);
    let outcome = match failed.as_ref().map(Error::code) {
        // It notices by itself.
        Some(crate::registry::STOPPED) => Ok(()),
        _ => joined(writing.await)?,
    };
    if let Some(offset) = durable.borrow_and_update().clone().or(to_store) {
        offsets.put(&offset)?;
        source.acknowledge(&offset);
    }
    tokio::select! {
        closed = source.close() => {
            if let Err(error) = closed {
                tracing::warn!("{error}");
            }
        }
        () = shared.stop.reached(Level::Now) => {}
    }
    outcome?;
    failed.map_or(Ok(()), Err)
}

async fn reserve(batches: Option<&mpsc::Sender<Gathered>>) -> Option<mpsc::OwnedPermit<Gathered>> {
    batches?.clone().reserve_owned().await.ok()
}

/// Batches of the source that are written together.
#[derive(Default)]
struct Gathered {
    batches: Vec<SourceBatch>,
    bytes: usize,
    records: usize,
}

impl Gathered {
    fn push(&mut self, batch: SourceBatch) {
        self.bytes += batch.byte_len();
        self.records += batch.len();
        self.batches.push(batch);
    }

    fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    fn is_full(&self) -> bool {
        self.bytes >= super::batch::MAX_BYTES || self.records >= super::batch::MAX_RECORDS
    }
}

/// Transforms and writes, one batch after the other.
async fn write(
    mut branches: Vec<Branch>,
    mut transforms: Transforms,
    tolerance: Tolerance,
    mut batches: mpsc::Receiver<Gathered>,
    written: watch::Sender<Option<Offset>>,
    shared: Arc<Shared>,
) -> Result<()> {
    let mut ready: Vec<Batch> = branches.iter().map(|_| Batch::default()).collect();
    let mut number = 0;
    let mut frame = Vec::new();
    let mut outcome = Ok(());
    'batches: while let Some(gathered) = batches.recv().await {
        let offset = gathered.batches.last().and_then(|batch| batch.offset().cloned());
        let prepared = tokio::task::block_in_place(|| {
            for record in gathered.batches.iter().flat_map(SourceBatch::iter) {
                number += 1;
                frame.clear();
                match transforms.apply(|out| out.extend_from_slice(record), &mut frame) {
                    Ok(true) => {}
                    Ok(false) => {
                        shared.reporter.dropped(1);
                        continue;
                    }
                    Err(failure) => {
                        tolerance.tolerate(&failure, &|| describe(record))?;
                        continue;
                    }
                }
                for (branch, batch) in branches.iter_mut().zip(&mut ready) {
                    branch.take(&frame, number, batch, &shared)?;
                }
            }
            Ok(())
        });
        outcome = prepared;
        for (branch, batch) in branches.iter_mut().zip(&mut ready) {
            if outcome.is_ok() {
                outcome = branch.writer.write(batch).await;
            }
            batch.clear();
        }
        if outcome.is_err() {
            break 'batches;
        }
        if let Some(offset) = offset {
            written.send_replace(Some(offset));
        }
    }
    for branch in branches {
        branch.writer.close().await;
    }
    outcome
}

impl Branch {
    fn take(&mut self, frame: &[u8], number: i64, batch: &mut Batch, shared: &Shared) -> Result<()> {
        let topic = RecordFrame::read(frame)?.topic;
        if !self.topics.contains(topic) {
            return Ok(());
        }
        if *self.topic != *topic {
            self.topic = topic.into();
        }
        let topic = self.topic.clone();
        let place = Place { topic: &topic, partition: 0, offset: number };
        batch.took(place);
        match self.transforms.apply(|out| out.extend_from_slice(frame), batch.frames()) {
            Ok(true) => batch.push(place, None),
            Ok(false) => {
                batch.take_back();
                shared.reporter.dropped(1);
            }
            Err(failure) => {
                self.tolerance.tolerate(&failure, &|| describe(frame))?;
                batch.fail(place, None, failure);
            }
        }
        Ok(())
    }
}
