//! `CREATE TABLE` and `ALTER TABLE` from the fields of records.

use crate::column_type::{Profiled, is_variable, needs_default_expression};
use crate::fields::{Field, Fields};
use crate::literal::{Encoder, Holds};
use crate::name::{TableName, identifier};
use crate::plan::default_literal;
use crate::semantic::Semantic;
use crate::server::Facts;
use crate::settings::{Profile, Settings};
use connect_data::{Error, Result};

/// The statement that makes the table of these fields.
///
/// # Errors
/// Data: a field without a type, a name that cannot be one.
pub(crate) fn create(settings: &Settings, facts: &Facts, name: &TableName, fields: &Fields) -> Result<String> {
    let profiled = profiled(settings, facts, fields);
    let mut sql = format!("CREATE TABLE {} (", name.sql(settings.quoted)?);
    for (i, field) in fields.all.iter().enumerate() {
        if i != 0 {
            sql.push_str(", ");
        }
        sql.push_str(&column(settings, &profiled, field)?);
    }
    if !fields.keys.is_empty() {
        let keys = fields.keys.iter().filter_map(|key| fields.all.get(*key));
        let keys = keys.map(|field| identifier(&field.name, settings.quoted)).collect::<Result<Vec<_>>>()?;
        sql.push_str(&format!(", PRIMARY KEY ({})", keys.join(", ")));
    }
    sql.push(')');
    if !facts.utf8mb4 && settings.profile == Profile::Exact {
        sql.push_str(" DEFAULT CHARACTER SET utf8mb4");
    }
    Ok(sql)
}

/// The statement that adds columns for these of the fields.
///
/// # Errors
/// Config: a field that has neither a null nor a default for the rows that are there.
pub(crate) fn alter(
    settings: &Settings,
    facts: &Facts,
    name: &TableName,
    fields: &Fields,
    missing: &[&Field],
) -> Result<String> {
    let profiled = profiled(settings, facts, fields);
    let mut columns = Vec::with_capacity(missing.len());
    for field in missing {
        let node = field.definition();
        if field.key || (!node.optional && node.default.is_none()) {
            return Err(Error::config(
                "mysql.evolve",
                format!("table {}: expected a field that is optional or has a default, to add a column for it, found one that is required", name.table),
            )
            .hint("add the column yourself")
            .field(&field.name));
        }
        columns.push(format!("ADD COLUMN {}", column(settings, &profiled, field)?));
    }
    Ok(format!("ALTER TABLE {} {}", name.sql(settings.quoted)?, columns.join(", ")))
}

fn profiled<'a>(settings: &Settings, facts: &'a Facts, fields: &Fields) -> Profiled<'a> {
    let variable = fields.keys.iter().filter_map(|key| fields.all.get(*key));
    let variable = variable.filter(|field| is_variable(Semantic::of(&field.schema, field.node))).count();
    Profiled {
        profile: settings.profile,
        facts,
        structures: settings.complex_as_json,
        keys: (fields.keys.len() as u32, variable as u32),
    }
}

fn column(settings: &Settings, profiled: &Profiled<'_>, field: &Field) -> Result<String> {
    let node = field.definition();
    let kind = profiled.sql(&field.schema, field.node, field.key).map_err(|error| error.field(&field.name))?;
    let mut sql = format!("{} {kind}", identifier(&field.name, settings.quoted)?);
    let mut default = None;
    // A key's value is always given.
    if let (Some(value), false) = (&node.default, field.key) {
        let literal = literal(settings, field, &kind, value)?;
        if !needs_default_expression(&kind) {
            default = Some(literal);
        } else if profiled.facts.has_default_expressions() {
            default = Some(format!("({literal})"));
        }
    }
    // The Java connectors let a column with a default take nulls.
    let java = matches!(settings.profile, Profile::Aiven | Profile::Confluent);
    let nullable = !field.key && (node.optional || (java && node.default.is_some()));
    sql.push_str(if nullable { " NULL" } else { " NOT NULL" });
    if let Some(default) = default {
        sql.push_str(" DEFAULT ");
        sql.push_str(&default);
    }
    Ok(sql)
}

/// The default as a literal of the column that is being made.
fn literal(settings: &Settings, field: &Field, kind: &str, value: &connect_data::Value) -> Result<String> {
    let holds = holds(kind);
    let semantic = match settings.profile {
        Profile::Aiven | Profile::Confluent => Semantic::of_connect(field.definition()),
        Profile::Exact | Profile::Debezium => Semantic::of(&field.schema, field.node),
    };
    let encoder =
        Encoder::new(semantic, holds, &settings.zone).unwrap_or_else(|| Encoder::json(&field.schema, field.node));
    let literal = match encoder {
        // A writer of its own: the default is alone in its image.
        Encoder::Json(_) => {
            let schema = std::sync::Arc::new(field.schema.subschema(field.node)?);
            let alone = Field { schema: std::sync::Arc::clone(&schema), node: 0, ..field.clone() };
            default_literal(&alone, value, &Encoder::json(&schema, 0))?
        }
        encoder => default_literal(field, value, &encoder)?,
    };
    Ok(String::from_utf8_lossy(&literal).into_owned())
}

/// What a column of a type that is made here holds.
fn holds(kind: &str) -> Holds {
    let (name, rest) = kind.split_once('(').unwrap_or((kind, ""));
    let digits = rest.split(')').next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    match name {
        "DATE" => Holds::Date,
        "TIME" => Holds::Time(digits),
        "DATETIME" => Holds::DateTime(digits),
        "BIT" => Holds::Bit,
        "VARBINARY" | "LONGBLOB" => Holds::Binary,
        "VARCHAR" | "CHAR" | "TEXT" | "LONGTEXT" | "JSON" => Holds::Text,
        _ => Holds::Number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::{Schemas, fields};
    use crate::settings::Flavour;
    use connect_data::schema::{Node, SchemaBuilder, Type};
    use connect_data::{Properties, Schema, Value};
    use std::sync::Arc;

    const FACTS: Facts = Facts { mariadb: false, version: (9, 7, 4), max_packet: 1 << 26, utf8mb4: true };

    fn story(flavour: Flavour, more: &[(&str, &str)]) -> (Settings, Fields) {
        let mut properties = Properties::from_iter([("connection.url", "jdbc:mysql://h/d")]);
        for (name, value) in more {
            properties.set(*name, *value);
        }
        let settings = Settings::parse(flavour, &properties).unwrap();
        let mut b = SchemaBuilder::new();
        let root = b.push(Node::new(Type::Struct));
        b.field(root, "id", Node::new(Type::Int32).default_value(Value::Int32(0)));
        b.field(root, "name", Node::new(Type::String));
        b.field(root, "cooking_minutes", Node::new(Type::Int32).optional());
        b.field(root, "__deleted", Node::new(Type::String).optional());
        let value = Arc::new(b.build().unwrap());
        let mut b = SchemaBuilder::new();
        let root = b.push(Node::new(Type::Struct));
        b.field(root, "name", Node::new(Type::String));
        let key = Arc::new(b.build().unwrap());
        let found =
            fields(&settings, &Schemas { topic: "t", key: Some(&key), value: Some(&value), headers: &[] }).unwrap();
        (settings, found)
    }

    fn table() -> TableName {
        TableName { database: None, table: "pasta_mysql".into() }
    }

    #[test]
    fn the_story_s_table() {
        let (settings, fields) = story(Flavour::Aiven, &[("pk.mode", "record_key"), ("pk.fields", "name")]);
        assert_eq!(
            create(&settings, &FACTS, &table(), &fields).unwrap(),
            "CREATE TABLE `pasta_mysql` (`id` INT NOT NULL DEFAULT 0, `name` VARCHAR(768) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin NOT NULL, `cooking_minutes` INT NULL, `__deleted` LONGTEXT NULL, PRIMARY KEY (`name`))"
        );
        let (settings, fields) = story(Flavour::Debezium, &[("primary.key.mode", "record_key")]);
        assert_eq!(
            create(&settings, &FACTS, &table(), &fields).unwrap(),
            "CREATE TABLE `pasta_mysql` (`name` VARCHAR(255) NOT NULL, `id` INT NOT NULL DEFAULT 0, `cooking_minutes` INT NULL, `__deleted` LONGTEXT NULL, PRIMARY KEY (`name`))"
        );
        let more = [("pk.mode", "record_key"), ("ddl.profile", "aiven")];
        let (settings, fields) = story(Flavour::Aiven, &more);
        assert_eq!(
            create(&settings, &FACTS, &table(), &fields).unwrap(),
            "CREATE TABLE `pasta_mysql` (`id` INT NULL DEFAULT 0, `name` VARCHAR(256) NOT NULL, `cooking_minutes` INT NULL, `__deleted` VARCHAR(256) NULL, PRIMARY KEY (`name`))"
        );
    }

    #[test]
    fn columns_are_added_if_old_rows_can_have_them() {
        let (settings, mut fields) = story(Flavour::Aiven, &[("pk.mode", "record_key")]);
        let mut b = SchemaBuilder::new();
        let root = b.push(Node::new(Type::Struct));
        let text = b.field(root, "text", Node::new(Type::String).default_value(Value::String("it's".into())));
        let required = b.field(root, "required", Node::new(Type::Int8));
        let schema: Arc<Schema> = Arc::new(b.build().unwrap());
        for (name, node) in [("text", text), ("required", required)] {
            let source = crate::fields::Source::Value(0);
            fields.all.push(Field { name: name.into(), source, schema: Arc::clone(&schema), node, key: false });
        }
        let sql = |missing: &[&Field]| alter(&settings, &FACTS, &table(), &fields, missing);
        assert_eq!(
            sql(&[&fields.all[2], &fields.all[4]]).unwrap(),
            "ALTER TABLE `pasta_mysql` ADD COLUMN `cooking_minutes` INT NULL, ADD COLUMN `text` LONGTEXT NOT NULL DEFAULT ('it''s')"
        );
        for required in [1, 5] {
            let error = sql(&[&fields.all[required]]).unwrap_err();
            assert_eq!(error.code(), "mysql.evolve");
        }
    }
}
