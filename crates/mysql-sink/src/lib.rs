//! The JDBC sink connectors' upserts into MySQL and MariaDB, as a Rust sink.
