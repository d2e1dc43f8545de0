//! Kafka client settings: the keys of the Java clients, and what librdkafka calls them.

use connect_data::Properties;

/// What every Kafka client of a run has in common, `bootstrap.servers` included, in librdkafka's spelling.
///
/// [`super::SourceConfig::producer`] and [`super::SinkConfig::consumer`] hold these and their own: each is complete.
/// This set is for the rest (administration, dead-letter queue).
#[derive(Clone, Debug, Default)]
pub struct KafkaClientSettings {
    /// librdkafka properties.
    pub properties: Properties,
}
