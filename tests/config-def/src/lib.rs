//! Settings are declared once, in each core's `config.rs`. From there come the ConfigDef resources of the Java shim and
//! the settings tables of the documentation; the tests here fail when a generated file is stale, and rewrite it when
//! `UPDATE_EXPECT` is set (`make generate`).

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use connect_data::ConfigDef;
    use connect_data::config::Validator;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    const PLUGINS: [(&ConfigDef, &str, &str); 3] = [
        (&avro_converter::config::CONFIG, "BucatiniAvroConverter", "`io.confluent.connect.avro.AvroConverter`"),
        (
            &extract_new_record_state::config::CONFIG,
            "BucatiniExtractNewRecordState",
            "`io.debezium.transforms.ExtractNewRecordState`",
        ),
        (&wal2json::config::CONFIG, "BucatiniWal2JsonConverter", "nothing: it reads wal2json's own output"),
    ];

    fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    fn check(path: &Path, expected: &str) {
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, expected).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(found == expected, "{} is stale: run `make generate`", path.display());
    }

    #[test]
    fn java_resources_are_current() {
        for (config, _, _) in PLUGINS {
            let file =
                format!("java-shim/src/main/resources/io/bucatini/connect/{}.configdef.properties", config.plugin);
            let notice = if config.plugin == extract_new_record_state::config::CONFIG.plugin {
                extract_new_record_state::config::UNDECIDED.to_java_properties()
            } else {
                String::new()
            };
            check(&root().join(file), &(config.to_java_properties() + &notice));
        }
    }

    #[test]
    fn settings_tables_are_current() {
        for (config, class, instead_of) in PLUGINS {
            let text = format!(
                "# Settings of {class}\n\nClass `io.bucatini.connect.{class}`, instead of {instead_of}. Generated from the \
                 declaration in the core; do not edit.\n\n{}",
                config.to_markdown()
            );
            check(&root().join(format!("docs/settings/{}.md", config.plugin)), &text);
        }
    }

    fn java_sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.extension() {
                _ if entry.is_dir() => java_sources(&entry, found),
                Some(extension) if extension == "java" => found.push(entry),
                _ => {}
            }
        }
    }

    /// What a setting means is a core's business. Java knows those that choose a library or the form of its own objects, or
    /// belong to the JVM's own transport (TLS, proxy), and no other name or mode.
    #[test]
    fn java_names_no_setting_of_a_core() {
        let is_javas = |key: &str| {
            matches!(key, "engine" | "lazy") || key.starts_with("schema.registry.ssl.") || key.starts_with("proxy.")
        };
        let keys = || PLUGINS.iter().flat_map(|(config, _, _)| config.keys).filter(|key| !is_javas(key.name));
        let modes = keys().flat_map(|key| match key.validator {
            Validator::OneOf(values) | Validator::OneOfIgnoringCase(values) => values,
            _ => &[],
        });
        let names: BTreeSet<_> = keys().map(|key| key.name).chain(modes.copied()).collect();
        let mut sources = Vec::new();
        java_sources(&root().join("java-shim/src/main/java"), &mut sources);
        assert!(sources.len() > 20, "found only {} Java sources", sources.len());
        for source in sources {
            let text = std::fs::read_to_string(&source).unwrap();
            for name in &names {
                assert!(!text.contains(&format!("\"{name}\"")), "{} names the setting {name}", source.display());
            }
        }
    }

    #[test]
    fn every_key_is_declared_once_and_documented() {
        for (config, class, _) in PLUGINS {
            let mut names = BTreeSet::new();
            for key in config.keys {
                assert!(names.insert(key.name), "{class}: {} twice", key.name);
                assert!(key.doc.len() > 20 && key.doc.ends_with('.'), "{class}: {} wants a sentence", key.name);
            }
            assert!(names.contains("engine"), "{class} has no engine");
        }
    }
}
