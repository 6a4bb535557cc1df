use super::*;

#[test]
fn a_pool_echoes_what_was_set_and_its_tags() {
    let world = World::new();

    let mut pool = world.ok(
        "CreateIdentityPool",
        json!({"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": false}),
    );

    let id = pool["IdentityPoolId"].take();
    let uuid = id.as_str().unwrap().strip_prefix("eu-west-1:").unwrap();
    assert_eq!(uuid::Uuid::parse_str(uuid).unwrap().get_version_num(), 4);
    assert_eq!(
        pool,
        json!({
            "IdentityPoolId": null,
            "IdentityPoolName": "p",
            "AllowUnauthenticatedIdentities": false,
            "IdentityPoolTags": {},
        })
    );
}

#[test]
fn tags_in_an_update_replace_all_tags() {
    let world = World::new();
    let id = world.pool(json!({"IdentityPoolTags": {"a": "b"}}));

    let updated = world.ok(
        "UpdateIdentityPool",
        rename(&id, json!({"IdentityPoolTags": {"c": "d"}})),
    );
    assert_eq!(updated["IdentityPoolTags"], json!({"c": "d"}));

    let updated = world.ok(
        "UpdateIdentityPool",
        rename(&id, json!({"IdentityPoolTags": {}})),
    );
    assert_eq!(updated["IdentityPoolTags"], json!({}));
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
