//! PostgreSQL's text of an array: `{1,NULL,"a \"b\""}`, `[0:2]={7,8,9}`, `{{1,2},{3,4}}`.
//!
//! The schema of an array column has one dimension, as PostgreSQL's type has none; more dimensions are read row by row.
//! Debezium (1.7 to 3) gives nulls in place of the rows.

use connect_data::{Error, Result, Step};

/// PostgreSQL's `MAXDIM`.
const MAX_DIMENSIONS: usize = 6;

fn malformed() -> Error {
    crate::codec::unfit("PostgreSQL's text of an array")
}

/// Calls `on_item` with the text of each item, `None` for null. `buffer` is for items with escapes.
pub(crate) fn items(
    text: &[u8],
    delimiter: u8,
    buffer: &mut Vec<u8>,
    mut on_item: impl FnMut(Option<&[u8]>) -> Result<()>,
) -> Result<()> {
    let mut rest = match text.first() {
        // Bounds say nothing that a list could hold.
        Some(b'[') => {
            let equals = text.iter().position(|byte| *byte == b'=').ok_or_else(malformed)?;
            text.get(equals + 1..).unwrap_or(&[])
        }
        _ => text,
    };
    let mut depth = 0;
    let mut index = 0;
    // Whether an item may stand here, and whether it must: after a delimiter.
    let (mut may, mut must) = (true, false);
    while let Some((first, after)) = rest.split_first() {
        match first {
            b'{' if may => {
                depth += 1;
                must = false;
                if depth > MAX_DIMENSIONS {
                    return Err(malformed());
                }
                rest = after;
            }
            b'}' if depth > 0 && !must => {
                depth -= 1;
                may = false;
                rest = after;
                if depth == 0 {
                    return if rest.is_empty() { Ok(()) } else { Err(malformed()) };
                }
            }
            byte if *byte == delimiter && !may && depth > 0 => {
                (may, must) = (true, true);
                rest = after;
            }
            _ if may && depth > 0 => {
                rest = item(rest, delimiter, buffer, |item| on_item(item).map_err(|e| e.within(Step::Index(index))))?;
                index += 1;
                (may, must) = (false, false);
            }
            _ => return Err(malformed()),
        }
    }
    Err(malformed())
}

/// One item; what follows it.
fn item<'a>(
    text: &'a [u8],
    delimiter: u8,
    buffer: &mut Vec<u8>,
    on_item: impl FnOnce(Option<&[u8]>) -> Result<()>,
) -> Result<&'a [u8]> {
    let quoted = text.strip_prefix(b"\"");
    let body = quoted.unwrap_or(text);
    let ends = |byte: u8| {
        if quoted.is_some() { byte == b'"' } else { byte == delimiter || matches!(byte, b'{' | b'}' | b'"') }
    };
    let stop = body.iter().position(|byte| *byte == b'\\' || ends(*byte)).ok_or_else(malformed)?;
    let mut end = stop;
    if body.get(stop) == Some(&b'\\') {
        buffer.clear();
        let mut copied = 0;
        loop {
            match body.get(end) {
                None => return Err(malformed()),
                Some(b'\\') => {
                    buffer.extend_from_slice(body.get(copied..end).unwrap_or(&[]));
                    copied = end + 1;
                    end += 2;
                }
                Some(byte) if ends(*byte) => break,
                Some(_) => end += 1,
            }
        }
        buffer.extend_from_slice(body.get(copied..end).ok_or_else(malformed)?);
        on_item(Some(buffer))?;
    } else {
        let plain = body.get(..end).unwrap_or(&[]);
        if quoted.is_none() && plain.is_empty() {
            return Err(malformed());
        }
        let null = quoted.is_none() && plain.eq_ignore_ascii_case(b"NULL");
        on_item(if null { None } else { Some(plain) })?;
    }
    body.get(end + usize::from(quoted.is_some())..).ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<Option<String>>> {
        let mut found = Vec::new();
        items(text.as_bytes(), b',', &mut Vec::new(), |item| {
            found.push(item.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()));
            Ok(())
        })
        .ok()
        .map(|()| found)
    }

    #[test]
    fn items_quotes_nulls_bounds_and_dimensions() {
        let some = |items: &[&str]| Some(items.iter().map(|i| (*i != "NULL").then(|| (*i).to_owned())).collect());
        assert_eq!(read("{}"), some(&[]));
        assert_eq!(read("{1,2,NULL,-3}"), some(&["1", "2", "NULL", "-3"]));
        assert_eq!(read(r#"{a,"b c","d\"q","e\\f",NULL,"",é😀,"{x}",","}"#), {
            some(&["a", "b c", "d\"q", "e\\f", "NULL", "", "é😀", "{x}", ","])
        });
        assert_eq!(read(r#"{"NULL"}"#), Some(vec![Some("NULL".to_owned())]));
        assert_eq!(read("[0:2]={7,8,9}"), some(&["7", "8", "9"]));
        assert_eq!(read("{{1,2},{3,4}}"), some(&["1", "2", "3", "4"]));
        assert_eq!(read("[1:1][-2:-1]={{1,2}}"), some(&["1", "2"]));
        assert_eq!(read(r"{a\,b}"), some(&["a,b"]));
    }

    #[test]
    fn what_is_no_array_is_refused() {
        for text in [
            "",
            "{",
            "}",
            "1,2",
            "{1,2",
            "{1,,2}",
            "{,1}",
            "{1,}",
            "{1}x",
            "{\"a}",
            "{a\\",
            "{\"a\"b}",
            "[0:1]{1}",
            "{{1}",
            "{1}{2}",
            "{{{{{{{1}}}}}}}",
            "{\"a\\\"}",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
