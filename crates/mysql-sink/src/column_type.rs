//! Column types of tables that are made here.
//!
//! `exact`: every value fits and comes back equal; texts in keys are equal only if they are the same. The other profiles
//! make the columns that Aiven's, Confluent's and Debezium's connector make with their MySQL dialect.

use crate::literal::{MAX_DIGITS, MAX_SCALE, Unit};
use crate::semantic::Semantic;
use crate::server::Facts;
use crate::settings::Profile;
use connect_data::schema::{Node, NodeId, Schema, Type};
use connect_data::{Error, Result};

/// InnoDB's longest key, in bytes.
const MAX_KEY_BYTES: u32 = 3072;
/// Room that a key column of another type than text and bytes takes at most: DECIMAL(65,30).
const OTHER_KEY_BYTES: u32 = 30;

/// What a column's type depends on beside its field.
pub(crate) struct Profiled<'a> {
    pub(crate) profile: Profile,
    pub(crate) facts: &'a Facts,
    pub(crate) structures: bool,
    /// Columns of the primary key, and how many of them are of variable length.
    pub(crate) keys: (u32, u32),
}

impl Profiled<'_> {
    /// The type of the column of a field.
    ///
    /// # Errors
    /// Data `mysql.type`: a structure, or bits or text in a key that cannot be indexed.
    pub(crate) fn sql(&self, schema: &Schema, id: NodeId, key: bool) -> Result<String> {
        let node = schema.node(id);
        match self.profile {
            Profile::Exact => self.exact(node, Semantic::of(schema, id), key),
            Profile::Debezium => self.debezium(node, Semantic::of(schema, id), key),
            Profile::Aiven | Profile::Confluent => self.plain(node, Semantic::of_connect(node), key),
        }
    }

    fn exact(&self, node: &Node, semantic: Semantic, key: bool) -> Result<String> {
        Ok(match semantic {
            Semantic::Decimal { scale, precision } => match decimal(scale, precision) {
                Some(sql) => sql,
                None => self.text(key),
            },
            Semantic::VariableDecimal { .. } => format!("DECIMAL({MAX_DIGITS},{MAX_SCALE})"),
            Semantic::Text | Semantic::Enum { .. } => self.text(key),
            Semantic::Bytes if key => format!("VARBINARY({})", self.key_bytes()),
            Semantic::Bytes => "LONGBLOB".to_owned(),
            Semantic::Instant => "DATETIME(3)".to_owned(),
            other => self.semantic(node, other)?,
        })
    }

    fn debezium(&self, node: &Node, semantic: Semantic, key: bool) -> Result<String> {
        Ok(match semantic {
            Semantic::Integer if node.kind == Type::Boolean => "BIT(1)".to_owned(),
            Semantic::Decimal { scale, precision } => {
                format!("DECIMAL({},{})", precision.unwrap_or(38).min(MAX_DIGITS as u32), scale.clamp(0, MAX_SCALE))
            }
            Semantic::VariableDecimal { .. } => format!("DECIMAL({MAX_DIGITS},{MAX_SCALE})"),
            Semantic::Text | Semantic::Enum { .. } if key => "VARCHAR(255)".to_owned(),
            Semantic::Text | Semantic::Enum { .. } => "LONGTEXT".to_owned(),
            Semantic::Bytes if key => "VARBINARY(255)".to_owned(),
            Semantic::Bytes => "LONGBLOB".to_owned(),
            Semantic::Time(_) => "TIME(6)".to_owned(),
            Semantic::LocalTimestamp(_) | Semantic::Instant => "DATETIME(6)".to_owned(),
            other => self.semantic(node, other)?,
        })
    }

    /// What Aiven's and Confluent's connectors make: Debezium's types are the numbers and texts they are carried in.
    fn plain(&self, node: &Node, semantic: Semantic, key: bool) -> Result<String> {
        Ok(match semantic {
            Semantic::Integer if node.kind == Type::Boolean => "TINYINT".to_owned(),
            Semantic::Decimal { scale, .. } => format!("DECIMAL({MAX_DIGITS},{})", scale.clamp(0, MAX_SCALE)),
            Semantic::Text if key || self.profile == Profile::Aiven => "VARCHAR(256)".to_owned(),
            Semantic::Text => "TEXT".to_owned(),
            Semantic::Bytes => "VARBINARY(1024)".to_owned(),
            Semantic::Time(_) => "TIME(3)".to_owned(),
            Semantic::Instant => "DATETIME(3)".to_owned(),
            other => self.semantic(node, other)?,
        })
    }

    /// Types that the profiles agree on.
    fn semantic(&self, node: &Node, semantic: Semantic) -> Result<String> {
        Ok(match semantic {
            Semantic::Integer => integer(node.kind).to_owned(),
            Semantic::Float32 => "FLOAT".to_owned(),
            Semantic::Float64 => "DOUBLE".to_owned(),
            Semantic::Date | Semantic::IsoDate => "DATE".to_owned(),
            Semantic::Time(Unit::Millis) => "TIME(3)".to_owned(),
            Semantic::Time(_) | Semantic::IsoTime => "TIME(6)".to_owned(),
            Semantic::LocalTimestamp(Unit::Millis) => "DATETIME(3)".to_owned(),
            Semantic::LocalTimestamp(_) | Semantic::Instant | Semantic::IsoTimestamp => "DATETIME(6)".to_owned(),
            Semantic::Bits { length } if (1..=64).contains(&length) => format!("BIT({length})"),
            Semantic::Bits { .. } => "LONGBLOB".to_owned(),
            Semantic::Json => "JSON".to_owned(),
            Semantic::Uuid => "CHAR(36)".to_owned(),
            Semantic::Structure if self.structures => "JSON".to_owned(),
            _ => {
                return Err(Error::data(
                    "mysql.type",
                    format!("expected a type that MySQL has, found {}", node.name.as_deref().unwrap_or(node.kind.name())),
                )
                .hint("complex.handling=json keeps structures as JSON; or flatten or drop the field with a transformation"));
            }
        })
    }

    fn text(&self, key: bool) -> String {
        if !key {
            return "LONGTEXT".to_owned();
        }
        let length = self.key_bytes() / 4;
        format!("VARCHAR({length}) CHARACTER SET utf8mb4 COLLATE {}", self.facts.exact_collation())
    }

    /// Bytes that one key column of variable length may have.
    fn key_bytes(&self) -> u32 {
        let (all, variable) = self.keys;
        let others = all.saturating_sub(variable) * OTHER_KEY_BYTES;
        (MAX_KEY_BYTES.saturating_sub(others) / variable.max(1)).max(4)
    }
}

/// Whether the key column of this meaning is of variable length.
pub(crate) fn is_variable(semantic: Semantic) -> bool {
    matches!(semantic, Semantic::Text | Semantic::Enum { .. } | Semantic::Bytes)
        || matches!(semantic, Semantic::Decimal { scale, precision } if decimal(scale, precision).is_none())
}

/// Whether a column of this type takes no literal default.
pub(crate) fn needs_default_expression(sql: &str) -> bool {
    ["LONGTEXT", "TEXT", "LONGBLOB", "JSON"].contains(&sql)
}

fn decimal(scale: i32, precision: Option<u32>) -> Option<String> {
    let digits = precision.unwrap_or(MAX_DIGITS as u32);
    let fits = scale <= MAX_SCALE && digits <= MAX_DIGITS as u32 && scale <= digits as i32;
    if scale < 0 {
        return Some(format!("DECIMAL({MAX_DIGITS},0)"));
    }
    fits.then(|| format!("DECIMAL({digits},{scale})"))
}

fn integer(kind: Type) -> &'static str {
    match kind {
        Type::Boolean => "TINYINT(1)",
        Type::Int8 => "TINYINT",
        Type::Int16 => "SMALLINT",
        Type::Int32 => "INT",
        _ => "BIGINT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_data::logical;

    const FACTS: Facts = Facts { mariadb: false, version: (9, 7, 4), max_packet: 1 << 26, utf8mb4: true };

    fn sql(profile: Profile, node: Node, key: bool) -> String {
        let profiled = Profiled { profile, facts: &FACTS, structures: false, keys: (1, 1) };
        profiled.sql(&Schema::primitive(node), 0, key).unwrap_or_else(|e| e.code().to_owned())
    }

    #[test]
    fn types_of_the_profiles() {
        use Profile::{Aiven, Confluent, Debezium, Exact};
        let named = |kind, name: &str| Node::new(kind).named(name);
        let decimal = || named(Type::Bytes, logical::DECIMAL).parameter("scale", "2");
        for (node, key, exact, aiven, confluent, debezium) in [
            (Node::new(Type::Boolean), false, "TINYINT(1)", "TINYINT", "TINYINT", "BIT(1)"),
            (Node::new(Type::Int32), true, "INT", "INT", "INT", "INT"),
            (Node::new(Type::String), false, "LONGTEXT", "VARCHAR(256)", "TEXT", "LONGTEXT"),
            (
                Node::new(Type::String),
                true,
                "VARCHAR(768) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin",
                "VARCHAR(256)",
                "VARCHAR(256)",
                "VARCHAR(255)",
            ),
            (Node::new(Type::Bytes), false, "LONGBLOB", "VARBINARY(1024)", "VARBINARY(1024)", "LONGBLOB"),
            (decimal(), false, "DECIMAL(65,2)", "DECIMAL(65,2)", "DECIMAL(65,2)", "DECIMAL(38,2)"),
            (
                decimal().parameter("connect.decimal.precision", "10"),
                false,
                "DECIMAL(10,2)",
                "DECIMAL(65,2)",
                "DECIMAL(65,2)",
                "DECIMAL(10,2)",
            ),
            (named(Type::Int64, logical::TIMESTAMP), false, "DATETIME(3)", "DATETIME(3)", "DATETIME(3)", "DATETIME(6)"),
            (
                named(Type::Int64, "io.debezium.time.MicroTimestamp"),
                false,
                "DATETIME(6)",
                "BIGINT",
                "BIGINT",
                "DATETIME(6)",
            ),
            (named(Type::String, "io.debezium.data.Json"), false, "JSON", "VARCHAR(256)", "TEXT", "JSON"),
            (
                named(Type::String, "io.debezium.data.Uuid"),
                true,
                "CHAR(36)",
                "VARCHAR(256)",
                "VARCHAR(256)",
                "CHAR(36)",
            ),
            (
                named(Type::Bytes, "io.debezium.data.Bits").parameter("length", "9"),
                false,
                "BIT(9)",
                "VARBINARY(1024)",
                "VARBINARY(1024)",
                "BIT(9)",
            ),
        ] {
            assert_eq!(sql(Exact, node.clone(), key), exact);
            assert_eq!(sql(Aiven, node.clone(), key), aiven);
            assert_eq!(sql(Confluent, node.clone(), key), confluent);
            assert_eq!(sql(Debezium, node, key), debezium);
        }
    }

    #[test]
    fn decimals_beyond_mysql_s_are_text_and_structures_are_refused() {
        let decimal = |scale: &str, precision: &str| {
            let node = Node::new(Type::Bytes).named(logical::DECIMAL).parameter("scale", scale);
            sql(Profile::Exact, node.parameter("connect.decimal.precision", precision), false)
        };
        assert_eq!(decimal("31", "60"), "LONGTEXT");
        assert_eq!(decimal("2", "66"), "LONGTEXT");
        assert_eq!(decimal("-3", "5"), "DECIMAL(65,0)");
        assert_eq!(sql(Profile::Exact, Node::new(Type::Struct), false), "mysql.type");
    }
}
