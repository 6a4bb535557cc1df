use super::*;

const OTHER_ROLE: &str = "arn:aws:iam::123456789012:role/other";
const FOREIGN_ROLE: &str = "arn:aws:iam::999999999999:role/foreign";
const DENIED: &str = "The ambiguous role mapping rules denied this request";
const BAD_CONFIGURATION: &str =
    "Invalid identity pool configuration. Check assigned IAM roles for this pool.";

#[test]
fn credentials_look_real_and_are_good_for_an_hour() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let identity = world.identity(&pool, user("ann"));
    let request = json!({"IdentityId": identity, "Logins": user("ann")});

    let answer = world.ok("GetCredentialsForIdentity", request.clone());

    assert_eq!(answer["IdentityId"], identity);
    let credentials = &answer["Credentials"];
    let key_id = credentials["AccessKeyId"].as_str().unwrap();
    assert_eq!(key_id.len(), 20);
    let letters = key_id.strip_prefix("ASIA").unwrap();
    assert!(
        letters
            .bytes()
            .all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
    );
    assert_eq!(credentials["SecretKey"].as_str().unwrap().len(), 40);
    assert!(credentials["SessionToken"].as_str().unwrap().len() > 300);
    assert_eq!(credentials["Expiration"], NOW + 3600);
    let again = world.ok("GetCredentialsForIdentity", request);
    assert_ne!(again["Credentials"]["AccessKeyId"], key_id);
}

#[test]
fn a_pool_without_a_fitting_role_is_not_configured() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let guest = world.identity(&pool, json!({}));
    let set = |roles: Value| {
        world.ok(
            "SetIdentityPoolRoles",
            json!({"IdentityPoolId": pool, "Roles": roles}),
        );
    };
    let as_user = json!({"IdentityId": guest, "Logins": user("ann")});

    set(json!({"authenticated": ROLE}));
    assert_eq!(
        world.refused("GetCredentialsForIdentity", json!({"IdentityId": guest})),
        error("InvalidIdentityPoolConfiguration", BAD_CONFIGURATION)
    );
    set(json!({"unauthenticated": GUEST_ROLE}));
    assert_eq!(
        world.refused("GetCredentialsForIdentity", as_user),
        error("InvalidIdentityPoolConfiguration", BAD_CONFIGURATION)
    );

    // The refusal has linked nothing: the identity is still a guest's.
    world.ok("GetCredentialsForIdentity", json!({"IdentityId": guest}));
}

#[test]
fn an_unknown_identity_is_not_found() {
    let world = World::new();
    let id = "eu-west-1:00000000-0000-4000-8000-000000000000";

    for operation in ["GetCredentialsForIdentity", "GetOpenIdToken"] {
        assert_eq!(
            world.refused(operation, json!({"IdentityId": id})),
            error("ResourceNotFound", &format!("Identity '{id}' not found."))
        );
    }
}

#[test]
fn a_merged_identity_is_answered_with_its_survivor() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let ann = world.identity(&pool, user("ann"));
    let google_ann = world.identity(&pool, google("ann.g"));
    let logins = both(user("ann"), google("ann.g"));

    let asked_for_one = world.ok(
        "GetCredentialsForIdentity",
        json!({"IdentityId": google_ann, "Logins": logins}),
    );
    let asked_for_the_merged = world.ok(
        "GetCredentialsForIdentity",
        json!({"IdentityId": ann, "Logins": user("ann")}),
    );

    assert_eq!(asked_for_one["IdentityId"], google_ann);
    assert_eq!(asked_for_the_merged["IdentityId"], google_ann);
}

#[test]
fn a_token_mapping_takes_the_role_from_the_token() {
    let token = |resolution: &str| json!({"Type": "Token", "AmbiguousRoleResolution": resolution});
    let roles = |roles: &[&str]| json!({"cognito:roles": roles});
    let preferred =
        json!({"cognito:roles": [ROLE, OTHER_ROLE], "cognito:preferred_role": OTHER_ROLE});
    let foreign = json!({"cognito:preferred_role": FOREIGN_ROLE});
    let forbidden = format!("Access to Role '{ROLE}' is forbidden.");
    let cases = [
        ("preferred role", "Deny", preferred.clone(), None, None),
        ("only role", "Deny", roles(&[ROLE]), None, None),
        (
            "several roles",
            "Deny",
            roles(&[ROLE, OTHER_ROLE]),
            None,
            Some(DENIED),
        ),
        (
            "several roles",
            "AuthenticatedRole",
            roles(&[ROLE, OTHER_ROLE]),
            None,
            None,
        ),
        ("no role", "Deny", json!({}), None, Some(DENIED)),
        (
            "custom role listed",
            "Deny",
            roles(&[ROLE, OTHER_ROLE]),
            Some(ROLE),
            None,
        ),
        (
            "custom role not listed",
            "Deny",
            roles(&[OTHER_ROLE]),
            Some(ROLE),
            Some(forbidden.as_str()),
        ),
        (
            "role of another account",
            "Deny",
            foreign,
            None,
            Some(BAD_CONFIGURATION),
        ),
    ];
    for (why, resolution, claims, custom, refusal) in cases {
        check(token(resolution), claims, custom, refusal, why);
    }
}

#[test]
fn a_rules_mapping_takes_the_first_rule_that_matches() {
    let rule = |kind: &str| json!({"Claim": "team", "MatchType": kind, "Value": "blue", "RoleARN": OTHER_ROLE});
    let rules = |kind: &str| {
        json!({
            "Type": "Rules",
            "AmbiguousRoleResolution": "Deny",
            "RulesConfiguration": {"Rules": [rule(kind)]},
        })
    };
    let team = |team: &str| json!({"team": team});
    let cases = [
        ("Equals", team("blue"), None, None),
        ("Equals", team("Blue"), None, Some(DENIED)),
        ("Contains", team("dark blue sea"), None, None),
        ("Contains", team("red"), None, Some(DENIED)),
        ("StartsWith", team("blue sea"), None, None),
        ("StartsWith", team("dark blue"), None, Some(DENIED)),
        ("NotEqual", team("red"), None, None),
        ("NotEqual", team("blue"), None, Some(DENIED)),
        ("NotEqual", json!({}), None, Some(DENIED)),
        ("Equals", json!({"team": ["red", "blue"]}), None, None),
        ("Equals", team("blue"), Some(OTHER_ROLE), None),
        ("Equals", team("blue"), Some(ROLE), Some(DENIED)),
    ];
    for (kind, claims, custom, refusal) in cases {
        let why = format!("{kind} {claims} {custom:?}");
        check(rules(kind), claims, custom, refusal, &why);
    }
}

#[test]
fn a_custom_role_without_a_mapping_is_forbidden() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let identity = world.identity(&pool, user("ann"));

    let refused = world.refused(
        "GetCredentialsForIdentity",
        json!({"IdentityId": identity, "Logins": user("ann"), "CustomRoleArn": ROLE}),
    );

    assert_eq!(
        refused,
        error(
            "NotAuthorized",
            &format!("Access to Role '{ROLE}' is forbidden.")
        )
    );
}

#[test]
fn an_assertion_brings_its_own_roles_and_works_in_the_enhanced_flow_only() {
    let world = World::new();
    let saml = "arn:aws:iam::123456789012:saml-provider/idp";
    let pool = world.pool(json!({"SamlProviderARNs": [saml]}));
    let assertion = |roles: &[&str]| {
        let values: String = roles
            .iter()
            .map(|role| format!("<AttributeValue>{role},{saml}</AttributeValue>"))
            .collect();
        let xml = format!(
            r#"<Assertion><Subject><NameID>ann</NameID></Subject><AttributeStatement><Attribute Name="https://aws.amazon.com/SAML/Attributes/Role">{values}</Attribute></AttributeStatement></Assertion>"#
        );
        json!({saml: base64::engine::general_purpose::STANDARD.encode(xml)})
    };
    let identity = world.identity(&pool, assertion(&[ROLE]));
    let ask = |roles: &[&str], custom: Option<&str>| {
        world.call(
            "GetCredentialsForIdentity",
            json!({"IdentityId": identity, "Logins": assertion(roles), "CustomRoleArn": custom}),
        )
    };

    assert!(ask(&[ROLE], None).is_ok());
    assert!(ask(&[ROLE, OTHER_ROLE], Some(OTHER_ROLE)).is_ok());
    assert!(ask(&[ROLE, OTHER_ROLE], None).is_err());
    assert!(ask(&[ROLE], Some(OTHER_ROLE)).is_err());
    let (kind, _) = world.refused(
        "GetOpenIdToken",
        json!({"IdentityId": identity, "Logins": assertion(&[ROLE])}),
    );
    assert_eq!(kind, "InvalidParameterException");
}

/// Asks for credentials with a token of these claims under this role mapping.
fn check(mapping: Value, claims: Value, custom: Option<&str>, refusal: Option<&str>, why: &str) {
    let world = World::new();
    let pool = world.pool(json!({}));
    world.ok(
        "SetIdentityPoolRoles",
        json!({
            "IdentityPoolId": pool,
            "Roles": {"authenticated": ROLE},
            "RoleMappings": {format!("{USER_POOL}:client"): mapping},
        }),
    );
    let logins = json!({USER_POOL: token(USER_POOL, "client", "ann", claims)});
    let identity = world.identity(&pool, logins.clone());

    let answer = world.call(
        "GetCredentialsForIdentity",
        json!({"IdentityId": identity, "Logins": logins, "CustomRoleArn": custom}),
    );

    let message = answer.err().map(|refused| refused.message);
    assert_eq!(message.as_deref(), refusal, "{why}");
}
