//! One error type for all cores: what was expected, what was found, where, and what to do.

use crate::wire::{Reader, Writer};
use std::borrow::Cow;
use std::fmt;

/// Result of a core function.
pub type Result<T> = std::result::Result<T, Error>;

/// Who has to act. Every boundary matches this exhaustively, so a new kind will not compile until each has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ErrorKind {
    /// This record is bad; others may be fine. Java: `DataException`, so tolerance and dead-letter queue decide.
    Data = 1,
    /// A setting is wrong. Java: `ConfigException`.
    Config = 2,
    /// A broken invariant: panic, trap, time-out of a component. Java: an `Error`, so the task fails and offsets stay.
    Internal = 3,
    /// Something outside does not answer and the retry budget is spent. Java: an `Error`, as above: an outage is not
    /// bad data.
    Outage = 4,
}

impl ErrorKind {
    fn from_u8(code: u8) -> Self {
        match code {
            1 => Self::Data,
            2 => Self::Config,
            4 => Self::Outage,
            _ => Self::Internal,
        }
    }
}

/// A step from the root of a key, value or header to the offending place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Struct field or union branch.
    Field(String),
    /// Array item.
    Index(u32),
    /// Entry of a map, by position: the key itself is row data and stays out of messages.
    Entry(u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    code: Cow<'static, str>,
    message: String,
    /// Innermost step first: it grows while the error unwinds.
    path: Vec<Step>,
    hint: Option<String>,
}

/// An error of a core. Cheap to return (one pointer); never holds secrets or row values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Inner>);

impl Error {
    /// `code` is stable, documented and machine-readable, e.g. `avro.truncated`; `message` names expected and found.
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, code: Cow::Borrowed(code), message: message.into(), path: Vec::new(), hint: None }))
    }

    /// An error of [`ErrorKind::Data`].
    pub fn data(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, code, message)
    }

    /// An error of [`ErrorKind::Config`].
    pub fn config(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, code, message)
    }

    /// An error of [`ErrorKind::Internal`].
    pub fn internal(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, code, message)
    }

    /// An error of [`ErrorKind::Outage`].
    pub fn outage(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Outage, code, message)
    }

    /// An error whose code comes from a component.
    pub fn foreign(kind: ErrorKind, code: String, message: String, path: Vec<Step>, hint: Option<String>) -> Self {
        let path = path.into_iter().rev().collect();
        Self(Box::new(Inner { kind, code: Cow::Owned(code), message, path, hint }))
    }

    /// Adds what the operator can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the enclosing step while the error unwinds: costs nothing on the good path.
    #[must_use]
    pub fn within(mut self, step: Step) -> Self {
        self.0.path.push(step);
        self
    }

    /// [`Self::within`] for a field.
    #[must_use]
    pub fn field(self, name: &str) -> Self {
        self.within(Step::Field(name.to_owned()))
    }

    /// Who has to act.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Stable machine-readable code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// Message without code, path and hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Hint for the operator.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Steps from the root to the offending place.
    pub fn path(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.0.path.iter().rev()
    }

    /// `after.items[3]`, empty at the root.
    pub fn path_text(&self) -> String {
        let mut text = String::new();
        for step in self.path() {
            match step {
                Step::Field(name) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(name);
                }
                Step::Index(i) => text.push_str(&format!("[{i}]")),
                Step::Entry(i) => text.push_str(&format!("{{{i}}}")),
            }
        }
        text
    }

    /// Boundary form: kind `u8`, code, message, path text, hint (empty = none), each a length-prefixed string.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.u8(self.0.kind as u8);
        w.str(&self.0.code);
        w.str(&self.0.message);
        w.str(&self.path_text());
        w.str(self.0.hint.as_deref().unwrap_or(""));
    }

    /// Reads what [`Self::encode`] wrote. The path comes back as one step.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let kind = ErrorKind::from_u8(r.u8()?);
        let code = r.str()?.to_owned();
        let message = r.str()?.to_owned();
        let path = match r.str()? {
            "" => Vec::new(),
            text => vec![Step::Field(text.to_owned())],
        };
        let hint = match r.str()? {
            "" => None,
            text => Some(text.to_owned()),
        };
        Ok(Self::foreign(kind, code, message, path, hint))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.0.message, self.0.code)?;
        if !self.0.path.is_empty() {
            write!(f, " at {}", self.path_text())?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_reads_from_the_root_and_survives_the_boundary() {
        let error = Error::data("x.y", "expected a, found b")
            .within(Step::Index(3))
            .field("items")
            .field("after")
            .hint("do this");
        assert_eq!(error.to_string(), "expected a, found b [x.y] at after.items[3]; do this");
        let mut bytes = Vec::new();
        error.encode(&mut bytes);
        assert_eq!(Error::decode(&bytes).unwrap().to_string(), error.to_string());
    }
}
