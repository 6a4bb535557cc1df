//! Lists of tables, which are read with the place of each mistake.

use serde_json::{Value, json};

use super::{Accepts, Shape};

/// The targets of calls. `config/targets.rs` reads them; here they are the text that they
/// stand in.
pub(in crate::config) struct TargetTables;

impl Accepts for TargetTables {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, String> {
        Ok(text.to_owned())
    }

    fn accepted(&self) -> String {
        "a table `[[upstream.targets]]` for each, with `name` and `account_id`, and as it is wanted `regions`, `named_only`, `endpoint_url`, `role_arn`, `external_id`, `session_duration`, `session_tags`, `sts_region`, `sts_endpoint_url`; in the environment a list such as `[{name = \"shop\", account_id = \"111111111111\"}]`".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Tables
    }

    fn schema(&self) -> Value {
        let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
        json!({
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["name", "account_id"],
                "properties": {
                    "name": text("^[A-Za-z0-9_-]{1,64}$"),
                    "account_id": text("^[0-9]{12}$"),
                    "regions": { "type": "array", "items": { "type": "string" }, "minItems": 1 },
                    "named_only": { "type": "boolean", "default": false },
                    "endpoint_url": { "type": "string" },
                    "role_arn": text("^arn:aws[a-z-]*:iam::[0-9]{12}:role/"),
                    "external_id": { "type": "string", "minLength": 2, "maxLength": 1224 },
                    "session_duration": { "type": "string", "default": "1h" },
                    "session_tags": { "type": "boolean", "default": true },
                    "sts_region": { "type": "string" },
                    "sts_endpoint_url": { "type": "string" },
                },
            },
        })
    }
}
