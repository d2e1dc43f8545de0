//! Values that are elsewhere: `${env:NAME}`, `${file:PATH:KEY}`, `${dir:PATH:FILE}` as Kafka's config providers have
//! them, and `${NAME}`, a template's placeholder, from the environment.

use super::document::Document;
use connect_data::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Looks up an environment variable.
pub type Environment = dyn Fn(&str) -> Option<String>;

/// What a provider's name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Provider {
    /// Where it looks.
    pub(super) kind: ProviderKind,
    /// `param.allowed.paths`: nothing outside of them is read.
    pub(super) allowed_paths: Vec<PathBuf>,
}

/// Kafka's config providers that there are here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProviderKind {
    /// `EnvVarConfigProvider`.
    Environment,
    /// `FileConfigProvider`: a properties file.
    File,
    /// `DirectoryConfigProvider`: one file a key.
    Directory,
}

impl ProviderKind {
    /// The provider with this class name.
    pub(super) fn from_class(class: &str) -> Option<Self> {
        match class.strip_prefix("org.apache.kafka.common.config.provider.")? {
            "EnvVarConfigProvider" => Some(Self::Environment),
            "FileConfigProvider" => Some(Self::File),
            "DirectoryConfigProvider" => Some(Self::Directory),
            _ => None,
        }
    }
}

/// The providers of a run by name.
pub(super) struct Providers<'a> {
    named: BTreeMap<String, Provider>,
    environment: &'a Environment,
}

impl<'a> Providers<'a> {
    /// `env`, `file` and `dir`.
    pub(super) fn new(environment: &'a Environment) -> Self {
        let provider = |kind| Provider { kind, allowed_paths: Vec::new() };
        let named = [
            ("env", provider(ProviderKind::Environment)),
            ("file", provider(ProviderKind::File)),
            ("dir", provider(ProviderKind::Directory)),
        ];
        Self { named: named.map(|(name, provider)| (name.to_owned(), provider)).into(), environment }
    }

    /// Adds one that the worker configures, or takes the place of one of the three.
    pub(super) fn set(&mut self, name: &str, provider: Provider) {
        self.named.insert(name.to_owned(), provider);
    }

    /// The value with all placeholders filled in; `None` = it has none. What is filled in is not looked at again.
    ///
    /// A placeholder without a provider and not in capital letters is the connector's own, e.g. `${topic}`.
    ///
    /// # Errors
    /// Config: the placeholder has no value, with what to do about it.
    pub(super) fn fill(&self, value: &str) -> Result<Option<String>> {
        let (mut filled, mut rest, mut any) = (String::new(), value, false);
        while let Some((before, inside, after)) = next_placeholder(rest) {
            filled.push_str(before);
            match self.look_up(inside)? {
                Some(found) => {
                    filled.push_str(&found);
                    any = true;
                }
                None => filled.push_str(&format!("${{{inside}}}")),
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(any.then_some(filled))
    }

    fn look_up(&self, inside: &str) -> Result<Option<String>> {
        let Some((name, rest)) = inside.split_once(':') else {
            let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            if !inside.starts_with(|c: char| c.is_ascii_uppercase()) || !inside.chars().all(capital) {
                return Ok(None);
            }
            return self
                .environment(inside)
                .map(Some)
                .map_err(|error| error.hint(format!("write the value in its place, or export {inside}")));
        };
        let Some(provider) = self.named.get(name) else {
            let message =
                format!("placeholder ${{{inside}}}: expected a config provider that is available, found {name}");
            let known: Vec<_> = self.named.keys().map(String::as_str).collect();
            return Err(Error::config("config.provider", message).hint(format!("available are {}", known.join(", "))));
        };
        let (path, key) = match rest.rsplit_once(':') {
            Some((path, key)) => (path, key),
            None => ("", rest),
        };
        match provider.kind {
            ProviderKind::Environment => self.environment(key).map(Some),
            ProviderKind::File => {
                let file = Document::read_properties(&provider.allowed(path)?)?;
                let found = file.entries.into_iter().find(|entry| entry.key == key);
                found.map(|entry| Some(entry.value)).ok_or_else(|| missing(&format!("key {key} in {path}")))
            }
            ProviderKind::Directory => {
                if key.contains('/') || key == ".." {
                    return Err(missing(&format!("file name {key}")));
                }
                let file = provider.allowed(path)?.join(key);
                let text = std::fs::read_to_string(&file).map_err(|error| {
                    Error::config("config.file", format!("{}: expected a readable file, found {error}", file.display()))
                })?;
                Ok(Some(text))
            }
        }
    }

    fn environment(&self, name: &str) -> Result<String> {
        (self.environment)(name).ok_or_else(|| missing(&format!("environment variable {name}")))
    }
}

impl Provider {
    fn allowed(&self, path: &str) -> Result<PathBuf> {
        let path = Path::new(path);
        let real = || path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.allowed_paths.is_empty() || self.allowed_paths.iter().any(|allowed| real().starts_with(allowed)) {
            return Ok(path.to_owned());
        }
        let message = format!("{}: expected a path below the provider's allowed.paths, found another", path.display());
        Err(Error::config("config.provider", message))
    }
}

fn missing(what: &str) -> Error {
    Error::config("config.placeholder", format!("placeholder: expected the {what}, found none"))
}

/// Text before `${`, text up to `}`, text after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (inside, after) = rest.split_once('}')?;
    Some((before, inside, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        (name == "HOST").then(|| "db ${env:HOST}".to_owned())
    }

    #[test]
    fn values_come_from_environment_files_and_folders() {
        let folder = std::env::temp_dir().join(format!("bucatini-providers-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("p.properties"), "user = joe\npassword=a:b\n").unwrap();
        std::fs::write(folder.join("token"), "t0ken").unwrap();
        let path = folder.display();
        let mut providers = Providers::new(&environment);
        let fill = |providers: &Providers<'_>, text: &str| providers.fill(text);
        assert_eq!(fill(&providers, "a ${env:HOST}-${HOST} z").unwrap().unwrap(), "a db ${env:HOST}-db ${env:HOST} z");
        assert_eq!(fill(&providers, &format!("${{file:{path}/p.properties:password}}")).unwrap().unwrap(), "a:b");
        assert_eq!(fill(&providers, &format!("${{dir:{path}:token}}")).unwrap().unwrap(), "t0ken");
        for verbatim in ["plain", "${topic}", "cost $5 {x}", "${unclosed", "${}", "kafka_${source.table}"] {
            assert_eq!(fill(&providers, verbatim).unwrap(), None, "{verbatim}");
        }
        for (text, part) in [
            (
                "${MISSING}",
                "environment variable MISSING, found none [config.placeholder]; write the value in its place, or export MISSING",
            ),
            ("${env:MISSING}", "environment variable MISSING"),
            ("${vault:a:b}", "found vault [config.provider]; available are dir, env, file"),
            ("${file:/nowhere/x:k}", "/nowhere/x: expected a readable file"),
            ("${dir:/tmp:../x}", "file name ../x"),
        ] {
            let error = fill(&providers, text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let elsewhere = Provider { kind: ProviderKind::File, allowed_paths: vec![folder.join("below")] };
        providers.set("mine", elsewhere);
        let outside = fill(&providers, &format!("${{mine:{path}/p.properties:user}}")).unwrap_err();
        assert_eq!(outside.code(), "config.provider");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn classes_name_their_providers() {
        let class = "org.apache.kafka.common.config.provider.FileConfigProvider";
        assert_eq!(ProviderKind::from_class(class), Some(ProviderKind::File));
        assert_eq!(ProviderKind::from_class("com.example.VaultConfigProvider"), None);
    }
}
