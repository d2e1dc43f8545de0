//! Settings of both generations: one table, and what they come to.

use crate::field_reference::FieldReference;
use connect_data::config::{ConfigType, DefaultValue, Importance, Notice, Validator};
use connect_data::{ConfigDef, ConfigKey, Error, Properties, Result};

const GENERATION: &str = "generation";
const DROP_TOMBSTONES: &str = "drop.tombstones";
const DELETE_HANDLING: &str = "delete.handling.mode";
const DELETE_TOMBSTONE_HANDLING: &str = "delete.tombstone.handling.mode";
const ADD_FIELDS: &str = "add.fields";
const ADD_FIELDS_PREFIX: &str = "add.fields.prefix";
const ADD_HEADERS: &str = "add.headers";
const ADD_HEADERS_PREFIX: &str = "add.headers.prefix";
const ROUTE_BY_FIELD: &str = "route.by.field";
const DROP_FIELDS_HEADER: &str = "drop.fields.header.name";
const DROP_FIELDS_FROM_KEY: &str = "drop.fields.from.key";
const DROP_FIELDS_KEEP_COMPATIBLE: &str = "drop.fields.keep.schema.compatible";
const REPLACE_NULL: &str = "replace.null.with.default";
const ENGINE: &str = "engine";
const UNAVAILABLE_HANDLING: &str = "unavailable.value.handling";
const UNAVAILABLE_PLACEHOLDER: &str = "unavailable.value.placeholder";

const DEFAULT_PREFIX: &str = "__";
const GENERATIONS: &[&str] = &["auto", "1.7", "3.0", "3.x"];
const LEGACY_MODES: &[&str] = &["drop", "rewrite", "none"];
const UNAVAILABLE_ACTIONS: &[&str] = &["keep", "header", "mark", "fail"];
const MODES_3_0: &[&str] = &["drop", "tombstone", "rewrite", "rewrite-with-tombstone"];
const MODES: &[&str] = &["tombstone", "drop", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone"];

const DELETES: &str = "Deletes and tombstones";
const ADDITIONS: &str = "Added fields and headers";
const ROUTING: &str = "Routing";
const DROPS: &str = "Dropped fields";
const OURS: &str = "Bucatini";

const fn key(
    name: &'static str,
    kind: ConfigType,
    default: DefaultValue,
    validator: Validator,
    group: &'static str,
    display: &'static str,
    doc: &'static str,
) -> ConfigKey {
    ConfigKey { name, kind, default, validator, importance: Importance::Medium, doc, group, display }
}

/// Every key of Debezium 1.7, 3.0 and 3.x, and ours.
///
/// The keys that a generation does not know are ignored by it, whatever they hold, as Debezium does; so a host must not
/// refuse a configuration by this table before the core has chosen the generation.
pub static CONFIG: ConfigDef = ConfigDef {
    plugin: "extract-new-record-state",
    keys: &[
        key(
            DELETE_TOMBSTONE_HANDLING,
            ConfigType::String,
            DefaultValue::Null,
            Validator::OneOfIgnoringCase(MODES),
            DELETES,
            "Delete and tombstone handling",
            "What becomes of deletes and tombstones, from Debezium 3.0 on. tombstone (what 3.x does without this setting): \
             a delete becomes a null value, tombstones are dropped. drop: both are dropped. rewrite: a delete becomes its \
             last row with __deleted=true, tombstones are dropped. rewrite-with-tombstone: the same, tombstones are kept. \
             delete-to-tombstone: a delete becomes a null value without schema, tombstones are dropped.",
        ),
        key(
            DELETE_HANDLING,
            ConfigType::String,
            DefaultValue::Null,
            Validator::OneOfIgnoringCase(LEGACY_MODES),
            DELETES,
            "Delete handling (up to 3.0)",
            "What becomes of deletes, up to Debezium 3.0. drop (what these do without this setting): dropped. rewrite: the \
             last row with __deleted=true. none: a null value.",
        ),
        key(
            DROP_TOMBSTONES,
            ConfigType::Boolean,
            DefaultValue::Null,
            Validator::Any,
            DELETES,
            "Drop tombstones (up to 3.0)",
            "Whether tombstones are dropped, up to Debezium 3.0, which do so without this setting.",
        ),
        key(
            ADD_FIELDS,
            ConfigType::List,
            DefaultValue::Text(""),
            Validator::Any,
            ADDITIONS,
            "Fields to add",
            "Fields of the envelope to add to the row, separated by commas: op, ts_ms and other fields of the envelope, \
             id, total_order, data_collection_order (of transaction), struct.field, or a field of source. name:NEW renames.",
        ),
        key(
            ADD_FIELDS_PREFIX,
            ConfigType::String,
            DefaultValue::Text(DEFAULT_PREFIX),
            Validator::Any,
            ADDITIONS,
            "Prefix of added fields",
            "Goes before the name of each added field, as it stands.",
        ),
        key(
            ADD_HEADERS,
            ConfigType::List,
            DefaultValue::Text(""),
            Validator::Any,
            ADDITIONS,
            "Headers to add",
            "Fields of the envelope to add as headers; written like add.fields. A kept tombstone gets the header of op only.",
        ),
        key(
            ADD_HEADERS_PREFIX,
            ConfigType::String,
            DefaultValue::Text(DEFAULT_PREFIX),
            Validator::Any,
            ADDITIONS,
            "Prefix of added headers",
            "Goes before the name of each added header, as it stands.",
        ),
        key(
            ROUTE_BY_FIELD,
            ConfigType::String,
            DefaultValue::Text(""),
            Validator::Any,
            ROUTING,
            "Topic by field",
            "A string column whose value becomes the topic; empty: the topic stays.",
        ),
        key(
            DROP_FIELDS_HEADER,
            ConfigType::String,
            DefaultValue::Null,
            Validator::Any,
            DROPS,
            "Header with fields to drop",
            "Name of a header that holds a list of field names; these are dropped from the row. From Debezium 2.4 on.",
        ),
        key(
            DROP_FIELDS_FROM_KEY,
            ConfigType::Boolean,
            DefaultValue::Text("false"),
            Validator::Any,
            DROPS,
            "Drop them from the key",
            "Whether these fields are dropped from the key too.",
        ),
        key(
            DROP_FIELDS_KEEP_COMPATIBLE,
            ConfigType::Boolean,
            DefaultValue::Text("true"),
            Validator::Any,
            DROPS,
            "Drop optional fields only",
            "true: only fields whose schema is optional are dropped. false: all that are named.",
        ),
        key(
            REPLACE_NULL,
            ConfigType::String,
            DefaultValue::Text("true"),
            Validator::Any,
            DELETES,
            "Defaults for nulls",
            "Whether the rewrite modes of Debezium 3.x replace a null by its field's default. Anything but false means true, \
             as in Debezium; 1.7 always replaces.",
        ),
        key(
            GENERATION,
            ConfigType::String,
            DefaultValue::Text("auto"),
            Validator::OneOfIgnoringCase(GENERATIONS),
            OURS,
            "Generation",
            "Which Debezium to be: 1.7, 3.0, or 3.x (3.1 and later). auto decides by the settings: with drop.tombstones or \
             delete.handling.mode 1.7, or 3.0 if drop.fields.* or replace.null.with.default is set too; otherwise 3.x.",
        ),
        key(
            UNAVAILABLE_HANDLING,
            ConfigType::String,
            DefaultValue::Text("keep"),
            Validator::OneOfIgnoringCase(UNAVAILABLE_ACTIONS),
            OURS,
            "Unavailable values",
            "What becomes of a column whose value the source did not send because it is large and has not changed (TOAST); \
             Debezium writes a placeholder for it. keep: the placeholder stays, as with Debezium. header: it stays, and the \
             header __unavailable lists the names of these fields. mark: the field is marked unavailable in the row itself; \
             rows of Kafka Connect cannot say so, there mark is header. fail: the record is refused.",
        ),
        key(
            UNAVAILABLE_PLACEHOLDER,
            ConfigType::String,
            DefaultValue::Text("__debezium_unavailable_value"),
            Validator::Any,
            OURS,
            "Placeholder of unavailable values",
            "What the connector writes for such a value (its setting of the same name), for unavailable.value.handling.",
        ),
        key(
            ENGINE,
            ConfigType::String,
            DefaultValue::Text("native"),
            Validator::OneOfIgnoringCase(&["native", "wasm"]),
            OURS,
            "Engine",
            "native: the library in this process. wasm: the same code as a component in a sandbox.",
        ),
    ],
};

/// Two Debezium generations differ in what they do by themselves: who set nothing is told which it is.
pub static UNDECIDED: Notice = Notice {
    unless: &[GENERATION, DROP_TOMBSTONES, DELETE_HANDLING, DELETE_TOMBSTONE_HANDLING],
    text: "no setting says what becomes of deletes and tombstones: a delete becomes a null value, tombstones are dropped, as \
           with Debezium 3.x; 1.7 dropped both. Set delete.tombstone.handling.mode, or drop.tombstones and \
           delete.handling.mode, or generation.",
};

/// The order of work and the treatment of nulls: the two that ever existed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Semantics {
    /// Debezium 1.7.
    Legacy,
    /// Debezium 3.0 and later, which differ in their modes only.
    Modern,
}

/// What a delete becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeleteMode {
    /// Nothing.
    Drop,
    /// A null value with the row's schema.
    Null,
    /// A null value without schema.
    Tombstone,
    /// The last row, marked.
    Rewrite,
    /// An error, and so does any other event with a row: 3.0 takes a mode that it does not know, and fails on records.
    Unknown,
}

/// `drop.fields.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DropFields {
    pub(crate) header: String,
    pub(crate) from_key: bool,
    pub(crate) keep_compatible: bool,
}

/// What becomes of a row with a value that the source did not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnavailableAction {
    Header = 1,
    Mark = 2,
    Fail = 3,
}

/// `unavailable.value.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unavailable {
    pub(crate) action: UnavailableAction,
    pub(crate) placeholder: String,
}

/// A configuration, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) semantics: Semantics,
    pub(crate) keep_tombstones: bool,
    pub(crate) deletes: DeleteMode,
    pub(crate) headers: Vec<FieldReference>,
    pub(crate) fields: Vec<FieldReference>,
    pub(crate) route_by: Option<String>,
    pub(crate) drop_fields: Option<DropFields>,
    pub(crate) replace_null: bool,
    pub(crate) unavailable: Option<Unavailable>,
}

impl Settings {
    /// # Errors
    /// Config: a value that the chosen generation refuses; with `generation=auto`, delete settings of both.
    pub(crate) fn new(properties: &Properties) -> Result<Self> {
        let generation = generation(properties)?;
        let (keep_tombstones, deletes) = match generation {
            Generation::V1_7 => legacy_modes(properties)?,
            Generation::V3_0 => modes_3_0(properties)?,
            Generation::V3 => modes(properties, MODES)?,
        };
        let modern = generation != Generation::V1_7;
        let semantics = if modern { Semantics::Modern } else { Semantics::Legacy };
        let verbatim = |name: &str, default| properties.get(name).unwrap_or(default);
        let references =
            |prefix, name| FieldReference::list(semantics, verbatim(prefix, DEFAULT_PREFIX), name, verbatim(name, ""));
        let route_by = verbatim(ROUTE_BY_FIELD, "");
        Ok(Self {
            semantics,
            keep_tombstones,
            deletes,
            headers: references(ADD_HEADERS_PREFIX, ADD_HEADERS)?,
            fields: references(ADD_FIELDS_PREFIX, ADD_FIELDS)?,
            route_by: (!route_by.is_empty()).then(|| route_by.to_owned()),
            drop_fields: if modern { drop_fields(properties)? } else { None },
            unavailable: unavailable(properties)?,
            replace_null: !CONFIG.text(properties, REPLACE_NULL).is_some_and(|v| v.eq_ignore_ascii_case("false")),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Generation {
    V1_7,
    V3_0,
    V3,
}

fn given(properties: &Properties, name: &str) -> bool {
    properties.get(name).is_some()
}

fn generation(properties: &Properties) -> Result<Generation> {
    let text = CONFIG.text(properties, GENERATION).unwrap_or("auto");
    match one_of(GENERATION, text, GENERATIONS)? {
        "1.7" => return Ok(Generation::V1_7),
        "3.0" => return Ok(Generation::V3_0),
        "3.x" => return Ok(Generation::V3),
        _ => {}
    }
    let legacy: Vec<&str> =
        [DROP_TOMBSTONES, DELETE_HANDLING].into_iter().filter(|name| given(properties, name)).collect();
    match (legacy.as_slice(), given(properties, DELETE_TOMBSTONE_HANDLING)) {
        ([], _) => Ok(Generation::V3),
        (_, false) => {
            let later = [DROP_FIELDS_HEADER, DROP_FIELDS_FROM_KEY, DROP_FIELDS_KEEP_COMPATIBLE, REPLACE_NULL];
            let later = later.into_iter().any(|name| given(properties, name));
            Ok(if later { Generation::V3_0 } else { Generation::V1_7 })
        }
        (legacy, true) => Err(Error::config(
            "enrs.generations",
            format!(
                "settings {} and {DELETE_TOMBSTONE_HANDLING}: expected those of one Debezium generation, found both",
                legacy.join(", ")
            ),
        )
        .hint("remove one side, or set generation to 1.7, 3.0 or 3.x: the other side's settings are then ignored")),
    }
}

fn legacy_modes(properties: &Properties) -> Result<(bool, DeleteMode)> {
    let drop_tombstones =
        if given(properties, DROP_TOMBSTONES) { CONFIG.boolean(properties, DROP_TOMBSTONES)? } else { true };
    let mode = CONFIG.text(properties, DELETE_HANDLING).unwrap_or("drop");
    let deletes = match one_of(DELETE_HANDLING, mode, LEGACY_MODES)? {
        "rewrite" => DeleteMode::Rewrite,
        "none" => DeleteMode::Null,
        _ => DeleteMode::Drop,
    };
    Ok((!drop_tombstones, deletes))
}

/// The new setting wins, but the old ones are validated all the same.
fn modes_3_0(properties: &Properties) -> Result<(bool, DeleteMode)> {
    let legacy = legacy_modes(properties)?;
    match CONFIG.text(properties, DELETE_TOMBSTONE_HANDLING) {
        None | Some("") => Ok(legacy),
        // Debezium finds a wrong one only when records come.
        Some(mode) if !MODES_3_0.iter().any(|valid| valid.eq_ignore_ascii_case(mode)) => {
            Ok((false, DeleteMode::Unknown))
        }
        Some(_) => modes(properties, MODES_3_0),
    }
}

fn modes(properties: &Properties, valid: &'static [&'static str]) -> Result<(bool, DeleteMode)> {
    let mode = CONFIG.text(properties, DELETE_TOMBSTONE_HANDLING).unwrap_or("tombstone");
    Ok(match one_of(DELETE_TOMBSTONE_HANDLING, mode, valid)? {
        "drop" => (false, DeleteMode::Drop),
        "rewrite" => (false, DeleteMode::Rewrite),
        "rewrite-with-tombstone" => (true, DeleteMode::Rewrite),
        "delete-to-tombstone" => (false, DeleteMode::Tombstone),
        _ => (false, DeleteMode::Null),
    })
}

fn drop_fields(properties: &Properties) -> Result<Option<DropFields>> {
    let from_key = CONFIG.boolean(properties, DROP_FIELDS_FROM_KEY)?;
    let keep_compatible = CONFIG.boolean(properties, DROP_FIELDS_KEEP_COMPATIBLE)?;
    // Debezium takes the name as it stands, but a blank one means none.
    let header = properties.get(DROP_FIELDS_HEADER).filter(|name| !name.trim().is_empty());
    Ok(header.map(|header| DropFields { header: header.to_owned(), from_key, keep_compatible }))
}

fn unavailable(properties: &Properties) -> Result<Option<Unavailable>> {
    let action = CONFIG.text(properties, UNAVAILABLE_HANDLING).unwrap_or("keep");
    let action = match one_of(UNAVAILABLE_HANDLING, action, UNAVAILABLE_ACTIONS)? {
        "header" => UnavailableAction::Header,
        "mark" => UnavailableAction::Mark,
        "fail" => UnavailableAction::Fail,
        _ => return Ok(None),
    };
    let placeholder = CONFIG.text(properties, UNAVAILABLE_PLACEHOLDER).unwrap_or_default().to_owned();
    Ok(Some(Unavailable { action, placeholder }))
}

fn one_of(name: &str, text: &str, valid: &'static [&'static str]) -> Result<&'static str> {
    valid.iter().copied().find(|value| value.eq_ignore_ascii_case(text)).ok_or_else(|| {
        let expected = valid.join(", ");
        Error::config("config.invalid", format!("setting {name}: expected one of {expected}, found something else"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(entries: &[(&str, &str)]) -> Result<Settings> {
        Settings::new(&Properties::from_iter(entries.iter().copied()))
    }

    #[test]
    fn auto_decides_by_what_the_user_set() {
        let semantics =
            |entries: &[(&str, &str)]| settings(entries).map(|s| (s.semantics, s.keep_tombstones, s.deletes));
        assert_eq!(semantics(&[]), Ok((Semantics::Modern, false, DeleteMode::Null)));
        assert_eq!(semantics(&[(DROP_TOMBSTONES, "false")]), Ok((Semantics::Legacy, true, DeleteMode::Drop)));
        assert_eq!(
            semantics(&[(DELETE_HANDLING, "rewrite"), (DROP_FIELDS_HEADER, "h")]),
            Ok((Semantics::Modern, false, DeleteMode::Rewrite))
        );
        assert_eq!(
            semantics(&[(DELETE_TOMBSTONE_HANDLING, "delete-to-tombstone")]),
            Ok((Semantics::Modern, false, DeleteMode::Tombstone))
        );
        let error = settings(&[(DELETE_TOMBSTONE_HANDLING, "drop"), (DROP_TOMBSTONES, "true")]).unwrap_err();
        assert_eq!(error.code(), "enrs.generations");
        assert!(error.message().contains("settings drop.tombstones and delete.tombstone.handling.mode:"));
    }

    #[test]
    fn an_explicit_generation_ignores_the_settings_of_the_other() {
        let both = [(DELETE_TOMBSTONE_HANDLING, "rewrite"), (DELETE_HANDLING, "none"), (DROP_FIELDS_FROM_KEY, "false")];
        let with = |generation: &'static str| {
            let mut entries = both.to_vec();
            entries.push((GENERATION, generation));
            settings(&entries).map(|s| (s.semantics, s.deletes))
        };
        assert_eq!(with("1.7"), Ok((Semantics::Legacy, DeleteMode::Null)));
        assert_eq!(with("3.0"), Ok((Semantics::Modern, DeleteMode::Rewrite)));
        assert_eq!(with("3.X"), Ok((Semantics::Modern, DeleteMode::Rewrite)));
        assert_eq!(with("2.x").unwrap_err().code(), "config.invalid");
        assert!(settings(&[(GENERATION, "1.7"), (DROP_FIELDS_FROM_KEY, "maybe")]).is_ok());
        let later = settings(&[(GENERATION, "3.0"), (DELETE_TOMBSTONE_HANDLING, "delete-to-tombstone")]);
        assert_eq!(later.map(|s| s.deletes), Ok(DeleteMode::Unknown));
        assert_eq!(
            settings(&[(GENERATION, "3.0"), (DROP_TOMBSTONES, "false"), (DELETE_HANDLING, "none")]).map(|s| (
                s.semantics,
                s.keep_tombstones,
                s.deletes
            )),
            Ok((Semantics::Modern, true, DeleteMode::Null))
        );
    }

    #[test]
    fn the_table_declares_each_key_once() {
        for key in CONFIG.keys {
            assert_eq!(CONFIG.keys.iter().filter(|k| k.name == key.name).count(), 1, "{}", key.name);
        }
        assert_eq!(CONFIG.keys.len(), 16);
    }
}
