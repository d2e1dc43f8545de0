//! Bytes in a stream: lines of text, or octets after their length.

use super::stream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use connect_data::{Error, Result};
use std::io::{Read, Write};

/// A longer message is not one that Kafka would carry.
const MAX_MESSAGE: u64 = 1 << 30;

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Lines of Base64.
    Base64,
    /// Lines of hexadecimal digits.
    Hex,
    /// Octets after their length.
    Raw,
}

/// A message, or none.
pub(super) type Bytes = Option<Vec<u8>>;

impl Form {
    /// The next message; `None` = the stream ends. The inner result is about this message alone.
    ///
    /// # Errors
    /// Outage: the stream fails. Data `convert.form`: no going on behind a length that is none.
    pub(super) fn read(self, input: &mut dyn Read) -> Result<Option<Result<Bytes>>> {
        match self {
            Self::Raw => raw(input).map(|found| found.map(Ok)),
            Self::Base64 => Ok(line(input)?.map(|line| {
                let decoded = STANDARD.decode(&line).map_err(|_| malformed("Base64"));
                decoded.map(|bytes| (!line.is_empty()).then_some(bytes))
            })),
            Self::Hex => Ok(line(input)?.map(|line| hex(&line).map(|bytes| (!line.is_empty()).then_some(bytes)))),
        }
    }

    /// Writes a message.
    ///
    /// # Errors
    /// Outage: the stream fails.
    pub(super) fn write(self, bytes: Option<&[u8]>, output: &mut dyn Write) -> Result<()> {
        let text = match self {
            Self::Raw => {
                let length = bytes.map_or(-1, |bytes| bytes.len() as i32).to_be_bytes();
                let written = output.write_all(&length).and_then(|()| output.write_all(bytes.unwrap_or_default()));
                return written.map_err(|error| stream(&error));
            }
            Self::Base64 => STANDARD.encode(bytes.unwrap_or_default()),
            Self::Hex => bytes.unwrap_or_default().iter().map(|octet| format!("{octet:02x}")).collect(),
        };
        writeln!(output, "{text}").map_err(|error| stream(&error))
    }
}

/// The next line without its end and blanks around it; `None` = there is none.
pub(super) fn line(input: &mut dyn Read) -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    loop {
        let mut octet = [0];
        match input.read(&mut octet) {
            Ok(0) if line.is_empty() => return Ok(None),
            Ok(0) => break,
            Ok(_) if octet == [b'\n'] => break,
            Ok(_) => line.extend_from_slice(&octet),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(stream(&error)),
        }
    }
    Ok(Some(line.trim_ascii().to_vec()))
}

fn raw(input: &mut dyn Read) -> Result<Option<Bytes>> {
    let cut = || Error::data("convert.form", "raw messages: expected more bytes, found the end");
    let mut length = Vec::new();
    input.take(4).read_to_end(&mut length).map_err(|error| stream(&error))?;
    if length.is_empty() {
        return Ok(None);
    }
    let length = i32::from_be_bytes(length.try_into().map_err(|_| cut())?);
    if length == -1 {
        return Ok(Some(None));
    }
    let length = u64::try_from(length).ok().filter(|length| *length <= MAX_MESSAGE).ok_or_else(|| {
        Error::data("convert.form", "raw messages: expected a length of 32 bits before each, found something else")
            .hint("write them by -f '%R%s'")
    })?;
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes).map_err(|error| stream(&error))?;
    if bytes.len() as u64 != length {
        return Err(cut());
    }
    Ok(Some(Some(bytes)))
}

fn hex(line: &[u8]) -> Result<Vec<u8>> {
    let digit = |octet: &u8| char::from(*octet).to_digit(16);
    let octet = |pair: &[u8]| match pair {
        [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
        _ => None,
    };
    line.chunks(2).map(octet).collect::<Option<_>>().ok_or_else(|| malformed("hexadecimal digits"))
}

fn malformed(expected: &str) -> Error {
    Error::data("convert.form", format!("expected {expected}, found something else"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(form: Form, mut input: &[u8]) -> Vec<Result<Bytes>> {
        std::iter::from_fn(|| form.read(&mut input).transpose().map(|found| found.and_then(|inner| inner)))
            .take(9)
            .collect()
    }

    #[test]
    fn each_form_comes_back() {
        let messages = [Some(vec![0, 0, 0, 0, 7, 0xFF]), None, Some(vec![b'\n'])];
        for form in [Form::Base64, Form::Hex, Form::Raw] {
            let mut stream = Vec::new();
            for message in &messages {
                form.write(message.as_deref(), &mut stream).unwrap();
            }
            let found: Vec<_> = all(form, &stream).into_iter().map(Result::unwrap).collect();
            assert_eq!(found, messages, "{form:?}");
        }
    }

    #[test]
    fn lines_may_end_differently() {
        assert_eq!(all(Form::Hex, b" 0A\r\nff"), [Ok(Some(vec![10])), Ok(Some(vec![255]))]);
        assert!(all(Form::Hex, b"").is_empty());
    }

    #[test]
    fn damage_is_told() {
        let codes = |form, input: &[u8]| -> Vec<_> {
            all(form, input).into_iter().map(|found| found.map_err(|error| error.code().to_owned())).collect()
        };
        let wrong = Err("convert.form".to_owned());
        assert_eq!(codes(Form::Hex, b"0\nxx\n00"), [wrong.clone(), wrong.clone(), Ok(Some(vec![0]))]);
        assert_eq!(codes(Form::Base64, b"?\nAA==\n"), [wrong.clone(), Ok(Some(vec![0]))]);
        assert_eq!(codes(Form::Raw, &[0, 0])[0], wrong);
        assert_eq!(codes(Form::Raw, &[0, 0, 0, 2, 1])[0], wrong);
        assert_eq!(codes(Form::Raw, b"plain text")[0], wrong);
    }
}
