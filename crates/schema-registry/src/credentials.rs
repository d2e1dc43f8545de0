//! Credentials of the registry calls (Confluent's `BasicAuthCredentialProvider` and `BearerAuthCredentialProvider`).

use crate::url::BaseUrl;
use connect_data::{Error, Properties, Result};

/// Sources of bearer tokens in Confluent's client that fetch or compute them: not supported.
const ELSEWHERE: [&str; 3] = ["OAUTHBEARER", "SASL_OAUTHBEARER_INHERIT", "CUSTOM"];

/// What to send. Its `Debug` form shows no secrets.
#[derive(Clone)]
pub(crate) enum Credentials {
    None,
    /// One `Authorization` value for every registry.
    Basic(String),
    /// `Authorization` by index of the URL.
    FromUrl(Vec<Option<String>>),
    /// `Authorization` and the headers that go with it.
    Bearer(String, Vec<(&'static str, String)>),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Basic(_) => "basic",
            Self::FromUrl(_) => "basic from the URL",
            Self::Bearer(..) => "bearer",
        })
    }
}

impl Credentials {
    pub(crate) fn new(properties: &Properties, urls: &[BaseUrl]) -> Result<Self> {
        let text = |key: &str| properties.get(key).map(str::trim).filter(|text| !text.is_empty());
        let basic = text("basic.auth.credentials.source");
        let bearer = text("bearer.auth.credentials.source");
        if basic.is_some() && bearer.is_some() {
            return Err(Error::config(
                "registry.credentials",
                "settings basic.auth.credentials.source and bearer.auth.credentials.source: expected one, found both",
            ));
        }
        let missing = |key: &str, source: &str| {
            Error::config("registry.credentials", format!("setting {key}: {source} needs it, found none"))
        };
        if let Some(source) = basic {
            return match source {
                "USER_INFO" => {
                    let older = text("schema.registry.basic.auth.user.info");
                    let user = older.or(text("basic.auth.user.info"));
                    let user =
                        user.ok_or_else(|| missing("basic.auth.user.info", "basic.auth.credentials.source=USER_INFO"))?;
                    Ok(Self::Basic(authorization(user)))
                }
                "URL" => Ok(Self::FromUrl(urls.iter().map(|url| url.user_info().map(authorization)).collect())),
                "SASL_INHERIT" => {
                    let jaas = text("sasl.jaas.config").unwrap_or_default();
                    let user = jaas_option(jaas, "username").zip(jaas_option(jaas, "password"));
                    let (name, password) = user.ok_or_else(|| {
                        let source = "basic.auth.credentials.source=SASL_INHERIT";
                        missing("sasl.jaas.config", source).hint("give a login module with username and password")
                    })?;
                    Ok(Self::Basic(authorization(&format!("{name}:{password}"))))
                }
                // Confluent's client sends no credentials for a source it does not know.
                _ => Ok(Self::None),
            };
        }
        match bearer {
            None => Ok(Self::None),
            Some("STATIC_TOKEN") => {
                let token = text("bearer.auth.token");
                let token =
                    token.ok_or_else(|| missing("bearer.auth.token", "bearer.auth.credentials.source=STATIC_TOKEN"))?;
                let extra = [
                    ("target-sr-cluster", "bearer.auth.logical.cluster"),
                    ("Confluent-Identity-Pool-Id", "bearer.auth.identity.pool.id"),
                ];
                let extra =
                    extra.into_iter().filter_map(|(header, key)| Some((header, text(key)?.to_owned()))).collect();
                Ok(Self::Bearer(format!("Bearer {token}"), extra))
            }
            Some(source) => Err(Error::config(
                "registry.credentials",
                format!(
                    "setting bearer.auth.credentials.source: expected STATIC_TOKEN, found {}",
                    // Any other text may be a secret in the wrong place.
                    ELSEWHERE.into_iter().find(|known| *known == source).unwrap_or("an unknown source")
                ),
            )
            .hint("fetch the token elsewhere and give it as bearer.auth.token, e.g. through a config provider")),
        }
    }

    /// Headers for the registry with this index.
    pub(crate) fn headers(&self, url: usize) -> Vec<(String, String)> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        match self {
            Self::None => Vec::new(),
            Self::Basic(value) => vec![header("Authorization", value)],
            Self::FromUrl(values) => {
                values.get(url).into_iter().flatten().map(|value| header("Authorization", value)).collect()
            }
            Self::Bearer(value, extra) => {
                let extra = extra.iter().map(|(name, value)| header(name, value));
                std::iter::once(header("Authorization", value)).chain(extra).collect()
            }
        }
    }
}

fn authorization(user_info: &str) -> String {
    format!("Basic {}", base64(user_info.as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let padding = 3 - chunk.len();
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * padding);
        for i in 0..4 - padding {
            let digit = ALPHABET.get((word >> (18 - 6 * i)) as usize & 63);
            text.extend(digit.map(|digit| char::from(*digit)));
        }
        text.extend(std::iter::repeat_n('=', padding));
    }
    text
}

/// The value of an option in a JAAS configuration line: `name=value` or `name="value"` with `\` as escape.
fn jaas_option(jaas: &str, option: &str) -> Option<String> {
    let mut chars = jaas.chars().peekable();
    let mut word = String::new();
    while let Some(c) = chars.next() {
        if c != '=' {
            if c.is_whitespace() || c == ';' {
                word.clear();
            } else {
                word.push(c);
            }
            continue;
        }
        let quoted = chars.next_if_eq(&'"').is_some();
        let mut value = String::new();
        while let Some(c) = chars.next_if(|c| if quoted { *c != '"' } else { !c.is_whitespace() && *c != ';' }) {
            value.push(if quoted && c == '\\' { chars.next().unwrap_or(c) } else { c });
        }
        if quoted {
            chars.next();
        }
        if word == option {
            return Some(value);
        }
        word.clear();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization_of(entries: &[(&str, &str)]) -> Result<Option<String>> {
        let urls = [BaseUrl::parse("http://in:url@h").unwrap()];
        let credentials = Credentials::new(&Properties::from_iter(entries.iter().copied()), &urls)?;
        assert!(!format!("{credentials:?}").contains("cGE6"), "no secret in Debug");
        Ok(credentials.headers(0).into_iter().next().map(|(_, value)| value))
    }

    #[test]
    fn a_source_decides_what_is_sent() {
        let basic = "basic.auth.credentials.source";
        let user = ("basic.auth.user.info", "user:pa:ss");
        let jaas = (
            "sasl.jaas.config",
            r#"org.x.PlainLoginModule required username="user" password="pa:\"ss" serviceName=a;"#,
        );
        let sent = |entries: &[(&str, &str)]| authorization_of(entries).unwrap();
        assert_eq!(sent(&[(basic, "USER_INFO"), user]).unwrap(), "Basic dXNlcjpwYTpzcw==");
        let older = ("schema.registry.basic.auth.user.info", "a:b");
        assert_eq!(sent(&[(basic, "USER_INFO"), user, older]).unwrap(), "Basic YTpi");
        assert_eq!(sent(&[(basic, "URL")]).unwrap(), "Basic aW46dXJs");
        assert_eq!(sent(&[(basic, "SASL_INHERIT"), jaas]).unwrap(), "Basic dXNlcjpwYToic3M=");
        assert_eq!(sent(&[user]), None);
        assert_eq!(sent(&[(basic, "NOPE"), user]), None);
        let bearer = ("bearer.auth.credentials.source", "STATIC_TOKEN");
        assert_eq!(sent(&[bearer, ("bearer.auth.token", "t")]).unwrap(), "Bearer t");
        for wrong in [
            &[(basic, "USER_INFO")][..],
            &[(basic, "SASL_INHERIT")],
            &[bearer],
            &[bearer, ("bearer.auth.token", "t"), (basic, "URL")],
            &[("bearer.auth.credentials.source", "OAUTHBEARER")],
        ] {
            assert_eq!(authorization_of(wrong).unwrap_err().code(), "registry.credentials", "{wrong:?}");
        }
        let named = authorization_of(&[("bearer.auth.credentials.source", "OAUTHBEARER")]).unwrap_err();
        assert!(named.message().ends_with("found OAUTHBEARER"), "{}", named.message());
    }
}
