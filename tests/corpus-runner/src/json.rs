//! Small things about JSON.

use serde_json::Value as Json;

/// Equality with numbers by value and object keys in any order.
pub fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => {
            (a.as_i64().is_some() && a.as_i64() == b.as_i64())
                || (a.as_u64().is_some() && a.as_u64() == b.as_u64())
                || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64()
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        (a, b) => a == b,
    }
}

/// Equality of two texts that should be JSON.
pub fn equal_texts(a: &str, b: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<Json>(text).ok();
    a == b || parse(a).zip(parse(b)).is_some_and(|(a, b)| equal(&a, &b))
}

/// The value of a key, null if absent.
pub fn get<'a>(json: &'a Json, key: &str) -> &'a Json {
    json.get(key).unwrap_or(&Json::Null)
}

/// A string member.
pub fn text<'a>(json: &'a Json, key: &str) -> Result<&'a str, String> {
    get(json, key).as_str().ok_or_else(|| format!("expected a string as {key:?}, found {}", get(json, key)))
}

/// An array member; absent = empty.
pub fn list<'a>(json: &'a Json, key: &str) -> Result<&'a [Json], String> {
    match get(json, key) {
        Json::Null => Ok(&[]),
        Json::Array(items) => Ok(items),
        other => Err(format!("expected an array as {key:?}, found {other}")),
    }
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hex as bytes.
pub fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    let digits = digits.filter(|d| d.len().is_multiple_of(2)).ok_or_else(|| format!("not hex: {text:?}"))?;
    Ok(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

/// The text, cut for a reader.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(600) {
        Some((at, _)) => format!("{}... ({} bytes)", &text[..at], text.len()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_compare_by_value_and_keys_in_any_order() {
        assert!(equal(&json!({"a": 1, "b": [1.0]}), &json!({"b": [1], "a": 1})));
        assert!(!equal(&json!([1, 2]), &json!([2, 1])));
        assert!(!equal(&json!(9007199254740993i64), &json!(9007199254740992i64)));
        assert!(!equal(&json!("1"), &json!(1)));
    }

    #[test]
    fn hex_comes_back() {
        assert_eq!(unhex(&hex(&[0, 255, 16])).unwrap(), [0, 255, 16]);
        assert!(unhex("0").is_err() && unhex("0g").is_err());
    }
}
