//! Tags of pools and principal tags of providers.

use serde_json::{Value, json};

use super::world::{GOOGLE, USER_POOL, World};

pub fn tags_are_added_replaced_and_removed_by_arn(world: &World) {
    let id = world.pool(json!({"IdentityPoolTags": {"a": "1", "b": "1"}}));
    let arn = format!("arn:aws:cognito-identity:eu-west-1:123456789012:identitypool/{id}");

    let tagged = world.ok(
        "TagResource",
        json!({"ResourceArn": arn, "Tags": {"b": "2", "c": ""}}),
    );
    let untagged = world.ok(
        "UntagResource",
        json!({"ResourceArn": arn, "TagKeys": ["a", "never set"]}),
    );

    assert_eq!((tagged, untagged), (json!({}), json!({})));
    let tags = json!({"b": "2", "c": ""});
    assert_eq!(
        world.ok("ListTagsForResource", json!({"ResourceArn": arn})),
        json!({"Tags": tags})
    );
    let pool = world.ok("DescribeIdentityPool", json!({"IdentityPoolId": id}));
    assert_eq!(pool["IdentityPoolTags"], tags);
}

pub fn an_arn_without_account_means_ones_own(world: &World) {
    let id = world.pool(json!({}));
    let arn = format!("arn:aws:cognito-identity:eu-west-1::identitypool/{id}");

    let tags = world.ok("ListTagsForResource", json!({"ResourceArn": arn}));

    assert_eq!(tags, json!({}));
}

pub fn a_pool_has_fifty_tags_at_most(world: &World) {
    let tags = |from: usize, to: usize| {
        let tags: serde_json::Map<_, _> =
            (from..to).map(|n| (format!("key{n}"), json!(""))).collect();
        Value::Object(tags)
    };
    let id = world.pool(json!({"IdentityPoolTags": tags(0, 50)}));
    let arn = format!("arn:aws:cognito-identity:eu-west-1:123456789012:identitypool/{id}");

    world.ok(
        "TagResource",
        json!({"ResourceArn": arn, "Tags": tags(0, 50)}),
    );
    let (kind, _) = world.refused(
        "TagResource",
        json!({"ResourceArn": arn, "Tags": tags(50, 51)}),
    );

    assert_eq!(kind, "InvalidParameterException");
}

pub fn a_principal_tag_map_is_stored_for_each_provider_of_the_pool(world: &World) {
    let id = world.pool(json!({}));
    let map = json!({
        "IdentityPoolId": id,
        "IdentityProviderName": USER_POOL,
        "UseDefaults": false,
        "PrincipalTags": {"team": "custom:team"},
    });
    let of = |provider: &str| json!({"IdentityPoolId": id, "IdentityProviderName": provider});

    assert_eq!(world.ok("SetPrincipalTagAttributeMap", map.clone()), map);

    assert_eq!(world.ok("GetPrincipalTagAttributeMap", of(USER_POOL)), map);
    let unset = world.ok("GetPrincipalTagAttributeMap", of(GOOGLE));
    assert_eq!(unset["UseDefaults"], false);
    assert_eq!(unset.get("PrincipalTags"), None);
    let (kind, _) = world.refused("GetPrincipalTagAttributeMap", of("www.amazon.com"));
    assert_eq!(kind, "InvalidParameterException");
}
