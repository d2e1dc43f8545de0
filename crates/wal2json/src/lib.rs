//! wal2json messages to Debezium change events.
