//! What the server's catalogue says of tables and types.

use crate::connection::{Connection, Rows};
use crate::failure::PgResult;
use crate::filter::Filters;
use postgres_protocol::escape::escape_literal;
use std::collections::BTreeMap;
use wal2json::{ColumnSchema, TableAnswer, TableId, TableSchema, UserType, UserTypes};

/// A table that is captured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TableFacts {
    pub(crate) id: TableId,
    /// `reltuples`; below 0 = unknown.
    pub(crate) rows: f64,
    /// `relreplident`.
    pub(crate) identity: char,
    pub(crate) has_primary_key: bool,
    /// Whether our role may read it.
    pub(crate) readable: bool,
    /// `relpersistence` is `u`: its changes are not in the log.
    pub(crate) unlogged: bool,
}

impl TableFacts {
    /// Whether wal2json leaves out its updates and deletes, as nothing in them says which row they are about.
    pub(crate) fn loses_updates(&self) -> bool {
        match self.identity {
            'f' | 'i' => false,
            'n' => true,
            _ => !self.has_primary_key,
        }
    }
}

fn text(row: &[Option<String>], at: usize) -> &str {
    row.get(at).and_then(Option::as_deref).unwrap_or("")
}

fn flag(row: &[Option<String>], at: usize) -> bool {
    text(row, at) == "t"
}

/// All ordinary tables, partitions included: wal2json names those, not their parents.
const TABLES: &str = "SELECT n.nspname, c.relname, c.reltuples::float8, c.relreplident, \
    EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary), \
    has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'), c.relpersistence = 'u' \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
    ORDER BY 1, 2";

/// Tables that are captured, and those that are not.
pub(crate) async fn tables(sql: &mut Connection, filters: &Filters) -> PgResult<(Vec<TableFacts>, Vec<TableId>)> {
    let (mut captured, mut others) = (Vec::new(), Vec::new());
    for row in sql.query(TABLES).await? {
        let id = TableId { schema: text(&row, 0).to_owned(), table: text(&row, 1).to_owned() };
        if !filters.captures(&id.schema, &id.table) {
            others.push(id);
            continue;
        }
        captured.push(TableFacts {
            id,
            rows: text(&row, 2).parse().unwrap_or(-1.0),
            identity: text(&row, 3).chars().next().unwrap_or('d'),
            has_primary_key: flag(&row, 4),
            readable: flag(&row, 5),
            unlogged: flag(&row, 6),
        });
    }
    Ok((captured, others))
}

/// Columns of a table, and which of them are generated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) schema: TableSchema,
    pub(crate) has_generated: bool,
}

/// Columns, primary key, and what stands in for it, of one table.
pub(crate) async fn table(sql: &mut Connection, id: &TableId, filters: &Filters) -> PgResult<Option<Described>> {
    let (schema, name) = (escape_literal(&id.schema), escape_literal(&id.table));
    let of_table = format!(
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = {schema} \
         AND c.relname = {name} AND c.relkind IN ('r', 'p')"
    );
    let table = sql.query(&format!("SELECT c.relreplident {of_table}")).await?;
    let Some(identity) = table.first().map(|row| text(row, 0).to_owned()) else { return Ok(None) };
    let generated = if sql.version() >= 120_000 { "a.attgenerated <> ''" } else { "false" };
    let columns = sql
        .query(&format!(
            "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage <> 'p', \
             {generated}, pg_catalog.pg_get_expr(d.adbin, d.adrelid) {of_table} \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum ORDER BY a.attnum"
        ))
        .await?;
    let indexes = sql
        .query(&format!(
            "SELECT x.relname, i.indisprimary, i.indisreplident, a.attname {of_table} \
             JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisunique AND i.indisvalid \
             AND i.indpred IS NULL AND i.indexprs IS NULL \
             JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
             CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, position) \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
             {} ORDER BY x.relname, k.position",
            if sql.version() >= 110_000 { "WHERE k.position <= i.indnkeyatts" } else { "" }
        ))
        .await?;
    Ok(Some(describe(id, &identity, &columns, &indexes, filters)))
}

/// From the rows of the catalogue to what the decoder wants to know.
fn describe(id: &TableId, identity: &str, columns: &Rows, indexes: &Rows, filters: &Filters) -> Described {
    let mut described = Described::default();
    let schema = &mut described.schema;
    for row in columns {
        let name = text(row, 0).to_owned();
        if !filters.has_column(&id.schema, &id.table, &name) {
            schema.excluded.push(name.clone());
        }
        described.has_generated |= flag(row, 4);
        schema.columns.push(ColumnSchema {
            name,
            data_type: text(row, 1).to_owned(),
            optional: !flag(row, 2),
            default: row.get(5).cloned().flatten(),
            toastable: flag(row, 3),
        });
    }
    let mut unique = BTreeMap::<&str, Vec<String>>::new();
    let mut replica = Vec::new();
    for row in indexes {
        let column = text(row, 3).to_owned();
        if flag(row, 2) {
            replica.push(column.clone());
        }
        match flag(row, 1) {
            true => schema.primary_key.push(column),
            false => unique.entry(text(row, 0)).or_default().push(column),
        }
    }
    let key = &schema.primary_key;
    let exists = |column: &String| schema.columns.iter().any(|known| known.name == *column);
    schema.key = match filters.key(&id.schema, &id.table) {
        Some(chosen) => {
            let (known, unknown): (Vec<_>, Vec<_>) = chosen.iter().cloned().partition(exists);
            if !unknown.is_empty() {
                tracing::warn!(table = %id, columns = ?unknown, "message.key.columns names columns that do not exist");
            }
            Some(known).filter(|known| !known.is_empty())
        }
        // Deletes only hold the columns of the replica identity: no key can be made of others.
        None if identity == "i" && !key.iter().all(|column| replica.contains(column)) => Some(replica),
        // As Debezium does, the first unique index stands in for a missing primary key.
        None if key.is_empty() => unique.into_values().next(),
        None => None,
    };
    described
}

/// What the decoder is told of a table.
pub(crate) async fn answer(sql: &mut Connection, id: &TableId, filters: &Filters) -> PgResult<TableAnswer> {
    if !filters.captures(&id.schema, &id.table) {
        return Ok(TableAnswer::Ignored);
    }
    Ok(table(sql, id, filters).await?.map_or(TableAnswer::Unknown, |described| TableAnswer::Known(described.schema)))
}

/// Types that are not built in, in a form that can be compared.
pub(crate) type Types = Vec<(String, UserType)>;

/// Enums, domains, and all else that users and extensions define; no arrays, and no row types of tables.
pub(crate) async fn types(sql: &mut Connection) -> PgResult<Types> {
    let rows = sql
        .query(
            "SELECT pg_catalog.format_type(t.oid, NULL), t.typtype, \
             CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END, e.enumlabel \
             FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
             LEFT JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid \
             WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND t.typcategory <> 'A' \
             AND (t.typrelid = 0 OR EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND \
             c.relkind = 'c')) ORDER BY t.oid, e.enumsortorder",
        )
        .await?;
    Ok(read_types(&rows))
}

fn read_types(rows: &Rows) -> Types {
    let mut types = Types::new();
    for row in rows {
        let name = text(row, 0);
        match (text(row, 1), types.last_mut()) {
            ("e", Some((last, UserType::Enum(labels)))) if last == name => labels.push(text(row, 3).to_owned()),
            ("e", _) => {
                let labels = row.get(3).cloned().flatten().into_iter().collect();
                types.push((name.to_owned(), UserType::Enum(labels)));
            }
            ("d", _) => types.push((name.to_owned(), UserType::Domain(text(row, 2).to_owned()))),
            _ => types.push((name.to_owned(), UserType::Other)),
        }
    }
    types
}

/// For the decoder.
pub(crate) fn user_types(types: &Types) -> UserTypes {
    UserTypes::from_catalog(types.iter().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Choice;

    fn rows(rows: &[&str]) -> Rows {
        let field = |text: &str| (text != "-").then(|| text.to_owned());
        rows.iter().map(|row| row.split('|').map(field).collect()).collect()
    }

    fn id() -> TableId {
        TableId { schema: "public".to_owned(), table: "t".to_owned() }
    }

    const COLUMNS: [&str; 3] = ["a|integer|t|f|f|nextval('s'::regclass)", "b|text|f|t|f|-", "c|integer|t|f|t|(a + 1)"];

    #[test]
    fn a_table_is_described() {
        let columns = Choice::new("column", &[], &["public\\.t\\.b"]).unwrap();
        let filters = Filters { columns, ..Filters::default() };
        let found =
            describe(&id(), "d", &rows(&COLUMNS), &rows(&["t_pkey|t|f|c", "t_pkey|t|f|a", "u|f|f|b"]), &filters);
        assert!(found.has_generated);
        assert_eq!(found.schema.primary_key, ["c", "a"]);
        assert_eq!((found.schema.key, found.schema.excluded), (None, vec!["b".to_owned()]));
        let [a, b, c] = found.schema.columns.as_slice() else { panic!() };
        assert_eq!((a.optional, a.default.as_deref()), (false, Some("nextval('s'::regclass)")));
        assert_eq!((b.optional, b.toastable, b.default.as_ref()), (true, true, None));
        assert_eq!((c.data_type.as_str(), c.toastable), ("integer", false));
    }

    #[test]
    fn the_key_is_what_every_change_holds() {
        let columns = rows(&COLUMNS);
        let key = |identity: &str, indexes: &[&str], chosen: &str| {
            let filters = Filters { keys: Filters::parse_keys(chosen).unwrap(), ..Filters::default() };
            describe(&id(), identity, &columns, &rows(indexes), &filters).schema.key
        };
        let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(key("i", &["p|t|f|a", "u|f|t|b", "u|f|t|c"], ""), names(&["b", "c"]));
        assert_eq!(key("i", &["p|t|f|a", "u|f|t|b", "u|f|t|a"], ""), None);
        assert_eq!(key("f", &["v|f|f|c", "u|f|f|b"], ""), names(&["b"]));
        assert_eq!(key("f", &[], ""), None);
        assert_eq!(key("d", &["p|t|f|a"], "public.t:c,nope"), names(&["c"]));
        assert_eq!(key("d", &["p|t|f|a"], "public.t:nope"), None);
    }

    #[test]
    fn types_and_their_labels() {
        let found =
            read_types(&rows(&["mood|e|-|sad", "mood|e|-|ok", "posint|d|integer|-", "none|e|-|-", "hstore|b|-|-"]));
        let labels = |labels: &[&str]| UserType::Enum(labels.iter().map(|label| (*label).to_owned()).collect());
        let expected = [
            ("mood", labels(&["sad", "ok"])),
            ("posint", UserType::Domain("integer".to_owned())),
            ("none", labels(&[])),
            ("hstore", UserType::Other),
        ];
        assert_eq!(found, expected.map(|(name, found)| (name.to_owned(), found)));
    }

    #[test]
    fn tables_whose_updates_are_lost() {
        let facts = |identity, has_primary_key| TableFacts {
            id: id(),
            rows: 0.0,
            identity,
            has_primary_key,
            readable: true,
            unlogged: false,
        };
        assert!(facts('d', false).loses_updates() && facts('n', true).loses_updates());
        assert!(!facts('d', true).loses_updates() && !facts('f', false).loses_updates());
    }
}
