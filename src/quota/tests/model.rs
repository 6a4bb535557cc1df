//! The arithmetic, held against buckets of tokens in integers that cannot overflow.

use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};

use super::counters::{Connected, Keeps};
use crate::quota::key::Key;
use crate::quota::price::{Marked, Price, Wait};
use crate::quota::table::Table;
use crate::quota::window::Window;

/// A bucket that a token falls into each nanosecond.
struct Bucket {
    interval: i128,
    size: i128,
    tokens: i128,
    at: i128,
}

impl Bucket {
    fn new(window: &Window) -> Self {
        let interval = i128::try_from(window.interval().as_nanos()).unwrap();
        let size = interval * i128::from(window.burst());
        Self {
            interval,
            size,
            tokens: size,
            at: 0,
        }
    }

    fn go_to(&mut self, now: i128) {
        self.tokens = self.size.min(self.tokens + now - self.at);
        self.at = now;
    }

    /// How many tokens are missing for a call.
    fn missing(&self, weight: i128) -> i128 {
        (weight * self.interval - self.tokens).max(0)
    }

    fn never(&self, weight: i128) -> bool {
        weight * self.interval > self.size
    }
}

/// A call: how long after the one before, by whom, and how much it weighs.
#[derive(Clone, Debug)]
struct Step {
    after: u64,
    caller: u128,
    weight: u32,
}

fn windows() -> impl Strategy<Value = Vec<Window>> {
    let window = |unit: &'static str| {
        let text = (1_u64..40, 1_u64..20)
            .prop_map(move |(count, burst)| format!("{count}/{unit} burst {burst}"));
        text.prop_map(|text| Window::parse(&text).unwrap())
    };
    let more = prop::option::of(window("min"));
    (window("s"), more, prop::option::of(window("h"))).prop_map(|(first, second, third)| {
        std::iter::once(first).chain(second).chain(third).collect()
    })
}

/// Gaps around the times at which something changes.
fn steps() -> impl Strategy<Value = (Vec<Window>, Vec<Step>)> {
    windows().prop_flat_map(|windows| {
        let first = windows[0].clone();
        let interval = u64::try_from(first.interval().as_nanos()).unwrap();
        let whole = interval * first.burst();
        let after = prop_oneof![
            4 => Just(0),
            1 => Just(1),
            2 => (interval - 1)..=(interval + 1),
            1 => (whole - 1)..=(whole + 1),
            2 => 0..2 * interval,
            1 => 0..3_600_000_000_000_u64,
        ];
        let weight = prop_oneof![6 => Just(1_u32), 2 => 2_u32..8, 1 => 18_u32..22];
        let step = (after, 0_u128..3, weight).prop_map(|(after, caller, weight)| Step {
            after,
            caller,
            weight,
        });
        (Just(windows), prop::collection::vec(step, 1..120))
    })
}

fn marked(windows: &[Window]) -> Vec<Marked> {
    let numbered = windows.iter().zip(1_u128..);
    numbered
        .map(|(window, number)| Marked {
            mark: Key(number << 32),
            window: window.clone(),
            shown: window.to_string().into(),
        })
        .collect()
}

/// Plays the steps, and compares each decision with the model's.
fn is_judged_as_by_buckets(
    keeper: &mut impl Keeps,
    (windows, steps): (Vec<Window>, Vec<Step>),
) -> TestCaseResult {
    keeper.clear();
    let asked = marked(&windows);
    let mut model: Vec<Vec<Bucket>> = (0..3)
        .map(|_| windows.iter().map(Bucket::new).collect())
        .collect();
    let mut now = 0_u64;
    for (number, step) in steps.iter().enumerate() {
        now += step.after;
        let weight = i128::from(step.weight);
        let buckets = &mut model[usize::try_from(step.caller).unwrap()];
        for bucket in buckets.iter_mut() {
            bucket.go_to(now.into());
        }
        let missing = buckets.iter().map(|bucket| bucket.missing(weight));
        let missing = missing.max().unwrap();
        let expected = match buckets.iter().any(|bucket| bucket.never(weight)) {
            true => Some(Wait::Forever),
            false if missing > 0 => Some(Wait::For(u64::try_from(missing).unwrap())),
            false => None,
        };
        if expected.is_none() {
            for bucket in buckets.iter_mut() {
                bucket.tokens -= weight * bucket.interval;
            }
        }

        let price = Price::of(step.weight);
        let charged = keeper.charge(Key(step.caller), &asked, price, now);

        prop_assert_eq!(charged.refused, expected, "step {}", number);
        prop_assert!(!charged.shared);
        if expected.is_none() {
            let left = buckets.iter().map(|bucket| bucket.tokens / bucket.interval);
            let told = windows[charged.window].left(charged.owed, 1);
            prop_assert_eq!(i128::from(told), left.min().unwrap(), "step {}", number);
        }
    }
    Ok(())
}

#[test]
fn every_call_is_judged_as_by_buckets_of_tokens() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(500));
    let judged = |steps| is_judged_as_by_buckets(&mut Table::new(0), steps);

    runner.run(&steps(), judged).unwrap();
}

#[test]
fn redis_judges_every_call_as_buckets_of_tokens_do() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(100));
    let redis = std::cell::RefCell::new(Connected::start());
    let judged = |steps| is_judged_as_by_buckets(&mut *redis.borrow_mut(), steps);

    runner.run(&steps(), judged).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_span_of_time_has_more_than_the_burst_and_what_the_rate_gives(
        (windows, steps) in steps()
    ) {
        let table = Table::new(100_000);
        let asked = marked(&windows);
        let (mut now, mut admitted) = (0_u64, Vec::new());
        for step in &steps {
            now += step.after;
            let price = Price::of(step.weight);
            let charged = table.charge(Key(0), &asked, price, now);
            if charged.refused.is_none() {
                admitted.push((now, u64::from(step.weight)));
            }
        }

        for window in &windows {
            let interval = u64::try_from(window.interval().as_nanos()).unwrap();
            for (index, (from, _)) in admitted.iter().enumerate() {
                let mut sum = 0;
                for (at, weight) in &admitted[index..] {
                    sum += weight;
                    let most = window.burst() + (at - from) / interval;
                    prop_assert!(sum <= most, "{} > {} by {}", sum, most, window);
                }
            }
        }
    }

    #[test]
    fn whoever_waits_as_told_is_admitted_and_not_a_nanosecond_before(
        (windows, steps) in steps(), weight in 1_u32..8
    ) {
        let asked = marked(&windows);
        let mut ends = Vec::new();
        for early in [1, 0] {
            let table = Table::new(100_000);
            let mut now = 0_u64;
            for step in &steps {
                now += step.after;
                let price = Price::of(step.weight);
                table.charge(Key(0), &asked, price, now);
            }
            let price = Price::of(weight);
            let Some(Wait::For(wait)) = table.charge(Key(0), &asked, price, now).refused else {
                return Ok(());
            };
            let again = table.charge(Key(0), &asked, price, now + wait - early);
            ends.push(again.refused);
        }

        prop_assert_eq!(ends, vec![Some(Wait::For(1)), None]);
    }
}
