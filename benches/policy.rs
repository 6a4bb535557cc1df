//! What a decision costs, by how many policies there are: `cargo bench --bench policy`.
#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "a benchmark that cannot be set up stops"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::time::SystemTime;

use divan::{Bencher, black_box};
use poolgate::call::{Resource, Subject};
use poolgate::caller::{Caller, Proof};
use poolgate::operation::Operation;
use poolgate::policy::{Facts, Policies, Question, Settings, Verdict};
use serde_json::{Value, json};
use tempfile::TempDir;

const SIZES: [usize; 3] = [10, 100, 1_000];

fn main() {
    divan::main();
}

/// A team's service describes a pool of its team.
#[divan::bench(args = SIZES)]
fn read(bencher: Bencher<'_, '_>, policies: usize) {
    let call = Call::new(Operation::DescribeIdentityPool, json!({}));
    bench(bencher, policies, &call);
}

/// The same changes the pool, which guardrails look at.
#[divan::bench(args = SIZES)]
fn update(bencher: Bencher<'_, '_>, policies: usize) {
    let parameters = json!({
        "IdentityPoolName": "shop",
        "AllowUnauthenticatedIdentities": false,
        "AllowClassicFlow": false,
        "IdentityPoolTags": {"team": "team-1", "environment": "production"},
    });
    let call = Call::new(Operation::UpdateIdentityPool, parameters);
    bench(bencher, policies, &call);
}

/// The same gets credentials.
#[divan::bench(args = SIZES)]
fn credentials(bencher: Bencher<'_, '_>, policies: usize) {
    let mut call = Call::new(
        Operation::GetCredentialsForIdentity,
        json!({"Logins": {"login.example.org": "token"}}),
    );
    call.subject.resource = Resource::Identity("eu-west-1:99".to_owned());
    let pools = &mut call.facts.pool_of_identity;
    pools.insert("eu-west-1:99".to_owned(), pool(1));
    bench(bencher, policies, &call);
}

/// An admin deletes as many identities as one call can.
#[divan::bench(args = SIZES)]
fn delete_sixty_identities(bencher: Bencher<'_, '_>, policies: usize) {
    let mut call = Call::new(Operation::DeleteIdentities, json!({}));
    let roles = BTreeSet::from(["admin".to_owned()]);
    call.caller = Caller::new("root", Proof::Anonymous, roles, BTreeMap::new());
    let ids = (0..60).map(|number| format!("eu-west-1:{number}"));
    call.subject.resource = Resource::Identities(ids.collect());
    bench(bencher, policies, &call);
}

/// Reading, checking and indexing.
#[divan::bench(args = [1_000], sample_count = 10)]
fn load(bencher: Bencher<'_, '_>, policies: usize) {
    let (_directory, settings) = written(policies);
    bencher.bench_local(|| Policies::load(black_box(&settings)).is_ok());
}

fn bench(bencher: Bencher<'_, '_>, policies: usize, call: &Call) {
    let (_directory, settings) = written(policies);
    let policies = Policies::load(&settings).expect("the policies are valid");
    let question = call.question();
    let decision = policies.decide(&question);
    assert_eq!(decision.verdict, Verdict::Allowed);
    bencher.bench_local(|| policies.decide(black_box(&question)));
}

struct Call {
    caller: Caller,
    operation: Operation,
    subject: Subject,
    facts: Facts,
}

impl Call {
    fn new(operation: Operation, parameters: Value) -> Self {
        let Value::Object(parameters) = parameters else {
            unreachable!("an object is written above");
        };
        let proof = Proof::StaticToken {
            name: "service".to_owned(),
        };
        let roles = BTreeSet::from(["developer".to_owned(), "team-1".to_owned()]);
        let team = || ("team".to_owned(), "team-1".to_owned());
        Self {
            caller: Caller::new("token:service-1", proof, roles, BTreeMap::from([team()])),
            operation,
            subject: Subject {
                resource: Resource::Pool(pool(1)),
                region: Some("eu-west-1".to_owned()),
                parameters,
                update_mask: None,
            },
            facts: Facts {
                tags_of_pool: HashMap::from([(
                    pool(1),
                    BTreeMap::from([team(), ("environment".to_owned(), "production".to_owned())]),
                )]),
                ..Facts::default()
            },
        }
    }

    fn question(&self) -> Question<'_> {
        Question {
            caller: &self.caller,
            action: self.operation.into(),
            subject: Some(&self.subject),
            facts: &self.facts,
            peer: [10, 1, 2, 3].into(),
            now: SystemTime::UNIX_EPOCH,
        }
    }
}

/// That many policies in a file: a few for everybody, and for each team three that name
/// its role, its services and its pool.
fn written(count: usize) -> (TempDir, Settings) {
    let general = [
        r#"permit (principal in Poolgate::Role::"admin", action, resource)
            when { context.peer_address.isInRange(ip("10.0.0.0/8")) };"#,
        r#"permit (principal in Poolgate::Role::"developer", action in Poolgate::Action::"read", resource is Poolgate::IdentityPool)
            when { principal.hasTag("team") && resource.hasTag("team") && principal.getTag("team") == resource.getTag("team") };"#,
        r#"forbid (principal, action in Poolgate::Action::"write", resource)
            when { context.peer_address.isInRange(ip("192.0.2.0/24")) };"#,
        r#"forbid (principal, action == Poolgate::Action::"GetCredentialsForIdentity", resource)
            when { context has custom_role_arn };"#,
    ];
    let teams = (1..).flat_map(|team| {
        let pool = pool(team);
        [
            format!(
                r#"permit (principal in Poolgate::Role::"team-{team}", action in Poolgate::Action::"all", resource == Poolgate::IdentityPool::"{pool}");"#
            ),
            format!(
                r#"permit (principal == Poolgate::Caller::"token:service-{team}", action in Poolgate::Action::"issue", resource in Poolgate::IdentityPool::"{pool}")
                    when {{ context.provider_names.contains("login.example.org") }};"#
            ),
            format!(
                r#"forbid (principal, action in Poolgate::Action::"write", resource == Poolgate::IdentityPool::"{pool}")
                    unless {{ principal in Poolgate::Role::"team-{team}" }};"#
            ),
        ]
    });
    let mut text = String::new();
    let policies = general.into_iter().map(str::to_owned).chain(teams);
    for (number, policy) in policies.take(count).enumerate() {
        writeln!(text, "@id(\"policy-{number}\")\n{policy}").expect("a string takes all");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("policies.cedar");
    std::fs::write(&file, text).expect("a file");
    let settings = Settings {
        files: vec![file],
        ..Settings::default()
    };
    (directory, settings)
}

fn pool(number: usize) -> String {
    format!("eu-west-1:{number:08x}-0000-4000-8000-000000000000")
}
