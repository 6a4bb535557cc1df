use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::FIELDS;
use crate::audit::journal::Durability;
use crate::audit::record::tests::whole_call;
use crate::audit::redact::tests::shown_paths;
use crate::audit::strangers::{Source, Summary, summary_event};
use crate::audit::tests::{Kept, intent, intent_draft, record};
use crate::audit::{Origin, line::Hash};

const SCHEMA: &str = include_str!("../../../tests/audit/record.schema.json");

/// What stands in a request or an answer.
const MEMBERS: [&str; 2] = ["requestParameters", "responseElements"];

fn fields() -> BTreeSet<String> {
    FIELDS.iter().map(|(path, _)| (*path).to_owned()).collect()
}

/// The paths of all values in a record. Keys of `byReason` are not fixed.
fn paths(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = match path {
                    "" => name.clone(),
                    "serviceEventDetails.byReason" => format!("{path}.*"),
                    path => format!("{path}.{name}"),
                };
                paths(value, &path, into);
            }
        }
        Value::Array(elements) => {
            for element in elements {
                paths(element, &format!("{path}[]"), into);
            }
        }
        _ => drop(into.insert(path.to_owned())),
    }
}

/// The paths of the properties of a schema that have no properties of their own.
fn properties(schema: &Value, root: &Value, path: &str, into: &mut BTreeSet<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(name) => root.pointer(name.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let mut is_leaf = true;
    let mut inside = |schema: &Value, path: String| {
        is_leaf = false;
        properties(schema, root, &path, into);
    };
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        inside(
            schema,
            if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            },
        );
    }
    if schema["additionalProperties"].is_object() {
        inside(&schema["additionalProperties"], format!("{path}.*"));
    }
    if schema["items"].is_object() {
        inside(&schema["items"], format!("{path}[]"));
    }
    for one in schema["anyOf"].as_array().into_iter().flatten() {
        // Of a value that may also be hidden, cut or absent, what is inside of it counts.
        let is_inside = |name| !one[name].is_null() && one[name] != "#/$defs/more";
        if ["$ref", "properties", "items", "additionalProperties"]
            .into_iter()
            .any(is_inside)
        {
            inside(one, path.to_owned());
        }
    }
    if is_leaf {
        into.insert(path.to_owned());
    }
}

fn is_of_members(path: &str) -> bool {
    MEMBERS.iter().any(|side| path.starts_with(side))
}

/// The journal of a process that begins a file while a call is under way and is killed, and
/// of the one that goes on with it.
async fn own_lines() -> Vec<Value> {
    let kept = Kept::new();
    let journal = kept.open();
    let (intent, _) = intent();
    let place = journal.place().await.unwrap();
    let draft = intent_draft(intent);
    place
        .write(draft, intent, Durability::Synced)
        .await
        .unwrap();
    journal.rotate();
    record(&journal, "GetId").await.unwrap();
    journal
        .close(std::time::Duration::from_secs(30))
        .await
        .unwrap();
    let mut torn = fs::read(kept.path()).unwrap();
    torn.extend_from_slice(b"{\"torn");
    fs::write(kept.path(), torn).unwrap();
    drop(kept.open());
    kept.lines()
}

#[tokio::test]
async fn the_table_has_the_fields_that_records_have_and_no_others() {
    let mut written = BTreeSet::new();
    for record in whole_call() {
        paths(&record, "", &mut written);
    }
    for line in own_lines().await {
        paths(&line, "", &mut written);
    }
    let summary = Summary {
        source: Source::Others,
        count: 1,
        by_reason: [("UNAUTHENTICATED", 1)].into(),
        from: std::time::SystemTime::UNIX_EPOCH,
        until: std::time::SystemTime::UNIX_EPOCH,
    };
    let origin = Origin {
        region: "eu-west-1".to_owned(),
        account_id: None,
        instance: "test".to_owned(),
    };
    let mut line = Vec::new();
    summary_event(&summary, &origin).seal(1, Hash::NONE, &mut line);
    paths(&serde_json::from_slice(&line).unwrap(), "", &mut written);
    written.retain(|path| !is_of_members(path) && path != "serviceEventDetails");

    assert_eq!(written, fields());
}

#[test]
fn the_schema_has_the_fields_that_the_code_can_write() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut named = BTreeSet::new();
    properties(&schema, &schema, "", &mut named);

    let mut expected = fields();
    expected.extend(
        shown_paths()
            .into_iter()
            .map(|path| path.replace(".[]", "[]")),
    );

    let missing: Vec<_> = expected.difference(&named).collect();
    let unknown: Vec<_> = named.difference(&expected).collect();
    assert_eq!((missing, unknown), (vec![], vec![]));
}

#[test]
fn the_schema_describes_every_property_and_allows_no_others() {
    fn check(name: &str, schema: &Value, is_property: bool) {
        if is_property {
            assert!(
                schema["description"].is_string(),
                "{name} has no description"
            );
        }
        if let Some(properties) = schema["properties"].as_object() {
            assert_eq!(schema["additionalProperties"], false, "{name} is open");
            for (name, schema) in properties {
                check(name, schema, true);
            }
        }
        for one in ["items", "additionalProperties"] {
            if schema[one].is_object() {
                check(name, &schema[one], false);
            }
        }
        for one in schema["anyOf"].as_array().into_iter().flatten() {
            check(name, one, false);
        }
    }
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    check("the record", &schema, false);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        check(name, definition, false);
    }
    let dialect = json!("https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["$schema"], dialect);
}
