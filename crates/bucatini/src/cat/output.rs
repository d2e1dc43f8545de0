//! What is written for a message: kcat's `fmt_msg_output_str` and `fmt_msg_output_json`.

use super::arguments::{Arguments, Deserializer, Deserializers};
use super::format::{self, Piece};
use super::message::{Message, Timestamp};
use super::pack;
use super::schemas::Schemas;
use connect_data::{Error, Result};
use std::io::Write;

/// Writes messages as the options say.
pub(super) struct Output {
    /// For an envelope: what follows it.
    pieces: Vec<Piece>,
    envelope: bool,
    /// Whether `NULL` stands for what is null or empty.
    null: bool,
    deserializers: Deserializers,
    schemas: Option<Schemas>,
    /// JSON of one key or value.
    text: String,
}

#[derive(Clone, Copy)]
enum Field {
    Key,
    Value,
}

impl Output {
    /// # Errors
    /// Config: an option that is wrong.
    pub(super) fn new(arguments: &Arguments, deserializers: Deserializers, schemas: Option<Schemas>) -> Result<Self> {
        let delimiter = format::unescape(arguments.delimiter.as_deref().unwrap_or("\\n"));
        // Keys that are deserialized are meant to be seen, also without -K.
        let avro_key = deserializers.key == Deserializer::Avro;
        let key_delimiter = arguments.key_delimiter.as_deref().or(avro_key.then_some("")).map(format::unescape);
        let pieces = match (&arguments.format, arguments.envelope, key_delimiter) {
            (Some(format), _, _) => format::parse(format)?,
            (None, true, _) => vec![Piece::Text(delimiter)],
            (None, false, None) => vec![Piece::Value, Piece::Text(delimiter)],
            (None, false, Some(between)) => {
                vec![Piece::Key, Piece::Text(between), Piece::Value, Piece::Text(delimiter)]
            }
        };
        let (envelope, null) = (arguments.envelope, arguments.null);
        Ok(Self { pieces, envelope, null, deserializers, schemas, text: String::new() })
    }

    /// Appends a message. Errors do not end it: what they are about is missing, or null in an envelope.
    pub(super) fn write(&mut self, message: &Message<'_>, out: &mut Vec<u8>) -> Vec<Error> {
        let mut errors = Vec::new();
        if self.envelope {
            self.envelope(message, out, &mut errors);
            return errors;
        }
        for i in 0..self.pieces.len() {
            let written = match self.pieces.get(i) {
                Some(Piece::Key) => self.verbatim(Field::Key, message, out),
                Some(Piece::Value) => self.verbatim(Field::Value, message, out),
                Some(piece) => {
                    plain(piece, message, out);
                    Ok(())
                }
                None => Ok(()),
            };
            errors.extend(written.err());
        }
        errors
    }

    /// A key or value in a format string.
    fn verbatim(&mut self, field: Field, message: &Message<'_>, out: &mut Vec<u8>) -> Result<()> {
        let (bytes, deserializer) = self.field(field, message);
        let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else {
            if self.null {
                out.extend_from_slice(b"NULL");
            }
            return Ok(());
        };
        match deserializer {
            Deserializer::Verbatim => out.extend_from_slice(bytes),
            Deserializer::Packed(tokens) => return pack::unpack(tokens, bytes, out),
            Deserializer::Avro => {
                self.avro(field, bytes, message)?;
                out.extend_from_slice(self.text.as_bytes());
            }
        }
        Ok(())
    }

    fn field<'m>(&self, field: Field, message: &Message<'m>) -> (Option<&'m [u8]>, &Deserializer) {
        match field {
            Field::Key => (message.key, &self.deserializers.key),
            Field::Value => (message.value, &self.deserializers.value),
        }
    }

    /// Leaves the JSON of Avro bytes in `text`; returns the schema's id, if there is one.
    fn avro(&mut self, field: Field, bytes: &[u8], message: &Message<'_>) -> Result<Option<i32>> {
        self.text.clear();
        let headers = message.headers.as_deref().unwrap_or_default();
        let name = match field {
            Field::Key => "__key_schema_id",
            Field::Value => "__value_schema_id",
        };
        let header = headers.iter().rev().find(|(header, _)| *header == name).and_then(|(_, value)| *value);
        let missing = || Error::internal("cat.registry", "Avro: expected a registry, found none");
        self.schemas.as_mut().ok_or_else(missing)?.print(bytes, header, &mut self.text)
    }

    fn envelope(&mut self, message: &Message<'_>, out: &mut Vec<u8>, errors: &mut Vec<Error>) {
        out.extend_from_slice(b"{\"topic\":");
        string(message.topic.as_bytes(), out);
        // Writing into a vector does not fail, here and below.
        let _ = write!(out, ",\"partition\":{},\"offset\":{}", message.partition, message.offset);
        match message.timestamp {
            Timestamp::None => {}
            Timestamp::Create(millis) => drop(write!(out, ",\"tstype\":\"create\",\"ts\":{millis}")),
            Timestamp::LogAppend(millis) => drop(write!(out, ",\"tstype\":\"logappend\",\"ts\":{millis}")),
        }
        let _ = write!(out, ",\"broker\":{}", message.broker);
        if let Some(headers) = &message.headers {
            out.extend_from_slice(b",\"headers\":[");
            for (i, (name, value)) in headers.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                string(name.as_bytes(), out);
                out.push(b',');
                match value {
                    Some(value) => string(value, out),
                    None => out.extend_from_slice(b"null"),
                }
            }
            out.push(b']');
        }
        out.extend_from_slice(b",\"key\":");
        errors.extend(self.member(Field::Key, message, out).err());
        out.extend_from_slice(b",\"payload\":");
        errors.extend(self.member(Field::Value, message, out).err());
        out.push(b'}');
        for piece in &self.pieces {
            if let Piece::Text(text) = piece {
                out.extend_from_slice(text);
            }
        }
    }

    /// A key or value in an envelope, and what comes with it.
    fn member(&mut self, field: Field, message: &Message<'_>, out: &mut Vec<u8>) -> Result<()> {
        let (name, error_name) = match field {
            Field::Key => ("key_schema_id", "key_error"),
            Field::Value => ("value_schema_id", "payload_error"),
        };
        let (bytes, deserializer) = self.field(field, message);
        let Some(bytes) = bytes else {
            out.extend_from_slice(b"null");
            return Ok(());
        };
        if *deserializer != Deserializer::Avro {
            string(bytes, out);
            return Ok(());
        }
        match self.avro(field, bytes, message) {
            Ok(id) => {
                out.extend_from_slice(self.text.as_bytes());
                if let Some(id) = id {
                    let _ = write!(out, ",\"{name}\":{id}");
                }
                Ok(())
            }
            Err(error) => {
                let _ = write!(out, "null,\"{error_name}\":");
                string(error.to_string().as_bytes(), out);
                Err(error)
            }
        }
    }
}

/// Everything but keys and values.
fn plain(piece: &Piece, message: &Message<'_>, out: &mut Vec<u8>) {
    let length = |bytes: Option<&[u8]>| bytes.map_or(-1, |bytes| bytes.len() as i64);
    let _ = match piece {
        Piece::Text(text) => out.write_all(text),
        Piece::KeyLength => write!(out, "{}", length(message.key)),
        Piece::ValueLength => write!(out, "{}", length(message.value)),
        Piece::ValueLengthBinary => out.write_all(&(length(message.value) as i32).to_be_bytes()),
        Piece::Timestamp => write!(out, "{}", message.timestamp.millis()),
        Piece::Topic => out.write_all(message.topic.as_bytes()),
        Piece::Partition => write!(out, "{}", message.partition),
        Piece::Offset => write!(out, "{}", message.offset),
        Piece::Headers => {
            for (i, (name, value)) in message.headers.iter().flatten().enumerate() {
                let comma = if i > 0 { "," } else { "" };
                let _ = write!(out, "{comma}{name}=");
                out.extend_from_slice(value.unwrap_or(b"NULL"));
            }
            Ok(())
        }
        Piece::Key | Piece::Value => Ok(()),
    };
}

/// A JSON string as yajl writes it: octets that are no UTF-8 stay as they are.
fn string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in bytes {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=31 => drop(write!(out, "\\u00{byte:02X}")),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests;
