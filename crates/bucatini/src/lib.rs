//! Runs PostgreSQL -> Kafka -> MySQL pipelines from Kafka Connect's JSON, without a JVM.
