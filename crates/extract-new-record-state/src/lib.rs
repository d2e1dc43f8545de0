//! Debezium's ExtractNewRecordState, compiled to plans.
