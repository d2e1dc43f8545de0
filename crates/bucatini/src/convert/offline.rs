//! What stands for a registry where there is none: one schema, one id.

use crate::registry::Performer;
use connect_data::frame::{Answer, Exchange};
use serde_json::json;

/// Answers as a registry would that holds nothing else.
pub(super) struct Offline {
    /// Text of the schema; `None` = whatever is written, nothing that can be read.
    pub(super) schema: Option<String>,
    /// Its id; `None` = any id that is read, nothing that can be written.
    pub(super) id: Option<i32>,
}

impl Performer for Offline {
    fn perform(&self, exchange: &Exchange) -> Option<Answer> {
        let path = exchange.url.split('?').next().unwrap_or_default();
        let asked = path.rsplit_once("/schemas/ids/").and_then(|(_, id)| id.parse::<i32>().ok());
        let found = match (asked, &self.schema, self.id) {
            (Some(asked), Some(schema), id) if id.is_none_or(|id| id == asked) => Some(json!({ "schema": schema })),
            (None, _, Some(id)) if exchange.method == "POST" => Some(json!({ "id": id })),
            _ => None,
        };
        let (status, body) = match found {
            Some(body) => (200, body),
            None => {
                (404, json!({ "error_code": 40403, "message": "there is no registry: see -r, --schema, --schema-id" }))
            }
        };
        Some(Answer { id: exchange.id, status, headers: Vec::new(), body: body.to_string().into_bytes() })
    }

    fn now_ms(&self) -> i64 {
        0
    }
}
