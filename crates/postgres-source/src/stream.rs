//! The change stream: frames in, records out, and what the slot is told in between.

use crate::connection::{Connection, Copied};
use crate::failure::{Failure, PgResult};
use crate::frames::{self, Frame};
use crate::options::Options;
use crate::server::{Server, end_of_log};
use crate::worker::{Worker, now_micros, now_ms};
use connect_data::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wal2json::{Fed, Lsn, TableId};

/// Wait before a new acknowledgement is passed on, so that each batch does not cause a message of its own.
const ACKNOWLEDGE: Duration = Duration::from_millis(500);

/// When what is due, and what the slot knows.
struct Clock {
    status_interval: Duration,
    /// When the last status went out.
    status: Instant,
    /// What it said.
    told: Lsn,
    /// The furthest position that was received.
    received: Lsn,
    heartbeat: Instant,
    end_of_log: Instant,
    /// The server wants an answer.
    asked: bool,
}

/// Why no more frames are decoded for now.
enum Pause {
    /// There is none.
    Empty,
    /// The batch is full and the queue too.
    Full,
    /// A table has to be looked up.
    Need(TableId),
}

impl Worker {
    /// Streams until the caller stops it.
    pub(crate) async fn stream(&mut self) -> PgResult<()> {
        let settings = Arc::clone(&self.settings);
        let mut replication = Connection::open(&settings.connection, true).await?;
        let server = Server::look(self.sql().await?, Some(&mut replication), &settings).await?;
        server.check_slot(&settings, Some(&self.position.offset()))?;
        self.start(&mut replication, &server).await?;
        let status_interval = match server.sender_timeout {
            0 => settings.status_interval,
            timeout => settings.status_interval.min(Duration::from_millis(timeout / 3)),
        };
        let now = Instant::now();
        let mut clock = Clock {
            status_interval,
            status: now,
            told: Lsn(0),
            received: self.position.resume(),
            heartbeat: now,
            end_of_log: now,
            asked: false,
        };
        self.shared.progress(|progress| progress.server_lsn = progress.server_lsn.max(server.end.0));
        let result = self.follow(&mut replication, &mut clock).await;
        if result.is_ok() {
            // The last word: what is durable by now.
            let durable = self.durable();
            replication.send(&frames::status(clock.received, durable, now_micros())).await?;
            replication.close(true).await;
        }
        result
    }

    /// Starts the stream with all options that the server's wal2json knows.
    async fn start(&mut self, replication: &mut Connection, server: &Server) -> PgResult<()> {
        let settings = Arc::clone(&self.settings);
        let filtered = if settings.filter_in_server { server.others.as_slice() } else { &[] };
        let mut options = Options::new(settings.format, &settings.stream_params, filtered);
        let from = self.position.resume();
        loop {
            let started = replication.start_copy(&options.command(&settings.slot, from)).await;
            let Err(failure) = started else { break };
            let Some(name) = failure.unknown_option() else { return Err(failure) };
            if !options.drop_unknown(name, &settings.stream_params) {
                return Err(Failure::Final(
                    Error::config(
                        "postgres.option",
                        format!("wal2json: expected an option that it knows, found {name}"),
                    )
                    .hint("take it out of slot.stream.params, or install a newer wal2json"),
                ));
            }
            tracing::info!("the server's wal2json does not know {name}: done without");
        }
        tracing::info!(slot = %settings.slot, from = %from, options = %options.describe(), "streaming");
        Ok(())
    }

    async fn follow(&mut self, replication: &mut Connection, clock: &mut Clock) -> PgResult<()> {
        let shared = Arc::clone(&self.shared);
        loop {
            match self.decode(replication, clock)? {
                Pause::Need(id) => {
                    self.describe(&id).await?;
                    continue;
                }
                Pause::Full | Pause::Empty => {}
            }
            if shared.is_stopping() {
                return Ok(());
            }
            self.beat(clock).await?;
            self.offer(clock);
            self.tell(replication, clock).await?;
            self.measure(clock).await;
            let wait = self.next_deadline(clock);
            let (waits_for_room, reads) = (!self.batch.is_empty(), !self.is_full());
            tokio::select! {
                filled = replication.fill(), if reads => filled?,
                () = shared.queue.room(), if waits_for_room => {}
                () = shared.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Decodes what has been received, until there is no more of it or no room for the records.
    fn decode(&mut self, replication: &mut Connection, clock: &mut Clock) -> PgResult<Pause> {
        loop {
            if self.is_full() && !self.offer_batch() {
                return Ok(Pause::Full);
            }
            let frame = match replication.copied()? {
                Copied::Data(payload) => Frame::parse(payload)?,
                Copied::Incomplete => return Ok(Pause::Empty),
                Copied::Done => return Err(Failure::Io("the server ended the stream".to_owned())),
            };
            match frame {
                Frame::KeepAlive { end, reply } => {
                    clock.received = clock.received.max(end);
                    clock.asked |= reply;
                    if !self.decoder.in_transaction() {
                        self.has_progressed |= self.position.idle(end);
                    }
                }
                Frame::Data { start, end, body } => {
                    clock.received = clock.received.max(start).max(end);
                    let (position, batch, skipped) = (&mut self.position, &mut self.batch, self.settings.skipped);
                    let (before, saved) = (batch.len(), position.save());
                    let fed = self.decoder.feed(body, start, now_ms(), &mut |record| {
                        if position.admit(record) && !skipped.skips(record.kind, !record.headers.is_empty()) {
                            batch.push(record);
                        }
                        Ok(())
                    });
                    match fed {
                        Ok(Fed::Accepted { safe: Some(end) }) => {
                            self.position.complete(end);
                            self.has_progressed = true;
                            if !self.batch.is_empty() {
                                self.mark();
                            }
                        }
                        Ok(Fed::Accepted { safe: None }) => {}
                        Ok(Fed::NeedTable(id)) => return Ok(Pause::Need(id)),
                        Err(error) => {
                            self.batch.truncate(before);
                            self.position.restore(saved);
                            self.on_bad_change(error)?;
                        }
                    }
                }
            }
            replication.consume();
        }
    }

    /// Hands over the batch if there is room.
    fn offer_batch(&mut self) -> bool {
        let records = self.batch.len() as u64;
        self.mark();
        if !self.shared.queue.push(&mut self.batch) {
            return false;
        }
        self.shared.progress(|progress| progress.records += records);
        true
    }

    /// Hands over what is there, records or the mere position, when nobody else has work.
    fn offer(&mut self, clock: &Clock) {
        if !self.batch.is_empty() {
            if self.shared.queue.is_empty() || self.is_full() {
                self.offer_batch();
            }
            return;
        }
        let moved = self.position.resume() > self.marked;
        let due = clock.asked || self.marked == Lsn(0) || self.marked_at.elapsed() >= clock.status_interval;
        if moved && due && self.shared.queue.is_empty() {
            self.offer_batch();
        }
    }

    /// What may be acknowledged.
    fn durable(&self) -> Lsn {
        self.shared.acknowledged().min(self.position.resume())
    }

    /// Tells the server how far everything is durable, if it is time.
    async fn tell(&mut self, replication: &mut Connection, clock: &mut Clock) -> PgResult<()> {
        let (durable, since) = (self.durable(), clock.status.elapsed());
        let due = clock.asked || since >= clock.status_interval || durable > clock.told && since >= ACKNOWLEDGE;
        if !due {
            return Ok(());
        }
        replication.send(&frames::status(clock.received, durable, now_micros())).await?;
        (clock.status, clock.told, clock.asked) = (Instant::now(), durable, false);
        let received = clock.received.0;
        self.shared.progress(|progress| {
            (progress.acknowledged_lsn, progress.received_lsn) = (durable.0, received);
            progress.server_lsn = progress.server_lsn.max(received);
            progress.lag_bytes = progress.server_lsn - received;
        });
        Ok(())
    }

    /// A heartbeat, if it is time.
    async fn beat(&mut self, clock: &mut Clock) -> PgResult<()> {
        let Some(interval) = self.settings.heartbeat else { return Ok(()) };
        if clock.heartbeat.elapsed() < interval || self.is_full() {
            return Ok(());
        }
        clock.heartbeat = Instant::now();
        if let Some(query) = self.settings.heartbeat_query.clone() {
            let outcome = self.sql().await?.query(&query).await;
            match outcome {
                Err(Failure::Server(error)) => {
                    tracing::warn!(code = %error.code, "heartbeat.action.query: {}", error.message);
                }
                outcome => drop(outcome?),
            }
        }
        if let Some(heartbeat) = &mut self.heartbeat {
            let mut written = Ok(());
            self.batch.push_frame(|out| written = heartbeat.write(now_ms(), out));
            written?;
        }
        Ok(())
    }

    /// Asks how far the server's log reaches, now and then: the stream itself only says how far it has been read.
    async fn measure(&mut self, clock: &mut Clock) {
        if clock.end_of_log.elapsed() < clock.status_interval {
            return;
        }
        clock.end_of_log = Instant::now();
        let asked = match self.sql().await {
            Ok(sql) => end_of_log(sql).await,
            Err(failure) => Err(failure),
        };
        match asked {
            Ok(end) => {
                let received = clock.received.0;
                self.shared.progress(|progress| {
                    (progress.server_lsn, progress.received_lsn) = (end.0.max(received), received);
                    progress.lag_bytes = progress.server_lsn - received;
                });
            }
            Err(failure) => {
                self.sql = None;
                // The stream itself comes first.
                clock.end_of_log += Duration::from_secs(60);
                tracing::debug!("end of the log: {failure}");
            }
        }
    }

    /// How long nothing has to be done unless something comes.
    fn next_deadline(&self, clock: &Clock) -> Duration {
        let mut wait = clock.status_interval.saturating_sub(clock.status.elapsed());
        if self.durable() > clock.told {
            wait = wait.min(ACKNOWLEDGE.saturating_sub(clock.status.elapsed()));
        }
        if let Some(interval) = self.settings.heartbeat {
            wait = wait.min(interval.saturating_sub(clock.heartbeat.elapsed()));
        }
        wait.max(Duration::from_millis(1))
    }
}
