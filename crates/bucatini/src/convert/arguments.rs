//! The options.

use super::form::Form;
use clap::Args;
use std::path::PathBuf;

const DECODE: &str = "\
Examples:
  What is in a message of which somebody sent the bytes in hexadecimal:
    echo 00000000071273706167686574746902 | bucatini decode --form hex --schema pasta.avsc --avro-json

  A topic as Connect's JSON, which `encode` takes back:
    bucatini cat -b kafka:9092 -t pasta -e -q -f '%R%s' | bucatini decode --form raw -t pasta -r http://registry:8081";

const ENCODE: &str = "\
Examples:
  Avro's JSON to bytes, without a registry:
    echo '{\"name\": \"spaghetti\"}' | bucatini encode --avro-json --schema pasta.avsc --schema-id 7 --form hex

  Connect's JSON to bytes; the schema is registered as the value's of topic pasta:
    bucatini encode -t pasta -r http://registry:8081 < pasta.jsonl";

/// What both directions need.
#[derive(Args, Debug)]
pub struct Common {
    /// How bytes are written: base64 and hex a line each, an empty one for a null message; raw after their length in 32
    /// bits, big-endian, -1 for a null message, as `bucatini cat -f '%R%s'` writes them.
    #[arg(long, value_name = "FORM", default_value = "base64")]
    pub form: Form,
    /// The registry's URL, with user:password@ if it wants them.
    #[arg(short = 'r', value_name = "URL")]
    pub registry: Option<String>,
    /// An Avro schema, instead of the registry's.
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,
    /// The schema's id, instead of the registry's.
    #[arg(long, value_name = "ID")]
    pub schema_id: Option<i32>,
    /// Topic that the messages are of: names the subject in the registry.
    #[arg(short = 't', long, value_name = "TOPIC", default_value = "topic")]
    pub topic: String,
    /// The messages are keys.
    #[arg(long)]
    pub key: bool,
    /// A setting of AvroConverter, schema.registry.* among them, as KEY=VALUE.
    #[arg(short = 'X', value_name = "KEY=VALUE")]
    pub properties: Vec<String>,
    /// Go on after a message that cannot be converted.
    #[arg(short = 'E')]
    pub keep_going: bool,
}

/// Messages in Confluent's wire format to JSON, a line each.
///
/// Without --avro-json and --json each line is {"schema": ..., "payload": ...}, as Connect's JsonConverter writes it.
#[derive(Args, Debug)]
#[command(after_help = DECODE)]
pub struct DecodeArguments {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
    /// Avro's own JSON, as `bucatini cat` and kcat print it.
    #[arg(long, conflicts_with_all = ["json", "payload"])]
    pub avro_json: bool,
    /// Plain JSON: unions without the names of their branches, decimals and times readable.
    #[arg(long, conflicts_with = "payload")]
    pub json: bool,
    /// Only the payload, without its schema.
    #[arg(long)]
    pub payload: bool,
}

/// JSON, a line each, to messages in Confluent's wire format.
///
/// Without --avro-json each line is {"schema": ..., "payload": ...}, as Connect's JsonConverter writes it.
#[derive(Args, Debug)]
#[command(after_help = ENCODE)]
pub struct EncodeArguments {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,
    /// Avro's own JSON, for the schema of --schema or for the registry's with --schema-id.
    #[arg(long)]
    pub avro_json: bool,
}
