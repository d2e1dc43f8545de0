//! Parsing canonical form: `org.apache.avro.SchemaNormalization.toParsingForm` of Avro 1.12.1.

use super::{AvroSchema, Kind, TypeId};
use std::collections::BTreeSet;

impl AvroSchema {
    /// The parsing canonical form. Like Java's it does not escape names.
    pub fn canonical_form(&self) -> String {
        let mut out = String::new();
        self.canonical(self.root, &mut BTreeSet::new(), &mut out);
        out
    }

    fn canonical<'a>(&'a self, id: TypeId, known: &mut BTreeSet<&'a str>, out: &mut String) {
        let ty = self.get(id);
        if let Some(name) = ty.name() {
            if !known.insert(name.full()) {
                out.push_str(&format!("\"{}\"", name.full()));
                return;
            }
            out.push_str(&format!("{{\"name\":\"{}\",\"type\":\"{}\"", name.full(), ty.kind.type_name()));
        }
        match &ty.kind {
            Kind::Union(branches) => {
                out.push('[');
                for (i, branch) in branches.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    self.canonical(*branch, known, out);
                }
                out.push(']');
            }
            Kind::Array(item) => {
                out.push_str("{\"type\":\"array\",\"items\":");
                self.canonical(*item, known, out);
                out.push('}');
            }
            Kind::Map(value) => {
                out.push_str("{\"type\":\"map\",\"values\":");
                self.canonical(*value, known, out);
                out.push('}');
            }
            Kind::Record(record) => {
                out.push_str(",\"fields\":[");
                for (i, field) in record.fields.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    out.push_str(&format!("{{\"name\":\"{}\",\"type\":", field.name));
                    self.canonical(field.ty, known, out);
                    out.push('}');
                }
                out.push_str("]}");
            }
            Kind::Enum(definition) => {
                let symbols: Vec<String> = definition.symbols.iter().map(|s| format!("\"{s}\"")).collect();
                out.push_str(&format!(",\"symbols\":[{}]}}", symbols.join(",")));
            }
            Kind::Fixed(fixed) => out.push_str(&format!(",\"size\":{}}}", fixed.size)),
            primitive => out.push_str(&format!("\"{}\"", primitive.type_name())),
        }
    }
}
