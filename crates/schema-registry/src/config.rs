//! Settings of the registry client, named as in Confluent's `SchemaRegistryClientConfig` and declared in
//! [`keys`](crate::keys). Beyond what is declared: `request.header.*` are extra headers, and `sasl.jaas.config` is where
//! SASL_INHERIT looks for credentials. What the client needs to know of TLS and proxies is for its host:
//! [`transport`](crate::transport).

use crate::credentials::Credentials;
use crate::transport::Transport;
use crate::url::BaseUrl;
use connect_data::{Error, Properties, Result};

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

impl VersionLookup {
    fn new(properties: &Properties) -> Result<Self> {
        match properties.get("schema.version.lookup").map(str::trim) {
            None | Some("lenient") => Ok(Self::Lenient),
            Some("strict") => Ok(Self::Strict),
            Some("off") => Ok(Self::Off),
            Some(_) => Err(Error::config(
                "config.invalid",
                "setting schema.version.lookup: expected lenient, strict or off, found something else",
            )),
        }
    }
}

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
    /// Config: a missing or unparsable value, an unusable URL, credentials that are announced but missing, both kinds of
    /// credentials at once, a header that HTTP does not allow, TLS or proxy settings that contradict each other.
    pub fn new(properties: &Properties) -> Result<Self> {
        Transport::new(properties)?;
        let integer = |name: &str, default: i64, least: i64| integer(properties, name, default, least);
        let urls = properties.get("schema.registry.url").ok_or_else(|| {
            Error::config("config.missing", "setting schema.registry.url: expected a URL, found none")
        })?;
        let urls = urls
            .split(',')
            .map(str::trim)
            .filter(|url| !url.is_empty())
            .map(BaseUrl::parse)
            .collect::<Result<Vec<_>>>()?;
        if urls.is_empty() {
            return Err(Error::config("registry.url", "setting schema.registry.url: expected a URL, found none"));
        }
        Ok(Self {
            credentials: Credentials::new(properties, &urls)?,
            headers: Headers(request_headers(properties)?),
            urls,
            max_retries: integer("max.retries", 3, 0)?.min(1_000) as u32,
            wait_ms: integer("retries.wait.ms", 1_000, 0)?,
            max_wait_ms: integer("retries.max.wait.ms", 20_000, 0)?,
            budget_ms: integer("retries.budget.ms", 60_000, 1)?,
            connect_timeout_ms: integer("http.connect.timeout.ms", 60_000, 1)?,
            read_timeout_ms: integer("http.read.timeout.ms", 60_000, 1)?,
            max_facts: integer("max.schemas.per.subject", 1_000, 1)?.min(100_000) as usize * 10,
            missing_ttl_ms: integer("missing.id.cache.ttl.sec", 0, 0)?.min(86_400) * 1_000,
            version_lookup: VersionLookup::new(properties)?,
        })
    }
}

fn integer(properties: &Properties, name: &str, default: i64, least: i64) -> Result<i64> {
    let Some(text) = properties.get(name) else { return Ok(default) };
    let number = text.trim().parse::<i32>().ok().map(i64::from).filter(|number| *number >= least);
    number.ok_or_else(|| {
        let expected = format!("a whole number of at least {least}");
        Error::config("config.invalid", format!("setting {name}: expected {expected}, found something else"))
    })
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
        assert_eq!(config.version_lookup, VersionLookup::Lenient);
        let urls: Vec<_> = config.urls.iter().map(|url| url.join("/x")).collect();
        assert_eq!(urls, ["http://a:8081/x", "https://b/sr/x"]);
    }

    #[test]
    fn wrong_settings_are_refused_by_name() {
        let url = ("schema.registry.url", "http://a");
        for (extra, code) in [
            (("schema.registry.url", ""), "registry.url"),
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
