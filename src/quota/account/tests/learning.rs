//! What AWS's throttles teach.

use super::*;
use crate::quota::account::budget::{Budget, Tokens};

/// An hour in front of an AWS that admits so many requests in a second, while as many are
/// wanted as can be had; how many went well in a second, and how many were throttled in a
/// minute, without the first minute.
fn an_hour(configured: Option<f64>, admits: f64, wanted: f64) -> (f64, f64) {
    let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
    let mut budget = Budget::new(configured, 1, clock.instant());
    let mut aws = Aws::new(admits, clock.instant());
    let (mut good, mut throttled) = (0.0, 0.0);
    let step = Duration::from_millis(5);
    let mut demand = 0.0;
    for number in 0..60 * 60 * 200 {
        clock.advance(step);
        let now = clock.instant();
        budget.go_to(now);
        demand = (demand + wanted * step.as_secs_f64()).min(10.0);
        while demand >= 1.0 && budget.take(Tokens::All) {
            demand -= 1.0;
            let takes = aws.takes(now);
            if !takes {
                budget.throttled(now);
            }
            match takes {
                _ if number < 60 * 200 => {}
                true => good += 1.0,
                false => throttled += 1.0,
            }
        }
    }
    (good / (59.0 * 60.0), throttled / 59.0)
}

#[test]
fn an_account_with_less_than_was_set_is_found_out() {
    for (configured, admits) in [(Some(24.5), 10.0), (Some(196.0), 100.0), (Some(4.9), 1.0)] {
        let (goodput, throttled) = an_hour(configured, admits, 500.0);

        let told = format!(
            "{configured:?} {admits}: {goodput:.2}/s, {throttled:.2} throttled in a minute"
        );
        assert!(goodput >= 0.9 * admits, "{told}");
        assert!(throttled <= 2.5, "{told}");
    }
}

#[test]
fn a_quota_that_nobody_publishes_is_found_out_by_the_first_throttle() {
    let (goodput, throttled) = an_hour(None, 20.0, 60.0);

    let told = format!("{goodput:.2}/s, {throttled:.2} throttled in a minute");
    assert!(goodput >= 0.9 * 20.0, "{told}");
    assert!(throttled <= 2.5, "{told}");
}

#[test]
fn the_rate_is_cut_once_in_a_second_and_rises_again() {
    let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
    let mut budget = Budget::new(Some(100.0), 1, clock.instant());
    for _ in 0..10 {
        budget.throttled(clock.instant());
    }
    assert_eq!(budget.rate(), Some(70.0));
    assert!(!budget.take(Tokens::All), "nothing is left");

    clock.advance(Duration::from_secs(1));
    budget.throttled(clock.instant());
    assert_eq!(budget.rate(), Some(56.0), "it had risen to 80");

    let mut rates = Vec::new();
    for _ in 0..12 {
        clock.advance(Duration::from_secs(10));
        budget.go_to(clock.instant());
        rates.push(budget.rate().unwrap().round());
    }
    assert_eq!(
        rates[..4],
        [76.0, 77.0, 78.0, 81.0],
        "near 80, and slowly on"
    );
    assert_eq!(rates.last(), Some(&100.0), "{rates:?}");
}
