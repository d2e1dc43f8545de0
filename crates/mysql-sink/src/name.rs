//! Names: from topic to table, and into SQL.

use connect_data::{Error, Result};

/// How a topic's table is called.
#[derive(Clone, Debug)]
pub(crate) struct TableNames {
    format: String,
    normalize: bool,
    underscores: bool,
    mapping: Vec<(String, String)>,
}

/// A table, maybe in another database than the connection's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableName {
    pub(crate) database: Option<String>,
    pub(crate) table: String,
}

/// Longest identifier of MySQL and MariaDB, in characters.
const MAX_NAME: usize = 64;

impl TableNames {
    /// `underscores`: dots of the topic become underscores, as in Debezium's connector.
    pub(crate) fn new(
        format: &str,
        normalize: bool,
        underscores: bool,
        mapping: Vec<(String, String)>,
    ) -> Result<Self> {
        let rest = format.replace("${topic}", "");
        if rest.contains("${") {
            return Err(Error::config(
                "mysql.table-format",
                "the format of table names: expected no placeholder but ${topic}, found another",
            )
            .hint("name tables with a transformation of the topic, e.g. RegexRouter"));
        }
        Ok(Self { format: format.to_owned(), normalize, underscores, mapping })
    }

    /// The table of a topic.
    ///
    /// # Errors
    /// Config: a name that is empty or has more than two parts.
    pub(crate) fn of(&self, topic: &str) -> Result<TableName> {
        let mapped = self.mapping.iter().find(|(from, _)| from == topic).map(|(_, table)| table.clone());
        let name = mapped.unwrap_or_else(|| {
            let topic = if self.underscores { topic.replace('.', "_") } else { topic.to_owned() };
            let name = self.format.replace("${topic}", &topic);
            if self.normalize {
                name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
            } else {
                name
            }
        });
        let parts: Vec<&str> = name.split('.').map(|part| part.trim_matches('`')).collect();
        match parts.as_slice() {
            [table] if !table.is_empty() => Ok(TableName { database: None, table: (*table).to_owned() }),
            [database, table] if !table.is_empty() && !database.is_empty() => {
                Ok(TableName { database: Some((*database).to_owned()), table: (*table).to_owned() })
            }
            _ => Err(Error::config(
                "mysql.table-name",
                format!(
                    "table of topic {topic}: expected a name, or database and name with a dot between them, found {} parts",
                    parts.len()
                ),
            )
            .hint("dots of a topic separate database and table: give table.name.format a name, or set table.name.normalize (Aiven's), or rename the topic with RegexRouter")),
        }
    }
}

impl TableName {
    /// The name in SQL.
    pub(crate) fn sql(&self, quoted: bool) -> Result<String> {
        let mut sql = String::new();
        if let Some(database) = &self.database {
            sql.push_str(&identifier(database, quoted)?);
            sql.push('.');
        }
        sql.push_str(&identifier(&self.table, quoted)?);
        Ok(sql)
    }
}

/// A name in SQL: quoted, or refused where it cannot be a name at all.
///
/// # Errors
/// Data `mysql.name`: empty, too long, with NUL or characters beyond the basic plane, ending in a blank; unquoted: more
/// than letters, digits, `_` and `$`.
pub(crate) fn identifier(name: &str, quoted: bool) -> Result<String> {
    let found = if name.is_empty() {
        Some("an empty one")
    } else if name.chars().count() > MAX_NAME {
        Some("a longer one")
    } else if name.contains('\0') || name.chars().any(|c| c as u32 > 0xFFFF) {
        Some("a character that MySQL's names cannot have")
    } else if name.ends_with(' ') {
        Some("a blank at its end")
    } else if !quoted && !is_plain(name) {
        Some("one that needs quotes while they are switched off")
    } else {
        None
    };
    if let Some(found) = found {
        return Err(Error::data(
            "mysql.name",
            format!(
                "name of a table or column: expected at most {MAX_NAME} characters that MySQL accepts, found {found}"
            ),
        )
        .field(&name.chars().take(MAX_NAME + 1).collect::<String>()));
    }
    if !quoted {
        return Ok(name.to_owned());
    }
    Ok(format!("`{}`", name.replace('`', "``")))
}

fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'))
        && !name.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(format: &str, normalize: bool, underscores: bool, topic: &str) -> Result<TableName> {
        TableNames::new(format, normalize, underscores, vec![("mapped".into(), "there".into())])?.of(topic)
    }

    #[test]
    fn tables_of_topics() {
        let table = |name: &str| TableName { database: None, table: name.to_owned() };
        assert_eq!(name("pasta_mysql", false, false, "my_pg_source.public.pasta").unwrap(), table("pasta_mysql"));
        assert_eq!(name("${topic}", true, false, "my-pg.public.pasta").unwrap(), table("my_pg_public_pasta"));
        assert_eq!(name("k_${topic}", false, true, "a.b.c").unwrap(), table("k_a_b_c"));
        assert_eq!(name("${topic}", false, false, "mapped").unwrap(), table("there"));
        let other = name("db.${topic}", false, false, "t").unwrap();
        assert_eq!(other.sql(true).unwrap(), "`db`.`t`");
        assert_eq!(name("${topic}", false, false, "a.b.c").unwrap_err().code(), "mysql.table-name");
        assert_eq!(name("${source.table}", false, false, "a").unwrap_err().code(), "mysql.table-format");
    }

    #[test]
    fn names_are_quoted_or_refused() {
        assert_eq!(identifier("a`; drop table b; -- ", true).unwrap_err().code(), "mysql.name");
        assert_eq!(identifier("a`; drop table b; --", true).unwrap(), "`a``; drop table b; --`");
        assert_eq!(identifier("größe", true).unwrap(), "`größe`");
        assert_eq!(identifier("plain_1$", false).unwrap(), "plain_1$");
        for bad in ["", "a\0", "🍝", &"x".repeat(65)] {
            assert!(identifier(bad, true).is_err());
        }
        assert!(identifier("a b", false).is_err() && identifier("12", false).is_err());
    }
}
