//! Kafka client settings: the keys of the Java clients (4.1), and what librdkafka calls them.

use super::audit::{Fate, without_code};
use super::secrets;
use super::suggest;
use connect_data::{Error, Properties, Result};
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;

/// What every Kafka client of a run has in common, `bootstrap.servers` included, in librdkafka's spelling.
///
/// [`super::SourceConfig::producer`] and [`super::SinkConfig::consumer`] hold these and their own: each is complete.
/// This set is for the rest (administration, dead-letter queue).
#[derive(Clone, Debug, Default)]
pub struct KafkaClientSettings {
    /// librdkafka properties.
    pub properties: Properties,
}

/// Which of the Java clients a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Producers.
    Producer,
    /// Consumers.
    Consumer,
    /// Whatever both and the administration client have.
    Common,
}

/// What becomes of a Java client's key.
#[derive(Clone, Copy)]
enum Means {
    /// librdkafka has it under the same name.
    Same,
    /// librdkafka has it under this name.
    Named(&'static str),
    /// Its meaning depends on others: [`Translation::together`].
    Together,
    Ignored(&'static str),
    Refused(&'static str),
}

use Client::{Common, Consumer, Producer};
use Means::{Ignored, Named, Refused, Same, Together};

const JVM: &str = "it is about classes of the JVM";
const OF_LIBRDKAFKA: &str = "librdkafka decides this by itself";
const SERIALIZER: &str = "records are converted by the connector's converters";
const KERBEROS: &str = "Kerberos (GSSAPI) is not built in; use SCRAM, PLAIN or TLS";
const TOKENS: &str = "OAUTHBEARER is not built in; use SCRAM, PLAIN or TLS";

/// Every key of `ProducerConfig`, `ConsumerConfig`, `SaslConfigs` and `SslConfigs`.
const KEYS: &[(Client, &str, Means)] = &[
    (Common, "bootstrap.servers", Same),
    (Common, "client.id", Same),
    (Common, "client.dns.lookup", Same),
    (Common, "connections.max.idle.ms", Same),
    (Common, "metadata.max.age.ms", Same),
    (Common, "metadata.recovery.strategy", Same),
    (Common, "metadata.recovery.rebootstrap.trigger.ms", Same),
    (Common, "reconnect.backoff.ms", Same),
    (Common, "reconnect.backoff.max.ms", Same),
    (Common, "retry.backoff.ms", Same),
    (Common, "retry.backoff.max.ms", Same),
    (Common, "request.timeout.ms", Named("socket.timeout.ms")),
    (Common, "receive.buffer.bytes", Named("socket.receive.buffer.bytes")),
    (Common, "send.buffer.bytes", Named("socket.send.buffer.bytes")),
    (Common, "socket.connection.setup.timeout.ms", Same),
    (Common, "socket.connection.setup.timeout.max.ms", Ignored(OF_LIBRDKAFKA)),
    (Common, "enable.metrics.push", Same),
    (Common, "default.api.timeout.ms", Ignored(OF_LIBRDKAFKA)),
    (Common, "metric.reporters", Ignored(JVM)),
    (Common, "metrics.num.samples", Ignored(JVM)),
    (Common, "metrics.recording.level", Ignored(JVM)),
    (Common, "metrics.sample.window.ms", Ignored(JVM)),
    (Common, "auto.include.jmx.reporter", Ignored(JVM)),
    (Common, "interceptor.classes", Refused("classes of the JVM cannot be loaded here")),
    (Common, "config.providers", Refused("set it in the worker's file")),
    (Common, "security.protocol", Same),
    (Common, "security.providers", Ignored(JVM)),
    (Common, "sasl.mechanism", Together),
    (Common, "sasl.jaas.config", Together),
    (Common, "sasl.client.callback.handler.class", Refused("classes of the JVM cannot be loaded here")),
    (Common, "sasl.login.callback.handler.class", Refused("classes of the JVM cannot be loaded here")),
    (Common, "sasl.login.class", Refused("classes of the JVM cannot be loaded here")),
    (Common, "sasl.login.*", Ignored("it is about renewing tokens and tickets, of which there are none")),
    (Common, "sasl.kerberos.*", Refused(KERBEROS)),
    (Common, "sasl.oauthbearer.*", Refused(TOKENS)),
    (Common, "ssl.truststore.*", Together),
    (Common, "ssl.keystore.*", Together),
    (Common, "ssl.key.password", Same),
    (Common, "ssl.endpoint.identification.algorithm", Together),
    (
        Common,
        "ssl.cipher.suites",
        Refused("the JVM's names of cipher suites differ from OpenSSL's; use --kafka-property ssl.cipher.suites=..."),
    ),
    (Common, "ssl.enabled.protocols", Ignored("OpenSSL takes TLS 1.2 and 1.3")),
    (Common, "ssl.protocol", Ignored("OpenSSL takes TLS 1.2 and 1.3")),
    (Common, "ssl.provider", Ignored(JVM)),
    (Common, "ssl.keymanager.algorithm", Ignored(JVM)),
    (Common, "ssl.trustmanager.algorithm", Ignored(JVM)),
    (Common, "ssl.secure.random.implementation", Ignored(JVM)),
    (Common, "ssl.engine.factory.class", Refused("classes of the JVM cannot be loaded here")),
    (Producer, "acks", Same),
    (Producer, "batch.size", Same),
    (Producer, "linger.ms", Same),
    (Producer, "buffer.memory", Together),
    (Producer, "compression.type", Same),
    (Producer, "compression.gzip.level", Named("compression.level")),
    (Producer, "compression.lz4.level", Named("compression.level")),
    (Producer, "compression.zstd.level", Named("compression.level")),
    (Producer, "delivery.timeout.ms", Same),
    (Producer, "enable.idempotence", Same),
    (Producer, "max.block.ms", Ignored("a full buffer slows the source down here, without a time limit")),
    (Producer, "max.in.flight.requests.per.connection", Same),
    (Producer, "max.request.size", Named("message.max.bytes")),
    (Producer, "metadata.max.idle.ms", Ignored(OF_LIBRDKAFKA)),
    (Producer, "partitioner.class", Together),
    (Producer, "partitioner.adaptive.partitioning.enable", Ignored("it is about records without a key")),
    (Producer, "partitioner.availability.timeout.ms", Ignored("it is about records without a key")),
    (Producer, "partitioner.ignore.keys", Refused("records of one key must stay in order")),
    (Producer, "retries", Same),
    (Producer, "key.serializer", Refused(SERIALIZER)),
    (Producer, "value.serializer", Refused(SERIALIZER)),
    (Producer, "transactional.id", Refused("sources write at least once, without transactions")),
    (Producer, "transaction.timeout.ms", Ignored("sources write without transactions")),
    (Producer, "transaction.two.phase.commit.enable", Refused("sources write without transactions")),
    (Consumer, "group.id", Same),
    (Consumer, "group.instance.id", Same),
    (Consumer, "group.protocol", Same),
    (Consumer, "group.remote.assignor", Same),
    (Consumer, "auto.offset.reset", Together),
    (Consumer, "auto.commit.interval.ms", Ignored("offsets are committed after the database has")),
    (Consumer, "enable.auto.commit", Together),
    (Consumer, "isolation.level", Same),
    (Consumer, "max.poll.interval.ms", Same),
    (
        Consumer,
        "max.poll.records",
        Ignored("a sink takes what has come, and writes up to 10,000 records in one transaction"),
    ),
    (Consumer, "session.timeout.ms", Same),
    (Consumer, "heartbeat.interval.ms", Same),
    (Consumer, "partition.assignment.strategy", Together),
    (Consumer, "fetch.min.bytes", Same),
    (Consumer, "fetch.max.bytes", Same),
    (Consumer, "fetch.max.wait.ms", Named("fetch.wait.max.ms")),
    (Consumer, "max.partition.fetch.bytes", Same),
    (Consumer, "check.crcs", Same),
    (Consumer, "client.rack", Same),
    (Consumer, "exclude.internal.topics", Ignored("internal topics are read only if they are named")),
    (Consumer, "allow.auto.create.topics", Same),
    (Consumer, "key.deserializer", Refused(SERIALIZER)),
    (Consumer, "value.deserializer", Refused(SERIALIZER)),
];

/// Java client settings of one kind of client, turned into librdkafka's.
#[derive(Debug, Default)]
pub struct Translation {
    /// librdkafka properties.
    pub properties: Properties,
    /// What became of each key, in the order of the keys.
    pub fates: Vec<(String, Fate)>,
}

/// Translates the settings of a client. Keys that only librdkafka has are taken as they are.
pub fn translate(client: Client, java: &Properties) -> Translation {
    let mut translation = Translation::default();
    for (key, value) in java.iter() {
        let fate = translation.key(client, java, key, value);
        translation.fates.push((key.to_owned(), fate));
    }
    translation
}

fn means(client: Client, key: &str) -> Option<Means> {
    let fits = |of: Client| client == of || of == Common || client == Common;
    let matches = |name: &str| match name.strip_suffix('*') {
        Some(start) => key.starts_with(start),
        None => key == name,
    };
    KEYS.iter().find(|(of, name, _)| fits(*of) && matches(name)).map(|(_, _, means)| *means)
}

impl Translation {
    fn key(&mut self, client: Client, java: &Properties, key: &str, value: &str) -> Fate {
        match means(client, key) {
            Some(Same) => self.set(key, value),
            Some(Named("socket.timeout.ms")) if client == Producer => self.set("request.timeout.ms", value),
            Some(Named(name)) => self.set(name, value),
            Some(Ignored(why)) => Fate::Ignored(why.to_owned()),
            Some(Refused(why)) => Fate::Refused(why.to_owned()),
            Some(Together) => {
                self.together(java, key, value).unwrap_or_else(|error| Fate::Refused(without_code(&error)))
            }
            None => match check(&Properties::from_iter([(key, value)])) {
                Ok(()) => self.set(key, value),
                Err(_) => {
                    let known = KEYS.iter().map(|(_, name, _)| *name);
                    let near =
                        suggest::nearest(key, known).map_or(String::new(), |near| format!("; did you mean {near}?"));
                    Fate::Refused(format!("neither Kafka's Java clients nor librdkafka take this{near}"))
                }
            },
        }
    }

    /// Sets a librdkafka property if librdkafka takes it.
    fn set(&mut self, name: &str, value: &str) -> Fate {
        match check(&Properties::from_iter([(name, value.trim())])) {
            Ok(()) => {
                self.properties.set(name, value.trim());
                Fate::Honoured
            }
            Err(error) => Fate::Refused(without_code(&error)),
        }
    }

    fn together(&mut self, java: &Properties, key: &str, value: &str) -> Result<Fate> {
        let value = value.trim();
        let kind = |key: &str| java.get(key).map_or("JKS".to_owned(), |kind| kind.trim().to_ascii_uppercase());
        Ok(match key {
            "sasl.mechanism" => match value {
                "GSSAPI" => Fate::Refused(KERBEROS.to_owned()),
                "OAUTHBEARER" => Fate::Refused(TOKENS.to_owned()),
                _ => self.set(key, value),
            },
            "sasl.jaas.config" => {
                let (user, password) = jaas(value)?;
                self.properties.set("sasl.username", user);
                self.properties.set("sasl.password", password);
                Fate::Honoured
            }
            "ssl.truststore.location" => match kind("ssl.truststore.type").as_str() {
                "PEM" => self.set("ssl.ca.location", value),
                kind => Fate::Refused(format!(
                    "trust stores of type {kind} cannot be read here; keytool -list -rfc -keystore STORE > ca.pem, then \
                     ssl.truststore.type=PEM with that file"
                )),
            },
            "ssl.truststore.certificates" => self.set("ssl.ca.pem", value),
            "ssl.truststore.password" => Fate::Ignored("PEM needs none".to_owned()),
            "ssl.truststore.type" | "ssl.keystore.type" => Fate::Honoured,
            "ssl.keystore.location" => match kind("ssl.keystore.type").as_str() {
                "PKCS12" => self.set("ssl.keystore.location", value),
                "PEM" => {
                    self.set("ssl.certificate.location", value);
                    self.set("ssl.key.location", value)
                }
                kind => Fate::Refused(format!(
                    "key stores of type {kind} cannot be read here; keytool -importkeystore -srckeystore STORE \
                     -destkeystore store.p12 -deststoretype PKCS12, then ssl.keystore.type=PKCS12 with that file"
                )),
            },
            "ssl.keystore.password" if kind("ssl.keystore.type") == "PKCS12" => self.set(key, value),
            "ssl.keystore.password" => Fate::Ignored("only PKCS12 needs it; for PEM it is ssl.key.password".to_owned()),
            "ssl.keystore.key" => self.set("ssl.key.pem", value),
            "ssl.keystore.certificate.chain" => self.set("ssl.certificate.pem", value),
            "ssl.endpoint.identification.algorithm" if value.is_empty() => self.set(key, "none"),
            "ssl.endpoint.identification.algorithm" => self.set(key, value),
            "buffer.memory" => match value.parse::<u64>() {
                Ok(bytes) => {
                    self.set("queue.buffering.max.kbytes", &(bytes / 1024).clamp(1, 2_147_483_647).to_string())
                }
                Err(_) => Fate::Refused("expected a number of bytes".to_owned()),
            },
            "partitioner.class" => match value {
                "" | "org.apache.kafka.clients.producer.internals.DefaultPartitioner" => {
                    Fate::Ignored("records go to the partitions that Java's default gives them".to_owned())
                }
                _ => Fate::Refused("classes of the JVM cannot be loaded here".to_owned()),
            },
            "auto.offset.reset" => match value {
                "none" => self.set(key, "error"),
                _ => self.set(key, value),
            },
            "enable.auto.commit" if value.eq_ignore_ascii_case("false") => {
                Fate::Ignored("offsets are committed after the database has".to_owned())
            }
            "enable.auto.commit" => Fate::Refused("offsets are committed after the database has".to_owned()),
            "partition.assignment.strategy" => self.assignors(value),
            _ => Fate::Refused("this client setting has no counterpart in librdkafka".to_owned()),
        })
    }

    fn assignors(&mut self, value: &str) -> Fate {
        let name = |class: &str| match class.trim().rsplit('.').next() {
            Some("RangeAssignor") => Some("range"),
            Some("RoundRobinAssignor") => Some("roundrobin"),
            Some("CooperativeStickyAssignor") => Some("cooperative-sticky"),
            _ => None,
        };
        match value.split(',').map(name).collect::<Option<Vec<_>>>() {
            // librdkafka does not take both kinds at once; Java's own default asks for range first.
            Some(names) if names.len() > 1 && names.contains(&"cooperative-sticky") => {
                let eager: Vec<_> = names.into_iter().filter(|name| *name != "cooperative-sticky").collect();
                self.set("partition.assignment.strategy", &eager.join(","))
            }
            Some(names) => self.set("partition.assignment.strategy", &names.join(",")),
            None => Fate::Refused(
                "expected RangeAssignor, RoundRobinAssignor or CooperativeStickyAssignor of \
                 org.apache.kafka.clients.consumer, found another class"
                    .to_owned(),
            ),
        }
    }
}

/// User and password of a JAAS configuration for PLAIN or SCRAM.
pub(super) fn jaas(text: &str) -> Result<(String, String)> {
    let wrong = |found: &str| {
        Error::config("config.jaas", format!("setting sasl.jaas.config: expected username and password, found {found}"))
            .hint("PlainLoginModule and ScramLoginModule are available")
    };
    let mut words = words(text).ok_or_else(|| wrong("a quote that does not end"))?.into_iter();
    let module = words.next().unwrap_or_default();
    if !matches!(module.rsplit('.').next(), Some("PlainLoginModule" | "ScramLoginModule")) {
        return Err(wrong("another login module"));
    }
    let (mut user, mut password) = (None, None);
    let options: Vec<_> = words.collect();
    for option in &options {
        match option.split_once('=') {
            Some(("username", value)) => user = Some(value.to_owned()),
            Some(("password", value)) => password = Some(value.to_owned()),
            _ => {}
        }
    }
    user.zip(password).ok_or_else(|| wrong("one of them missing"))
}

/// Words up to the semicolon; quotes group, blanks around `=` do not separate.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote, mut started) = (Vec::<String>::new(), String::new(), None, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => word.push(chars.next()?),
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => (quote, started) = (Some(c), true),
            (None, ';') => break,
            (None, '=') => {
                if !started && let Some(last) = words.pop() {
                    word = last;
                }
                word.push('=');
                started = true;
                while chars.next_if(|next| next.is_whitespace()).is_some() {}
            }
            (None, c) if c.is_whitespace() => {
                if started {
                    words.push(std::mem::take(&mut word));
                    started = false;
                }
            }
            (None, c) => {
                word.push(c);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    quote.is_none().then_some(words)
}

/// Whether librdkafka takes these properties.
///
/// # Errors
/// Config: the property it does not take, without its value.
pub fn check(properties: &Properties) -> Result<()> {
    let mut config = ClientConfig::new();
    for (name, value) in properties.iter() {
        config.set(name, value);
    }
    match config.create_native_config() {
        Ok(_) => Ok(()),
        Err(KafkaError::ClientConfig(_, reason, name, value)) => {
            let reason = if value.is_empty() { reason } else { reason.replace(&value, "the value") };
            let message =
                format!("setting {}: expected what librdkafka takes, found: {}", name, secrets::redact(&reason));
            Err(Error::config("config.kafka", message))
        }
        Err(other) => Err(Error::config("config.kafka", secrets::redact(&other.to_string()).into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(client: Client, entries: &[(&str, &str)]) -> Translation {
        translate(client, &Properties::from_iter(entries.iter().copied()))
    }

    fn fate(client: Client, key: &str, value: &str) -> Fate {
        translated(client, &[(key, value)]).fates.remove(0).1
    }

    fn refusal(client: Client, key: &str, value: &str) -> String {
        match fate(client, key, value) {
            Fate::Refused(why) => why,
            other => panic!("{key}={value}: {other:?}"),
        }
    }

    #[test]
    fn keys_are_renamed_as_the_table_says() {
        let producer = translated(
            Producer,
            &[
                ("acks", "all"),
                ("buffer.memory", "33554432"),
                ("compression.type", "zstd"),
                ("compression.zstd.level", "3"),
                ("max.request.size", "2000000"),
                ("request.timeout.ms", "20000"),
                (
                    "sasl.jaas.config",
                    "org.apache.kafka.common.security.scram.ScramLoginModule required username = \"joe\"\n password='p\\'w d' tokenauth=\"true\";",
                ),
                ("sasl.mechanism", "SCRAM-SHA-512"),
                ("security.protocol", "SASL_SSL"),
                ("ssl.endpoint.identification.algorithm", ""),
            ],
        );
        assert!(producer.fates.iter().all(|(_, fate)| *fate == Fate::Honoured), "{:?}", producer.fates);
        let found: Vec<_> = producer.properties.iter().collect();
        let expected = [
            ("acks", "all"),
            ("compression.level", "3"),
            ("compression.type", "zstd"),
            ("message.max.bytes", "2000000"),
            ("queue.buffering.max.kbytes", "32768"),
            ("request.timeout.ms", "20000"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.password", "p'w d"),
            ("sasl.username", "joe"),
            ("security.protocol", "SASL_SSL"),
            ("ssl.endpoint.identification.algorithm", "none"),
        ];
        assert_eq!(found, expected);
        let consumer = translated(
            Consumer,
            &[
                ("auto.offset.reset", "none"),
                ("fetch.max.wait.ms", "100"),
                ("max.poll.records", "1000"),
                (
                    "partition.assignment.strategy",
                    "class org.apache.kafka.clients.consumer.RangeAssignor, org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
                ),
                ("request.timeout.ms", "20000"),
                ("queued.min.messages", "10"),
            ],
        );
        let found: Vec<_> = consumer.properties.iter().collect();
        let expected = [
            ("auto.offset.reset", "error"),
            ("fetch.wait.max.ms", "100"),
            ("partition.assignment.strategy", "range"),
            ("queued.min.messages", "10"),
            ("socket.timeout.ms", "20000"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn stores_are_taken_by_their_type() {
        let pem = [
            ("ssl.truststore.type", "PEM"),
            ("ssl.truststore.location", "/ca.pem"),
            ("ssl.truststore.password", "x"),
            ("ssl.keystore.type", "pem"),
            ("ssl.keystore.location", "/me.pem"),
        ];
        let found = translated(Common, &pem).properties;
        let expected =
            [("ssl.ca.location", "/ca.pem"), ("ssl.certificate.location", "/me.pem"), ("ssl.key.location", "/me.pem")];
        assert_eq!(found.iter().collect::<Vec<_>>(), expected);
        let pkcs12 =
            [("ssl.keystore.type", "PKCS12"), ("ssl.keystore.location", "/me.p12"), ("ssl.keystore.password", "pw")];
        let found = translated(Common, &pkcs12).properties;
        assert_eq!(
            found.iter().collect::<Vec<_>>(),
            [("ssl.keystore.location", "/me.p12"), ("ssl.keystore.password", "pw")]
        );
        assert!(
            refusal(Common, "ssl.truststore.location", "/store.jks").contains("type JKS cannot be read here; keytool")
        );
        assert!(refusal(Common, "ssl.keystore.location", "/store.jks").contains("-deststoretype PKCS12"));
    }

    #[test]
    fn what_has_no_counterpart_is_refused_with_a_reason() {
        assert!(refusal(Producer, "interceptor.classes", "x.Y").contains("JVM"));
        assert!(refusal(Producer, "key.serializer", "x.Y").contains("converters"));
        assert!(refusal(Common, "sasl.mechanism", "GSSAPI").contains("Kerberos"));
        assert!(
            refusal(Common, "sasl.jaas.config", "com.sun.security.auth.module.Krb5LoginModule required;")
                .contains("another login module")
        );
        assert!(
            refusal(Common, "sasl.jaas.config", "a.PlainLoginModule required username=\"u\";")
                .contains("one of them missing")
        );
        assert!(refusal(Consumer, "enable.auto.commit", "true").contains("committed after"));
        assert!(refusal(Consumer, "fetch.min.byte", "1").contains("did you mean fetch.min.bytes?"));
        assert!(refusal(Producer, "acks", "most").contains("acks"), "{}", refusal(Producer, "acks", "most"));
        assert!(matches!(fate(Producer, "metric.reporters", "x"), Fate::Ignored(_)));
    }

    #[test]
    fn secrets_stay_out_of_refusals() {
        let marker = "s3cretMarker";
        for (key, value) in [
            ("sasl.jaas.config", format!("x.PlainLoginModule required password=\"{marker}\";")),
            ("sasl.jaas.config", format!("x.Other required password=\"{marker}\";")),
            ("ssl.key.password", marker.to_owned()),
            ("ssl.keystore.key", marker.to_owned()),
        ] {
            let shown = format!("{:?}", translated(Common, &[(key, &value)]));
            assert!(!shown.contains(marker), "{shown}");
        }
    }
}
