//! What poolgate adds to a call, measured piece by piece: `cargo bench`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    reason = "a benchmark that cannot be set up stops"
)]

mod house;

use aws_sdk_cognitoidentity::operation::describe_identity_pool::DescribeIdentityPoolOutput;
use aws_sdk_cognitoidentity::operation::update_identity_pool::builders::UpdateIdentityPoolInputBuilder;
use aws_sdk_cognitoidentity::types;
use divan::Bencher;
use house::House;
use poolgate::operation::Operation;
use poolgate::{convert, model, pb};
use prost::Message;
use prost_reflect::DynamicMessage;

const POOL: &str = "eu-west-1:0f0e5a3c-6f5a-4a53-9d3c-8a3f1c9f1a11";
const USER_POOL: &str = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcdefghi";

fn main() {
    divan::main();
}

#[divan::bench]
fn request_to_sdk(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(full_update)
        .bench_values(UpdateIdentityPoolInputBuilder::from);
}

#[divan::bench]
fn sdk_to_response(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(full_output)
        .bench_values(pb::DescribeIdentityPoolResponse::from);
}

#[divan::bench]
fn decode_and_find_subject(bencher: Bencher<'_, '_>) {
    let bytes = full_update().encode_to_vec();
    bencher.bench(|| {
        let message = dynamic(&bytes);
        convert::subject(Operation::UpdateIdentityPool, &message).is_ok()
    });
}

#[divan::bench]
fn find_subject(bencher: Bencher<'_, '_>) {
    let message = dynamic(&full_update().encode_to_vec());
    bencher.bench(|| convert::subject(Operation::UpdateIdentityPool, &message).is_ok());
}

#[divan::bench]
fn check_against_the_model(bencher: Bencher<'_, '_>) {
    let message = dynamic(&full_update().encode_to_vec());
    let Ok(subject) = convert::subject(Operation::UpdateIdentityPool, &message) else {
        unreachable!("the request keeps to the model");
    };
    let members = model::input(Operation::UpdateIdentityPool);
    bencher.bench(|| model::check(members, &subject.parameters, 100));
}

/// The SDK alone on the emulator: what a caller without poolgate would have.
#[divan::bench]
fn describe_with_the_sdk_alone(bencher: Bencher<'_, '_>) {
    let house = House::new(&full_update());
    bencher.bench_local(|| house.describe_with_sdk());
}

/// The whole stack of layers without a socket.
#[divan::bench]
fn describe_through_the_stack(bencher: Bencher<'_, '_>) {
    let mut house = House::new(&full_update());
    bencher.bench_local(|| house.describe_through_stack());
}

/// The whole server over loopback, one call after the other.
#[divan::bench]
fn describe_over_loopback(bencher: Bencher<'_, '_>) {
    let mut house = House::new(&full_update());
    bencher.bench_local(|| house.describe_over_loopback());
}

fn dynamic(bytes: &[u8]) -> DynamicMessage {
    let descriptor = pb::descriptors()
        .get_message_by_name("cognito.identity.v1.UpdateIdentityPoolRequest")
        .expect("the message is part of the protocol");
    DynamicMessage::decode(descriptor, bytes).expect("the bytes are of this message")
}

/// Every member is set, to values as they are in use.
fn full_update() -> pb::UpdateIdentityPoolRequest {
    pb::UpdateIdentityPoolRequest {
        identity_pool: Some(pb::IdentityPool {
            identity_pool_id: POOL.to_owned(),
            identity_pool_name: "shop customers".to_owned(),
            allow_unauthenticated_identities: Some(true),
            allow_classic_flow: Some(false),
            supported_login_providers: pairs(&[
                ("graph.facebook.com", "7346241598935552"),
                (
                    "accounts.google.com",
                    "123456789012.apps.googleusercontent.com",
                ),
            ]),
            developer_provider_name: Some("login.shop.example".to_owned()),
            open_id_connect_provider_arns: vec![
                "arn:aws:iam::123456789012:oidc-provider/login.shop.example".to_owned(),
            ],
            cognito_identity_providers: vec![pb::CognitoIdentityProvider {
                provider_name: Some(USER_POOL.to_owned()),
                client_id: Some("1h57kf5cpq17m0eml12example".to_owned()),
                server_side_token_check: Some(true),
            }],
            saml_provider_arns: vec!["arn:aws:iam::123456789012:saml-provider/office".to_owned()],
            identity_pool_tags: pairs(&[("team", "shop"), ("stage", "live"), ("cost", "4711")]),
        }),
        update_mask: None,
    }
}

fn full_output() -> DescribeIdentityPoolOutput {
    let pool = full_update().identity_pool.unwrap_or_default();
    DescribeIdentityPoolOutput::builder()
        .identity_pool_id(pool.identity_pool_id)
        .identity_pool_name(pool.identity_pool_name)
        .allow_unauthenticated_identities(true)
        .allow_classic_flow(false)
        .set_supported_login_providers(Some(pool.supported_login_providers))
        .set_developer_provider_name(pool.developer_provider_name)
        .set_open_id_connect_provider_arns(Some(pool.open_id_connect_provider_arns))
        .cognito_identity_providers(
            types::CognitoIdentityProvider::builder()
                .provider_name(USER_POOL)
                .client_id("1h57kf5cpq17m0eml12example")
                .server_side_token_check(true)
                .build(),
        )
        .set_saml_provider_arns(Some(pool.saml_provider_arns))
        .set_identity_pool_tags(Some(pool.identity_pool_tags))
        .build()
        .expect("all required members are set")
}

fn pairs<C: FromIterator<(String, String)>>(pairs: &[(&str, &str)]) -> C {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}
