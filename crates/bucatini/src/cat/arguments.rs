//! The options, spelled as kcat spells them.

use super::pack;
use avro_converter::avro_json::Style;
use clap::Args;
use connect_data::{Error, Result};
use std::path::PathBuf;

/// Format string tokens and examples.
const FORMAT: &str = "\
Format string tokens:
  %s %S %R       value; its length (-1 = NULL); its length as 32 bits, big-endian
  %k %K          key; its length (-1 = NULL)
  %T %h          time stamp in milliseconds; headers as n=v,n=v
  %t %p %o       topic, partition, offset
  \\n \\r \\t \\xNN  newlines, tab, any octet

Deserializers (-s, -s key=..., -s value=...):
  avro           Avro with a schema in the registry of -r
  < > b B h H i I q Q c s $
                 packed numbers: little- or big-endian; integers of 8, 16, 32 and 64 bits (capitals: without sign);
                 a character; the rest as text; the end must be here

Examples:
  The story's topic, as in kcat:
    bucatini cat -b kafka:9092 -C -t my_pg_source.public.pasta -s avro -r http://user:password@registry:8081 \\
      -f 'Key: %k\\nValue: %s\\n'

  The last ten records as JSON for jq:
    bucatini cat -b kafka:9092 -t pasta -s avro -r http://registry:8081 -o -10 -e -J --json | jq .payload.after";

/// Reads a topic as kcat does.
#[derive(Args, Debug)]
#[command(after_help = FORMAT, disable_help_flag = true)]
pub struct Arguments {
    /// Consumer mode: the only one.
    #[arg(short = 'C')]
    pub consume: bool,
    /// Brokers, as HOST[:PORT],...
    #[arg(short = 'b', value_name = "BROKERS")]
    pub brokers: Option<String>,
    /// Topic.
    #[arg(short = 't', value_name = "TOPIC")]
    pub topic: String,
    /// Partition; without it all of them.
    #[arg(short = 'p', value_name = "PARTITION")]
    pub partition: Option<i32>,
    /// Where to start: beginning, end, stored, N, -N (from the end), s@MILLISECONDS; where to stop: e@MILLISECONDS.
    #[arg(short = 'o', value_name = "OFFSET", allow_hyphen_values = true)]
    pub offsets: Vec<String>,
    /// Exit after so many messages.
    #[arg(short = 'c', value_name = "COUNT")]
    pub count: Option<u64>,
    /// Exit at the end of the topic.
    #[arg(short = 'e')]
    pub exit_at_end: bool,
    /// Format of the output; see below.
    #[arg(short = 'f', value_name = "FORMAT", allow_hyphen_values = true)]
    pub format: Option<String>,
    /// One JSON object for each message.
    #[arg(short = 'J')]
    pub envelope: bool,
    /// How to read keys and values: [key=|value=]avro or a pack string; see below.
    #[arg(short = 's', value_name = "DESERIALIZER", allow_hyphen_values = true)]
    pub deserializers: Vec<String>,
    /// The registry's URL, with user:password@ if it wants them.
    #[arg(short = 'r', value_name = "URL")]
    pub registry: Option<String>,
    /// Plain JSON: unions without the names of their branches, decimals and times readable.
    #[arg(long)]
    pub json: bool,
    /// Avro's own JSON, as kcat prints it: the default.
    #[arg(long, conflicts_with = "json")]
    pub avro_json: bool,
    /// What follows each message instead of a newline; \xNN and the like as in -f.
    #[arg(short = 'D', value_name = "TEXT", allow_hyphen_values = true)]
    pub delimiter: Option<String>,
    /// Print keys, with this between key and value.
    #[arg(short = 'K', value_name = "TEXT", allow_hyphen_values = true)]
    pub key_delimiter: Option<String>,
    /// Print NULL for keys and values that are null or empty.
    #[arg(short = 'Z')]
    pub null: bool,
    /// Write each message at once.
    #[arg(short = 'u')]
    pub unbuffered: bool,
    /// A property of librdkafka, of Kafka's Java clients, or schema.registry.*, as KEY=VALUE.
    #[arg(short = 'X', value_name = "KEY=VALUE")]
    pub properties: Vec<String>,
    /// Read properties from this file; "-" or "none": from no file at all.
    #[arg(short = 'F', value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Seconds to wait for metadata.
    #[arg(short = 'm', value_name = "SECONDS", default_value_t = 5)]
    pub metadata_timeout: u64,
    /// Debug contexts of librdkafka.
    #[arg(short = 'd', value_name = "CONTEXTS")]
    pub debug: Option<String>,
    /// Go on after a message that cannot be shown.
    #[arg(short = 'E')]
    pub keep_going: bool,
    /// Only errors on standard error.
    #[arg(short = 'q')]
    pub quiet: bool,
    /// More on standard error.
    #[arg(short = 'v', action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Print help.
    #[arg(short = 'h', long, action = clap::ArgAction::HelpLong)]
    help: Option<bool>,
}

impl Arguments {
    pub(super) fn verbosity(&self) -> u8 {
        if self.quiet { self.verbose } else { self.verbose.saturating_add(1) }
    }

    /// How Avro is shown.
    pub(super) fn style(&self) -> Style {
        if self.json { Style::Plain } else { Style::Avro }
    }

    /// Those of keys and values; the last one for each counts.
    pub(super) fn deserializers(&self) -> Result<Deserializers> {
        let mut found = Deserializers { key: Deserializer::Verbatim, value: Deserializer::Verbatim };
        for text in &self.deserializers {
            let (field, text) = match text.split_once('=') {
                Some((field @ ("key" | "value"), rest)) => (Some(field), rest),
                _ => (None, text.as_str()),
            };
            let deserializer = Deserializer::new(text)?;
            if field != Some("value") {
                found.key = deserializer.clone();
            }
            if field != Some("key") {
                found.value = deserializer;
            }
        }
        Ok(found)
    }

    /// Where to start and to stop.
    pub(super) fn range(&self) -> Result<Range> {
        let mut range = Range { start: Start::Beginning, stop: None };
        for text in &self.offsets {
            let invalid = || {
                let expected = "beginning, end, stored, N, -N, s@N or e@N";
                Error::config("cat.offset", format!("option -o: expected {expected}, found {text}"))
            };
            let number = |text: &str| text.parse::<i64>().map_err(|_| invalid());
            let natural =
                |text: &str| number(text).and_then(|count| if count < 0 { Err(invalid()) } else { Ok(count) });
            match text.as_str() {
                "beginning" => range.start = Start::Beginning,
                "end" => range.start = Start::End,
                "stored" => range.start = Start::Stored,
                text => match (text.strip_prefix("s@"), text.strip_prefix("e@"), text.strip_prefix('-')) {
                    (Some(time), _, _) => range.start = Start::Time(number(time)?),
                    (_, Some(time), _) => range.stop = Some(number(time)?),
                    (_, _, Some(tail)) => range.start = Start::Tail(natural(tail)?),
                    _ => range.start = Start::Offset(number(text)?),
                },
            }
        }
        Ok(range)
    }
}

/// What `-o` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: Start,
    /// The first time stamp that is not wanted any more.
    pub(super) stop: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Beginning,
    End,
    Stored,
    Offset(i64),
    Tail(i64),
    Time(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deserializers {
    pub(super) key: Deserializer,
    pub(super) value: Deserializer,
}

impl Deserializers {
    pub(super) fn ask_registry(&self) -> bool {
        self.key == Deserializer::Avro || self.value == Deserializer::Avro
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deserializer {
    Verbatim,
    Avro,
    Packed(Vec<pack::Token>),
}

impl Deserializer {
    fn new(text: &str) -> Result<Self> {
        if text == "avro" { Ok(Self::Avro) } else { pack::parse(text).map(Self::Packed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cat {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(line: &[&str]) -> Arguments {
        Cat::parse_from(["cat", "-t", "t"].iter().chain(line)).arguments
    }

    #[test]
    fn options_are_written_as_for_kcat() {
        let story = parse(&["-b", "h:1", "-C", "-s", "avro", "-r", "https://u:p@h", "-f", "Key: %k\\nValue: %s\\n"]);
        assert_eq!(story.format.as_deref(), Some("Key: %k\\nValue: %s\\n"));
        assert_eq!(
            story.deserializers().unwrap(),
            Deserializers { key: Deserializer::Avro, value: Deserializer::Avro }
        );
        let grouped = parse(&["-CJeq", "-c5", "-o-3", "-p0", "-f", "-%s"]);
        assert!(grouped.consume && grouped.envelope && grouped.exit_at_end);
        assert_eq!((grouped.count, grouped.partition, grouped.verbosity()), (Some(5), Some(0), 0));
        assert_eq!(grouped.range().unwrap(), Range { start: Start::Tail(3), stop: None });
        assert_eq!(parse(&["-vv"]).verbosity(), 3);
    }

    #[test]
    fn offsets_start_and_stop() {
        let range = |offsets: &[&str]| {
            let line: Vec<_> = offsets.iter().flat_map(|offset| ["-o", offset]).collect();
            parse(&line).range()
        };
        assert_eq!(range(&[]).unwrap().start, Start::Beginning);
        for (text, start) in [
            ("beginning", Start::Beginning),
            ("end", Start::End),
            ("stored", Start::Stored),
            ("17", Start::Offset(17)),
            ("-17", Start::Tail(17)),
        ] {
            assert_eq!(range(&[text]).unwrap(), Range { start, stop: None });
        }
        assert_eq!(range(&["s@5", "e@9"]).unwrap(), Range { start: Start::Time(5), stop: Some(9) });
        for wrong in ["", "x", "s@", "e@x", "--1", "1.5"] {
            assert_eq!(range(&[wrong]).unwrap_err().code(), "cat.offset", "{wrong}");
        }
    }

    #[test]
    fn deserializers_are_of_keys_values_or_both() {
        let of = |line: &[&str]| parse(line).deserializers();
        assert!(!of(&[]).unwrap().ask_registry());
        let mixed = of(&["-s", "avro", "-s", "key=i$"]).unwrap();
        assert_eq!(mixed.value, Deserializer::Avro);
        assert!(matches!(&mixed.key, Deserializer::Packed(tokens) if tokens.len() == 2));
        assert_eq!(of(&["-s", "value=avro"]).unwrap().key, Deserializer::Verbatim);
        assert_eq!(of(&["-s", "json"]).unwrap_err().code(), "cat.pack");
        assert_eq!(of(&["-s", "key="]).unwrap_err().code(), "cat.pack");
    }
}
