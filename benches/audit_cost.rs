//! What the journal takes of the throughput of calls: `cargo bench --bench audit_cost`.
//!
//! Servers without a journal and with one take turns, so that whatever else the machine
//! does weighs on all of them; what counts is the median of the ratios. The journal lies in
//! the folder for temporary files, which `TMPDIR` sets.
//!
//! Client, server and emulator share the machine's cores. An emulator that answers at once
//! makes that the cost of a record in processor time, at its worst; one that takes as long
//! as AWS shows what callers of AWS see.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot be set up stops"
)]

use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use poolgate::audit;
use poolgate::emulator::Rules;
use poolgate::pb;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::server::{self, Running};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tonic::transport::Channel;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the emulator takes for each answer, and how many rounds there are then.
const UPSTREAMS: [(&str, Duration, usize); 2] = [
    ("at once", Duration::ZERO, 41),
    ("after 20 ms", Duration::from_millis(20), 11),
];
/// In each round, and how many of them are under way.
const CALLS: usize = 2_048;
const AT_ONCE: usize = 64;

type Client = CognitoIdentityServiceClient<Channel>;

fn main() {
    for (when, delay, rounds) in UPSTREAMS {
        println!("the emulator answers {when}");
        compare(delay, rounds);
    }
    println!("a write and a sync of one record: {:?}", write_and_sync());
}

fn compare(delay: Duration, rounds: usize) {
    let kinds = [
        ("unrecorded", None),
        ("sync = \"all\"", Some(audit::Sync::All)),
        ("sync = \"changes\"", Some(audit::Sync::Changes)),
    ];
    let served: Vec<Served> = kinds
        .iter()
        .map(|(_, sync)| Served::new(*sync, delay))
        .collect();
    for (what, call) in [("DescribeIdentityPool", false), ("GetId", true)] {
        let mut took: Vec<Vec<Duration>> = vec![Vec::new(); kinds.len()];
        for round in 0..rounds {
            // Each goes first as often as the others.
            for turn in 0..kinds.len() {
                let kind = (round + turn) % kinds.len();
                let (Some(served), Some(took)) = (served.get(kind), took.get_mut(kind)) else {
                    continue;
                };
                let begun = Instant::now();
                served.calls(call);
                took.push(begun.elapsed());
            }
        }
        let unrecorded = took.first().cloned().unwrap_or_default();
        for ((name, _), took) in kinds.iter().zip(&took) {
            let ratios = unrecorded.iter().zip(took);
            let ratios = ratios.map(|(without, with)| without.as_secs_f64() / with.as_secs_f64());
            let rates = took.iter().map(|took| CALLS as f64 / took.as_secs_f64());
            println!(
                "{what:22} {name:18} {:>8.0} calls/s, {:.3} of the calls without a journal",
                median(rates),
                median(ratios)
            );
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The median of what the disk needs by itself.
fn write_and_sync() -> Duration {
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true);
    let mut file = file.open(folder.path().join("bare")).expect("a file");
    let took = (0..501).map(|_| {
        let begun = Instant::now();
        file.write_all(&[b'x'; 1_200]).expect("written");
        file.sync_data().expect("synced");
        begun.elapsed().as_secs_f64()
    });
    Duration::from_secs_f64(median(took))
}

struct Served {
    runtime: Runtime,
    client: Client,
    pool: String,
    _running: Running,
    _folder: TempDir,
}

impl Served {
    fn new(sync: Option<audit::Sync>, delay: Duration) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = Runtime::new().expect("a runtime");
        let mut parts = server::Parts::default();
        parts.server.listen = ([127, 0, 0, 1], 0).into();
        parts.admin.listen = None;
        if !delay.is_zero() {
            let delay = format!("{}ms", delay.as_millis());
            let rules = json!({ "rules": [{ "fault": "delay", "delay": delay }] });
            parts.emulator.faults = Rules::of_json(&rules).expect("rules");
        }
        if let Some(sync) = sync {
            parts.audit.file = Some(folder.path().join("audit.jsonl"));
            parts.audit.sync = sync;
        }
        let (running, client, pool) = runtime.block_on(async {
            let running = server::start(parts).await.expect("a server");
            let address = format!("http://{}", running.address);
            let client = Client::connect(address).await.expect("a connection");
            let request = pb::CreateIdentityPoolRequest {
                identity_pool_name: "bench".to_owned(),
                allow_unauthenticated_identities: Some(true),
                ..Default::default()
            };
            let created = client.clone().create_identity_pool(request).await;
            let pool = created.expect("a pool").into_inner().identity_pool;
            (running, client, pool.expect("a pool").identity_pool_id)
        });
        Self {
            runtime,
            client,
            pool,
            _running: running,
            _folder: folder,
        }
    }

    fn calls(&self, issues: bool) {
        let callers = (0..AT_ONCE).map(|_| {
            let (client, pool) = (self.client.clone(), self.pool.clone());
            self.runtime.spawn(call_often(client, pool, issues))
        });
        for caller in self.runtime.block_on(join_all(callers)) {
            caller.expect("a caller");
        }
    }
}

async fn call_often(mut client: Client, pool: String, issues: bool) {
    for _ in 0..CALLS / AT_ONCE {
        let identity_pool_id = pool.clone();
        if issues {
            let request = pb::GetIdRequest {
                identity_pool_id,
                ..Default::default()
            };
            client.get_id(request).await.expect("an answer");
        } else {
            let request = pb::DescribeIdentityPoolRequest { identity_pool_id };
            let answer = client.describe_identity_pool(request).await;
            answer.expect("an answer");
        }
    }
}
