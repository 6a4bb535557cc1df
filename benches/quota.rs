//! What a decision about a limit costs, by how many callers there are, in memory and in
//! Redis: `cargo bench --bench quota`. It starts `redis-server` itself.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    reason = "a benchmark that cannot be set up stops"
)]

#[path = "../tests/it/support/redis_server.rs"]
mod redis_server;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use futures_util::FutureExt;
use poolgate::call::Flow;
use poolgate::caller::{Caller, Proof};
use poolgate::clock::Clock;
use poolgate::operation::Operation;
use poolgate::quota::{
    Account, Asked, Guard, Limiter, Limits, OnStoreFailure, Redis, RedisSettings, Shared,
    StoreMeter, Wanted,
};
use redis_server::RedisServer;
use tokio::runtime::Runtime;

const CALLERS: [usize; 4] = [1, 1_000, 100_000, 1_000_000];

/// One window by the second and one by the day, for which keys stay.
const DAILY: &str = r#"
[[limits]]
name = "reads"
effects = ["read"]
windows = ["50/s burst 100", "1000000/day"]
"#;

fn main() {
    divan::main();
}

/// The limits that poolgate brings along; a microsecond passes from call to call.
#[divan::bench(args = CALLERS)]
fn decide(bencher: Bencher<'_, '_>, callers: usize) {
    bench(bencher, callers, &Limits::default(), 1_000);
}

/// The same with two windows, of which one keeps every key in use.
#[divan::bench(args = CALLERS)]
fn decide_by_two_windows(bencher: Bencher<'_, '_>, callers: usize) {
    let limits = Limits::parse(DAILY).expect("good limits");
    bench(bencher, callers, &limits, 1_000);
}

/// A call that has its turn at the account's quotas at once, among callers who have had theirs.
#[divan::bench(args = [1, 1_000])]
fn take_a_turn(bencher: Bencher<'_, '_>, callers: u128) {
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    let guard = Guard::new(&Account::default(), 1, clock.clone());
    let mut key = 0;
    bencher.bench_local(|| {
        key = (key + 1) % callers;
        // As much time as the quota gives for one.
        clock.advance(Duration::from_millis(41));
        let wanted = Wanted {
            operation: Operation::GetId,
            region: "eu-west-1",
            flow: Flow {
                key,
                ..Flow::default()
            },
            left: Duration::from_secs(1),
        };
        let turn = guard.admit(black_box(wanted)).now_or_never();
        turn.and_then(Result::ok).map(|turn| turn.sent())
    });
}

/// All at once: the table is full, and most callers share what one may.
#[divan::bench(args = CALLERS)]
fn decide_in_a_flood(bencher: Bencher<'_, '_>, callers: usize) {
    bench(bencher, callers, &Limits::default(), 0);
}

/// A file with as many limits as may be, each for one caller.
#[divan::bench]
fn decide_among_a_thousand_limits(bencher: Bencher<'_, '_>) {
    let limit = |number: usize| {
        format!(
            "[[limits]]\nname = \"limit-{number}\"\ncallers = [\"token:service-{number}\"]\n\
             windows = [\"50/s burst 100\"]\n"
        )
    };
    let text: String = (0..1_000).map(limit).collect();
    bench(
        bencher,
        1_000,
        &Limits::parse(&text).expect("good limits"),
        1_000,
    );
}

/// So many calls at once, each of another caller.
const AT_ONCE: [usize; 3] = [1, 8, 64];
/// How many decisions are measured together.
const TOGETHER: usize = 6_400;

/// Replicas count in Redis, on this machine: calls that are admitted.
#[divan::bench(args = AT_ONCE)]
fn decide_in_redis(bencher: Bencher<'_, '_>, at_once: usize) {
    const WIDE: &str = "[[limits]]\nname = \"wide\"\nwindows = [\"100000/s burst 1000000\"]\n";
    bench_redis(bencher, at_once, WIDE);
}

/// The same with two windows.
#[divan::bench(args = AT_ONCE)]
fn decide_in_redis_by_two_windows(bencher: Bencher<'_, '_>, at_once: usize) {
    const WIDE: &str = "[[limits]]\nname = \"wide\"\n\
         windows = [\"100000/s burst 1000000\", \"1000000/min\"]\n";
    bench_redis(bencher, at_once, WIDE);
}

/// The same for calls that are refused, nearly all of them.
#[divan::bench(args = AT_ONCE)]
fn refuse_in_redis(bencher: Bencher<'_, '_>, at_once: usize) {
    const NARROW: &str = "[[limits]]\nname = \"narrow\"\nwindows = [\"2/min\"]\n";
    bench_redis(bencher, at_once, NARROW);
}

fn bench_redis(bencher: Bencher<'_, '_>, at_once: usize, limits: &str) {
    let server = RedisServer::start();
    let directory = tempfile::tempdir().expect("a directory");
    let url_file = directory.path().join("url");
    std::fs::write(&url_file, server.url()).expect("a file");
    let settings = RedisSettings {
        url_file: Some(url_file),
        // A machine that does other things as well is no failure here.
        timeout: Duration::from_secs(1),
        ..RedisSettings::default()
    };
    let (clock, meter) = (Clock::system(), Arc::<Degraded>::default());
    let redis = Arc::new(Redis::new(&settings, &clock, meter.clone()));
    let shared = Shared::new(Arc::clone(&redis), 1, OnStoreFailure::Deny, clock.now());
    let limits = Limits::parse(limits).expect("good limits");
    let secret = [7; 32];
    let limiter = Arc::new(Limiter::shared(&limits, clock.instant(), &secret, shared));
    let runtime = Runtime::new().expect("a runtime");
    runtime.spawn(async move { redis.keep_connected().await });
    while meter.0.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
    bencher
        .counter(ItemsCount::new(TOGETHER))
        .bench_local(|| runtime.block_on(decide_together(&limiter, &clock, at_once)));
    assert!(!meter.1.load(Ordering::SeqCst), "all was decided in Redis");
}

async fn decide_together(limiter: &Arc<Limiter>, clock: &Clock, at_once: usize) {
    let tasks: Vec<_> = (0..at_once)
        .map(|number| {
            let (limiter, clock) = (Arc::clone(limiter), clock.clone());
            tokio::spawn(async move {
                let caller = caller(number);
                for _ in 0..TOGETHER / at_once {
                    let asked = asked(&caller, clock.instant());
                    black_box(limiter.decide(&asked, 1).await);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("it ends");
    }
}

/// Whether Redis is not used, and whether it ever was not though it was asked.
#[derive(Default)]
struct Degraded(AtomicBool, AtomicBool);

impl StoreMeter for Degraded {
    fn store(&self, _: &[&'static str]) {}

    fn store_answered(&self, _: Duration) {}

    fn store_damaged(&self, _: u64) {}

    fn store_failed(&self, _: &'static str) {}

    fn store_degraded(&self, degraded: bool) {
        self.0.store(degraded, Ordering::SeqCst);
    }

    fn store_missed(&self, _: &'static str) {
        self.1.store(true, Ordering::SeqCst);
    }
}

fn bench(bencher: Bencher<'_, '_>, callers: usize, limits: &Limits, nanos: u64) {
    let callers: Vec<Caller> = (0..callers).map(caller).collect();
    let mut now = Clock::system().instant();
    let limiter = Limiter::new(limits, now);
    // As it is after a while.
    for caller in &callers {
        now += Duration::from_nanos(nanos);
        decide_about(&limiter, caller, now);
    }
    // In an order in which no cache helps.
    let mut next = 0;
    bencher.bench_local(|| {
        next = (next + 7_919) % callers.len();
        now += Duration::from_nanos(nanos);
        callers
            .get(next)
            .map(|caller| decide_about(&limiter, black_box(caller), now))
    });
}

fn decide_about(limiter: &Limiter, caller: &Caller, at: Instant) -> bool {
    limiter.admit(&asked(caller, at), 1).outcome.is_ok()
}

fn asked(caller: &Caller, at: Instant) -> Asked<'_> {
    Asked {
        caller,
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        operation: Operation::DescribeIdentityPool,
        at,
    }
}

fn caller(number: usize) -> Caller {
    let name = format!("service-{number}");
    let id = format!("token:{name}");
    Caller::new(
        id,
        Proof::StaticToken { name },
        BTreeSet::new(),
        BTreeMap::new(),
    )
}
