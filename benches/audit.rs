//! What the audit journal costs: `cargo bench --bench audit`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    reason = "a benchmark that cannot be set up stops"
)]

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use futures_util::future::join_all;
use poolgate::audit::journal::{Durability, Kind};
use poolgate::audit::line::Draft;
use poolgate::audit::{Begun, Journal, MacKey, Meter, Origin, Recorder, Settings, Sync};
use poolgate::call::{RequestId, Resource, Subject};
use poolgate::caller::{Caller, Proof};
use poolgate::clock::Clock;
use poolgate::notes::{Ruling, Told};
use poolgate::operation::Operation;
use poolgate::pb;
use prost::Message;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// What a record costs at least: its bytes written and synced by nobody else's help.
#[divan::bench(sample_count = 1_000, sample_size = 1)]
fn write_and_sync(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bare");
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .append(true)
        .open(path)
        .expect("a file");
    let line = vec![b'x'; draft().bytes()];
    bencher.bench_local(|| {
        file.write_all(&line).expect("written");
        file.sync_data().expect("synced");
    });
}

/// One record, and nobody else has any.
#[divan::bench(sample_count = 1_000, sample_size = 1)]
fn lone_record(bencher: Bencher<'_, '_>) {
    let open = Open::new();
    bencher.bench_local(|| open.runtime.block_on(open.record()));
}

/// So many who each wait for their record.
#[divan::bench(args = [64, 1_024], sample_count = 200, sample_size = 1)]
fn records_at_once(bencher: Bencher<'_, '_>, count: usize) {
    let open = Open::new();
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        open.runtime
            .block_on(join_all((0..count).map(|_| open.record())))
    });
}

/// What building the records of a call takes, redaction included: the goal is 5 us each.
/// They are handed to a real journal, and nobody waits for it.
#[divan::bench(args = [Operation::GetCredentialsForIdentity, Operation::CreateIdentityPool], sample_count = 2_000, sample_size = 1)]
fn record(bencher: Bencher<'_, '_>, operation: Operation) {
    let open = Open::new();
    let key = MacKey::new(&[7; 32]);
    let (journal, clock) = (open.journal.clone(), Clock::system());
    let recorder = Arc::new(Recorder::new(journal, origin(), key, Sync::All, clock));
    let told = told(operation);
    bencher
        .with_inputs(|| {
            let begun = Begun {
                path: operation.path().to_owned(),
                user_agent: Some("grpc-java-netty/1.70.0".to_owned()),
                forwarded_for: Some("198.51.100.7".to_owned()),
                ..Begun::default()
            };
            let entry = open.runtime.block_on(Recorder::begin(&recorder, begun));
            entry.expect("a place")
        })
        .bench_local_refs(|entry| drop(entry.close(&told, "OK")));
}

/// What is told of a typical call that has succeeded.
fn told(operation: Operation) -> Told {
    let told = Told::default();
    told.set_request_id(&RequestId::generate());
    told.set_time_limit(Duration::from_secs(10));
    let proof = Proof::Jwt {
        issuer: "https://issuer.example".to_owned(),
        subject: "user-1".to_owned(),
        token_id: Some("token-1".to_owned()),
        issued_at: 1_800_000_000,
    };
    let (roles, attributes) = Default::default();
    let caller = Caller::new("https://issuer.example|user-1", proof, roles, attributes);
    told.set_caller(&caller);
    told.set_ruling(Ruling {
        decision: "allowed",
        policies: vec!["everything".to_owned()],
    });
    told.count_attempt();
    told.add_aws_request_id("7a3c6a1e-6f0c-4f5a-9f9e-000000000001");
    let (pool, identity) = (format!("{POOL_REGION}:{ID}"), format!("{POOL_REGION}:{ID}"));
    let (resource, parameters, answer) = match operation {
        Operation::CreateIdentityPool => {
            let parameters = json!({
                "IdentityPoolName": "shop",
                "AllowUnauthenticatedIdentities": false,
                "SupportedLoginProviders": {"accounts.google.com": "client"},
                "OpenIdConnectProviderARNs": ["arn:aws:iam::123456789012:oidc-provider/x.example"],
                "IdentityPoolTags": {"team": "blue", "environment": "production"},
            });
            let made = pb::IdentityPool {
                identity_pool_id: pool,
                identity_pool_name: "shop".to_owned(),
                allow_unauthenticated_identities: Some(false),
                supported_login_providers: [text("accounts.google.com", "client")].into(),
                open_id_connect_provider_arns: vec![
                    "arn:aws:iam::123456789012:oidc-provider/x.example".to_owned(),
                ],
                identity_pool_tags: [text("team", "blue"), text("environment", "production")]
                    .into(),
                ..Default::default()
            };
            let answer = pb::CreateIdentityPoolResponse {
                identity_pool: Some(made),
            };
            (Resource::Account, parameters, answer.encode_to_vec())
        }
        _ => {
            let parameters = json!({
                "IdentityId": identity, "Logins": {"accounts.google.com": "x".repeat(900)},
            });
            let credentials = pb::Credentials {
                access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
                secret_key: "x".repeat(40),
                session_token: "x".repeat(1_200),
                expiration: Some(prost_types::Timestamp {
                    seconds: 1_800_003_600,
                    nanos: 0,
                }),
            };
            let answer = pb::GetCredentialsForIdentityResponse {
                identity_id: identity.clone(),
                credentials: Some(credentials),
            };
            let resource = Resource::Identity(identity);
            (resource, parameters, answer.encode_to_vec())
        }
    };
    told.set_message(parameters.to_string().into());
    told.set_subject(Arc::new(Subject {
        resource,
        region: Some(POOL_REGION.to_owned()),
        parameters: parameters.as_object().cloned().unwrap_or_default(),
        update_mask: None,
    }));
    told.set_answer(answer.into());
    told
}

const POOL_REGION: &str = "eu-west-1";
const ID: &str = "11111111-1111-4111-8111-111111111111";

fn text(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

struct Open {
    runtime: Runtime,
    journal: Journal,
    draft: Draft,
    _folder: TempDir,
}

impl Open {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings {
            file: Some(folder.path().join("audit.jsonl")),
            ..Settings::default()
        };
        let origin = origin();
        let (clock, meter) = (Clock::system(), Arc::new(Nobody));
        let closed = Box::new(|| ());
        let journal = Journal::open(&settings, origin, &clock, meter, Vec::new(), closed);
        Self {
            runtime: Runtime::new().expect("a runtime"),
            journal: journal.expect("a journal"),
            draft: draft(),
            _folder: folder,
        }
    }

    async fn record(&self) {
        let place = self.journal.place().await.expect("a place");
        let written = place.close(self.draft.clone(), Kind::Other, Durability::Synced);
        written.await.expect("durable");
    }
}

fn origin() -> Origin {
    Origin {
        region: POOL_REGION.to_owned(),
        account_id: Some("123456789012".to_owned()),
        instance: "bench".to_owned(),
    }
}

/// As long as the record of a call.
fn draft() -> Draft {
    let record = json!({"eventName": "GetId", "requestParameters": "x".repeat(1_000)});
    Draft::new(&record, &json!({"phase": "outcome"})).expect("an object")
}

struct Nobody;

impl Meter for Nobody {
    fn written(&self, _: usize, _: usize, _: bool) {}
    fn failed(&self) {}
}
