//! Tables of the target: what they are, how they are made, how they get new columns.

use crate::fault::{self, Failure};
use crate::literal::{self, Holds};
use crate::name::TableName;
use crate::server::Server;
use mysql_async::Error as MysqlError;

/// What the target says of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) unique: Vec<Unique>,
    /// Whether foreign keys go out of it or come in.
    pub(crate) foreign_keys: bool,
    pub(crate) transactional: bool,
}

/// A column of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) holds: Holds,
    /// Texts that differ in case, accents or trailing blanks may be equal.
    pub(crate) loose: bool,
}

/// A unique index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unique {
    pub(crate) name: String,
    /// Lower-case names; `None` if it is on an expression or on the beginning of a column.
    pub(crate) columns: Option<Vec<String>>,
}

impl Table {
    /// The column with this name: MySQL's names of columns know no case.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        let exact = self.columns.iter().find(|column| column.name == name);
        exact.or_else(|| self.columns.iter().find(|column| column.name.to_lowercase() == name.to_lowercase()))
    }

    /// Unique indexes on other columns than exactly these.
    pub(crate) fn other_unique<'a>(&'a self, keys: &'a [String]) -> impl Iterator<Item = &'a str> {
        self.unique.iter().filter(|unique| !unique.is_on(keys)).map(|unique| unique.name.as_str())
    }

    /// Whether a unique index is on exactly these columns.
    pub(crate) fn is_unique_on(&self, keys: &[String]) -> bool {
        self.unique.iter().any(|unique| unique.is_on(keys))
    }
}

impl Unique {
    fn is_on(&self, keys: &[String]) -> bool {
        self.columns.as_ref().is_some_and(|columns| {
            columns.len() == keys.len() && keys.iter().all(|key| columns.contains(&key.to_lowercase()))
        })
    }
}

const TABLE_EXISTS: u16 = 1050;
const COLUMN_EXISTS: u16 = 1060;

/// Reads a table; `None` if there is none.
pub(crate) async fn describe(server: &mut Server, name: &TableName) -> Result<Option<Table>, Failure> {
    let place = |schema: &str, table: &str| {
        let mut sql = format!("{schema} = ").into_bytes();
        match &name.database {
            Some(database) => literal::text(database, &mut sql),
            None => sql.extend_from_slice(b"DATABASE()"),
        }
        sql.extend_from_slice(format!(" AND {table} = ").as_bytes());
        literal::text(&name.table, &mut sql);
        String::from_utf8_lossy(&sql).into_owned()
    };
    let here = place("TABLE_SCHEMA", "TABLE_NAME");
    let columns: Vec<(String, String, Option<u8>, Option<String>)> = server
        .rows(&format!(
            "SELECT COLUMN_NAME, DATA_TYPE, DATETIME_PRECISION, COLLATION_NAME FROM information_schema.COLUMNS WHERE {here} ORDER BY ORDINAL_POSITION"
        ))
        .await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let columns = columns.into_iter().map(|(name, kind, digits, collation)| Column {
        name,
        holds: holds(&kind, digits.unwrap_or(0)),
        loose: collation.is_some_and(|collation| !is_exact(&collation)),
    });
    let columns = columns.collect();
    let indexes: Vec<(String, Option<String>, Option<u64>)> = server
        .rows(&format!(
            "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS WHERE {here} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX"
        ))
        .await?;
    let mut unique: Vec<Unique> = Vec::new();
    for (name, column, part) in indexes {
        if unique.last().is_none_or(|last| last.name != name) {
            unique.push(Unique { name, columns: Some(Vec::new()) });
        }
        let Some(last) = unique.last_mut() else { continue };
        last.columns = match (last.columns.take(), column, part) {
            (Some(mut columns), Some(column), None) => {
                columns.push(column.to_lowercase());
                Some(columns)
            }
            _ => None,
        };
    }
    let there = place("REFERENCED_TABLE_SCHEMA", "REFERENCED_TABLE_NAME");
    let foreign: Vec<u64> = server
        .rows(&format!(
            "SELECT COUNT(*) FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL AND (({here}) OR ({there}))"
        ))
        .await?;
    let engine: Vec<Option<String>> =
        server.rows(&format!("SELECT ENGINE FROM information_schema.TABLES WHERE {here}")).await?;
    Ok(Some(Table {
        columns,
        unique,
        foreign_keys: foreign.first().is_some_and(|count| *count > 0),
        // A view has no engine of its own.
        transactional: engine.into_iter().flatten().all(|engine| {
            !["MyISAM", "MEMORY", "CSV", "ARCHIVE", "Aria", "BLACKHOLE"].iter().any(|e| e.eq_ignore_ascii_case(&engine))
        }),
    }))
}

fn holds(kind: &str, digits: u8) -> Holds {
    match kind.to_lowercase().as_str() {
        "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "decimal" | "numeric" | "float"
        | "double" | "year" => Holds::Number,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set" | "json" | "uuid" => {
            Holds::Text
        }
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Holds::Binary,
        "bit" => Holds::Bit,
        "date" => Holds::Date,
        "datetime" => Holds::DateTime(digits),
        "timestamp" => Holds::Timestamp(digits),
        "time" => Holds::Time(digits),
        _ => Holds::Other,
    }
}

/// Collations in which only equal texts are equal.
fn is_exact(collation: &str) -> bool {
    collation == "binary" || collation == "utf8mb4_0900_bin" || collation.ends_with("_nopad_bin")
}

/// Makes a table; one that somebody else made meanwhile is as good.
pub(crate) async fn create(server: &mut Server, sql: &str) -> Result<(), Failure> {
    define(server, sql, TABLE_EXISTS).await
}

/// Adds columns; that somebody else added them meanwhile is seen when the table is read again.
pub(crate) async fn alter(server: &mut Server, sql: &str) -> Result<(), Failure> {
    define(server, sql, COLUMN_EXISTS).await
}

async fn define(server: &mut Server, sql: &str, fine: u16) -> Result<(), Failure> {
    match server.define(sql).await {
        Ok(()) => Ok(()),
        Err(MysqlError::Server(error)) if error.code == fine => Ok(()),
        Err(MysqlError::Server(error)) => {
            let failure = fault::of_statement(&MysqlError::Server(error.clone()), &[]);
            // The text of an error about a definition has no row values in it, but it may quote the statement.
            Err(match failure {
                Failure::Transient { .. } => failure,
                _ => Failure::Fatal(
                    connect_data::Error::config(
                        "mysql.ddl",
                        format!(
                            "MySQL refused to make or change a table: error {} ({}): {}",
                            error.code, error.state, error.message
                        ),
                    )
                    .hint("make the table yourself, or choose another ddl.profile"),
                ),
            })
        }
        Err(error) => Err(fault::of_statement(&error, &[])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_indexes_and_columns_by_name() {
        let column = |name: &str| Column { name: name.into(), holds: Holds::Text, loose: false };
        let index = |name: &str, columns: &[&str]| Unique {
            name: name.into(),
            columns: Some(columns.iter().map(|c| (*c).to_owned()).collect()),
        };
        let table = Table {
            columns: vec![column("Id"), column("name")],
            unique: vec![
                index("PRIMARY", &["name", "id"]),
                index("other", &["id"]),
                Unique { name: "part".into(), columns: None },
            ],
            foreign_keys: false,
            transactional: true,
        };
        let keys = ["ID".to_owned(), "name".to_owned()];
        assert!(table.is_unique_on(&keys) && !table.is_unique_on(&keys[1..]));
        assert_eq!(table.other_unique(&keys).collect::<Vec<_>>(), ["other", "part"]);
        assert_eq!(table.column("ID").unwrap().name, "Id");
        assert!(table.column("x").is_none());
    }

    #[test]
    fn what_columns_hold() {
        assert_eq!(holds("DATETIME", 6), Holds::DateTime(6));
        assert_eq!(holds("longtext", 0), Holds::Text);
        assert_eq!(holds("geometry", 0), Holds::Other);
        assert!(is_exact("utf8mb4_nopad_bin") && !is_exact("utf8mb4_bin") && !is_exact("utf8mb4_0900_ai_ci"));
    }
}
