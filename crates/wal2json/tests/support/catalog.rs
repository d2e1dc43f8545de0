//! The tables of `sql/00_schema.sql` as PostgreSQL's catalogue has them when the captures are over: `catalog.txt`, one
//! `table` line each (schema, name, primary key), then its columns (name, type, nullability, default).

use wal2json::{ColumnSchema, TableAnswer, TableId, TableSchema, UserType, UserTypes};

/// A table.
pub fn table(id: &TableId) -> Option<TableSchema> {
    let mut found: Option<TableSchema> = None;
    for line in include_str!("catalog.txt").lines() {
        let parts: Vec<_> = line.split('\t').collect();
        match (parts[0], &mut found) {
            ("table", Some(_)) => break,
            ("table", None) if parts[1] == id.schema && parts[2] == id.table => {
                let primary_key = parts[3..].iter().filter(|name| !name.is_empty()).map(|name| (*name).to_owned());
                found = Some(TableSchema { primary_key: primary_key.collect(), ..TableSchema::default() });
            }
            ("", Some(table)) => table.columns.push(ColumnSchema {
                name: parts[1].to_owned(),
                data_type: parts[2].to_owned(),
                optional: parts[3] == "null",
                default: parts.get(4).map(|default| (*default).to_owned()),
                toastable: ["text", "bytea", "json", "char", "num", "[", "xml", "tore", "bit"]
                    .iter()
                    .any(|part| parts[2].contains(part)),
            }),
            _ => {}
        }
    }
    found
}

/// What a host with this catalogue answers. The key of `ri_index` is its replica identity, as its primary key is not in
/// the messages.
pub fn answer(id: &TableId) -> TableAnswer {
    let Some(mut table) = table(id) else { return TableAnswer::Unknown };
    if id.table == "ri_index" {
        table.key = Some(vec!["u".to_owned(), "v".to_owned()]);
    }
    TableAnswer::Known(table)
}

/// As [`answer`], without the column that Debezium 1.7 cannot represent and was told to leave out.
pub fn answer_of_main(id: &TableId) -> TableAnswer {
    let mut answer = answer(id);
    if let (TableAnswer::Known(table), "t_num") = (&mut answer, id.table.as_str()) {
        table.excluded.push("nneg".to_owned());
    }
    answer
}

/// The types of `sql/00_schema.sql`.
pub fn types() -> UserTypes {
    let labels = ["sad", "ok", "happy", "it's \"complicated\""].map(str::to_owned).to_vec();
    UserTypes::from_catalog([
        ("mood".to_owned(), UserType::Enum(labels)),
        ("posint".to_owned(), UserType::Domain("integer".to_owned())),
        ("shortname".to_owned(), UserType::Domain("character varying(20)".to_owned())),
        ("money2".to_owned(), UserType::Domain("numeric(12,2)".to_owned())),
        ("comp".to_owned(), UserType::Other),
        ("hstore".to_owned(), UserType::Other),
        ("citext".to_owned(), UserType::Other),
        ("ltree".to_owned(), UserType::Other),
    ])
}
