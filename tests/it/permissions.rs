//! Who may do what: every operation for every kind of caller on every kind of resource,
//! held against a table of expected answers.
//!
//! `POOLGATE_WRITE_GOLDEN=1 cargo test --test it permissions` writes the table; read the
//! difference before you commit it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use poolgate::operation::{Effect, Operation};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::examples::{self, call_on};
use crate::support::house::{House, Rules};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/permissions.golden");

/// Six kinds of callers, by their tokens.
const CALLERS: &[&str] = &["admin", "operator", "shop", "auditor", "stranger", "nobody"];

const CALLERS_FILE: &str = r#"
[[tokens]]
name = "admin"
sha256 = "{admin}"
roles = ["admin"]

[[tokens]]
name = "operator"
sha256 = "{operator}"
roles = ["operator"]
attributes = { team = "shop" }

[[tokens]]
name = "shop"
sha256 = "{shop}"
roles = ["application"]
attributes = { team = "shop" }

[[tokens]]
name = "auditor"
sha256 = "{auditor}"
roles = ["auditor"]

[[tokens]]
name = "stranger"
sha256 = "{stranger}"
"#;

const POLICIES: &str = r#"
@id("admins-do-everything")
permit (principal in Poolgate::Role::"admin", action in Poolgate::Action::"all", resource);

@id("auditors-read-everything")
permit (principal in Poolgate::Role::"auditor", action in Poolgate::Action::"read", resource);

@id("operators-create-pools-of-their-team")
permit (
  principal in Poolgate::Role::"operator",
  action == Poolgate::Action::"CreateIdentityPool",
  resource
)
when {
  principal.hasTag("team") &&
  context.request_tags.contains({ key: "team", value: principal.getTag("team") })
};

@id("operators-look-after-pools-of-their-team")
permit (
  principal in Poolgate::Role::"operator",
  action in [Poolgate::Action::"read", Poolgate::Action::"write"],
  resource is Poolgate::IdentityPool
)
when {
  principal.hasTag("team") && resource.hasTag("team") &&
  principal.getTag("team") == resource.getTag("team")
};

@id("applications-use-pools-of-their-team")
permit (
  principal in Poolgate::Role::"application",
  action in Poolgate::Action::"issue",
  resource is Poolgate::IdentityPool
)
when {
  principal.hasTag("team") && resource.hasTag("team") &&
  principal.getTag("team") == resource.getTag("team")
};

@id("applications-use-identities-of-their-team")
permit (
  principal in Poolgate::Role::"application",
  action in Poolgate::Action::"issue",
  resource is Poolgate::Identity
)
when {
  principal.hasTag("team") && resource has pool && resource.pool.hasTag("team") &&
  principal.getTag("team") == resource.pool.getTag("team")
};
"#;

/// The resources that a call can be about.
const RESOURCES: &[&str] = &["own", "foreign", "missing"];

#[tokio::test(flavor = "multi_thread")]
async fn every_caller_may_do_what_the_table_says_and_nothing_else() {
    let mut table =
        String::from("# operation                         caller    own / foreign / missing\n");
    for caller in CALLERS {
        // A fresh house for each caller, so that no caller meets what another has done.
        let house = House::start(Rules::new(CALLERS_FILE, CALLERS, POLICIES)).await;
        let world = World::create(&house).await;
        for operation in in_order() {
            let mut answers = Vec::new();
            for resource in RESOURCES {
                let request = world.request(operation, resource);
                let channel = house.channel(caller).await;
                answers.push(outcome(call_on(channel, operation, &request).await));
            }
            // Writing into a `String` cannot fail.
            let _ = writeln!(
                table,
                "{:<35} {caller:<9} {}",
                operation.name(),
                answers.join(" / ")
            );
        }
    }
    let table = sorted(&table);

    if std::env::var_os("POOLGATE_WRITE_GOLDEN").is_some() {
        fs::write(GOLDEN, &table).unwrap();
    }
    let expected = fs::read_to_string(GOLDEN).unwrap();
    let rows = expected.lines().count() - 1;
    assert_eq!(rows, Operation::ALL.len() * CALLERS.len());
    for (expected, found) in expected.lines().zip(table.lines()) {
        assert_eq!(expected, found);
    }
}

/// What a caller is told: `may` whatever AWS then answers, or why not.
fn outcome(answer: Result<Value, Status>) -> String {
    let Err(status) = answer else {
        return "may".to_owned();
    };
    let info = status.get_details_error_info().unwrap();
    match (status.code(), info.domain.as_str()) {
        (Code::Unauthenticated, "poolgate") => "who?".to_owned(),
        (Code::PermissionDenied, "poolgate") => match info.metadata.get("policy") {
            Some(policy) => format!("not, by {policy}"),
            None => "not".to_owned(),
        },
        (_, "poolgate") => panic!("{status:?}"),
        _ => "may".to_owned(),
    }
}

/// Reads first, then what issues, then writes, deletions last: what a call changes is not
/// to change the answer to a later one.
fn in_order() -> Vec<Operation> {
    let mut operations = Operation::ALL.to_vec();
    operations.sort_by_key(|&operation| match operation {
        Operation::DeleteIdentityPool => 9,
        Operation::DeleteIdentities => 8,
        Operation::MergeDeveloperIdentities | Operation::UnlinkDeveloperIdentity => 7,
        Operation::UnlinkIdentity => 6,
        Operation::TagResource | Operation::UntagResource | Operation::UpdateIdentityPool => 5,
        operation => match operation.effect() {
            Effect::Read => 0,
            Effect::Issue => 1,
            Effect::Write => 2,
        },
    });
    operations
}

fn sorted(table: &str) -> String {
    let mut lines: Vec<&str> = table.lines().collect();
    lines[1..].sort_by_key(|line| {
        let mut words = line.split_whitespace();
        let (operation, caller) = (words.next(), words.next());
        let place = |caller| CALLERS.iter().position(|other| Some(*other) == caller);
        (operation, place(caller))
    });
    lines.join("\n") + "\n"
}

/// A pool of the team with an identity, the same of another team, and identifiers of a
/// pool and an identity that never were.
struct World(BTreeMap<&'static str, (String, String)>);

impl World {
    async fn create(house: &House) -> Self {
        let missing = (
            "us-east-1:11111111-1111-4111-8111-111111111111".to_owned(),
            "us-east-1:22222222-2222-4222-8222-222222222222".to_owned(),
        );
        let mut world = BTreeMap::from([("missing", missing)]);
        for (resource, team) in [("own", "shop"), ("foreign", "bank")] {
            let admin = house.channel("admin").await;
            let create = json!({
                "identity_pool_name": resource, "allow_unauthenticated_identities": true,
                "developer_provider_name": "login.example.com",
                "identity_pool_tags": {"team": team},
            });
            let pool = call_on(admin.clone(), Operation::CreateIdentityPool, &create).await;
            let pool = text(&pool.unwrap()["identity_pool"]["identity_pool_id"]);
            let guest = json!({"identity_pool_id": pool});
            let identity = call_on(admin, Operation::GetId, &guest).await.unwrap();
            world.insert(resource, (pool, text(&identity["identity_id"])));
        }
        Self(world)
    }

    /// The operation's example, about this resource.
    fn request(&self, operation: Operation, resource: &str) -> Value {
        let (pool, identity) = &self.0[resource];
        let mut request = examples::request(operation);
        if operation == Operation::CreateIdentityPool {
            request["identity_pool_tags"] = match resource {
                "own" => json!({"team": "shop"}),
                "foreign" => json!({"team": "bank"}),
                _ => json!({}),
            };
        }
        let text = request
            .to_string()
            .replace("us-east-1:11111111-1111-4111-8111-111111111111", pool)
            .replace("us-east-1:22222222-2222-4222-8222-222222222222", identity);
        serde_json::from_str(&text).unwrap()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
