//! T-Z4: who may do what, as one table: 23 operations for six roles, on the own resource,
//! on that of others, and on one that nothing is known of.

use std::fmt::Write;

use serde_json::json;

use crate::call::Resource;
use crate::operation::Operation;
use crate::policy::testing::{Call, Files, IDENTITY, OTHER_POOL, POOL, call};

const OTHER_IDENTITY: &str = "eu-west-1:dddddddd-0000-4000-8000-000000000000";

const ROLES: [&str; 6] = [
    "admin",
    "operator",
    "auditor",
    "developer",
    "service",
    "none",
];

/// Policies as an operator would write them.
const POLICIES: &str = r#"
@id("admin") permit (principal in Poolgate::Role::"admin", action, resource);
@id("operator") permit (principal in Poolgate::Role::"operator", action in [Poolgate::Action::"read", Poolgate::Action::"write"], resource);
@id("auditor") permit (principal in Poolgate::Role::"auditor", action in Poolgate::Action::"read", resource);
@id("developer") permit (principal in Poolgate::Role::"developer", action in [Poolgate::Action::"read", Poolgate::Action::"write"], resource is Poolgate::IdentityPool)
    when { principal.hasTag("team") && resource.hasTag("team") && principal.getTag("team") == resource.getTag("team") };
@id("service") permit (principal in Poolgate::Role::"service", action in Poolgate::Action::"issue", resource in Poolgate::IdentityPool::"eu-west-1:aaaaaaaa-0000-4000-8000-000000000000");
"#;

/// For each operation and role three letters, for the own resource, that of others, and
/// an unknown one: `A` allowed, `-` not permitted, `F` forbidden by a guardrail.
const EXPECTED: &str = "\
CreateIdentityPool                 AAA AAA --- --- --- ---
DescribeIdentityPool               AAA AAA AAA A-- --- ---
UpdateIdentityPool                 AAF AAF --F A-F --F --F
DeleteIdentityPool                 AAA FFF FFF FFF FFF FFF
ListIdentityPools                  AAA AAA AAA --- --- ---
GetIdentityPoolRoles               AAA AAA AAA A-- --- ---
SetIdentityPoolRoles               AAA AAA --- A-- --- ---
GetPrincipalTagAttributeMap        AAA AAA AAA A-- --- ---
SetPrincipalTagAttributeMap        AAA AAA --- A-- --- ---
TagResource                        AAA AAA --- A-- --- ---
UntagResource                      AAA AAA --- A-- --- ---
ListTagsForResource                AAA AAA AAA A-- --- ---
GetId                              AAA --- --- --- A-- ---
GetOpenIdToken                     AAA --- --- --- A-- ---
GetCredentialsForIdentity          AAA --- --- --- A-- ---
UnlinkIdentity                     AAA AAA --- --- --- ---
GetOpenIdTokenForDeveloperIdentity AAA --- --- --- A-- ---
LookupDeveloperIdentity            AAA AAA AAA A-- --- ---
MergeDeveloperIdentities           AAA AAA --- A-- --- ---
UnlinkDeveloperIdentity            AAA AAA --- A-- --- ---
DescribeIdentity                   AAA AAA AAA --- --- ---
ListIdentities                     AAA AAA AAA A-- --- ---
DeleteIdentities                   AAA FFF FFF FFF FFF FFF
";

#[test]
fn every_role_may_do_to_every_resource_what_the_table_says() {
    let policies = Files::new(POLICIES).load();
    let mut found = String::new();
    let mut decisions = 0;
    for &operation in Operation::ALL {
        write!(found, "{:<34}", operation.name()).unwrap();
        for role in ROLES {
            found.push(' ');
            for on in [own, of_others, unknown] {
                let outcome = on(operation).by("shop", &[role]).outcome(&policies);
                found.push(
                    match outcome
                        .split_once(':')
                        .map_or(outcome.as_str(), |(word, _)| word)
                    {
                        "allowed" => 'A',
                        "not permitted" => '-',
                        "forbidden" => 'F',
                        other => panic!("{operation}, {role}: {other}"),
                    },
                );
                decisions += 1;
            }
        }
        found.push('\n');
    }
    assert_eq!(decisions, 414);
    assert_eq!(found, EXPECTED);
}

fn request(operation: Operation) -> Call {
    // The classic flow is left out, which opens it where tags are not known.
    call(
        operation,
        json!({"AllowUnauthenticatedIdentities": false, "LoginsToRemove": ["a"]}),
    )
}

fn own(operation: Operation) -> Call {
    request(operation)
        .identity_in(IDENTITY, POOL)
        .tagged(&[("team", "shop")])
}

fn of_others(operation: Operation) -> Call {
    elsewhere(request(operation))
        .identity_in(OTHER_IDENTITY, OTHER_POOL)
        .tagged(&[("team", "mail")])
}

fn unknown(operation: Operation) -> Call {
    elsewhere(request(operation))
}

fn elsewhere(call: Call) -> Call {
    let resource = match &call.subject.as_ref().unwrap().resource {
        Resource::Account => Resource::Account,
        Resource::Pool(_) => Resource::Pool(OTHER_POOL.to_owned()),
        Resource::Identity(_) => Resource::Identity(OTHER_IDENTITY.to_owned()),
        Resource::Identities(_) => Resource::Identities(vec![OTHER_IDENTITY.to_owned()]),
    };
    call.on(resource)
}
