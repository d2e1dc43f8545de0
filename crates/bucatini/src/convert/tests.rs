//! The examples of docs/cat.md, and what goes wrong.

use super::*;
use clap::Parser;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bucatini-convert-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[derive(Parser)]
enum Program {
    Decode(DecodeArguments),
    Encode(EncodeArguments),
}

/// Runs a command line; standard output and error, and the exit code. An error of the whole run is in the latter.
fn run(line: &[&str], mut input: &[u8]) -> (Vec<u8>, String, u8) {
    let runtime = runtime().unwrap();
    let handle = runtime.handle().clone();
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let code = match Program::parse_from(["bucatini"].iter().chain(line)) {
        Program::Decode(arguments) => decode::run(&arguments, &mut input, &mut output, &mut errors, handle),
        Program::Encode(arguments) => encode::run(&arguments, &mut input, &mut output, &mut errors, handle),
    };
    let code = code.unwrap_or_else(|error| {
        errors.extend_from_slice(error.to_string().as_bytes());
        FAILED
    });
    (output, String::from_utf8(errors).unwrap(), code)
}

fn text(line: &[&str], input: &str) -> String {
    let (output, errors, code) = run(line, input.as_bytes());
    assert_eq!((errors.as_str(), code), ("", 0), "{line:?}");
    String::from_utf8(output).unwrap()
}

/// A here-document at the start of `rest`, and what is behind it.
fn here(rest: &str) -> (String, &str) {
    let (body, behind) = rest.split_once("\nEND\n").map_or_else(|| ("", rest), |(body, behind)| (body, behind));
    (format!("{body}\n"), behind)
}

/// Words of a command line; single quotes group.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

#[test]
fn the_examples_of_the_documentation_are_true() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cat.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let folder = Folder::new("docs");
    let mut run = BTreeMap::new();
    for block in docs.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        let mut rest = block;
        while let Some((line, behind)) = rest.strip_prefix("$ ").and_then(|rest| rest.split_once('\n')) {
            let (command, document) = line.split_once(" <<'END'").map_or((line, false), |(command, _)| (command, true));
            let (input, behind) = if document { here(behind) } else { (String::new(), behind) };
            let end = behind.find("\n$ ").map_or(behind.len(), |at| at + 1);
            let (expected, behind) = behind.split_at(if behind.starts_with("$ ") { 0 } else { end });
            rest = behind;
            if let Some(name) = command.strip_prefix("cat > ") {
                std::fs::write(folder.0.join(name), input).unwrap();
                continue;
            }
            let words = words(command.strip_prefix("bucatini ").unwrap());
            let words: Vec<String> = words
                .into_iter()
                .map(|word| {
                    let path = folder.0.join(&word);
                    if path.exists() { path.to_str().unwrap().to_owned() } else { word }
                })
                .collect();
            let line: Vec<&str> = words.iter().map(String::as_str).collect();
            assert!(!expected.is_empty(), "{command}: an example shows what comes of it");
            assert_eq!(text(&line, &input), expected, "{command}");
            *run.entry(line[0].to_owned()).or_insert(0) += 1;
        }
        assert_eq!(rest, "", "all of a block is understood");
    }
    assert!(run["decode"] >= 3 && run["encode"] >= 2, "{run:?}");
}

const PASTA: &str = r#"{"type":"record","name":"Pasta","fields":[{"name":"name","type":"string"},{"name":"minutes","type":["null","int"],"default":null}]}"#;

#[test]
fn every_form_and_direction_agree() {
    let folder = Folder::new("forms");
    let schema = folder.0.join("pasta.avsc");
    std::fs::write(&schema, PASTA).unwrap();
    let schema = schema.to_str().unwrap();
    let json = "{\"name\": \"penne\", \"minutes\": {\"int\": 7}}\nnull\n{\"name\": \"\\u00FC\", \"minutes\": null}\n";
    for form in ["hex", "base64", "raw"] {
        let encode = ["encode", "--avro-json", "--schema", schema, "--schema-id", "7", "--form", form];
        let (bytes, errors, code) = run(&encode, json.as_bytes());
        assert_eq!((errors.as_str(), code), ("", 0));
        let decode = |how: &[&str]| {
            let (output, errors, code) = run(&[&["decode", "--schema", schema, "--form", form], how].concat(), &bytes);
            assert_eq!((errors.as_str(), code), ("", 0));
            String::from_utf8(output).unwrap()
        };
        assert_eq!(decode(&["--avro-json"]), json);
        assert_eq!(decode(&["--json", "--schema-id", "7"]).lines().next(), Some(r#"{"name":"penne","minutes":7}"#));
        assert_eq!(decode(&["--payload"]).lines().nth(2), Some(r#"{"name":"ü","minutes":null}"#));
        // Connect's JSON brings its schema, from which the converter makes the same bytes.
        let connect = decode(&[]);
        let (again, errors, code) = run(&["encode", "--schema-id", "7", "--form", form], connect.as_bytes());
        assert_eq!((errors.as_str(), code), ("", 0));
        assert_eq!(again, bytes, "{form}");
    }
}

#[test]
fn what_cannot_be_converted_is_told_by_number() {
    let folder = Folder::new("wrong");
    let schema = folder.0.join("pasta.avsc");
    std::fs::write(&schema, PASTA).unwrap();
    let schema = schema.to_str().unwrap();
    let decode = ["decode", "--schema", schema, "--form", "hex", "--json"];
    let input = b"00000000070261\nzz\n0000000007026100\n";
    let (output, errors, code) = run(&decode, input);
    assert_eq!((output.as_slice(), code), (&b""[..], FAILED));
    assert!(errors.starts_with("error: message 1: ") && errors.contains("avro.truncated"), "{errors}");
    let (output, errors, code) = run(&[&decode[..], &["-E"]].concat(), input);
    assert_eq!((output.as_slice(), code), (&b"{\"name\":\"a\",\"minutes\":null}\n"[..], FAILED));
    assert!(errors.contains("message 2: expected hexadecimal digits") && !errors.contains("terminating"), "{errors}");
    // Another id than the one that was promised.
    let (_, errors, _) = run(&[&decode[..], &["--schema-id", "8"]].concat(), input);
    assert!(errors.contains("registry.not-found"), "{errors}");
    let (_, errors, _) = run(&["encode", "--schema-id", "1"], b"{\"name\": \"penne\"}");
    assert!(
        errors.contains("expected {\"schema\": ..., \"payload\": ...}") && errors.contains("--avro-json"),
        "{errors}"
    );
    let (_, errors, _) = run(&["encode", "--schema-id", "1"], b"{\"schema\": s3cret");
    assert!(errors.contains("expected JSON") && !errors.contains("s3cret"), "{errors}");
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    let folder = Folder::new("options");
    let schema = folder.0.join("pasta.avsc");
    std::fs::write(&schema, PASTA).unwrap();
    let schema = schema.to_str().unwrap();
    for line in [
        &["decode"][..],
        &["decode", "--schema", "/does/not/exist"],
        &["encode"],
        &["encode", "-r", "http://h", "--schema-id", "1"],
        &["encode", "--schema", schema, "--schema-id", "1"],
        &["encode", "--avro-json"],
        &["encode", "--avro-json", "--schema", schema],
        &["encode", "--avro-json", "--schema", schema, "--schema-id", "1", "-r", "http://h"],
    ] {
        let (output, errors, code) = run(line, b"");
        assert_eq!((output.as_slice(), code), (&b""[..], FAILED), "{line:?}");
        assert!(errors.contains("convert.schema"), "{line:?}: {errors}");
    }
    let (_, errors, _) = run(&["decode", "-r", "http://h", "-X", "s3cret"], b"");
    assert!(errors.contains("convert.property") && !errors.contains("s3cret"), "{errors}");
    assert!(Program::try_parse_from(["bucatini", "decode", "--json", "--avro-json"]).is_err());
}
