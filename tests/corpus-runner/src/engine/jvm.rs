//! A JVM with plug-in classes: its class path, the harness compiled for it, and the pipe to it.

use serde_json::Value as Json;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longest time for one command: a JVM that hangs is a finding, not a reason to wait for ever.
const PATIENCE: Duration = Duration::from_secs(120);

/// Lines of a broken JVM's log that are shown.
const SHOWN: usize = 15;

/// A JVM that runs the harness.
pub struct Process {
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

impl Process {
    /// Sends a command and waits for its answer.
    pub fn ask(&mut self, command: &Json) -> Result<Json, String> {
        let answer = writeln!(self.commands, "{command}")
            .and_then(|()| self.commands.flush())
            .map_err(|e| e.to_string())
            .and_then(|()| self.answers.recv_timeout(PATIENCE).map_err(|e| e.to_string()));
        answer
            .and_then(|line| serde_json::from_str::<Json>(&line).map_err(|e| format!("{e}: {line}")))
            .map_err(|e| format!("{e}; the end of its log:\n{}", self.log_tail()))
    }

    fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }
}

/// `$BUCATINI_CACHE`: what may be kept, outside the clone.
fn cache() -> Result<PathBuf, String> {
    Ok(match std::env::var_os("BUCATINI_CACHE") {
        Some(root) => PathBuf::from(root),
        None => PathBuf::from(std::env::var_os("HOME").ok_or("neither BUCATINI_CACHE nor HOME is set")?)
            .join(".cache/bucatini"),
    })
}

/// Where `bench/peers` puts Confluent's converter, if it did.
pub fn confluent_peer() -> Option<PathBuf> {
    cache().ok().map(|cache| cache.join("peers/confluent-7.0.16")).filter(|folder| folder.is_dir())
}

/// The jars of a folder.
pub fn jars_of(folder: &Path) -> Result<Vec<PathBuf>, String> {
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
pub fn maven_jars(name: &str) -> Result<Vec<PathBuf>, String> {
    let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("classpath/{name}.xml"));
    let folder = cache()?.join(format!("corpus/classpath/{name}"));
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
pub fn plugin_jars(plugin: &Path, work: &Path) -> Result<Vec<PathBuf>, String> {
    if !plugin.is_file() {
        return Err(format!("{}: not there; `make plugin` builds it, --plugin FILE names another", plugin.display()));
    }
    if plugin.extension().is_some_and(|extension| extension == "jar") {
        return Ok(vec![plugin.to_owned()]);
    }
    let folder = work.join("plugin");
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

/// Compiles the harness and starts it. `work` is for this run alone.
pub fn start(
    name: &str,
    jars: &[PathBuf],
    work: &Path,
    transformation: &str,
    converter: &str,
) -> Result<Process, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../java-shim/src/test/java/io/bucatini/corpus");
    let classes = work.join(name);
    let jars: Vec<_> = jars.iter().map(|jar| jar.display().to_string()).collect();
    let jars = jars.join(":");
    let files = fs::read_dir(&sources).map_err(|e| format!("{}: {e}", sources.display()))?;
    run(Command::new("javac")
        .args(["-nowarn", "-proc:none", "-d"])
        .arg(&classes)
        .args(["-cp", &jars])
        .args(files.flatten().map(|file| file.path()).filter(|file| !is_test(file))))?;
    let log = work.join(format!("{name}.log"));
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
