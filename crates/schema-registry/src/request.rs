//! Needs as requests.

use crate::needs::{Need, Reference};
use crate::url::{path_segment, query_value};
use serde_json::json;

/// A request without the registry it goes to.
pub(crate) struct Request {
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) body: Option<Vec<u8>>,
}

/// Media type of the registry protocol, version 1.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

impl Request {
    pub(crate) fn of(need: &Need) -> Self {
        let get = |target: String| Self { method: "GET", target, body: None };
        match need {
            Need::Schema { id, subject } => {
                get(format!("/schemas/ids/{id}?fetchMaxId=false&subject={}", query_value(subject)))
            }
            Need::Guid(guid) => get(format!("/schemas/guids/{}", path_segment(guid))),
            Need::Latest { subject } => get(format!("/subjects/{}/versions/latest", path_segment(subject))),
            Need::SubjectVersion { subject, version } => {
                get(format!("/subjects/{}/versions/{version}?deleted=true", path_segment(subject)))
            }
            Need::Metadata { subject, properties } => {
                let mut target = format!("/subjects/{}/metadata?", path_segment(subject));
                for (key, value) in properties {
                    target.push_str(&format!("key={}&value={}&", query_value(key), query_value(value)));
                }
                get(target + "deleted=true")
            }
            Need::Id { subject, schema, register, normalize } => {
                let subject = path_segment(subject);
                let target = if *register {
                    format!("/subjects/{subject}/versions?normalize={normalize}")
                } else {
                    format!("/subjects/{subject}?normalize={normalize}&deleted=false")
                };
                Self::post(target, schema, &[])
            }
            Need::Version { subject, schema, references } => {
                let target = format!("/subjects/{}?normalize=false&deleted=true", path_segment(subject));
                Self::post(target, schema, references)
            }
        }
    }

    /// The schema type is left out: AVRO is the default, and registries from before schema types refuse the key.
    fn post(target: String, schema: &str, references: &[Reference]) -> Self {
        let mut body = json!({ "schema": schema });
        if !references.is_empty() {
            let references: Vec<_> = references
                .iter()
                .map(|r| json!({ "name": r.name, "subject": r.subject, "version": r.version }))
                .collect();
            if let Some(object) = body.as_object_mut() {
                object.insert("references".into(), references.into());
            }
        }
        Self { method: "POST", target, body: Some(body.to_string().into_bytes()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_need_is_one_call() {
        let line = |need: Need| {
            let request = Request::of(&need);
            let body = request.body.map(|body| String::from_utf8(body).unwrap()).unwrap_or_default();
            format!("{} {} {body}", request.method, request.target)
        };
        let s = || "t/ü".to_owned();
        assert_eq!(
            line(Need::Schema { id: 7, subject: s() }),
            "GET /schemas/ids/7?fetchMaxId=false&subject=t%2F%C3%BC "
        );
        assert_eq!(line(Need::Guid("ab-c".into())), "GET /schemas/guids/ab-c ");
        assert_eq!(line(Need::Latest { subject: s() }), "GET /subjects/t%2F%C3%BC/versions/latest ");
        assert_eq!(
            line(Need::SubjectVersion { subject: s(), version: 3 }),
            "GET /subjects/t%2F%C3%BC/versions/3?deleted=true "
        );
        let properties = vec![("a".to_owned(), "1 2".to_owned()), ("b".to_owned(), "3".to_owned())];
        assert_eq!(
            line(Need::Metadata { subject: "s".into(), properties }),
            "GET /subjects/s/metadata?key=a&value=1%202&key=b&value=3&deleted=true "
        );
        let id = |register, normalize| Need::Id { subject: "s".into(), schema: "\"int\"".into(), register, normalize };
        assert_eq!(line(id(true, false)), r#"POST /subjects/s/versions?normalize=false {"schema":"\"int\""}"#);
        assert_eq!(line(id(false, true)), r#"POST /subjects/s?normalize=true&deleted=false {"schema":"\"int\""}"#);
        let references = vec![Reference { name: "n.R".into(), subject: "r".into(), version: 2 }];
        assert_eq!(
            line(Need::Version { subject: "s".into(), schema: "{}".into(), references }),
            r#"POST /subjects/s?normalize=false&deleted=true {"schema":"{}","references":[{"name":"n.R","subject":"r","version":2}]}"#
        );
    }
}
