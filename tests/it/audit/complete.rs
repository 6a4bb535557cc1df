//! Whatever becomes of a call, it has one record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use poolgate::pb;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::server::signals::{Signal, Signals};
use tonic::{Request, Status};

use crate::support::guarded::Channel;
use crate::support::house::{House, LONG, Rules};
use crate::support::metrics;
use crate::support::records::{self, intents, outcomes, records, request_id};
use crate::support::told::told;

const CALLERS: &str = r#"
[[tokens]]
name = "shop"
sha256 = "{shop}"
roles = ["admin"]
"#;

const POLICIES: &str = r#"
@id("all") permit (principal, action, resource);
@id("no-lists") forbid (principal, action == Poolgate::Action::"ListTagsForResource", resource);
"#;

/// As many as `POOLGATE_TEST_AUDIT_CALLS` says.
fn calls() -> usize {
    told("POOLGATE_TEST_AUDIT_CALLS").unwrap_or(4_000)
}

/// How a call ends for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Answered,
    /// It gave up, or its connection was cut.
    Unknown,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_has_one_record_however_it_ends() {
    let rules = Rules::new(CALLERS, &["shop"], POLICIES)
        .and("POOLGATE_AUDIT__FILE", "{}/audit.jsonl")
        .and("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0")
        .and("POOLGATE_SERVER__DRAIN_NOTICE", "0s");
    let house = Arc::new(House::start(rules).await);
    let pool = create(&mut client(&house).await, "first").await.unwrap();

    let next = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..32)
        .map(|worker| tokio::spawn(work(Arc::clone(&house), pool.clone(), worker, next.clone())))
        .collect();
    let mut ends: BTreeMap<String, End> = BTreeMap::new();
    for worker in workers {
        ends.extend(worker.await.unwrap());
    }
    let admin = house.running.admin_address.unwrap();
    metrics::until(admin, |metrics| metrics.started() == metrics.handled()).await;
    let started = metrics::read(admin).await.started();

    let path = house.path("audit.jsonl");
    let (sender, signals) = Signals::by_hand();
    sender.send(Signal::Terminate).unwrap();
    let house = Arc::into_inner(house).unwrap();
    let (running, _directory) = house.into_parts();
    let outcome = tokio::time::timeout(LONG, running.until(signals))
        .await
        .unwrap();
    assert!(outcome.is_clean());

    let records = records(&path);
    let mut seen = BTreeMap::new();
    for record in outcomes(&records) {
        *seen.entry(request_id(record).to_owned()).or_insert(0) += 1;
    }
    let doubles: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
    assert_eq!(doubles, [], "records that are there twice");
    let missing: Vec<_> = ends
        .iter()
        .filter(|(id, end)| **end == End::Answered && !seen.contains_key(*id))
        .collect();
    assert_eq!(missing, [], "answered and not recorded");
    // One call made the first pool.
    let unknown: Vec<_> = seen.keys().filter(|id| !ends.contains_key(*id)).collect();
    assert_eq!(unknown, ["first"], "recorded and never made");
    assert_eq!(seen.len(), started);
    let given_up = ends.values().filter(|end| **end == End::Unknown).count();
    assert!(given_up > ends.len() / 20, "{given_up} calls were given up");

    let closed: BTreeSet<&str> = outcomes(&records)
        .into_iter()
        .map(|record| record["sharedEventID"].as_str().unwrap())
        .collect();
    let open: Vec<_> = intents(&records)
        .into_iter()
        .filter(|intent| !closed.contains(intent["sharedEventID"].as_str().unwrap()))
        .collect();
    assert_eq!(open, Vec::<&serde_json::Value>::new());
    for (number, record) in records.iter().enumerate() {
        assert_eq!(record["additionalEventData"]["seq"], number + 1);
    }
}

/// Makes calls until there have been enough.
async fn work(
    house: Arc<House>,
    pool: String,
    worker: u64,
    next: Arc<AtomicUsize>,
) -> Vec<(String, End)> {
    let mut random = Random(worker);
    let mut client = client(&house).await;
    let mut ends = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= calls() {
            return ends;
        }
        let id = format!("call-{number}");
        let patience = Duration::from_micros(random.below(4_000));
        let end = match random.below(10) {
            // Gives up, which resets the stream; or cuts the connection that the call
            // alone has.
            kind @ (0 | 1 | 3) => {
                let client = match kind {
                    3 => self::client(&house).await,
                    _ => client.clone(),
                };
                let call = call(client, pool.clone(), id.clone(), random.next(), None);
                match tokio::time::timeout(patience, call).await {
                    Ok(answer) => end_of(&answer),
                    Err(_) => End::Unknown,
                }
            }
            2 => {
                let (client, patience) = (client.clone(), Some(patience));
                end_of(&call(client, pool.clone(), id.clone(), random.next(), patience).await)
            }
            _ => {
                let call = call(
                    client.clone(),
                    pool.clone(),
                    id.clone(),
                    random.next(),
                    None,
                );
                end_of(&call.await)
            }
        };
        if number % 500 == 499 {
            client = self::client(&house).await;
        }
        ends.push((id, end));
    }
}

/// An answer of poolgate carries the call's name; an error of the client does not.
fn end_of(answer: &Result<(), Status>) -> End {
    match answer {
        Err(status) if !status.metadata().contains_key("x-request-id") => End::Unknown,
        _ => End::Answered,
    }
}

type Client = CognitoIdentityServiceClient<Channel>;

async fn client(house: &House) -> Client {
    CognitoIdentityServiceClient::new(house.channel("shop").await)
}

/// A call of one of several kinds: reads, writes and issues, refused and not.
async fn call(
    mut client: Client,
    pool: String,
    id: String,
    kind: u64,
    patience: Option<Duration>,
) -> Result<(), Status> {
    let missing = || "us-east-1:00000000-0000-4000-8000-000000000000".to_owned();
    match kind % 8 {
        0 => create(&mut client, &id).await.map(drop),
        1 => {
            let request = pb::GetIdRequest {
                identity_pool_id: pool,
                ..Default::default()
            };
            let request = named(request, &id, patience);
            client.get_id(request).await.map(drop)
        }
        2 => {
            let request = pb::TagResourceRequest {
                resource_arn: format!(
                    "arn:aws:cognito-identity:us-east-1:123456789012:identitypool/{pool}"
                ),
                tags: [("a".to_owned(), id.clone())].into(),
            };
            client
                .tag_resource(named(request, &id, patience))
                .await
                .map(drop)
        }
        3 => {
            let request = pb::ListTagsForResourceRequest {
                resource_arn: format!(
                    "arn:aws:cognito-identity:us-east-1:123456789012:identitypool/{pool}"
                ),
            };
            let request = named(request, &id, patience);
            client.list_tags_for_resource(request).await.map(drop)
        }
        4 => {
            let request = pb::DeleteIdentityPoolRequest {
                identity_pool_id: missing(),
            };
            let request = named(request, &id, patience);
            client.delete_identity_pool(request).await.map(drop)
        }
        5 => {
            let request = pb::DescribeIdentityPoolRequest {
                identity_pool_id: "no identifier".to_owned(),
            };
            let request = named(request, &id, patience);
            client.describe_identity_pool(request).await.map(drop)
        }
        _ => {
            let request = pb::DescribeIdentityPoolRequest {
                identity_pool_id: pool,
            };
            let request = named(request, &id, patience);
            client.describe_identity_pool(request).await.map(drop)
        }
    }
}

async fn create(client: &mut Client, id: &str) -> Result<String, Status> {
    let request = pb::CreateIdentityPoolRequest {
        identity_pool_name: "pool".to_owned(),
        allow_unauthenticated_identities: Some(true),
        ..Default::default()
    };
    let answer = client
        .create_identity_pool(named(request, id, None))
        .await?;
    Ok(answer.into_inner().identity_pool.unwrap().identity_pool_id)
}

fn named<T>(message: T, id: &str, patience: Option<Duration>) -> Request<T> {
    let mut request = records::named(message, id);
    if let Some(patience) = patience {
        request.set_timeout(patience);
    }
    request
}

/// Numbers that are the same in each run (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
