//! What counting together adds: nothing is given back that Redis forgets, clocks that
//! jump do no harm, and replicas without Redis admit together what one may.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::counters::{BEGINNING, Connected, Counter};
use super::{asked, caller};
use crate::operation::Operation;
use crate::quota::Limits;

const LIST: Operation = Operation::ListIdentityPools;

fn limits(windows: &str) -> Limits {
    let text = format!("[[limits]]\nname = \"one\"\nwindows = [{windows}]\n");
    Limits::parse(&text).unwrap()
}

/// How many of so many calls at one instant are admitted.
fn admitted(counter: &Counter, calls: usize, weight: u32) -> usize {
    let ann = caller("ann", &[]);
    let asked = asked(&ann, LIST, counter.clock.instant());
    let calls = (0..calls).map(|_| counter.admit(&asked, weight));
    calls.filter(|ruling| ruling.outcome.is_ok()).count()
}

#[test]
fn replicas_admit_together_what_one_may() {
    let redis = Arc::new(Connected::start());
    let limits = limits("\"10/s burst 30\", \"1000/day\"");
    let replicas = [1, 2, 3].map(|_| Counter::in_redis(&redis, &limits, 3));

    let first: usize = replicas.iter().map(|one| admitted(one, 20, 1)).sum();
    for replica in &replicas {
        replica.clock.advance(Duration::from_secs(1));
    }
    let later: usize = replicas.iter().map(|one| admitted(one, 20, 1)).sum();

    assert_eq!((first, later), (30, 10));
}

#[test]
fn what_redis_forgets_it_learns_again_from_those_who_ask() {
    let redis = Arc::new(Connected::start());
    let limits = limits("\"1/s burst 30\"");
    let replicas = [1, 2].map(|_| Counter::in_redis(&redis, &limits, 2));
    let [one, other] = &replicas;
    assert_eq!(admitted(one, 10, 1) + admitted(other, 25, 1), 30);

    assert_eq!(redis.server.ask("FLUSHALL"), "OK");

    // The first has seen no more than its own ten; the other has seen all.
    assert_eq!(admitted(other, 5, 1), 0);
    assert_eq!(admitted(one, 5, 1), 0);
}

#[test]
fn only_the_clock_of_the_server_counts() {
    let redis = Arc::new(Connected::start());
    let limits = limits("\"1/s burst 5\"");
    let counter = Counter::in_redis(&redis, &limits, 1);
    let ann = caller("ann", &[]);
    let admits = || {
        let asked = asked(&ann, LIST, counter.clock.instant());
        let ruling = counter.decide_at(&asked);
        ruling.outcome.is_ok()
    };
    redis.time.store(BEGINNING, Ordering::SeqCst);
    assert_eq!((0..9).filter(|_| admits()).count(), 5);

    // Ours jumps by a day: nothing is given back.
    counter.clock.advance(Duration::from_secs(86_400));
    assert!(!admits());
    // The server's goes by a second: one is.
    redis.time.fetch_add(1_000_000_000, Ordering::SeqCst);
    assert_eq!((0..9).filter(|_| admits()).count(), 1);
    // The server's is set back by a day: what was used up is given back from then on.
    redis.time.fetch_sub(86_400_000_000_000, Ordering::SeqCst);
    assert!(!admits());
    redis.time.fetch_add(2_000_000_000, Ordering::SeqCst);
    assert_eq!((0..9).filter(|_| admits()).count(), 2);
}

#[test]
fn what_is_remembered_outlives_a_server_that_has_lost_all_and_has_another_clock() {
    let redis = Arc::new(Connected::start());
    let counter = Counter::in_redis(&redis, &limits("\"10/day\""), 1);
    let callers = ["ann", "bob", "eve"].map(|name| caller(name, &[]));
    let admits = |who| {
        let asked = asked(who, LIST, counter.clock.instant());
        counter.decide_at(&asked).outcome.is_ok()
    };
    for (change, back) in [("5 s back", true), ("an hour on", false)] {
        redis.time.store(BEGINNING, Ordering::SeqCst);
        for who in &callers {
            while admits(who) {}
        }
        assert_eq!(redis.server.ask("FLUSHALL"), "OK");
        match back {
            true => redis.time.fetch_sub(5_000_000_000, Ordering::SeqCst),
            false => redis.time.fetch_add(3_600_000_000_000, Ordering::SeqCst),
        };

        for who in &callers {
            assert!(!admits(who), "{change}");
        }
    }
}

#[test]
fn a_replica_alone_goes_on_from_what_it_knows_at_its_part_of_the_rate() {
    let redis = Arc::new(Connected::start());
    let limits = limits("\"10/s burst 30\"");
    let replicas = [1, 2, 3].map(|_| Counter::in_redis(&redis, &limits, 3));
    let all = |calls, weight| -> usize {
        replicas
            .iter()
            .map(|one| admitted(one, calls, weight))
            .sum()
    };
    assert_eq!(
        all(10, 1),
        30,
        "all is used up, and the last to ask knows it"
    );

    redis.server.signal("KILL");
    // The first finds out.
    let found_out = all(1, 1);
    redis.until_degraded(true);
    let at_once = found_out + all(30, 1);

    // The first has seen 10 of 30 used up, and the second 20: of what they have not seen
    // each admits its third.
    assert_eq!(at_once, (30 - 10) / 3 + (30 - 20) / 3);
    let mut later = 0;
    for _ in 0..60 {
        for replica in &replicas {
            replica.clock.advance(Duration::from_secs(1));
        }
        later += all(30, 1);
    }
    // Each its third of the rate, in whole calls.
    assert!((590..=600).contains(&later), "{later}");
}

#[test]
fn a_replica_alone_refuses_no_call_for_ever_that_the_limit_admits() {
    let redis = Arc::new(Connected::start());
    let counter = Counter::in_redis(&redis, &limits("\"1/s burst 2\""), 5);
    redis.server.signal("KILL");
    admitted(&counter, 1, 1);
    redis.until_degraded(true);
    counter.clock.advance(Duration::from_secs(60));

    let mut at = Vec::new();
    for second in 0..30 {
        if admitted(&counter, 1, 2) == 1 {
            at.push(second);
        }
        counter.clock.advance(Duration::from_secs(1));
    }

    assert_eq!(
        at,
        [0, 10, 20],
        "two calls of five replicas, at one in a second"
    );
}
