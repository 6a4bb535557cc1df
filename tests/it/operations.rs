//! The protocol, the table of operations and the service have the same 23
//! operations, and each of them gives its answer.

use std::collections::{BTreeMap, BTreeSet};

use poolgate::operation::{Effect, Operation, ResourceField};
use poolgate::{model, pb};
use prost_reflect::{Kind, MessageDescriptor};
use serde_json::{Value, json};
use tonic::body::Body;

use crate::support::app::App;
use crate::support::examples::call_on;
use crate::support::guarded::{EVERYTHING, Guarded};
use crate::support::process::Process;

#[test]
fn the_descriptor_and_the_table_have_the_same_operations() {
    let service = pb::descriptors()
        .get_service_by_name(pb::SERVICE_NAME)
        .unwrap();
    let methods: BTreeSet<String> = service
        .methods()
        .map(|method| method.name().to_owned())
        .collect();
    let rows: BTreeSet<String> = Operation::ALL
        .iter()
        .map(|operation| operation.name().to_owned())
        .collect();

    assert_eq!(methods, rows);
    assert_eq!(methods.len(), 23);
    for method in service.methods() {
        let path = format!("/{}/{}", service.full_name(), method.name());
        let operation = Operation::from_path(&path).unwrap();
        assert_eq!(operation.name(), method.name());

        let level = method.options();
        let level = level.get_field_by_name("idempotency_level").unwrap();
        let without_side_effects = level.as_enum_number() == Some(1);
        assert_eq!(
            without_side_effects,
            operation.effect() == Effect::Read,
            "{operation}"
        );
    }
}

#[test]
fn every_resource_field_is_in_the_request() {
    for &operation in Operation::ALL {
        let (field, list) = match operation.resource_field() {
            ResourceField::Account => continue,
            ResourceField::Pool(field)
            | ResourceField::Identity(field)
            | ResourceField::PoolArn(field) => (field, false),
            ResourceField::Identities(field) => (field, true),
        };
        let mut message = request(operation);
        let mut steps = field.split('.').peekable();
        while let Some(step) = steps.next() {
            let found = message.get_field_by_name(step).unwrap();
            match found.kind() {
                Kind::Message(inner) if steps.peek().is_some() => message = inner,
                kind => assert!(
                    kind == Kind::String && found.is_list() == list,
                    "{operation}: {field}"
                ),
            }
        }
    }
}

#[test]
fn every_member_of_the_model_is_a_field_of_the_request_and_the_other_way_round() {
    for &operation in Operation::ALL {
        let mut message = request(operation);
        if operation == Operation::UpdateIdentityPool {
            message = pb::descriptors()
                .get_message_by_name("cognito.identity.v1.IdentityPool")
                .unwrap();
        }
        let fields: BTreeSet<String> = message
            .fields()
            .map(|field| field.name().to_owned())
            .collect();
        let members: BTreeSet<String> = model::input(operation)
            .iter()
            .map(|member| model::field_name(member.name))
            .collect();
        assert_eq!(fields, members, "{operation}");
    }
}

/// One life of a pool, in which every operation has its place. `$x` in a request
/// stands for what an earlier answer had where `$x` stands in its expectation.
#[tokio::test]
async fn every_operation_gives_its_answer() {
    let app = App::emulator().await;

    tell_the_story(app.stack).await;
}

/// gRPC to one process, whose SDK talks over a socket to the emulator of another.
#[tokio::test]
async fn every_operation_gives_its_answer_over_sockets() {
    let emulator = Process::emulate(&[]);
    let endpoint = format!("http://{}", emulator.address);
    let poolgate = Guarded::start_with(
        &endpoint,
        EVERYTHING,
        &[
            ("POOLGATE_UPSTREAM__ISSUE_ATTEMPT_TIMEOUT", "60s"),
            ("POOLGATE_UPSTREAM__OPERATION_TIMEOUT", "60s"),
            ("POOLGATE_SERVER__DEFAULT_DEADLINE", "60s"),
        ],
    );

    tell_the_story(poolgate.channel().await).await;
}

async fn tell_the_story<S, B>(service: S)
where
    S: tower::Service<http::Request<Body>, Response = http::Response<B>, Error: std::fmt::Debug>
        + Clone,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let mut known = BTreeMap::new();
    let mut called = BTreeSet::new();
    for (operation, request, expected) in story() {
        let request = fill_in(&request, &known);
        let answer = call_on(service.clone(), operation, &request)
            .await
            .unwrap_or_else(|status| {
                panic!(
                    "{operation} with {request}: {} {}",
                    status.code(),
                    status.message()
                )
            });
        learn(&expected, &answer, &mut known);
        let expected = fill_in(&expected, &known);
        assert!(
            matches(&expected, &answer),
            "{operation}: {answer:#} is not {expected:#}"
        );
        called.insert(operation);
    }
    assert_eq!(called, Operation::ALL.iter().copied().collect());
}

fn story() -> Vec<(Operation, Value, Value)> {
    use Operation as O;
    let arn = "arn:aws:cognito-identity:us-east-1:123456789012:identitypool/$pool";
    let guest_role = "arn:aws:iam::123456789012:role/guest";
    let user_role = "arn:aws:iam::123456789012:role/user";
    let pool = |name: &str| {
        json!({"identity_pool": {
            "identity_pool_id": "$pool",
            "identity_pool_name": name,
            "allow_unauthenticated_identities": true,
            "allow_classic_flow": true,
            "supported_login_providers": {"graph.facebook.com": "7"},
            "developer_provider_name": "login.example.com",
            "identity_pool_tags": {"team": "a"},
        }})
    };
    let tag_map = json!({
        "identity_pool_id": "$pool",
        "identity_provider_name": "graph.facebook.com",
        "use_defaults": false,
        "principal_tags": {"user": "sub"},
    });
    let identity = |name: &str, logins: Value| {
        json!({
            "identity_id": name, "logins": logins, "creation_date": "…", "last_modified_date": "…",
        })
    };
    vec![
        (
            O::CreateIdentityPool,
            json!({
                "identity_pool_name": "story",
                "allow_unauthenticated_identities": true,
                "allow_classic_flow": true,
                "supported_login_providers": {"graph.facebook.com": "7"},
                "developer_provider_name": "login.example.com",
                "identity_pool_tags": {"team": "a"},
            }),
            pool("story"),
        ),
        (
            O::DescribeIdentityPool,
            json!({"identity_pool_id": "$pool"}),
            pool("story"),
        ),
        (
            O::UpdateIdentityPool,
            json!({
                "identity_pool": {"identity_pool_id": "$pool", "identity_pool_name": "renamed"},
                "update_mask": "identityPoolName",
            }),
            pool("renamed"),
        ),
        (
            O::ListIdentityPools,
            json!({}),
            json!({
                "identity_pools": [{"identity_pool_id": "$pool", "identity_pool_name": "renamed"}],
            }),
        ),
        (
            O::SetIdentityPoolRoles,
            json!({
                "identity_pool_id": "$pool",
                "roles": {"authenticated": user_role, "unauthenticated": guest_role},
            }),
            json!({}),
        ),
        (
            O::GetIdentityPoolRoles,
            json!({"identity_pool_id": "$pool"}),
            json!({
                "identity_pool_id": "$pool",
                "roles": {"authenticated": user_role, "unauthenticated": guest_role},
            }),
        ),
        (
            O::SetPrincipalTagAttributeMap,
            tag_map.clone(),
            tag_map.clone(),
        ),
        (
            O::GetPrincipalTagAttributeMap,
            json!({
                "identity_pool_id": "$pool", "identity_provider_name": "graph.facebook.com",
            }),
            tag_map,
        ),
        (
            O::TagResource,
            json!({"resource_arn": arn, "tags": {"stage": "test"}}),
            json!({}),
        ),
        (
            O::ListTagsForResource,
            json!({"resource_arn": arn}),
            json!({"tags": {"team": "a", "stage": "test"}}),
        ),
        (
            O::UntagResource,
            json!({"resource_arn": arn, "tag_keys": ["team", "none"]}),
            json!({}),
        ),
        (
            O::ListTagsForResource,
            json!({"resource_arn": arn}),
            json!({"tags": {"stage": "test"}}),
        ),
        (
            O::GetId,
            json!({"identity_pool_id": "$pool"}),
            json!({"identity_id": "$guest"}),
        ),
        (
            O::GetOpenIdToken,
            json!({"identity_id": "$guest"}),
            json!({"identity_id": "$guest", "token": "…"}),
        ),
        (
            O::GetCredentialsForIdentity,
            json!({"identity_id": "$guest"}),
            json!({
                "identity_id": "$guest",
                "credentials": {"access_key_id": "…", "secret_key": "…", "session_token": "…", "expiration": "…"},
            }),
        ),
        (
            O::GetOpenIdTokenForDeveloperIdentity,
            json!({
                "identity_pool_id": "$pool", "logins": {"login.example.com": "ada"},
            }),
            json!({"identity_id": "$ada", "token": "…"}),
        ),
        (
            O::GetOpenIdTokenForDeveloperIdentity,
            json!({
                "identity_pool_id": "$pool", "logins": {"login.example.com": "grace"}, "token_duration": 60,
            }),
            json!({"identity_id": "$grace", "token": "…"}),
        ),
        (
            O::LookupDeveloperIdentity,
            json!({
                "identity_pool_id": "$pool", "developer_user_identifier": "ada",
            }),
            json!({"identity_id": "$ada", "developer_user_identifier_list": ["ada"]}),
        ),
        (
            O::MergeDeveloperIdentities,
            json!({
                "identity_pool_id": "$pool", "developer_provider_name": "login.example.com",
                "source_user_identifier": "grace", "destination_user_identifier": "ada",
            }),
            json!({"identity_id": "$ada"}),
        ),
        (
            O::UnlinkDeveloperIdentity,
            json!({
                "identity_pool_id": "$pool", "identity_id": "$ada",
                "developer_provider_name": "login.example.com", "developer_user_identifier": "grace",
            }),
            json!({}),
        ),
        (
            O::LookupDeveloperIdentity,
            json!({
                "identity_pool_id": "$pool", "identity_id": "$ada",
            }),
            json!({"identity_id": "$ada", "developer_user_identifier_list": ["ada"]}),
        ),
        (
            O::GetId,
            json!({
                "identity_pool_id": "$pool", "logins": {"graph.facebook.com": "an access token"},
            }),
            json!({"identity_id": "$social"}),
        ),
        (
            O::DescribeIdentity,
            json!({"identity_id": "$social"}),
            identity("$social", json!(["graph.facebook.com"])),
        ),
        (
            O::UnlinkIdentity,
            json!({
                "identity_id": "$social", "logins": {"graph.facebook.com": "an access token"},
                "logins_to_remove": ["graph.facebook.com"],
            }),
            json!({}),
        ),
        (
            O::DeleteIdentities,
            json!({"identity_ids_to_delete": ["$grace", "$social", "$guest"]}),
            json!({}),
        ),
        (
            O::ListIdentities,
            json!({"identity_pool_id": "$pool"}),
            json!({
                "identity_pool_id": "$pool",
                "identities": [identity("$ada", json!(["login.example.com"]))],
            }),
        ),
        (
            O::DeleteIdentityPool,
            json!({"identity_pool_id": "$pool"}),
            json!({}),
        ),
        (O::ListIdentityPools, json!({}), json!({})),
    ]
}

fn request(operation: Operation) -> MessageDescriptor {
    let name = format!("cognito.identity.v1.{operation}Request");
    pb::descriptors().get_message_by_name(&name).unwrap()
}

/// Remembers what the answer has where the expectation has an unknown `$x`.
fn learn(expected: &Value, answer: &Value, known: &mut BTreeMap<String, String>) {
    match (expected, answer) {
        (Value::String(name), Value::String(value)) if name.starts_with('$') => {
            known.entry(name.clone()).or_insert_with(|| value.clone());
        }
        (Value::Object(expected), Value::Object(answer)) => {
            for (key, expected) in expected {
                learn(expected, answer.get(key).unwrap_or(&Value::Null), known);
            }
        }
        _ => {}
    }
}

fn fill_in(template: &Value, known: &BTreeMap<String, String>) -> Value {
    let mut text = template.to_string();
    for (name, value) in known {
        text = text.replace(name.as_str(), value);
    }
    serde_json::from_str(&text).unwrap()
}

/// Whether the answer is as expected; `…` stands for any text.
fn matches(expected: &Value, answer: &Value) -> bool {
    match (expected, answer) {
        (Value::String(expected), Value::String(answer)) => {
            expected == answer || expected == "…" && !answer.is_empty()
        }
        (Value::Object(expected), Value::Object(answer)) => {
            expected.len() == answer.len()
                && expected.iter().all(|(key, expected)| {
                    answer
                        .get(key)
                        .is_some_and(|answer| matches(expected, answer))
                })
        }
        (Value::Array(expected), Value::Array(answer)) => {
            expected.len() == answer.len()
                && expected
                    .iter()
                    .zip(answer)
                    .all(|(expected, answer)| matches(expected, answer))
        }
        _ => expected == answer,
    }
}
