//! The least that has to be done with an event of the table: a program for this one schema, without plan, limits or errors.

/// The bytes of `after`; every text was looked at.
pub fn after(payload: &[u8]) -> Option<&[u8]> {
    envelope::<true>(payload)
}

/// The bytes of `after`.
pub fn lengths(payload: &[u8]) -> Option<&[u8]> {
    envelope::<false>(payload)
}

#[inline(always)]
fn envelope<const TEXTS: bool>(payload: &[u8]) -> Option<&[u8]> {
    let mut walk = Walk::<TEXTS>(payload.get(5..)?);
    if walk.present(0)? {
        walk.row()?;
    }
    walk.present(0)?.then_some(())?;
    let begin = walk.0;
    walk.row()?;
    let end = walk.0;
    walk.source()?;
    walk.text()?;
    if walk.present(0)? {
        walk.number()?;
    }
    if walk.present(0)? {
        walk.text()?;
        walk.number()?;
        walk.number()?;
    }
    if walk.0.is_empty() { begin.get(..begin.len() - end.len()) } else { None }
}

struct Walk<'a, const TEXTS: bool>(&'a [u8]);

impl<'a, const TEXTS: bool> Walk<'a, TEXTS> {
    #[inline(always)]
    fn number(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first()?;
        if *first < 0x80 {
            self.0 = rest;
            return Some(u64::from(*first));
        }
        self.long_number()
    }

    #[inline(always)]
    fn long_number(&mut self) -> Option<u64> {
        let mut value = 0;
        for (i, byte) in self.0.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7F) << (7 * i);
            if *byte < 0x80 {
                self.0 = self.0.get(i + 1..)?;
                return Some(value);
            }
        }
        None
    }

    #[inline(always)]
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    #[inline(always)]
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.number()?;
        self.take((len / 2) as usize)
    }

    #[inline(always)]
    fn text(&mut self) -> Option<()> {
        let text = self.bytes()?;
        (!TEXTS || text.is_ascii() || std::str::from_utf8(text).is_ok()).then_some(())
    }

    #[inline(always)]
    fn present(&mut self, null: u8) -> Option<bool> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first != null)
    }

    fn row(&mut self) -> Option<()> {
        self.number()?;
        self.text()?;
        self.text()?;
        if self.present(0)? {
            self.text()?;
        }
        self.bytes()?;
        self.number()?;
        if self.present(0)? {
            self.take(8)?;
        }
        self.take(1)?;
        self.number()?;
        if self.present(0)? {
            self.number()?;
        }
        if self.present(0)? {
            self.text()?;
        }
        if self.present(0)? {
            self.bytes()?;
        }
        Some(())
    }

    fn source(&mut self) -> Option<()> {
        self.text()?;
        self.text()?;
        self.text()?;
        self.number()?;
        if self.present(2)? {
            self.text()?;
        }
        self.text()?;
        if self.present(0)? {
            self.text()?;
        }
        self.text()?;
        self.text()?;
        for _ in 0..3 {
            if self.present(0)? {
                self.number()?;
            }
        }
        Some(())
    }
}
