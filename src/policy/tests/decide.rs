//! What comes of a call.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use serde_json::json;

use crate::call::Resource;
use crate::failure::Denial;
use crate::operation::Operation as O;
use crate::policy::rule::Rule;
use crate::policy::testing::{ALL, Call, Files, IDENTITY, OTHER_POOL, POOL, call, plain};
use crate::policy::{Action, Facts, Needs, Outcome, Policies, Prospect, Settings, Verdict, source};

const SECOND: &str = "eu-west-1:dddddddd-0000-4000-8000-000000000000";

#[test]
fn a_call_needs_a_policy_that_permits_it_and_none_that_forbids_it() {
    let policies = Files::new(
        r#"@id("read") permit (principal, action in Poolgate::Action::"read", resource);
        @id("not-at-night") forbid (principal, action, resource)
            when { context.time >= datetime("2030-01-01") };
        @id("not-evil") forbid (principal == Poolgate::Caller::"evil", action, resource);"#,
    )
    .load();
    let late = |mut call: Call| {
        call.now = humantime::parse_rfc3339("2030-01-01T00:00:00Z").unwrap();
        call
    };
    let read = plain(O::DescribeIdentityPool);
    for (call, expected) in [
        (read.clone(), "allowed"),
        (plain(O::CreateIdentityPool), "not permitted"),
        (late(read.clone()), "forbidden: not-at-night"),
        (
            late(read.clone()).by("evil", &[]),
            "forbidden: not-at-night not-evil",
        ),
    ] {
        assert_eq!(call.outcome(&policies), expected);
    }
    let decision = read.decided_by(&policies);
    assert_eq!(decision.policies, ["read"]);
    assert_eq!(decision.shadow, None);
}

#[test]
fn everything_that_is_known_can_be_asked_for() {
    let call = plain(O::GetId)
        .by("shop", &["ops"])
        .tagged(&[("team", "shop")]);
    let facts = Facts {
        account: Some("111111111111".into()),
        target: Some("shop".into()),
        ..call.facts.clone()
    };
    let call = Call { facts, ..call };
    let identity = Call {
        facts: call.facts.clone(),
        ..plain(O::DescribeIdentity)
    };
    let create = plain(O::CreateIdentityPool);
    for (call, condition, expected) in [
        (&call, "principal in Poolgate::Role::\"ops\"", true),
        (&call, "principal in Poolgate::Role::\"dev\"", false),
        (
            &call,
            "principal.id == \"shop\" && principal.proof == \"token\"",
            true,
        ),
        (
            &call,
            "principal.hasTag(\"team\") && resource.hasTag(\"team\") && principal.getTag(\"team\") == resource.getTag(\"team\")",
            true,
        ),
        (&call, "resource.hasTag(\"other\")", false),
        (&call, "resource.tags_known", true),
        (
            &call,
            "resource.id like \"eu-west-1:aaaa*\" && resource.region == \"eu-west-1\"",
            true,
        ),
        (
            &call,
            "resource has account && resource.account == \"111111111111\"",
            true,
        ),
        (
            &call,
            "resource has target && resource.target == \"shop\"",
            true,
        ),
        (
            &identity,
            "resource has target && resource has account && resource.target == \"shop\" && resource.account == \"111111111111\"",
            true,
        ),
        (&create, "resource has target", false),
        (&call, "context.peer_address.isLoopback()", true),
        (&create, "resource.region == \"us-east-1\"", true),
        (&create, "resource has account", false),
    ] {
        let Some(Action::Operation(operation)) = Some(call.action) else {
            unreachable!()
        };
        let policy = format!(
            "@id(\"a\") permit (principal, action == Poolgate::Action::\"{operation}\", resource) when {{ {condition} }};"
        );
        let decision = call.decided_by(&Files::new(&policy).load());
        assert_eq!(
            decision.verdict == Verdict::Allowed,
            expected,
            "{condition}"
        );
    }
}

#[test]
fn an_ipv4_address_in_ipv6_is_the_ipv4_address() {
    let policies = Files::new(
        "@id(\"a\") permit (principal, action, resource) when { context.peer_address.isInRange(ip(\"10.0.0.0/8\")) };",
    )
    .load();
    let mut call = plain(O::GetId);
    for (address, expected) in [
        (IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3)), "allowed"),
        (
            IpAddr::V6(Ipv4Addr::new(10, 1, 2, 3).to_ipv6_mapped()),
            "allowed",
        ),
        (IpAddr::V4(Ipv4Addr::new(11, 1, 2, 3)), "not permitted"),
    ] {
        call.peer = address;
        assert_eq!(call.outcome(&policies), expected, "{address}");
    }
}

#[test]
fn an_identity_is_in_its_pool_only_where_the_pool_is_known() {
    let policies = Files::new(&format!(
        "@id(\"a\") permit (principal, action, resource in Poolgate::IdentityPool::\"{POOL}\");"
    ))
    .load();
    let call = plain(O::GetCredentialsForIdentity);

    assert_eq!(call.outcome(&policies), "not permitted");
    let known = call.clone().identity_in(IDENTITY, POOL);
    assert_eq!(known.outcome(&policies), "allowed");
    let other = call.identity_in(IDENTITY, OTHER_POOL);
    assert_eq!(other.outcome(&policies), "not permitted");
}

#[test]
fn several_identities_may_be_deleted_if_each_of_them_may() {
    let mut files = Files::new(&format!(
        r#"@id("own") permit (principal, action, resource in Poolgate::IdentityPool::"{POOL}");
        @id("one") permit (principal, action, resource == Poolgate::Identity::"{SECOND}");
        @id("keep") forbid (principal, action, resource == Poolgate::Identity::"eu-west-1:ee");"#
    ));
    files.settings.guardrails_off = vec!["guardrail-deletions".to_owned()];
    let policies = files.load();
    let delete = |ids: &[&str]| {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        plain(O::DeleteIdentities)
            .on(Resource::Identities(ids))
            .identity_in(IDENTITY, POOL)
    };
    for (ids, expected, why) in [
        (&[IDENTITY][..], "allowed", "in the pool"),
        (&[IDENTITY, SECOND], "allowed", "each by another policy"),
        (
            &[IDENTITY, "eu-west-1:ff"],
            "not permitted",
            "one of unknown pool",
        ),
        (
            &["eu-west-1:ff", IDENTITY],
            "not permitted",
            "in either order",
        ),
        (
            &["eu-west-1:ff", "eu-west-1:ee"],
            "forbidden: keep",
            "one forbidden",
        ),
        (&[], "not permitted", "none at all"),
    ] {
        assert_eq!(delete(ids).outcome(&policies), expected, "{why}");
    }
    let both = delete(&[IDENTITY, SECOND]).decided_by(&policies);
    assert_eq!(both.policies, ["one", "own"]);
}

#[test]
fn reflection_is_asked_for_by_its_own_name() {
    let policies = Files::new(
        r#"@id("a") permit (principal in Poolgate::Role::"dev", action == Poolgate::Action::"reflection", resource);"#,
    )
    .load();
    let reflection = |roles: &[&str]| Call {
        action: Action::Reflection,
        subject: None,
        ..plain(O::GetId).by("a", roles)
    };
    assert_eq!(reflection(&["dev"]).outcome(&policies), "allowed");
    assert_eq!(reflection(&[]).outcome(&policies), "not permitted");

    let all =
        Files::new("@id(\"a\") permit (principal, action in Poolgate::Action::\"all\", resource);")
            .load();
    assert_eq!(reflection(&["dev"]).outcome(&all), "not permitted");
}

#[test]
fn an_operation_without_a_subject_is_denied() {
    let call = Call {
        subject: None,
        ..plain(O::GetId)
    };
    let outcome = call.outcome(&Files::new(ALL).load());
    assert_eq!(outcome, "unevaluated: the call has no subject");
}

/// The reference's F18: Cedar skips the `forbid`, and would allow the call.
#[test]
fn a_policy_that_cannot_be_evaluated_denies_even_when_forced_past_validation() {
    let broken =
        "@id(\"broken\") forbid (principal, action, resource) when { context.time in [\"x\"] };";
    let text = format!("{ALL}\n{broken}");
    let mistakes = Files::new(&text).mistakes();
    assert!(
        mistakes[0].starts_with("policies.cedar:2: `broken`: "),
        "{mistakes:?}"
    );

    let rules = rules(&text);
    let policies = Policies::new(Settings::default(), rules, Vec::new());
    let decision = plain(O::GetId).decided_by(&policies);

    let Verdict::Denied(Denial::Unevaluated { cause }) = decision.verdict else {
        panic!("{:?}", decision.verdict);
    };
    assert!(cause.starts_with("`broken`: "), "{cause}");
    assert_eq!(decision.policies, ["broken"]);
}

#[test]
fn shadow_policies_are_told_and_never_enforced() {
    let files = Files::new(
        r#"@id("read") permit (principal, action in Poolgate::Action::"read", resource);"#,
    )
    .shadow(
        r#"@id("new-write") permit (principal, action in Poolgate::Action::"write", resource);
        @id("new-forbid") forbid (principal, action == Poolgate::Action::"ListIdentities", resource);"#,
    );
    let policies = files.load();
    let guarded = plain(O::DeleteIdentityPool);
    for (call, enforced, outcome, names) in [
        (
            plain(O::DescribeIdentityPool),
            "allowed",
            Outcome::Same,
            &[][..],
        ),
        (
            plain(O::ListIdentities),
            "allowed",
            Outcome::WouldDeny,
            &["new-forbid"],
        ),
        (
            plain(O::MergeDeveloperIdentities),
            "not permitted",
            Outcome::WouldAllow,
            &["new-write"],
        ),
        (
            guarded,
            "forbidden: guardrail-deletions",
            Outcome::Same,
            &["new-write"],
        ),
        (plain(O::GetId), "not permitted", Outcome::Same, &[]),
    ] {
        let shadow = call.decided_by(&policies).shadow.unwrap();
        assert_eq!(call.outcome(&policies), enforced);
        assert_eq!(
            (shadow.outcome, shadow.policies.as_slice()),
            (
                outcome,
                &names
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect::<Vec<_>>()[..]
            )
        );
        assert_eq!(shadow.errors, Vec::<String>::new());
    }
}

#[test]
fn an_error_of_a_shadow_policy_matters_to_nobody_but_is_told() {
    let shadow =
        rules("@id(\"broken\") permit (principal, action, resource) when { context.nothing };");
    let policies = Policies::new(Settings::default(), rules(ALL), shadow);

    let decision = plain(O::GetId).decided_by(&policies);

    assert_eq!(decision.verdict, Verdict::Allowed);
    assert_eq!(decision.policies, ["all"]);
    let shadow = decision.shadow.unwrap();
    assert_eq!(shadow.outcome, Outcome::WouldDeny);
    assert!(
        shadow.errors[0].starts_with("`broken`: "),
        "{:?}",
        shadow.errors
    );
}

#[test]
fn tags_matter_only_where_a_permit_can_apply_to_the_caller_and_the_resource() {
    let files = Files::new(&format!(
        r#"@id("team") permit (principal in Poolgate::Role::"team", action in Poolgate::Action::"all", resource);
        @id("own") permit (principal, action in Poolgate::Action::"all", resource in Poolgate::IdentityPool::"{OTHER_POOL}");
        @id("frozen") forbid (principal, action == Poolgate::Action::"GetId", resource)
            when {{ resource.hasTag("frozen") }};"#
    ))
    .shadow(
        r#"@id("new") permit (principal in Poolgate::Role::"new", action in Poolgate::Action::"all", resource);"#,
    );
    let policies = files.load();
    for (roles, operation, expected, why) in [
        (&[][..], O::GetId, None, "no permit"),
        (&["team"][..], O::GetId, Some(true), "a forbid asks"),
        (&["team"][..], O::ListIdentities, Some(false), "nobody asks"),
        (
            &["team"][..],
            O::UpdateIdentityPool,
            Some(true),
            "a guardrail",
        ),
        (&[][..], O::UpdateIdentityPool, None, "a guardrail alone"),
        (
            &["new"][..],
            O::GetId,
            Some(true),
            "a shadow policy permits",
        ),
        (&[][..], O::GetOpenIdToken, None, "an identity of no pool"),
    ] {
        let call = plain(operation).by("ann", roles);
        let found = match policies.prospect(&call.question()) {
            Prospect::Denied(decision) => {
                assert_eq!(decision.verdict, Verdict::Denied(Denial::NotPermitted));
                assert_eq!(decision.shadow.unwrap().outcome, Outcome::Same, "{why}");
                None
            }
            Prospect::Open { asks_tags } => Some(asks_tags),
        };
        assert_eq!(found, expected, "{operation}: {why}");
    }
    let known = plain(O::GetOpenIdToken).identity_in(IDENTITY, OTHER_POOL);
    assert_eq!(
        policies.prospect(&known.question()),
        Prospect::Open { asks_tags: false }
    );
}

#[test]
fn facts_are_needed_only_for_actions_whose_policies_ask() {
    let mut files = Files::new(&format!(
        r#"@id("team") permit (principal, action in Poolgate::Action::"read", resource is Poolgate::IdentityPool)
            when {{ resource.hasTag("team") && resource.getTag("team") == "a" }};
        @id("pool") permit (principal, action == Poolgate::Action::"GetOpenIdToken", resource in Poolgate::IdentityPool::"{POOL}");"#
    ))
    .shadow(
        r#"@id("new") permit (principal, action == Poolgate::Action::"DeleteIdentityPool", resource)
            when { resource.hasTag("team") };"#,
    );
    let needs = |tags, pool_of_identity| Needs {
        tags,
        pool_of_identity,
    };
    let cases = [
        (O::DescribeIdentityPool, true, false, "a policy asks"),
        (O::DescribeIdentity, false, false, "identities have no tags"),
        (
            O::ListIdentityPools,
            false,
            false,
            "the account has no tags",
        ),
        (O::GetOpenIdToken, false, true, "a policy asks"),
        (O::GetCredentialsForIdentity, false, false, "no policy asks"),
        (O::UpdateIdentityPool, true, false, "guardrails ask"),
        (O::DeleteIdentityPool, true, false, "a shadow policy asks"),
        (O::SetIdentityPoolRoles, false, false, "no policy asks"),
    ];
    let policies = files.load();
    for (operation, tags, pool_of_identity, why) in cases {
        assert_eq!(
            policies.needs(operation.into()),
            needs(tags, pool_of_identity),
            "{operation}: {why}"
        );
    }

    files.settings.guardrails_off = crate::policy::guardrail_names();
    let unguarded = files.load();
    assert_eq!(
        unguarded.needs(O::UpdateIdentityPool.into()),
        Needs::default()
    );
}

/// T-G4: a caller of one pool with identifiers of another.
#[test]
fn a_caller_of_one_pool_does_nothing_to_another() {
    let mut files = Files::new(&format!(
        r#"@id("own-pool") permit (principal == Poolgate::Caller::"shop", action, resource == Poolgate::IdentityPool::"{POOL}");
        @id("own-identities") permit (principal == Poolgate::Caller::"shop", action, resource in Poolgate::IdentityPool::"{POOL}");"#
    ));
    files.settings.guardrails_off = crate::policy::guardrail_names();
    let policies = files.load();
    let mut owned = 0;
    for &operation in O::ALL {
        let own = plain(operation).identity_in(IDENTITY, POOL);
        let resource = &own.subject.as_ref().unwrap().resource;
        let foreign = match resource {
            Resource::Account => Resource::Account,
            Resource::Pool(_) => Resource::Pool(OTHER_POOL.to_owned()),
            Resource::Identity(_) => Resource::Identity(SECOND.to_owned()),
            Resource::Identities(_) => {
                Resource::Identities(vec![IDENTITY.to_owned(), SECOND.to_owned()])
            }
        };
        let is_account = *resource == Resource::Account;
        let expected = if is_account {
            "not permitted"
        } else {
            "allowed"
        };
        owned += usize::from(!is_account);

        assert_eq!(own.outcome(&policies), expected, "{operation}");
        let foreign = own.on(foreign).identity_in(SECOND, OTHER_POOL);
        assert_eq!(foreign.outcome(&policies), "not permitted", "{operation}");
    }
    assert_eq!(owned, 21);
}

/// T-G6: a role that is asked for is permitted only where a policy says so.
#[test]
fn a_custom_role_can_be_told_from_none() {
    let policies = Files::new(
        r#"@id("plain") permit (principal, action == Poolgate::Action::"GetCredentialsForIdentity", resource)
            unless { context has custom_role_arn };"#,
    )
    .load();
    let asking = call(
        O::GetCredentialsForIdentity,
        json!({"CustomRoleArn": "arn:aws:iam::999999999999:role/admin"}),
    );
    assert_eq!(asking.outcome(&policies), "forbidden: guardrail-role-arns");
    assert_eq!(
        plain(O::GetCredentialsForIdentity).outcome(&policies),
        "allowed"
    );
}

fn rules(text: &str) -> Vec<Rule> {
    source::split(Path::new("a.cedar"), text)
        .into_iter()
        .map(|statement| Rule::read(statement).unwrap())
        .collect()
}
