//! Schemas to and from JSON.

use crate::{malformed, payload};
use connect_data::schema::MAX_DEPTH;
use connect_data::{Node, NodeId, Result, Schema, SchemaBuilder, Type};
use serde_json::{Map, Value as Json, json};

/// Reads a schema; JSON null is `None`, schemaless.
///
/// A recursive reference (`ref`) may be optional where the enclosing struct is required. A node has one such flag, so
/// the struct is then unrolled once: the inner copy refers back to itself.
///
/// # Errors
/// Data `connect-json`: not in the form. Data: a shape that connect-data refuses.
pub fn read(json: &Json) -> Result<Option<Schema>> {
    if json.is_null() {
        return Ok(None);
    }
    let mut reading = Reading { builder: SchemaBuilder::new(), enclosing: Vec::new(), defaults: Vec::new() };
    reading.node(json, None)?;
    let plain = reading.builder.build()?;
    if reading.defaults.is_empty() {
        return Ok(Some(plain));
    }
    let mut builder = SchemaBuilder::new();
    for node in plain.nodes() {
        builder.push(node.clone());
    }
    for (id, default) in reading.defaults {
        let value = payload::read_node(&plain, id, default)?;
        if let Some(node) = builder.node_mut(id) {
            node.default = Some(value);
        }
    }
    builder.build().map(Some)
}

struct Reading<'a> {
    builder: SchemaBuilder,
    /// Structs around the current place, outermost first: definition, `optional`, node.
    enclosing: Vec<(&'a Map<String, Json>, bool, NodeId)>,
    defaults: Vec<(NodeId, &'a Json)>,
}

impl<'a> Reading<'a> {
    /// Reads a definition; `optional` overrides its flag.
    fn node(&mut self, json: &'a Json, optional: Option<bool>) -> Result<NodeId> {
        let Some(definition) = json.as_object() else {
            return Err(malformed(format!("schema: expected an object, found {json}")));
        };
        let optional = optional.unwrap_or_else(|| definition.get("optional").and_then(Json::as_bool).unwrap_or(false));
        match text(definition, "ref")? {
            Some(name) => self.reference(definition, &name, optional),
            None => self.definition(definition, optional),
        }
    }

    fn reference(&mut self, reference: &Map<String, Json>, name: &str, optional: bool) -> Result<NodeId> {
        let mut candidates =
            self.enclosing.iter().rev().filter(|(d, ..)| d.get("name").and_then(Json::as_str) == Some(name)).copied();
        let Some(innermost) = candidates.next() else {
            return Err(malformed(format!("schema: ref to {name}, which is no enclosing struct")));
        };
        for key in ["type", "name", "version"] {
            if reference.get(key) != innermost.0.get(key) {
                return Err(malformed(format!("schema: ref to {name} with another {key}")));
            }
        }
        match std::iter::once(innermost).chain(candidates).find(|(_, flag, _)| *flag == optional) {
            Some((_, _, node)) => Ok(node),
            None => self.definition(innermost.0, optional),
        }
    }

    fn definition(&mut self, definition: &'a Map<String, Json>, optional: bool) -> Result<NodeId> {
        if self.enclosing.len() > MAX_DEPTH {
            return Err(malformed("schema: nested too deeply"));
        }
        let kind = text(definition, "type")?.unwrap_or_default();
        let kind = (0..=11)
            .filter_map(Type::from_code)
            .find(|t| t.name() == kind)
            .ok_or_else(|| malformed(format!("schema: unknown type {kind:?}")))?;
        let mut node = Node::new(kind);
        node.optional = optional;
        node.name = text(definition, "name")?;
        node.doc = text(definition, "doc")?;
        node.version = match definition.get("version") {
            None | Some(Json::Null) => None,
            Some(version) => Some(
                version
                    .as_i64()
                    .and_then(|v| i32::try_from(v).ok())
                    .ok_or_else(|| malformed(format!("schema: expected a 32-bit version, found {version}")))?,
            ),
        };
        for (key, value) in definition.get("parameters").and_then(Json::as_object).into_iter().flatten() {
            let value = value.as_str().ok_or_else(|| malformed(format!("schema: parameter {key} is not a string")))?;
            node.parameters.push((key.clone(), value.to_owned()));
        }
        let id = self.builder.push(node);
        if let Some(default) = definition.get("default").filter(|d| !d.is_null()) {
            self.defaults.push((id, default));
        }
        match kind {
            Type::Struct => {
                self.enclosing.push((definition, optional, id));
                for field in definition.get("fields").and_then(Json::as_array).into_iter().flatten() {
                    let name = field.get("field").and_then(Json::as_str);
                    let name = name.ok_or_else(|| malformed("schema: a field without name"))?;
                    let child = self.node(field, None).map_err(|e| e.field(name))?;
                    self.builder.add_field(id, name, child);
                }
                self.enclosing.pop();
            }
            Type::Array => {
                let item = self.child(definition, "items")?;
                if let Some(node) = self.builder.node_mut(id) {
                    node.item = Some(item);
                }
            }
            Type::Map => {
                let key = self.child(definition, "keys")?;
                let item = self.child(definition, "values")?;
                if let Some(node) = self.builder.node_mut(id) {
                    node.key = Some(key);
                    node.item = Some(item);
                }
            }
            _ => {}
        }
        Ok(id)
    }

    fn child(&mut self, definition: &'a Map<String, Json>, key: &str) -> Result<NodeId> {
        let child = definition.get(key).ok_or_else(|| malformed(format!("schema: {key} is missing")))?;
        self.node(child, None).map_err(|e| e.field(key))
    }
}

fn text(definition: &Map<String, Json>, key: &str) -> Result<Option<String>> {
    match definition.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(malformed(format!("schema: expected a string for {key}, found {other}"))),
    }
}

/// Writes a schema; `None` is JSON null. Absent parts are left out.
///
/// # Errors
/// Data `connect-json`: a default that is not of its node's type.
pub fn write(schema: Option<&Schema>) -> Result<Json> {
    schema.map_or(Ok(Json::Null), |schema| write_node(schema, 0))
}

fn write_node(schema: &Schema, id: NodeId) -> Result<Json> {
    let node = schema.node(id);
    let mut out = head(node);
    if let Some(doc) = &node.doc {
        out.insert("doc".into(), json!(doc));
    }
    if !node.parameters.is_empty() {
        let parameters: Map<_, _> = node.parameters.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        out.insert("parameters".into(), Json::Object(parameters));
    }
    if let Some(default) = &node.default {
        out.insert("default".into(), payload::write_node(schema, id, default)?);
    }
    if node.kind == Type::Struct {
        let mut fields = Vec::new();
        for field in &node.fields {
            let mut json = write_child(schema, id, field.node).map_err(|e| e.field(&field.name))?;
            if let Some(object) = json.as_object_mut() {
                object.insert("field".into(), json!(field.name));
            }
            fields.push(json);
        }
        out.insert("fields".into(), Json::Array(fields));
    }
    if let Some(key) = node.key {
        out.insert("keys".into(), write_child(schema, id, key)?);
    }
    if let Some(item) = node.item {
        let name = if node.kind == Type::Map { "values" } else { "items" };
        out.insert(name.into(), write_child(schema, id, item)?);
    }
    Ok(Json::Object(out))
}

fn head(node: &Node) -> Map<String, Json> {
    let mut out = Map::new();
    out.insert("type".into(), json!(node.kind.name()));
    out.insert("optional".into(), json!(node.optional));
    if let Some(name) = &node.name {
        out.insert("name".into(), json!(name));
    }
    if let Some(version) = node.version {
        out.insert("version".into(), json!(version));
    }
    out
}

fn write_child(schema: &Schema, parent: NodeId, child: NodeId) -> Result<Json> {
    if !Schema::is_back_reference(parent, child) {
        return write_node(schema, child);
    }
    let mut out = head(schema.node(child));
    out.insert("ref".into(), json!(schema.node(child).name.as_deref().unwrap_or("")));
    Ok(Json::Object(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_of_another_optionality_is_unrolled_once() {
        let list = json!({"type": "struct", "optional": false, "name": "L", "fields": [
            {"type": "int32", "optional": false, "field": "v"},
            {"type": "struct", "optional": true, "name": "L", "ref": "L", "field": "next"}]});
        let schema = read(&list).unwrap().unwrap();
        assert_eq!(schema.nodes().len(), 4);
        assert_eq!(schema.field(2, "next"), Some((1, 2)));
        assert!(schema.node(2).optional && !schema.root().optional);
        assert_eq!(read(&write(Some(&schema)).unwrap()).unwrap().unwrap(), schema);
    }

    #[test]
    fn what_is_not_in_the_form_is_refused() {
        for json in [
            json!({"type": "int128"}),
            json!({"type": "array"}),
            json!({"type": "struct", "fields": [{"type": "int8"}]}),
            json!({"type": "struct", "fields": [{"type": "struct", "ref": "X", "field": "x"}]}),
            json!({"type": "int8", "default": 300}),
        ] {
            assert_eq!(read(&json).unwrap_err().code(), "connect-json", "{json}");
        }
    }
}
