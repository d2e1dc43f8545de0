//! A strict JSON scanner (RFC 8259) that indexes into the text instead of building values: scalars become [`Token`]s,
//! objects and arrays are walked by the caller. The text is known to be UTF-8.
//!
//! Stricter than JSON in two ways that wal2json never needs: object keys with escapes are refused, and the caller refuses
//! known keys that come twice ([`once`]).

use crate::lexer;
use connect_data::{Error, Result};

/// Nesting beyond this is refused: wal2json nests four levels.
const MAX_DEPTH: usize = 128;

/// Kind of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    True,
    False,
    Number,
    String,
}

/// A scalar: where it stands in the text. A string's range is what is between the quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// The string has escapes.
    pub(crate) escaped: bool,
    pub(crate) start: u32,
    pub(crate) len: u32,
}

impl Token {
    /// Stands for a key that is absent.
    pub(crate) const ABSENT: Self = Self { kind: Kind::Null, escaped: false, start: 0, len: 0 };

    /// Where the text goes on, behind a string's quote.
    #[inline]
    pub(crate) fn end(self) -> usize {
        self.start as usize + self.len as usize + usize::from(self.kind == Kind::String)
    }

    /// The text of the token, escapes and all.
    pub(crate) fn raw(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..).and_then(|rest| rest.get(..self.len as usize)).unwrap_or(&[])
    }

    /// The string that the token stands for. For what happens once per table.
    pub(crate) fn to_text(self, text: &[u8]) -> Result<String> {
        let mut bytes = Vec::new();
        unescape(self.raw(text), &mut bytes)?;
        String::from_utf8(bytes).map_err(|_| Error::internal("wal2json.utf8", "expected UTF-8, found other bytes"))
    }
}

/// Notes that a key was seen.
pub(crate) fn once(seen: &mut u32, bit: u32, scanner: &Scanner<'_>) -> Result<()> {
    if *seen & bit != 0 {
        return Err(scanner.error("wal2json.duplicate-key", "expected each key once, found one twice"));
    }
    *seen |= bit;
    Ok(())
}

/// A place in a text.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// From a place inside of a text.
    pub(crate) fn at(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// An error at this place: the offset, never the contents.
    pub(crate) fn error(&self, code: &'static str, what: &str) -> Error {
        Error::data(code, format!("wal2json message: {what} at byte {}", self.at))
    }

    #[cold]
    fn syntax(&self, expected: &str) -> Error {
        let found = if self.at >= self.text.len() { "the end" } else { "something else" };
        self.error("wal2json.json", &format!("expected {expected}, found {found}"))
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The next byte that is not white space.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Takes the next byte if it is this one, after white space.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    pub(crate) fn expect(&mut self, byte: u8) -> Result<()> {
        if self.take(byte) { Ok(()) } else { Err(self.expected(byte)) }
    }

    #[cold]
    fn expected(&self, byte: u8) -> Error {
        self.syntax(&format!("'{}'", char::from(byte)))
    }

    /// Takes these very bytes, if they come next.
    #[inline(always)]
    pub(crate) fn take_exactly<const N: usize>(&mut self, bytes: &[u8; N]) -> Option<()> {
        let found = self.text.get(self.at..)?.first_chunk() == Some(bytes);
        self.at += if found { N } else { 0 };
        found.then_some(())
    }

    /// Only white space may follow.
    pub(crate) fn end(&mut self) -> Result<()> {
        if self.peek().is_none() { Ok(()) } else { Err(self.syntax("the end")) }
    }

    /// Walks the members of an object: `member` is called at each value with the key.
    pub(crate) fn object(&mut self, mut member: impl FnMut(&mut Self, &'a [u8]) -> Result<()>) -> Result<()> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// A key and its colon.
    pub(crate) fn key(&mut self) -> Result<&'a [u8]> {
        self.peek();
        let key = self.string()?;
        if key.escaped {
            return Err(self.error("wal2json.key", "expected a key without escapes, found one with"));
        }
        self.expect(b':')?;
        Ok(key.raw(self.text))
    }

    /// Walks the items of an array: `item` is called at each with its position.
    pub(crate) fn array(&mut self, mut item: impl FnMut(&mut Self, usize) -> Result<()>) -> Result<()> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        let mut index = 0;
        loop {
            item(self, index)?;
            index += 1;
            if !self.take(b',') {
                return self.expect(b']');
            }
        }
    }

    /// A scalar of any kind.
    pub(crate) fn scalar(&mut self) -> Result<Token> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'n') => self.literal(b"null", Kind::Null),
            Some(b't') => self.literal(b"true", Kind::True),
            Some(b'f') => self.literal(b"false", Kind::False),
            _ => Err(self.syntax("a string, number, true, false or null")),
        }
    }

    /// A string.
    pub(crate) fn text(&mut self) -> Result<Token> {
        match self.peek() {
            Some(b'"') => self.string(),
            _ => Err(self.syntax("a string")),
        }
    }

    /// Steps over a null, if there is one.
    pub(crate) fn null(&mut self) -> Result<bool> {
        let null = self.peek() == Some(b'n');
        if null {
            self.literal(b"null", Kind::Null)?;
        }
        Ok(null)
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self) -> Result<bool> {
        match self.scalar()?.kind {
            Kind::True => Ok(true),
            Kind::False => Ok(false),
            _ => Err(self.syntax("true or false")),
        }
    }

    /// A whole number without sign.
    pub(crate) fn unsigned(&mut self) -> Result<u64> {
        let token = self.scalar()?;
        let digits = token.raw(self.text);
        let value = digits.iter().try_fold(0u64, |value, digit| {
            let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
            value.checked_mul(10)?.checked_add(u64::from(digit))
        });
        value.filter(|_| token.kind == Kind::Number).ok_or_else(|| self.syntax("a whole number"))
    }

    /// Steps over a value of any kind, checking it.
    pub(crate) fn skip(&mut self) -> Result<()> {
        self.skip_at(0)
    }

    fn skip_at(&mut self, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(self.error("wal2json.depth", &format!("expected at most {MAX_DEPTH} levels, found more")));
        }
        match self.peek() {
            Some(b'{') => self.object(|inner, _| inner.skip_at(depth + 1)),
            Some(b'[') => self.array(|inner, _| inner.skip_at(depth + 1)),
            _ => self.scalar().map(|_| ()),
        }
    }

    fn token(&self, kind: Kind, escaped: bool, start: usize, end: usize) -> Token {
        Token { kind, escaped, start: start as u32, len: (end - start) as u32 }
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<Token> {
        let start = self.at;
        if !self.text.get(start..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.syntax("true, false or null"));
        }
        self.at += word.len();
        Ok(self.token(kind, false, start, self.at))
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax("a digit")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Token> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
            if let Some(b'0'..=b'9') = self.byte() {
                return Err(self.syntax("a number without leading zeros"));
            }
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.token(Kind::Number, false, start, self.at))
    }

    /// A string, from its opening quote.
    #[inline]
    fn string(&mut self) -> Result<Token> {
        if self.byte() != Some(b'"') {
            return Err(self.syntax("a string"));
        }
        self.at += 1;
        let start = self.at;
        match self.text.get(start..).and_then(lexer::string::<false>) {
            Some(len) => {
                self.at += len + 1;
                Ok(self.token(Kind::String, false, start, start + len))
            }
            None => self.unusual_string(),
        }
    }

    /// A string with escapes, or near the end of the text, or a wrong one. Eight bytes at a step where nothing needs a
    /// look.
    #[inline(never)]
    fn unusual_string(&mut self) -> Result<Token> {
        let start = self.at;
        let mut escaped = false;
        loop {
            if let Some(eight) = self.text.get(self.at..).and_then(|rest| rest.first_chunk()) {
                let stops = stops(u64::from_le_bytes(*eight));
                if stops == 0 {
                    self.at += 8;
                    continue;
                }
                self.at += stops.trailing_zeros() as usize / 8;
            }
            match self.byte() {
                Some(b'"') => {
                    let token = self.token(Kind::String, escaped, start, self.at);
                    self.at += 1;
                    return Ok(token);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                None | Some(..0x20) => return Err(self.syntax("the rest of a string")),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        self.at += 1;
        match self.byte() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => match self.unit()? {
                0xD800..=0xDBFF => {
                    let low = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(b"\\u"));
                    self.at += usize::from(low);
                    if !low || !matches!(self.unit()?, 0xDC00..=0xDFFF) {
                        return Err(self.syntax("the second half of a surrogate pair"));
                    }
                }
                0xDC00..=0xDFFF => return Err(self.syntax("the first half of a surrogate pair")),
                _ => {}
            },
            _ => return Err(self.syntax("an escape")),
        }
        Ok(())
    }

    /// A UTF-16 unit, from its `u`.
    fn unit(&mut self) -> Result<u16> {
        self.at += 1;
        let digits = self.text.get(self.at..).and_then(|rest| rest.first_chunk::<4>());
        let unit = digits.and_then(hex_unit).ok_or_else(|| self.syntax("four hexadecimal digits"))?;
        self.at += 4;
        Ok(unit)
    }
}

/// The high bit of each byte that ends a run inside a string: a quote, a backslash, a control character. Exact for the
/// lowest such byte, which is all that is used.
pub(crate) fn stops(eight: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Flipping this bit puts the quote next to the control characters, and nothing else among them.
    let low = (eight ^ (ONES * 2)).wrapping_sub(ONES * 0x21);
    let backslash = (eight ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (low | backslash) & !eight & (ONES << 7)
}

fn hex_unit(digits: &[u8; 4]) -> Option<u16> {
    digits.iter().try_fold(0u16, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)? as u16))
}

/// Appends what a string stands for; `raw` comes from a scanned token.
pub(crate) fn unescape(mut raw: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let broken = || Error::internal("wal2json.escape", "expected a scanned string, found a broken escape");
    while let Some(at) = raw.iter().position(|byte| *byte == b'\\') {
        let (plain, rest) = raw.split_at_checked(at).ok_or_else(broken)?;
        out.extend_from_slice(plain);
        let (escape, rest) = rest.split_at_checked(2).ok_or_else(broken)?;
        raw = rest;
        out.push(match escape.get(1) {
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                raw = unescape_unit(raw, out).ok_or_else(broken)?;
                continue;
            }
            Some(other) => *other,
            None => return Err(broken()),
        });
    }
    out.extend_from_slice(raw);
    Ok(())
}

/// One `\u` escape or surrogate pair, from its digits; what follows it.
fn unescape_unit<'a>(raw: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (digits, mut rest) = raw.split_first_chunk::<4>()?;
    let mut code = u32::from(hex_unit(digits)?);
    if (0xD800..0xDC00).contains(&code) {
        let (digits, after) = rest.strip_prefix(b"\\u")?.split_first_chunk::<4>()?;
        let low = u32::from(hex_unit(digits)?).checked_sub(0xDC00)?;
        code = 0x10000 + ((code - 0xD800) << 10) + low;
        rest = after;
    }
    out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(text: &str) -> bool {
        let mut scanner = Scanner::new(text.as_bytes());
        scanner.skip().and_then(|()| scanner.end()).is_ok()
    }

    #[test]
    fn accepts_and_refuses_what_serde_json_does() {
        let texts = [
            "{}",
            "[]",
            " [1, -0, 0.5, 1e9, 1E+9, -1.5e-3] ",
            "{\"a\":{\"b\":[null,true,false]}}",
            "\"\"",
            "\"12345678\\\"9012345\\u00e9\\ud83d\\ude00\\n\"",
            "",
            "{",
            "[1,]",
            "[,1]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "[1 2]",
            "[] []",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "nul",
            "nulL",
            "truex",
            "NaN",
            "\"",
            "\"\\\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12G4\"",
            "\"\\ud83d\"",
            "\"\\ud83dabcdef\"",
            "\"\\ud83d\\n\"",
            "\"\\ude00\"",
            "\"\\ud83d\\ud83d\"",
            "\"1234567\u{1}\"",
            "\"\u{7f}\u{80}\"",
            "\"tab\there\"",
        ];
        for text in texts {
            assert_eq!(valid(text), serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn stops_finds_the_first_byte_of_every_position() {
        for stop in [b'"', b'\\', 0, 0x1F] {
            for at in 0..8 {
                for filler in [b' ', b'a', 0x7F, 0x80, 0xFF] {
                    let mut eight = [filler; 8];
                    eight[at] = stop;
                    assert_eq!(stops(u64::from_le_bytes(eight)).trailing_zeros() / 8, at as u32);
                    assert_eq!(stops(u64::from_le_bytes([filler; 8])), 0);
                }
            }
        }
    }

    #[test]
    fn escapes_become_what_they_stand_for() {
        for text in [r#""a\"\\\/\b\f\n\r\tz""#, r#""\u0041\u00e9\u20AC\ud83d\ude00!""#, r#""plain""#, r#""""#] {
            let mut scanner = Scanner::new(text.as_bytes());
            let token = scanner.text().unwrap();
            assert_eq!(token.to_text(text.as_bytes()).unwrap(), serde_json::from_str::<String>(text).unwrap());
        }
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        let mut deep = "[".repeat(100_000);
        assert_eq!(Scanner::new(deep.as_bytes()).skip().unwrap_err().code(), "wal2json.depth");
        deep = "{\"a\":".repeat(100_000);
        assert_eq!(Scanner::new(deep.as_bytes()).skip().unwrap_err().code(), "wal2json.depth");
    }
}
