//! Settings of the registry client, named as in Confluent's `SchemaRegistryClientConfig`.

use crate::credentials::Credentials;
use crate::url::BaseUrl;
use connect_data::config::{ConfigKey, ConfigType, DefaultValue, Importance, Validator};
use connect_data::{ConfigDef, Error, Properties, Result};

/// Longest response body that is read.
pub const MAX_RESPONSE_BYTES: u32 = 8 << 20;

/// `schema.version.lookup`: what a reader does about the version of a schema, for which the registry is asked with
/// `POST /subjects/{subject}` and which becomes the version of the Connect schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionLookup {
    /// As Confluent's: a schema that the subject does not hold fails the record.
    Strict,
    /// Such a schema has no version.
    Lenient,
    /// The registry is not asked; no schema has a version but by `connect.version`.
    Off,
}

const fn key(
    name: &'static str,
    kind: ConfigType,
    default: DefaultValue,
    validator: Validator,
    importance: Importance,
    doc: &'static str,
    display: &'static str,
) -> ConfigKey {
    ConfigKey { name, kind, default, validator, importance, doc, group: "Schema Registry", display }
}

const LOOKUPS: &[&str] = &["strict", "lenient", "off"];

/// The keys of this client, for the table of the converter that contains it. `request.header.*` and
/// `schema.registry.ssl.*` are open families and not in it; TLS is the host's.
pub const KEYS: [ConfigKey; 18] = [
    key(
        "schema.registry.url",
        ConfigType::List,
        DefaultValue::Required,
        Validator::NonEmpty,
        Importance::High,
        "Comma-separated URLs of the registries; the next one is asked when one does not answer. A path is kept.",
        "Registry URLs",
    ),
    key(
        "basic.auth.credentials.source",
        ConfigType::String,
        DefaultValue::Null,
        Validator::Any,
        Importance::Medium,
        "Where the user name and password come from: USER_INFO (basic.auth.user.info), URL (the user info of \
         schema.registry.url) or SASL_INHERIT (sasl.jaas.config). Without it none are sent.",
        "Basic authentication: source",
    ),
    key(
        "basic.auth.user.info",
        ConfigType::Password,
        DefaultValue::Null,
        Validator::Any,
        Importance::Medium,
        "User name and password as name:password, for basic.auth.credentials.source=USER_INFO.",
        "Basic authentication: user",
    ),
    key(
        "schema.registry.basic.auth.user.info",
        ConfigType::Password,
        DefaultValue::Null,
        Validator::Any,
        Importance::Low,
        "Older name of basic.auth.user.info; wins over it.",
        "Basic authentication: user (older name)",
    ),
    key(
        "sasl.jaas.config",
        ConfigType::Password,
        DefaultValue::Null,
        Validator::Any,
        Importance::Low,
        "JAAS configuration whose username and password are used with basic.auth.credentials.source=SASL_INHERIT.",
        "JAAS configuration",
    ),
    key(
        "bearer.auth.credentials.source",
        ConfigType::String,
        DefaultValue::Null,
        Validator::Any,
        Importance::Medium,
        "STATIC_TOKEN sends bearer.auth.token. Other sources are refused. Without it no token is sent.",
        "Bearer authentication: source",
    ),
    key(
        "bearer.auth.token",
        ConfigType::Password,
        DefaultValue::Null,
        Validator::Any,
        Importance::Medium,
        "The token for bearer.auth.credentials.source=STATIC_TOKEN.",
        "Bearer authentication: token",
    ),
    key(
        "bearer.auth.logical.cluster",
        ConfigType::String,
        DefaultValue::Null,
        Validator::Any,
        Importance::Low,
        "Sent as header target-sr-cluster with a bearer token.",
        "Bearer authentication: logical cluster",
    ),
    key(
        "bearer.auth.identity.pool.id",
        ConfigType::String,
        DefaultValue::Null,
        Validator::Any,
        Importance::Low,
        "Sent as header Confluent-Identity-Pool-Id with a bearer token.",
        "Bearer authentication: identity pool",
    ),
    key(
        "max.retries",
        ConfigType::Int,
        DefaultValue::Text("3"),
        Validator::AtLeast(0),
        Importance::Low,
        "How often a call is repeated when no registry answers, or answers 408, 429 or 5xx.",
        "Retries",
    ),
    key(
        "retries.wait.ms",
        ConfigType::Int,
        DefaultValue::Text("1000"),
        Validator::AtLeast(0),
        Importance::Low,
        "Wait before the first retry; doubles with each further one, with jitter.",
        "Retries: first wait",
    ),
    key(
        "retries.max.wait.ms",
        ConfigType::Int,
        DefaultValue::Text("20000"),
        Validator::AtLeast(0),
        Importance::Low,
        "Longest wait between retries.",
        "Retries: longest wait",
    ),
    key(
        "retries.budget.ms",
        ConfigType::Int,
        DefaultValue::Text("60000"),
        Validator::AtLeast(1),
        Importance::Low,
        "Most time that one registry call may take with all its retries; then the task fails and its offsets stay. Keep \
         it well below max.poll.interval.ms.",
        "Retries: time budget",
    ),
    key(
        "http.connect.timeout.ms",
        ConfigType::Int,
        DefaultValue::Text("60000"),
        Validator::AtLeast(1),
        Importance::Low,
        "Time for connecting to a registry.",
        "Connect time-out",
    ),
    key(
        "http.read.timeout.ms",
        ConfigType::Int,
        DefaultValue::Text("60000"),
        Validator::AtLeast(1),
        Importance::Low,
        "Time for a registry's answer.",
        "Read time-out",
    ),
    key(
        "max.schemas.per.subject",
        ConfigType::Int,
        DefaultValue::Text("1000"),
        Validator::AtLeast(1),
        Importance::Low,
        "Size of the caches: ten times this many answers of the registry are kept.",
        "Cache size",
    ),
    key(
        "missing.id.cache.ttl.sec",
        ConfigType::Long,
        DefaultValue::Text("0"),
        Validator::AtLeast(0),
        Importance::Low,
        "How long an answer \"not found\" is repeated without asking again. Whatever this says, from the third failure \
         in a row on the registry is asked less and less often, at most every ten seconds.",
        "Cache time of missing schemas",
    ),
    key(
        "schema.version.lookup",
        ConfigType::String,
        DefaultValue::Text("strict"),
        Validator::OneOfIgnoringCase(LOOKUPS),
        Importance::Low,
        "What a reader does about a schema's version: strict asks the registry and fails the record if the topic's \
         subject does not hold the schema (as Confluent's), lenient asks and lets it pass, off does not ask.",
        "Version of schemas that are read",
    ),
];

const DEF: ConfigDef = ConfigDef { plugin: "schema-registry", keys: &KEYS };

/// What a [`RegistryClient`](crate::RegistryClient) is made from. Its `Debug` form shows no secrets.
#[derive(Clone, Debug)]
pub struct RegistryConfig {
    pub(crate) urls: Vec<BaseUrl>,
    pub(crate) credentials: Credentials,
    /// `request.header.*`, name and value.
    pub(crate) headers: Headers,
    pub(crate) max_retries: u32,
    pub(crate) wait_ms: i64,
    pub(crate) max_wait_ms: i64,
    pub(crate) budget_ms: i64,
    pub(crate) connect_timeout_ms: i64,
    pub(crate) read_timeout_ms: i64,
    pub(crate) max_facts: usize,
    pub(crate) missing_ttl_ms: i64,
    pub(crate) version_lookup: VersionLookup,
}

/// Extra headers; their values may be secrets.
#[derive(Clone)]
pub(crate) struct Headers(pub(crate) Vec<(String, String)>);

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl RegistryConfig {
    /// Reads the settings.
    ///
    /// # Errors
    /// Config: a key that [`KEYS`] refuses, an unusable URL, credentials that are announced but missing, both kinds of
    /// credentials at once, a header that HTTP does not allow.
    pub fn new(properties: &Properties) -> Result<Self> {
        DEF.validate(properties)?;
        let integer = |name: &str| DEF.integer(properties, name);
        let urls = DEF.list(properties, "schema.registry.url");
        let urls = urls.into_iter().filter(|url| !url.is_empty()).map(BaseUrl::parse).collect::<Result<Vec<_>>>()?;
        if urls.is_empty() {
            return Err(Error::config("registry.url", "setting schema.registry.url: expected a URL, found none"));
        }
        let lookup = DEF.text(properties, "schema.version.lookup").unwrap_or_default().to_ascii_lowercase();
        Ok(Self {
            credentials: Credentials::new(properties, &urls)?,
            headers: Headers(request_headers(properties)?),
            urls,
            max_retries: integer("max.retries")?.clamp(0, 1_000) as u32,
            wait_ms: integer("retries.wait.ms")?,
            max_wait_ms: integer("retries.max.wait.ms")?,
            budget_ms: integer("retries.budget.ms")?,
            connect_timeout_ms: integer("http.connect.timeout.ms")?,
            read_timeout_ms: integer("http.read.timeout.ms")?,
            max_facts: integer("max.schemas.per.subject")?.clamp(1, 100_000) as usize * 10,
            missing_ttl_ms: integer("missing.id.cache.ttl.sec")?.clamp(0, 86_400) * 1_000,
            version_lookup: match lookup.as_str() {
                "off" => VersionLookup::Off,
                "lenient" => VersionLookup::Lenient,
                _ => VersionLookup::Strict,
            },
        })
    }
}

fn request_headers(properties: &Properties) -> Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    for (key, value) in properties.iter() {
        let Some(name) = key.strip_prefix("request.header.") else { continue };
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(token) || value.chars().any(char::is_control) {
            return Err(Error::config(
                "registry.header",
                format!("setting {key}: expected a header name and a value without control characters"),
            ));
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(entries: &[(&str, &str)]) -> Result<RegistryConfig> {
        RegistryConfig::new(&Properties::from_iter(entries.iter().copied()))
    }

    #[test]
    fn defaults_are_confluents() {
        let config = config(&[("schema.registry.url", "http://a:8081, https://b/sr/")]).unwrap();
        assert_eq!((config.max_retries, config.wait_ms, config.max_wait_ms), (3, 1_000, 20_000));
        assert_eq!((config.connect_timeout_ms, config.read_timeout_ms, config.max_facts), (60_000, 60_000, 10_000));
        assert_eq!(config.version_lookup, VersionLookup::Strict);
        let urls: Vec<_> = config.urls.iter().map(|url| url.join("/x")).collect();
        assert_eq!(urls, ["http://a:8081/x", "https://b/sr/x"]);
    }

    #[test]
    fn wrong_settings_are_refused_by_name() {
        let url = ("schema.registry.url", "http://a");
        for (extra, code) in [
            (("schema.registry.url", ""), "config.invalid"),
            (("schema.registry.url", " , "), "registry.url"),
            (("schema.registry.url", "not a url"), "registry.url"),
            (("max.retries", "-1"), "config.invalid"),
            (("schema.version.lookup", "maybe"), "config.invalid"),
            (("request.header.a b", "c"), "registry.header"),
            (("request.header.A", "c\r\nB: d"), "registry.header"),
        ] {
            let error = config(&[url, extra]).unwrap_err();
            assert_eq!(error.code(), code, "{extra:?}");
            assert_eq!(error.kind(), connect_data::ErrorKind::Config);
        }
        assert_eq!(config(&[]).unwrap_err().code(), "config.missing");
    }

    #[test]
    fn debug_shows_no_secret() {
        let config = config(&[
            ("schema.registry.url", "http://joe:s3cret1@a"),
            ("basic.auth.credentials.source", "USER_INFO"),
            ("basic.auth.user.info", "joe:s3cret2"),
            ("request.header.X-Key", "s3cret3"),
        ]);
        let text = format!("{config:?}");
        assert!(!text.contains("s3cret") && text.contains("X-Key"), "{text}");
    }
}
