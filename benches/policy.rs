//! What a decision costs, by how many policies there are: `cargo bench --bench policy`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    reason = "a benchmark that cannot be set up stops"
)]

#[path = "house/policies.rs"]
mod policies;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use divan::{Bencher, black_box};
use policies::pool;
use poolgate::call::{Resource, Subject};
use poolgate::caller::{Caller, Proof};
use poolgate::operation::Operation;
use poolgate::policy::{Facts, Policies, Question, Verdict};
use serde_json::{Value, json};

const SIZES: [usize; 3] = [10, 100, 1_000];

fn main() {
    divan::main();
}

/// A team's service describes a pool of its team, as it did before.
#[divan::bench(args = SIZES)]
fn read_again(bencher: Bencher<'_, '_>, count: usize) {
    let call = Call::new(Operation::DescribeIdentityPool, json!({}));
    bench_with(bencher, None, count, &call);
}

/// The same where a policy asks when the call comes, so that it is evaluated.
#[divan::bench(args = SIZES)]
fn read(bencher: Bencher<'_, '_>, count: usize) {
    let call = Call::new(Operation::DescribeIdentityPool, json!({}));
    bench(bencher, count, &call);
}

/// The same changes the pool, which guardrails look at.
#[divan::bench(args = SIZES)]
fn update(bencher: Bencher<'_, '_>, count: usize) {
    let parameters = json!({
        "IdentityPoolName": "shop",
        "AllowUnauthenticatedIdentities": false,
        "AllowClassicFlow": false,
        "IdentityPoolTags": {"team": "team-1", "environment": "production"},
    });
    let call = Call::new(Operation::UpdateIdentityPool, parameters);
    bench(bencher, count, &call);
}

/// The same gets credentials.
#[divan::bench(args = SIZES)]
fn credentials(bencher: Bencher<'_, '_>, count: usize) {
    let mut call = Call::new(
        Operation::GetCredentialsForIdentity,
        json!({"Logins": {"login.example.org": "token"}}),
    );
    call.subject.resource = Resource::Identity("eu-west-1:99".to_owned());
    let pools = &mut call.facts.pool_of_identity;
    pools.insert("eu-west-1:99".to_owned(), pool(1));
    bench(bencher, count, &call);
}

/// An admin deletes as many identities as one call can.
#[divan::bench(args = SIZES)]
fn delete_sixty_identities(bencher: Bencher<'_, '_>, count: usize) {
    let mut call = Call::new(Operation::DeleteIdentities, json!({}));
    let roles = BTreeSet::from(["admin".to_owned()]);
    call.caller = Caller::new("root", Proof::Anonymous, roles, BTreeMap::new());
    let ids = (0..60).map(|number| format!("eu-west-1:{number}"));
    call.subject.resource = Resource::Identities(ids.collect());
    bench(bencher, count, &call);
}

/// Reading, checking and indexing.
#[divan::bench(args = [1_000], sample_count = 10)]
fn load(bencher: Bencher<'_, '_>, count: usize) {
    let (_directory, settings) = policies::written(None, count, &pool(1));
    bencher.bench_local(|| Policies::load(black_box(&settings)).is_ok());
}

fn bench(bencher: Bencher<'_, '_>, count: usize, call: &Call) {
    bench_with(bencher, Some(policies::ASKS_TIME), count, call);
}

fn bench_with(bencher: Bencher<'_, '_>, first: Option<&str>, count: usize, call: &Call) {
    let (_directory, settings) = policies::written(first, count, &pool(1));
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
                    Arc::new(BTreeMap::from([
                        team(),
                        ("environment".to_owned(), "production".to_owned()),
                    ])),
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
