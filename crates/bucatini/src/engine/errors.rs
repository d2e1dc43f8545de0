//! Bad records: `errors.tolerance`, `errors.log.enable`, and the dead-letter queue with Connect's headers.

use super::batch::{Batch, Failed};
use crate::config::{DeadLetterQueue, ErrorPolicy};
use crate::kafka::{Administration, Message, NewTopic, Producer, to_kafka_headers};
use crate::report::Reporter;
use connect_data::{Error, ErrorKind, Properties, Result};

/// Where a record failed, in Connect's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    KeyConverter,
    ValueConverter,
    HeaderConverter,
    Transformation,
    TaskPut,
    KafkaProduce,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::Transformation => "TRANSFORMATION",
            Self::TaskPut => "TASK_PUT",
            Self::KafkaProduce => "KAFKA_PRODUCE",
        }
    }
}

/// Why a record cannot go on.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) stage: Stage,
    /// The class that was at work.
    pub(crate) class: String,
    pub(crate) error: Error,
}

impl Failure {
    pub(crate) fn new(stage: Stage, class: &str, error: Error) -> Self {
        Self { stage, class: class.to_owned(), error }
    }
}

/// What becomes of bad records of one task.
#[derive(Clone)]
pub(crate) struct Tolerance {
    policy: ErrorPolicy,
    connector: String,
    task: u32,
    reporter: Reporter,
}

impl Tolerance {
    pub(crate) fn new(policy: &ErrorPolicy, connector: &str, task: u32, reporter: &Reporter) -> Self {
        Self { policy: policy.clone(), connector: connector.to_owned(), task, reporter: reporter.clone() }
    }

    pub(crate) fn policy(&self) -> &ErrorPolicy {
        &self.policy
    }

    pub(crate) fn connector(&self) -> &str {
        &self.connector
    }

    /// Lets the record go, or not: only data errors are tolerated. `record` describes it, without its content.
    ///
    /// # Errors
    /// The failure's, with the connector and the record in its message.
    pub(crate) fn tolerate(&self, failure: &Failure, record: &dyn Fn() -> String) -> Result<()> {
        let error = &failure.error;
        if error.code() == crate::registry::STOPPED {
            return Err(error.clone());
        }
        if !self.policy.tolerate || error.kind() != ErrorKind::Data {
            return Err(located(error, &format!("{}, {}", self.connector, record())));
        }
        self.reporter.rejected(1);
        if self.policy.log {
            let Self { connector, task, .. } = self;
            let which =
                if self.policy.log_messages { format!(", where the record is {}", record()) } else { String::new() };
            tracing::error!(
                "error in task {connector}-{task}, stage '{}' with class '{}'{which}: {error}",
                failure.stage.name(),
                failure.class
            );
        }
        Ok(())
    }
}

/// The same error with what it happened to.
pub(crate) fn located(error: &Error, place: &str) -> Error {
    Error::foreign(
        error.kind(),
        error.code().to_owned(),
        format!("{place}: {}", error.message()),
        error.path().cloned().collect(),
        error.hint_text().map(str::to_owned),
    )
}

/// Takes the records that a sink's task lets go.
pub(crate) struct DeadLetters {
    topic: String,
    context_headers: bool,
    connector: String,
    task: u32,
    producer: Producer,
}

impl DeadLetters {
    /// Makes the topic, unless it is there, and a producer.
    ///
    /// # Errors
    /// Config: refused by the broker. Outage: no answer.
    pub(crate) async fn open(queue: &DeadLetterQueue, client: &Properties, tolerance: &Tolerance) -> Result<Self> {
        let topic =
            NewTopic { name: &queue.topic, partitions: 1, replication_factor: queue.replication_factor, configs: &[] };
        Administration::open(client)?.create(&topic).await?;
        let budget = tolerance.policy.retry_timeout.map(|timeout| timeout.max(super::recovery::BUDGET));
        let producer = Producer::open("dead-letter queue", client, budget, Box::new(|_| false))?;
        Ok(Self {
            topic: queue.topic.clone(),
            context_headers: queue.context_headers,
            connector: tolerance.connector.clone(),
            task: tolerance.task,
            producer,
        })
    }

    /// Sends what failed of a batch; when this returns the broker has it.
    ///
    /// # Errors
    /// Outage: it was not acknowledged.
    pub(crate) async fn send(&self, batch: &Batch, failed: &[Failed]) -> Result<()> {
        if failed.is_empty() {
            return Ok(());
        }
        let deliveries = self.producer.deliveries();
        let mut done = deliveries.done();
        let number = tokio::task::block_in_place(|| {
            let number = deliveries.begin(|| Ok(()))?;
            for record in failed {
                self.producer.send(number, self.message(batch, record), || Ok(()))?;
            }
            deliveries.seal(number);
            Ok::<_, Error>(number)
        })?;
        let reached = done.wait_for(|done| done.batches > number || done.error.is_some()).await;
        match reached.map(|done| done.error.clone()) {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(error),
            Err(_) => Err(Error::internal("engine.deliveries", "dead-letter queue: its producer is gone")),
        }
    }

    fn message<'a>(&'a self, batch: &'a Batch, failed: &'a Failed) -> Message<'a> {
        let raw = batch.raw(failed);
        let original = raw.iter().flat_map(|raw| raw.headers());
        let context = if self.context_headers { self.context(failed) } else { Vec::new() };
        let context = context.iter().map(|(name, value)| (*name, Some(value.as_bytes())));
        let headers = to_kafka_headers(original.chain(context));
        Message {
            topic: &self.topic,
            partition: None,
            timestamp: raw.as_ref().and_then(|raw| raw.timestamp),
            key: raw.as_ref().and_then(|raw| raw.key),
            value: raw.as_ref().and_then(|raw| raw.value),
            headers,
        }
    }

    /// As Connect's `DeadLetterQueueReporter` writes them.
    fn context(&self, failed: &Failed) -> Vec<(&'static str, String)> {
        let Failure { stage, class, error } = &failed.failure;
        let exception = match stage {
            Stage::TaskPut => "org.apache.kafka.connect.errors.ConnectException",
            _ => "org.apache.kafka.connect.errors.DataException",
        };
        vec![
            ("__connect.errors.topic", failed.topic.to_string()),
            ("__connect.errors.partition", failed.partition.to_string()),
            ("__connect.errors.offset", failed.offset.to_string()),
            ("__connect.errors.connector.name", self.connector.clone()),
            ("__connect.errors.task.id", self.task.to_string()),
            ("__connect.errors.stage", stage.name().to_owned()),
            ("__connect.errors.class.name", class.clone()),
            ("__connect.errors.exception.class.name", exception.to_owned()),
            ("__connect.errors.exception.message", error.to_string()),
            ("__connect.errors.exception.stacktrace", format!("{exception}: {error}")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn tolerance(tolerate: bool) -> Tolerance {
        let policy = ErrorPolicy {
            tolerate,
            retry_timeout: Some(Duration::ZERO),
            retry_delay_max: Duration::from_secs(60),
            log: false,
            log_messages: false,
            dead_letter_queue: None,
        };
        Tolerance::new(&policy, "sink", 0, &Reporter::new())
    }

    #[test]
    fn an_outage_is_never_tolerated() {
        let record = || "record t-0@7".to_owned();
        let failure = |error| Failure::new(Stage::ValueConverter, "C", error);
        let all = tolerance(true);
        assert!(all.tolerate(&failure(Error::data("a.b", "bad")), &record).is_ok());
        assert_eq!(all.reporter.counts().rejected, 1);
        for error in [Error::outage("a.b", "gone"), Error::config("a.b", "wrong"), Error::internal("a.b", "broken")] {
            assert_eq!(all.tolerate(&failure(error.clone()), &record).unwrap_err().kind(), error.kind());
        }
        let error = tolerance(false).tolerate(&failure(Error::data("a.b", "bad").field("f")), &record).unwrap_err();
        assert_eq!(error.to_string(), "sink, record t-0@7: bad [a.b] at f");
    }
}
