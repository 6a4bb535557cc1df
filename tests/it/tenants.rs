//! Test suites side by side: each names a tenant and sees its own store.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use poolgate::clock::Clock;
use poolgate::emulator::{Connector, Emulator, Isolation, Settings};
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::{pb, server, upstream};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::support::app::{App, Client};
use crate::support::house::{House, Rules, token};
use crate::support::wire::Wire;

#[tokio::test]
async fn a_tenant_sees_its_own_pools_and_no_others() {
    let mut client = isolated().await.client;
    let ann = create(&mut client, "ann").await;
    let bob = create(&mut client, "bob").await;

    assert_eq!(list(&mut client, "ann").await, std::slice::from_ref(&ann));
    assert_eq!(list(&mut client, "bob").await, [bob]);
    let describe = pb::DescribeIdentityPoolRequest {
        identity_pool_id: ann,
    };
    let refused = client
        .describe_identity_pool(of("bob", describe.clone()))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    let nobody = client.describe_identity_pool(describe).await;
    assert_eq!(nobody.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_masked_update_is_one_of_its_tenant() {
    let mut client = isolated().await.client;
    let ann = create(&mut client, "ann").await;
    let update = pb::UpdateIdentityPoolRequest {
        identity_pool: Some(pb::IdentityPool {
            identity_pool_id: ann,
            identity_pool_name: "renamed".to_owned(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["identity_pool_name".to_owned()],
        }),
    };

    let refused = client.update_identity_pool(of("bob", update.clone())).await;
    let updated = client.update_identity_pool(of("ann", update)).await;

    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    let pool = updated.unwrap().into_inner().identity_pool.unwrap();
    assert_eq!(pool.identity_pool_name, "renamed");
}

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    let mut client = isolated().await.client;

    for name in ["a/b", "a b", &"x".repeat(129)] {
        let request = of(name, pb::ListIdentityPoolsRequest::default());
        let refused = client.list_identity_pools(request).await.unwrap_err();

        assert_eq!(refused.code(), Code::InvalidArgument, "{name}");
    }
}

#[tokio::test]
async fn aws_knows_no_tenants() {
    let wire = Wire::echo();
    let settings = upstream::Settings {
        kind: upstream::Kind::Aws,
        ..Default::default()
    };
    let mut app = App::with(server::Settings::default(), settings, wire.client()).await;

    let request = of("ann", pb::ListIdentityPoolsRequest::default());
    let refused = app.client.list_identity_pools(request).await.unwrap_err();

    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(wire.sent().is_empty());
}

/// A store that the caller chooses would be judged by what another one holds.
#[tokio::test(flavor = "multi_thread")]
async fn where_policies_are_in_force_no_tenant_gets_round_them() {
    for isolation in ["none", "per-access-key"] {
        let rules = ruled().and("POOLGATE_EMULATOR__ISOLATION", isolation);
        let house = House::start(rules).await;
        let mut ann = CognitoIdentityServiceClient::new(house.channel("ann").await);
        let pool = ann.create_identity_pool(open_pool()).await.unwrap();
        let pool = pool.into_inner().identity_pool.unwrap().identity_pool_id;
        let get_id = pb::GetIdRequest {
            identity_pool_id: pool,
            ..Default::default()
        };
        let identity = ann.get_id(get_id.clone()).await.unwrap().into_inner();
        let get_token = pb::GetOpenIdTokenRequest {
            identity_id: identity.identity_id,
            ..Default::default()
        };

        // Bob may issue, but not for the pool's tag.
        let mut bob = CognitoIdentityServiceClient::new(house.channel("bob").await);
        let plain = [
            bob.get_id(get_id.clone()).await.unwrap_err(),
            bob.get_open_id_token(get_token.clone()).await.unwrap_err(),
        ];
        let with_a_tenant = [
            bob.get_id(of("x", get_id)).await.unwrap_err(),
            bob.get_open_id_token(of("x", get_token)).await.unwrap_err(),
        ];

        for refused in plain {
            assert_eq!(refused.code(), Code::PermissionDenied, "{isolation}");
        }
        for refused in with_a_tenant {
            assert_eq!(refused.code(), Code::InvalidArgument, "{isolation}");
            assert_eq!(fields(&refused), ["x-poolgate-tenant"], "{isolation}");
        }
    }
}

#[tokio::test]
async fn a_tenant_is_refused_before_policies_have_anything_looked_up() {
    for kind in [upstream::Kind::Aws, upstream::Kind::Emulator] {
        let wire = Wire::echo();
        let directory = tempfile::TempDir::new().unwrap();
        let engines = ruled().engines(&directory);
        let settings = upstream::Settings {
            kind,
            ..Default::default()
        };
        let mut app = App::ruled(Default::default(), settings, wire.client(), engines).await;
        let mut request = of(
            "x",
            pb::GetIdRequest {
                identity_pool_id: "us-east-1:11111111-1111-4111-8111-111111111111".to_owned(),
                ..Default::default()
            },
        );
        let bearer = format!("Bearer {}", token("bob")).parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);

        let refused = app.client.get_id(request).await.unwrap_err();

        assert_eq!(fields(&refused), ["x-poolgate-tenant"], "{kind:?}");
        assert_eq!(wire.sent().len(), 0, "{kind:?}");
    }
}

fn ruled() -> Rules {
    let callers = "[[tokens]]\nname = \"ann\"\nsha256 = \"{ann}\"\n\n\
                   [[tokens]]\nname = \"bob\"\nsha256 = \"{bob}\"\n";
    let policies = r#"
@id("everything") permit (principal, action, resource);

@id("nobody-but-ann")
forbid (principal, action in Poolgate::Action::"issue", resource)
when {
  resource is Poolgate::IdentityPool && resource.hasTag("secret") ||
  resource is Poolgate::Identity && resource has pool && resource.pool.hasTag("secret")
}
unless { principal == Poolgate::Caller::"token:ann" };
"#;
    Rules::new(callers, &["ann", "bob"], policies)
}

fn open_pool() -> pb::CreateIdentityPoolRequest {
    pb::CreateIdentityPoolRequest {
        identity_pool_name: "pool".to_owned(),
        allow_unauthenticated_identities: Some(true),
        allow_classic_flow: Some(true),
        identity_pool_tags: [("secret".to_owned(), "1".to_owned())].into(),
        ..Default::default()
    }
}

fn fields(refused: &Status) -> Vec<String> {
    let bad = refused.get_details_bad_request().into_iter();
    let violations = bad.flat_map(|bad| bad.field_violations);
    violations.map(|violation| violation.field).collect()
}

async fn isolated() -> App {
    let settings = Settings {
        isolation: Isolation::PerAccessKey,
        ..Settings::default()
    };
    let emulator = Arc::new(Emulator::new(settings, Clock::system()));
    App::over(SharedHttpClient::new(Connector::new(emulator))).await
}

async fn create(client: &mut Client, tenant: &str) -> String {
    let request = pb::CreateIdentityPoolRequest {
        identity_pool_name: "pool".to_owned(),
        allow_unauthenticated_identities: Some(true),
        ..Default::default()
    };
    let answer = client.create_identity_pool(of(tenant, request)).await;
    let pool = answer.unwrap().into_inner().identity_pool.unwrap();
    pool.identity_pool_id
}

async fn list(client: &mut Client, tenant: &str) -> Vec<String> {
    let request = of(tenant, pb::ListIdentityPoolsRequest::default());
    let listed = client.list_identity_pools(request).await.unwrap();
    let pools = listed.into_inner().identity_pools;
    pools
        .into_iter()
        .map(|pool| pool.identity_pool_id)
        .collect()
}

fn of<M>(tenant: &str, message: M) -> Request<M> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("x-poolgate-tenant", tenant.parse().unwrap());
    request
}
