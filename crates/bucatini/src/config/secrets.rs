//! What must not be seen: which keys hold secrets, how a value is shown, and how a text is cleaned before it leaves.

use connect_data::config::{ConfigKey, ConfigType};
use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

/// Stands for a secret.
pub const HIDDEN: &str = "[hidden]";

/// Shorter secrets are not looked for in texts: they would be found everywhere.
const SHORTEST: usize = 4;

/// Whether the value of a key is a secret, by its name.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let last = key.rsplit('.').next().unwrap_or(&key);
    let ends = |end: &str| key.ends_with(end);
    if ends("credentials.source") || ends("credentials.provider") || ends("token.endpoint.url") {
        return false;
    }
    key.contains("password")
        || key.contains("passphrase")
        || key.contains("secret")
        || key.contains("private.key")
        || key.contains("request.header.")
        || ends("user.info")
        || ends("jaas.config")
        || ends("bearer.auth.token")
        || ends("ssl.key.pem")
        || ends("keystore.key")
        || ends("oauthbearer.config")
        || matches!(last, "credentials" | "token" | "apikey" | "pin" | "passwd" | "pwd")
}

/// Whether a declared key holds a secret.
pub fn holds_secret(name: &str, declaration: Option<&ConfigKey>) -> bool {
    is_secret(name) || declaration.is_some_and(|key| key.kind == ConfigType::Password)
}

/// A key as it may be shown: Debezium has a salt in the names of `column.mask.hash.*`.
pub fn shown_key(key: &str) -> Cow<'_, str> {
    match key.split_once(".with.salt.") {
        Some((start, _)) => Cow::Owned(format!("{start}.with.salt.{HIDDEN}")),
        None => Cow::Borrowed(key),
    }
}

/// A value as it may be shown.
pub fn shown_value<'a>(key: &str, value: &'a str) -> Cow<'a, str> {
    match is_secret(key) && !value.is_empty() {
        true => Cow::Borrowed(HIDDEN),
        false => redact(value),
    }
}

/// Hides user info in URLs and what follows `password=` or `secret=` (JDBC URLs, JAAS, libpq).
pub fn redact(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    if !text.contains("://") && !lower.contains("password") && !lower.contains("secret") && !lower.contains("pwd=") {
        return Cow::Borrowed(text);
    }
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let rest = text.get(start..).unwrap_or("");
        let end = rest.find(|c: char| "/?# \t\r\n\"',<>".contains(c)).unwrap_or(rest.len());
        if let Some(user_info) = rest.get(..end).and_then(|authority| authority.rfind('@')) {
            hidden.push((start, start + user_info));
        }
    }
    for word in ["password", "secret", "passphrase", "pwd"] {
        for (at, _) in lower.match_indices(word) {
            let after = at + word.len();
            let rest = text.get(after..).unwrap_or("");
            let value = rest.trim_start();
            let Some(value) = value.strip_prefix(['=']) else { continue };
            let value = value.trim_start();
            let start = text.len() - value.len();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let len = match quote {
                Some(quote) => value.get(1..).and_then(|inner| inner.find(quote)).map_or(value.len(), |at| at + 2),
                None => value.find(|c: char| c.is_whitespace() || "&;,)".contains(c)).unwrap_or(value.len()),
            };
            hidden.push((start, start + len));
        }
    }
    hide(text, hidden)
}

fn hide(text: &str, mut ranges: Vec<(usize, usize)>) -> Cow<'_, str> {
    ranges.retain(|(start, end)| start < end);
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    ranges.sort_unstable();
    let (mut shown, mut from) = (String::new(), 0);
    for (start, end) in ranges {
        if start >= from {
            shown.push_str(text.get(from..start).unwrap_or(""));
            shown.push_str(HIDDEN);
        }
        from = from.max(end);
    }
    shown.push_str(text.get(from..).unwrap_or(""));
    Cow::Owned(shown)
}

/// The secrets that were read, so that what others write (libraries, servers' answers) can be cleaned of them.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Vec<String>>>);

/// The secrets themselves are what must not be seen.
impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// Knows none yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns the secrets in a setting.
    pub fn learn(&self, key: &str, value: &str) {
        if is_secret(key) {
            self.learn_secret(value);
            if key.ends_with("jaas.config")
                && let Ok((_, password)) = super::kafka::jaas(value)
            {
                self.learn_secret(&password);
            }
            // user:password
            if let Some((_, password)) = value.split_once(':') {
                self.learn_secret(password);
            }
        }
        for user_info in value.split("://").skip(1).filter_map(|rest| {
            let authority = rest.split(['/', '?', '#']).next()?;
            authority.rsplit_once('@').map(|(user_info, _)| user_info)
        }) {
            self.learn_secret(user_info.split_once(':').map_or(user_info, |(_, password)| password));
        }
        for part in value.split(['&', ';', '?', ' ']) {
            if let Some((name, secret)) = part.split_once('=')
                && is_secret(name)
            {
                self.learn_secret(secret.trim_matches(['"', '\'']));
            }
        }
    }

    fn learn_secret(&self, secret: &str) {
        let secret = secret.trim();
        if secret.len() < SHORTEST {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !known.iter().any(|one| one == secret) {
            known.push(secret.to_owned());
            // A secret that contains another is looked for first.
            known.sort_by_key(|one| std::cmp::Reverse(one.len()));
        }
    }

    /// A text without secrets: neither known ones nor what looks like one.
    pub fn clean(&self, text: &str) -> String {
        let mut text = redact(text).into_owned();
        for secret in self.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            // As part of a longer word it is another word: a password "postgres" must not make "postgresql" unreadable.
            let part_of_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            let found = text.match_indices(secret.as_str()).map(|(at, found)| (at, at + found.len()));
            let alone = found.filter(|(start, end)| {
                let before = text.get(..*start).and_then(|before| before.chars().next_back());
                let after = text.get(*end..).and_then(|after| after.chars().next());
                !part_of_word(before) && !part_of_word(after)
            });
            text = hide(&text, alone.collect()).into_owned();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_hold_secrets_are_known_by_their_names() {
        for key in [
            "database.password",
            "connection.password",
            "database.sslpassword",
            "key.converter.basic.auth.user.info",
            "value.converter.schema.registry.basic.auth.user.info",
            "producer.override.sasl.jaas.config",
            "ssl.keystore.password",
            "ssl.key.password",
            "ssl.keystore.key",
            "ssl.key.pem",
            "value.converter.bearer.auth.token",
            "value.converter.request.header.X-Api-Key",
            "bearer.auth.client.secret",
            "SSL.Truststore.PASSWORD",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in [
            "database.user",
            "key.converter",
            "message.key.columns",
            "basic.auth.credentials.source",
            "ssl.key.location",
            "pk.fields",
            "slot.name",
            "connection.url",
        ] {
            assert!(!is_secret(key), "{key}");
        }
    }

    #[test]
    fn values_are_shown_without_secrets() {
        let shown = |key, value| shown_value(key, value).into_owned();
        assert_eq!(shown("database.password", "s3cret"), HIDDEN);
        assert_eq!(shown("database.password", ""), "");
        assert_eq!(
            shown("schema.registry.url", "https://joe:s3cret@a:1/x,http://b"),
            "https://[hidden]@a:1/x,http://b"
        );
        assert_eq!(
            shown("connection.url", "jdbc:mysql://h/db?user=joe&password=s3cret&x=1"),
            "jdbc:mysql://h/db?user=joe&password=[hidden]&x=1"
        );
        assert_eq!(
            shown("x", "Login required username=\"u\" password=\"s3 cret\";"),
            "Login required username=\"u\" password=[hidden];"
        );
        assert_eq!(shown("x", "clientSecret = 's' y"), "clientSecret = [hidden] y");
        assert_eq!(shown("table.include.list", "public.pasta"), "public.pasta");
        assert_eq!(shown("x", "mail a@b and http://h/@x"), "mail a@b and http://h/@x");
        assert_eq!(
            shown_key("column.mask.hash.SHA-256.with.salt.s3cret"),
            "column.mask.hash.SHA-256.with.salt.[hidden]"
        );
    }

    #[test]
    fn learned_secrets_are_cleaned_from_any_text() {
        let redactor = Redactor::new();
        redactor.learn("database.password", "hunter22");
        redactor.learn("value.converter.basic.auth.user.info", "joe:swordfish");
        redactor.learn("connection.url", "jdbc:mysql://u:urlpass@h/db?password=parampass");
        redactor.learn("database.password", "abc");
        redactor.learn("sasl.jaas.config", "x.PlainLoginModule required username=u password=\"two words\";");
        let clean = redactor.clean("'hunter22' joe:swordfish swordfish urlpass parampass abc hunter222 (two words)");
        assert_eq!(clean, "'[hidden]' [hidden] [hidden] [hidden] [hidden] abc hunter222 ([hidden])");
        assert!(!format!("{redactor:?}").contains("hunter22"));
    }
}
