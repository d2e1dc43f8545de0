//! The command line.

use std::path::{Path, PathBuf};

/// What to run, and how.
#[derive(Debug)]
pub struct Arguments {
    pub engine: String,
    pub sample: Option<usize>,
    pub seed: u64,
    pub only: Option<String>,
    pub confluent_jars: Option<PathBuf>,
    pub kafka: String,
    pub plugin: PathBuf,
    pub components: PathBuf,
    pub paths: Vec<PathBuf>,
}

/// How to call it.
pub const USAGE: &str = "\
usage: corpus --engine native|wasm|jvm-native|jvm-wasm|stock [options] DIR|FILE...
  --sample N            only N of the vectors
  --seed S              which ones (default 1)
  --only ID             only the vector with this id
  --plugin FILE         our jar or the zip around it (default dist/bucatini-connect-plugin.zip)
  --components DIR      our components (default dist/artifacts/components)
  --kafka 2.8|4         Kafka Connect for our plug-ins in a JVM (default 2.8)
  --confluent-jars DIR  jars of Confluent's Avro converter, for stock Avro vectors (default: what bench/peers fetched)
Exit code: 0 all passed, 1 something failed, 2 nothing could be run";

/// Engines by name.
pub const ENGINES: [&str; 5] = ["native", "wasm", "jvm-native", "jvm-wasm", "stock"];

/// Reads the arguments after the program's name.
///
/// # Errors
/// An unknown or incomplete option, no engine, no path.
pub fn read(arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().unwrap_or(root);
    let mut read = Arguments {
        engine: String::new(),
        sample: None,
        seed: 1,
        only: None,
        confluent_jars: None,
        kafka: "2.8".into(),
        plugin: root.join("dist/bucatini-connect-plugin.zip"),
        components: root.join("dist/artifacts/components"),
        paths: Vec::new(),
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{argument}: {text:?} is no number"));
        match argument.as_str() {
            "--engine" => read.engine = value()?,
            "--sample" => read.sample = Some(number(value()?)? as usize),
            "--seed" => read.seed = number(value()?)?,
            "--only" => read.only = Some(value()?),
            "--confluent-jars" => read.confluent_jars = Some(value()?.into()),
            "--kafka" => read.kafka = value()?,
            "--plugin" => read.plugin = value()?.into(),
            "--components" => read.components = value()?.into(),
            option if option.starts_with('-') => return Err(format!("unknown option {option}")),
            path => read.paths.push(path.into()),
        }
    }
    if !ENGINES.contains(&read.engine.as_str()) {
        return Err(format!("--engine: expected one of {}", ENGINES.join(", ")));
    }
    if !["2.8", "4"].contains(&read.kafka.as_str()) {
        return Err("--kafka: expected 2.8 or 4".into());
    }
    if read.paths.is_empty() {
        return Err("expected a folder or file of vectors".into());
    }
    Ok(read)
}
