//! `allow_classic_flow` absent, false and true are three different things, from
//! the wire of gRPC to the wire of AWS and back.

use poolgate::pb;
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::app::App;
use crate::support::wire::Wire;

const STATES: [Option<bool>; 3] = [None, Some(false), Some(true)];

#[tokio::test]
async fn create_sends_what_the_caller_set_and_returns_what_aws_says() {
    for state in STATES {
        let wire = Wire::answering(|sent| {
            let mut body = sent.body.clone();
            body["IdentityPoolId"] = json!("us-east-1:0a");
            (200, body)
        });
        let mut app = App::wire(&wire).await;

        let answer = app
            .client
            .create_identity_pool(create(state))
            .await
            .unwrap();

        let sent = &wire.sent()[0];
        assert_eq!(sent.operation, "CreateIdentityPool");
        assert_eq!(
            sent.body.get("AllowClassicFlow"),
            state.map(Value::Bool).as_ref()
        );
        let pool = answer.into_inner().identity_pool.unwrap();
        assert_eq!(pool.allow_classic_flow, state);
    }
}

#[tokio::test]
async fn the_emulator_keeps_the_three_states_through_create_describe_and_update() {
    let mut app = App::emulator().await;
    for state in STATES {
        let created = app
            .client
            .create_identity_pool(create(state))
            .await
            .unwrap();
        let mut pool = created.into_inner().identity_pool.unwrap();
        assert_eq!(pool.allow_classic_flow, state);
        assert!(describe(&mut app, &pool.identity_pool_id).await == pool);

        for next in STATES {
            pool.allow_classic_flow = next;
            let request = pb::UpdateIdentityPoolRequest {
                identity_pool: Some(pool.clone()),
                update_mask: None,
            };
            let updated = app.client.update_identity_pool(request).await.unwrap();
            assert!(updated.into_inner().identity_pool == Some(pool.clone()));
            assert!(describe(&mut app, &pool.identity_pool_id).await == pool);
        }
    }
}

#[tokio::test]
async fn only_false_refuses_the_classic_flow() {
    let mut app = App::emulator().await;
    for state in STATES {
        let created = app
            .client
            .create_identity_pool(create(state))
            .await
            .unwrap();
        let pool = created.into_inner().identity_pool.unwrap();
        let identity = pb::GetIdRequest {
            identity_pool_id: pool.identity_pool_id,
            ..Default::default()
        };
        let identity_id = app
            .client
            .get_id(identity)
            .await
            .unwrap()
            .into_inner()
            .identity_id;

        let request = pb::GetOpenIdTokenRequest {
            identity_id,
            ..Default::default()
        };
        let answer = app.client.get_open_id_token(request).await;

        if state == Some(false) {
            let status = answer.err().unwrap();
            assert_eq!(status.code(), Code::InvalidArgument);
            assert_eq!(
                status.message(),
                "Basic (classic) flow is not enabled, please use enhanced flow."
            );
            let precondition = status.get_details_precondition_failure().unwrap();
            assert_eq!(precondition.violations[0].r#type, "CLASSIC_FLOW_REFUSED");
        } else {
            assert_eq!(answer.unwrap().into_inner().token.split('.').count(), 3);
        }
    }
}

fn create(allow_classic_flow: Option<bool>) -> pb::CreateIdentityPoolRequest {
    pb::CreateIdentityPoolRequest {
        identity_pool_name: "classic".to_owned(),
        allow_unauthenticated_identities: Some(true),
        allow_classic_flow,
        ..Default::default()
    }
}

async fn describe(app: &mut App, identity_pool_id: &str) -> pb::IdentityPool {
    let request = pb::DescribeIdentityPoolRequest {
        identity_pool_id: identity_pool_id.to_owned(),
    };
    let answer = app.client.describe_identity_pool(request).await.unwrap();
    answer.into_inner().identity_pool.unwrap()
}
