//! A table that is full.

use super::{asked, caller, clock, limiter};
use crate::operation::Operation;
use crate::quota::table::CAPACITY;

const MIB: usize = 1024 * 1024;

/// One call takes a key out of use for as long as the flood goes on.
const DAILY: &str = r#"
[[limits]]
name = "daily"
windows = ["1000/day"]
in_flight = 100000
"#;

#[test]
fn a_million_callers_take_bounded_memory_and_bring_back_nobody_who_is_refused() {
    let clock = clock();
    let limiter = limiter(DAILY, &clock);
    let hot = caller("hot", &[]);
    let list = Operation::ListIdentityPools;
    let is_admitted = |caller: &_, weight| {
        let ruling = limiter.admit(&asked(caller, list, clock.instant()), weight);
        ruling.outcome.is_ok()
    };
    assert!(is_admitted(&hot, 1000));
    assert!(!is_admitted(&hot, 1));

    let mut admitted = 0;
    for number in 0..1_000_000 {
        let flood = caller(&number.to_string(), &[]);
        admitted += usize::from(is_admitted(&flood, 1));
        if number % 10_000 == 0 {
            assert!(!is_admitted(&hot, 1), "after {number} others");
        }
    }

    assert!(!is_admitted(&hot, 1));
    let keys = limiter.sweep(clock.instant());
    assert!(keys <= CAPACITY, "{keys}");
    assert!(keys > CAPACITY * 9 / 10, "{keys}");
    assert!(
        limiter.table_bytes() <= 32 * MIB,
        "{}",
        limiter.table_bytes()
    );
    // All that found no room had together what one caller may.
    assert_eq!(admitted, (keys - 1) + 1000);
}

#[test]
fn there_is_room_again_as_soon_as_keys_owe_nothing() {
    let clock = clock();
    let limiter = limiter(
        "[[limits]]\nname = \"second\"\neffects = [\"read\"]\nwindows = [\"1/s\"]\n",
        &clock,
    );
    let get = Operation::DescribeIdentityPool;
    let ask = |name: usize| {
        let caller = caller(&name.to_string(), &[]);
        limiter.admit(&asked(&caller, get, clock.instant()), 1)
    };
    let crowd = 2 * CAPACITY;
    let shared = (0..crowd).filter(|name| ask(*name).shared).count();
    assert!(shared >= CAPACITY, "{shared}");
    let late = ask(crowd);
    assert!(late.shared && late.outcome.is_err());

    clock.advance(std::time::Duration::from_secs(1));

    let late = ask(crowd);
    assert!(!late.shared && late.outcome.is_ok());
    clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(limiter.sweep(clock.instant()), 0);
}
