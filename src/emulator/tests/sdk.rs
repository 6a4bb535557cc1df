//! The same through the real client of the AWS SDK.

use aws_credential_types::Credentials;
use aws_sdk_cognitoidentity::config::{BehaviorVersion, Region};
use aws_sdk_cognitoidentity::error::ProvideErrorMetadata;
use aws_sdk_cognitoidentity::operation::RequestId;
use aws_sdk_cognitoidentity::{Client, Config};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::*;
use crate::emulator::Connector;

#[tokio::test]
async fn the_sdk_makes_a_pool_and_gets_it_back() {
    let client = client(&World::new());

    let made = client
        .create_identity_pool()
        .identity_pool_name("pool")
        .allow_unauthenticated_identities(true)
        .allow_classic_flow(false)
        .identity_pool_tags("a", "b")
        .send()
        .await
        .unwrap();

    assert!(made.identity_pool_id().starts_with("eu-west-1:"));
    assert!(made.request_id().is_some());
    let described = client
        .describe_identity_pool()
        .identity_pool_id(made.identity_pool_id())
        .send()
        .await
        .unwrap();
    assert_eq!(described.identity_pool_name(), "pool");
    assert_eq!(described.allow_classic_flow(), Some(false));
    assert_eq!(described.identity_pool_tags().unwrap()["a"], "b");
    assert!(described.supported_login_providers().is_none());
}

#[tokio::test]
async fn the_sdk_reads_dates_credentials_and_tokens() {
    let world = World::new();
    let client = client(&world);
    let pool = world.pool(json!({}));
    let id = client
        .get_id()
        .identity_pool_id(&pool)
        .send()
        .await
        .unwrap()
        .identity_id
        .unwrap();

    let described = client.describe_identity().identity_id(&id).send().await;
    let credentials = client
        .get_credentials_for_identity()
        .identity_id(&id)
        .send()
        .await;
    let token = client.get_open_id_token().identity_id(&id).send().await;

    let created = *described.unwrap().creation_date().unwrap();
    assert_eq!(created.secs(), i64::try_from(NOW).unwrap());
    let credentials = credentials.unwrap().credentials.unwrap();
    let expiration = *credentials.expiration().unwrap();
    assert_eq!(expiration.secs(), i64::try_from(NOW + 3600).unwrap());
    let token = json!(token.unwrap().token().unwrap());
    assert_eq!(claims(&token)["sub"], id);
}

#[tokio::test]
async fn the_sdk_reads_modelled_errors_and_others() {
    let client = client(&World::new());

    let missing = client
        .describe_identity_pool()
        .identity_pool_id("eu-west-1:00000000-0000-4000-8000-000000000000")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let invalid = client
        .describe_identity_pool()
        .identity_pool_id("nonsense")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let denied = client
        .list_tags_for_resource()
        .resource_arn("eu-west-1:00000000-0000-4000-8000-000000000000")
        .send()
        .await
        .unwrap_err()
        .into_service_error();

    assert!(missing.is_resource_not_found_exception());
    assert!(missing.meta().request_id().is_some());
    assert_eq!(invalid.code(), Some("ValidationException"));
    assert!(invalid.message().unwrap().starts_with("1 validation error"));
    assert_eq!(denied.code(), Some("AccessDeniedException"));
    assert!(denied.message().unwrap().starts_with("User: "));
}

#[tokio::test]
async fn the_sdks_paginator_walks_through_all_pools() {
    let world = World::new();
    for _ in 0..5 {
        world.pool(json!({}));
    }

    let pools: Vec<_> = client(&world)
        .list_identity_pools()
        .max_results(2)
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .unwrap();

    assert_eq!(pools.len(), 5);
}

#[tokio::test]
async fn operations_without_output_succeed() {
    let world = World::new();
    let client = client(&world);
    let pool = world.pool(json!({}));

    client
        .set_identity_pool_roles()
        .identity_pool_id(&pool)
        .roles("authenticated", ROLE)
        .send()
        .await
        .unwrap();
    client
        .delete_identity_pool()
        .identity_pool_id(&pool)
        .send()
        .await
        .unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn generating_the_key_does_not_hold_up_others() {
    let world = World::new();
    let client = client(&world);
    let pool = world.pool(json!({}));
    let guest = world.identity(&pool, json!({}));

    let token = tokio::spawn(client.get_open_id_token().identity_id(&guest).send());
    tokio::task::yield_now().await;
    let described = client.describe_identity().identity_id(&guest).send().await;

    assert!(described.is_ok());
    assert!(!token.is_finished(), "the key takes longer than a read");
    assert!(token.await.unwrap().is_ok());
}

fn client(world: &World) -> Client {
    let connector = Connector::new(Arc::clone(&world.emulator));
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
        .http_client(SharedHttpClient::new(connector))
        .build();
    Client::from_conf(config)
}
