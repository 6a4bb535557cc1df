//! Making, changing and listing pools.

use serde_json::{Value, json};

use super::world::{DEVELOPER, USER_POOL, World, error};
use crate::support::direct;

pub fn a_server_side_check_that_is_left_out_is_echoed_as_false(world: &World) {
    let id = world.pool(json!({}));

    let pool = world.ok("DescribeIdentityPool", json!({"IdentityPoolId": id}));

    assert_eq!(
        pool["CognitoIdentityProviders"],
        json!([{"ProviderName": USER_POOL, "ClientId": "client", "ServerSideTokenCheck": false}])
    );
}

pub fn the_classic_flow_has_three_states_and_an_update_without_it_unsets_it(world: &World) {
    for state in [None, Some(false), Some(true)] {
        let id = world.pool(json!({"AllowClassicFlow": state}));
        let body = json!({"IdentityPoolId": id});
        let described = world.ok("DescribeIdentityPool", body.clone());
        assert_eq!(
            described.get("AllowClassicFlow").and_then(Value::as_bool),
            state
        );

        let updated = world.ok("UpdateIdentityPool", rename(&id, json!({})));

        assert_eq!(updated.get("AllowClassicFlow"), None);
        assert_eq!(world.ok("DescribeIdentityPool", body), updated);
    }
}

pub fn an_update_resets_the_providers_and_keeps_the_developers_name_and_the_tags(world: &World) {
    let id = world.pool(json!({
        "IdentityPoolTags": {"a": "b"},
        "OpenIdConnectProviderARNs": ["arn:aws:iam::999999999999:oidc-provider/idp.example"],
        "SamlProviderARNs": ["arn:aws:iam::123456789012:saml-provider/idp"],
    }));

    let updated = world.ok("UpdateIdentityPool", rename(&id, json!({})));

    assert_eq!(
        updated,
        json!({
            "IdentityPoolId": id,
            "IdentityPoolName": "renamed",
            "AllowUnauthenticatedIdentities": false,
            "DeveloperProviderName": DEVELOPER,
            "IdentityPoolTags": {"a": "b"},
        })
    );
}

pub fn a_developer_provider_can_be_added_later_and_never_renamed(world: &World) {
    let id = world.pool(json!({"DeveloperProviderName": null}));

    let name = |name: &str| rename(&id, json!({"DeveloperProviderName": name}));
    world.ok("UpdateIdentityPool", name("first"));
    world.ok("UpdateIdentityPool", name("first"));
    let (kind, _) = world.refused("UpdateIdentityPool", name("second"));

    assert_eq!(kind, "InvalidParameterException");
    let pool = world.ok("DescribeIdentityPool", json!({"IdentityPoolId": id}));
    assert_eq!(pool["DeveloperProviderName"], "first");
}

pub fn providers_that_cannot_be_are_refused(world: &World) {
    let foreign = "arn:aws:iam::999999999999:saml-provider/idp";
    let cases = [
        (
            json!({"CognitoIdentityProviders": [{"ProviderName": "eu-west-1_Ab1", "ClientId": "c"}]}),
            "Invalid Cognito Identity Provider".to_owned(),
        ),
        (
            json!({"CognitoIdentityProviders": [{"ClientId": "c"}]}),
            "Invalid Cognito Identity Provider".to_owned(),
        ),
        (
            json!({"SamlProviderARNs": [foreign]}),
            format!("Identity provider {foreign} is not valid for account 123456789012"),
        ),
    ];
    for (change, message) in cases {
        let mut wanted = json!({"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": true});
        for (name, value) in change.as_object().unwrap() {
            wanted[name] = value.clone();
        }

        let refused = world.refused("CreateIdentityPool", wanted);

        assert_eq!(refused, error("InvalidParameter", &message));
    }
}

pub fn a_deleted_pool_is_gone_with_its_identities(world: &World) {
    let id = world.pool(json!({}));
    let identity = world.identity(&id, json!({}));
    let body = json!({"IdentityPoolId": id});

    world.ok("DeleteIdentityPool", body.clone());

    let not_found = error(
        "ResourceNotFound",
        &format!("IdentityPool '{id}' not found."),
    );
    for operation in [
        "DescribeIdentityPool",
        "GetIdentityPoolRoles",
        "DeleteIdentityPool",
    ] {
        assert_eq!(world.refused(operation, body.clone()), not_found);
    }
    assert_eq!(
        world.refused("DescribeIdentity", json!({"IdentityId": identity})),
        error(
            "ResourceNotFound",
            &format!("Identity '{identity}' not found.")
        )
    );
}

pub fn pools_are_listed_page_by_page_each_once_and_of_one_region(world: &World) {
    let mut made: Vec<String> = (0..5).map(|_| world.pool(json!({}))).collect();
    made.sort();
    let elsewhere = json!({"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": true});
    let elsewhere = direct::request("CreateIdentityPool", elsewhere.to_string());
    assert_eq!(world.emulator.handle(&elsewhere).status(), 200);

    let mut seen = Vec::new();
    let mut request = json!({"MaxResults": 2});
    loop {
        let page = world.ok("ListIdentityPools", request.clone());
        for pool in page["IdentityPools"].as_array().unwrap() {
            assert_eq!(pool["IdentityPoolName"], "pool");
            seen.push(pool["IdentityPoolId"].as_str().unwrap().to_owned());
        }
        match page.get("NextToken") {
            Some(next) => request["NextToken"] = next.clone(),
            None => break,
        }
    }

    assert_eq!(seen, made);
}

pub fn a_page_token_that_was_not_handed_out_is_refused(world: &World) {
    let (kind, _) = world.refused(
        "ListIdentityPools",
        json!({"MaxResults": 2, "NextToken": "invented"}),
    );

    assert_eq!(kind, "InvalidParameterException");
}

fn rename(id: &str, more: Value) -> Value {
    let mut update = json!({
        "IdentityPoolId": id,
        "IdentityPoolName": "renamed",
        "AllowUnauthenticatedIdentities": false,
    });
    for (name, value) in more.as_object().unwrap() {
        update[name] = value.clone();
    }
    update
}
