//! How much may be had.

use proptest::prelude::*;

use super::*;
use crate::quota::account::budget::{Budget, Tokens};

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Take,
    TakeAbove,
    GiveBack,
    Charge,
    Throttled,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u64..200_000_000).prop_map(Step::Wait),
        1 => (0_u64..5_000_000_000).prop_map(Step::Wait),
        8 => Just(Step::Take),
        4 => Just(Step::TakeAbove),
        1 => Just(Step::GiveBack),
        1 => Just(Step::Charge),
        1 => Just(Step::Throttled),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_span_has_more_than_a_burst_and_what_the_rate_gives(
        rate in 1_u32..300, steps in steps()
    ) {
        let rate = f64::from(rate);
        let burst = (rate / 4.0).max(2.0);
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let mut budget = Budget::new(Some(rate), 1, clock.instant());
        let mut taken: Vec<Instant> = Vec::new();
        for step in steps {
            let now = clock.instant();
            budget.go_to(now);
            match step {
                Step::Wait(nanos) => clock.advance(Duration::from_nanos(nanos)),
                Step::Take if budget.take(Tokens::All) => taken.push(now),
                Step::TakeAbove if budget.take(Tokens::AboveReserve) => taken.push(now),
                Step::Take | Step::TakeAbove => {}
                Step::GiveBack => {
                    if taken.pop().is_some() {
                        budget.give_back();
                    }
                }
                Step::Charge => budget.charge(),
                Step::Throttled => {
                    budget.throttled(now);
                }
            }
            prop_assert!(budget.rate().unwrap() <= rate);
        }

        for (index, from) in taken.iter().enumerate() {
            for (count, at) in taken[index..].iter().enumerate() {
                let most = burst + rate * (*at - *from).as_secs_f64();
                prop_assert!(count as f64 + 1.0 <= most + 1e-6, "{} > {}", count + 1, most);
            }
        }
    }

    #[test]
    fn whoever_waits_as_told_has_a_token_then(rate in 1_u32..300, steps in steps()) {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let mut budget = Budget::new(Some(f64::from(rate)), 1, clock.instant());
        for step in steps {
            budget.go_to(clock.instant());
            match step {
                Step::Wait(nanos) => clock.advance(Duration::from_nanos(nanos)),
                Step::Charge => budget.charge(),
                _ => {
                    budget.take(Tokens::All);
                }
            }
        }
        budget.go_to(clock.instant());

        clock.advance(budget.wait(0, Tokens::All) + Duration::from_nanos(10));
        budget.go_to(clock.instant());

        prop_assert!(budget.take(Tokens::All));
    }
}

#[test]
fn replicas_together_make_no_more_at_once_than_one_as_far_as_each_can_make_one() {
    let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
    for (quota, replicas, at_once) in [(5.0, 1, 2), (5.0, 2, 2), (5.0, 4, 4), (200.0, 4, 48)] {
        let of_one = || {
            let rate = quota / f64::from(replicas);
            let mut budget = Budget::new(Some(rate), replicas, clock.instant());
            std::iter::from_fn(move || budget.take(Tokens::All).then_some(())).count()
        };

        let all: usize = (0..replicas).map(|_| of_one()).sum();

        assert_eq!(all, at_once, "{replicas} replicas have {quota}/s");
    }
}

#[test]
fn most_of_a_burst_is_kept() {
    let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
    let mut budget = Budget::new(Some(24.0), 1, clock.instant());
    let mut taken = |tokens| {
        std::iter::repeat(())
            .take_while(|()| budget.take(tokens))
            .count()
    };

    assert_eq!(taken(Tokens::AboveReserve), 2);
    assert_eq!(taken(Tokens::All), 4);

    assert_eq!(taken(Tokens::All), 0);
}

#[test]
fn other_rates_keep_what_was_used_and_what_was_learned() {
    let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
    let now = clock.instant();
    let mut budget = Budget::new(Some(20.0), 1, now);
    while budget.take(Tokens::All) {}

    budget.configure(Some(200.0), now);
    assert!(!budget.take(Tokens::All), "what was used stays used");
    budget.throttled(now);
    assert_eq!(budget.rate(), Some(140.0));

    budget.configure(Some(150.0), now);
    budget.configure(None, now);
    assert_eq!(budget.rate(), Some(140.0), "AWS has throttled");
    for _ in 0..300 {
        clock.advance(Duration::from_secs(1));
        budget.go_to(clock.instant());
    }
    assert_eq!(budget.rate(), None, "and has not for minutes");
}
