//! Whose turn it is.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::quota::account::budget::{Budget, Tokens};
use crate::quota::account::turns::Turns;

const FLOWS: [Flow; 5] = [
    ANN,
    BOB,
    EVE,
    NIGHTLY,
    Flow {
        key: 5,
        class: Class::Batch,
    },
];

/// Calls that wait for a rate of one in a second, each with its flow.
fn crowd(calls: &[(Flow, usize)]) -> (Turns<Flow>, Clock) {
    let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
    let mut budget = Budget::new(Some(1.0), 1, clock.instant());
    while budget.take(Tokens::All) {}
    let mut turns = Turns::new(budget);
    for (flow, count) in calls {
        for _ in 0..*count {
            turns.push(*flow, *flow, clock.instant());
        }
    }
    (turns, clock)
}

/// Who is served in so many turns.
fn served(turns: &mut Turns<Flow>, clock: &Clock, count: usize) -> Vec<u128> {
    let mut served = Vec::new();
    while served.len() < count && turns.len() > 0 {
        clock.advance(Duration::from_millis(100));
        turns.budget.go_to(clock.instant());
        served.extend(turns.next(clock.instant()).map(|flow| flow.key));
    }
    served
}

#[test]
fn nobody_has_more_than_half_while_others_wait() {
    let (mut turns, clock) = crowd(&[(EVE, 60), (ANN, 3)]);

    let served = served(&mut turns, &clock, 8);

    assert_eq!(served, [3, 1, 3, 1, 3, 1, 3, 3]);
}

#[test]
fn batch_comes_after_those_who_wait_for_an_answer_and_still_has_one_turn_of_eight() {
    let (mut turns, clock) = crowd(&[(NIGHTLY, 20), (ANN, 40), (BOB, 40)]);

    let served = served(&mut turns, &clock, 80);

    let batch: Vec<usize> = (0..80).filter(|at| served[*at] == NIGHTLY.key).collect();
    assert_eq!(batch, [7, 15, 23, 31, 39, 47, 55, 63, 71, 79]);
}

#[test]
fn one_caller_alone_takes_turns_with_batch() {
    let (mut turns, clock) = crowd(&[(NIGHTLY, 3), (ANN, 5)]);

    let served = served(&mut turns, &clock, 8);

    assert_eq!(served, [1, 4, 1, 4, 1, 4, 1, 1]);
}

#[test]
fn what_is_expected_is_what_comes() {
    for (calls, flow, ahead) in [
        (vec![(EVE, 10)], ANN, 1),
        (vec![(EVE, 10), (BOB, 1)], ANN, 2),
        (vec![(EVE, 10)], EVE, 10),
        (vec![(NIGHTLY, 10)], ANN, 0),
        (vec![(NIGHTLY, 10), (ANN, 2)], ANN, 4),
        (vec![(ANN, 10)], NIGHTLY, 1),
        (vec![(EVE, 4), (BOB, 4)], NIGHTLY, 7),
    ] {
        let (mut turns, clock) = crowd(&calls);
        let expected = turns.wait(flow, clock.instant());
        turns.push(flow, Flow { key: 99, ..flow }, clock.instant());

        let order = served(&mut turns, &clock, 100);

        let at = order.iter().position(|key| *key == 99).unwrap();
        assert_eq!(at, ahead, "{calls:?} {flow:?}");
        let at = Duration::from_secs(1 + u64::try_from(at).unwrap());
        let off = expected.abs_diff(at);
        assert!(
            off <= Duration::from_secs(1),
            "{calls:?}: {expected:?}, {at:?}"
        );
    }
}

#[derive(Clone, Debug)]
enum Step {
    Comes(usize),
    Goes(usize),
    Turn,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn nobody_is_served_twice_running_while_others_wait_and_everybody_is_served(
        steps in prop::collection::vec(
            prop_oneof![
                4 => (0_usize..5).prop_map(Step::Comes),
                1 => (0_usize..1000).prop_map(Step::Goes),
                3 => Just(Step::Turn),
            ],
            1..300,
        )
    ) {
        let (mut turns, clock) = crowd(&[]);
        // What waits, by its number: its place and its flow.
        let mut waiting = BTreeMap::new();
        // Who was served last, and the calls of others that waited then.
        let (mut number, mut last) = (0_u128, (0, Vec::new()));
        let serve = |turns: &mut Turns<Flow>| {
            clock.advance(Duration::from_secs(2));
            turns.budget.go_to(clock.instant());
            turns.next(clock.instant())
        };
        let mut check = |waiting: &mut BTreeMap<u128, _>, served: Option<Flow>| {
            let Some(Flow { key, .. }) = served else {
                return Ok(());
            };
            let (_, flow): (_, Flow) = waiting.remove(&key).unwrap();
            let others = waiting.iter().filter(|(_, (_, other))| other.key != flow.key);
            let others: Vec<u128> = others.map(|(number, _)| *number).collect();
            let overtaken = others.iter().any(|number| last.1.contains(number));
            prop_assert!(last.0 != flow.key || !overtaken, "{:?} again", flow);
            last = (flow.key, others);
            Ok(())
        };
        for step in steps {
            match step {
                Step::Comes(flow) => {
                    let flow = FLOWS[flow];
                    number += 1;
                    let place = turns.push(flow, Flow { key: number, ..flow }, clock.instant());
                    waiting.insert(number, ((flow.class, place), flow));
                }
                Step::Goes(which) => {
                    let which = waiting.keys().nth(which % waiting.len().max(1)).copied();
                    if let Some(number) = which {
                        let (place, _) = waiting.remove(&number).unwrap();
                        prop_assert_eq!(turns.remove(place).map(|one| one.key), Some(number));
                    }
                }
                Step::Turn => {
                    let served = serve(&mut turns);
                    prop_assert_eq!(served.is_some(), !waiting.is_empty());
                    check(&mut waiting, served)?;
                }
            }
            prop_assert_eq!(turns.len(), waiting.len());
        }
        while turns.len() > 0 {
            let served = serve(&mut turns);
            prop_assert!(served.is_some());
            check(&mut waiting, served)?;
        }
        prop_assert!(waiting.is_empty());
    }
}
