//! What becomes of each key of a file.

use super::document::{Document, Entry};
use super::providers::Providers;
use super::{secrets, suggest};
use connect_data::config::{DefaultValue, OtherKey, Treatment};
use connect_data::{ConfigDef, ConfigKey, Error, Properties};
use std::path::PathBuf;

/// What becomes of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does what it does in Connect.
    Honoured,
    /// It is not set and has this default.
    Default,
    /// It changes nothing, for this reason.
    Ignored(String),
    /// The run does not start, for this reason.
    Refused(String),
}

/// A key and what becomes of it.
#[derive(Clone, Debug)]
pub struct KeyReport {
    /// The whole key.
    pub key: String,
    /// Its line; `None` for defaults and for keys that are missing.
    pub line: Option<usize>,
    /// Its value or default, without secrets; `None` = none.
    pub value: Option<String>,
    /// What becomes of it.
    pub fate: Fate,
    /// How it is declared, if it is.
    pub declaration: Option<&'static ConfigKey>,
}

/// What becomes of each key of a file: first those that are set, in their order, then the defaults.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The file.
    pub path: PathBuf,
    /// `name`, or what takes its place; `None` for a worker's file.
    pub name: Option<String>,
    /// `connector.class`, if it is set.
    pub class: Option<String>,
    /// The keys.
    pub keys: Vec<KeyReport>,
}

impl Audit {
    /// How many keys are refused.
    pub fn refused(&self) -> usize {
        self.keys.iter().filter(|key| matches!(key.fate, Fate::Refused(_))).count()
    }

    /// What the user should hear although the run starts: one line per ignored key.
    pub fn notices(&self) -> impl Iterator<Item = String> {
        self.keys.iter().filter_map(|key| match &key.fate {
            Fate::Ignored(why) => {
                Some(format!("{}: {} is ignored: {why}", self.place(key), secrets::shown_key(&key.key)))
            }
            _ => None,
        })
    }

    /// All refusals as one error; `None` = there is none.
    pub fn error(&self) -> Option<Error> {
        let lines: Vec<_> = self
            .keys
            .iter()
            .filter_map(|key| match &key.fate {
                Fate::Refused(why) => Some(format!("{}: {}: {why}", self.place(key), secrets::shown_key(&key.key))),
                _ => None,
            })
            .collect();
        (!lines.is_empty()).then(|| {
            Error::config("config.refused", lines.join("\n"))
                .hint(format!("bucatini validate {} shows what becomes of every key", self.path.display()))
        })
    }

    fn place(&self, key: &KeyReport) -> String {
        match key.line {
            Some(line) => format!("{}:{line}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }
}

/// What is known about the keys below one prefix.
#[derive(Clone, Default)]
pub(super) struct Scope {
    pub(super) keys: Vec<&'static [ConfigKey]>,
    pub(super) others: Vec<&'static [OtherKey]>,
    /// Beginnings of keys that are honoured without being declared, e.g. `request.header.`.
    pub(super) families: &'static [&'static str],
    /// What becomes of all other keys.
    pub(super) rest: Rest,
}

/// What becomes of keys that a scope does not know.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Rest {
    /// They are unknown, which is refused unless the run is lenient.
    #[default]
    Unknown,
    /// They are honoured: the plug-in alone knows its keys.
    Honoured,
    /// Another scope judges them.
    Left,
}

impl Scope {
    fn declaration(&self, name: &str) -> Option<&'static ConfigKey> {
        self.keys.iter().flat_map(|keys| keys.iter()).find(|key| key.name == name)
    }

    fn other(&self, name: &str) -> Option<&'static OtherKey> {
        self.others.iter().flat_map(|others| others.iter()).find(|other| other.matches(name))
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        let declared = self.keys.iter().flat_map(|keys| keys.iter()).map(|key| key.name);
        declared.chain(self.others.iter().flat_map(|others| others.iter()).map(|other| other.name))
    }
}

/// A file being checked: scopes take its keys until none is left.
pub(super) struct Checker {
    document: PathBuf,
    settings: Vec<Setting>,
    /// Defaults, and what is missing.
    unset: Vec<KeyReport>,
    lenient: bool,
}

struct Setting {
    key: String,
    /// As it stands in the file.
    raw: String,
    /// With placeholders filled in.
    value: String,
    line: usize,
    fate: Option<Fate>,
    declaration: Option<&'static ConfigKey>,
}

impl Checker {
    /// Fills in placeholders and learns the secrets.
    pub(super) fn new(
        document: Document,
        providers: &Providers<'_>,
        redactor: &secrets::Redactor,
        lenient: bool,
    ) -> Self {
        let setting = |Entry { key, value: raw, line }| {
            let (value, fate) = match providers.fill(&raw) {
                Ok(filled) => (filled.unwrap_or_else(|| raw.clone()), None),
                Err(error) => (raw.clone(), Some(Fate::Refused(without_code(&error)))),
            };
            redactor.learn(&key, &value);
            Setting { key, raw, value, line, fate, declaration: None }
        };
        Self {
            settings: document.entries.into_iter().map(setting).collect(),
            document: document.path,
            unset: Vec::new(),
            lenient,
        }
    }

    /// The value of a key, whatever becomes of it.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|setting| setting.key == key).map(|setting| setting.value.as_str())
    }

    /// Judges all keys below `prefix` that are not judged yet by what `scope` knows, and returns the honoured ones
    /// without the prefix. `defaults` says whether what is not set is listed.
    pub(super) fn judge(&mut self, prefix: &str, scope: &Scope) -> Properties {
        let mut honoured = Properties::default();
        for setting in &mut self.settings {
            let Some(name) = setting.key.strip_prefix(prefix).filter(|name| !name.is_empty()) else { continue };
            if setting.declaration.is_some() || matches!(setting.fate, Some(Fate::Honoured | Fate::Ignored(_))) {
                continue;
            }
            setting.declaration = scope.declaration(name);
            if setting.fate.is_some() {
                continue;
            }
            setting.fate = judge(name, &setting.value, prefix, scope, self.lenient);
            if setting.fate == Some(Fate::Honoured) {
                honoured.set(name, setting.value.as_str());
            }
        }
        for key in scope.keys.iter().flat_map(|keys| keys.iter()) {
            let whole = format!("{prefix}{}", key.name);
            let known = self.settings.iter().map(|s| &s.key).chain(self.unset.iter().map(|report| &report.key));
            if known.into_iter().any(|key| *key == whole) {
                continue;
            }
            let (value, fate) = match key.default {
                DefaultValue::Required => (None, Fate::Refused("it must be set".to_owned())),
                DefaultValue::Null => (None, Fate::Default),
                DefaultValue::Text(text) => (Some(text.to_owned()), Fate::Default),
            };
            self.unset.push(KeyReport { key: whole, line: None, value, fate, declaration: Some(key) });
        }
        honoured
    }

    /// The connector's name: `name`, or the file's, as files for `PUT /connectors/{name}/config` have none.
    pub(super) fn name(&self) -> String {
        match self.value("name").map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => self.document.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    /// The keys below `prefix`.
    pub(super) fn keys_below(&self, prefix: &str) -> Vec<String> {
        let keys = self.settings.iter().map(|setting| &setting.key);
        keys.filter(|key| key.starts_with(prefix)).cloned().collect()
    }

    /// What is not judged yet below `prefix`, without it.
    pub(super) fn unjudged_below(&self, prefix: &str) -> Properties {
        let unjudged = self.settings.iter().filter(|setting| setting.fate.is_none());
        unjudged.filter_map(|setting| Some((setting.key.strip_prefix(prefix)?, setting.value.as_str()))).collect()
    }

    /// Gives every key below `prefix` that is not judged yet the same fate.
    pub(super) fn dismiss(&mut self, prefix: &str, fate: &Fate) {
        for setting in &mut self.settings {
            if setting.fate.is_none() && setting.key.starts_with(prefix) {
                setting.fate = Some(fate.clone());
            }
        }
    }

    /// Overrules what was said about a key; one that is not set is added.
    pub(super) fn overrule(&mut self, key: &str, fate: Fate) {
        if let Some(setting) = self.settings.iter_mut().find(|setting| setting.key == key) {
            setting.fate = Some(fate);
        } else if let Some(report) = self.unset.iter_mut().find(|report| report.key == key) {
            report.fate = fate;
        } else {
            self.unset.push(KeyReport { key: key.to_owned(), line: None, value: None, fate, declaration: None });
        }
    }

    /// [`Self::overrule`] with a refusal.
    pub(super) fn refuse(&mut self, key: &str, why: impl Into<String>) {
        self.overrule(key, Fate::Refused(why.into()));
    }

    /// An error of a plug-in about its settings: it goes to the key that the message names, or else to `fallback`.
    pub(super) fn refuse_by(&mut self, prefix: &str, error: &Error, fallback: &str) {
        let named = error.message().strip_prefix("setting ").and_then(|rest| rest.split_once(':'));
        let key = match named {
            Some((name, _)) if !name.contains(char::is_whitespace) => format!("{prefix}{name}"),
            _ => fallback.to_owned(),
        };
        // The first refusal of a key says more than what follows from it.
        let refused = self.settings.iter().any(|s| s.key == key && matches!(s.fate, Some(Fate::Refused(_))))
            || self.unset.iter().any(|report| report.key == key && matches!(report.fate, Fate::Refused(_)));
        if !refused {
            self.refuse(&key, without_code(error));
        }
    }

    /// Whether anything is refused.
    pub(super) fn is_refused(&self) -> bool {
        self.settings.iter().any(|setting| matches!(setting.fate, Some(Fate::Refused(_))))
            || self.unset.iter().any(|report| matches!(report.fate, Fate::Refused(_)))
    }

    /// The report. A key that no scope took was nobody's.
    pub(super) fn finish(self) -> Audit {
        let class = self.value("connector.class").map(str::to_owned);
        let name = class.is_some().then(|| self.name());
        let set = self.settings.iter().map(|setting| {
            let secret = secrets::holds_secret(&setting.key, setting.declaration) && !setting.raw.is_empty();
            let value = if secret { secrets::HIDDEN.into() } else { secrets::redact(&setting.raw) };
            KeyReport {
                key: setting.key.clone(),
                line: Some(setting.line),
                value: Some(value.into_owned()),
                fate: setting.fate.clone().unwrap_or_else(|| Fate::Refused("nothing here knows this key".to_owned())),
                declaration: setting.declaration,
            }
        });
        Audit { path: self.document.clone(), name, class, keys: set.chain(self.unset.iter().cloned()).collect() }
    }
}

/// `None` = left to others.
fn judge(name: &str, value: &str, prefix: &str, scope: &Scope, lenient: bool) -> Option<Fate> {
    if let Some(key) = scope.declaration(name) {
        let one = ConfigDef { plugin: "", keys: std::slice::from_ref(key) };
        return Some(match one.validate(&Properties::from_iter([(name, value)])) {
            Ok(()) => Fate::Honoured,
            Err(_) => Fate::Refused(expected(key, value)),
        });
    }
    if let Some(other) = scope.other(name) {
        return Some(match other.treatment {
            Treatment::Ignored(why) => Fate::Ignored(why.to_owned()),
            Treatment::Refused(why) => Fate::Refused(why.to_owned()),
        });
    }
    if scope.families.iter().any(|family| name.starts_with(family)) {
        return Some(Fate::Honoured);
    }
    match scope.rest {
        Rest::Honoured => return Some(Fate::Honoured),
        Rest::Left => return None,
        Rest::Unknown => {}
    }
    let unknown = match suggest::nearest(name, scope.names()) {
        Some(near) => format!("unknown key; did you mean {prefix}{near}?"),
        None => "unknown key".to_owned(),
    };
    Some(if lenient { Fate::Ignored(unknown) } else { Fate::Refused(unknown) })
}

/// What a declared key accepts, and what was found unless it is a secret.
fn expected(key: &ConfigKey, value: &str) -> String {
    let (kind, valid) = (key.kind.name().to_lowercase(), key.validator.describe());
    let expected = if valid.is_empty() { format!("a value of type {kind}") } else { valid };
    if secrets::holds_secret(key.name, Some(key)) {
        return format!("expected {expected}, found something else");
    }
    let near = match key.validator {
        connect_data::config::Validator::OneOf(values) | connect_data::config::Validator::OneOfIgnoringCase(values) => {
            suggest::nearest(value.trim(), values.iter().copied())
        }
        _ => None,
    };
    let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    format!("expected {expected}, found {}{hint}", quoted(value))
}

fn quoted(value: &str) -> String {
    let shown = secrets::redact(value);
    if shown.trim().is_empty() {
        "nothing".to_owned()
    } else {
        format!("{:?}", shown.chars().take(60).collect::<String>())
    }
}

/// Message and hint of an error, for a place where its code says nothing more.
pub(super) fn without_code(error: &Error) -> String {
    let message = match error.message().strip_prefix("setting ").and_then(|rest| rest.split_once(": ")) {
        Some((_, what)) => what,
        None => error.message(),
    };
    match error.hint_text() {
        Some(hint) => format!("{message}; {hint}"),
        None => message.to_owned(),
    }
}
