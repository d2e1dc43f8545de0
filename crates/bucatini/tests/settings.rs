//! What becomes of every key of real configurations, written down in `tests/settings`; secrets in no output.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bucatini_runner::config::secrets::Redactor;
use bucatini_runner::config::{Fate, Loaded, Request, RunOptions, load};
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The placeholders of the example.
fn environment(name: &str) -> Option<String> {
    let value = match name {
        "POSTGRES_HOST" | "MYSQL_USER" | "POSTGRES_USER" | "POSTGRES_DATABASE" => "pasta",
        "POSTGRES_PORT" => "5432",
        "POSTGRES_SSLMODE" => "require",
        "MYSQL_JDBC_URL" => "jdbc:mysql://localhost:3306/pasta?ssl-mode=REQUIRED",
        "REGISTRY_URL" => "https://localhost:8081",
        "ENGINE" => "wasm",
        "POSTGRES_PASSWORD" | "MYSQL_PASSWORD" | "REGISTRY_USER" | "REGISTRY_PASSWORD" => "s3cretMarker",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read(files: &[PathBuf], lenient: bool) -> Loaded {
    let request = Request {
        files,
        worker: None,
        bootstrap_servers: Some("localhost:9092".to_owned()),
        kafka_properties: &[],
        lenient,
        options: RunOptions::default(),
        environment: &environment,
        redactor: &Redactor::new(),
    };
    load(&request).unwrap()
}

/// One line for each key that is set.
fn fates(loaded: &Loaded) -> String {
    let mut text = String::new();
    for key in loaded.audits.iter().flat_map(|audit| &audit.keys).filter(|key| key.fate != Fate::Default) {
        text.push_str(&match &key.fate {
            Fate::Ignored(why) => format!("ignored  {}: {why}\n", key.key),
            Fate::Refused(why) => format!("refused  {}: {why}\n", key.key),
            _ => format!("honoured {}\n", key.key),
        });
    }
    text
}

/// A file with this content, removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bucatini-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn every_key_of_real_configurations_has_its_fate() {
    let (story, pasta) = (repository().join("tests/corpus/story"), repository().join("examples/pasta"));
    let mut files = Vec::new();
    for name in ["17-ccompat-mysql", "17-json-mysql", "17-apicurio-maria", "3-ccompat-maria"] {
        for side in ["source", "sink"] {
            files.push((format!("{name}-{side}"), story.join(format!("pasta-{name}-connector_{side}.json"))));
        }
    }
    for (name, folder) in [("pasta", pasta.clone()), ("pasta-connect", pasta.join("connect"))] {
        files.push((format!("{name}-source"), folder.join("connector_pg_source.json")));
        files.push((format!("{name}-sink"), folder.join("connector_sink_mysql.json")));
    }
    let mut different = Vec::new();
    for (name, file) in files {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/settings/{name}.txt"));
        let found = fates(&read(&[file], false));
        if std::env::var_os("BUCATINI_WRITE_GOLDEN").is_some() {
            std::fs::write(&golden, &found).unwrap();
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != found {
            different.push(format!("{}:\n{found}", golden.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn the_example_makes_a_pipeline() {
    let pasta = repository().join("examples/pasta");
    let files = [pasta.join("connector_sink_mysql.json"), pasta.join("connector_pg_source.json")];
    let pipeline = read(&files, false).pipeline().unwrap();
    let source = pipeline.source.as_ref().unwrap();
    assert_eq!((source.name.as_str(), source.connector.get("slot.name")), ("cdc-source-pg", Some("test_slot")));
    assert_eq!(source.connector.get("database.password"), Some("s3cretMarker"));
    assert_eq!(source.producer.get("bootstrap.servers"), Some("localhost:9092"));
    let [sink] = pipeline.sinks.as_slice() else { panic!("expected one sink") };
    assert_eq!(sink.consumer.get("group.id"), Some("connect-cdc-sink-mysql"));
    assert!(sink.topics.contains("my_pg_source.public.pasta") && !sink.topics.contains("pasta"));
    assert_eq!(sink.transforms[0].properties.get("delete.handling.mode"), Some("rewrite"));
    assert_eq!(sink.transforms[0].properties.get("type"), None);
    let user_info = sink.value_converter.as_ref().unwrap().properties.get("schema.registry.basic.auth.user.info");
    assert_eq!(user_info, Some("s3cretMarker:s3cretMarker"));
    assert!(!format!("{pipeline:?}").contains("s3cretMarker"));
}

const SOURCE: &str = r#"
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "database.hostname": "h", "database.user": "u", "database.dbname": "d", "database.server.name": "s",
    "key.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter""#;

const SINK: &str = r#"
    "connector.class": "io.aiven.connect.jdbc.JdbcSinkConnector", "topics": "t",
    "connection.url": "jdbc:mysql://h/d", "connection.user": "u", "connection.password": "p",
    "key.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter""#;

/// What becomes of a key of a connector that has these settings beside the necessary ones.
fn fate(base: &str, more: &str, key: &str) -> Fate {
    let name =
        format!("{:x}.json", more.bytes().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())));
    let file = Temporary::new(&name, &format!("{{{base}, {more}}}"));
    let loaded = read(std::slice::from_ref(&file.0), false);
    let found = loaded.audits[0].keys.iter().find(|report| report.key == key);
    found.unwrap_or_else(|| panic!("{key} is not reported")).fate.clone()
}

fn refusal(base: &str, more: &str, key: &str) -> String {
    match fate(base, more, key) {
        Fate::Refused(why) => why,
        other => panic!("{key} of {more}: {other:?}"),
    }
}

#[test]
fn unknown_keys_are_refused_with_what_was_probably_meant() {
    for (base, more, key, near) in [
        (SOURCE, r#""slot.nmae": "x""#, "slot.nmae", "did you mean slot.name?"),
        (SOURCE, r#""errors.tolerence": "all""#, "errors.tolerence", "did you mean errors.tolerance?"),
        (SINK, r#""insert_mode": "upsert""#, "insert_mode", "did you mean insert.mode?"),
        (
            SINK,
            r#""value.converter.schema.enable": "true""#,
            "value.converter.schema.enable",
            "did you mean value.converter.schemas.enable?",
        ),
        (
            SINK,
            r#""consumer.override.fetch.min.byte": "1""#,
            "consumer.override.fetch.min.byte",
            "did you mean fetch.min.bytes?",
        ),
        (SINK, r#""errors.tolerance": "al""#, "errors.tolerance", "did you mean all?"),
    ] {
        let why = refusal(base, more, key);
        assert!(why.contains(near), "{key}: {why}");
    }
    let file = Temporary::new("lenient.json", &format!("{{{SOURCE}, \"slot.nmae\": \"x\"}}"));
    let loaded = read(std::slice::from_ref(&file.0), true);
    assert!(!loaded.is_refused());
    assert!(
        loaded
            .notices()
            .iter()
            .any(|notice| notice.contains("slot.nmae is ignored: unknown key; did you mean slot.name?"))
    );
}

#[test]
fn who_leaves_the_debezium_generation_open_is_told_once() {
    let unwrap = r#""transforms": "a,b", "transforms.a.type": "io.debezium.transforms.ExtractNewRecordState",
        "transforms.b.type": "io.debezium.transforms.ExtractNewRecordState""#;
    let said = |more: &str| {
        let file = Temporary::new("undecided.json", &format!("{{{SINK}, {unwrap}{more}}}"));
        read(std::slice::from_ref(&file.0), false).notices().iter().filter(|said| said.contains("tombstones")).count()
    };
    assert_eq!(said(""), 1);
    assert_eq!(said(r#", "transforms.a.drop.tombstones": "false""#), 1);
    assert_eq!(said(r#", "transforms.a.generation": "3.x", "transforms.b.generation": "auto""#), 0);
}

#[test]
fn chains_are_checked_as_a_whole() {
    let unwrap = r#""transforms": "a,b", "transforms.a.type": "io.debezium.transforms.ExtractNewRecordState",
        "transforms.b.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.b.regex": "(.*)", "transforms.b.replacement": "x$1""#;
    assert_eq!(fate(SINK, unwrap, "transforms.b.replacement"), Fate::Honoured);
    let with = |more: &str| format!("{unwrap}, {more}");
    for (more, key, part) in [
        (r#""transforms.c.type": "x""#, "transforms.c.type", "its alias is not in transforms"),
        (r#""transforms.a.predicate": "p""#, "transforms.a.predicate", "p is not in predicates"),
        (r#""transforms.a.negate": "true""#, "transforms.a.negate", "no predicate to negate"),
        (
            r#""transforms.a.drop.tombstone": "true""#,
            "transforms.a.drop.tombstone",
            "did you mean transforms.a.drop.tombstones?",
        ),
        (
            r#""transforms.a.delete.handling.mode": "rewrit""#,
            "transforms.a.delete.handling.mode",
            "did you mean rewrite?",
        ),
        (r#""predicates": "p", "predicates.p.type": "org.example.Mine""#, "predicates.p.type", "no JVM runs here"),
        (
            r#""predicates": "p", "predicates.p.type": "TopicNameMatches", "predicates.p.pattern": "(?<!a)b""#,
            "predicates.p.pattern",
            "look-around",
        ),
        (r#""predicates": "p""#, "predicates.p.type", "it must be set"),
    ] {
        let why = refusal(SINK, &with(more), key);
        assert!(why.contains(part), "{key}: {why}");
    }
    let both = r#""transforms": "a", "transforms.a.type": "io.debezium.transforms.ExtractNewRecordState",
        "transforms.a.drop.tombstones": "false", "transforms.a.delete.tombstone.handling.mode": "drop""#;
    assert!(refusal(SINK, both, "transforms.a.type").contains("expected those of one Debezium generation"));
    for (class, part) in [
        ("org.apache.kafka.connect.transforms.ReplaceField", "has two forms"),
        ("org.apache.kafka.connect.transforms.Cast$Value", "no JVM runs here"),
        ("io.debezium.transforms.ExtractNewRecordStat", "did you mean io.debezium.transforms.ExtractNewRecordState?"),
    ] {
        let why = refusal(SINK, &format!(r#""transforms": "a", "transforms.a.type": "{class}""#), "transforms.a.type");
        assert!(why.contains(part), "{class}: {why}");
    }
    let predicate = r#""transforms": "a", "transforms.a.type": "wasm:mine.wasm", "transforms.a.component.sha256": "00", "transforms.a.whatever": "1",
        "transforms.a.predicate": "p", "transforms.a.negate": "TRUE", "predicates": "p,q", "predicates.p.type": "RecordIsTombstone",
        "predicates.q.type": "HasHeaderKey", "predicates.q.name": "n""#;
    assert!(matches!(fate(SINK, predicate, "predicates.q.type"), Fate::Ignored(_)));
    let file = Temporary::new("chain.json", &format!("{{{SINK}, {predicate}}}"));
    let pipeline = read(std::slice::from_ref(&file.0), false).pipeline().unwrap();
    let [transform] = pipeline.sinks[0].transforms.as_slice() else { panic!("expected one transformation") };
    assert!(transform.predicate.as_ref().unwrap().negate);
    assert_eq!(transform.properties.iter().collect::<Vec<_>>(), [("whatever", "1")]);
}

#[test]
fn conditions_between_keys_are_kept() {
    let queue = r#""errors.deadletterqueue.topic.name": "dlq""#;
    assert!(refusal(SINK, queue, "errors.deadletterqueue.topic.name").contains("errors.tolerance=all"));
    let tolerated = format!(r#"{queue}, "errors.tolerance": "ALL""#);
    assert_eq!(fate(SINK, &tolerated, "errors.deadletterqueue.topic.name"), Fate::Honoured);
    assert!(refusal(SINK, r#""topics.regex": "t.*""#, "topics.regex").contains("topics is set too"));
    assert!(matches!(fate(SOURCE, r#""tasks.max": 4"#, "tasks.max"), Fate::Ignored(_)));
    assert_eq!(fate(SINK, r#""tasks.max": 4"#, "tasks.max"), Fate::Honoured);
    assert!(refusal(SOURCE, r#""tasks.max": 0"#, "tasks.max").contains("at least 1"));
    assert!(refusal(SOURCE, r#""exactly.once.support": "required""#, "exactly.once.support").contains("at least once"));
    assert!(
        refusal(SOURCE, r#""topic.creation.default.cleanup.policy": "compact""#, "topic.creation.default.partitions")
            .contains("must be set")
    );
    let without = SINK
        .replace("org.apache.kafka.connect.json.JsonConverter", "io.apicurio.registry.utils.converter.AvroConverter");
    assert!(refusal(&without, r#""key.converter.x": "1""#, "key.converter").contains("/apis/ccompat/v7"));
    assert!(matches!(fate(&without, r#""key.converter.x": "1""#, "key.converter.x"), Fate::Ignored(_)));
    let none = SINK.replace("\"key.converter\"", "\"key.converter.schemas.enable\"");
    assert!(refusal(&none, r#""batch.size": 1"#, "key.converter").contains("--worker"));
    assert!(refusal("\"name\": \"n\"", "\"a\": 1", "connector.class").contains("must be set"));
    let wrong = r#""connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector""#;
    assert!(
        refusal(wrong, r#""a": 1"#, "connector.class")
            .contains("did you mean io.confluent.connect.jdbc.JdbcSinkConnector?")
    );
}

#[test]
fn several_files_make_one_pipeline_or_none() {
    let source = Temporary::new("one-source.json", &format!("{{\"name\": \"a\", {SOURCE}}}"));
    let sink = Temporary::new("one-sink.json", &format!("{{\"name\": \"b\", {SINK}}}"));
    let same = Temporary::new("same-sink.json", &format!("{{\"name\": \"a\", {SINK}}}"));
    let files = |all: &[&Temporary]| all.iter().map(|file| file.0.clone()).collect::<Vec<_>>();
    assert!(read(&files(&[&source, &sink]), false).pipeline().is_ok());
    let message = |all: &[&Temporary]| read(&files(all), false).pipeline().unwrap_err().to_string();
    assert!(message(&[&source, &source]).contains("at most one source connector"));
    assert!(message(&[&source, &same]).contains("found a twice"));
    let unnamed = Temporary::new("unnamed.json", &format!("{{{SINK}}}"));
    let name = read(&files(&[&unnamed]), false).pipeline().unwrap().sinks[0].name.clone();
    assert!(name.ends_with("-unnamed"), "{name}");
}

#[test]
fn the_worker_gives_what_connectors_lack() {
    let worker = Temporary::new(
        "worker.properties",
        "bootstrap.servers=from-worker:9092\nsecurity.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n\
         sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"joe\" password=\"${mine:PASSWORD}\";\n\
         producer.linger.ms=7\nconsumer.fetch.min.bytes=9\nconsumer.max.poll.records=5\n\
         key.converter=org.apache.kafka.connect.json.JsonConverter\nkey.converter.schemas.enable=false\n\
         value.converter=org.apache.kafka.connect.json.JsonConverter\noffset.storage.file.filename=/var/lib/o\n\
         plugin.path=/usr/share/java\nrest.port=8083\nconfig.providers=mine\n\
         config.providers.mine.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider\n",
    );
    let sink = SINK
        .replace("\"key.converter\": \"org.apache.kafka.connect.json.JsonConverter\",", "")
        .replace("\"value.converter\": \"org.apache.kafka.connect.json.JsonConverter\"", "\"batch.size\": 10");
    let file = Temporary::new("bare.json", &format!("{{{sink}, \"consumer.override.fetch.min.bytes\": 11}}"));
    let environment = |name: &str| (name == "PASSWORD").then(|| "s3cretMarker".to_owned());
    let redactor = Redactor::new();
    let request = Request {
        files: std::slice::from_ref(&file.0),
        worker: Some(worker.0.clone()),
        bootstrap_servers: None,
        kafka_properties: &[("client.id".to_owned(), "me".to_owned())],
        lenient: false,
        options: RunOptions::default(),
        environment: &environment,
        redactor: &redactor,
    };
    let loaded = load(&request).unwrap();
    assert!(!format!("{loaded:?}").contains("s3cretMarker"), "{loaded:?}");
    let pipeline = loaded.pipeline().unwrap();
    let sink = &pipeline.sinks[0];
    let expected = [
        ("bootstrap.servers", "from-worker:9092"),
        ("client.id", "me"),
        ("fetch.min.bytes", "11"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.password", "s3cretMarker"),
        ("sasl.username", "joe"),
        ("security.protocol", "SASL_SSL"),
    ];
    let found: Vec<_> = sink.consumer.iter().filter(|(key, _)| *key != "group.id").collect();
    assert_eq!(found, expected);
    assert_eq!(sink.key_converter.as_ref().unwrap().properties.get("schemas.enable"), Some("false"));
    assert_eq!(pipeline.options.offsets.as_deref(), Some(Path::new("/var/lib/o")));
    assert_eq!(redactor.clean("log of s3cretMarker"), "log of [hidden]");
    let text = format!("{:?}", pipeline.kafka);
    assert!(text.contains("sasl.password") && !text.contains("s3cretMarker"));
}
