//! Topics made by the admin API: Connect's `topic.creation.default.*`, and the dead-letter queue.

use super::client::{self, Log};
use connect_data::{Error, Properties, Result};
use rdkafka::admin::{self, AdminClient, AdminOptions, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use std::time::Duration;

/// A topic to make unless it is there. -1 stands for the broker's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewTopic<'a> {
    pub(crate) name: &'a str,
    pub(crate) partitions: i32,
    pub(crate) replication_factor: i32,
    pub(crate) configs: &'a [(String, String)],
}

/// Time for one request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client that makes topics. It connects while the others do: the first record does not wait for it.
pub(crate) struct Administration(AdminClient<Log>);

impl Administration {
    /// Starts a client, which connects by itself.
    ///
    /// # Errors
    /// Config: a setting that librdkafka refuses.
    pub(crate) fn open(client: &Properties) -> Result<Self> {
        client::config(client, &[])
            .create_with_context(Log::new("administration"))
            .map(Self)
            .map_err(|error| client::error("starting the administration", &error))
    }

    /// Makes a topic unless it is there. Who may not make topics, or asks a broker that cannot, may still use those that
    /// others make: that is left to the producer to find out.
    ///
    /// # Errors
    /// Outage: no broker answered. Config: the broker refuses what was asked for.
    pub(crate) async fn create(&self, topic: &NewTopic<'_>) -> Result<()> {
        let replication = TopicReplication::Fixed(topic.replication_factor);
        let mut wanted = admin::NewTopic::new(topic.name, topic.partitions, replication);
        for (name, value) in topic.configs {
            wanted = wanted.set(name, value);
        }
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT));
        let results = self
            .0
            .create_topics([&wanted], &options)
            .await
            .map_err(|error| client::error("creating topics", &error))?;
        for result in results {
            match result {
                Ok(topic) => tracing::info!("Kafka: topic {topic} created"),
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((
                    topic,
                    code @ (RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::ClusterAuthorizationFailed
                    | RDKafkaErrorCode::UnsupportedVersion
                    | RDKafkaErrorCode::UnsupportedFeature),
                )) => tracing::debug!("Kafka: topic {topic} is not created: {code}"),
                Err((topic, code)) => return Err(refused(&topic, code)),
            }
        }
        Ok(())
    }
}

fn refused(topic: &str, code: RDKafkaErrorCode) -> Error {
    client::error(&format!("creating topic {topic:?}"), &rdkafka::error::KafkaError::AdminOp(code))
        .hint("create the topic yourself, or see topic.creation.default.* and errors.deadletterqueue.*")
}
