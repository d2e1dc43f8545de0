//! Properties of Kafka and of the registry: files, then options.

use super::Tell;
use super::arguments::Arguments;
use crate::config::{Client, Fate, check, translate};
use connect_data::{Error, Properties, Result};
use schema_registry::keys::KEYS;
use std::path::{Path, PathBuf};

const REGISTRY: &str = "schema.registry.";

/// What the consumer and the registry's client are made from.
#[derive(Debug)]
pub(super) struct Settings {
    /// librdkafka's.
    pub(super) kafka: Properties,
    /// The registry client's; `None` without its URL.
    pub(super) registry: Option<Properties>,
}

impl Settings {
    /// Files are read first: those of `-F`, or `$KCAT_CONFIG`, or `~/.config/kcat.conf` if it is there. `-X` and the other
    /// options win.
    ///
    /// # Errors
    /// Config: a file that cannot be read, a property that nobody knows, no brokers.
    pub(super) fn read(
        arguments: &Arguments,
        tell: Tell,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let mut all = Properties::default();
        for (path, required) in files(arguments, environment) {
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    let line = format!("Reading configuration from file {}", path.display());
                    if required {
                        tell.info(&line)
                    } else {
                        tell.detail(&line)
                    }
                    read_file(&path, &text, &mut all)?;
                }
                Err(_) if !required => {}
                Err(error) => {
                    let message = format!("{}: expected a file that can be read: {error}", path.display());
                    return Err(Error::config("cat.file", message));
                }
            }
        }
        for property in &arguments.properties {
            // The text may be a secret whose key was forgotten: it is not repeated.
            let (name, value) = property.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
                Error::config("cat.property", "option -X: expected KEY=VALUE, found something else")
                    .hint("librdkafka's CONFIGURATION.md lists the keys")
            })?;
            set(&mut all, name, value);
        }
        if let Some(brokers) = &arguments.brokers {
            set(&mut all, "bootstrap.servers", brokers);
        }
        if let Some(contexts) = &arguments.debug {
            set(&mut all, "debug", contexts);
        }
        if let Some(url) = &arguments.registry {
            set(&mut all, "schema.registry.url", url);
        }
        if all.get("bootstrap.servers").is_none_or(str::is_empty) {
            let message = "options: expected brokers, found none";
            return Err(Error::config("cat.brokers", message).hint("add -b HOST:PORT"));
        }
        Ok(Self { registry: registry(&all)?, kafka: kafka(&all)? })
    }
}

/// Files to read, and whether they must be there.
fn files(arguments: &Arguments, environment: impl Fn(&str) -> Option<String>) -> Vec<(PathBuf, bool)> {
    if !arguments.files.is_empty() {
        let none = |path: &&PathBuf| ["-", "none"].iter().any(|none| path.as_os_str() == *none);
        return arguments.files.iter().filter(|path| !none(path)).map(|path| (path.clone(), true)).collect();
    }
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    match (set("KCAT_CONFIG"), set("HOME")) {
        (Some(path), _) => vec![(path.into(), true)],
        (None, Some(home)) => vec![(Path::new(&home).join(".config/kcat.conf"), false)],
        (None, None) => Vec::new(),
    }
}

fn read_file(path: &Path, text: &str, all: &mut Properties) -> Result<()> {
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // Java's files escape these.
        let line = line.replace("\\:", ":").replace("\\=", "=");
        match line.split_once('=') {
            Some((name, value)) if !name.is_empty() => set(all, name, value),
            _ => {
                let message = format!("{}:{number}: expected property=value, found something else", path.display());
                return Err(Error::config("cat.file", message));
            }
        }
    }
    Ok(())
}

/// The last one counts, under whichever of its names.
fn set(all: &mut Properties, name: &str, value: &str) {
    let name = match name.trim() {
        "metadata.broker.list" => "bootstrap.servers",
        name => name.strip_prefix("topic.").unwrap_or(name),
    };
    all.set(name, value);
}

/// librdkafka's keys as they are, the others as those of a Java client.
fn kafka(all: &Properties) -> Result<Properties> {
    let (mut own, mut java) = (Properties::default(), Properties::default());
    for (name, value) in all.iter().filter(|(name, _)| !name.starts_with(REGISTRY)) {
        let known = check(&Properties::from_iter([(name, value)])).is_ok();
        if known { own.set(name, value) } else { java.set(name, value) }
    }
    let translation = translate(Client::Consumer, &java);
    for (name, fate) in &translation.fates {
        if let Fate::Refused(why) = fate {
            return Err(Error::config("cat.property", format!("property {name}: {why}")));
        }
    }
    for (name, value) in translation.properties.iter() {
        own.set(name, value);
    }
    Ok(own)
}

/// The registry client's settings among `schema.registry.*`: Confluent's keys have this prefix or do not, here all do. `None`
/// without a URL. Credentials that are given are used.
///
/// # Errors
/// Config `cat.property`: a key that the client does not have.
pub(crate) fn registry(all: &Properties) -> Result<Option<Properties>> {
    let mut settings = Properties::default();
    for (name, value) in all.iter() {
        let Some(short) = name.strip_prefix(REGISTRY) else { continue };
        let known = |wanted: &str| KEYS.iter().any(|key| key.name == wanted) || wanted.starts_with("request.header.");
        match (known(name), known(short)) {
            (true, _) => settings.set(name, value),
            (false, true) => settings.set(short, value),
            (false, false) => {
                let message = format!("property {name}: expected a setting of the registry's client, found another");
                return Err(Error::config("cat.property", message));
            }
        }
    }
    let Some(url) = settings.get("schema.registry.url").map(|url| url.trim().trim_end_matches('/').to_owned()) else {
        return Ok(None);
    };
    // What is given is meant to be used.
    let basic = if url.contains('@') { "URL" } else { "USER_INFO" };
    let user = ["basic.auth.user.info", "schema.registry.basic.auth.user.info"];
    let has_basic = url.contains('@') || user.iter().any(|name| settings.get(name).is_some());
    if has_basic && settings.get("basic.auth.credentials.source").is_none() {
        settings.set("basic.auth.credentials.source", basic);
    }
    if settings.get("bearer.auth.token").is_some() && settings.get("bearer.auth.credentials.source").is_none() {
        settings.set("bearer.auth.credentials.source", "STATIC_TOKEN");
    }
    settings.set("schema.registry.url", url);
    Ok(Some(settings))
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

    fn read(line: &[&str], environment: &[(&str, &str)]) -> Result<Settings> {
        let arguments = Cat::parse_from(["cat", "-t", "t"].iter().chain(line)).arguments;
        let get = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::read(&arguments, Tell { verbosity: 0 }, get)
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("bucatini-cat-{}-{name}", std::process::id()));
            std::fs::create_dir_all(path.join(".config")).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, text: &str) -> String {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn files_come_first_and_options_win() {
        let folder = Folder::new("order");
        let explicit = folder.file(
            "a.conf",
            "# comment\n\n  metadata.broker.list = a:1\nclient.id=a\ntopic.auto.offset.reset=earliest\n",
        );
        let variable = folder.file("b.conf", "bootstrap.servers=b:1");
        folder.file(".config/kcat.conf", "bootstrap.servers=c:1\nsasl.mechanism=PLAIN");
        let home = ("HOME", folder.0.to_str().unwrap());
        let brokers = |line: &[&str], environment: &[(&str, &str)]| {
            read(line, environment).map(|settings| settings.kafka.get("bootstrap.servers").unwrap().trim().to_owned())
        };
        assert_eq!(brokers(&[], &[home]).unwrap(), "c:1");
        assert_eq!(brokers(&[], &[home, ("KCAT_CONFIG", &variable)]).unwrap(), "b:1");
        assert_eq!(brokers(&["-F", &explicit], &[home, ("KCAT_CONFIG", &variable)]).unwrap(), "a:1");
        assert_eq!(brokers(&["-F", &explicit, "-b", "d:1"], &[home]).unwrap(), "d:1");
        assert_eq!(brokers(&["-F", "none"], &[home]).unwrap_err().code(), "cat.brokers");
        assert_eq!(brokers(&[], &[("KCAT_CONFIG", "/does/not/exist")]).unwrap_err().code(), "cat.file");
        let all = read(&["-F", &explicit, "-X", "client.id=x"], &[]).unwrap().kafka;
        assert_eq!((all.get("client.id"), all.get("auto.offset.reset")), (Some("x"), Some("earliest")));
        let broken = folder.file("broken.conf", "a=b\ns3cret");
        let error = read(&["-F", &broken], &[]).unwrap_err().to_string();
        assert!(error.contains("broken.conf:2: expected property=value") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn java_files_can_be_read() {
        let folder = Folder::new("java");
        let file = folder.file(
            "java.properties",
            "bootstrap.servers=h\\:9092\nsecurity.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nssl.endpoint.identification.algorithm=https\n\
             sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username\\=\"joe\" password\\=\"pw\";\n",
        );
        let kafka = read(&["-F", &file], &[]).unwrap().kafka;
        assert_eq!((kafka.get("sasl.username"), kafka.get("sasl.password")), (Some("joe"), Some("pw")));
        assert_eq!(kafka.get("bootstrap.servers"), Some("h:9092"));
        let error = read(&["-b", "h", "-X", "no.such.thing=s3cret"], &[]).unwrap_err();
        assert!(error.message().contains("no.such.thing") && !error.to_string().contains("s3cret"), "{error}");
        assert_eq!(read(&["-b", "h", "-X", "s3cret"], &[]).unwrap_err().code(), "cat.property");
    }

    #[test]
    fn the_registry_takes_what_it_is_given() {
        let registry = |line: &[&str]| read(&[&["-b", "h"], line].concat(), &[]).unwrap().registry;
        assert!(registry(&[]).is_none());
        let url = registry(&["-r", "https://joe:pw@h:1//"]).unwrap();
        assert_eq!(url.get("schema.registry.url"), Some("https://joe:pw@h:1"));
        assert_eq!(url.get("basic.auth.credentials.source"), Some("URL"));
        let user = registry(&["-r", "http://h", "-X", "schema.registry.basic.auth.user.info=joe:pw"]).unwrap();
        assert_eq!(user.get("basic.auth.credentials.source"), Some("USER_INFO"));
        let token =
            registry(&["-X", "schema.registry.url=http://h", "-X", "schema.registry.bearer.auth.token=x"]).unwrap();
        assert_eq!(token.get("bearer.auth.credentials.source"), Some("STATIC_TOKEN"));
        let tls = registry(&["-r", "http://h", "-X", "schema.registry.ssl.truststore.location=/ca.pem"]).unwrap();
        assert_eq!(tls.get("schema.registry.ssl.truststore.location"), Some("/ca.pem"));
        let error = read(&["-b", "h", "-X", "schema.registry.nonsense=1"], &[]).unwrap_err();
        assert_eq!(error.code(), "cat.property");
    }
}
