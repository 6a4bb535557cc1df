//! The keys as a JSON Schema, for editors and for checks before anything is deployed.

use serde_json::{Map, Value, json};

use super::accepts::Shape;
use super::key::AnyKey;
use super::keys;

/// The JSON Schema (draft 2020-12) of a configuration file. It knows every key, and of its
/// values as much as can be said without reading other files; `poolgate check` knows the
/// rest.
pub fn schema() -> Value {
    let mut sections: Map<String, Value> = Map::new();
    for &key in keys::ALL {
        let section = sections.entry(key.section()).or_insert_with(
            || json!({ "type": "object", "additionalProperties": false, "properties": {} }),
        );
        if let Some(Value::Object(properties)) = section.get_mut("properties") {
            properties.insert(key.name().to_owned(), of_key(key));
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of poolgate",
        "description": "A TOML file, named by --config or by POOLGATE_CONFIG.",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    })
}

fn of_key(key: &dyn AnyKey) -> Value {
    let mut schema = key.schema();
    if let Value::Object(members) = &mut schema {
        let meaning = format!(
            "{} Accepted: {}. Environment: {}.",
            key.meaning(),
            key.accepted(),
            key.variable()
        );
        members.insert("description".to_owned(), Value::from(meaning));
        if let Some(default) = key.default() {
            members.insert("default".to_owned(), written(key.shape(), default));
        }
    }
    schema
}

/// A value as it stands in a file.
fn written(shape: Shape, text: &str) -> Value {
    match shape {
        Shape::Quoted | Shape::Tables => Value::from(text),
        Shape::Bare => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        Shape::List => text
            .split(',')
            .map(|word| Value::from(word.trim()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_its_section_with_what_it_accepts() {
        let schema = schema();
        let of =
            |section: &str, name: &str| schema["properties"][section]["properties"][name].clone();

        let connections = of("server", "max_connections");
        assert_eq!(connections["type"], "integer");
        assert_eq!(
            (&connections["minimum"], &connections["maximum"]),
            (&json!(1), &json!(100_000))
        );
        assert_eq!(connections["default"], 2000);
        assert_eq!(of("upstream", "kind")["enum"], json!(["emulator", "aws"]));
        assert_eq!(of("server", "reflection")["type"], "boolean");
        assert_eq!(of("tls", "crl_files")["type"], "array");
        for &key in keys::ALL {
            let schema = of(key.section(), key.name());
            let meaning = schema["description"].as_str().unwrap();
            assert!(meaning.starts_with(key.meaning()), "{}", key.path());
        }
    }
}
