//! The guard, with time that a test moves, and against an AWS that counts for itself.

mod budget;
mod file;
mod learning;
mod turns;
mod waiting;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Account, Guard, Turn, Wanted};
use crate::call::{Class, Flow};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::operation::Operation;

const HERE: &str = "eu-west-1";
const ANN: Flow = interactive(1);
const BOB: Flow = interactive(2);
const EVE: Flow = interactive(3);
const NIGHTLY: Flow = Flow {
    key: 4,
    class: Class::Batch,
};
/// How many tokens of GetId one caller has at once at first.
const AT_ONCE: usize = 3;

const fn interactive(key: u128) -> Flow {
    Flow {
        key,
        class: Class::Interactive,
    }
}

fn guard(account: Account) -> Arc<Guard> {
    Arc::new(Guard::new(&account, 1, Clock::of_runtime()))
}

fn get_id(flow: Flow) -> Wanted<'static> {
    Wanted {
        operation: Operation::GetId,
        region: HERE,
        flow,
        left: Duration::from_secs(60),
    }
}

/// Takes everything that can be had at once.
async fn emptied(account: Account) -> Arc<Guard> {
    let guard = guard(account);
    for key in 100..106 {
        let one = guard.admit(get_id(interactive(key)));
        one.await.map(sent).unwrap();
    }
    guard
}

fn sent(turn: Turn) -> Turn {
    turn.sent();
    turn
}

fn wait_of(refused: Result<Turn, Failure>) -> Duration {
    match refused.err() {
        Some(Failure::AccountQuota(quota)) => quota.wait,
        other => panic!("not refused by the quota: {other:?}"),
    }
}

/// What AWS admits: a second's worth at once, and no more than the rate in the long run.
struct Aws {
    rate: f64,
    left: f64,
    filled: Instant,
}

impl Aws {
    fn new(rate: f64, now: Instant) -> Self {
        Self {
            rate,
            left: rate,
            filled: now,
        }
    }

    fn takes(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = (self.left + since * self.rate).min(self.rate);
        self.filled = now;
        let takes = self.left >= 1.0;
        if takes {
            self.left -= 1.0;
        }
        takes
    }
}
