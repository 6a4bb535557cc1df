//! The quotas of the AWS account, which all callers have together.
//!
//! AWS counts requests by operation and region, whoever makes them, and throttles the
//! account. The guard keeps below that, and shares what there is:
//!
//! 1. In any span of time no more requests are made than a burst of a quarter of a second
//!    and what the rate gives in that span. Repetitions of the SDK are charged as well, when
//!    they are made.
//! 2. Callers of one class who wait take turns (start-time fair queueing, `fair`), so that
//!    none has more than half while others wait. Whoever waits for an answer is before
//!    batch, and of eight turns batch has one.
//! 3. Most of the burst is kept for callers who have had less than others: these hardly
//!    wait, however many wait who want more.
//! 4. Who would wait for longer than it can is refused at once, and what waits is bounded.
//!    A call whose caller has gone leaves the queue. Those who are refused are told times at
//!    which each finds a place, and not all the same (`promises`).
//! 5. When AWS throttles, the rate is cut at most once in a second, and rises again to near
//!    where it was; what lies beyond is tried slowly, and the faster, the longer AWS does not
//!    throttle. Where no quota is known, calls are bounded from the first throttle on, until
//!    several times as many have gone well.
//!
//! It knows callers as [flows](Flow) only.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::key::{Key, Keys};
use super::limiter::whole_millis;
use crate::call::{Class, Flow};
use crate::caller::Caller;
use crate::clock::Clock;
use crate::failure::{AccountQuota, Failure};
use crate::operation::Operation;

mod budget;
mod fair;
mod lane;
mod meter;
mod promises;
mod published;
mod read;
mod settings;
mod turn;
mod turns;

pub use meter::{Decision, Meter};
pub use published::account_table;
pub(super) use read::account;
pub use settings::Account;
pub use turn::Turn;

use lane::{Arrival, Lane};
use published::published;

/// The guard of the account's quotas, which can be set anew while calls wait.
pub struct Guard {
    shared: Arc<Shared>,
    keys: Keys,
    lanes: Mutex<HashMap<Operation, HashMap<String, Arc<Lane>>>>,
}

/// A call that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What it does.
    pub operation: Operation,
    /// Where.
    pub region: &'a str,
    /// Whose it is.
    pub flow: Flow,
    /// How long the caller still waits.
    pub left: Duration,
}

/// What all lanes go by.
struct Shared {
    account: ArcSwap<Account>,
    replicas: u32,
    clock: Clock,
    meter: Arc<dyn Meter>,
}

impl Shared {
    fn rate(&self, region: &str, operation: Operation) -> Option<f64> {
        let account = self.account.load();
        account.rate(region, operation, self.replicas)
    }
}

impl Guard {
    /// Shares the account's quotas with so many replicas. `clock` goes as the timers of the
    /// runtime do.
    pub fn new(account: &Account, replicas: u32, clock: Clock) -> Self {
        Self::metered(account, replicas, clock, Arc::new(meter::Untold))
    }

    /// The same, and `meter` is told.
    pub fn metered(account: &Account, replicas: u32, clock: Clock, meter: Arc<dyn Meter>) -> Self {
        Self {
            shared: Arc::new(Shared {
                account: ArcSwap::from_pointee(account.clone()),
                replicas,
                clock,
                meter,
            }),
            keys: Keys::default(),
            lanes: Mutex::default(),
        }
    }

    /// Sets everything anew. Who waits goes on waiting, and what was used stays used.
    pub fn reload(&self, account: &Account) {
        self.shared.account.store(Arc::new(account.clone()));
        for lane in self.all() {
            lane.configure();
        }
    }

    /// The flow of who calls.
    pub fn flow(&self, caller: &Caller, peer: IpAddr) -> Flow {
        let Key(key) = self.keys.of(caller, peer);
        let batch = &self.shared.account.load().batch_roles;
        let class = match caller.roles().iter().any(|role| batch.contains(role)) {
            true => Class::Batch,
            false => Class::Interactive,
        };
        Flow { key, class }
    }

    /// Waits for the call's turn.
    ///
    /// # Errors
    ///
    /// [`Failure::AccountQuota`] when that would come too late.
    pub async fn admit(&self, wanted: Wanted<'_>) -> Result<Turn, Failure> {
        let lane = self.lane(wanted.region, wanted.operation);
        let max_wait = self.shared.account.load().max_wait;
        let patience = max_wait.min(wanted.left);
        let ticket = match lane.arrive(wanted.flow, patience) {
            Arrival::Admitted(admitted) => {
                lane.decided(Decision::Admitted);
                return Ok(admitted);
            }
            Arrival::Refused(wait) => return Err(self.refusal(wanted, &lane, wait)),
            Arrival::Waits(ticket) => ticket,
        };
        let began = self.shared.clock.instant();
        let Some(mut admitted) = ticket.wait(patience).await else {
            let wait = lane.refused(wanted.flow, patience);
            return Err(self.refusal(wanted, &lane, wait));
        };
        admitted.waited = self.shared.clock.instant().saturating_duration_since(began);
        lane.decided(match admitted.waited.is_zero() {
            true => Decision::Admitted,
            false => Decision::Waited,
        });
        Ok(admitted)
    }

    /// Tells the meter what nobody else asks for, and forgets what is old; to be called
    /// every few seconds.
    pub fn report(&self) {
        for lane in self.all() {
            lane.report();
        }
    }

    /// What is in force, and a line for each operation and region that was called: at which
    /// rate AWS is asked at this time, and how many wait.
    pub fn in_force(&self) -> String {
        let mut lanes: Vec<String> = self.all().iter().map(|lane| lane.in_force()).collect();
        lanes.sort();
        let account = self.shared.account.load().to_string();
        [vec![account], lanes].concat().join("\n")
    }

    fn refusal(&self, wanted: Wanted<'_>, lane: &Lane, wait: Duration) -> Failure {
        lane.decided(Decision::Refused);
        let Wanted {
            operation, region, ..
        } = wanted;
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Failure::AccountQuota(AccountQuota {
            operation,
            region: region.to_owned(),
            rate: self.shared.account.load().quota(region, operation),
            code: published(operation).and_then(|published| published.code),
            wait: whole_millis(nanos.max(1)),
        })
    }

    /// There are as many as there are operations and regions that calls may go to.
    fn lane(&self, region: &str, operation: Operation) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lanes = lanes.entry(operation).or_default();
        if let Some(lane) = lanes.get(region) {
            return Arc::clone(lane);
        }
        let lane = Arc::new(Lane::new(region, operation, &self.shared));
        lanes.insert(region.to_owned(), Arc::clone(&lane));
        lane
    }

    fn all(&self) -> Vec<Arc<Lane>> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes
            .values()
            .flat_map(HashMap::values)
            .map(Arc::clone)
            .collect()
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guard").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
