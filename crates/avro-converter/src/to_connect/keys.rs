//! Equal keys of a map: Java puts entries into a `HashMap`, so the last value stays.

use super::aggregate::Aggregate;
use super::plan::Keys;
use connect_data::row_image::{Image, Layout, tree};
use connect_data::{Result, Schema};
use std::cmp::Ordering;

/// Entries that stay: where the key was first and where it was last. Kept between records.
#[derive(Default)]
pub(super) struct Duplicates {
    order: Vec<u32>,
    kept: Vec<(u32, u32)>,
}

/// A map whose entries are all written.
pub(super) struct Map<'a> {
    pub(super) aggregate: Aggregate,
    pub(super) out: &'a [u8],
    pub(super) input: &'a [u8],
    pub(super) entries: usize,
    pub(super) key_width: usize,
    pub(super) keys: Keys,
}

impl Duplicates {
    /// What stays, if not all: for each place the entries whose key and whose value go there.
    pub(super) fn find(&mut self, map: &Map<'_>, schema: &Schema) -> Result<Option<&[(u32, u32)]>> {
        let trees = match map.keys {
            Keys::None => return Ok(None),
            Keys::Tree(_) => map.trees(schema)?,
            _ => Vec::new(),
        };
        let compare = |a: u32, b: u32| match map.keys {
            Keys::Tree(_) => trees.get(a as usize).cmp(&trees.get(b as usize)),
            _ => map.compare(a as usize, b as usize),
        };
        self.order.clear();
        self.order.extend(0..map.entries as u32);
        self.order.sort_unstable_by(|a, b| compare(*a, *b).then(a.cmp(b)));
        let equal = |pair: &[u32]| matches!(pair, [a, b] if compare(*a, *b) == Ordering::Equal);
        if !self.order.windows(2).any(equal) {
            return Ok(None);
        }
        self.kept.clear();
        for group in self.order.chunk_by(|a, b| compare(*a, *b) == Ordering::Equal) {
            if let (Some(first), Some(last)) = (group.first(), group.last()) {
                self.kept.push((*first, *last));
            }
        }
        self.kept.sort_unstable();
        Ok(Some(&self.kept))
    }
}

impl Map<'_> {
    fn compare(&self, a: usize, b: usize) -> Ordering {
        let (a, b) = (a * self.key_width, b * self.key_width);
        let null = |slot| self.aggregate.is_null(self.out, slot);
        let bits = |slot| self.aggregate.get(self.out, slot);
        let bytes = |slot| self.aggregate.bytes(self.out, self.input, slot);
        match (null(a), null(b)) {
            (false, false) => {}
            (x, y) => return x.cmp(&y),
        }
        match self.keys {
            Keys::Octets => bytes(a).cmp(bytes(b)),
            // Java's equals takes all NaN for one, and tells the zeros apart.
            Keys::Float32 => {
                let canonical =
                    |slot| Some(f32::from_bits(bits(slot) as u32)).filter(|x| !x.is_nan()).map(f32::to_bits);
                canonical(a).cmp(&canonical(b))
            }
            Keys::Float64 => {
                let canonical = |slot| Some(f64::from_bits(bits(slot))).filter(|x| !x.is_nan()).map(f64::to_bits);
                canonical(a).cmp(&canonical(b))
            }
            Keys::Bits | Keys::None | Keys::Tree(_) => bits(a).cmp(&bits(b)),
        }
    }

    /// Keys that are structs, arrays or maps: rare enough to be made values.
    fn trees(&self, schema: &Schema) -> Result<Vec<Vec<u8>>> {
        let Keys::Tree(node) = self.keys else { return Ok(Vec::new()) };
        let layout = Layout::of(schema);
        let key = schema.subschema(node)?;
        let image = Image::new(self.out.get(self.aggregate.base()..).unwrap_or(&[]), self.input)?;
        let mut trees = Vec::with_capacity(self.entries);
        for entry in 0..self.entries {
            let value = tree::read_node(schema, &layout, node, &image, entry * self.key_width)?;
            let mut bytes = Vec::new();
            tree::write(Some(&key), &value, &mut bytes)?;
            trees.push(bytes);
        }
        Ok(trees)
    }
}
