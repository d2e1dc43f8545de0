//! Names that Kafka and Avro accept, replaced character by character as Debezium 1.7 does it (a character beyond the Basic
//! Multilingual Plane counts twice, as in Java).

/// A topic name: `[A-Za-z0-9._-]`.
pub(crate) fn topic(name: &str) -> String {
    replace(name, |_, c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// A schema's full name: dots, letters, digits and underscores, no digit or dot in front.
pub(crate) fn schema(name: &str) -> String {
    replace(name, |first, c| match c {
        '.' | '0'..='9' => !first,
        _ => c.is_ascii_alphabetic() || c == '_',
    })
}

/// A field name: letters, digits and underscores; a digit in front gets an underscore before it.
pub(crate) fn field(name: &str) -> String {
    let replaced = replace(name, |_, c| c.is_ascii_alphanumeric() || c == '_');
    if replaced.starts_with(|c: char| c.is_ascii_digit()) { format!("_{replaced}") } else { replaced }
}

fn replace(name: &str, valid: impl Fn(bool, char) -> bool) -> String {
    let mut text = String::with_capacity(name.len());
    for (i, c) in name.chars().enumerate() {
        if valid(i == 0, c) {
            text.push(c);
        } else {
            text.extend(std::iter::repeat_n('_', c.len_utf16()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_characters_become_underscores() {
        assert_eq!(topic("s.public.Weird \"Table\" n\u{e4}me-1"), "s.public.Weird__Table__n_me-1");
        assert_eq!(schema("1s.public.a-b\u{1F600}.Value"), "_s.public.a_b__.Value");
        assert_eq!(field("1st col.umn"), "_1st_col_umn");
    }
}
