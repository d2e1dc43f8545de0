//! A Schema Registry in memory, as the vectors' reference used one: it holds what the vector lists, gives new schemas the
//! next id, and notes what was asked. The native engines ask it directly, the JVM's over [`crate::http`].

use crate::json::{equal_texts, get, text};
use avro_converter::avro_schema::AvroSchema;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One version of one subject.
#[derive(Clone, Debug)]
pub struct Registered {
    pub subject: String,
    pub version: i64,
    pub id: i64,
    /// Schema text as sent.
    pub text: String,
    pub schema_type: Option<String>,
    pub metadata: Option<Json>,
    pub references: Option<Json>,
}

/// A call that was made.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path, percent-encoded.
    pub path: String,
    /// Decoded parameters, repeated ones joined by commas.
    pub query: BTreeMap<String, String>,
    pub authorization: Option<String>,
    pub body: Option<Json>,
}

/// A canned answer.
#[derive(Clone, Debug)]
struct Override {
    method: Option<String>,
    path: String,
    status: u16,
    body: Json,
}

/// What comes back for a call.
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

/// Contents and rules for one vector.
#[derive(Default)]
pub struct Registry {
    versions: Vec<Registered>,
    overrides: Vec<Override>,
    require_authorization: Option<String>,
    url_prefix: String,
    /// GUIDs by schema text, where the reference's are known.
    guids: Vec<(String, String)>,
    requests: Vec<Request>,
    /// Whether a registration is answered by the id and nothing else.
    answers_ids: bool,
}

/// The registry that an engine and a check share.
#[derive(Clone, Default)]
pub struct SharedRegistry(Arc<Mutex<Registry>>);

impl SharedRegistry {
    /// Replaces the contents.
    pub fn put(&self, registry: Registry) {
        *self.lock() = registry;
    }

    /// What was asked since the last time.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.lock().requests)
    }

    /// Everything registered.
    pub fn versions(&self) -> Vec<Registered> {
        self.lock().versions.clone()
    }

    /// Answers a call. `target` is path and query.
    pub fn call(&self, method: &str, target: &str, authorization: Option<&str>, body: Option<&[u8]>) -> Reply {
        self.lock().call(method, target, authorization, body)
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// A schema in a vector as registered text: JSON compactly; a string is a primitive type's name, or the raw text of
/// something that is no Avro schema.
pub fn schema_text(schema: &Json) -> String {
    match schema {
        Json::String(text) if !PRIMITIVES.contains(&text.as_str()) => text.clone(),
        other => other.to_string(),
    }
}

impl Registry {
    /// With these schemas as versions 1.. of a subject.
    pub fn of_versions(subject: &str, schemas: &[Json]) -> Self {
        let mut registry = Self { answers_ids: true, ..Self::default() };
        for (i, schema) in schemas.iter().enumerate() {
            registry.versions.push(Registered {
                subject: subject.to_owned(),
                version: i as i64 + 1,
                id: i as i64 + 1,
                text: schema_text(schema),
                schema_type: None,
                metadata: None,
                references: None,
            });
        }
        registry
    }

    /// As a wire vector describes it.
    pub fn of_vector(vector: &Json) -> Result<Self, String> {
        let mut registry = Self {
            require_authorization: get(vector, "require_authorization").as_str().map(str::to_owned),
            url_prefix: get(vector, "url_prefix").as_str().unwrap_or("").to_owned(),
            ..Self::default()
        };
        for entry in crate::json::list(vector, "registry")? {
            let number = |key: &str| get(entry, key).as_i64().ok_or_else(|| format!("registry entry without {key}"));
            let optional = |key: &str| entry.get(key).filter(|value| !value.is_null()).cloned();
            registry.versions.push(Registered {
                subject: text(entry, "subject")?.to_owned(),
                version: number("version")?,
                id: number("id")?,
                text: schema_text(get(entry, "schema")),
                schema_type: get(entry, "schemaType").as_str().map(str::to_owned),
                metadata: optional("metadata"),
                references: optional("references"),
            });
        }
        for entry in crate::json::list(vector, "overrides")? {
            registry.overrides.push(Override {
                method: get(entry, "method").as_str().map(str::to_owned),
                path: text(entry, "path")?.to_owned(),
                status: get(entry, "status").as_u64().ok_or("override without status")? as u16,
                body: get(entry, "body").clone(),
            });
        }
        for step in crate::json::list(vector, "steps")? {
            for request in crate::json::list(step, "requests")? {
                let response = get(request, "response");
                if let (Some(guid), Some(schema)) = (get(response, "guid").as_str(), get(response, "schema").as_str()) {
                    registry.guids.push((schema.to_owned(), guid.to_owned()));
                }
            }
        }
        Ok(registry)
    }

    fn call(&mut self, method: &str, target: &str, authorization: Option<&str>, body: Option<&[u8]>) -> Reply {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = parse_query(query);
        let body: Option<Json> = body.and_then(|body| serde_json::from_slice(body).ok());
        let local = path.strip_prefix(self.url_prefix.as_str()).unwrap_or("/").to_owned();
        if !local.starts_with("/associations/") {
            self.requests.push(Request {
                method: method.to_owned(),
                path: path.to_owned(),
                query: query.clone(),
                authorization: authorization.map(str::to_owned),
                body: body.clone(),
            });
        }
        if self.require_authorization.as_deref().is_some_and(|required| authorization != Some(required)) {
            return error(401, 401, "Unauthorized");
        }
        let canned = self
            .overrides
            .iter()
            .find(|o| o.method.as_deref().is_none_or(|m| m == method) && local.starts_with(o.path.as_str()));
        if let Some(canned) = canned {
            return match &canned.body {
                Json::String(page) => {
                    Reply { status: canned.status, content_type: "text/html", body: page.clone().into_bytes() }
                }
                body => reply(canned.status, body),
            };
        }
        let segments: Vec<String> = local.split('/').skip(1).map(percent_decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (method, segments.as_slice()) {
            ("GET", ["schemas", "ids", id]) => self.by_id(id),
            ("GET", ["schemas", "guids", guid]) => self.by_guid(guid),
            ("POST", ["subjects", subject, "versions"]) => self.register(subject, body.as_ref()),
            ("POST", ["subjects", subject]) => self.find(subject, body.as_ref()),
            ("GET", ["subjects", subject, "versions", version]) => self.version(subject, version),
            ("GET", ["subjects", subject, "metadata"]) => self.by_metadata(subject, &query),
            _ => error(404, 404, "HTTP 404 Not Found"),
        }
    }

    fn by_id(&self, id: &str) -> Reply {
        match self.versions.iter().find(|v| v.id.to_string() == id) {
            None => error(404, 40403, "Schema not found"),
            Some(found) => {
                let mut body = self.describe(found);
                if let Some(body) = body.as_object_mut() {
                    for key in ["subject", "version", "id"] {
                        body.remove(key);
                    }
                }
                reply(200, &body)
            }
        }
    }

    fn by_guid(&self, guid: &str) -> Reply {
        match self.versions.iter().find(|v| self.guid(&v.text) == Some(guid)) {
            None => error(404, 40403, "Schema not found"),
            Some(found) => reply(200, &self.describe(found)),
        }
    }

    fn register(&mut self, subject: &str, body: Option<&Json>) -> Reply {
        let Some(schema) = body.and_then(|body| get(body, "schema").as_str()) else {
            return error(422, 42201, "Empty schema");
        };
        let same = |v: &&Registered| same_schema(&v.text, schema);
        if let Some(found) = self.versions.iter().filter(|v| v.subject == subject).find(same) {
            return self.registered(found);
        }
        let known_id = self.versions.iter().find(same).map(|v| v.id);
        let next_id = self.versions.iter().map(|v| v.id).max().unwrap_or(0) + 1;
        let last = self.versions.iter().filter(|v| v.subject == subject).map(|v| v.version).max();
        let new = Registered {
            subject: subject.to_owned(),
            version: last.unwrap_or(0) + 1,
            id: known_id.unwrap_or(next_id),
            text: schema.to_owned(),
            schema_type: None,
            metadata: None,
            references: None,
        };
        let answer = self.registered(&new);
        self.versions.push(new);
        answer
    }

    /// Confluent's client reads the schema again if the answer has one, which changes what it writes when two types of a
    /// schema have one name; the reference of the vectors without calls got an id alone.
    fn registered(&self, version: &Registered) -> Reply {
        if self.answers_ids { reply(200, &json!({ "id": version.id })) } else { reply(200, &self.describe(version)) }
    }

    fn find(&self, subject: &str, body: Option<&Json>) -> Reply {
        let schema = body.and_then(|body| get(body, "schema").as_str()).unwrap_or("");
        let mut of_subject = self.versions.iter().filter(|v| v.subject == subject).peekable();
        if of_subject.peek().is_none() {
            return error(404, 40401, &format!("Subject '{subject}' not found."));
        }
        match of_subject.find(|v| same_schema(&v.text, schema)) {
            None => error(404, 40403, "Schema not found"),
            Some(found) => reply(200, &self.describe(found)),
        }
    }

    fn version(&self, subject: &str, version: &str) -> Reply {
        let of_subject = || self.versions.iter().filter(|v| v.subject == subject);
        let found = match version {
            "latest" => of_subject().max_by_key(|v| v.version),
            number => of_subject().find(|v| v.version.to_string() == number),
        };
        match found {
            None if of_subject().next().is_none() => error(404, 40401, &format!("Subject '{subject}' not found.")),
            None => error(404, 40402, &format!("Version {version} not found.")),
            Some(found) => reply(200, &self.describe(found)),
        }
    }

    fn by_metadata(&self, subject: &str, query: &BTreeMap<String, String>) -> Reply {
        let split = |key: &str| query.get(key).map(|v| v.split(',').collect::<Vec<_>>()).unwrap_or_default();
        let wanted: Vec<_> = split("key").into_iter().zip(split("value")).collect();
        let matches = |v: &&Registered| {
            let properties = v.metadata.as_ref().map_or(&Json::Null, |metadata| get(metadata, "properties"));
            v.subject == subject && wanted.iter().all(|(key, value)| get(properties, key).as_str() == Some(value))
        };
        match self.versions.iter().filter(matches).max_by_key(|v| v.version) {
            None => error(404, 40401, "Subject or metadata not found."),
            Some(found) => reply(200, &self.describe(found)),
        }
    }

    fn guid(&self, schema: &str) -> Option<&str> {
        self.guids.iter().find(|(text, _)| equal_texts(text, schema)).map(|(_, guid)| guid.as_str())
    }

    fn describe(&self, version: &Registered) -> Json {
        let mut body = json!({ "subject": version.subject, "version": version.version, "id": version.id });
        if let Some(body) = body.as_object_mut() {
            if let Some(guid) = self.guid(&version.text) {
                body.insert("guid".into(), json!(guid));
            }
            if let Some(schema_type) = &version.schema_type {
                body.insert("schemaType".into(), json!(schema_type));
            }
            for (key, value) in [("metadata", &version.metadata), ("references", &version.references)] {
                if let Some(value) = value {
                    body.insert(key.into(), value.clone());
                }
            }
            body.insert("schema".into(), json!(version.text));
        }
        body
    }
}

/// Whether a registry takes two texts for one schema: as JSON, or as Avro reads and prints them.
fn same_schema(a: &str, b: &str) -> bool {
    let printed = |text: &str| AvroSchema::parse(text, &[]).ok().map(|schema| schema.to_string());
    equal_texts(a, b) || printed(a).zip(printed(b)).is_some_and(|(a, b)| equal_texts(&a, &b))
}

fn reply(status: u16, body: &Json) -> Reply {
    Reply { status, content_type: "application/vnd.schemaregistry.v1+json", body: body.to_string().into_bytes() }
}

fn error(status: u16, code: u32, message: &str) -> Reply {
    reply(status, &json!({ "error_code": code, "message": message }))
}

fn parse_query(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::<String, String>::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode(&value.replace('+', " "));
        let known = parameters.entry(percent_decode(key)).or_default();
        *known = if known.is_empty() { value } else { format!("{known},{value}") };
    }
    parameters
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = (*first == b'%').then(|| tail.first_chunk::<2>()).flatten();
        match hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(registry: &SharedRegistry, method: &str, target: &str, schema: Option<&str>) -> (u16, Json) {
        let body = schema.map(|schema| json!({ "schema": schema }).to_string());
        let reply = registry.call(method, target, None, body.as_deref().map(str::as_bytes));
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    }

    #[test]
    fn ids_go_with_texts_and_versions_with_subjects() {
        let registry = SharedRegistry::default();
        registry.put(Registry::of_versions("t-value", &[json!("int"), json!({"type": "string"})]));
        assert_eq!(call(&registry, "GET", "/schemas/ids/1?subject=x", None).1["schema"], "\"int\"");
        let id = |target: &str, schema: &str| call(&registry, "POST", target, Some(schema)).1["id"].clone();
        assert_eq!(id("/subjects/t-value/versions?normalize=false", "{ \"type\":\"string\"}"), 2);
        assert_eq!(id("/subjects/other/versions", "\"int\""), 1);
        assert_eq!(id("/subjects/a%2Fb/versions", "\"long\""), 3);
        assert_eq!(registry.versions().last().unwrap().subject, "a/b");
        assert_eq!(call(&registry, "POST", "/subjects/t-value", Some("\"long\"")).1["error_code"], 40403);
        assert_eq!(call(&registry, "POST", "/subjects/none", Some("\"long\"")).1["error_code"], 40401);
        assert_eq!(call(&registry, "GET", "/subjects/t-value/versions/latest", None).1["version"], 2);
        assert_eq!(registry.take_requests().len(), 7);
        assert!(registry.take_requests().is_empty());
    }

    #[test]
    fn a_schema_that_is_text_stays_text() {
        assert_eq!(schema_text(&json!("string")), "\"string\"");
        assert_eq!(schema_text(&json!("{not json")), "{not json");
        assert_eq!(schema_text(&json!({"type": "int"})), "{\"type\":\"int\"}");
    }
}
