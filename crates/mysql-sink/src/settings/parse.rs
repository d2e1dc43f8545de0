//! From properties to [`Settings`].

use super::url::Target;
use super::{FieldFilter, Flavour, InsertMode, PkMode, Profile, Settings, Tombstones, config, other_keys};
use crate::literal::Zone;
use crate::name::TableNames;
use connect_data::config::Treatment;
use connect_data::{ConfigDef, Error, Properties, Result};
use std::time::Duration;

/// Names of the keys that differ between flavours.
struct Names {
    user: &'static str,
    zone: &'static str,
    table: &'static str,
    pk_mode: &'static str,
    pk_fields: &'static str,
    retries: &'static str,
    backoff: &'static str,
    quote: Option<&'static str>,
}

impl Names {
    fn of(flavour: Flavour) -> Self {
        match flavour {
            Flavour::Aiven | Flavour::Confluent => Self {
                user: "connection.user",
                zone: "db.timezone",
                table: "table.name.format",
                pk_mode: "pk.mode",
                pk_fields: "pk.fields",
                retries: "max.retries",
                backoff: "retry.backoff.ms",
                quote: Some(if flavour == Flavour::Aiven { "sql.quote.identifiers" } else { "quote.sql.identifiers" }),
            },
            Flavour::Debezium => Self {
                user: "connection.username",
                zone: "use.time.zone",
                table: "collection.name.format",
                pk_mode: "primary.key.mode",
                pk_fields: "primary.key.fields",
                retries: "flush.max.retries",
                backoff: "flush.retry.delay.ms",
                quote: None,
            },
        }
    }
}

pub(super) fn parse(flavour: Flavour, properties: &Properties) -> Result<Settings> {
    let def = config(flavour);
    def.validate(properties)?;
    let mut notices = other_notices(flavour, properties)?;
    let names = Names::of(flavour);
    let text = |name: &str| def.text(properties, name).unwrap_or_default();
    let mut target = Target::parse(text("connection.url"))?;
    notices.append(&mut target.notices);
    if let Some(user) = def.text(properties, names.user) {
        target.user = Some(user.to_owned());
    }
    if let Some(password) = def.text(properties, "connection.password") {
        target.password = Some(password.to_owned());
    }
    if target.database.is_empty() {
        return Err(Error::config(
            "mysql.url",
            "setting connection.url: expected a database after the host, found none",
        ));
    }
    let zone_name = match (properties.get(names.zone), &target.time_zone) {
        (None, Some(zone)) => zone.clone(),
        _ => text(names.zone).to_owned(),
    };
    let fields = FieldFilter {
        include: filter(
            def,
            properties,
            if flavour == Flavour::Debezium { "field.include.list" } else { "fields.whitelist" },
        ),
        exclude: filter(def, properties, "field.exclude.list"),
    };
    if !fields.include.is_empty() && !fields.exclude.is_empty() {
        return Err(conflict("field.include.list and field.exclude.list: expected one of them, found both"));
    }
    let evolution = flavour == Flavour::Debezium && text("schema.evolution").eq_ignore_ascii_case("basic");
    let flag = |name: &str| if def.key(name).is_some() { def.boolean(properties, name) } else { Ok(false) };
    let socket_timeout = match target.socket_timeout_ms {
        Some(ms) => ms,
        None => def.integer(properties, "statement.timeout.ms")?.unsigned_abs(),
    };
    let attempts = |name: &str, default: i64| match def.key(name) {
        Some(_) => def.integer(properties, name),
        None => Ok(default),
    };
    let settings = Settings {
        flavour,
        connect_attempts: attempts("connection.attempts", 3)?.clamp(1, 1_000_000) as u32,
        connect_backoff: Duration::from_millis(attempts("connection.backoff.ms", 1000)?.unsigned_abs()),
        zone: Zone::parse(&zone_name).ok_or_else(|| {
            conflict(&format!("{}: expected UTC, an offset as +02:00, or a zone as Europe/Rome", names.zone))
        })?,
        quoted: names.quote.is_none_or(|name| !text(name).eq_ignore_ascii_case("never")),
        insert_mode: match text("insert.mode").to_ascii_lowercase().as_str() {
            "upsert" => InsertMode::Upsert,
            "update" => InsertMode::Update,
            _ => InsertMode::Insert,
        },
        batch_size: def.integer(properties, "batch.size")?.clamp(1, 1_000_000) as usize,
        deletes: def.boolean(properties, "delete.enabled")?,
        tables: tables(flavour, def, properties, names.table)?,
        pk_mode: match text(names.pk_mode).to_ascii_lowercase().as_str() {
            "kafka" => PkMode::Kafka,
            "record_key" => PkMode::RecordKey,
            "record_value" => PkMode::RecordValue,
            "record_header" => PkMode::RecordHeader,
            _ => PkMode::None,
        },
        pk_fields: def.list(properties, names.pk_fields).into_iter().map(str::to_owned).collect(),
        fields,
        create: evolution || flag("auto.create")?,
        evolve: evolution || flag("auto.evolve")?,
        max_retries: def.integer(properties, names.retries)?.clamp(0, i64::from(u32::MAX)) as u32,
        retry_backoff: Duration::from_millis(def.integer(properties, names.backoff)?.unsigned_abs()),
        default_for_null: match flavour {
            Flavour::Aiven => true,
            Flavour::Confluent => def.boolean(properties, "replace.null.with.default")?,
            Flavour::Debezium => false,
        },
        profile: match def.text(properties, "ddl.profile").map(str::to_ascii_lowercase).as_deref() {
            Some("exact") => Profile::Exact,
            Some("aiven") => Profile::Aiven,
            Some("confluent") => Profile::Confluent,
            Some("debezium") => Profile::Debezium,
            _ if flavour == Flavour::Debezium => Profile::Debezium,
            _ => Profile::Exact,
        },
        tombstones: match def.text(properties, "sink.compat").map(str::to_ascii_lowercase).as_deref() {
            Some("confluent") => Tombstones::Fail,
            Some("aiven-6.6") => Tombstones::UpsertKey,
            _ => Tombstones::Skip,
        },
        allow_secondary_unique: def.boolean(properties, "allow.secondary.unique")?,
        complex_as_json: text("complex.handling").eq_ignore_ascii_case("json"),
        placeholder: text("unavailable.value.placeholder").to_owned(),
        statement_timeout: (socket_timeout > 0).then(|| Duration::from_millis(socket_timeout)),
        target,
        notices,
    };
    check(&settings, &names, flag("truncate.enabled")?)?;
    Ok(settings)
}

/// What does not go together, as the Java connectors refuse it.
fn check(settings: &Settings, names: &Names, truncates: bool) -> Result<()> {
    let (pk_mode, fields) = (settings.pk_mode, settings.pk_fields.len());
    if settings.deletes && !matches!(pk_mode, PkMode::RecordKey | PkMode::RecordHeader) {
        return Err(conflict(&format!(
            "delete.enabled=true: expected {}=record_key, found another mode: a record with a null value has nothing else to name its row",
            names.pk_mode
        )));
    }
    if pk_mode == PkMode::None && settings.insert_mode != InsertMode::Insert {
        return Err(conflict(&format!(
            "insert.mode upsert or update: expected a {} other than none, found none: rows are found by their primary key",
            names.pk_mode
        )));
    }
    if pk_mode == PkMode::None && fields != 0 {
        return Err(conflict(&format!(
            "{}: expected none with {}=none, found {fields}",
            names.pk_fields, names.pk_mode
        )));
    }
    if pk_mode == PkMode::Kafka && !matches!(fields, 0 | 3) {
        return Err(conflict(&format!(
            "{}: expected three names (topic, partition, offset) with {}=kafka, found {fields}",
            names.pk_fields, names.pk_mode
        )));
    }
    if truncates {
        return Err(conflict("truncate.enabled=true: tables are not truncated here; set it to false"));
    }
    Ok(())
}

fn tables(flavour: Flavour, def: &ConfigDef, properties: &Properties, name: &str) -> Result<TableNames> {
    let format = match (flavour, properties.get(name), properties.get("table.name.format")) {
        (Flavour::Debezium, None, Some(older)) => older.trim(),
        _ => def.text(properties, name).unwrap_or_default(),
    };
    let normalize = flavour == Flavour::Aiven && def.boolean(properties, "table.name.normalize")?;
    let mut mapping = Vec::new();
    if flavour == Flavour::Aiven {
        for pair in def.list(properties, "topics.to.tables.mapping") {
            match pair.split_once(':') {
                Some((topic, table)) if !topic.is_empty() && !table.is_empty() => {
                    mapping.push((topic.trim().to_owned(), table.trim().to_owned()));
                }
                _ => return Err(conflict("topics.to.tables.mapping: expected topic:table pairs separated by commas")),
            }
        }
    }
    TableNames::new(format, normalize, flavour == Flavour::Debezium, mapping)
}

fn filter(def: &ConfigDef, properties: &Properties, name: &str) -> Vec<(Option<String>, String)> {
    let entry = |text: &str| match text.split_once(':') {
        Some((topic, field)) => (Some(topic.to_owned()), field.to_owned()),
        None => (None, text.to_owned()),
    };
    def.list(properties, name).into_iter().filter(|text| !text.is_empty()).map(entry).collect()
}

fn other_notices(flavour: Flavour, properties: &Properties) -> Result<Vec<String>> {
    let mut notices = Vec::new();
    for (name, _) in properties.iter() {
        // A declared key goes before a family that its name falls into.
        let found = other_keys(flavour).iter().find(|key| key.matches(name));
        let Some(other) = found.filter(|_| config(flavour).key(name).is_none()) else { continue };
        match other.treatment {
            Treatment::Ignored(why) => notices.push(format!("setting {name} changes nothing here: {why}")),
            Treatment::Refused(why) => {
                return Err(Error::config("config.refused", format!("setting {name} is not supported: {why}")));
            }
        }
    }
    Ok(notices)
}

fn conflict(found: &str) -> Error {
    Error::config("config.invalid", format!("setting {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aiven(more: &[(&str, &str)]) -> Result<Settings> {
        with(Flavour::Aiven, more)
    }

    fn with(flavour: Flavour, more: &[(&str, &str)]) -> Result<Settings> {
        let mut properties = Properties::from_iter([("connection.url", "jdbc:mysql://h:1/d?user=u&password=geheim")]);
        for (name, value) in more {
            properties.set(*name, *value);
        }
        Settings::parse(flavour, &properties)
    }

    #[test]
    fn the_story_s_sink() {
        let settings = aiven(&[
            ("connection.user", "avnadmin"),
            ("connection.password", " geheim "),
            ("insert.mode", "upsert"),
            ("table.name.format", "pasta_mysql"),
            ("pk.mode", "record_key"),
            ("pk.fields", "name"),
            ("auto.create", "true"),
        ])
        .unwrap();
        assert_eq!(settings.insert_mode, InsertMode::Upsert);
        assert_eq!((settings.pk_mode, settings.pk_fields.as_slice()), (PkMode::RecordKey, &["name".to_owned()][..]));
        assert_eq!((settings.create, settings.evolve, settings.deletes), (true, false, false));
        assert_eq!((settings.batch_size, settings.max_retries), (3000, 10));
        assert_eq!(settings.target.password.as_deref(), Some(" geheim "));
        assert_eq!(settings.target.user.as_deref(), Some("avnadmin"));
        assert_eq!(settings.profile, Profile::Exact);
        assert!(!format!("{settings:?}").contains("geheim"));
        assert_eq!(settings.server(), "h:1");
    }

    #[test]
    fn debezium_s_names() {
        let settings = with(
            Flavour::Debezium,
            &[
                ("connection.username", "ref"),
                ("insert.mode", "upsert"),
                ("collection.name.format", "pasta_mysql"),
                ("primary.key.mode", "record_key"),
                ("schema.evolution", "basic"),
                ("flush.max.retries", "2"),
                ("connection.pool.min_size", "3"),
                ("field.exclude.list", "a:b,c"),
            ],
        )
        .unwrap();
        assert_eq!((settings.create, settings.evolve, settings.max_retries), (true, true, 2));
        assert_eq!(settings.profile, Profile::Debezium);
        assert_eq!(settings.notices().len(), 1);
        assert!(settings.fields.accepts("x", "b") && !settings.fields.accepts("a", "b"));
        assert!(!settings.fields.accepts("x", "c"));
    }

    #[test]
    fn settings_that_do_not_go_together() {
        let upsert = ("insert.mode", "upsert");
        for more in [
            &[("delete.enabled", "true")][..],
            &[upsert],
            &[("pk.fields", "a")],
            &[("pk.mode", "kafka"), ("pk.fields", "a,b")],
            &[("db.timezone", "Mars/Olympus")],
            &[("topics.to.tables.mapping", "a")],
            &[("dialect.name", "OracleDatabaseDialect")],
            &[("batch.size", "0")],
        ] {
            let error = aiven(more).unwrap_err();
            assert_eq!(error.code(), "config.invalid", "{error}");
            assert!(!error.to_string().contains("geheim"));
        }
        assert_eq!(with(Flavour::Confluent, &[("date.timezone", "UTC")]).unwrap_err().code(), "config.refused");
        assert_eq!(with(Flavour::Debezium, &[("column.naming.strategy", "X")]).unwrap_err().code(), "config.refused");
        assert!(with(Flavour::Debezium, &[("truncate.enabled", "true")]).is_err());
        assert!(aiven(&[("delete.enabled", "true"), ("pk.mode", "record_key"), upsert]).is_ok());
    }

    #[test]
    fn every_flavour_documents_its_keys_once() {
        for flavour in [Flavour::Aiven, Flavour::Confluent, Flavour::Debezium] {
            let keys = config(flavour).keys;
            for (i, key) in keys.iter().enumerate() {
                assert!(!keys[..i].iter().any(|other| other.name == key.name), "{}", key.name);
            }
        }
    }
}
