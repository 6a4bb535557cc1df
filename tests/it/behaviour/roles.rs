//! The roles of a pool and their mappings.

use serde_json::{Value, json};

use super::world::{ROLE, USER_POOL, World, error};

pub fn roles_and_mappings_are_replaced_and_left_out_when_there_are_none(world: &World) {
    let id = world.pool(json!({}));
    let body = json!({"IdentityPoolId": id});
    let mapping = json!({"Type": "Token", "AmbiguousRoleResolution": "Deny"});
    let key = format!("{USER_POOL}:client");
    let set = |roles: Value, mappings: Value| json!({"IdentityPoolId": id, "Roles": roles, "RoleMappings": mappings});

    world.ok(
        "SetIdentityPoolRoles",
        set(
            json!({"authenticated": ROLE}),
            json!({key.clone(): mapping}),
        ),
    );
    assert_eq!(
        world.ok("GetIdentityPoolRoles", body.clone()),
        set(json!({"authenticated": ROLE}), json!({key: mapping}))
    );

    world.ok("SetIdentityPoolRoles", set(json!({}), json!({})));
    assert_eq!(world.ok("GetIdentityPoolRoles", body.clone()), body);
}

pub fn mappings_that_make_no_sense_are_refused(world: &World) {
    let id = world.pool(json!({}));
    let rule = json!({"Claim": "c", "MatchType": "Equals", "Value": "v", "RoleARN": ROLE});
    let rules = |count: usize| json!({"Rules": vec![rule.clone(); count]});
    let key = format!("{USER_POOL}:client");
    let cases = [
        (
            USER_POOL,
            json!({"Type": "Token", "AmbiguousRoleResolution": "Deny"}),
            Some(format!(
                "({USER_POOL}) is not a valid RoleMapping ProviderName or is not a configured provider."
            )),
        ),
        (&key, json!({"Type": "Token"}), None),
        (
            &key,
            json!({"Type": "Rules", "AmbiguousRoleResolution": "Deny"}),
            None,
        ),
        (
            &key,
            json!({"Type": "Token", "AmbiguousRoleResolution": "Deny", "RulesConfiguration": rules(1)}),
            None,
        ),
        (
            &key,
            json!({"Type": "Rules", "AmbiguousRoleResolution": "Deny", "RulesConfiguration": rules(26)}),
            Some("The number of rules in the request exceeded 25.".to_owned()),
        ),
    ];
    for (key, mapping, message) in cases {
        let (kind, text) = world.refused(
            "SetIdentityPoolRoles",
            json!({"IdentityPoolId": id, "Roles": {}, "RoleMappings": {key: mapping}}),
        );

        assert_eq!(kind, "InvalidParameterException", "{text}");
        assert!(message.is_none_or(|message| message == text), "{text}");
    }
}

pub fn a_role_of_another_account_cannot_be_passed(world: &World) {
    let id = world.pool(json!({}));
    let arn = "arn:aws:iam::999999999999:role/x";

    let refused = world.refused(
        "SetIdentityPoolRoles",
        json!({"IdentityPoolId": id, "Roles": {"authenticated": arn}}),
    );

    assert_eq!(
        refused,
        error(
            "NotAuthorized",
            &format!("Access to Role '{arn}' is forbidden.")
        )
    );
}
