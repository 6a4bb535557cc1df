//! Mixed calls with faults among them, for as long as `POOLGATE_TEST_SOAK` says, in seconds,
//! leave nothing behind.

use std::net::SocketAddr;
use std::time::Duration;

use poolgate::pb;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tonic::Status;
use tonic::transport::Channel;

use crate::support::metrics;
use crate::support::process::Process;
use crate::support::told::told;

type Client = pb::cognito_identity_service_client::CognitoIdentityServiceClient<Channel>;

const WORKERS: usize = 8;
/// What each of them does in a second.
const CALLS_PER_SECOND: u64 = 25;
/// After so many rounds of calls a worker connects anew. In the first of them it makes an
/// identity: the pools of 100,000 identities are remembered, which is some 20 MiB, and an hour
/// in which each round made one would fill that by two thirds, and hide what has no bound.
const ROUNDS: usize = 20;
const MIB: f64 = 1024.0 * 1024.0;
/// The most that memory may grow by, in MiB in ten minutes, where that can be told.
const GROWTH: f64 = 1.0;
const TOLD: Duration = Duration::from_secs(30 * 60);
/// By how much the allocator has more at one time than at another where nothing grows, in MiB:
/// all that minutes tell is that nothing large is left behind. Less tells nothing.
const DIFFERS: f64 = 8.0;
const MINUTES: Duration = Duration::from_secs(120);
/// How long it takes until everything is there that is made once: threads, pools of
/// connections, buffers.
const WARM: Duration = Duration::from_secs(30);
/// How many descriptors and tasks may be more than before: a probe, a timer.
const MORE: f64 = 2.0;

#[tokio::test(flavor = "multi_thread")]
async fn mixed_calls_with_faults_leave_nothing_behind() {
    let span = Duration::from_secs(told("POOLGATE_TEST_SOAK").unwrap_or(6));
    let folder = tempfile::TempDir::new().unwrap();
    let process = start(&folder);
    let admin = process.admin().unwrap();

    load(process.address.clone(), WARM.min(span / 3)).await;
    let before = at_rest(admin).await;
    let remembered = entries(admin).await;
    let loading = tokio::spawn(load(process.address.clone(), span));
    let mut resident = Vec::new();
    let mut seconds = interval(Duration::from_secs(1));
    while !loading.is_finished() {
        seconds.tick().await;
        let bytes = metrics::read(admin).await;
        resident.push(bytes.value("process_resident_memory_bytes") / MIB);
    }
    let calls = loading.await.unwrap();
    let after = at_rest(admin).await;
    let (slope, more) = (slope(&resident), growth(&resident));
    let remembered = entries(admin).await - remembered;

    println!(
        "{calls} calls in {span:?}: {slope:.2} MiB more in ten minutes, {more:.2} MiB in the \
         second half, {:.1} MiB resident, {remembered} more things remembered; at rest before \
         and after: {before:?} {after:?}",
        resident.last().unwrap()
    );
    let minutes: Vec<f64> = resident.iter().copied().step_by(300).collect();
    println!("every five minutes: {minutes:.1?}");
    for (name, before, after) in [
        ("descriptors", before.descriptors, after.descriptors),
        ("tasks", before.tasks, after.tasks),
    ] {
        assert!(after <= before + MORE, "{after} {name}, before {before}");
    }
    assert!(span < MINUTES || span >= TOLD || more < DIFFERS, "{more}");
    assert!(span < TOLD || slope < GROWTH, "{slope}");
    assert_eq!(metrics::read(admin).await.sum("poolgate_panics_total"), 0);
    let (code, _) = process.terminate();
    assert_eq!(code, Some(0));
}

/// With a journal, limits, and an upstream of whose calls one in a hundred goes wrong.
fn start(folder: &tempfile::TempDir) -> Process {
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (faults, limits, journal) = (
        path("faults.json"),
        path("limits.toml"),
        path("audit.jsonl"),
    );
    let rules = json!({"rules": [
        {"fault": "error", "code": "InternalErrorException", "probability": 0.004},
        {"fault": "lose-answer", "probability": 0.002},
        {"fault": "cut-answer", "probability": 0.002},
        {"fault": "delay", "delay": "300ms", "probability": 0.002},
    ]});
    std::fs::write(&faults, rules.to_string()).unwrap();
    let open = "[[limits]]\nname = \"open\"\nwindows = [\"1000/s\"]\nin_flight = 64\n[account]\n";
    std::fs::write(&limits, open).unwrap();
    Process::start(&[
        ("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0"),
        ("POOLGATE_EMULATOR__FAULTS_FILE", &faults),
        ("POOLGATE_UPSTREAM__SPARE", "always"),
        ("POOLGATE_QUOTA__LIMITS_FILE", &limits),
        ("POOLGATE_AUDIT__FILE", &journal),
        ("POOLGATE_LOG__LEVEL", "info,poolgate::layers=error"),
    ])
}

/// What there is while nothing is done.
#[derive(Debug)]
struct AtRest {
    descriptors: f64,
    tasks: f64,
}

/// How much the caches hold.
async fn entries(admin: SocketAddr) -> f64 {
    let metrics = metrics::read(admin).await;
    metrics.sum("poolgate_cache_entries") as f64
}

/// Waits until all connections have gone, and what was begun for calls has ended.
async fn at_rest(admin: SocketAddr) -> AtRest {
    let is_idle = |now: &metrics::Metrics| {
        now.sum("poolgate_connections") == 0 && now.started() == now.handled()
    };
    let idle = metrics::until(admin, is_idle);
    timeout(Duration::from_secs(30), idle).await.unwrap();
    // Connections to the upstream and timers end a little later: what is least counts.
    let mut rest = AtRest {
        descriptors: f64::MAX,
        tasks: f64::MAX,
    };
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        let now = metrics::read(admin).await;
        rest.descriptors = rest.descriptors.min(now.value("process_open_fds"));
        rest.tasks = rest.tasks.min(now.value("poolgate_tasks"));
    }
    rest
}

/// By how much the least of the second half is more than that of the first, in MiB: allocators
/// give memory back late, and what is never given back shows in the least.
fn growth(samples: &[f64]) -> f64 {
    let (first, second) = samples.split_at(samples.len() / 2);
    let least = |samples: &[f64]| samples.iter().copied().fold(f64::INFINITY, f64::min);
    least(second) - least(first)
}

/// How steep the line is that comes closest to memory as it was each second, in MiB in ten
/// minutes.
fn slope(samples: &[f64]) -> f64 {
    let count = samples.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = samples.iter().sum::<f64>() / count;
    let seconds = (0..samples.len()).map(|second| second as f64 - middle);
    let together = seconds.clone().zip(samples);
    let together: f64 = together.map(|(second, mib)| second * (mib - mean)).sum();
    600.0 * together / seconds.map(|second| second * second).sum::<f64>()
}

/// All workers at once; how many calls have they made?
async fn load(address: String, span: Duration) -> usize {
    let until = Instant::now() + span;
    let mut workers = JoinSet::new();
    for number in 0..WORKERS {
        workers.spawn(work(address.clone(), format!("soak {number}"), until));
    }
    workers.join_all().await.into_iter().sum()
}

/// Makes pools, uses them and removes them.
async fn work(address: String, name: String, until: Instant) -> usize {
    let mut paced = Paced::new();
    while Instant::now() < until {
        let channel = Channel::from_shared(format!("http://{address}")).unwrap();
        let mut client = Client::new(channel.connect().await.unwrap());
        for number in 0..ROUNDS {
            if Instant::now() >= until {
                break;
            }
            // Whatever goes wrong, the next round begins anew.
            let _ = round(&mut client, &name, number == 0, &mut paced).await;
        }
        remove_all(&mut client, &name, &mut paced).await;
    }
    paced.calls
}

/// Makes a pool, uses it and removes it. Every so often, an identity is made in it.
async fn round(
    client: &mut Client,
    name: &str,
    with_identity: bool,
    paced: &mut Paced,
) -> Result<(), Status> {
    let create = pb::CreateIdentityPoolRequest {
        identity_pool_name: name.to_owned(),
        allow_unauthenticated_identities: Some(true),
        ..Default::default()
    };
    let pool = paced.call(client.create_identity_pool(create)).await?;
    let pool = pool.identity_pool.unwrap().identity_pool_id;
    let describe = pb::DescribeIdentityPoolRequest {
        identity_pool_id: pool.clone(),
    };
    paced
        .call(client.describe_identity_pool(describe.clone()))
        .await?;
    if with_identity {
        let guest = pb::GetIdRequest {
            identity_pool_id: pool.clone(),
            ..Default::default()
        };
        let identity_id = paced.call(client.get_id(guest)).await?.identity_id;
        let credentials = pb::GetCredentialsForIdentityRequest {
            identity_id,
            ..Default::default()
        };
        // There are no roles, so that it is refused.
        let refused = client.get_credentials_for_identity(credentials);
        assert!(paced.call(refused).await.is_err());
    }
    // Somebody who does not wait.
    let given_up = timeout(
        Duration::from_micros(500),
        client.describe_identity_pool(describe),
    );
    let _ = paced
        .call(async { Ok(tonic::Response::new(given_up.await)) })
        .await;
    let bad = pb::DeleteIdentitiesRequest {
        identity_ids_to_delete: Vec::new(),
    };
    assert!(paced.call(client.delete_identities(bad)).await.is_err());
    let delete = pb::DeleteIdentityPoolRequest {
        identity_pool_id: pool,
    };
    paced.call(client.delete_identity_pool(delete)).await?;
    Ok(())
}

/// Removes what rounds have left that went wrong.
async fn remove_all(client: &mut Client, name: &str, paced: &mut Paced) {
    let list = pb::ListIdentityPoolsRequest {
        max_results: 60,
        ..Default::default()
    };
    let Ok(pools) = paced.call(client.list_identity_pools(list)).await else {
        return;
    };
    for pool in pools.identity_pools {
        if pool.identity_pool_name == name {
            let delete = pb::DeleteIdentityPoolRequest {
                identity_pool_id: pool.identity_pool_id,
            };
            let _ = paced.call(client.delete_identity_pool(delete)).await;
        }
    }
}

/// Calls at a rate.
struct Paced {
    ticks: tokio::time::Interval,
    calls: usize,
}

impl Paced {
    fn new() -> Self {
        let mut ticks = interval(Duration::from_millis(1000 / CALLS_PER_SECOND));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, calls: 0 }
    }

    async fn call<T>(
        &mut self,
        call: impl Future<Output = Result<tonic::Response<T>, Status>>,
    ) -> Result<T, Status> {
        self.ticks.tick().await;
        self.calls += 1;
        Ok(call.await?.into_inner())
    }
}
