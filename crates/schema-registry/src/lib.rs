//! The Schema Registry protocol as a pure state machine: needs in, HTTP exchanges out, answers in.
