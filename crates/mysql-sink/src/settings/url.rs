//! `jdbc:mysql://` and `jdbc:mariadb://` URLs: hosts, database, and the properties that mean something here.

use connect_data::{Error, Result};

/// Parts of a JDBC URL. Never printed: it may hold a password.
#[derive(Clone, Default)]
pub(crate) struct Target {
    pub(crate) hosts: Vec<(String, u16)>,
    pub(crate) database: String,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) tls: Tls,
    pub(crate) connect_timeout_ms: Option<u64>,
    pub(crate) socket_timeout_ms: Option<u64>,
    pub(crate) time_zone: Option<String>,
    pub(crate) notices: Vec<String>,
}

/// How the connection is encrypted and what is checked of the server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) mode: TlsMode,
    /// PEM file with the certificate authorities.
    pub(crate) authorities: Option<String>,
    /// PEM files of the client's certificate chain and key.
    pub(crate) client: Option<(String, String)>,
}

impl Default for Tls {
    fn default() -> Self {
        Self { mode: TlsMode::Preferred, authorities: None, client: None }
    }
}

/// Connector/J's `sslMode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsMode {
    Disabled,
    /// Encrypted if the server can; its certificate is not checked. Connector/J's default.
    Preferred,
    /// Encrypted; the certificate is not checked.
    Required,
    /// Encrypted; the certificate must come from a trusted authority.
    VerifyCa,
    /// As [`Self::VerifyCa`], and it must be the host's.
    VerifyIdentity,
}

const DEFAULT_PORT: u16 = 3306;

/// Properties of the Java drivers that change nothing here: why.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("rewritebatchedstatements", "statements always have many rows"),
    ("allowpublickeyretrieval", "the server's public key is asked for when it is needed"),
    ("characterencoding", "the connection is always utf8mb4"),
    ("useunicode", "the connection is always utf8mb4"),
    ("autoreconnect", "reconnecting follows max.retries"),
    ("usecompression", "the protocol is not compressed"),
    ("cacheprepstmts", "no prepared statements are used"),
    ("useserverprepstmts", "no prepared statements are used"),
    ("prepstmtcachesize", "no prepared statements are used"),
    ("prepstmtcachesqllimit", "no prepared statements are used"),
    ("zerodatetimebehavior", "nothing is read from date columns"),
    ("tinyint1isbit", "nothing is read from the table"),
    ("uselegacydatetimecode", "times are written as text"),
    ("tcpkeepalive", "it is always on"),
    ("forceconnectiontimezonetosession", "the session's time zone is always UTC"),
    ("permitmysqlscheme", "both schemes are accepted"),
];

impl Target {
    /// Parses the URL. Unknown properties become notices.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let rest = ["jdbc:mysql:", "jdbc:mariadb:"].iter().find_map(|scheme| strip_prefix_ignoring_case(url, scheme));
        let Some(rest) = rest else {
            return Err(invalid("expected jdbc:mysql://host:port/database or jdbc:mariadb://host:port/database"));
        };
        let rest = ["loadbalance:", "replication:", "sequential:", "failover:"]
            .iter()
            .find_map(|kind| strip_prefix_ignoring_case(rest, kind))
            .unwrap_or(rest);
        let Some(rest) = rest.strip_prefix("//") else {
            return Err(invalid("expected // after the scheme; srv and other forms are not supported"));
        };
        let (before, properties) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = before.split_once('/').unwrap_or((before, ""));
        let mut target = Self { database: decode(database)?, ..Self::default() };
        let hosts = match authority.rsplit_once('@') {
            Some((info, hosts)) => {
                let (user, password) = info.split_once(':').map_or((info, None), |(u, p)| (u, Some(p)));
                target.user = Some(decode(user)?);
                target.password = password.map(decode).transpose()?;
                hosts
            }
            None => authority,
        };
        for host in hosts.split(',') {
            target.hosts.push(parse_host(host)?);
        }
        let mut use_ssl = None;
        let mut verify = None;
        let mut require = false;
        let mut mode = None;
        for (name, value) in
            properties.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap_or((p, "")))
        {
            let value = decode(value)?;
            let plain: String =
                name.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase();
            match plain.as_str() {
                "sslmode" => mode = Some(parse_mode(&value)?),
                "usessl" => use_ssl = Some(flag(name, &value)?),
                "requiressl" => require = flag(name, &value)?,
                "verifyservercertificate" => verify = Some(flag(name, &value)?),
                "trustservercertificate" => verify = Some(!flag(name, &value)?),
                "serversslcert" | "sslca" => target.tls.authorities = Some(value),
                "sslcert" => {
                    target.tls.client = Some((value, target.tls.client.take().map_or_else(String::new, |c| c.1)))
                }
                "sslkey" => {
                    target.tls.client = Some((target.tls.client.take().map_or_else(String::new, |c| c.0), value))
                }
                "trustcertificatekeystoreurl" | "truststore" | "clientcertificatekeystoreurl" | "keystore" => {
                    return Err(invalid(&format!("property {name}: Java key stores are not read"))
                        .hint("give PEM files: ssl-ca=<authorities.pem>, ssl-cert=<client.pem>, ssl-key=<key.pem>"));
                }
                "user" => target.user = Some(value),
                "password" => target.password = Some(value),
                "connecttimeout" => target.connect_timeout_ms = Some(millis(name, &value)?),
                "sockettimeout" => target.socket_timeout_ms = Some(millis(name, &value)?),
                "servertimezone" | "connectiontimezone" | "timezone" => target.time_zone = Some(value),
                other => {
                    let why = WITHOUT_EFFECT.iter().find(|(name, _)| *name == other);
                    target.notices.push(match why {
                        Some((_, why)) => format!("connection.url: property {name} changes nothing here: {why}"),
                        None => format!("connection.url: property {name} is not known and changes nothing"),
                    });
                }
            }
        }
        target.tls.mode = match (mode, use_ssl) {
            (Some(mode), _) => mode,
            (None, Some(false)) => TlsMode::Disabled,
            (None, Some(true)) if verify == Some(true) => TlsMode::VerifyCa,
            (None, Some(true)) => TlsMode::Required,
            (None, None) if require => TlsMode::Required,
            (None, None) => TlsMode::Preferred,
        };
        if target.tls.client.as_ref().is_some_and(|(certificate, key)| certificate.is_empty() || key.is_empty()) {
            return Err(invalid("ssl-cert and ssl-key: expected both, found one"));
        }
        Ok(target)
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn parse_host(host: &str) -> Result<(String, u16)> {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, rest)) => (name, rest.strip_prefix(':')),
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => port.parse().map_err(|_| invalid("expected a port number after the host"))?,
    };
    if name.is_empty() || name.contains(['(', ')', '=']) {
        return Err(invalid("expected host, host:port or [address]:port, several of them separated by commas"));
    }
    Ok((name.to_owned(), port))
}

/// All spellings: Connector/J's `VERIFY_CA`, libmysql's `VERIFY-CA`, MariaDB's `verify-full`, `trust`.
fn parse_mode(value: &str) -> Result<TlsMode> {
    let plain = value.replace(['-', '_'], "").to_ascii_lowercase();
    Ok(match plain.as_str() {
        "disable" | "disabled" => TlsMode::Disabled,
        "preferred" | "prefer" => TlsMode::Preferred,
        "required" | "require" | "trust" => TlsMode::Required,
        "verifyca" => TlsMode::VerifyCa,
        "verifyidentity" | "verifyfull" => TlsMode::VerifyIdentity,
        _ => return Err(invalid("sslMode: expected DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY")),
    })
}

fn flag(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" | "" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(invalid(&format!("property {name}: expected true or false"))),
    }
}

fn millis(name: &str, value: &str) -> Result<u64> {
    value.parse().map_err(|_| invalid(&format!("property {name}: expected milliseconds")))
}

/// Percent-decoding; anything else stands for itself.
fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or(&[]);
            }
            None => return Err(invalid("expected two hexadecimal digits after %")),
        }
    }
    String::from_utf8(bytes).map_err(|_| invalid("expected UTF-8 after percent-decoding"))
}

fn invalid(found: &str) -> Error {
    Error::config("mysql.url", format!("setting connection.url: {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> TlsMode {
        Target::parse(url).unwrap().tls.mode
    }

    #[test]
    fn the_story_s_url() {
        let target = Target::parse("jdbc:mysql://mysql.example:21699/defaultdb?ssl-mode=REQUIRED").unwrap();
        assert_eq!(target.hosts, [("mysql.example".to_owned(), 21699)]);
        assert_eq!(target.database, "defaultdb");
        assert_eq!(target.tls.mode, TlsMode::Required);
        assert!(target.notices.is_empty());
    }

    #[test]
    fn hosts_ports_addresses_and_user_info() {
        let target = Target::parse("JDBC:MariaDB://us%40er:p%3Aw@a,b:3307,[::1]:3308/x").unwrap();
        let hosts = [("a".to_owned(), 3306), ("b".to_owned(), 3307), ("::1".to_owned(), 3308)];
        assert_eq!(target.hosts, hosts);
        assert_eq!((target.user.as_deref(), target.password.as_deref()), (Some("us@er"), Some("p:w")));
        assert_eq!(Target::parse("jdbc:mysql:replication://h/d").unwrap().hosts, [("h".to_owned(), 3306)]);
    }

    #[test]
    fn spellings_of_encryption() {
        assert_eq!(mode("jdbc:mysql://h/d"), TlsMode::Preferred);
        assert_eq!(mode("jdbc:mysql://h/d?useSSL=false"), TlsMode::Disabled);
        assert_eq!(mode("jdbc:mysql://h/d?useSSL=true"), TlsMode::Required);
        assert_eq!(mode("jdbc:mysql://h/d?requireSSL=true"), TlsMode::Required);
        assert_eq!(mode("jdbc:mysql://h/d?useSSL=true&verifyServerCertificate=true"), TlsMode::VerifyCa);
        assert_eq!(mode("jdbc:mysql://h/d?sslMode=VERIFY_IDENTITY&useSSL=false"), TlsMode::VerifyIdentity);
        assert_eq!(mode("jdbc:mariadb://h/d?sslMode=verify-full"), TlsMode::VerifyIdentity);
        let files = Target::parse("jdbc:mysql://h/d?ssl-ca=ca.pem&ssl-cert=c.pem&ssl-key=k.pem").unwrap().tls;
        assert_eq!(files.authorities.as_deref(), Some("ca.pem"));
        assert_eq!(files.client, Some(("c.pem".to_owned(), "k.pem".to_owned())));
    }

    #[test]
    fn unknown_properties_are_named_and_useless_ones_explained() {
        let notices = Target::parse("jdbc:mysql://h/d?rewriteBatchedStatements=true&fancyThing=1&password=geheim")
            .unwrap()
            .notices;
        assert_eq!(notices.len(), 2);
        assert!(notices[0].contains("rewriteBatchedStatements") && notices[0].contains("many rows"));
        assert!(notices[1].contains("fancyThing"));
        assert!(!notices.concat().contains("geheim"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_showing_it() {
        for url in [
            "jdbc:postgresql://geheim/d",
            "jdbc:mysql:srv://geheim/d",
            "jdbc:mysql://geheim:x/d",
            "jdbc:mysql:///geheim",
            "jdbc:mysql://h/geheim%x",
            "jdbc:mysql://h/d?sslMode=geheim",
            "jdbc:mysql://h/d?trustCertificateKeyStoreUrl=geheim",
            "jdbc:mysql://h/d?ssl-cert=geheim",
            "jdbc:mysql://h/d?connectTimeout=geheim",
        ] {
            let error = Target::parse(url).err().unwrap();
            assert_eq!(error.code(), "mysql.url");
            assert!(!error.to_string().contains("geheim"), "{error}");
        }
    }
}
