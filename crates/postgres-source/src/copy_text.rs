//! Rows of `COPY ... TO STDOUT` in text format: fields between tabs, `\N` for null, a few characters escaped.
//! <https://www.postgresql.org/docs/current/sql-copy.html>

use crate::failure::{Failure, PgResult};

/// Splits a row into its fields and takes back the escapes, inside the row's own memory. `fields` is filled anew.
pub(crate) fn split<'a>(row: &'a mut [u8], fields: &mut Vec<Option<&'a [u8]>>) -> PgResult<()> {
    fields.clear();
    let mut rest = match row {
        [row @ .., b'\n'] => row,
        row => row,
    };
    loop {
        // Escapes are written over: a field only becomes shorter.
        let (mut read, mut written, mut null) = (0, 0, false);
        let more = loop {
            match rest.get(read) {
                None => break false,
                Some(b'\t') => break true,
                Some(b'\\') => {
                    let escaped = match rest.get(read + 1) {
                        Some(b'N') => {
                            null = true;
                            b'N'
                        }
                        Some(b'b') => 8,
                        Some(b't') => b'\t',
                        Some(b'n') => b'\n',
                        Some(b'v') => 11,
                        Some(b'f') => 12,
                        Some(b'r') => b'\r',
                        Some(byte) => *byte,
                        None => {
                            return Err(Failure::Protocol("COPY: expected a character after \\, found none".into()));
                        }
                    };
                    put(rest, written, escaped);
                    (read, written) = (read + 2, written + 1);
                }
                Some(byte) => {
                    let byte = *byte;
                    if read != written {
                        put(rest, written, byte);
                    }
                    (read, written) = (read + 1, written + 1);
                }
            }
        };
        let (field, tail) = rest.split_at_mut_checked(read).unwrap_or_default();
        // \N alone is null; an N after a backslash in a longer text cannot come from the server.
        fields.push(if null && read == 2 { None } else { field.get(..written) });
        if !more {
            return Ok(());
        }
        rest = tail.get_mut(1..).unwrap_or_default();
    }
}

fn put(bytes: &mut [u8], at: usize, byte: u8) {
    if let Some(slot) = bytes.get_mut(at) {
        *slot = byte;
    }
}

/// An empty vector in the memory of one that is not needed any more, whatever its items borrowed.
pub(crate) fn recycle<'a>(mut fields: Vec<Option<&[u8]>>) -> Vec<Option<&'a [u8]>> {
    fields.clear();
    fields.into_iter().map(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(row: &str) -> Vec<Option<String>> {
        let mut row = row.as_bytes().to_vec();
        let mut fields = Vec::new();
        split(&mut row, &mut fields).unwrap();
        fields.into_iter().map(|field| field.map(|field| String::from_utf8(field.to_vec()).unwrap())).collect()
    }

    #[test]
    fn fields_nulls_and_escapes() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(fields("1\tab\t\\N\t\n"), [some("1"), some("ab"), None, some("")]);
        assert_eq!(fields("a\\tb\\nc\\\\d\\re\\bf\\fg\\v\tx\n"), [some("a\tb\nc\\d\re\u{8}f\u{c}g\u{b}"), some("x")]);
        assert_eq!(fields("\\\\N\n"), [some("\\N")]);
        assert_eq!(fields("\\\\xdeadbeef\té😀\n"), [some("\\xdeadbeef"), some("é😀")]);
        assert_eq!(fields("\n"), [some("")]);
        assert_eq!(fields("no line end"), [some("no line end")]);
    }

    #[test]
    fn a_lone_backslash_is_an_error() {
        assert!(split(&mut b"a\\\n".to_vec()[..2], &mut Vec::new()).is_err());
    }

    #[test]
    fn memory_is_used_again() {
        let row = b"x".to_vec();
        let mut fields: Vec<Option<&[u8]>> = Vec::with_capacity(100);
        fields.push(Some(&row));
        let at = fields.as_ptr() as usize;
        let again = recycle(fields);
        assert!(again.is_empty() && again.capacity() == 100 && again.as_ptr() as usize == at);
    }
}
