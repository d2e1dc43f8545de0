//! Plug-in classes in a JVM, as Connect would use them, through `java-shim/src/test/java/io/bucatini/corpus`.

use super::{Config, Engine, Failure, Outcome, Plugin};
use crate::json::{get, hex, list, text, unhex};
use crate::registry::SharedRegistry;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

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

/// Longest time for one command: a JVM that hangs is a finding, not a reason to wait for ever.
const PATIENCE: Duration = Duration::from_secs(120);

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
}

struct Process {
    child: Child,
    commands: ChildStdin,
    answers: Receiver<String>,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl HarnessEngine {
    /// JVMs start when they are first needed. `plugin` is our jar or the zip around it.
    pub fn new(form: Form, kafka: &str, plugin: &Path) -> Result<Self, String> {
        let registry = SharedRegistry::default();
        let address = crate::http::serve(registry.clone()).map_err(|e| format!("registry server: {e}"))?;
        Ok(Self {
            form,
            kafka: kafka.to_owned(),
            plugin: plugin.to_owned(),
            registry,
            address: address.to_string(),
            processes: BTreeMap::new(),
            current: String::new(),
        })
    }

    /// Makes the JVM with this class path the current one.
    fn select(&mut self, classpath: &str, transformation: &str, converter: &str) -> Result<(), String> {
        if !self.processes.contains_key(classpath) {
            let mut jars = Vec::new();
            match &self.form {
                Form::Native | Form::Wasm => jars.extend(plugin_jars(&self.plugin)?),
                Form::Stock { confluent } if converter != "-" => {
                    jars.extend(jars_of(confluent.as_deref().ok_or("no Confluent jars")?)?);
                }
                Form::Stock { .. } => {}
            }
            jars.extend(maven_jars(classpath)?);
            let process = start(classpath, &jars, transformation, converter)?;
            self.processes.insert(classpath.to_owned(), process);
        }
        self.current = classpath.to_owned();
        Ok(())
    }

    /// One command and its answer. A JVM that breaks is replaced when it is next needed.
    fn command(&mut self, command: &Json) -> Result<Json, String> {
        let process = self.processes.get_mut(&self.current).ok_or("no JVM is running")?;
        let answer = writeln!(process.commands, "{command}")
            .and_then(|()| process.commands.flush())
            .map_err(|e| e.to_string())
            .and_then(|()| process.answers.recv_timeout(PATIENCE).map_err(|e| e.to_string()));
        let answer = answer.and_then(|line| serde_json::from_str::<Json>(&line).map_err(|e| format!("{e}: {line}")));
        match answer {
            Err(error) => {
                let log = process.log.display().to_string();
                self.processes.remove(&self.current);
                Err(format!("the JVM broke ({error}); its log: {log}"))
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
                return Err(
                    "stock Avro vectors need Confluent's converter, which is on no public repository: give its \
                            jars with --confluent-jars DIR"
                        .into(),
                );
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

/// `$BUCATINI_CACHE/corpus`: downloads and compiled classes, outside the clone.
fn cache() -> Result<PathBuf, String> {
    let root = match std::env::var_os("BUCATINI_CACHE") {
        Some(root) => PathBuf::from(root),
        None => PathBuf::from(std::env::var_os("HOME").ok_or("neither BUCATINI_CACHE nor HOME is set")?)
            .join(".cache/bucatini"),
    };
    let path = root.join("corpus");
    fs::create_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}

fn jars_of(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let at = |e: std::io::Error| format!("{}: {e}", folder.display());
    let entries = fs::read_dir(folder).map_err(at)?.collect::<Result<Vec<_>, _>>().map_err(at)?;
    let mut jars: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    jars.retain(|path| path.extension().is_some_and(|extension| extension == "jar"));
    jars.sort();
    if jars.is_empty() {
        return Err(format!("{}: no jars", folder.display()));
    }
    Ok(jars)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("{:?}: {e}", command.get_program()))?;
    if !output.status.success() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        return Err(format!("{command:?}: {} {}", text(&output.stdout), text(&output.stderr)));
    }
    Ok(())
}

/// Jars of `classpath/NAME.xml`, resolved by Maven once.
fn maven_jars(name: &str) -> Result<Vec<PathBuf>, String> {
    let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("classpath/{name}.xml"));
    let folder = cache()?.join(format!("classpath/{name}"));
    // A changed list is another folder's worth: the copy of the list inside says what the folder is.
    let wanted = fs::read_to_string(&pom).map_err(|e| format!("{}: {e}", pom.display()))?;
    let done = folder.join("classpath.xml");
    if fs::read_to_string(&done).is_ok_and(|found| found == wanted) {
        return jars_of(&folder);
    }
    let _ = fs::remove_dir_all(&folder);
    run(Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(&pom)
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", folder.display())))?;
    fs::write(&done, wanted).map_err(|e| format!("{}: {e}", done.display()))?;
    jars_of(&folder)
}

/// The plug-in's jars, out of its zip if need be.
fn plugin_jars(plugin: &Path) -> Result<Vec<PathBuf>, String> {
    if !plugin.is_file() {
        return Err(format!("{}: not there; `make plugin` builds it, --plugin FILE names another", plugin.display()));
    }
    if plugin.extension().is_some_and(|extension| extension == "jar") {
        return Ok(vec![plugin.to_owned()]);
    }
    let folder = cache()?.join("plugin");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let plugin = plugin.canonicalize().map_err(|e| format!("{}: {e}", plugin.display()))?;
    run(Command::new("jar").arg("xf").arg(&plugin).current_dir(&folder))?;
    let mut jars = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|e| e.to_string())?.flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if path.extension().is_some_and(|extension| extension == "jar") => jars.push(path),
                _ => {}
            }
        }
    }
    Ok(jars)
}

/// Tests beside the harness need JUnit, which is not on its class path.
fn is_test(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().ends_with("Test.java"))
}

fn start(name: &str, jars: &[PathBuf], transformation: &str, converter: &str) -> Result<Process, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../java-shim/src/test/java/io/bucatini/corpus");
    let classes = cache()?.join(format!("harness/{name}"));
    let _ = fs::remove_dir_all(&classes);
    let jars: Vec<_> = jars.iter().map(|jar| jar.display().to_string()).collect();
    let jars = jars.join(":");
    let files = fs::read_dir(&sources).map_err(|e| format!("{}: {e}", sources.display()))?;
    run(Command::new("javac")
        .args(["-nowarn", "-proc:none", "-d"])
        .arg(&classes)
        .args(["-cp", &jars])
        .args(files.flatten().map(|file| file.path()).filter(|file| !is_test(file))))?;
    let log = cache()?.join(format!("harness/{name}.log"));
    let errors = fs::File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
    let mut child = Command::new("java")
        // A small heap, so that a vector which exhausts it does so soon.
        .args(["-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp"])
        .arg(format!("{}:{jars}", classes.display()))
        .args(["io.bucatini.corpus.CorpusHarness", transformation, converter])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .map_err(|e| format!("java: {e}"))?;
    let commands = child.stdin.take().ok_or("java: no stdin")?;
    let mut answers = BufReader::new(child.stdout.take().ok_or("java: no stdout")?);
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        // The end of the stream closes the channel, which the other side sees.
        while answers.read_line(&mut line).is_ok_and(|n| n > 0) && sender.send(std::mem::take(&mut line)).is_ok() {}
    });
    Ok(Process { child, commands, answers: receiver, log })
}
