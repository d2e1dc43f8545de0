//! Plug-in classes in a JVM, as Connect would use them, through `java-shim/src/test/java/io/bucatini/corpus`.

use super::jvm::{self, Process};
use super::{Config, Engine, Failure, Outcome, Plugin};
use crate::json::{get, hex, list, text, unhex};
use crate::registry::SharedRegistry;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Whose classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Ours, with the native library.
    Native,
    /// Ours, with `engine=wasm`.
    Wasm,
    /// Debezium's and, if their jars are given, Confluent's.
    Stock {
        /// Folder with Confluent's jars.
        confluent: Option<PathBuf>,
    },
}

/// An engine in one JVM, or in one for each class path that the vectors need.
pub struct HarnessEngine {
    form: Form,
    /// Kafka Connect for our own classes: `2.8` or `4`.
    kafka: String,
    plugin: PathBuf,
    registry: SharedRegistry,
    address: String,
    processes: BTreeMap<String, Process>,
    current: String,
    /// Compiled classes and logs of this run.
    work: PathBuf,
    fatal: Option<String>,
}

impl Drop for HarnessEngine {
    fn drop(&mut self) {
        self.processes.clear();
        // A leftover in the system's temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.work);
    }
}

impl HarnessEngine {
    /// JVMs start when they are first needed. `plugin` is our jar or the zip around it.
    pub fn new(form: Form, kafka: &str, plugin: &Path) -> Result<Self, String> {
        let registry = SharedRegistry::default();
        let address = crate::http::serve(registry.clone()).map_err(|e| format!("registry server: {e}"))?;
        let work = std::env::temp_dir().join(format!("bucatini-corpus-{}", std::process::id()));
        std::fs::create_dir_all(&work).map_err(|e| format!("{}: {e}", work.display()))?;
        Ok(Self {
            form,
            kafka: kafka.to_owned(),
            plugin: plugin.to_owned(),
            registry,
            address: address.to_string(),
            processes: BTreeMap::new(),
            current: String::new(),
            work,
            fatal: None,
        })
    }

    /// Makes the JVM with this class path the current one. What keeps it from starting would do so for every vector.
    fn select(&mut self, classpath: &str, transformation: &str, converter: &str) -> Result<(), String> {
        if !self.processes.contains_key(classpath) {
            match self.start(classpath, transformation, converter) {
                Ok(process) => drop(self.processes.insert(classpath.to_owned(), process)),
                Err(why) => {
                    self.fatal = Some(why.clone());
                    return Err(why);
                }
            }
        }
        self.current = classpath.to_owned();
        Ok(())
    }

    fn start(&self, classpath: &str, transformation: &str, converter: &str) -> Result<Process, String> {
        let mut jars = Vec::new();
        match &self.form {
            Form::Native | Form::Wasm => jars.extend(jvm::plugin_jars(&self.plugin, &self.work)?),
            Form::Stock { confluent } if converter != "-" => {
                jars.extend(jvm::jars_of(confluent.as_deref().ok_or("no Confluent jars")?)?);
            }
            Form::Stock { .. } => {}
        }
        jars.extend(jvm::maven_jars(classpath)?);
        let mut process = jvm::start(classpath, &jars, &self.work, transformation, converter)?;
        process.ask(&json!({ "do": "nothing" })).map_err(|e| format!("the JVM for {classpath} did not start: {e}"))?;
        Ok(process)
    }

    /// One command and its answer. A JVM that breaks is replaced when it is next needed.
    fn command(&mut self, command: &Json) -> Result<Json, String> {
        let process = self.processes.get_mut(&self.current).ok_or("no JVM is running")?;
        match process.ask(command) {
            Err(error) => {
                self.processes.remove(&self.current);
                Err(format!("the JVM broke: {error}"))
            }
            Ok(answer) => match get(&answer, "broken").as_str() {
                Some(what) => Err(format!("harness: {what}")),
                None => Ok(answer),
            },
        }
    }

    fn open(&mut self, command: &Json) -> Result<Option<Failure>, String> {
        let answer = self.command(command)?;
        Ok(answer.get("error").map(|error| failure(error, true)))
    }
}

fn failure(error: &Json, configuring: bool) -> Failure {
    let string = |json: &Json, key: &str| get(json, key).as_str().unwrap_or("").to_owned();
    let mut message = string(error, "message");
    for cause in get(error, "causes").as_array().into_iter().flatten() {
        message.push_str(&format!(" <- {}: {}", string(cause, "class"), string(cause, "message")));
    }
    Failure { configuring, class: string(error, "class"), message }
}

fn outcome(answer: Json) -> Result<Outcome, String> {
    let has = |key: &str| answer.get(key).is_some();
    Ok(if let Some(error) = answer.get("error") {
        Outcome::Failed(failure(error, false))
    } else if let Some(record) = answer.get("record") {
        Outcome::Record(record.clone())
    } else if has("drop") {
        Outcome::Drop
    } else if has("bytes") {
        let header = |h: &Json| Ok::<_, String>((text(h, "key")?.to_owned(), unhex(text(h, "hex")?)?));
        let headers = list(&answer, "headers")?.iter().map(header).collect::<Result<_, _>>()?;
        Outcome::Bytes(unhex(text(&answer, "bytes")?)?, headers)
    } else if has("null") {
        Outcome::NullBytes
    } else if has("null_result") {
        Outcome::Datum(json!({ "schema": null, "payload": null }))
    } else if has("schema") {
        Outcome::Datum(answer)
    } else {
        return Err(format!("harness: unknown answer {answer}"));
    })
}

impl Engine for HarnessEngine {
    fn fatal(&self) -> Option<&str> {
        self.fatal.as_deref()
    }

    fn registry(&self) -> &SharedRegistry {
        &self.registry
    }

    fn registry_address(&self) -> String {
        self.address.clone()
    }

    fn open_transformation(&mut self, generation: &str, config: &Config) -> Result<Option<Failure>, String> {
        let mut config = config.clone();
        if let Form::Stock { .. } = self.form {
            let class = "io.debezium.transforms.ExtractNewRecordState";
            self.select(&format!("debezium-{generation}"), class, "-")?;
        } else {
            config.insert("generation".into(), generation.into());
            self.select_ours(&mut config)?;
        }
        self.open(&json!({ "do": "transformation", "config": config }))
    }

    fn open_converter(&mut self, plugin: Plugin, is_key: bool, config: &Config) -> Result<Option<Failure>, String> {
        let mut config = config.clone();
        match &self.form {
            Form::Stock { .. } if plugin == Plugin::Wal2JsonConverter => {
                return Err("there is no stock converter for wal2json".into());
            }
            Form::Stock { confluent: None } => {
                let why = "stock Avro vectors need Confluent's converter: run bench/peers, or name a folder with its jars \
                           by --confluent-jars DIR";
                self.fatal = Some(why.into());
                return Err(why.into());
            }
            Form::Stock { .. } => self.select("kafka-4", "-", "io.confluent.connect.avro.AvroConverter")?,
            Form::Native | Form::Wasm => {
                if plugin == Plugin::AvroConverter {
                    config.entry("schema.version.lookup".into()).or_insert_with(|| "strict".into());
                }
                self.select_ours(&mut config)?;
            }
        }
        let class = match plugin {
            Plugin::AvroConverter => 0,
            Plugin::Wal2JsonConverter => 1,
        };
        self.open(&json!({ "do": "converter", "class": class, "is_key": is_key, "config": config }))
    }

    fn apply(&mut self, record: &Json) -> Result<Outcome, String> {
        outcome(self.command(&json!({ "do": "apply", "record": record }))?)
    }

    fn serialize(&mut self, topic: Option<&str>, datum: &Json) -> Result<Outcome, String> {
        outcome(self.command(&json!({ "do": "serialize", "topic": topic, "datum": datum }))?)
    }

    fn serialize_last(&mut self, topic: &str) -> Result<Outcome, String> {
        outcome(self.command(&json!({ "do": "serialize_last", "topic": topic }))?)
    }

    fn deserialize(
        &mut self,
        topic: Option<&str>,
        bytes: Option<&[u8]>,
        headers: &[(String, Vec<u8>)],
    ) -> Result<Outcome, String> {
        let headers: Vec<_> = headers.iter().map(|(key, value)| json!({ "key": key, "hex": hex(value) })).collect();
        let bytes = bytes.map(hex);
        outcome(self.command(&json!({ "do": "deserialize", "topic": topic, "bytes": bytes, "headers": headers }))?)
    }
}

impl HarnessEngine {
    fn select_ours(&mut self, config: &mut Config) -> Result<(), String> {
        if self.form == Form::Wasm {
            config.insert("engine".into(), "wasm".into());
        }
        let classpath = format!("kafka-{}", self.kafka);
        let package = "io.bucatini.connect";
        self.select(
            &classpath,
            &format!("{package}.BucatiniExtractNewRecordState"),
            &format!("{package}.BucatiniAvroConverter,{package}.BucatiniWal2JsonConverter"),
        )
    }
}
