//! The program as people run it: exit codes, standard output and error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const MARKER: &str = "s3cretMarker";

fn bucatini(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bucatini")).args(arguments).env_remove("POSTGRES_HOST").output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bucatini-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn example(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/pasta").join(name).to_str().unwrap().to_owned()
}

/// A source with a secret wherever one may be, and settings that are refused.
fn source(more: &str) -> String {
    format!(
        r#"{{
  "name": "source",
  "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
  "database.hostname": "127.0.0.1",
  "database.port": "1",
  "database.user": "joe",
  "database.password": "{MARKER}",
  "database.dbname": "d",
  "database.server.name": "s",
  "key.converter": "io.confluent.connect.avro.AvroConverter",
  "key.converter.schema.registry.url": "http://joe:{MARKER}@127.0.0.1:1",
  "value.converter": "io.confluent.connect.avro.AvroConverter",
  "value.converter.schema.registry.url": "http://127.0.0.1:1",
  "value.converter.basic.auth.credentials.source": "USER_INFO",
  "value.converter.basic.auth.user.info": "joe:{MARKER}",
  "producer.override.sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"joe\" password=\"{MARKER}\";"{more}
}}"#
    )
}

#[test]
fn help_has_examples_and_the_version_is_there() {
    let help = bucatini(&["--help"]);
    assert_eq!(code(&help), 0);
    let text = out(&help);
    assert!(text.contains("bucatini run connector_pg_source.json") && text.contains("Exit codes:"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100));
    let version = bucatini(&["version"]);
    assert!(code(&version) == 0 && out(&version).starts_with("bucatini ") && out(&version).contains("librdkafka"));
    for wrong in [&["run"][..], &["fly"], &["run", "a", "--until", "never"], &[]] {
        assert_eq!(code(&bucatini(wrong)), 2, "{wrong:?}");
    }
}

#[test]
fn validate_prints_a_table_that_fits_a_page() {
    let folder = Folder::new("table");
    let good = folder.file("good.json", &source(""));
    let output = bucatini(&["validate", &good]);
    let text = out(&output);
    assert_eq!(code(&output), 0, "{text}{}", err(&output));
    assert!(text.contains("  honoured  database.password                                [hidden]\n"), "{text}");
    assert!(text.contains("http://[hidden]@127.0.0.1:1"), "{text}");
    assert!(text.lines().skip(1).all(|line| line.chars().count() <= 100), "{text}");
    let all = out(&bucatini(&["validate", "--all", &good]));
    assert!(all.contains("  default   slot.name                                        debezium\n"), "{all}");
    let bad = folder.file("bad.json", &source(",\n  \"slot.nmae\": \"x\",\n  \"snapshot.mode\": \"inital\""));
    let output = bucatini(&["validate", &bad, &good]);
    let text = out(&output);
    assert_eq!(code(&output), 2);
    assert!(text.contains("- unknown key; did you mean slot.name?"), "{text}");
    assert!(text.contains("no_data, initial_only, exported, found \"inital\"") && text.contains("2 refused"), "{text}");
    for text in [text, all, err(&output)] {
        assert!(!text.contains(MARKER), "{text}");
    }
}

#[test]
fn validate_answers_as_connect_does() {
    let folder = Folder::new("json");
    let file = folder.file("c.json", &source(",\n  \"slot.nmae\": \"x\""));
    let output = bucatini(&["validate", "-o", "json", &file]);
    assert_eq!(code(&output), 2);
    assert!(!out(&output).contains(MARKER));
    let answer: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(answer["name"], "io.debezium.connector.postgresql.PostgresConnector");
    assert_eq!(answer["error_count"], 1);
    assert!(answer["groups"].as_array().unwrap().iter().any(|group| group == "Common"));
    let configs = answer["configs"].as_array().unwrap();
    let config = |name: &str| configs.iter().find(|config| config["definition"]["name"] == name).unwrap();
    assert_eq!(config("database.password")["value"]["value"], "[hidden]");
    assert_eq!(config("database.password")["definition"]["type"], "PASSWORD");
    assert_eq!(config("slot.name")["definition"]["default_value"], "debezium");
    assert_eq!(config("slot.nmae")["value"]["errors"][0], "unknown key; did you mean slot.name?");
    for config in configs {
        assert_eq!(config["definition"]["name"], config["value"]["name"]);
        assert_eq!(config["value"]["errors"].as_array().unwrap().is_empty(), config["fate"] != "refused");
    }
    let two = bucatini(&["validate", "-o", "json", &file, &file]);
    let answers: serde_json::Value = serde_json::from_str(&out(&two)).unwrap();
    assert_eq!(answers.as_array().unwrap().len(), 2);
}

#[test]
fn templates_are_filled_in_from_the_environment() {
    let (source, sink) = (example("connector_pg_source.json"), example("connector_sink_mysql.json"));
    let output = bucatini(&["validate", &source]);
    assert_eq!(code(&output), 2);
    assert!(out(&output).contains("export POSTGRES_HOST"), "{}", out(&output));
    let filled = Command::new(env!("CARGO_BIN_EXE_bucatini"))
        .args(["validate", &source, &sink])
        .envs([
            ("POSTGRES_HOST", "localhost"),
            ("POSTGRES_PORT", "5432"),
            ("POSTGRES_USER", "joe"),
            ("POSTGRES_PASSWORD", MARKER),
            ("POSTGRES_DATABASE", "pasta"),
            ("POSTGRES_SSLMODE", "require"),
            ("MYSQL_JDBC_URL", "jdbc:mysql://localhost:3306/pasta?ssl-mode=REQUIRED"),
            ("MYSQL_USER", "joe"),
            ("MYSQL_PASSWORD", MARKER),
            ("REGISTRY_URL", "https://localhost:8081"),
            ("REGISTRY_USER", "joe"),
            ("REGISTRY_PASSWORD", MARKER),
            ("ENGINE", "native"),
        ])
        .output()
        .unwrap();
    assert_eq!(code(&filled), 0, "{}", out(&filled));
    assert!(!out(&filled).contains(MARKER));
}

#[test]
fn a_run_that_cannot_start_says_why() {
    let folder = Folder::new("run");
    let good = folder.file("good.json", &source(""));
    let output = bucatini(&["run", &good]);
    assert_eq!(code(&output), 2);
    assert!(
        err(&output).contains("expected Kafka's brokers") && err(&output).contains("-b HOST:PORT"),
        "{}",
        err(&output)
    );

    let bad = folder.file("bad.json", &source(",\n  \"slot.nmae\": \"x\",\n  \"tasks.max\": \"many\""));
    let output = bucatini(&["run", &bad, "-b", "127.0.0.1:1"]);
    assert_eq!(code(&output), 2);
    let text = err(&output);
    assert!(text.contains("bad.json:17: slot.nmae: unknown key; did you mean slot.name?"), "{text}");
    assert!(text.contains("bad.json:18: tasks.max: ") && text.contains("bucatini validate "), "{text}");
    assert!(!text.contains(MARKER), "{text}");

    let output = bucatini(&["run", &bad, "-b", "127.0.0.1:1", "--log-format", "json"]);
    let last = err(&output).lines().last().unwrap().to_owned();
    let event: serde_json::Value = serde_json::from_str(&last).unwrap();
    assert_eq!((event["level"].as_str(), event["code"].as_str()), (Some("ERROR"), Some("config.refused")));

    let braces = folder.file("blog.json", "\"name\":\"cdc-source-pg\",\n\"connector.class\": \"x\"\n");
    let output = bucatini(&["run", &braces]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("blog.json:1:1") && err(&output).contains("braces"), "{}", err(&output));
    assert_eq!(code(&bucatini(&["run", "/nowhere.json"])), 2);
}

#[test]
fn what_does_not_answer_at_the_start_has_its_own_code() {
    let folder = Folder::new("outage");
    let file = folder.file("source.json", &source(",\n  \"errors.retry.timeout\": 500"));
    let offsets = folder.0.join("offsets.json");
    let run = |more: &[&str]| {
        let all = [&["run", &file, "-b", "127.0.0.1:1", "--offsets", offsets.to_str().unwrap()], more].concat();
        bucatini(&all)
    };
    let output = run(&[]);
    assert_eq!(code(&output), 3, "{}", err(&output));
    assert!(err(&output).contains("error: ") && !err(&output).contains(MARKER), "{}", err(&output));
    let output = run(&["--log-format", "json", "-vv"]);
    assert_eq!(code(&output), 3);
    assert!(!err(&output).contains(MARKER), "{}", err(&output));
    for line in err(&output).lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["level"].is_string() && event["timestamp"].is_string());
    }
}

#[test]
fn one_signal_drains() {
    let folder = Folder::new("signal");
    let file = folder.file("source.json", &source(""));
    let offsets = folder.0.join("offsets.json");
    let mut child = Command::new(env!("CARGO_BIN_EXE_bucatini"))
        .args(["run", &file, "-b", "127.0.0.1:1", "--offsets", offsets.to_str().unwrap()])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    // By then the handlers are in place.
    assert!(lines.any(|line| line.contains("trying again")));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let rest: Vec<_> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("stopping: delivering what is under way")), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("0 read in ")), "{rest:?}");
}
