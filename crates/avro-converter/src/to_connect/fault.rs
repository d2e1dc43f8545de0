//! What can be wrong with a payload: small while it travels, an [`Error`] with its path at the end.

use connect_data::row_image::{MAX_AGGREGATE_DEPTH, MAX_IMAGE};
use connect_data::{Error, schemaless};

/// A reason to refuse a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Truncated,
    Varint,
    /// A negative length or count, or one beyond Java's arrays.
    Length,
    Branch,
    Symbol,
    Time,
    EmptyDecimal,
    Trailing,
    Depth,
    SchemalessDepth,
    TooLarge,
    /// A failure that the plan foresaw.
    Foreseen(u32),
    /// A plan that does not fit itself.
    Plan,
}

impl Fault {
    pub(crate) fn into_error(self, foreseen: &[Error]) -> Error {
        let data = |code, expected: &str, found: &str| {
            Error::data(code, format!("Avro payload: expected {expected}, found {found}"))
        };
        match self {
            Self::Truncated => data("avro.truncated", "more bytes", "the end of the payload"),
            Self::Varint => data("avro.varint", "a number that ends", "more bytes than any has"),
            Self::Length => data("avro.length", "a length between 0 and 2^31 - 9", "another one"),
            Self::Branch => data("avro.branch", "the index of a union's branch", "one that is out of range"),
            Self::Symbol => data("avro.symbol", "a symbol that the enum has", "another one"),
            Self::Time => {
                data("avro.time", "milliseconds from 0 to 86400000 in a time of day", "a number out of range")
            }
            Self::EmptyDecimal => data("avro.decimal", "bytes of a decimal", "none"),
            Self::Trailing => data("avro.trailing", "the end of the payload", "more bytes")
                .hint("avro.fail.on.trailing.data=false ignores them"),
            Self::Depth => {
                let expected = format!("at most {MAX_AGGREGATE_DEPTH} nested arrays, maps and recursive records");
                data("avro.depth", &expected, "more")
            }
            Self::SchemalessDepth => {
                data("avro.depth", &format!("at most {} levels of schemaless data", schemaless::MAX_DEPTH), "more")
            }
            Self::TooLarge => {
                data("avro.too-large", &format!("a record of at most {MAX_IMAGE} bytes in memory"), "a larger one")
            }
            Self::Foreseen(index) => match foreseen.get(index as usize) {
                Some(error) => error.clone(),
                None => Self::Plan.into_error(foreseen),
            },
            Self::Plan => Error::internal("avro.plan", "Avro plan: expected a plan that fits itself, found another"),
        }
    }
}
