//! `bucatini validate`

use super::arguments::{OutputFormat, ValidateArguments};
use super::{exit, print_error, write_out};
use crate::config::secrets::{Redactor, shown_key};
use crate::config::{Audit, Fate, KeyReport, Request, RunOptions, load};
use connect_data::config::{DefaultValue, Importance};
use serde_json::{Value, json};

/// Columns of a page.
const WIDTH: usize = 100;
/// Longer keys push the rest of their line to the right.
const KEY: usize = 48;

/// Shows what becomes of each key; returns the exit code.
pub(super) fn validate(arguments: &ValidateArguments) -> u8 {
    let redactor = Redactor::new();
    let files = &arguments.files;
    let loaded = load(&Request {
        files: &files.files,
        worker: files.worker.clone(),
        bootstrap_servers: files.bootstrap_servers.clone(),
        kafka_properties: &files.kafka_properties,
        lenient: files.lenient,
        options: RunOptions { direct: files.direct, ..RunOptions::default() },
        environment: &super::environment,
        redactor: &redactor,
    });
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            print_error(&error, &redactor);
            return exit::USAGE;
        }
    };
    let text = match arguments.output {
        OutputFormat::Table => {
            loaded.audits.iter().map(|audit| table(audit, arguments.all)).collect::<Vec<_>>().join("\n")
        }
        OutputFormat::Json => {
            let mut answers: Vec<_> = loaded.audits.iter().map(answer).collect();
            let answer = if answers.len() == 1 { answers.remove(0) } else { Value::Array(answers) };
            format!("{answer:#}\n")
        }
    };
    write_out(&text);
    if loaded.is_refused() { exit::USAGE } else { exit::DONE }
}

fn table(audit: &Audit, all: bool) -> String {
    let mut text = format!("{}", audit.path.display());
    if let Some(name) = &audit.name {
        text.push_str(&format!(": {name}"));
    }
    if let Some(class) = &audit.class {
        text.push_str(&format!(" ({class})"));
    }
    text.push_str("\n\n");
    let shown = |key: &&KeyReport| all || key.fate != Fate::Default;
    for key in audit.keys.iter().filter(shown) {
        row(key, &mut text);
    }
    let count = |wanted: fn(&Fate) -> bool| audit.keys.iter().filter(|key| wanted(&key.fate)).count();
    let defaults = count(|fate| *fate == Fate::Default);
    text.push_str(&format!(
        "\n  {} honoured, {} ignored, {} refused",
        count(|fate| *fate == Fate::Honoured),
        count(|fate| matches!(fate, Fate::Ignored(_))),
        audit.refused()
    ));
    if defaults > 0 {
        text.push_str(&format!(
            "; {defaults} keys have their defaults{}",
            if all { "" } else { " (--all lists them)" }
        ));
    }
    text.push('\n');
    text
}

fn row(key: &KeyReport, text: &mut String) {
    let (fate, why) = match &key.fate {
        Fate::Honoured => ("honoured", ""),
        Fate::Default => ("default", ""),
        Fate::Ignored(why) => ("ignored", why.as_str()),
        Fate::Refused(why) => ("refused", why.as_str()),
    };
    let name = shown_key(&key.key);
    let start = format!("  {fate:<9} {name:<KEY$}");
    let room = WIDTH.saturating_sub(start.chars().count() + 1).max(12);
    let value = key.value.as_deref().unwrap_or_default().replace(['\n', '\r', '\t'], " ");
    let value = if value.chars().count() > room {
        format!("{}...", value.chars().take(room - 3).collect::<String>())
    } else {
        value
    };
    text.push_str(format!("{start} {value}").trim_end());
    text.push('\n');
    for (i, line) in wrapped(why, WIDTH - 14).iter().enumerate() {
        let mark = if i == 0 { '-' } else { ' ' };
        text.push_str(&format!("            {mark} {line}\n"));
    }
}

/// Lines of at most `width` characters; a word that is longer has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Connect's answer to `PUT /connector-plugins/{class}/config/validate`, and for each key what becomes of it here.
fn answer(audit: &Audit) -> Value {
    let mut groups: Vec<&str> = Vec::new();
    for key in audit.keys.iter().filter_map(|key| key.declaration) {
        if !groups.contains(&key.group) {
            groups.push(key.group);
        }
    }
    let configs: Vec<_> = audit.keys.iter().enumerate().map(|(order, key)| config(key, order)).collect();
    json!({
        "name": audit.class,
        "connector": audit.name,
        "file": audit.path.display().to_string(),
        "error_count": audit.refused(),
        "groups": groups,
        "configs": configs,
    })
}

fn config(key: &KeyReport, order: usize) -> Value {
    let name = shown_key(&key.key);
    let (fate, why) = match &key.fate {
        Fate::Honoured => ("honoured", None),
        Fate::Default => ("default", None),
        Fate::Ignored(why) => ("ignored", Some(why)),
        Fate::Refused(why) => ("refused", Some(why)),
    };
    let errors: Vec<_> = why.filter(|_| fate == "refused").into_iter().collect();
    let declared = key.declaration;
    let default = match declared.map(|key| key.default) {
        Some(DefaultValue::Text(text)) => Some(text),
        _ => None,
    };
    let importance = match declared.map(|key| key.importance) {
        Some(Importance::High) => "HIGH",
        Some(Importance::Medium) => "MEDIUM",
        Some(Importance::Low) | None => "LOW",
    };
    json!({
        "definition": {
            "name": name,
            "type": declared.map_or("STRING", |key| key.kind.name()),
            "required": declared.is_some_and(|key| key.default == DefaultValue::Required),
            "default_value": default,
            "importance": importance,
            "documentation": declared.map_or("", |key| key.doc),
            "group": declared.map(|key| key.group),
            "width": "NONE",
            "display_name": declared.map_or(&*name, |key| key.display),
            "dependents": [],
            "order": order,
        },
        "value": {
            "name": name,
            "value": key.value,
            "recommended_values": [],
            "errors": errors,
            "visible": true,
        },
        "fate": fate,
        "reason": why,
        "line": key.line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_fit_a_page() {
        let report = KeyReport {
            key: "value.converter.schema.registry.basic.auth.user.info.that.is.long".to_owned(),
            line: Some(1),
            value: Some("v".repeat(200)),
            fate: Fate::Refused("a reason that is long enough to be wrapped ".repeat(6)),
            declaration: None,
        };
        let mut text = String::new();
        row(&report, &mut text);
        row(&KeyReport { key: "slot.name".to_owned(), fate: Fate::Honoured, ..report.clone() }, &mut text);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.lines().count() > 3 && text.contains("  honoured  slot.name "));
        assert_eq!(wrapped("a bb ccc", 4), ["a bb", "ccc"]);
    }
}
