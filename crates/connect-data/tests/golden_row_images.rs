//! The two codecs of the row image agree: images written here are kept in `tests/row-image/rust.jsonl`, where the Java
//! tests read and rewrite them; those that Java wrote are in `java.jsonl`, and are read and rewritten here. Writing is
//! deterministic, so a rewritten image must be the same bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod support;

use connect_data::row_image::tree;
use connect_data::schema_codec;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::fmt::Write;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/row-image")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

#[test]
fn images_written_here_are_the_kept_ones() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut lines = String::new();
    for _ in 0..200 {
        let (schema, value) = support::schemas_with_values().new_tree(&mut runner).unwrap().current();
        let mut image = Vec::new();
        tree::write(Some(&schema), &value, &mut image).unwrap();
        let schema = schema_codec::to_bytes(&schema).unwrap();
        writeln!(lines, "{{\"schema\":\"{}\",\"image\":\"{}\"}}", hex(&schema), hex(&image)).unwrap();
    }
    let path = folder().join("rust.jsonl");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&path, &lines).unwrap();
    }
    let kept = std::fs::read_to_string(&path).expect("tests/row-image/rust.jsonl; make it with UPDATE_EXPECT=1");
    assert!(kept == lines, "the row image changed: that is a new format, or UPDATE_EXPECT=1");
}

#[test]
fn images_written_by_java_come_back_as_the_same_bytes() {
    let kept = std::fs::read_to_string(folder().join("java.jsonl"))
        .expect("tests/row-image/java.jsonl, written by the Java tests");
    let mut compared = 0;
    for line in kept.lines() {
        let part = |name: &str| {
            let start = line.find(&format!("\"{name}\":\"")).unwrap() + name.len() + 4;
            unhex(&line[start..start + line[start..].find('"').unwrap()])
        };
        let schema = schema_codec::from_bytes(&part("schema")).unwrap();
        assert_eq!(hex(&schema_codec::to_bytes(&schema).unwrap()), hex(&part("schema")), "schema of line {compared}");
        let image = part("image");
        let value = tree::read(Some(&schema), &image, &[]).unwrap();
        let mut again = Vec::new();
        tree::write(Some(&schema), &value, &mut again).unwrap();
        assert_eq!(hex(&again), hex(&image), "image of line {compared}");
        compared += 1;
    }
    assert!(compared >= 100, "only {compared} images to compare");
}
