//! A journal of many calls says what those who made them know: who called what, and what
//! failed.
//!
//! With `POOLGATE_AUDIT_FOLDER` the journal is left there, with the counts beside it in
//! `counts.json`, for checks by others.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use futures_util::future::join_all;
use poolgate::operation::Operation;
use poolgate::pb;
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::examples::{call_on, request};
use crate::support::guarded::Channel;
use crate::support::house::{House, Rules};
use crate::support::records::{outcomes, plain_records};

const CALLERS: &str = r#"
[[tokens]]
name = "shop"
sha256 = "{shop}"
roles = ["admin"]

[[tokens]]
name = "till"
sha256 = "{till}"

[[tokens]]
name = "audit"
sha256 = "{audit}"
"#;

/// The shop may do all but list tags, the auditors may read, and the till may nothing.
const POLICIES: &str = r#"
@id("shop") permit (principal == Poolgate::Caller::"token:shop", action, resource);
@id("readers") permit (
    principal == Poolgate::Caller::"token:audit", action in Poolgate::Action::"read", resource
);
@id("no-tags") forbid (principal, action == Poolgate::Action::"ListTagsForResource", resource);
"#;

/// Nine of these are recorded in full in a minute, and the rest is counted.
const REFUSED: usize = 9;

/// How often each caller calls each operation.
const ROUNDS: usize = 16;

/// What the callers know, under the names of CloudTrail.
#[derive(Default)]
struct Counts {
    event_name: BTreeMap<String, u64>,
    principal_id: BTreeMap<String, u64>,
    error_code: BTreeMap<String, u64>,
    calls: u64,
}

impl Counts {
    fn add(&mut self, caller: Option<&str>, operation: Operation, error: Option<&str>) {
        let add = |counts: &mut BTreeMap<String, u64>, name: &str| {
            *counts.entry(name.to_owned()).or_default() += 1;
        };
        add(&mut self.event_name, operation.name());
        if let Some(caller) = caller {
            add(&mut self.principal_id, &format!("token:{caller}"));
        }
        if let Some(error) = error {
            add(&mut self.error_code, error);
        }
        self.calls += 1;
    }

    fn told(&self) -> Value {
        json!({
            "calls": self.calls,
            "eventName": self.event_name,
            "userIdentity.principalId": self.principal_id,
            "errorCode": self.error_code,
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_counts_as_its_callers_do() {
    let rules = Rules::new(CALLERS, &["shop", "till", "audit"], POLICIES)
        .and("POOLGATE_AUDIT__FILE", "{}/audit.jsonl")
        .and("POOLGATE_AUDIT__MAC_KEY_FILE", "{}/callers.toml");
    let house = House::start(rules).await;
    let mut counts = Counts::default();

    let pool = pool(&house).await;
    counts.add(Some("shop"), Operation::CreateIdentityPool, None);
    for caller in ["shop", "till", "audit"] {
        let channel = house.channel(caller).await;
        for &operation in Operation::ALL {
            let channel = &channel;
            let calls = (0..ROUNDS).map(|number| error(channel, operation, &pool, number));
            for error in join_all(calls).await {
                counts.add(Some(caller), operation, error.as_deref());
            }
        }
    }
    let nobody = house.channel("nobody").await;
    for number in 0..REFUSED {
        let operation = Operation::GetId;
        let error = error(&nobody, operation, &pool, number).await;
        counts.add(None, operation, error.as_deref());
    }

    let path = house.path("audit.jsonl");
    let records = plain_records(&path);
    assert!(counts.calls > 1_000, "{} calls", counts.calls);
    assert_eq!(in_journal(&records).told(), counts.told());
    assert!(counts.error_code.len() > 5, "{:?}", counts.error_code);
    if let Some(folder) = std::env::var_os("POOLGATE_AUDIT_FOLDER") {
        let folder = PathBuf::from(folder);
        fs::copy(path, folder.join("counted.jsonl")).unwrap();
        fs::write(folder.join("counts.json"), counts.told().to_string()).unwrap();
    }
}

fn in_journal(records: &[Value]) -> Counts {
    let mut counts = Counts::default();
    for record in outcomes(records) {
        let caller = record["userIdentity"]["principalId"].as_str();
        let operation = Operation::from_name(record["eventName"].as_str().unwrap()).unwrap();
        let caller = caller.map(|caller| caller.strip_prefix("token:").unwrap());
        counts.add(caller, operation, record["errorCode"].as_str());
    }
    counts
}

async fn pool(house: &House) -> String {
    let request = pb::CreateIdentityPoolRequest {
        identity_pool_name: "shop".to_owned(),
        allow_unauthenticated_identities: Some(true),
        developer_provider_name: Some("login.example.com".to_owned()),
        ..Default::default()
    };
    let channel = house.channel("shop").await;
    let mut client =
        pb::cognito_identity_service_client::CognitoIdentityServiceClient::new(channel);
    let created = client.create_identity_pool(request).await.unwrap();
    created.into_inner().identity_pool.unwrap().identity_pool_id
}

/// Makes a call, every other one of the pool that there is, and says which error it met,
/// as records name it.
async fn error(
    channel: &Channel,
    operation: Operation,
    pool: &str,
    number: usize,
) -> Option<String> {
    let mut request = request(operation);
    let is_deleted = operation == Operation::DeleteIdentityPool;
    if number.is_multiple_of(2) && !is_deleted && request.get("identity_pool_id").is_some() {
        request["identity_pool_id"] = json!(pool);
    }
    if number == 1 && operation == Operation::GetId {
        request["identity_pool_id"] = json!("no pool");
    }
    let status = call_on(channel.clone(), operation, &request).await.err()?;
    assert_ne!(status.code(), Code::Unavailable, "{status:?}");
    let info = status.get_details_error_info().unwrap();
    match info.domain.as_str() {
        "poolgate" => Some(info.reason),
        _ => Some(code(&info.reason)),
    }
}

/// AWS's code behind a reason: `RESOURCE_NOT_FOUND` is `ResourceNotFoundException`.
fn code(reason: &str) -> String {
    let words = reason.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        format!("{first}{}", rest.to_lowercase())
    });
    format!("{}Exception", words.collect::<String>())
}
