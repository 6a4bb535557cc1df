//! Limits change while callers owe something: in memory, in Redis, and on replicas of which
//! some have the old file and some the new one.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};

use super::counters::{Connected, Counter, counters};
use super::{asked, caller};
use crate::failure::Failure;
use crate::operation::Operation;
use crate::quota::{Limits, Ruling, Window};

const LIST: Operation = Operation::ListIdentityPools;
const MILLI: Duration = Duration::from_millis(1);

fn text(window: &str) -> String {
    format!("[[limits]]\nname = \"one\"\neffects = [\"read\"]\nwindows = [\"{window}\"]\n")
}

fn limits(window: &str) -> Limits {
    Limits::parse(&text(window)).unwrap()
}

/// A call at the time of the counter's clock.
fn ask(counter: &Counter, weight: u32) -> Ruling {
    let ann = caller("ann", &[]);
    counter.admit(&asked(&ann, LIST, counter.clock.instant()), weight)
}

/// How long a call has to wait; nothing if it is admitted.
fn told(counter: &Counter) -> Option<Duration> {
    match ask(counter, 1).outcome {
        Ok(_) => None,
        Err(Failure::RateLimited { wait, .. }) => Some(wait),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn whoever_waits_as_told_after_a_change_is_admitted_and_not_a_moment_before() {
    for (before, calls, passed, after, wait) in [
        ("60/h burst 1", 1, 3_000, "3600/h burst 1", 950),
        ("3600/h burst 1", 1, 500, "60/h burst 1", 30_000),
        ("60/h burst 10", 10, 0, "3600/h burst 5", 1_000),
        ("10/s", 10, 0, "1/s burst 5", 1_000),
        ("1/s burst 2", 2, 0, "1/s burst 200", 1_000),
    ] {
        for counter in counters(&text(before)) {
            // Given a caller that has used up a limit, which then changes.
            assert!(ask(&counter, calls).outcome.is_ok());
            counter.clock.advance(Duration::from_millis(passed));
            counter.reload(&limits(after));

            // When it is told to wait, and asks once more before it has.
            let wait = Duration::from_millis(wait);
            assert_eq!(told(&counter), Some(wait), "{before}, {after}");
            counter.clock.advance(wait - MILLI);
            assert_eq!(told(&counter), Some(MILLI), "{before}, {after}");

            // Then it is admitted when it was told that it would be.
            counter.clock.advance(MILLI);
            assert_eq!(told(&counter), None, "{before}, {after}");
        }
    }
}

#[test]
fn a_change_takes_as_large_a_share_of_the_new_burst_as_was_used_of_the_old() {
    for (before, used, after, left) in [
        // Whoever has used nothing is not locked out, and has no more than the new burst.
        ("100/s", 0, "5/s", 5),
        ("5/s", 0, "100/s", 100),
        ("5/s", 5, "100/s", 0),
        ("100/s", 100, "5/s", 0),
        ("100/s", 50, "10/s", 5),
        ("100/s", 50, "100/s burst 10", 5),
        ("100/s burst 10", 5, "1/s burst 1000", 500),
        // What is left is in whole calls.
        ("100/s", 1, "5/s", 4),
    ] {
        for counter in counters(&text(before)) {
            if used > 0 {
                assert!(ask(&counter, used).outcome.is_ok());
            }

            counter.reload(&limits(after));

            let admitted = (0..1_100).filter(|_| told(&counter).is_none()).count();
            assert_eq!(admitted, left, "{before}, {used} used, {after}");
        }
    }
}

#[test]
fn replicas_with_the_old_file_and_the_new_one_neither_forgive_nor_add() {
    let redis = Arc::new(Connected::start());
    let old = Counter::in_redis(&redis, &limits("60/h burst 1"), 2);
    let new = Counter::in_redis(&redis, &limits("3600/h burst 1"), 2);
    assert_eq!(told(&old), None);
    let pass = |millis| {
        for counter in [&old, &new] {
            counter.clock.advance(Duration::from_millis(millis));
        }
    };

    for _ in 0..200 {
        assert_eq!(told(&new), Some(Duration::from_secs(1)));
        assert_eq!(told(&old), Some(Duration::from_secs(60)));
    }
    // The old one was the last to say how long.
    pass(30_000);
    assert_eq!(told(&new), Some(Duration::from_millis(500)));
    pass(250);
    assert_eq!(told(&old), Some(Duration::from_secs(15)));
    assert_eq!(told(&new), Some(Duration::from_millis(250)));
    pass(249);
    assert_eq!(told(&new), Some(MILLI));
    pass(1);
    assert_eq!(told(&new), None);
}

#[test]
fn what_redis_forgets_while_limits_change_it_learns_again() {
    let redis = Arc::new(Connected::start());
    let counter = Counter::in_redis(&redis, &limits("60/h burst 1"), 2);
    assert_eq!(told(&counter), None);
    counter.clock.advance(Duration::from_secs(30));

    counter.reload(&limits("3600/h burst 1"));
    assert_eq!(redis.server.ask("FLUSHALL"), "OK");

    assert_eq!(told(&counter), Some(Duration::from_millis(500)));
}

#[test]
fn what_redis_forgets_it_learns_again_also_beside_other_limits() {
    let redis = Arc::new(Connected::start());
    let old = Counter::in_redis(&redis, &limits("60/h burst 10"), 2);
    let new = Counter::in_redis(&redis, &limits("3600/h burst 10"), 2);
    assert!(ask(&old, 10).outcome.is_ok());

    assert_eq!(redis.server.ask("FLUSHALL"), "OK");

    // The new one has seen nothing of it, and asks first.
    assert_eq!(told(&new), None);
    assert_eq!(told(&old), Some(Duration::from_secs(60)));
    assert_eq!(told(&new), Some(Duration::from_secs(1)));
}

#[test]
fn a_value_stays_for_as_long_as_replicas_may_know_it_by_other_terms() {
    let redis = Arc::new(Connected::start());
    let old = Counter::in_redis(&redis, &limits("2/h"), 2);
    let new = Counter::in_redis(&redis, &limits("7200/h burst 2"), 2);
    assert!(ask(&old, 2).outcome.is_ok());
    let keys = redis.server.ask("KEYS poolgate:*");
    let key = keys.lines().find(|key| !key.contains("{0000")).unwrap();
    let kept = || {
        let millis = redis.server.ask(&format!("PTTL {key}"));
        Duration::from_millis(millis.parse().unwrap())
    };
    let hour = Duration::from_secs(3_600);
    let about_an_hour = hour - Duration::from_secs(60)..hour + Duration::from_secs(2);

    // By the new terms it is a second until nothing is owed.
    assert_eq!(told(&new), Some(Duration::from_millis(500)));
    assert!(about_an_hour.contains(&kept()), "{:?}", kept());
    for counter in [&old, &new] {
        counter.clock.advance(Duration::from_secs(2));
    }
    assert_eq!(told(&new), None);
    assert!(about_an_hour.contains(&kept()), "{:?}", kept());

    // So the old one learns that it was given back.
    let allowance = ask(&old, 1).allowance.unwrap();
    assert_eq!((allowance.left, allowance.full_in), (0, hour));
}

#[test]
fn a_replica_alone_goes_on_from_what_redis_has_told_it_last() {
    let redis = Arc::new(Connected::start());
    let old = Counter::in_redis(&redis, &limits("60/h burst 4"), 1);
    let new = Counter::in_redis(&redis, &limits("3600/h burst 4"), 1);
    assert!(ask(&old, 4).outcome.is_ok());
    assert_eq!(told(&new), Some(Duration::from_secs(1)));
    for counter in [&old, &new] {
        counter.clock.advance(Duration::from_secs(4));
    }
    // The old one learns that all was given back by the new terms.
    assert_eq!(told(&old), None);

    redis.server.signal("KILL");
    assert_eq!(told(&old), None);
    redis.until_degraded(true);

    assert_eq!([(); 3].map(|()| told(&old).is_none()), [true, true, false]);
}

/// A call: how long after the one before, by which of two windows, and how much it weighs.
#[derive(Clone, Debug)]
struct Step {
    after: u64,
    window: usize,
    weight: u32,
}

/// Two windows of one unit, and calls of one caller that are asked about by one or the
/// other, mostly within the time in which something is owed.
fn steps() -> impl Strategy<Value = ([Window; 2], Vec<Step>)> {
    let count = || prop_oneof![1_u64..5, 1_u64..1_000, Just(100_000)];
    let burst = || prop_oneof![1_u64..5, 1_u64..1_000, Just(1_000_000)];
    let window = || {
        let text = (count(), burst()).prop_map(|(count, burst)| format!("{count}/s burst {burst}"));
        text.prop_map(|text| Window::parse(&text).unwrap())
    };
    (window(), window()).prop_flat_map(|(one, other)| {
        let full = [full(&one), full(&other)];
        let after = prop_oneof![
            4 => Just(0),
            1 => Just(1_000),
            2 => 0..full[0],
            2 => 0..full[1],
            2 => 0..=full[0] / 10,
            2 => 0..=full[1] / 10,
        ];
        let weight = prop_oneof![4 => Just(1_u32), 1 => 2_u32..8, 1 => 8_u32..800];
        let step = (after, 0_usize..2, weight).prop_map(|(after, window, weight)| Step {
            after,
            window,
            weight,
        });
        let windows = [one, other];
        (Just(windows), prop::collection::vec(step, 1..100))
    })
}

/// How long it takes until all may be had again, in nanoseconds.
fn full(window: &Window) -> u64 {
    let interval = u64::try_from(window.interval().as_nanos()).unwrap();
    interval * window.burst()
}

#[expect(clippy::cast_precision_loss, reason = "the model may differ by more")]
fn real(number: u64) -> f64 {
    number as f64
}

/// A nanosecond as a share of the burst.
fn nanosecond(window: &Window) -> f64 {
    1.0 / real(full(window))
}

/// Plays the steps, and compares each decision with a share of a burst that knows of no
/// terms: a call takes its part of the burst of whoever is asked, and time gives back by
/// the terms of whoever was asked last. Each step may add so much to what they differ by.
fn goes_by_shares(
    (windows, steps): &([Window; 2], Vec<Step>),
    rounding: impl Fn(&Window) -> f64,
    mut ask: impl FnMut(usize, Duration, u32) -> Ruling,
) -> TestCaseResult {
    let (mut share, mut doubt, mut last) = (0.0_f64, 0.0_f64, &windows[0]);
    for (number, step) in steps.iter().enumerate() {
        let window = &windows[step.window];
        share = (share - real(step.after) / real(full(last))).max(0.0);
        let after = share + f64::from(step.weight) / real(window.burst());
        doubt += rounding(window) + 1e-12;
        last = window;

        let ruling = ask(step.window, Duration::from_nanos(step.after), step.weight);

        let is_admitted = ruling.outcome.is_ok();
        if (after - 1.0).abs() > doubt {
            prop_assert_eq!(is_admitted, after < 1.0, "step {}: {}", number, after);
        }
        if is_admitted {
            share = after;
        }
        let owed = u64::try_from(ruling.allowance.unwrap().full_in.as_nanos()).unwrap();
        let differs = real(owed) / real(full(window)) - share;
        // What is told is rounded up to whole nanoseconds.
        prop_assert!(differs > -doubt, "step {}: {}", number, differs);
        prop_assert!(
            differs < doubt + nanosecond(window),
            "step {}: {}",
            number,
            differs
        );
    }
    // And whoever is told to wait is admitted then, and not before.
    let mut told = |after| match ask(0, after, 1).outcome {
        Err(Failure::RateLimited { wait, .. }) => wait,
        _ => Duration::ZERO,
    };
    let wait = told(Duration::ZERO);
    if wait > Duration::ZERO {
        prop_assert_eq!(told(wait - MILLI), MILLI);
        prop_assert_eq!(told(MILLI), Duration::ZERO);
    }
    Ok(())
}

fn one_that_changes<'a>(
    counter: &'a Counter,
    windows: &[Window; 2],
) -> impl FnMut(usize, Duration, u32) -> Ruling + use<'a> {
    let limits = windows.each_ref().map(|window| limits(&window.to_string()));
    move |window, after, weight| {
        counter.clock.advance(after);
        counter.reload(&limits[window]);
        ask(counter, weight)
    }
}

#[test]
fn a_limit_that_changes_again_and_again_goes_by_the_share_that_is_used() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(300));
    let goes_by_shares = |steps: ([Window; 2], Vec<Step>)| {
        let counter = Counter::in_memory(&limits(&steps.0[0].to_string()));
        goes_by_shares(&steps, nanosecond, one_that_changes(&counter, &steps.0))
    };

    runner.run(&steps(), goes_by_shares).unwrap();
}

#[test]
fn a_limit_in_redis_that_changes_again_and_again_goes_by_the_share_that_is_used() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(40));
    let redis = Arc::new(Connected::start());
    let goes_by_shares = |steps: ([Window; 2], Vec<Step>)| {
        assert_eq!(redis.server.ask("FLUSHALL"), "OK");
        let counter = Counter::in_redis(&redis, &limits(&steps.0[0].to_string()), 1);
        goes_by_shares(&steps, |_| 0.0, one_that_changes(&counter, &steps.0))
    };

    runner.run(&steps(), goes_by_shares).unwrap();
}

#[test]
fn replicas_with_different_limits_lose_nothing_and_give_nothing_away() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(80));
    let redis = Arc::new(Connected::start());
    let goes_by_shares = |steps: ([Window; 2], Vec<Step>)| {
        assert_eq!(redis.server.ask("FLUSHALL"), "OK");
        let limits = steps.0.each_ref().map(|window| limits(&window.to_string()));
        let replicas = limits.map(|limits| Counter::in_redis(&redis, &limits, 2));
        // There is no rounding that adds up.
        goes_by_shares(
            &steps,
            |_| 0.0,
            |window, after, weight| {
                for replica in &replicas {
                    replica.clock.advance(after);
                }
                ask(&replicas[window], weight)
            },
        )
    };

    runner.run(&steps(), goes_by_shares).unwrap();
}
