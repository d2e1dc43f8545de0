//! Debezium's PostgreSQL connector as a Rust source.
