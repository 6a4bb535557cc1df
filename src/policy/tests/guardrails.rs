//! What guardrails refuse, what they leave alone, and attempts to get round them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::operation::Operation as O;
use crate::policy::testing::{ALL, Call, Files, IDENTITY, call, plain};
use crate::policy::{Policies, ProductionTag, RoleArns, guardrail_names};

const PRODUCTION: (&str, &str) = ("environment", "production");
const GUESTS: &str = "forbidden: guardrail-production-guests";
const CLASSIC: &str = "forbidden: guardrail-production-classic-flow";
const TAG: &str = "forbidden: guardrail-production-tag";
const ROLES: &str = "forbidden: guardrail-role-arns";
const DURATION: &str = "forbidden: guardrail-token-duration";
const NAME: &str = "forbidden: guardrail-developer-provider-name";
const DELETIONS: &str = "forbidden: guardrail-deletions";
const ALLOWED: &str = "allowed";

/// Everything is permitted, and all guardrails are on.
fn guarded() -> Policies {
    let mut files = Files::new(ALL);
    files.settings.allowed_role_arns =
        RoleArns::parse(["arn:aws:iam::111111111111:role/app-*"]).unwrap();
    files.load()
}

fn run(cases: &[(Call, &str, &str)]) {
    let policies = guarded();
    for (call, expected, why) in cases {
        assert_eq!(&call.outcome(&policies), expected, "{why}");
    }
}

fn create(more: Value) -> Call {
    let base = json!({"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": false, "AllowClassicFlow": false});
    call(O::CreateIdentityPool, with(base, more))
}

fn update(more: Value) -> Call {
    let base = json!({"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": false, "AllowClassicFlow": false});
    call(O::UpdateIdentityPool, with(base, more)).tagged(&[])
}

fn masked(paths: &[&str], parameters: Value) -> Call {
    call(O::UpdateIdentityPool, parameters)
        .mask(paths)
        .tagged(&[])
}

/// The one object with the members of the other; `null` takes a member away.
fn with(mut base: Value, more: Value) -> Value {
    let object = base.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap().clone() {
        match value {
            Value::Null => object.remove(&name),
            value => object.insert(name, value),
        };
    }
    base
}

fn production_tags() -> Value {
    json!({"IdentityPoolTags": {"environment": "production"}})
}

#[test]
fn guests_are_not_let_into_production() {
    let open = json!({"AllowUnauthenticatedIdentities": true});
    run(&[
        (
            update(open.clone()).tagged(&[PRODUCTION]),
            GUESTS,
            "the attack",
        ),
        (update(open.clone()), ALLOWED, "another pool"),
        (
            update(json!({})).tagged(&[PRODUCTION]),
            ALLOWED,
            "not opened",
        ),
        (
            masked(&["allow_unauthenticated_identities"], open.clone()).tagged(&[PRODUCTION]),
            GUESTS,
            "by a mask",
        ),
        (
            masked(
                &["allow_classic_flow"],
                with(open.clone(), json!({"AllowClassicFlow": false})),
            )
            .tagged(&[PRODUCTION]),
            ALLOWED,
            "a member beside the mask is not written",
        ),
        (
            create(with(open.clone(), production_tags())),
            GUESTS,
            "created so",
        ),
        (create(open.clone()), ALLOWED, "created without the tag"),
        (create(production_tags()), ALLOWED, "created closed"),
        (
            update(with(open.clone(), production_tags())),
            GUESTS,
            "tagged in the same call",
        ),
        (
            update(with(
                open.clone(),
                json!({"IdentityPoolTags": {"environment": "dev"}}),
            ))
            .by("root", &["admin"])
            .tagged(&[PRODUCTION]),
            GUESTS,
            "the tag taken off in the same call",
        ),
        (
            update(open.clone())
                .by("root", &["admin"])
                .tagged(&[PRODUCTION]),
            GUESTS,
            "not even by admins",
        ),
        (
            update(open.clone()).tagged(&[("environment", "Production")]),
            ALLOWED,
            "another value",
        ),
        (
            update(open.clone()).tagged(&[("Environment", "production")]),
            ALLOWED,
            "another key",
        ),
        (
            update(open).tagged(&[("a", "b"), PRODUCTION, ("z", "production")]),
            GUESTS,
            "among other tags",
        ),
    ]);
}

#[test]
fn the_classic_flow_of_production_is_not_opened_and_least_of_all_by_leaving_it_out() {
    let left_out = json!({"AllowClassicFlow": null});
    let open = json!({"AllowClassicFlow": true});
    run(&[
        (
            update(open.clone()).tagged(&[PRODUCTION]),
            CLASSIC,
            "the attack",
        ),
        (
            update(left_out.clone()).tagged(&[PRODUCTION]),
            CLASSIC,
            "AWS resets it",
        ),
        (
            update(json!({})).tagged(&[PRODUCTION]),
            ALLOWED,
            "kept closed",
        ),
        (update(left_out.clone()), ALLOWED, "another pool"),
        (
            masked(&["allow_classic_flow"], json!({})).tagged(&[PRODUCTION]),
            CLASSIC,
            "cleared by a mask",
        ),
        (
            masked(&["identity_pool_name"], json!({"IdentityPoolName": "p"})).tagged(&[PRODUCTION]),
            ALLOWED,
            "not in the mask",
        ),
        (
            create(with(left_out, production_tags())),
            CLASSIC,
            "created open by omission",
        ),
        (
            create(with(open.clone(), production_tags())),
            CLASSIC,
            "created open",
        ),
        (create(production_tags()), ALLOWED, "created closed"),
        (create(open.clone()), ALLOWED, "created without the tag"),
        (
            update(with(open, production_tags())),
            CLASSIC,
            "tagged in the same call",
        ),
    ]);
}

#[test]
fn a_pool_whose_tags_are_not_known_counts_as_production_where_it_matters() {
    let unknown = |mut call: Call| {
        call.facts.tags_of_pool.clear();
        call
    };
    let open = json!({"AllowUnauthenticatedIdentities": true});
    run(&[
        (unknown(update(open)), GUESTS, "guests"),
        (
            unknown(update(json!({"AllowClassicFlow": true}))),
            CLASSIC,
            "classic flow",
        ),
        (
            unknown(update(json!({}))),
            ALLOWED,
            "an update that opens nothing",
        ),
        (
            unknown(call(O::UntagResource, json!({"TagKeys": ["environment"]}))),
            TAG,
            "the tag",
        ),
        (
            unknown(call(O::UntagResource, json!({"TagKeys": ["team"]}))),
            ALLOWED,
            "another tag",
        ),
        (unknown(plain(O::DescribeIdentityPool)), ALLOWED, "reading"),
        (unknown(plain(O::GetId)), ALLOWED, "issuing"),
    ]);
}

#[test]
fn the_production_tag_stays_on_unless_an_admin_takes_it_off() {
    let tag = |tags: Value| call(O::TagResource, json!({"Tags": tags})).tagged(&[PRODUCTION]);
    let untag =
        |keys: Value| call(O::UntagResource, json!({"TagKeys": keys})).tagged(&[PRODUCTION]);
    let tags = |tags: Value| update(json!({"IdentityPoolTags": tags})).tagged(&[PRODUCTION]);
    run(&[
        (untag(json!(["environment"])), TAG, "the attack"),
        (untag(json!(["a", "environment"])), TAG, "among others"),
        (untag(json!(["a"])), ALLOWED, "another tag"),
        (
            untag(json!(["Environment"])),
            ALLOWED,
            "no tag of this pool",
        ),
        (
            untag(json!(["environment"])).by("root", &["admin"]),
            ALLOWED,
            "an admin",
        ),
        (
            untag(json!(["environment"])).by("admin", &["Admin"]),
            TAG,
            "no admin",
        ),
        (tag(json!({"environment": "dev"})), TAG, "another value"),
        (
            tag(json!({"environment": "Production"})),
            TAG,
            "another case",
        ),
        (tag(json!({"environment": ""})), TAG, "no value"),
        (
            tag(json!({"environment": "production"})),
            ALLOWED,
            "the same value",
        ),
        (tag(json!({"team": "a"})), ALLOWED, "another tag"),
        (tags(json!({})), TAG, "an update that clears all tags"),
        (
            tags(json!({"environment": "dev"})),
            TAG,
            "an update with another value",
        ),
        (
            tags(json!({"team": "production"})),
            TAG,
            "an update with the value elsewhere",
        ),
        (
            tags(json!({"environment": "production", "a": "b"})),
            ALLOWED,
            "an update that keeps it",
        ),
        (
            tags(json!({})).by("root", &["admin"]),
            ALLOWED,
            "an admin's update",
        ),
        (
            update(json!({})).tagged(&[PRODUCTION]),
            ALLOWED,
            "AWS keeps tags that are left out",
        ),
        (
            masked(&["identity_pool_tags"], json!({})).tagged(&[PRODUCTION]),
            TAG,
            "cleared by a mask",
        ),
        (
            masked(
                &["identity_pool_name"],
                json!({"IdentityPoolName": "p", "IdentityPoolTags": {}}),
            )
            .tagged(&[PRODUCTION]),
            ALLOWED,
            "not in the mask",
        ),
        (
            call(O::TagResource, json!({"Tags": {"environment": "dev"}}))
                .tagged(&[("environment", "test")]),
            ALLOWED,
            "another pool",
        ),
    ]);
}

#[test]
fn roles_come_from_the_list_wherever_they_are_hidden() {
    let listed = "arn:aws:iam::111111111111:role/app-guest";
    let foreign = "arn:aws:iam::222222222222:role/app-guest";
    let rules = |arn: &str| {
        json!({"RoleMappings": {"idp": {"Type": "Rules", "RulesConfiguration": {"Rules": [
            {"Claim": "a", "MatchType": "Equals", "Value": "b", "RoleARN": listed},
            {"Claim": "a", "MatchType": "Equals", "Value": "c", "RoleARN": arn},
        ]}}}, "Roles": {"authenticated": listed}})
    };
    let set = |parameters: Value| call(O::SetIdentityPoolRoles, parameters);
    let credentials = |parameters: Value| call(O::GetCredentialsForIdentity, parameters);
    run(&[
        (
            set(json!({"Roles": {"authenticated": foreign}})),
            ROLES,
            "the attack",
        ),
        (
            set(json!({"Roles": {"authenticated": listed, "unauthenticated": foreign}})),
            ROLES,
            "the second",
        ),
        (
            set(json!({"Roles": {"authenticated": listed}})),
            ALLOWED,
            "on the list",
        ),
        (set(json!({"Roles": {}})), ALLOWED, "none at all"),
        (set(rules(foreign)), ROLES, "in a rule"),
        (set(rules(listed)), ALLOWED, "a rule with one on the list"),
        (
            set(json!({"Roles": {"authenticated": format!("{listed} ")}})),
            ALLOWED,
            "covered by the wildcard",
        ),
        (
            set(json!({"Roles": {"authenticated": listed.to_uppercase()}})),
            ROLES,
            "another case",
        ),
        (
            credentials(json!({"CustomRoleArn": foreign})),
            ROLES,
            "asked for",
        ),
        (
            credentials(json!({"CustomRoleArn": listed})),
            ALLOWED,
            "asked for, on the list",
        ),
        (credentials(json!({})), ALLOWED, "not asked for"),
    ]);
}

#[test]
fn without_a_list_no_role_can_be_named() {
    let policies = Files::new(ALL).load();
    let arn = "arn:aws:iam::111111111111:role/app";
    for (call, expected) in [
        (
            call(
                O::SetIdentityPoolRoles,
                json!({"Roles": {"authenticated": arn}}),
            ),
            ROLES,
        ),
        (
            call(O::GetCredentialsForIdentity, json!({"CustomRoleArn": arn})),
            ROLES,
        ),
        (call(O::SetIdentityPoolRoles, json!({"Roles": {}})), ALLOWED),
        (plain(O::GetCredentialsForIdentity), ALLOWED),
    ] {
        assert_eq!(call.outcome(&policies), expected);
    }
}

#[test]
fn tokens_hold_no_longer_than_the_ceiling() {
    let token = |parameters| call(O::GetOpenIdTokenForDeveloperIdentity, parameters);
    run(&[
        (
            token(json!({"TokenDuration": 3601})),
            DURATION,
            "the attack",
        ),
        (
            token(json!({"TokenDuration": 86_400})),
            DURATION,
            "AWS's longest",
        ),
        (
            token(json!({"TokenDuration": 3600})),
            ALLOWED,
            "the ceiling",
        ),
        (token(json!({})), ALLOWED, "AWS's default"),
    ]);

    let mut files = Files::new(ALL);
    files.settings.max_token_duration = Duration::from_secs(600);
    let policies = files.load();
    assert_eq!(
        token(json!({})).outcome(&policies),
        DURATION,
        "a default above the ceiling"
    );
    assert_eq!(
        token(json!({"TokenDuration": 600})).outcome(&policies),
        ALLOWED
    );
}

#[test]
fn the_developer_provider_of_a_pool_is_not_set_by_an_update() {
    let name = json!({"DeveloperProviderName": "evil"});
    run(&[
        (update(name.clone()), NAME, "the attack"),
        (update(json!({})), ALLOWED, "AWS keeps what is left out"),
        (
            masked(&["developer_provider_name"], name.clone()),
            NAME,
            "by a mask",
        ),
        (
            masked(&["developer_provider_name"], json!({})),
            NAME,
            "cleared by a mask",
        ),
        (
            masked(
                &["identity_pool_name"],
                with(name.clone(), json!({"IdentityPoolName": "p"})),
            ),
            ALLOWED,
            "not in the mask",
        ),
        (
            update(name.clone()).by("root", &["admin"]),
            NAME,
            "not even by admins",
        ),
        (create(name), ALLOWED, "a pool may be created with one"),
    ]);
}

#[test]
fn only_admins_delete() {
    run(&[
        (plain(O::DeleteIdentityPool), DELETIONS, "a pool"),
        (plain(O::DeleteIdentities), DELETIONS, "identities"),
        (
            plain(O::DeleteIdentityPool).by("root", &["ops", "admin"]),
            ALLOWED,
            "an admin",
        ),
        (
            plain(O::DeleteIdentities).by("root", &["admin"]),
            ALLOWED,
            "an admin",
        ),
        (
            plain(O::DeleteIdentityPool).by("admin", &["Admin"]),
            DELETIONS,
            "a name is no role",
        ),
        (
            plain(O::UnlinkDeveloperIdentity),
            ALLOWED,
            "the daily work of a developer provider",
        ),
        (plain(O::UnlinkIdentity), ALLOWED, "a user's own doing"),
    ]);
}

#[test]
fn tag_role_and_ceiling_are_configured() {
    let mut files = Files::new(ALL);
    files.settings.production_tag = ProductionTag::parse("stage=\"live\"").unwrap();
    files.settings.admin_role = "root \"1\"".to_owned();
    let policies = files.load();
    let open = update(json!({"AllowUnauthenticatedIdentities": true}));

    let live = open.clone().tagged(&[("stage", "\"live\"")]);
    assert_eq!(live.outcome(&policies), GUESTS);
    assert_eq!(open.tagged(&[PRODUCTION]).outcome(&policies), ALLOWED);
    let delete = plain(O::DeleteIdentityPool);
    assert_eq!(
        delete.clone().by("a", &["admin"]).outcome(&policies),
        DELETIONS
    );
    assert_eq!(delete.by("a", &["root \"1\""]).outcome(&policies), ALLOWED);
}

#[test]
fn each_guardrail_can_be_switched_off_by_its_name_and_no_other_goes_with_it() {
    let token = json!({"TokenDuration": 86_400});
    let everything = [
        plain(O::DeleteIdentityPool),
        call(O::GetOpenIdTokenForDeveloperIdentity, token),
        update(json!({"DeveloperProviderName": "evil"})),
        call(
            O::GetCredentialsForIdentity,
            json!({"CustomRoleArn": "arn:aws:iam::1:role/a"}),
        ),
        update(json!({"AllowUnauthenticatedIdentities": true})).tagged(&[PRODUCTION]),
        update(json!({"AllowClassicFlow": true})).tagged(&[PRODUCTION]),
        call(O::UntagResource, json!({"TagKeys": ["environment"]})).tagged(&[PRODUCTION]),
    ];
    for name in guardrail_names() {
        let mut files = Files::new(ALL);
        files.settings.guardrails_off = vec![name.clone()];
        let policies = files.load();

        let outcomes: Vec<String> = everything
            .iter()
            .map(|call| call.outcome(&policies))
            .collect();

        assert!(
            !outcomes.iter().any(|outcome| outcome.ends_with(&name)),
            "{name}"
        );
        let allowed = outcomes
            .iter()
            .filter(|outcome| *outcome == ALLOWED)
            .count();
        assert_eq!(allowed, 1, "{name}: {outcomes:?}");
    }
}

#[test]
fn an_identity_of_a_production_pool_is_used_as_before() {
    let call = plain(O::GetCredentialsForIdentity).identity_in(IDENTITY, "eu-west-1:aa");
    run(&[(call, ALLOWED, "guardrails are about changes")]);
}
