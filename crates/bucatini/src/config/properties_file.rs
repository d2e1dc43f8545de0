//! `java.util.Properties` files. Read as UTF-8, which agrees with Java's Latin-1 for ASCII.

use super::document::Entry;

/// The entries in order; on failure the line and what was found there.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, (usize, String)> {
    let mut entries = Vec::new();
    let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).enumerate();
    while let Some((index, line)) = lines.next() {
        let mut logical = line.trim_start_matches(BLANKS).to_owned();
        if logical.is_empty() || logical.starts_with(['#', '!']) {
            continue;
        }
        while continues(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start_matches(BLANKS));
        }
        let (key, value) = split(&logical);
        let unescape = |part: &str| unescape(part).map_err(|found| (index + 1, found));
        entries.push(Entry { key: unescape(key)?, value: unescape(value)?, line: index + 1 });
    }
    Ok(entries)
}

const BLANKS: [char; 3] = [' ', '\t', '\u{C}'];

/// A line goes on behind an odd number of backslashes.
fn continues(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

/// The key ends at the first `=`, `:` or blank that is not escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let ends = !escaped && (c == '=' || c == ':' || BLANKS.contains(&c));
        escaped = c == '\\' && !escaped;
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(BLANKS);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(BLANKS))
}

fn unescape(part: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut units = Vec::new();
    let mut chars = part.chars();
    while let Some(c) = chars.next() {
        let escape = if c == '\\' { chars.next() } else { None };
        if escape == Some('u') {
            let digits: String = chars.by_ref().take(4).collect();
            let unit = (digits.len() == 4).then(|| u16::from_str_radix(&digits, 16).ok()).flatten();
            units.push(unit.ok_or_else(|| "\\u without four hexadecimal digits".to_owned())?);
            continue;
        }
        text.push_str(&String::from_utf16_lossy(&units));
        units.clear();
        text.push(match escape {
            None => c,
            Some('t') => '\t',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('f') => '\u{C}',
            Some(other) => other,
        });
    }
    text.push_str(&String::from_utf16_lossy(&units));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_java_reads_them() {
        let text = "a=1\nb: two words \n c\td=e\n! remark\n#x=y\nlong = one \\\n   two\\\n\\ three\r\nempty\npath=c:\\\\x\\\n\n\
                    u\\=v = \\u00e9\\uD83D\\uDE00\\t|\nend=x\\";
        let found: Vec<_> = parse(text).unwrap().into_iter().map(|e| (e.key, e.value, e.line)).collect();
        let expected = [
            ("a", "1", 1),
            ("b", "two words ", 2),
            ("c", "d=e", 3),
            ("long", "one two three", 6),
            ("empty", "", 9),
            ("path", "c:\\x", 10),
            ("u=v", "é😀\t|", 12),
            ("end", "x", 13),
        ];
        let expected: Vec<_> = expected.into_iter().map(|(k, v, l)| (k.to_owned(), v.to_owned(), l)).collect();
        assert_eq!(found, expected);
        assert_eq!(parse("a=1\nb=\\u12").map(|_| ()).unwrap_err().0, 2);
    }
}
