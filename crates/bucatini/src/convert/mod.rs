//! `bucatini decode` and `bucatini encode`: messages in Confluent's wire format to JSON lines and back, through the very
//! converter that runs in Connect. `docs/cat.md` shows both.

mod arguments;
mod decode;
mod encode;
mod form;
mod offline;

pub use arguments::{DecodeArguments, EncodeArguments};

use crate::cat::registry_settings;
use crate::cli::Stop;
use crate::registry::http::HttpClient;
use crate::registry::{OverHttp, Performer};
use arguments::Common;
use avro_converter::avro_schema::AvroSchema;
use connect_data::{Error, Properties, Result};
use offline::Offline;
use schema_registry::Transport;
use std::io::{self, BufReader, BufWriter, Read, Write};
use tokio::runtime::{Handle, Runtime};

/// Whatever went wrong.
const FAILED: u8 = 1;

/// Standard input to standard output. Returns the exit code.
pub fn decode(arguments: &DecodeArguments) -> u8 {
    with_streams(|input, output, errors, handle| decode::run(arguments, input, output, errors, handle))
}

/// Standard input to standard output. Returns the exit code.
pub fn encode(arguments: &EncodeArguments) -> u8 {
    with_streams(|input, output, errors, handle| encode::run(arguments, input, output, errors, handle))
}

fn with_streams(work: impl FnOnce(&mut dyn Read, &mut dyn Write, &mut dyn Write, Handle) -> Result<u8>) -> u8 {
    let mut errors = io::stderr().lock();
    let done = runtime().and_then(|runtime| {
        let mut output = BufWriter::new(io::stdout().lock());
        let mut input = BufReader::new(io::stdin().lock());
        let code = work(&mut input, &mut output, &mut errors, runtime.handle().clone())?;
        output.flush().map_err(|error| stream(&error))?;
        Ok(code)
    });
    match done {
        Ok(code) => code,
        Err(error) if error.code() == GONE => 0,
        Err(error) => {
            // Nobody is left to tell if standard error is gone.
            let _ = writeln!(errors, "error: {error}");
            FAILED
        }
    }
}

fn runtime() -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.map_err(|error| Error::internal("convert.runtime", format!("runtime: {error}")))
}

/// Code of an error that is none: nobody reads the output any more.
const GONE: &str = "convert.gone";

fn stream(error: &io::Error) -> Error {
    let code = if error.kind() == io::ErrorKind::BrokenPipe { GONE } else { "convert.stream" };
    Error::outage(code, format!("standard streams: {error}"))
}

/// What stands for the registry, and the converter's settings for it.
struct Source {
    settings: Properties,
    performer: Box<dyn Performer>,
}

impl Source {
    /// A registry over HTTP, or what the options say instead of one.
    fn new(common: &Common, schema: Option<&str>, handle: Handle) -> Result<Self> {
        let mut all = Properties::default();
        for property in &common.properties {
            let (name, value) = property.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
                Error::config("convert.property", "option -X: expected KEY=VALUE, found something else")
            })?;
            all.set(name.trim(), value);
        }
        if let Some(url) = &common.registry {
            all.set("schema.registry.url", url);
        }
        let mut settings = match registry_settings(&all)? {
            Some(settings) => {
                let client = HttpClient::new(&Transport::new(&settings)?)?;
                let performer = Box::new(OverHttp::new(client, handle, Stop::new()));
                let source = Self { settings, performer };
                return Ok(source.with(&all));
            }
            None => Properties::default(),
        };
        settings.set("schema.registry.url", "http://offline");
        // Without a registry there are no versions.
        settings.set("schema.version.lookup", "off");
        let performer = Box::new(Offline { schema: schema.map(str::to_owned), id: common.schema_id });
        Ok(Self { settings, performer }.with(&all))
    }

    /// With the converter's own settings.
    fn with(mut self, all: &Properties) -> Self {
        for (name, value) in all.iter().filter(|(name, _)| !name.starts_with("schema.registry.")) {
            self.settings.set(name, value);
        }
        self
    }
}

/// Whether the options name a registry.
fn names_registry(common: &Common) -> bool {
    common.registry.is_some() || common.properties.iter().any(|property| property.starts_with("schema.registry.url="))
}

/// The schema in the file of `--schema`, and its text.
fn schema(common: &Common) -> Result<Option<(String, AvroSchema)>> {
    let Some(path) = &common.schema else { return Ok(None) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::config("convert.schema", format!("{}: expected a file that can be read: {error}", path.display()))
    })?;
    let schema = AvroSchema::parse(&text, &[])?;
    Ok(Some((text, schema)))
}

/// Says what is wrong with a message. `true` = go on.
fn tell(common: &Common, number: u64, error: &Error, errors: &mut dyn Write) -> bool {
    let go_on = common.keep_going && error.kind() == connect_data::ErrorKind::Data;
    let ending = if go_on { "" } else { ": terminating" };
    // Nobody is left to tell if standard error is gone.
    let _ = writeln!(errors, "error: message {number}: {error}{ending}");
    go_on
}

#[cfg(test)]
mod tests;
