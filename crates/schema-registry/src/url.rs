//! Base URLs, percent-encoding and redirects: the little of RFC 3986 that the client needs.

use connect_data::{Error, Result};

/// A registry's URL without its user info.
#[derive(Clone)]
pub(crate) struct BaseUrl {
    /// `http://host:port`.
    origin: String,
    /// Path without slash at its end, often empty.
    prefix: String,
    /// Decoded `name:password`.
    user_info: Option<String>,
}

/// Never the user info.
impl std::fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.origin, self.prefix)
    }
}

impl BaseUrl {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let refuse = |found: &str| {
            Error::config(
                "registry.url",
                format!("setting schema.registry.url: expected http(s)://host[:port][/path], found {found}"),
            )
        };
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(refuse("text without scheme"));
        };
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            // A scheme is no secret, but what stands in its place may be.
            return Err(refuse(if scheme == "mock" {
                "mock://, which needs the Java client"
            } else {
                "another scheme"
            }));
        }
        if text.contains(['?', '#']) || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(refuse("a query, a fragment or white space"));
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (user_info, host) = match authority.rsplit_once('@') {
            Some((user_info, host)) => (Some(percent_decode(user_info)), host),
            None => (None, authority),
        };
        if host.is_empty() || host.starts_with(':') {
            return Err(refuse("no host"));
        }
        Ok(Self { origin: format!("{scheme}://{host}"), prefix: path.trim_end_matches('/').to_owned(), user_info })
    }

    /// URL of a path that starts with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.prefix)
    }

    pub(crate) fn user_info(&self) -> Option<&str> {
        self.user_info.as_deref()
    }
}

/// Escapes a path segment as Guava's `urlPathSegmentEscaper`, which Confluent's client uses: UTF-8, percent-encoded.
pub(crate) fn path_segment(text: &str) -> String {
    percent_encode(text, b"-._~!$'()*,;&=@:+")
}

/// Escapes a query parameter.
pub(crate) fn query_value(text: &str) -> String {
    percent_encode(text, b"-._~")
}

fn percent_encode(text: &str, safe: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || safe.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail.first_chunk::<2>().filter(|_| *first == b'%');
        match escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or(&[]);
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `scheme://host:port` of an absolute URL.
fn origin(url: &str) -> Option<&str> {
    let authority = url.find("://")? + 3;
    let path = url.get(authority..)?.find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
    url.get(..path)
}

/// Where a redirect leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub(crate) url: String,
    /// Whether credentials may go there: only to the origin they were meant for.
    pub(crate) same_origin: bool,
}

/// Resolves a `Location` against the URL that was asked. `None` = not followed: no URL, from https to http, user info.
pub(crate) fn redirect(asked: &str, location: &str) -> Option<Redirect> {
    let from = origin(asked)?;
    if location.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    if location.starts_with('/') && !location.starts_with("//") {
        return Some(Redirect { url: format!("{from}{location}"), same_origin: true });
    }
    let to = origin(location)?;
    let lower = to.to_ascii_lowercase();
    let secure = lower.starts_with("https://");
    if !(secure || lower.starts_with("http://") && !from.starts_with("https://")) || to.contains('@') {
        return None;
    }
    Some(Redirect { url: location.to_owned(), same_origin: lower == from.to_ascii_lowercase() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_info_is_taken_off_and_decoded() {
        let url = BaseUrl::parse("HTTP://user:p%40:ss@h:8081/apis/ccompat/v7/").unwrap();
        assert_eq!(url.user_info(), Some("user:p@:ss"));
        assert_eq!(url.join("/schemas"), "http://h:8081/apis/ccompat/v7/schemas");
        assert_eq!(BaseUrl::parse("https://[::1]:1").unwrap().join("/"), "https://[::1]:1/");
        for bad in ["h:8081", "ftp://h", "http://", "http://:1", "http://h/?a", "http://h h", "mock://x"] {
            assert_eq!(BaseUrl::parse(bad).unwrap_err().code(), "registry.url", "{bad}");
        }
    }

    #[test]
    fn subjects_are_encoded_as_path_segments() {
        assert_eq!(path_segment("a/b c-é:.x%"), "a%2Fb%20c-%C3%A9:.x%25");
        assert_eq!(query_value("a&b=c"), "a%26b%3Dc");
    }

    #[test]
    fn redirects_keep_credentials_only_at_home() {
        let to = |asked: &str, location: &str| redirect(asked, location).map(|r| (r.url, r.same_origin));
        assert_eq!(to("http://a:1/x", "/y?z"), Some(("http://a:1/y?z".into(), true)));
        assert_eq!(to("http://a:1/x", "http://A:1/y"), Some(("http://A:1/y".into(), true)));
        assert_eq!(to("http://a:1/x", "http://b:1/y"), Some(("http://b:1/y".into(), false)));
        assert_eq!(to("http://a:1/x", "http://a:12/y"), Some(("http://a:12/y".into(), false)));
        assert_eq!(to("http://a:1/x", "https://a:1/y"), Some(("https://a:1/y".into(), false)));
        assert_eq!(to("https://a/x", "http://a/y"), None);
        assert_eq!(to("http://a/x", "//b/y"), None);
        assert_eq!(to("http://a/x", "file:///etc/passwd"), None);
        assert_eq!(to("http://a/x", "http://u:p@a/y"), None);
    }
}
