//! How a host reaches the registry: TLS and proxy. Checked here, so that both hosts refuse the same mistakes when a plug-in
//! is configured; files are read and connections made by the host alone.
//!
//! Names and defaults are Kafka's (`SslConfigs`) under the prefix `schema.registry.`, as in Confluent's client 8.3.1. One
//! difference on purpose: without `schema.registry.ssl.endpoint.identification.algorithm` Confluent's client accepts any
//! host's certificate, and here the host must match.

use connect_data::{Error, Properties, Result};
use std::fmt;

const PREFIX: &str = "schema.registry.ssl.";
const PEM: &str = "PEM";
/// Types of stores that are files with a password.
const FILES: [&str; 2] = ["JKS", "PKCS12"];

/// Settings of the connections to a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// For URLs that begin with `https`.
    pub tls: Tls,
    /// `proxy.host` and `proxy.port`; `None` = what the process's own settings say.
    pub proxy: Option<(String, u16)>,
}

/// `schema.registry.ssl.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Whose signature a registry's certificate needs; `None` = those that the system trusts.
    pub trusted: Option<Store>,
    /// Key and certificates of this client, if it has any.
    pub identity: Option<Store>,
    /// Whether the certificate must name the host.
    pub verifies_host: bool,
    /// Versions as the JVM names them, e.g. `TLSv1.3`; none = the usual ones.
    pub protocols: Vec<String>,
    /// Cipher suites as the JVM names them; none = the usual ones.
    pub cipher_suites: Vec<String>,
}

/// A trust store or key store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// In upper case: `JKS`, `PKCS12`, `PEM`, or another that only the JVM can know.
    pub kind: String,
    /// File; `None` for PEM that is given as text, and for stores that are no files.
    pub location: Option<String>,
    /// Password of the store.
    pub password: Option<Secret>,
    /// Certificates as PEM text.
    pub certificates: Option<Secret>,
    /// Private key as PEM text.
    pub key: Option<Secret>,
    /// Password of the private key.
    pub key_password: Option<Secret>,
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl Transport {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// Config `registry.tls`, `registry.proxy`: settings that contradict each other or that nobody here can follow.
    pub fn new(properties: &Properties) -> Result<Self> {
        Ok(Self { tls: Tls::new(&Ssl(properties))?, proxy: proxy(properties)? })
    }
}

fn proxy(properties: &Properties) -> Result<Option<(String, u16)>> {
    let host = properties.get("proxy.host").map(str::trim).filter(|host| !host.is_empty());
    let port = properties.get("proxy.port").map(str::trim).filter(|port| !port.is_empty() && *port != "-1");
    match (host, port.map(|port| port.parse::<u16>().ok().filter(|port| *port > 0))) {
        (None, None) => Ok(None),
        (Some(host), Some(Some(port))) => Ok(Some((host.to_owned(), port))),
        _ => Err(Error::config(
            "registry.proxy",
            "settings proxy.host and proxy.port: expected a host and a port from 1 to 65535, or neither",
        )),
    }
}

/// The settings without their prefix; blank is as good as absent.
struct Ssl<'a>(&'a Properties);

impl Ssl<'_> {
    fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(&format!("{PREFIX}{name}"))
    }

    fn text(&self, name: &str) -> Option<String> {
        self.raw(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Verbatim: a password may begin with a blank.
    fn secret(&self, name: &str) -> Option<Secret> {
        self.raw(name).filter(|text| !text.is_empty()).map(|text| Secret(text.to_owned()))
    }

    fn list(&self, name: &str) -> Vec<String> {
        let items = self.raw(name).unwrap_or_default().split(',').map(str::trim);
        items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }
}

fn refuse(name: &str, rest: &str) -> Error {
    Error::config("registry.tls", format!("setting {PREFIX}{name}: {rest}"))
}

impl Tls {
    fn new(ssl: &Ssl<'_>) -> Result<Self> {
        if ssl.text("engine.factory.class").is_some() {
            let rest = "expected none, because classes of your own cannot be loaded here, found one";
            return Err(refuse("engine.factory.class", rest));
        }
        let algorithm = "endpoint.identification.algorithm";
        let verifies_host = match ssl.raw(algorithm).map(str::trim) {
            None => true,
            Some(text) if text.eq_ignore_ascii_case("https") => true,
            Some(text) if text.is_empty() || text.eq_ignore_ascii_case("none") => false,
            Some(_) => return Err(refuse(algorithm, "expected https or nothing, found something else")),
        };
        Ok(Self {
            trusted: trusted(ssl)?,
            identity: identity(ssl)?,
            verifies_host,
            protocols: ssl.list("enabled.protocols"),
            cipher_suites: ssl.list("cipher.suites"),
        })
    }
}

fn kind(ssl: &Ssl<'_>, name: &str) -> String {
    ssl.text(name).map_or_else(|| FILES[0].to_owned(), |kind| kind.to_ascii_uppercase())
}

fn trusted(ssl: &Ssl<'_>) -> Result<Option<Store>> {
    let store = Store {
        kind: kind(ssl, "truststore.type"),
        location: ssl.text("truststore.location"),
        password: ssl.secret("truststore.password"),
        certificates: ssl.secret("truststore.certificates"),
        key: None,
        key_password: None,
    };
    store.check_text("truststore.certificates", "truststore")?;
    if store.kind == PEM && store.password.is_some() {
        return Err(refuse("truststore.password", "expected none for a trust store of type PEM, found one"));
    }
    store.check_location("truststore")?;
    Ok(store.is_there().then_some(store))
}

fn identity(ssl: &Ssl<'_>) -> Result<Option<Store>> {
    let store = Store {
        kind: kind(ssl, "keystore.type"),
        location: ssl.text("keystore.location"),
        password: ssl.secret("keystore.password"),
        certificates: ssl.secret("keystore.certificate.chain"),
        key: ssl.secret("keystore.key"),
        key_password: ssl.secret("key.password"),
    };
    store.check_text("keystore.key", "keystore")?;
    if store.key.is_some() != store.certificates.is_some() {
        return Err(refuse(
            "keystore.key",
            "expected together with keystore.certificate.chain, found one without the other",
        ));
    }
    if store.kind == PEM && store.password.is_some() {
        let rest =
            "expected none for a key store of type PEM, found one; schema.registry.ssl.key.password is for the key";
        return Err(refuse("keystore.password", rest));
    }
    store.check_location("keystore")?;
    if FILES.contains(&store.kind.as_str()) && store.location.is_some() && store.password.is_none() {
        return Err(refuse("keystore.password", "expected the password of the key store, found none"));
    }
    Ok(store.is_there().then_some(store))
}

impl Store {
    fn is_there(&self) -> bool {
        let elsewhere = self.kind != PEM && !FILES.contains(&self.kind.as_str());
        self.location.is_some() || self.certificates.is_some() || elsewhere
    }

    /// PEM as text goes with its type and without a file.
    fn check_text(&self, setting: &str, store: &str) -> Result<()> {
        if self.certificates.is_none() && self.key.is_none() {
            return Ok(());
        }
        if self.kind != PEM {
            return Err(refuse(setting, &format!("expected none, as {PREFIX}{store}.type is not PEM, found one")));
        }
        if self.location.is_some() {
            return Err(refuse(setting, &format!("expected either it or {PREFIX}{store}.location, found both")));
        }
        Ok(())
    }

    fn check_location(&self, store: &str) -> Result<()> {
        if self.location.is_none() && self.password.is_some() && FILES.contains(&self.kind.as_str()) {
            let name = format!("{store}.location");
            return Err(refuse(&name, &format!("expected a file, as {PREFIX}{store}.password is set, found none")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::ErrorKind;

    fn transport(entries: &[(&str, &str)]) -> Result<Transport> {
        let entries = entries.iter().map(|(name, value)| match name.strip_prefix("ssl.") {
            Some(rest) => (format!("{PREFIX}{rest}"), (*value).to_owned()),
            None => ((*name).to_owned(), (*value).to_owned()),
        });
        Transport::new(&Properties::from_iter(entries))
    }

    #[test]
    fn hosts_are_verified_unless_told_otherwise() {
        let plain = transport(&[]).unwrap();
        assert!(plain.tls.verifies_host && plain.tls.trusted.is_none() && plain.tls.identity.is_none());
        assert_eq!(plain.proxy, None);
        let name = "ssl.endpoint.identification.algorithm";
        for (value, verifies) in [("HTTPS", true), ("", false), (" none ", false)] {
            assert_eq!(transport(&[(name, value)]).unwrap().tls.verifies_host, verifies, "{value:?}");
        }
        assert_eq!(transport(&[(name, "ldaps")]).unwrap_err().code(), "registry.tls");
    }

    #[test]
    fn stores_are_files_text_or_devices() {
        let file = transport(&[("ssl.truststore.location", "/t.jks"), ("ssl.truststore.password", " p")]).unwrap();
        let store = file.tls.trusted.unwrap();
        assert_eq!((store.kind.as_str(), store.location.as_deref()), ("JKS", Some("/t.jks")));
        assert_eq!(store.password.unwrap().reveal(), " p");
        let text = transport(&[
            ("ssl.keystore.type", "pem"),
            ("ssl.keystore.key", "KEY"),
            ("ssl.keystore.certificate.chain", "CHAIN"),
            ("ssl.key.password", "p"),
            ("ssl.truststore.type", "PEM"),
            ("ssl.truststore.certificates", "CA"),
        ])
        .unwrap()
        .tls;
        assert_eq!(text.identity.as_ref().unwrap().key.as_ref().unwrap().reveal(), "KEY");
        assert_eq!(text.trusted.as_ref().unwrap().certificates.as_ref().unwrap().reveal(), "CA");
        assert!(!format!("{text:?}").contains("KEY") && !format!("{text:?}").contains("CHAIN"));
        let token = transport(&[("ssl.keystore.type", "PKCS11"), ("ssl.keystore.password", "1234")]).unwrap();
        assert_eq!(token.tls.identity.unwrap().location, None);
        let lists =
            transport(&[("ssl.enabled.protocols", "TLSv1.3, TLSv1.2"), ("ssl.cipher.suites", " A ,B")]).unwrap();
        assert_eq!((lists.tls.protocols.len(), lists.tls.cipher_suites), (2, vec!["A".to_owned(), "B".to_owned()]));
    }

    #[test]
    fn contradictions_are_refused() {
        let pem = ("ssl.keystore.type", "PEM");
        for wrong in [
            &[("ssl.truststore.password", "p")][..],
            &[("ssl.keystore.password", "p")],
            &[("ssl.keystore.location", "/k")],
            &[("ssl.truststore.certificates", "CA")],
            &[("ssl.truststore.type", "PEM"), ("ssl.truststore.certificates", "CA"), ("ssl.truststore.location", "/t")],
            &[("ssl.truststore.type", "PEM"), ("ssl.truststore.location", "/t"), ("ssl.truststore.password", "p")],
            &[pem, ("ssl.keystore.key", "K")],
            &[pem, ("ssl.keystore.certificate.chain", "C")],
            &[pem, ("ssl.keystore.location", "/k"), ("ssl.keystore.password", "s3cret")],
            &[("ssl.engine.factory.class", "x.Y")],
        ] {
            let error = transport(wrong).unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Config, "registry.tls"), "{wrong:?}");
            assert!(!error.message().contains("s3cret"));
        }
    }

    #[test]
    fn a_proxy_is_host_and_port() {
        let set = transport(&[("proxy.host", " p "), ("proxy.port", "3128")]).unwrap();
        assert_eq!(set.proxy, Some(("p".to_owned(), 3128)));
        assert_eq!(transport(&[("proxy.host", ""), ("proxy.port", "-1")]).unwrap().proxy, None);
        for wrong in
            [&[("proxy.host", "p")][..], &[("proxy.port", "1")], &[("proxy.host", "p"), ("proxy.port", "70000")]]
        {
            assert_eq!(transport(wrong).unwrap_err().code(), "registry.proxy");
        }
    }
}
