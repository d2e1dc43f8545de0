//! What all clients have in common: configuration, the library's log, the meaning of its errors.

use connect_data::{Error, ErrorKind, Properties, Result};
use rdkafka::ClientConfig;
use rdkafka::client::{Client, ClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A configuration of `properties`, with `defaults` for what they leave out.
pub(super) fn config(properties: &Properties, defaults: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (name, value) in defaults {
        if properties.get(name).is_none() {
            config.set(*name, *value);
        }
    }
    for (name, value) in properties.iter() {
        config.set(name, value);
    }
    config.set_log_level(RDKafkaLogLevel::Warning);
    config
}

/// Passes the library's messages on. While no broker answers it says so in two lines a second for each of them: one line
/// at the beginning and one at the end is what people want to read.
pub(super) struct Log {
    client: &'static str,
    unreachable: AtomicBool,
    /// The last error that waiting does not mend.
    refused: Mutex<Option<Error>>,
}

impl Log {
    pub(super) fn new(client: &'static str) -> Self {
        Self { client, unreachable: AtomicBool::new(false), refused: Mutex::default() }
    }

    /// Something came from a broker.
    pub(super) fn reachable(&self) {
        if self.unreachable.load(Relaxed) && self.unreachable.swap(false, Relaxed) {
            tracing::info!("Kafka answers the {} again", self.client);
        }
    }
}

impl ClientContext for Log {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // What matters comes as an error as well.
        let _ = level;
        tracing::debug!("Kafka {}: {facility} {message}", self.client);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        if code.is_some_and(|code| kind(code) == ErrorKind::Config) {
            let refused = Error::config("kafka.refused", format!("Kafka, {}: {reason}", self.client));
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refused);
        }
        match code {
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                if !self.unreachable.swap(true, Relaxed) {
                    tracing::warn!("Kafka does not answer the {}: {reason}; trying again", self.client);
                }
            }
            Some(
                RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::Resolve
                | RDKafkaErrorCode::OperationTimedOut,
            ) => tracing::debug!("Kafka {}: {reason}", self.client),
            _ => tracing::warn!("Kafka {}: {reason}", self.client),
        }
    }
}

/// Code of the error that a record was not acknowledged in time: the patience of a producer is that of its run.
pub(crate) const TIMED_OUT: &str = "kafka.timed-out";

/// Waits until a broker has answered. Blocks the thread.
///
/// # Errors
/// Outage: none did. Config: it refused this client.
pub(super) fn reach<C: ClientContext>(client: &Client<C>, log: &Log) -> Result<()> {
    if client.fetch_cluster_id(REACH).is_some() {
        log.reachable();
        return Ok(());
    }
    let refused = log.refused.lock().unwrap_or_else(PoisonError::into_inner).take();
    Err(refused.unwrap_or_else(|| {
        Error::outage("kafka.outage", format!("Kafka: expected an answer within {} s, found none", REACH.as_secs()))
            .hint("see bootstrap.servers, and whether the broker advertises an address that can be reached from here")
    }))
}

/// Time for the first answer.
const REACH: Duration = Duration::from_secs(5);

/// A library's error in our terms; `doing` is a phrase like `producing to topic "t"`.
pub(crate) fn error(doing: &str, error: &KafkaError) -> Error {
    let kind = match error {
        KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) | KafkaError::Nul(_) => ErrorKind::Config,
        _ => error.rdkafka_error_code().map_or(ErrorKind::Outage, kind),
    };
    let reason = match error {
        KafkaError::ClientConfig(_, description, key, _) => format!("setting {key}: {description}"),
        KafkaError::ClientCreation(reason) => reason.clone(),
        other => other.rdkafka_error_code().map_or_else(|| other.to_string(), |code| code.to_string()),
    };
    let code = match kind {
        _ if error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageTimedOut) => TIMED_OUT,
        ErrorKind::Data => "kafka.record",
        ErrorKind::Config => "kafka.refused",
        ErrorKind::Internal => "kafka.internal",
        ErrorKind::Outage => "kafka.outage",
    };
    Error::new(kind, code, format!("Kafka, {doing}: {reason}"))
}

/// Only the record's own faults are data: everything that may pass, and everything unknown, is an outage.
fn kind(code: RDKafkaErrorCode) -> ErrorKind {
    use RDKafkaErrorCode as Code;
    match code {
        Code::MessageSizeTooLarge | Code::InvalidMessageSize | Code::InvalidRecord | Code::MessageBatchTooLarge => {
            ErrorKind::Data
        }
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::SSL
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::InvalidTopic
        | Code::InvalidReplicationFactor
        | Code::InvalidPartitions
        | Code::InvalidConfig
        | Code::PolicyViolation
        | Code::InconsistentGroupProtocol
        | Code::InvalidGroupId => ErrorKind::Config,
        _ => ErrorKind::Outage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_not_bad_data() {
        for (code, kind) in [
            (RDKafkaErrorCode::MessageTimedOut, ErrorKind::Outage),
            (RDKafkaErrorCode::AllBrokersDown, ErrorKind::Outage),
            (RDKafkaErrorCode::NotEnoughReplicas, ErrorKind::Outage),
            (RDKafkaErrorCode::Unknown, ErrorKind::Outage),
            (RDKafkaErrorCode::MessageSizeTooLarge, ErrorKind::Data),
            (RDKafkaErrorCode::TopicAuthorizationFailed, ErrorKind::Config),
        ] {
            assert_eq!(error("testing", &KafkaError::MessageProduction(code)).kind(), kind, "{code:?}");
        }
    }

    #[test]
    fn a_wrong_setting_is_named_without_its_value() {
        let properties = Properties::from_iter([("no.such.setting", "s3cret")]);
        let client = config(&properties, &[])
            .create_with_context::<_, rdkafka::producer::BaseProducer<_>>(rdkafka::producer::DefaultProducerContext);
        let error = error("starting", &client.err().unwrap());
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("no.such.setting") && !error.message().contains("s3cret"), "{error}");
    }
}
