//! What poolgate's own accept loop costs beside tonic's server:
//! `cargo bench --bench loop_cost`.
//!
//! The same service stands behind both, each on a thread of its own, and they take turns, so
//! that whatever else the machine does weighs on both. What counts is the median of the
//! ratios: of the rate of calls, and of the processor time that the server's thread takes for
//! a call, the kernel's part included, which is steadier. tonic's server is as it comes,
//! without limits; poolgate's has all of its guards and its usual limits.
//!
//! For an instrument that counts instructions, `-- poolgate check 20000` makes so many calls
//! of one kind and nothing else.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot be set up stops"
)]

mod house;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use poolgate::pb;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::server::health::{Health, State};
use poolgate::server::listen::{self, Limits};
use poolgate::server::stack::Stack;
use poolgate::telemetry::Metrics;
use procfs::process::Process;
use tokio::runtime::{Builder, Runtime};
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::util::BoxCloneSyncService;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 41;
/// In each round, and how many of them are under way.
const CALLS: usize = 4_096;
const AT_ONCE: usize = 64;

const LOOPS: [Loop; 2] = [Loop::Tonic, Loop::Poolgate];
const KINDS: [Kind; 2] = [Kind::Check, Kind::Describe];

/// Who accepts and serves connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loop {
    Tonic,
    Poolgate,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The cheapest call there is, so that the loop's part is as large as it gets.
    Check,
    /// `DescribeIdentityPool` through all layers, to the emulator.
    Describe,
}

fn main() {
    // The first argument is cargo's.
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let words = words.strip_prefix(&["--bench"]).unwrap_or(&words);
    match *words.strip_suffix(&["--bench"]).unwrap_or(words) {
        [] => KINDS.into_iter().for_each(compare),
        [which, kind, calls] => {
            let which = LOOPS.into_iter().find(|it| it.name() == which);
            let kind = KINDS.into_iter().find(|it| it.name() == kind);
            let calls = calls.parse().expect("a number of calls");
            Served::new(which.expect("a loop"), kind.expect("a kind")).calls(calls);
        }
        _ => println!("loop_cost [tonic|poolgate check|describe CALLS]"),
    }
}

fn compare(kind: Kind) {
    let served = LOOPS.map(|which| Served::new(which, kind));
    // Each begins with everything in place.
    for served in &served {
        let _ = served.calls(CALLS);
    }
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let [tonic, poolgate] = &served;
        rounds.push(match round % 2 {
            0 => [tonic.calls(CALLS), poolgate.calls(CALLS)],
            _ => {
                let second = poolgate.calls(CALLS);
                [tonic.calls(CALLS), second]
            }
        });
    }
    let name = kind.name();
    for (number, which) in LOOPS.into_iter().enumerate() {
        let of = |part: fn(&Cost) -> f64| {
            let costs = rounds.iter().filter_map(|round| round.get(number));
            median(costs.map(part))
        };
        println!(
            "{name:9} {:9} {:>7.0} calls/s, {:.2} µs of the server's processor time each",
            which.name(),
            of(Cost::rate),
            of(Cost::computed),
        );
    }
    let ratio = |part: fn(&Cost) -> f64| {
        let ratios = rounds.iter();
        median(ratios.map(|[tonic, poolgate]| part(poolgate) / part(tonic)))
    };
    println!(
        "{name:9} poolgate over tonic: {:.3} of the calls, {:.3} of the processor time",
        ratio(Cost::rate),
        ratio(Cost::computed),
    );
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// What so many calls have cost.
struct Cost {
    calls: usize,
    took: Duration,
    computed: Duration,
}

impl Cost {
    /// Calls a second.
    fn rate(&self) -> f64 {
        self.calls as f64 / self.took.as_secs_f64()
    }

    /// Microseconds of the server's thread for each call.
    fn computed(&self) -> f64 {
        self.computed.as_secs_f64() * 1e6 / self.calls as f64
    }
}

impl Loop {
    fn name(self) -> &'static str {
        match self {
            Self::Tonic => "tonic",
            Self::Poolgate => "poolgate",
        }
    }

    /// Serves from now on; says where.
    async fn serve(self, service: Stack) -> SocketAddr {
        let listener = listen::bind(([127, 0, 0, 1], 0).into()).expect("a port");
        let address = listener.local_addr().expect("an address");
        match self {
            Self::Tonic => {
                let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
                let serving = Server::builder().serve_with_incoming(service, incoming);
                tokio::spawn(serving);
            }
            Self::Poolgate => {
                let metrics = Arc::new(Metrics::new());
                listen::serve(listener, service, Limits::default(), None, metrics);
            }
        }
        address
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Describe => "describe",
        }
    }

    async fn service(self) -> Stack {
        match self {
            Self::Check => {
                let health = Health::new().await;
                health.set(State::Ready).await;
                let routes = Routes::new(health.service()).prepare();
                BoxCloneSyncService::new(routes)
            }
            Self::Describe => house::stack(&house::open(), house::upstream().await),
        }
    }
}

/// A server and its client.
struct Served {
    client: Runtime,
    call: Call,
    server: Runtime,
    thread: i32,
}

impl Served {
    fn new(which: Loop, kind: Kind) -> Self {
        // A name is cut after fifteen characters.
        let name = format!("{}-{}", which.name(), kind.name().split_at(3).0);
        let server = runtime(&name);
        let address = server.block_on(async {
            let serving = async move { which.serve(kind.service().await).await };
            tokio::spawn(serving).await.expect("a server")
        });
        let client = runtime("client");
        let call = client.block_on(Call::new(kind, address));
        Self {
            client,
            call,
            thread: thread(&name),
            server,
        }
    }

    fn calls(&self, calls: usize) -> Cost {
        let (begun, computed) = (Instant::now(), computed(self.thread));
        let callers = (0..AT_ONCE).map(|_| {
            let call = self.call.clone();
            self.client.spawn(call.often(calls / AT_ONCE))
        });
        for caller in self.client.block_on(join_all(callers)) {
            caller.expect("a caller");
        }
        Cost {
            calls,
            took: begun.elapsed(),
            computed: self::computed(self.thread).saturating_sub(computed),
        }
    }
}

/// One thread that does everything.
fn runtime(name: &str) -> Runtime {
    let mut builder = Builder::new_multi_thread();
    let builder = builder.worker_threads(1).thread_name(name).enable_all();
    builder.build().expect("a runtime")
}

/// The number of the thread of this name.
fn thread(name: &str) -> i32 {
    let tasks = Process::myself().and_then(|process| process.tasks());
    let mut tasks = tasks.expect("threads").flatten();
    let task = tasks.find(|task| task.stat().is_ok_and(|stat| stat.comm == name));
    task.expect("a thread of this name").tid
}

/// How long a thread has computed.
fn computed(thread: i32) -> Duration {
    let task = Process::myself().and_then(|process| process.task_from_tid(thread));
    let stat = task.and_then(|task| task.schedstat()).expect("a thread");
    Duration::from_nanos(stat.sum_exec_runtime)
}

/// A client, and what it calls.
#[derive(Clone)]
enum Call {
    Check(HealthClient<Channel>),
    Describe(CognitoIdentityServiceClient<Channel>, String),
}

impl Call {
    async fn new(kind: Kind, address: SocketAddr) -> Self {
        let address = format!("http://{address}");
        let channel = Channel::from_shared(address).expect("an address");
        let channel = channel.connect().await.expect("a connection");
        match kind {
            Kind::Check => Self::Check(HealthClient::new(channel)),
            Kind::Describe => {
                let mut client = CognitoIdentityServiceClient::new(channel);
                let pool = pb::IdentityPool {
                    identity_pool_name: "shop customers".to_owned(),
                    allow_unauthenticated_identities: Some(true),
                    ..Default::default()
                };
                let request = pb::UpdateIdentityPoolRequest {
                    identity_pool: Some(pool),
                    ..Default::default()
                };
                let pool = house::create(&mut client, &request).await;
                Self::Describe(client, pool)
            }
        }
    }

    async fn often(mut self, times: usize) {
        for _ in 0..times {
            match &mut self {
                Self::Check(client) => {
                    let request = HealthCheckRequest::default();
                    client.check(request).await.expect("an answer");
                }
                Self::Describe(client, pool) => {
                    let request = pb::DescribeIdentityPoolRequest {
                        identity_pool_id: pool.clone(),
                    };
                    let answer = client.describe_identity_pool(request).await;
                    answer.expect("an answer");
                }
            }
        }
    }
}
