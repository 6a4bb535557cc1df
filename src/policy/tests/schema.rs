//! The schema says what the table of operations and the model say.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Context, EntityId, SchemaFragment};
use serde_json::{Map, Value, json};

use crate::call::{Resource, Subject};
use crate::model::{self, Member, Shape};
use crate::operation::{Operation, ResourceField};
use crate::pb;
use crate::policy::candidate::Mentions;
use crate::policy::context::context;
use crate::policy::reference::{LEFT_OUT, group, resource};
use crate::policy::schema::{SCHEMA, TEXT};
use crate::policy::testing::{IDENTITY, POOL, call, plain};
use crate::policy::{Action, RoleArns, entities, names};

#[test]
fn the_actions_are_the_rpcs_of_the_protocol_and_reflection() {
    let service = pb::descriptors()
        .get_service_by_name(pb::SERVICE_NAME)
        .unwrap();
    let mut expected: BTreeSet<String> = service
        .methods()
        .map(|method| method.name().to_owned())
        .collect();
    assert_eq!(expected.len(), 23);
    expected.extend(["reflection", "read", "write", "issue", "all"].map(str::to_owned));

    let actions: BTreeSet<String> = SCHEMA
        .actions()
        .map(|uid| uid.id().unescaped().to_owned())
        .collect();

    assert_eq!(actions, expected);
}

#[test]
fn each_action_has_the_group_of_its_effect_and_the_resource_of_its_row() {
    for action in Action::all() {
        let uid = action.uid();
        let groups: BTreeSet<String> = entities::ACTIONS
            .ancestors(&uid)
            .unwrap()
            .map(|uid| uid.id().unescaped().to_owned())
            .collect();
        let expected = group(action).map_or(BTreeSet::new(), |group| {
            BTreeSet::from(["all".to_owned(), group.to_owned()])
        });
        assert_eq!(groups, expected, "{}", action.name());

        let resources: Vec<String> = SCHEMA
            .resources_for_action(&uid)
            .unwrap()
            .map(|name| name.basename().to_owned())
            .collect();
        assert_eq!(resources, [resource(action)], "{}", action.name());
        let principals: Vec<&str> = SCHEMA
            .principals_for_action(&uid)
            .unwrap()
            .map(|name| name.basename())
            .collect();
        assert_eq!(principals, ["Caller"], "{}", action.name());
    }
}

#[test]
fn everything_in_the_schema_is_described() {
    let (fragment, _) = SchemaFragment::from_cedarschema_str(TEXT).unwrap();
    let json = fragment.clone().to_json_value().unwrap();
    let namespace = &json[names::NAMESPACE];
    for action in Action::all() {
        let uid = EntityId::new(action.name());
        let namespace = names::NAMESPACE.parse().ok();
        assert!(
            fragment.action_annotation(namespace, &uid, "doc").is_some(),
            "{}",
            action.name()
        );
    }
    let (mut used, mut described) = (BTreeSet::new(), BTreeSet::new());
    for (name, action) in namespace["actions"].as_object().unwrap() {
        assert!(action["annotations"]["doc"].is_string(), "{name}");
        let attributes = action["appliesTo"]["context"]["attributes"].as_object();
        for (name, attribute) in attributes.into_iter().flatten() {
            used.insert(name);
            if attribute["annotations"]["doc"].is_string() {
                described.insert(name);
            }
        }
    }
    assert_eq!(used, described);
    for (name, entity) in namespace["entityTypes"].as_object().unwrap() {
        assert!(entity["annotations"]["doc"].is_string(), "{name}");
        let attributes = entity["shape"]["attributes"].as_object();
        for (attribute, declared) in attributes.into_iter().flatten() {
            assert!(
                declared["annotations"]["doc"].is_string(),
                "{name}.{attribute}"
            );
        }
    }
}

/// At run time nothing is checked against the schema, so it is here.
#[test]
fn what_policies_are_told_is_what_the_schema_promises() {
    for &operation in Operation::ALL {
        let full = example(model::input(operation));
        let masked = operation == Operation::UpdateIdentityPool;
        let masks: &[&[&str]] = if masked {
            &[&["identity_pool_tags"], &["allow_classic_flow"]]
        } else {
            &[]
        };
        let required = model::input(operation)
            .iter()
            .filter(|member| member.required);
        let mut calls = vec![
            call(operation, full.clone()),
            call(operation, example(required)),
        ];
        calls.extend(
            masks
                .iter()
                .map(|mask| call(operation, full.clone()).mask(mask)),
        );
        for call in calls {
            let question = call.question();
            let context = told(operation, call.subject.as_ref().unwrap());
            let action = question.action;
            context
                .validate(&SCHEMA, &action.uid())
                .unwrap_or_else(|error| panic!("{operation}: {error}"));
            let facts = call
                .clone()
                .tagged(&[("a", "b")])
                .identity_in(IDENTITY, POOL)
                .facts;
            let subject = call.subject.as_ref();
            let made = crate::policy::made::Made::new();
            let source = entities::Source {
                made: &made,
                facts: &facts,
                region: "eu-west-1",
                mentioned: Mentions::ALL,
            };
            for target in entities::targets(subject, &facts) {
                assert_eq!(target.uid.type_name().basename(), resource(action));
                let caller = source.caller(&call.caller).unwrap();
                let entities = source.entities(caller, action, &target).unwrap();
                let conforms = cedar_policy::Entities::from_entities(entities, Some(&SCHEMA));
                conforms.unwrap_or_else(|error| panic!("{operation}: {error}"));
            }
        }
    }
}

#[test]
fn every_member_is_told_or_is_the_resource_or_is_left_out_for_a_reason() {
    let left_out: BTreeMap<&str, &str> = LEFT_OUT.iter().copied().collect();
    let mut seen = BTreeSet::new();
    for &operation in Operation::ALL {
        let full = example(model::input(operation));
        let everything = told(operation, &subject(full.clone()));
        for path in paths(&full, &[]) {
            let member = path
                .iter()
                .rev()
                .find(|step| step.starts_with(char::is_uppercase))
                .unwrap();
            let mut without = full.clone();
            change(&mut without, &path);
            let matters = told(operation, &subject(without)) != everything;
            if names_the_resource(operation, member) {
                continue;
            }
            let is_left_out = left_out.contains_key(member.as_str());
            assert!(
                matters || is_left_out,
                "{operation}: {path:?} is neither told nor left out"
            );
            if !matters {
                seen.insert(member.clone());
            }
        }
    }
    let listed: BTreeSet<String> = left_out.keys().map(|&member| member.to_owned()).collect();
    let unseen: Vec<_> = listed.difference(&seen).collect();
    assert!(
        unseen.is_empty(),
        "left out for a reason, and told all the same: {unseen:?}"
    );
}

#[test]
fn no_token_and_no_person_is_told() {
    let mut found = BTreeSet::new();
    for &operation in Operation::ALL {
        let parameters = json!({
            "Logins": {"idp": "s3cret"}, "SupportedLoginProviders": {"api.twitter.com": "s3cret"},
            "DeveloperUserIdentifier": "s3cret", "SourceUserIdentifier": "s3cret",
            "DestinationUserIdentifier": "s3cret", "NextToken": "s3cret",
        });
        let context = told(operation, &subject(parameters));
        let text = context.to_string();
        assert!(!text.contains("s3cret"), "{operation}: {text}");
        if text.contains("idp") || text.contains("api.twitter.com") {
            found.insert(operation.name());
        }
    }
    assert_eq!(found.len(), 7, "{found:?}");
}

fn names_the_resource(operation: Operation, member: &str) -> bool {
    let path = match operation.resource_field() {
        ResourceField::Account => return false,
        ResourceField::Pool(path)
        | ResourceField::PoolArn(path)
        | ResourceField::Identity(path)
        | ResourceField::Identities(path) => path,
    };
    path.rsplit('.').next() == Some(&model::field_name(member))
}

fn told(operation: Operation, subject: &Subject) -> Context {
    let call = plain(operation);
    let context = context(
        Some((operation, subject)),
        &RoleArns::default(),
        Mentions::ALL,
        (call.peer, call.now),
    );
    context.unwrap()
}

fn subject(parameters: Value) -> Subject {
    let Value::Object(parameters) = parameters else {
        panic!("no object");
    };
    Subject {
        resource: Resource::Account,
        region: None,
        parameters,
        update_mask: None,
    }
}

/// An object with a value for each member.
fn example<'a>(members: impl IntoIterator<Item = &'a Member>) -> Value {
    let members = members
        .into_iter()
        .map(|member| (member.name.to_owned(), value(member.shape, member.name)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn value(shape: &Shape, name: &str) -> Value {
    match shape {
        Shape::Text { .. } => json!(format!("{name}-1")),
        Shape::Choice(choices) => json!(choices[0]),
        Shape::Integer { .. } => json!(7),
        Shape::Flag => json!(true),
        Shape::List { of, .. } => json!([value(of, name)]),
        Shape::Map { value: inner, .. } => json!({format!("{name}-key"): value(inner, name)}),
        Shape::Structure(members) => example(members.iter()),
    }
}

/// The paths of all values that hold no others.
fn paths(value: &Value, path: &[String]) -> Vec<Vec<String>> {
    let below = |step: String, value: &Value| {
        let path: Vec<String> = path.iter().cloned().chain([step]).collect();
        paths(value, &path)
    };
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| below(key.clone(), value))
            .collect(),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .flat_map(|(index, value)| below(index.to_string(), value))
            .collect(),
        _ => vec![path.to_vec()],
    }
}

/// Gives the member at a path another value, or a map's entry another key and value.
fn change(value: &mut Value, path: &[String]) {
    let (last, path) = path.split_last().unwrap();
    let mut parent = value;
    for step in path {
        parent = match parent {
            Value::Array(elements) => &mut elements[step.parse::<usize>().unwrap()],
            other => &mut other[step.as_str()],
        };
    }
    if last.ends_with("-key") {
        let object = parent.as_object_mut().unwrap();
        object.remove(last).unwrap();
        object.insert("other-key".to_owned(), json!("other"));
        return;
    }
    let changed = match parent {
        Value::Array(elements) => &mut elements[last.parse::<usize>().unwrap()],
        other => &mut other[last.as_str()],
    };
    *changed = match &*changed {
        Value::Bool(flag) => json!(!flag),
        Value::Number(_) => json!(8),
        Value::String(text) if text == "Token" => json!("Rules"),
        _ => json!("other"),
    };
}
