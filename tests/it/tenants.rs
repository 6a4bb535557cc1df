//! Test suites side by side: each names a tenant and sees its own store.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use poolgate::clock::Clock;
use poolgate::emulator::{Connector, Emulator, Isolation, Settings};
use poolgate::{pb, server, upstream};
use tonic::{Code, Request};

use crate::support::app::{App, Client};
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
