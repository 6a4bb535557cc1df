//! Updates with a mask change what they name and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use poolgate::operation::Operation;
use poolgate::pb;
use prost_types::FieldMask;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::app::App;
use crate::support::examples::call;
use crate::support::wire::Wire;

/// A pool with every member set, as AWS returns it.
fn full_pool() -> Value {
    json!({
        "IdentityPoolId": "us-east-1:0a",
        "IdentityPoolName": "full",
        "AllowUnauthenticatedIdentities": true,
        "AllowClassicFlow": false,
        "SupportedLoginProviders": {"graph.facebook.com": "1234", "api.twitter.com": "k;s"},
        "DeveloperProviderName": "login.example.com",
        "OpenIdConnectProviderARNs": ["arn:aws:iam::123456789012:oidc-provider/b", "arn:aws:iam::123456789012:oidc-provider/a"],
        "CognitoIdentityProviders": [{
            "ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_abc",
            "ClientId": "client",
            "ServerSideTokenCheck": true,
        }],
        "SamlProviderARNs": ["arn:aws:iam::123456789012:saml-provider/s"],
        "IdentityPoolTags": {"team": "a", "empty": ""},
    })
}

/// The proto's name of a field, AWS's, another value and how to set it.
type Change = (&'static str, &'static str, Value, fn(&mut pb::IdentityPool));

fn changes() -> Vec<Change> {
    vec![
        (
            "identity_pool_name",
            "IdentityPoolName",
            json!("other"),
            |pool| {
                pool.identity_pool_name = "other".to_owned();
            },
        ),
        (
            "allow_unauthenticated_identities",
            "AllowUnauthenticatedIdentities",
            json!(false),
            |pool| {
                pool.allow_unauthenticated_identities = Some(false);
            },
        ),
        (
            "allow_classic_flow",
            "AllowClassicFlow",
            json!(true),
            |pool| {
                pool.allow_classic_flow = Some(true);
            },
        ),
        (
            "allow_classic_flow",
            "AllowClassicFlow",
            Value::Null,
            |_| {},
        ),
        (
            "supported_login_providers",
            "SupportedLoginProviders",
            json!({"www.amazon.com": "x"}),
            |pool| {
                pool.supported_login_providers =
                    [("www.amazon.com".to_owned(), "x".to_owned())].into();
            },
        ),
        (
            "supported_login_providers",
            "SupportedLoginProviders",
            json!({}),
            |_| {},
        ),
        (
            "open_id_connect_provider_arns",
            "OpenIdConnectProviderARNs",
            json!([]),
            |_| {},
        ),
        (
            "cognito_identity_providers",
            "CognitoIdentityProviders",
            json!([]),
            |_| {},
        ),
        ("saml_provider_arns", "SamlProviderARNs", json!([]), |_| {}),
        (
            "identity_pool_tags",
            "IdentityPoolTags",
            json!({"k": "v"}),
            |pool| {
                pool.identity_pool_tags = [("k".to_owned(), "v".to_owned())].into();
            },
        ),
        ("identity_pool_tags", "IdentityPoolTags", json!({}), |_| {}),
    ]
}

#[tokio::test]
async fn each_field_changes_alone_and_all_others_are_sent_as_aws_returned_them() {
    for (field, member, value, change) in changes() {
        let wire = Wire::answering(|sent| match sent.operation.as_str() {
            "DescribeIdentityPool" => (200, full_pool()),
            _ => (200, sent.body.clone()),
        });
        let mut app = App::wire(&wire).await;
        let mut pool = pb::IdentityPool {
            identity_pool_id: "us-east-1:0a".to_owned(),
            // Not named, so not looked at.
            saml_provider_arns: vec!["short".to_owned()],
            ..Default::default()
        };
        if field == "saml_provider_arns" {
            pool.saml_provider_arns.clear();
        }
        change(&mut pool);

        app.client
            .update_identity_pool(masked(pool, &[field]))
            .await
            .unwrap();

        let mut expected = full_pool();
        if value.is_null() {
            expected.as_object_mut().unwrap().remove(member);
        } else {
            expected[member] = value;
        }
        let sent: Vec<_> = wire.sent();
        assert_eq!(sent.len(), 2, "{field}");
        assert_eq!(sent[1].operation, "UpdateIdentityPool");
        assert_eq!(sent[1].body, expected, "{field}");
    }
}

#[tokio::test]
async fn without_a_mask_it_is_awss_operation_exactly() {
    let wire = Wire::echo();
    let mut app = App::wire(&wire).await;
    let request = pb::UpdateIdentityPoolRequest {
        identity_pool: Some(pb::IdentityPool {
            identity_pool_id: "us-east-1:0a".to_owned(),
            identity_pool_name: "only".to_owned(),
            allow_unauthenticated_identities: Some(false),
            ..Default::default()
        }),
        update_mask: None,
    };

    app.client.update_identity_pool(request).await.unwrap();

    let sent = wire.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        sent[0].body,
        json!({"IdentityPoolId": "us-east-1:0a", "IdentityPoolName": "only", "AllowUnauthenticatedIdentities": false})
    );
}

#[tokio::test]
async fn a_mask_that_cannot_be_used_is_refused_before_anything_is_sent() {
    let wire = Wire::echo();
    let mut app = App::wire(&wire).await;
    let cases: [(&[&str], &str); 6] = [
        (&[], "update_mask"),
        (&["identity_pool_id"], "update_mask"),
        (&[""], "update_mask.paths[1]"),
        (&["allow_classic_flow", "nonsense"], "update_mask.paths[2]"),
        (&["AllowClassicFlow"], "update_mask.paths[1]"),
        (
            &["identity_pool.allow_classic_flow"],
            "update_mask.paths[1]",
        ),
    ];
    for (paths, field) in cases {
        let status = app
            .client
            .update_identity_pool(masked(named(), paths))
            .await
            .err()
            .unwrap();

        assert_eq!(status.code(), Code::InvalidArgument, "{paths:?}");
        let bad_request = status.get_details_bad_request().unwrap();
        assert_eq!(bad_request.field_violations[0].field, field, "{paths:?}");
    }
    assert!(wire.sent().is_empty());
}

#[tokio::test]
async fn a_developer_provider_name_that_is_set_cannot_be_cleared() {
    let wire = Wire::answering(|_| (200, full_pool()));
    let mut app = App::wire(&wire).await;

    let status = app
        .client
        .update_identity_pool(masked(named(), &["developer_provider_name"]))
        .await
        .err()
        .unwrap();

    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "DEVELOPER_PROVIDER_NAME_FIXED"
    );
    assert_eq!(
        wire.sent().len(),
        1,
        "the pool was read, nothing was written"
    );
}

#[tokio::test]
async fn a_change_that_meets_another_is_tried_again_up_to_three_times() {
    for (conflicts, expected) in [
        (0, Code::Ok),
        (1, Code::Ok),
        (3, Code::Ok),
        (4, Code::Aborted),
    ] {
        let left = AtomicU32::new(conflicts);
        let wire = Wire::answering(move |sent| {
            if sent.operation == "DescribeIdentityPool" {
                return (200, full_pool());
            }
            let conflict = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
            match conflict {
                Ok(_) => (
                    400,
                    json!({"__type": "ConcurrentModificationException", "message": "again"}),
                ),
                Err(_) => (200, sent.body.clone()),
            }
        });
        let mut app = App::wire(&wire).await;

        let answer = app
            .client
            .update_identity_pool(masked(named(), &["identity_pool_name"]))
            .await;

        let code = answer.err().map_or(Code::Ok, |status| status.code());
        assert_eq!(code, expected, "{conflicts} conflicts");
        let tries = usize::try_from(conflicts.min(3) + 1).unwrap();
        assert_eq!(wire.sent().len(), 2 * tries, "each try reads again");
    }
}

/// While a partial update holds what it has read, nothing of this process may change
/// the pool: the update would undo it.
#[tokio::test]
async fn no_other_change_of_the_pool_comes_between_reading_and_writing() {
    let arn = "arn:aws:cognito-identity:us-east-1:123456789012:identitypool/us-east-1:0a";
    let whole = json!({"identity_pool": {
        "identity_pool_id": "us-east-1:0a", "identity_pool_name": "n", "allow_unauthenticated_identities": true,
    }});
    let mut partial = whole.clone();
    partial["update_mask"] = json!("identityPoolTags");
    let others = [
        (
            Operation::TagResource,
            json!({"resource_arn": arn, "tags": {"k": "v"}}),
        ),
        (
            Operation::UntagResource,
            json!({"resource_arn": arn, "tag_keys": ["k"]}),
        ),
        (Operation::UpdateIdentityPool, whole),
        (Operation::UpdateIdentityPool, partial),
        (
            Operation::DeleteIdentityPool,
            json!({"identity_pool_id": "us-east-1:0a"}),
        ),
    ];
    for (operation, request) in others {
        let gate = Arc::new(Semaphore::new(0));
        let wire = Wire::answering(|sent| match sent.operation.as_str() {
            "DescribeIdentityPool" => (200, full_pool()),
            _ => (200, sent.body.clone()),
        })
        .holding("DescribeIdentityPool", &gate);
        let app = App::wire(&wire).await;
        let mut client = app.client.clone();
        let mut update =
            Box::pin(client.update_identity_pool(masked(named(), &["identity_pool_name"])));
        let mut other = Box::pin(call(&app, operation, &request));
        while wire.sent().is_empty() {
            assert!(futures_util::poll!(update.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }

        for _ in 0..100 {
            assert!(futures_util::poll!(other.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
        assert_eq!(wire.sent().len(), 1, "{operation} waits");
        gate.add_permits(2);
        let (updated, changed) = tokio::join!(update, other);

        assert!(updated.is_ok() && changed.is_ok(), "{operation}");
        let order: Vec<String> = wire.sent().into_iter().map(|sent| sent.operation).collect();
        assert_eq!(
            order[..2],
            ["DescribeIdentityPool", "UpdateIdentityPool"],
            "{operation}"
        );
    }
}

/// The task of a write holds the pool on its own: its caller may have gone.
#[tokio::test]
async fn a_write_whose_caller_has_gone_still_keeps_others_out() {
    let gate = Arc::new(Semaphore::new(0));
    let wire = Wire::answering(|_| (200, full_pool())).holding("UpdateIdentityPool", &gate);
    let app = App::wire(&wire).await;
    let mut client = app.client.clone();
    let mut update =
        Box::pin(client.update_identity_pool(masked(named(), &["identity_pool_name"])));
    while wire.sent().len() < 2 {
        assert!(futures_util::poll!(update.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    drop(update);

    let request = json!({"identity_pool_id": "us-east-1:0a"});
    let mut other = Box::pin(call(&app, Operation::DeleteIdentityPool, &request));
    for _ in 0..100 {
        assert!(futures_util::poll!(other.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }

    assert_eq!(wire.sent().len(), 2, "the delete waits");
    gate.add_permits(1);
    assert!(other.await.is_ok());
}

fn named() -> pb::IdentityPool {
    pb::IdentityPool {
        identity_pool_id: "us-east-1:0a".to_owned(),
        identity_pool_name: "new".to_owned(),
        ..Default::default()
    }
}

fn masked(pool: pb::IdentityPool, paths: &[&str]) -> pb::UpdateIdentityPoolRequest {
    pb::UpdateIdentityPoolRequest {
        identity_pool: Some(pool),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
        }),
    }
}
