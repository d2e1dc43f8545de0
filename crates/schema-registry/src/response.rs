//! What an answer means. Nothing in it is believed unchecked: type, size, id, and whether the schema can be used at all.

use crate::config::{MAX_RESPONSE_BYTES, VersionLookup};
use crate::needs::{AssignedId, Fact, Need, Reference, RegisteredSchema};
use crate::retry_after;
use crate::url::{Redirect, redirect};
use connect_data::frame::Answer;
use connect_data::{Error, ErrorKind};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// More references than this in one schema are refused.
const MAX_REFERENCES: usize = 1_000;

/// Meaning of an answer.
#[derive(Debug)]
pub(crate) enum Verdict {
    Fact(Fact),
    /// Ask there instead.
    Redirect(Redirect),
    /// The registry is not available: ask again. The error is for when that is no longer possible.
    Again {
        error: Error,
        /// The registry's own wish, in milliseconds.
        wait_ms: Option<i64>,
        /// Whether another registry may do better at once.
        elsewhere: bool,
    },
    /// The registry does not have it.
    Missing(Error),
    /// Asking again will not help.
    Final(Error),
}

/// Judges the answer of the registry at `asked`, the URL without user info.
pub(crate) fn judge(need: &Need, lookup: VersionLookup, asked: &str, answer: &Answer) -> Verdict {
    let wanted = describe(need);
    let failed = |kind: ErrorKind, code: &'static str, found: String| {
        Error::new(kind, code, format!("Schema Registry, {wanted}: {found}"))
    };
    let header = |name: &str| answer.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.trim());
    let wait_ms = header("retry-after").and_then(|after| retry_after::millis(after, header("date")));
    let message = || registry_message(&answer.body);
    match answer.status {
        0 => {
            let why = printable(&String::from_utf8_lossy(&answer.body));
            let error = failed(ErrorKind::Outage, "registry.unreachable", format!("no answer ({why})"));
            Verdict::Again { error, wait_ms: None, elsewhere: true }
        }
        // No registry answers so much: something else stands in its place, which is not the record's fault.
        200..=299 if answer.body.len() > MAX_RESPONSE_BYTES as usize => {
            let found = format!("expected at most {MAX_RESPONSE_BYTES} bytes of answer, found more");
            let error = failed(ErrorKind::Outage, "registry.too-large", found);
            Verdict::Again { error, wait_ms: None, elsewhere: true }
        }
        200..=299 => match read(need, &answer.body) {
            Ok(fact) => Verdict::Fact(fact),
            Err(Refusal::Schema(code, found)) => Verdict::Final(failed(ErrorKind::Data, code, found)),
            // Something that is no registry, or a broken one: another may do better.
            Err(Refusal::Answer(code, found)) => {
                let error = failed(ErrorKind::Outage, code, found);
                Verdict::Again { error, wait_ms: None, elsewhere: true }
            }
        },
        301 | 302 | 303 | 307 | 308 => match header("location").and_then(|to| redirect(asked, to)) {
            Some(to) => Verdict::Redirect(to),
            None => Verdict::Final(failed(
                ErrorKind::Outage,
                "registry.redirect",
                format!("status {} without a location that may be followed", answer.status),
            )),
        },
        401 | 403 => {
            let code = if answer.status == 401 { "registry.unauthorized" } else { "registry.forbidden" };
            let error = failed(ErrorKind::Config, code, format!("status {}{}", answer.status, message()));
            Verdict::Final(error.hint("check basic.auth.*, bearer.auth.* and the rights of that user"))
        }
        407 => {
            let found = "status 407: the proxy on the way wants credentials".to_owned();
            let error = failed(ErrorKind::Config, "registry.proxy", found);
            Verdict::Final(error.hint("name another proxy by proxy.host, or let the registry bypass it"))
        }
        429 => {
            let error = failed(ErrorKind::Outage, "registry.throttled", format!("status 429{}", message()));
            Verdict::Again { error, wait_ms, elsewhere: false }
        }
        408 | 500..=599 => {
            let found = format!("status {}{}", answer.status, message());
            let error = failed(ErrorKind::Outage, "registry.unavailable", found);
            Verdict::Again { error, wait_ms, elsewhere: true }
        }
        // Not every registry knows GUIDs, and any producer can put one into a header.
        404 | 405 if matches!(need, Need::Guid(_)) => {
            let found = format!("status {}{}", answer.status, message());
            Verdict::Missing(failed(ErrorKind::Data, "registry.not-found", found))
        }
        status if !is_registrys(&answer.body) => {
            let error = failed(ErrorKind::Outage, "registry.none", format!("status {status}{}", message()));
            Verdict::Again { error, wait_ms: None, elsewhere: true }
        }
        404 if matches!(need, Need::Version { .. }) && lookup == VersionLookup::Lenient => {
            Verdict::Fact(Fact::Version(None))
        }
        404 => {
            let error = failed(ErrorKind::Data, "registry.not-found", format!("status 404{}", message()));
            Verdict::Missing(match need {
                Need::Version { .. } => error.hint(
                    "the topic's subject does not hold this schema; schema.version.lookup=lenient lets that pass",
                ),
                _ => error,
            })
        }
        409 => Verdict::Final(
            failed(ErrorKind::Data, "registry.incompatible", format!("status 409{}", message()))
                .hint("change the table back, or the compatibility level of the subject"),
        ),
        status => Verdict::Final(failed(ErrorKind::Data, "registry.refused", format!("status {status}{}", message()))),
    }
}

/// Whether the body of a refusal has a registry's form; a proxy's page or a wrong path has not, and says nothing of the
/// record.
fn is_registrys(body: &[u8]) -> bool {
    serde_json::from_slice::<Map<String, Json>>(body).is_ok_and(|body| body.get("error_code").is_some_and(Json::is_i64))
}

/// What was asked for, for messages: names and numbers only.
fn describe(need: &Need) -> String {
    match need {
        Need::Schema { id, .. } => format!("schema id {id}"),
        Need::Guid(guid) => format!("schema GUID {guid}"),
        Need::Id { subject, register: true, .. } => format!("registering under subject {subject:?}"),
        Need::Id { subject, register: false, .. } => format!("id of a schema of subject {subject:?}"),
        Need::Version { subject, .. } => format!("version of a schema of subject {subject:?}"),
        Need::Latest { subject } => format!("latest version of subject {subject:?}"),
        Need::SubjectVersion { subject, version } => format!("version {version} of subject {subject:?}"),
        Need::Metadata { subject, .. } => format!("latest version with metadata of subject {subject:?}"),
    }
}

/// `, code: message` of an error body in the registry's form, else nothing: a proxy's page is not repeated.
fn registry_message(body: &[u8]) -> String {
    let Ok(Json::Object(body)) = serde_json::from_slice::<Json>(body) else {
        return ", not in the form of a Schema Registry: is the URL right?".to_owned();
    };
    let code = body.get("error_code").and_then(Json::as_i64).map(|code| format!(", error code {code}"));
    let message = body.get("message").and_then(Json::as_str).map(|text| format!(": {}", printable(text)));
    code.unwrap_or_default() + &message.unwrap_or_default()
}

/// One line of at most 300 characters.
fn printable(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}

/// Why an answer is of no use: code and what was found.
#[derive(Debug)]
enum Refusal {
    /// It is a schema that nobody here can work with: whoever wrote the record chose it.
    Schema(&'static str, String),
    /// It is no answer to what was asked.
    Answer(&'static str, String),
}

fn malformed(found: impl Into<String>) -> Refusal {
    Refusal::Answer("registry.answer", found.into())
}

fn read(need: &Need, body: &[u8]) -> Result<Fact, Refusal> {
    let Ok(json) = serde_json::from_slice::<Json>(body) else {
        return Err(Refusal::Answer(
            "registry.not-json",
            "expected JSON, found something else: is the URL right?".into(),
        ));
    };
    let Json::Object(body) = json else {
        return Err(malformed("expected a JSON object, found another value"));
    };
    refuse_rules(&body)?;
    let id = integer(&body, "id")?;
    if id.is_some_and(|id| id < 0) {
        return Err(malformed("expected an id of at least 0, found a negative one"));
    }
    match need {
        Need::Version { .. } => {
            let version = integer(&body, "version")?;
            Ok(Fact::Version(Some(version.ok_or_else(|| malformed("expected a version, found none"))?)))
        }
        Need::Id { .. } => {
            let id = id.ok_or_else(|| malformed("expected an id, found none"))?;
            Ok(Fact::Id(Arc::new(AssignedId { id, guid: text(&body, "guid")? })))
        }
        Need::Schema { .. }
        | Need::Guid(_)
        | Need::Latest { .. }
        | Need::SubjectVersion { .. }
        | Need::Metadata { .. } => {
            let schema = RegisteredSchema {
                id,
                guid: text(&body, "guid")?,
                version: integer(&body, "version")?,
                text: text(&body, "schema")?.ok_or_else(|| malformed("expected a schema, found none"))?.into(),
                references: references(&body)?,
            };
            if let Some(other) = text(&body, "schemaType")?.filter(|t| !t.is_empty() && t != "AVRO") {
                let found = format!("expected a schema of type AVRO, found {}", printable(&other));
                return Err(Refusal::Schema("registry.schema-type", found));
            }
            check(need, schema).map(|schema| Fact::Schema(Arc::new(schema)))
        }
    }
}

/// Whether the schema is the one that was asked for.
fn check(need: &Need, mut schema: RegisteredSchema) -> Result<RegisteredSchema, Refusal> {
    let other = |what: &str| {
        Refusal::Answer("registry.wrong-answer", format!("expected the {what} that was asked for, found another"))
    };
    match need {
        Need::Schema { id, .. } => {
            if schema.id.is_some_and(|found| found != *id) {
                return Err(other("id"));
            }
            schema.id = Some(*id);
        }
        Need::Guid(guid) => {
            if schema.guid.as_ref().is_some_and(|found| !found.eq_ignore_ascii_case(guid)) {
                return Err(other("GUID"));
            }
        }
        Need::SubjectVersion { version, .. } => {
            if schema.version.is_some_and(|found| found != *version) {
                return Err(other("version"));
            }
        }
        Need::Latest { .. } | Need::Metadata { .. } => {
            if schema.id.is_none() {
                return Err(malformed("expected an id, found none"));
            }
        }
        Need::Id { .. } | Need::Version { .. } => {}
    }
    Ok(schema)
}

/// Rules are code that Confluent's serializers run (encryption, checks, migrations): without running them we would read
/// ciphertext or write plain text.
fn refuse_rules(body: &Map<String, Json>) -> Result<(), Refusal> {
    let rules = body.get("ruleSet").and_then(Json::as_object);
    if rules.is_some_and(|rules| rules.values().any(|list| list.as_array().is_some_and(|list| !list.is_empty()))) {
        let found = "expected a schema without rules, found a ruleSet (encryption or data contract), which this converter \
                     does not run";
        return Err(Refusal::Schema("registry.rule-set", found.into()));
    }
    Ok(())
}

fn integer(body: &Map<String, Json>, key: &str) -> Result<Option<i32>, Refusal> {
    match body.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(value) => match value.as_i64().and_then(|v| i32::try_from(v).ok()) {
            Some(value) => Ok(Some(value)),
            None => Err(malformed(format!("expected a 32-bit number as {key}, found another value"))),
        },
    }
}

fn text(body: &Map<String, Json>, key: &str) -> Result<Option<String>, Refusal> {
    match body.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(malformed(format!("expected a string as {key}, found another value"))),
    }
}

fn references(body: &Map<String, Json>) -> Result<Vec<Reference>, Refusal> {
    let list = match body.get("references") {
        None | Some(Json::Null) => return Ok(Vec::new()),
        Some(Json::Array(list)) if list.len() <= MAX_REFERENCES => list,
        Some(_) => return Err(malformed(format!("expected a list of at most {MAX_REFERENCES} references"))),
    };
    let reference = |json: &Json| {
        let reference = json.as_object()?;
        Some(Reference {
            name: text(reference, "name").ok()??,
            subject: text(reference, "subject").ok()??,
            version: integer(reference, "version").ok()??,
        })
    };
    list.iter()
        .map(|json| reference(json).ok_or_else(|| malformed("expected name, subject and version in a reference")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { id: 1, status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    fn by_id() -> Need {
        Need::Schema { id: 7, subject: "s".into() }
    }

    fn judged(need: &Need, status: u16, body: &str) -> Verdict {
        judge(need, VersionLookup::Strict, "http://h/x", &answer(status, body))
    }

    /// Kind and code, and whether another registry is asked.
    fn refused(need: &Need, status: u16, body: &str) -> (ErrorKind, String, bool) {
        match judged(need, status, body) {
            Verdict::Missing(error) | Verdict::Final(error) => (error.kind(), error.code().to_owned(), false),
            Verdict::Again { error, elsewhere: true, .. } => (error.kind(), error.code().to_owned(), true),
            other => panic!("{other:?}"),
        }
    }

    const REFUSAL: &str = r#"{"error_code":40000,"message":"m"}"#;

    #[test]
    fn statuses_have_classes() {
        let need = by_id();
        for status in [0, 408, 500, 502, 503, 504, 599] {
            let verdict = judged(&need, status, "{}");
            let Verdict::Again { error, elsewhere: true, .. } = verdict else { panic!("{status}: {verdict:?}") };
            assert_eq!(error.kind(), ErrorKind::Outage, "{status}");
        }
        assert!(matches!(judged(&need, 429, "{}"), Verdict::Again { elsewhere: false, .. }));
        for (status, kind, code) in [
            (401, ErrorKind::Config, "registry.unauthorized"),
            (403, ErrorKind::Config, "registry.forbidden"),
            (407, ErrorKind::Config, "registry.proxy"),
            (404, ErrorKind::Data, "registry.not-found"),
            (409, ErrorKind::Data, "registry.incompatible"),
            (422, ErrorKind::Data, "registry.refused"),
            (100, ErrorKind::Data, "registry.refused"),
            (302, ErrorKind::Outage, "registry.redirect"),
        ] {
            assert_eq!(refused(&need, status, REFUSAL), (kind, code.to_owned(), false), "{status}");
        }
    }

    #[test]
    fn what_is_no_registry_says_nothing_of_the_record() {
        let version = Need::Version { subject: "s".into(), schema: "{}".into(), references: Vec::new() };
        for need in [by_id(), version] {
            for status in [400, 404, 405, 409, 410, 422] {
                for body in ["", "<html>nothing here</html>", "{}", r#"{"error":"Not Found"}"#, "[1]"] {
                    let found = judge(&need, VersionLookup::Lenient, "http://h/x", &answer(status, body));
                    let Verdict::Again { error, elsewhere: true, .. } = found else {
                        panic!("{status} {body}: {found:?}")
                    };
                    assert_eq!((error.kind(), error.code()), (ErrorKind::Outage, "registry.none"));
                }
            }
        }
        // A GUID may come from any producer, and not every registry knows such.
        let guid = Need::Guid("ab".into());
        for status in [404, 405] {
            assert_eq!(refused(&guid, status, "<html>"), (ErrorKind::Data, "registry.not-found".to_owned(), false));
        }
    }

    #[test]
    fn the_registrys_message_is_kept_and_a_proxys_page_is_not() {
        let Verdict::Missing(error) = judged(&by_id(), 404, r#"{"error_code":40403,"message":"Schema\nnot found"}"#)
        else {
            panic!();
        };
        assert_eq!(error.message(), "Schema Registry, schema id 7: status 404, error code 40403: Schema not found");
        let Verdict::Again { error, .. } = judged(&by_id(), 404, "<html>secret</html>") else { panic!() };
        assert!(!error.message().contains("secret") && error.message().contains("is the URL right?"));
    }

    #[test]
    fn answers_that_cannot_be_believed_are_refused() {
        let id = Need::Id { subject: "s".into(), schema: "{}".into(), register: true, normalize: false };
        let version = Need::Version { subject: "s".into(), schema: "{}".into(), references: Vec::new() };
        let third = Need::SubjectVersion { subject: "s".into(), version: 3 };
        let latest = Need::Latest { subject: "s".into() };
        let guid = Need::Guid("ab".into());
        for (need, body, code) in [
            (&by_id(), "<html>", "registry.not-json"),
            (&by_id(), "", "registry.not-json"),
            (&by_id(), "[]", "registry.answer"),
            (&by_id(), "{}", "registry.answer"),
            (&by_id(), r#"{"schema":{}}"#, "registry.answer"),
            (&by_id(), r#"{"schema":"\"int\"","id":8}"#, "registry.wrong-answer"),
            (&by_id(), r#"{"schema":"\"int\"","references":[{"name":"a"}]}"#, "registry.answer"),
            (&guid, r#"{"schema":"\"int\"","guid":"cd"}"#, "registry.wrong-answer"),
            (&third, r#"{"schema":"\"int\"","version":2}"#, "registry.wrong-answer"),
            (&latest, r#"{"schema":"\"int\""}"#, "registry.answer"),
            (&id, "{}", "registry.answer"),
            (&id, r#"{"id":-1}"#, "registry.answer"),
            (&id, r#"{"id":4294967296}"#, "registry.answer"),
            (&version, "{}", "registry.answer"),
        ] {
            assert_eq!(refused(need, 200, body), (ErrorKind::Outage, code.to_owned(), true), "{need:?} {body}");
        }
    }

    #[test]
    fn schemas_that_nobody_here_can_work_with_are_refused() {
        let id = Need::Id { subject: "s".into(), schema: "{}".into(), register: true, normalize: false };
        for (need, body, code) in [
            (&by_id(), r#"{"schema":"x","schemaType":"JSON"}"#, "registry.schema-type"),
            (&by_id(), r#"{"schema":"x","schemaType":"PROTOBUF"}"#, "registry.schema-type"),
            (&by_id(), r#"{"schema":"\"int\"","ruleSet":{"domainRules":[{"name":"e"}]}}"#, "registry.rule-set"),
            (&id, r#"{"id":1,"ruleSet":{"encodingRules":[1]}}"#, "registry.rule-set"),
        ] {
            assert_eq!(refused(need, 200, body), (ErrorKind::Data, code.to_owned(), false), "{need:?} {body}");
        }
    }

    #[test]
    fn good_answers_become_facts() {
        let body = r#"{"schema":"\"int\"","guid":"g","ruleSet":{"domainRules":[]},"schemaType":"AVRO","references":
            [{"name":"n.R","subject":"r","version":2}]}"#;
        let Verdict::Fact(Fact::Schema(schema)) = judged(&by_id(), 200, body) else { panic!() };
        assert_eq!((schema.id, schema.guid.as_deref(), &*schema.text), (Some(7), Some("g"), "\"int\""));
        assert_eq!(schema.references.len(), 1);
        let version = Need::Version { subject: "s".into(), schema: "{}".into(), references: Vec::new() };
        assert!(matches!(judged(&version, 200, r#"{"version":4}"#), Verdict::Fact(Fact::Version(Some(4)))));
        let missing = answer(404, REFUSAL);
        let lenient = judge(&version, VersionLookup::Lenient, "http://h", &missing);
        assert!(matches!(lenient, Verdict::Fact(Fact::Version(None))));
        assert!(matches!(judge(&by_id(), VersionLookup::Lenient, "http://h", &missing), Verdict::Missing(_)));
    }

    #[test]
    fn an_answer_beyond_all_measure_is_an_outage() {
        let long = "x".repeat(MAX_RESPONSE_BYTES as usize + 1);
        let Verdict::Again { error, .. } = judged(&by_id(), 200, &long) else { panic!() };
        assert_eq!((error.kind(), error.code()), (ErrorKind::Outage, "registry.too-large"));
    }
}
