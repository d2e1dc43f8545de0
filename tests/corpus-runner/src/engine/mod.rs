//! The forms of the plug-ins, behind one interface in the corpus's JSON form.

pub mod core;
pub mod harness;
pub mod jvm;
pub mod native;
pub mod wasm;

use crate::registry::SharedRegistry;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Settings of a plug-in, as in a vector.
pub type Config = BTreeMap<String, String>;

/// Converters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plugin {
    /// AvroConverter.
    AvroConverter,
    /// Ours for wal2json's lines.
    Wal2JsonConverter,
}

/// What became of one operation.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A transformed record.
    Record(Json),
    /// A dropped record.
    Drop,
    /// Serialized bytes and the headers set with them (name, bytes).
    Bytes(Vec<u8>, Vec<(String, Vec<u8>)>),
    /// Null bytes.
    NullBytes,
    /// `{"schema","payload"}`; both null also stands for no schema-and-value at all.
    Datum(Json),
    /// The operation failed.
    Failed(Failure),
    /// This form cannot express the input, e.g. a topic that is null: nothing was compared.
    NotApplicable(&'static str),
}

/// An error of a plug-in.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Whether configuring failed, not the operation.
    pub configuring: bool,
    /// Simple name of the exception's class.
    pub class: String,
    /// Its message, for the reader.
    pub message: String,
}

/// One form. At most one plug-in is open. `Err` is a broken engine (a crash, a protocol error), never the plug-in's answer.
pub trait Engine {
    /// The registry that converters of this engine are to use.
    fn registry(&self) -> &SharedRegistry;

    /// What keeps every further vector from running, such as plug-ins that are not there.
    fn fatal(&self) -> Option<&str> {
        None
    }

    /// `host:port` of that registry.
    fn registry_address(&self) -> String;

    /// Opens ExtractNewRecordState of a generation (`1.7`, `3.x`).
    fn open_transformation(&mut self, generation: &str, config: &Config) -> Result<Option<Failure>, String>;

    /// Opens a converter.
    fn open_converter(&mut self, plugin: Plugin, is_key: bool, config: &Config) -> Result<Option<Failure>, String>;

    /// Applies the transformation to a RECORD.
    fn apply(&mut self, record: &Json) -> Result<Outcome, String>;

    /// `fromConnectData` of `{"schema","payload"}`.
    fn serialize(&mut self, topic: Option<&str>, datum: &Json) -> Result<Outcome, String>;

    /// `fromConnectData` of what was deserialized last, whichever converter did it.
    fn serialize_last(&mut self, topic: &str) -> Result<Outcome, String>;

    /// `toConnectData`.
    fn deserialize(
        &mut self,
        topic: Option<&str>,
        bytes: Option<&[u8]>,
        headers: &[(String, Vec<u8>)],
    ) -> Result<Outcome, String>;
}
