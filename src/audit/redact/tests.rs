use std::collections::BTreeSet;

use prost_reflect::MessageDescriptor;
use serde_json::json;

use super::*;
use crate::model::{self, Member, Shape};

const KEY: &[u8] = b"a key of the deployment, 32 bytes";

/// Every member of every request by its path, with the rule that it has.
fn members(operation: Operation) -> Vec<(String, Option<Rule>)> {
    fn walk(member: &Member, prefix: &str, into: &mut Vec<String>) {
        shape(member.shape, format!("{prefix}{}", member.name), into);
    }
    fn shape(shape_of: &Shape, path: String, into: &mut Vec<String>) {
        match shape_of {
            Shape::List { of, .. } => shape(of, format!("{path}.[]"), into),
            Shape::Map { value, .. } => {
                assert!(rules::is_map(&path), "{path} is a map");
                shape(value, format!("{path}.*"), into);
            }
            Shape::Structure(members) => {
                assert!(!rules::is_map(&path), "{path} is no map");
                for member in *members {
                    walk(member, &format!("{path}."), into);
                }
            }
            _ => into.push(path),
        }
    }
    let mut paths = Vec::new();
    for member in model::input(operation) {
        walk(member, "", &mut paths);
    }
    let ruled = paths.into_iter().map(|path| {
        let rule = rules::rule(operation, &path);
        (path, rule)
    });
    ruled.collect()
}

/// Every field of an answer by its path as AWS names it.
fn fields(message: &MessageDescriptor, prefix: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for field in message.fields() {
        let path = format!("{prefix}.{}", aws_name(field.name()));
        match field.kind() {
            Kind::Message(_) if field.is_map() => paths.push(format!("{path}.*")),
            Kind::Message(pool) if field.name() == "identity_pool" => {
                paths.extend(fields(&pool, prefix));
            }
            Kind::Message(of) if of.full_name() == "google.protobuf.Timestamp" => paths.push(path),
            Kind::Message(of) if field.is_list() => {
                paths.extend(fields(&of, &format!("{path}.[]")))
            }
            Kind::Message(of) => paths.extend(fields(&of, &path)),
            _ if field.is_list() => paths.push(format!("{path}.[]")),
            _ => paths.push(path),
        }
    }
    paths
}

/// Every member that a record can show of requests and of answers, as it has them.
pub(in crate::audit) fn shown_paths() -> BTreeSet<String> {
    let mut paths = BTreeSet::from(["requestParameters.updateMask.[]".to_owned()]);
    for operation in Operation::ALL {
        for (path, rule) in members(*operation) {
            let inside = match rule {
                Some(Rule::Present) => ".present",
                _ => "",
            };
            paths.insert(format!("{}{inside}", rules::in_record(&path)));
        }
        if operation.effect() == Effect::Read {
            continue;
        }
        let name = format!("cognito.identity.v1.{operation}Response");
        let message = pb::descriptors().get_message_by_name(&name).unwrap();
        let answered = fields(&message, rules::RESPONSE);
        let shown = answered
            .iter()
            .filter(|path| rules::rule(*operation, path) != Some(Rule::Drop));
        paths.extend(shown.map(|path| rules::in_record(path)));
    }
    paths
}

#[test]
fn somebody_has_thought_about_every_member_of_every_request() {
    // Login tokens, which nothing may ever show.
    let hidden = BTreeSet::from(["Logins.*"]);
    for operation in Operation::ALL {
        for (path, rule) in members(*operation) {
            assert!(
                rule.is_some() || hidden.contains(path.as_str()),
                "{operation}: {path} is on no list"
            );
        }
    }
}

/// A value of a shape whose every text is unique, and the paths of the texts.
fn canaries(of: &Shape, path: &str, texts: &mut Vec<(String, String)>) -> Value {
    match of {
        Shape::List { of, .. } => json!([canaries(of, &format!("{path}.[]"), texts)]),
        Shape::Map { value, .. } => json!({"key": canaries(value, &format!("{path}.*"), texts)}),
        Shape::Structure(members) => {
            let members = members.iter().map(|member| {
                let path = format!("{path}.{}", member.name);
                (member.name.to_owned(), canaries(member.shape, &path, texts))
            });
            Value::Object(members.collect())
        }
        _ => {
            let canary = format!("canary-{}-", texts.len());
            texts.push((path.to_owned(), canary.clone()));
            Value::from(canary)
        }
    }
}

#[test]
fn of_all_texts_of_all_requests_those_on_the_list_are_shown_and_no_others() {
    for operation in Operation::ALL {
        let mut texts = Vec::new();
        let members = model::input(*operation).iter().map(|member| {
            let value = canaries(member.shape, member.name, &mut texts);
            (member.name.to_owned(), value)
        });
        let request: Map<String, Value> = members.collect();

        let shown = Redact::new(*operation, MacKey::new(KEY).as_ref()).request(&request, None);

        let shown = shown.to_string();
        for (path, canary) in texts {
            let rule = rules::rule(*operation, &path);
            let is_listed = matches!(rule, Some(Rule::Keep | Rule::Public));
            assert_eq!(
                shown.contains(&canary),
                is_listed,
                "{operation}: {path}: {shown}"
            );
        }
    }
}

#[test]
fn somebody_has_thought_about_every_field_of_every_answer_that_is_shown() {
    for operation in Operation::ALL {
        if operation.effect() == Effect::Read {
            continue;
        }
        let name = format!("cognito.identity.v1.{operation}Response");
        let message = pb::descriptors().get_message_by_name(&name).unwrap();
        for path in fields(&message, rules::RESPONSE) {
            let rule = rules::rule(*operation, &path);
            assert!(rule.is_some(), "{operation}: {path} is on no list");
        }
    }
}

#[test]
fn of_a_call_for_credentials_the_access_key_is_shown_and_no_secret() {
    let operation = Operation::GetCredentialsForIdentity;
    let answer = pb::GetCredentialsForIdentityResponse {
        identity_id: "us-east-1:1".to_owned(),
        credentials: Some(pb::Credentials {
            access_key_id: "ASIAEXAMPLE".to_owned(),
            secret_key: "s3cret".to_owned(),
            session_token: "t0ken".to_owned(),
            expiration: Some(prost_types::Timestamp {
                seconds: 1_800_000_000,
                nanos: 0,
            }),
        }),
    };
    let answer = prost::Message::encode_to_vec(&answer);

    let shown = Redact::new(operation, None).response(&answer).unwrap();

    let credentials = json!({"accessKeyId": "ASIAEXAMPLE", "expiration": "2027-01-15T08:00:00Z"});
    assert_eq!(
        shown,
        json!({"identityId": "us-east-1:1", "credentials": credentials})
    );
    assert_eq!(
        Redact::new(Operation::DescribeIdentity, None).response(&answer),
        None
    );
}

#[test]
fn what_may_be_looked_for_is_shown_by_the_key_and_hidden_without_one() {
    let key = MacKey::new(KEY).unwrap();
    let request = json!({
        "IdentityPoolId": "us-east-1:1",
        "Logins": {"login.example.com": "ann"},
        "PrincipalTags": {"team": "blue"},
        "SupportedLoginProviders": {"api.twitter.com": "key;s3cret", "accounts.google.com": "id"},
        "NextToken": "n3xt",
    });
    let show = |operation, key| {
        let mut redact = Redact::new(operation, key);
        redact.request(request.as_object().unwrap(), None)
    };

    let developer = Operation::GetOpenIdTokenForDeveloperIdentity;
    let shown = show(developer, Some(&key));
    assert_eq!(shown["logins"]["login.example.com"], key.shown("ann"));
    assert_eq!(shown["principalTags"]["team"], key.shown("blue"));
    assert_eq!(shown["nextToken"], json!({"present": true}));
    assert_eq!(shown["identityPoolId"], "us-east-1:1");
    let providers = &shown["supportedLoginProviders"];
    assert_eq!(providers["api.twitter.com"], format!("key;{HIDDEN}"));
    assert_eq!(providers["accounts.google.com"], "id");
    assert_eq!(show(developer, None)["logins"]["login.example.com"], HIDDEN);
    assert_eq!(
        show(Operation::GetId, Some(&key))["logins"]["login.example.com"],
        HIDDEN
    );
    assert!(MacKey::new(b"short").is_none());
    assert!(key.shown("ann").starts_with("hmac-sha256:") && key.shown("ann").len() == 44);
}

#[test]
fn a_member_that_nobody_knows_is_hidden_whatever_it_is() {
    let request = json!({"New": "s3cret", "Newer": {"A": ["s3cret"]}, "Roles": ["s3cret"]});

    let mut redact = Redact::new(Operation::GetId, None);
    let shown = redact.request(request.as_object().unwrap(), None);

    assert!(!shown.to_string().contains("s3cret"), "{shown}");
}

#[test]
fn what_is_long_is_cut_and_said_to_be() {
    let roles: Map<String, Value> = (0..150)
        .map(|number| (format!("role-{number:03}"), Value::from("arn")))
        .collect();
    let request = json!({
        "IdentityPoolName": "ä".repeat(600),
        "IdentityIdsToDelete": vec!["id"; 130],
        "Roles": roles,
        "SupportedLoginProviders": {"k".repeat(300): "v"},
    });

    let mut redact = Redact::new(Operation::CreateIdentityPool, None);
    let shown = redact.request(request.as_object().unwrap(), None);

    let name = shown["identityPoolName"].as_str().unwrap();
    assert_eq!(name, format!("{}…(1200 bytes)", "ä".repeat(512)));
    let ids = shown["identityIdsToDelete"].as_array().unwrap();
    assert_eq!((ids.len(), &ids[100]), (101, &json!("…(30 more)")));
    assert_eq!(shown["roles"]["…"], "(50 more)");
    let paths: BTreeSet<&str> = redact.truncated.paths.iter().map(String::as_str).collect();
    let expected = [
        "requestParameters.identityIdsToDelete",
        "requestParameters.identityPoolName",
        "requestParameters.roles",
        "requestParameters.supportedLoginProviders",
    ];
    assert_eq!(paths, BTreeSet::from(expected));
}

#[test]
fn what_is_cut_is_named_as_the_record_has_it() {
    for (path, expected) in [
        ("UpdateMask", "requestParameters.updateMask"),
        ("TagKeys.[]", "requestParameters.tagKeys.[]"),
        (
            "RoleMappings.*.RulesConfiguration.Rules.[].RoleARN",
            "requestParameters.roleMappings.*.rulesConfiguration.rules.[].roleARN",
        ),
        ("<-.IdentityPoolName", "responseElements.identityPoolName"),
        ("<-.SamlProviderARNs", "responseElements.samlProviderARNs"),
    ] {
        assert_eq!(rules::in_record(path), expected);
    }
}

#[test]
fn names_are_those_of_aws() {
    for (field, expected) in [
        ("identity_pool_id", "IdentityPoolId"),
        ("open_id_connect_provider_arns", "OpenIdConnectProviderARNs"),
        ("role_arn", "RoleARN"),
    ] {
        assert_eq!(aws_name(field), expected);
    }
    assert_eq!(choice("ERROR_CODE_ACCESS_DENIED"), "AccessDenied");
}
