//! Avro in the Confluent wire format <-> Connect data, compiled to plans.
