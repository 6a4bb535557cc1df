//! Redis fails in every way it can, under 1,000 calls in a second (reference: security,
//! T-Q4).
//!
//! `cargo test --test it shared_quotas::faults -- --nocapture --test-threads 1` prints the
//! figures.

use std::time::{Duration, Instant};

use poolgate::failure::Failure;
use poolgate::operation::Operation;
use poolgate::quota::OnStoreFailure;
use tokio::time::MissedTickBehavior;

use super::replica::Replica;
use crate::support::redis_server::RedisServer;

const RATE: u32 = 200;
const BURST: u32 = 20;
/// As it is by default.
const TIMEOUT: Duration = Duration::from_millis(20);
/// What an overloaded machine that runs other tests may add to each call.
const NOISE: Duration = Duration::from_millis(150);

/// What happens to Redis, and how it is undone.
struct Fault {
    name: &'static str,
    happens: fn(&mut RedisServer),
    is_undone: fn(&mut RedisServer),
    /// Whether poolgate notices, and for how long it decides alone.
    degrades: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_hangs() {
    withstands(Fault {
        name: "SIGSTOP",
        happens: |redis| redis.signal("STOP"),
        is_undone: |redis| redis.signal("CONT"),
        degrades: true,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_and_comes_back_with_nothing() {
    withstands(Fault {
        name: "SIGKILL",
        happens: RedisServer::kill,
        is_undone: RedisServer::start_again,
        degrades: true,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_flushed_again_and_again() {
    withstands(Fault {
        name: "FLUSHALL",
        happens: |redis| {
            for _ in 0..200 {
                redis.ask("FLUSHALL");
            }
        },
        is_undone: |redis| {
            redis.ask("FLUSHALL");
        },
        degrades: false,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_becomes_a_replica_that_takes_no_writes() {
    withstands(Fault {
        name: "READONLY",
        happens: |redis| {
            redis.ask("REPLICAOF 127.0.0.1 1");
        },
        is_undone: |redis| {
            redis.ask("REPLICAOF NO ONE");
        },
        degrades: true,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_lacks_the_replicas_that_it_wants_for_writes() {
    withstands(Fault {
        name: "NOREPLICAS",
        happens: |redis| {
            redis.ask("CONFIG SET min-replicas-to-write 1");
        },
        is_undone: |redis| {
            redis.ask("CONFIG SET min-replicas-to-write 0");
        },
        degrades: true,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_wants_another_password() {
    withstands(Fault {
        name: "WRONGPASS",
        happens: |redis| redis.want_password("another"),
        is_undone: |redis| redis.want_password(""),
        degrades: true,
    })
    .await;
}

#[tokio::test]
async fn calls_are_refused_while_redis_is_away_where_that_is_wanted() {
    let limits = "[[limits]]\nname = \"one\"\nwindows = [\"100/s\"]\n";
    let (issue, read) = (Operation::GetId, Operation::ListIdentityPools);
    for (on_failure, denied) in [
        (OnStoreFailure::Local, &[][..]),
        (OnStoreFailure::DenyIssue, &[issue]),
        (OnStoreFailure::Deny, &[issue, read]),
    ] {
        let mut redis = RedisServer::start();
        let replica = Replica::start(&redis.url(), limits, 1, on_failure, TIMEOUT).await;
        redis.kill();
        let _ = replica.ask("ann", read).await;
        replica.until_degraded(true).await;

        for operation in [issue, read] {
            let asked = replica.ask("ann", operation).await;

            let expected = match denied.contains(&operation) {
                true => Err(Failure::LimitsUnavailable),
                false => Ok(()),
            };
            assert_eq!(asked, expected, "{on_failure:?} {operation}");
        }
    }
}

/// Two seconds of health, two of the fault, and then until it is well again.
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
async fn withstands(fault: Fault) {
    let mut redis = RedisServer::start();
    let limits = format!("[[limits]]\nname = \"one\"\nwindows = [\"{RATE}/s burst {BURST}\"]\n");
    let url = redis.url();
    let replica = Replica::start(&url, &limits, 1, OnStoreFailure::Local, TIMEOUT).await;
    let began = Instant::now();
    let calling = tokio::spawn(call(replica.clone(), began + Duration::from_secs(8)));

    wait_until(began + Duration::from_secs(2)).await;
    // A busy machine may have been too slow already.
    replica.until_degraded(false).await;
    let happened = began.elapsed();
    (fault.happens)(&mut redis);
    if fault.degrades {
        replica.until_degraded(true).await;
    }
    let noticed = began.elapsed();
    wait_until(began + happened + Duration::from_secs(2)).await;
    (fault.is_undone)(&mut redis);
    let undone = began.elapsed();
    replica.until_degraded(false).await;
    let recovered = began.elapsed();
    let calls = calling.await.unwrap();

    let took = |from: Duration, to: Duration| percentile_99(&calls, from, to);
    let health = took(Duration::ZERO, happened);
    let at_first = took(happened, happened + Duration::from_millis(500));
    let then = took(noticed + Duration::from_millis(100), undone);
    let share = admitted(&calls, Duration::ZERO, Duration::from_secs(8));
    let in_fault = admitted(&calls, happened, undone);
    let afterwards = admitted(&calls, undone, undone + Duration::from_secs(2));
    println!(
        "{}: p99 {health:?}, at the fault {at_first:?}, then {then:?}; recovered in {:?}; \
         admitted of the limit: {share:.3} in all, {in_fault:.3} in the fault, {afterwards:.3} after",
        fault.name,
        recovered - undone,
    );
    assert!(at_first <= TIMEOUT + NOISE, "{at_first:?}");
    assert!(then <= NOISE, "{then:?}");
    assert!(recovered - undone <= Duration::from_secs(2) + NOISE);
    for share in [share, in_fault, afterwards] {
        assert!((0.5..=1.2).contains(&share), "{share}");
    }
}

/// A call: when it was made, how long it took, and whether it was admitted.
type Call = (Duration, Duration, bool);

/// A thousand calls in a second, whatever becomes of those before.
async fn call(replica: Replica, end: Instant) -> Vec<Call> {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = Vec::new();
    while Instant::now() < end {
        ticks.tick().await;
        let replica = replica.clone();
        calls.push(tokio::spawn(async move {
            let asked_at = Instant::now();
            let asked = replica.ask("ann", Operation::ListIdentityPools).await;
            (asked_at - began, asked_at.elapsed(), asked.is_ok())
        }));
    }
    let mut made = Vec::new();
    for call in calls {
        made.push(call.await.unwrap());
    }
    made
}

fn percentile_99(calls: &[Call], from: Duration, to: Duration) -> Duration {
    let within = calls.iter().filter(|(at, ..)| (from..to).contains(at));
    let mut took: Vec<Duration> = within.map(|(_, took, _)| *took).collect();
    took.sort();
    took[took.len() * 99 / 100]
}

/// What was admitted, as a part of what the limit admits in that time.
fn admitted(calls: &[Call], from: Duration, to: Duration) -> f64 {
    let within = calls.iter().filter(|(at, ..)| (from..to).contains(at));
    let admitted = within.filter(|(.., is_admitted)| *is_admitted).count();
    let limit = f64::from(BURST) + f64::from(RATE) * (to - from).as_secs_f64();
    f64::from(u32::try_from(admitted).unwrap()) / limit
}

async fn wait_until(at: Instant) {
    tokio::time::sleep_until(at.into()).await;
}
