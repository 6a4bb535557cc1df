//! Samples that hold, and those that do not.

use crate::policy::testing::{ALL, Files, POOL};

#[test]
fn samples_that_hold_let_the_policies_take_effect() {
    let files = Files::new(
        r#"@id("team") permit (principal, action, resource is Poolgate::IdentityPool)
            when { principal.hasTag("team") && resource.hasTag("team") && principal.getTag("team") == resource.getTag("team") };
        @id("cards") permit (principal is Poolgate::Caller, action, resource in Poolgate::IdentityPool::"eu-west-1:0a")
            when { principal.proof == "certificate" && context.peer_address.isInRange(ip("10.0.0.0/8")) && context.time > datetime("2030-01-01") };"#,
    )
    .samples(&format!(
        r#"
[[sample]]
name = "own pool"
caller = "shop"
attributes = {{ team = "shop" }}
operation = "DescribeIdentityPool"
request = {{ IdentityPoolId = "{POOL}" }}
pool_tags = {{ team = "shop" }}
expect = "allow"
policy = "team"

[[sample]]
caller = "shop"
attributes = {{ team = "shop" }}
operation = "TagResource"
request = {{ ResourceArn = "arn:aws:cognito-identity:eu-west-1:111111111111:identitypool/{POOL}", Tags = {{ a = "b" }} }}
pool_tags = {{ team = "mail" }}
expect = "deny"

[[sample]]
caller = "root"
attributes = {{ team = "shop" }}
operation = "UpdateIdentityPool"
request = {{ IdentityPoolId = "{POOL}", AllowClassicFlow = true }}
update_mask = ["allow_classic_flow"]
pool_tags = {{ team = "shop", environment = "production" }}
expect = "deny"
policy = "guardrail-production-classic-flow"

[[sample]]
caller = "spiffe://example.org/cards"
proof = "certificate"
operation = "GetCredentialsForIdentity"
request = {{ IdentityId = "eu-west-1:0b" }}
pool_of_identity = {{ "eu-west-1:0b" = "eu-west-1:0a" }}
peer = "10.1.2.3"
time = "2030-06-01T00:00:00Z"
expect = "allow"
policy = "cards"

[[sample]]
caller = "root"
roles = ["admin"]
operation = "DeleteIdentities"
request = {{ IdentityIdsToDelete = ["eu-west-1:0b", "eu-west-1:0c"] }}
pool_of_identity = {{ "eu-west-1:0b" = "eu-west-1:0a" }}
expect = "deny"
"#
    ));
    assert_eq!(files.mistakes(), Vec::<String>::new());
}

#[test]
fn a_sample_that_does_not_hold_refuses_the_set_and_says_why() {
    let files = Files::new(ALL).samples(
        r#"
[[sample]]
name = "nobody lists"
caller = "a"
operation = "ListIdentityPools"
request = { MaxResults = 1 }
expect = "deny"

[[sample]]
caller = "a"
operation = "DeleteIdentityPool"
request = { IdentityPoolId = "eu-west-1:0a" }
expect = "allow"

[[sample]]
caller = "a"
operation = "DeleteIdentityPool"
request = { IdentityPoolId = "eu-west-1:0a" }
expect = "deny"
policy = "other"
"#,
    );
    assert_eq!(
        files.mistakes(),
        [
            "samples.toml:2: `nobody lists`: to be denied, and allowed by `all`",
            "samples.toml:9: `DeleteIdentityPool`: to be allowed, and denied: policy `guardrail-deletions` forbids this call",
            "samples.toml:15: `DeleteIdentityPool`: to be decided by `other`, and decided by `guardrail-deletions` alone",
        ]
    );
}

#[test]
fn a_sample_that_could_be_no_call_is_a_mistake() {
    for (sample, expected) in [
        (
            "operation = \"GetId\"\nrequest = { IdentityPoolID = \"a:0\" }",
            "samples.toml:1: `GetId` has no member `IdentityPoolID`",
        ),
        (
            "operation = \"GetId\"",
            "samples.toml:1: 1 validation error detected: Value null at 'identityPoolId'",
        ),
        (
            "operation = \"GetId\"\nrequest = { IdentityPoolId = \"a:0\" }\nupdate_mask = []",
            "samples.toml:1: `GetId` has no update mask",
        ),
        (
            "operation = \"UpdateIdentityPool\"\nupdate_mask = []",
            "samples.toml:1: an update mask names a field at least",
        ),
        (
            "operation = \"UpdateIdentityPool\"\nupdate_mask = [\"name\"]",
            "samples.toml:1: an update mask cannot name `name`",
        ),
        (
            "operation = \"UpdateIdentityPool\"\nrequest = { IdentityPoolId = \"a:0\", IdentityPoolName = \"n\" }",
            "samples.toml:1: 1 validation error detected: Value null at 'allowUnauthenticatedIdentities'",
        ),
        (
            "operation = \"ListIdentityPools\"\nrequest = { MaxResults = 1 }\ntime = \"noon\"",
            "samples.toml:1: `noon` is no time such as",
        ),
        ("operation = \"GetId\"\nrole = \"a\"", "samples.toml:"),
        ("operation = \"GetId\"\nproof = \"mtls\"", "samples.toml:"),
    ] {
        let text = format!("[[sample]]\ncaller = \"a\"\nexpect = \"allow\"\n{sample}\n");
        let mistakes = Files::new(ALL).samples(&text).mistakes();
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].starts_with(expected), "{mistakes:?}");
    }
}
