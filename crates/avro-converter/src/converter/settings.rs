//! How a converter is set up: what it asks the registry for.

use crate::avro_schema::{AvroSchema, Kind};
use crate::config::{AvroDataConfig, CONFIG};
use connect_data::{Error, Properties, Result};

/// Settings that both directions use.
pub(super) struct Settings {
    pub(super) data: AvroDataConfig,
    pub(super) strategy: Strategy,
    /// Whether the schema id may be in a record header.
    pub(super) id_in_header: bool,
    pub(super) writing: Writing,
    /// What payloads are read as; `None` = what they were written as.
    pub(super) reading: Option<Latest>,
    pub(super) normalize: bool,
    /// `specific.avro.reader`: fails, as there are no classes to read into.
    pub(super) specific: bool,
}

/// Which schema is written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// The record's own, which is registered.
    Register,
    /// The record's own, which must be registered.
    LookUp,
    /// The one with this id.
    Id { id: i32, strict: bool },
    /// A latest version.
    Latest { latest: Latest, strict: bool },
}

/// Which latest version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Latest {
    /// Of the subject.
    Version,
    /// With this metadata.
    Metadata(Vec<(String, String)>),
}

/// How a subject is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    Topic,
    Record,
    TopicRecord,
}

impl Settings {
    pub(super) fn new(properties: &Properties, is_key: bool) -> Result<Self> {
        CONFIG.validate(properties)?;
        let boolean = |name: &str| CONFIG.boolean(properties, name);
        let side = if is_key { "key" } else { "value" };
        let text = |name: &str| CONFIG.text(properties, name);
        refuse_unsupported(properties)?;
        class(properties, &format!("{side}.schema.id.serializer"), &["PrefixSchemaIdSerializer"])?;
        let deserializer = format!("{side}.schema.id.deserializer");
        let metadata = text("use.latest.with.metadata").map(metadata).transpose()?;
        let latest = match metadata {
            Some(metadata) => Some(Latest::Metadata(metadata)),
            None if boolean("use.latest.version")? => Some(Latest::Version),
            None => None,
        };
        let id = CONFIG.integer(properties, "use.schema.id")? as i32;
        let writing = match &latest {
            _ if boolean("auto.register.schemas")? => Writing::Register,
            _ if id >= 0 => Writing::Id { id, strict: boolean("id.compatibility.strict")? },
            Some(latest) => {
                // Confluent checks the latest version only, not one that was chosen by its metadata.
                let strict = *latest == Latest::Version && boolean("latest.compatibility.strict")?;
                Writing::Latest { latest: latest.clone(), strict }
            }
            None => Writing::LookUp,
        };
        Ok(Self {
            data: AvroDataConfig::new(properties)?,
            strategy: Strategy::new(properties, &format!("{side}.subject.name.strategy"))?,
            id_in_header: class(
                properties,
                &deserializer,
                &["DualSchemaIdDeserializer", "PrefixSchemaIdDeserializer"],
            )? == 0,
            writing,
            reading: latest,
            normalize: boolean("normalize.schemas")?,
            specific: boolean("specific.avro.reader")?,
        })
    }
}

/// Settings of the reference that change what is written or read, and that nobody here would follow.
fn refuse_unsupported(properties: &Properties) -> Result<()> {
    for (name, harmless) in [
        ("use.schema.guid", ""),
        ("context.name.strategy", "io.confluent.kafka.serializers.context.NullContextNameStrategy"),
    ] {
        if properties.get(name).is_some_and(|value| value.trim() != harmless) {
            let message = format!("setting {name}: expected none, because it is not supported, found one");
            return Err(Error::config("config.unsupported", message));
        }
    }
    Ok(())
}

/// Position in `known` of a class of Confluent's, given by its full or its simple name.
fn class(properties: &Properties, setting: &str, known: &[&str]) -> Result<usize> {
    let found = CONFIG.text(properties, setting).unwrap_or("");
    let simple = match found.rsplit_once('.') {
        Some((package, simple)) if package.starts_with("io.confluent.kafka.serializers.") => simple,
        Some(_) => "",
        None => found,
    };
    known.iter().position(|name| *name == simple).ok_or_else(|| {
        let message = format!("setting {setting}: expected one of {}, found another class", known.join(", "));
        Error::config("config.class", message).hint("classes of your own cannot be loaded here")
    })
}

/// `a=b,c=d`.
fn metadata(text: &str) -> Result<Vec<(String, String)>> {
    let pair = |item: &str| {
        let (key, value) = item.split_once('=')?;
        Some((key.trim().to_owned(), value.trim().to_owned()))
    };
    text.split(',').map(|item| pair(item).ok_or_else(malformed)).collect()
}

fn malformed() -> Error {
    Error::config("config.invalid", "setting use.latest.with.metadata: expected key=value, found something else")
}

impl Strategy {
    fn new(properties: &Properties, setting: &str) -> Result<Self> {
        // Confluent's newer default asks for associations first and falls back to the topic.
        let known = ["TopicNameStrategy", "AssociatedNameStrategy", "RecordNameStrategy", "TopicRecordNameStrategy"];
        Ok(match class(properties, setting, &known)? {
            0 | 1 => Self::Topic,
            2 => Self::Record,
            _ => Self::TopicRecord,
        })
    }

    /// The subject, if it does not depend on the schema.
    pub(super) fn of_topic(self, topic: &str, is_key: bool) -> Option<String> {
        let side = if is_key { "key" } else { "value" };
        (self == Self::Topic).then(|| format!("{topic}-{side}"))
    }

    /// The subject of a schema.
    ///
    /// # Errors
    /// Data `avro.subject`: only records have names.
    pub(super) fn subject(self, topic: &str, is_key: bool, schema: &AvroSchema) -> Result<String> {
        if let Some(subject) = self.of_topic(topic, is_key) {
            return Ok(subject);
        }
        let (Kind::Record(record), simple) = (&schema.root().kind, self == Self::Record) else {
            let found = schema.root().kind.type_name();
            let message = format!("subject: expected a record to name it after, found {found}");
            return Err(Error::data("avro.subject", message)
                .hint("use TopicNameStrategy, or write only required structs with a name"));
        };
        let name = record.name.full();
        Ok(if simple { name.to_owned() } else { format!("{topic}-{name}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::ErrorKind;

    fn settings(entries: &[(&str, &str)]) -> Result<Settings> {
        let mut properties = Properties::from_iter(entries.iter().copied());
        properties.set("schema.registry.url", "http://localhost");
        Settings::new(&properties, false)
    }

    #[test]
    fn registering_goes_before_ids_and_ids_before_versions() {
        let writing = |entries: &[(&str, &str)]| settings(entries).unwrap().writing;
        let all = [("use.schema.id", "7"), ("use.latest.version", "true"), ("auto.register.schemas", "false")];
        assert_eq!(writing(&all[..2]), Writing::Register);
        assert_eq!(writing(&all), Writing::Id { id: 7, strict: true });
        assert_eq!(writing(&all[1..]), Writing::Latest { latest: Latest::Version, strict: true });
        assert_eq!(writing(&all[2..]), Writing::LookUp);
        let metadata = writing(&[all[2], ("use.latest.with.metadata", "a=b, c=d=e")]);
        let pairs = vec![("a".to_owned(), "b".to_owned()), ("c".to_owned(), "d=e".to_owned())];
        assert_eq!(metadata, Writing::Latest { latest: Latest::Metadata(pairs), strict: false });
    }

    #[test]
    fn subjects_are_named_as_in_java() {
        let record = AvroSchema::parse(r#"{"type":"record","name":"n.R","fields":[]}"#, &[]).unwrap();
        let int = AvroSchema::parse(r#""int""#, &[]).unwrap();
        let subject = |strategy: Strategy, schema| strategy.subject("t", true, schema);
        assert_eq!(subject(Strategy::Topic, &int).unwrap(), "t-key");
        assert_eq!(subject(Strategy::Record, &record).unwrap(), "n.R");
        assert_eq!(subject(Strategy::TopicRecord, &record).unwrap(), "t-n.R");
        assert_eq!(subject(Strategy::Record, &int).unwrap_err().code(), "avro.subject");
    }

    #[test]
    fn foreign_classes_are_refused() {
        for (name, value) in [
            ("value.subject.name.strategy", "nope.X"),
            ("value.subject.name.strategy", "nope.TopicNameStrategy"),
            ("value.schema.id.serializer", "io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer"),
            ("use.schema.guid", "x"),
            ("use.latest.with.metadata", "x"),
        ] {
            assert_eq!(settings(&[(name, value)]).err().unwrap().kind(), ErrorKind::Config, "{name}");
        }
        let record = "io.confluent.kafka.serializers.subject.RecordNameStrategy";
        assert_eq!(settings(&[("value.subject.name.strategy", record)]).unwrap().strategy, Strategy::Record);
        assert_eq!(settings(&[("key.subject.name.strategy", record)]).unwrap().strategy, Strategy::Topic);
    }
}
