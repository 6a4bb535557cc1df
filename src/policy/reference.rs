//! The schema and the guardrails as Markdown tables, for `docs/policies.md`.

use std::collections::BTreeMap;
use std::fmt::Write;

use cedar_policy::SchemaFragment;
use serde_json::Value;

use super::names::NAMESPACE;
use super::{Action, Settings, guardrails, schema};
use crate::operation::{Effect, ResourceField};

/// The members of requests that policies cannot ask for, and why not. What names the
/// resource is not among them: it is the resource.
pub(super) const LEFT_OUT: &[(&str, &str)] = &[
    (
        "AmbiguousRoleResolution",
        "it chooses between the pool's role and none",
    ),
    ("Claim", "a rule is judged by the role that it gives"),
    ("DestinationUserIdentifier", "it names a person"),
    ("DeveloperUserIdentifier", "it names a person"),
    ("MatchType", "a rule is judged by the role that it gives"),
    (
        "MaxResults",
        "how long a page is takes nothing from anybody",
    ),
    ("NextToken", "AWS alone can read it"),
    (
        "ServerSideTokenCheck",
        "each provider has its own, and one for all of them says nothing",
    ),
    ("SourceUserIdentifier", "it names a person"),
    ("Value", "a rule is judged by the role that it gives"),
];

/// What is in every context.
const EVERYWHERE: [&str; 2] = ["peer_address", "time"];

/// The entities and their attributes.
pub fn entity_table() -> String {
    let schema = schema_as_json();
    let mut table =
        String::from("| Entity | In | Attributes | Tags | What it is |\n|---|---|---|---|---|\n");
    for (name, entity) in entries(&schema, "/entityTypes") {
        let parents = entity.get("memberOfTypes").and_then(Value::as_array);
        let parents = parents.into_iter().flatten().filter_map(Value::as_str);
        let parents: Vec<String> = parents.map(code).collect();
        let attributes: Vec<String> = entries(entity, "/shape/attributes")
            .map(|(name, attribute)| {
                let declared = format!("{name}{}: {}", mark(attribute), type_name(attribute));
                format!("{} {}", code(declared), doc(attribute))
            })
            .collect();
        let cells = [
            code(name),
            parents.join(", "),
            attributes.join("<br>"),
            entity.get("tags").map_or("", |_| "yes").to_owned(),
            doc(entity).to_owned(),
        ];
        row(&mut table, &cells);
    }
    table
}

/// The actions with their context, what each attribute of a context means, and what is
/// in no context.
pub fn context_table() -> String {
    let schema = schema_as_json();
    let actions: BTreeMap<&str, &Value> = entries(&schema, "/actions").collect();
    let mut meanings: BTreeMap<&str, (String, &str)> = BTreeMap::new();
    let mut table = String::from(
        "| Action | Group | Resource | Context | What it is |\n|---|---|---|---|---|\n",
    );
    for action in Action::all() {
        let Some(declared) = actions.get(action.name()) else {
            continue;
        };
        let mut attributes = Vec::new();
        for (name, attribute) in entries(declared, "/appliesTo/context/attributes") {
            if !doc(attribute).is_empty() {
                meanings.insert(name, (code(type_name(attribute)), doc(attribute)));
            }
            if !EVERYWHERE.contains(&name) {
                attributes.push(code(format!("{name}{}", mark(attribute))));
            }
        }
        let cells = [
            code(action.name()),
            group(action).map(code).unwrap_or_default(),
            code(resource(action)),
            attributes.join(", "),
            doc(declared).to_owned(),
        ];
        row(&mut table, &cells);
    }
    table.push_str("\n| Attribute | Type | Meaning |\n|---|---|---|\n");
    for (name, (kind, meaning)) in meanings {
        row(&mut table, &[code(name), kind, meaning.to_owned()]);
    }
    table.push_str("\n| Member of a request | Not for policies, because |\n|---|---|\n");
    for (member, why) in LEFT_OUT {
        row(&mut table, &[code(member), (*why).to_owned()]);
    }
    table
}

/// The guardrails.
pub fn guardrail_table() -> String {
    let mut table = String::from("| Guardrail | What it keeps from happening |\n|---|---|\n");
    for rule in guardrails::all(&Settings::default()).0 {
        let doc = rule.policy.annotation("doc").unwrap_or_default();
        row(&mut table, &[code(&rule.name), doc.to_owned()]);
    }
    table
}

/// The group that an action is in, below the group of all operations.
pub(super) fn group(action: Action) -> Option<&'static str> {
    match action {
        Action::Reflection => None,
        Action::Operation(operation) => Some(match operation.effect() {
            Effect::Read => "read",
            Effect::Write => "write",
            Effect::Issue => "issue",
        }),
    }
}

/// The type of what an action is about.
pub(super) fn resource(action: Action) -> &'static str {
    match action {
        Action::Reflection => "Server",
        Action::Operation(operation) => match operation.resource_field() {
            ResourceField::Account => "Account",
            ResourceField::Pool(_) | ResourceField::PoolArn(_) => "IdentityPool",
            ResourceField::Identity(_) | ResourceField::Identities(_) => "Identity",
        },
    }
}

/// The schema as Cedar's JSON has it.
fn schema_as_json() -> Value {
    SchemaFragment::from_cedarschema_str(schema::TEXT)
        .ok()
        .and_then(|(fragment, _)| fragment.to_json_value().ok())
        .and_then(|mut json| json.get_mut(NAMESPACE).map(Value::take))
        .unwrap_or_default()
}

fn entries<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let object = value.pointer(pointer).and_then(Value::as_object);
    object
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

fn doc(value: &Value) -> &str {
    let doc = value.pointer("/annotations/doc").and_then(Value::as_str);
    doc.unwrap_or_default()
}

/// `?` for what is not always there.
fn mark(attribute: &Value) -> &'static str {
    match attribute.get("required").and_then(Value::as_bool) {
        Some(false) => "?",
        _ => "",
    }
}

fn type_name(attribute: &Value) -> String {
    let word = |key: &str| attribute.get(key).and_then(Value::as_str);
    match (word("type"), attribute.get("element")) {
        (Some("Set"), Some(element)) => format!("Set<{}>", type_name(element)),
        (kind, _) => {
            let name = word("name").or(kind).unwrap_or_default();
            name.rsplit("::").next().unwrap_or_default().to_owned()
        }
    }
}

fn code(text: impl AsRef<str>) -> String {
    format!("`{}`", text.as_ref())
}

fn row(table: &mut String, cells: &[String]) {
    // Writing into a `String` cannot fail.
    let _ = writeln!(table, "| {} |", cells.join(" | "));
}
