//! `Schema.equals` of Avro 1.12.1.

use super::{AvroSchema, Kind, TypeId};
use std::collections::BTreeSet;

impl PartialEq for AvroSchema {
    fn eq(&self, other: &Self) -> bool {
        same(self, self.root, other, other.root)
    }
}

impl Eq for AvroSchema {}

impl AvroSchema {
    /// Whether two types of this arena are equal.
    pub fn same_types(&self, a: TypeId, b: TypeId) -> bool {
        same(self, a, self, b)
    }
}

/// Compares pair by pair; a pair that was met before holds if everything else does.
pub(super) fn same(a: &AvroSchema, a_root: TypeId, b: &AvroSchema, b_root: TypeId) -> bool {
    let mut met = BTreeSet::new();
    let mut pairs = vec![(a_root, b_root)];
    while let Some((left, right)) = pairs.pop() {
        if !met.insert((left, right)) {
            continue;
        }
        let (x, y) = (a.get(left), b.get(right));
        if x.name() != y.name() || !x.props.same(&y.props) {
            return false;
        }
        let equal = match (&x.kind, &y.kind) {
            (Kind::Record(x), Kind::Record(y)) => {
                x.fields.len() == y.fields.len()
                    && x.fields.iter().zip(&y.fields).all(|(f, g)| {
                        f.name == g.name && f.default == g.default && f.order == g.order && f.props.same(&g.props)
                    })
            }
            (Kind::Enum(x), Kind::Enum(y)) => x.symbols == y.symbols,
            (Kind::Fixed(x), Kind::Fixed(y)) => x.size == y.size,
            (Kind::Union(x), Kind::Union(y)) => x.len() == y.len(),
            (x, y) => std::mem::discriminant(x) == std::mem::discriminant(y),
        };
        if !equal {
            return false;
        }
        pairs.extend(a.children(left).zip(b.children(right)));
    }
    true
}
