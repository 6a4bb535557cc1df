//! What a decision about a limit costs, by how many callers there are:
//! `cargo bench --bench quota`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    reason = "a benchmark that cannot be set up stops"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use divan::{Bencher, black_box};
use poolgate::caller::{Caller, Proof};
use poolgate::clock::Clock;
use poolgate::operation::Operation;
use poolgate::quota::{Asked, Limiter, Limits};

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
    let asked = Asked {
        caller,
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        operation: Operation::DescribeIdentityPool,
        at,
    };
    limiter.admit(&asked, 1).outcome.is_ok()
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
