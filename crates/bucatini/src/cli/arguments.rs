//! What can be written on the command line.

use crate::config::{Engine, RunOptions, Until};
use crate::report::LogFormat;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  What becomes of each setting of two connectors:
    bucatini validate connector_pg_source.json connector_sink_mysql.json

  PostgreSQL -> Kafka -> MySQL, until Ctrl-C:
    bucatini run connector_pg_source.json connector_sink_mysql.json -b kafka:9092

  The same with a worker's security settings and converters:
    bucatini run source.json sink.json --worker connect-distributed.properties

  A migration that ends by itself when everything has arrived:
    bucatini run source.json sink.json -b kafka:9092 --until caught-up

  Without Kafka:
    bucatini run source.json sink.json --direct

  What is in a topic:
    bucatini cat -b kafka:9092 -t my_pg_source.public.pasta -s avro -r http://registry:8081

Exit codes:
  0    done, or stopped by Ctrl-C with everything under way delivered
  2    the command line or a setting is wrong
  3    something that the run needs did not answer at its start
  5    the run failed later
  130  ended at once by a second Ctrl-C; what was not acknowledged comes again";

/// Runs PostgreSQL -> Kafka -> MySQL pipelines from Kafka Connect's JSON, without a JVM.
#[derive(Debug, Parser)]
#[command(name = "bucatini", version, after_help = EXAMPLES, max_term_width = 100)]
pub(super) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the connectors of these files in one process.
    Run(Box<RunArguments>),
    /// Show what becomes of each setting of connectors' files.
    Validate(ValidateArguments),
    /// Read a topic as kcat does, Avro included.
    Cat(Box<crate::cat::Arguments>),
    /// Messages in Confluent's wire format to JSON.
    Decode(Box<crate::convert::DecodeArguments>),
    /// JSON to messages in Confluent's wire format.
    Encode(Box<crate::convert::EncodeArguments>),
    /// Show the version, and that of what is built in.
    Version,
}

/// Files and what they are read with.
#[derive(Args, Debug)]
pub(super) struct FileArguments {
    /// Connectors' files: flat JSON, JSON with "name" and "config", or properties.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The worker's properties: brokers, security, default converters, config providers.
    #[arg(long, value_name = "FILE")]
    pub(super) worker: Option<PathBuf>,
    /// Kafka's brokers, as HOST:PORT,...
    #[arg(short = 'b', long, value_name = "BROKERS")]
    pub(super) bootstrap_servers: Option<String>,
    /// A property of librdkafka for all clients; may be repeated.
    #[arg(long = "kafka-property", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) kafka_properties: Vec<(String, String)>,
    /// Warn of unknown keys instead of refusing them.
    #[arg(long)]
    pub(super) lenient: bool,
    /// Without Kafka and registry, from the source to the sinks.
    #[arg(long)]
    pub(super) direct: bool,
}

/// `bucatini run`
#[derive(Args, Debug)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) files: FileArguments,
    /// File that the source's offsets are kept in.
    #[arg(long, value_name = "FILE")]
    pub(super) offsets: Option<PathBuf>,
    /// Form of the converters and transformations that are shipped, whatever their setting engine says.
    #[arg(long, value_name = "ENGINE")]
    pub(super) engine: Option<EngineName>,
    /// Folder of components: the shipped ones, and those of wasm:NAME.
    #[arg(long, value_name = "DIR")]
    pub(super) components: Option<PathBuf>,
    /// End when this has arrived: snapshot, caught-up (the server's position at the start), or an LSN like 16/B374D848.
    #[arg(long, value_name = "POINT", value_parser = until, conflicts_with_all = ["stop_when_idle", "snapshot_only"])]
    pub(super) until: Option<Until>,
    /// End when nothing has moved for so long.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, conflicts_with = "snapshot_only")]
    pub(super) stop_when_idle: Option<Duration>,
    /// The same as --until snapshot.
    #[arg(long)]
    pub(super) snapshot_only: bool,
    /// How logs are written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) log_format: LogFormat,
    /// Log more; twice: much more.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Log warnings and errors only.
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
}

/// `bucatini validate`
#[derive(Args, Debug)]
pub(super) struct ValidateArguments {
    #[command(flatten)]
    pub(super) files: FileArguments,
    /// A table for people, or what Connect's REST interface answers.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(super) output: OutputFormat,
    /// List the keys that are not set, with their defaults, too.
    #[arg(long)]
    pub(super) all: bool,
}

/// `--engine`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum EngineName {
    /// In this process.
    Native,
    /// As components, in a sandbox.
    Wasm,
}

/// `--output`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// For people.
    Table,
    /// As Connect's REST interface has it.
    Json,
}

impl RunArguments {
    /// What the run is told.
    pub(super) fn options(&self) -> RunOptions {
        let until = match (self.until, self.stop_when_idle, self.snapshot_only) {
            (Some(until), _, _) => until,
            (None, Some(idle), _) => Until::Idle(idle),
            (None, None, true) => Until::Snapshot,
            (None, None, false) => Until::Stopped,
        };
        RunOptions {
            direct: self.files.direct,
            offsets: self.offsets.clone(),
            engine: self.engine.map(|engine| match engine {
                EngineName::Native => Engine::Native,
                EngineName::Wasm => Engine::Wasm,
            }),
            components: self.components.clone(),
            until,
        }
    }

    /// For logging.
    pub(super) fn verbosity(&self) -> i8 {
        if self.quiet { -1 } else { i8::try_from(self.verbose).unwrap_or(i8::MAX) }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        // The text may be a secret whose key was forgotten: it is not repeated.
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| "expected a number of seconds above 0".to_owned())
}

fn until(text: &str) -> Result<Until, String> {
    match text {
        "snapshot" => return Ok(Until::Snapshot),
        "caught-up" => return Ok(Until::CaughtUp),
        _ => {}
    }
    let half = |text: &str| (text.len() <= 8).then(|| u32::from_str_radix(text, 16).ok()).flatten();
    let lsn = text.split_once('/').and_then(|(high, low)| half(high).zip(half(low)));
    match lsn {
        Some((high, low)) => Ok(Until::Lsn(u64::from(high) << 32 | u64::from(low))),
        None => Err("expected snapshot, caught-up, or an LSN like 16/B374D848".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn run(arguments: &[&str]) -> Result<RunOptions, clap::Error> {
        let all = ["bucatini", "run", "source.json", "sink.json"].iter().chain(arguments);
        Arguments::try_parse_from(all).map(|arguments| match arguments.command {
            Command::Run(run) => run.options(),
            _ => panic!("expected run"),
        })
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_end_of_a_run_is_one_of_several() {
        let until = |arguments: &[&str]| run(arguments).map(|options| options.until);
        assert_eq!(until(&[]).unwrap(), Until::Stopped);
        assert_eq!(until(&["--until", "caught-up"]).unwrap(), Until::CaughtUp);
        assert_eq!(until(&["--until", "16/B374D848"]).unwrap(), Until::Lsn(0x16_B374_D848));
        assert_eq!(until(&["--snapshot-only"]).unwrap(), Until::Snapshot);
        assert_eq!(until(&["--stop-when-idle", "1.5"]).unwrap(), Until::Idle(Duration::from_millis(1_500)));
        for wrong in [
            &["--until", "later"][..],
            &["--until", "1/123456789"],
            &["--until", "snapshot", "--snapshot-only"],
            &["--stop-when-idle", "0"],
            &["--stop-when-idle", "NaN"],
            &["--kafka-property", "=x"],
        ] {
            assert!(until(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn engines_and_properties_are_read() {
        let options = run(&["--engine", "wasm", "--direct", "--offsets", "o.json", "--components", "c"]).unwrap();
        assert_eq!((options.engine, options.direct), (Some(Engine::Wasm), true));
        assert_eq!(key_value(" a = b=c"), Ok(("a".to_owned(), " b=c".to_owned())));
        let error = run(&["--kafka-property", "hunter22"]).unwrap_err();
        assert!(error.to_string().contains("expected KEY=VALUE"));
    }
}
