//! The calls of one operation in one region on their way to AWS.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Shared;
use super::budget::Budget;
use super::fair::Place;
use super::meter::Decision;
use super::promises::Promises;
use super::turn::Turn;
use super::turns::{Room, Turns};
use crate::call::{Class, Flow};
use crate::operation::Operation;

/// How soon those who wait are looked at again: the rate may have changed.
const LOOK: Duration = Duration::from_millis(100);

/// A lane. Its lock is held for moments, and never while anybody is told anything.
pub(super) struct Lane {
    pub(super) region: Arc<str>,
    pub(super) operation: Operation,
    shared: Arc<Shared>,
    state: Mutex<State>,
}

struct State {
    turns: Turns<Waiter>,
    promises: Promises,
    /// Whether a task gives tokens to those who wait.
    dispatching: bool,
}

impl State {
    /// When a call is told to come back that cannot wait for its turn now.
    fn refused(&mut self, flow: Flow, least: Duration, now: Instant) -> Duration {
        let rate = self.turns.rate_of(flow.class);
        self.promises.make(flow.key, least, rate, now)
    }
}

/// It is sent what it waits for.
type Waiter = oneshot::Sender<Turn>;

/// What becomes of a call when it comes.
pub(super) enum Arrival {
    Admitted(Turn),
    Waits(Ticket),
    /// It would wait too long, by so much.
    Refused(Duration),
}

/// A call that waits, and leaves when this is dropped.
pub(super) struct Ticket {
    lane: Arc<Lane>,
    class: Class,
    place: Place,
    admitted: oneshot::Receiver<Turn>,
}

impl Lane {
    pub(super) fn new(region: &str, operation: Operation, shared: &Arc<Shared>) -> Self {
        let rate = shared.rate(region, operation);
        let budget = Budget::new(rate, shared.replicas, shared.clock.instant());
        Self {
            region: region.into(),
            operation,
            shared: Arc::clone(shared),
            state: Mutex::new(State {
                turns: Turns::new(budget),
                promises: Promises::default(),
                dispatching: false,
            }),
        }
    }

    /// A call comes that can wait for so long.
    pub(super) fn arrive(self: &Arc<Self>, flow: Flow, patience: Duration) -> Arrival {
        let account = self.shared.account.load();
        let now = self.shared.clock.instant();
        let mut pushed_out = None;
        let arrival = {
            let mut state = self.state();
            let turns = &mut state.turns;
            turns.budget.go_to(now);
            if turns.take_at_once(flow, now) {
                state.promises.forget(flow.key);
                Arrival::Admitted(Turn::new(Arc::clone(self)))
            } else {
                let wait = turns.wait(flow, now);
                match turns.room(flow, &account) {
                    _ if wait > patience => {
                        Arrival::Refused(state.refused(flow, wait - patience, now))
                    }
                    Room::None => Arrival::Refused(state.refused(flow, wait, now)),
                    Room::Free => self.enqueue(&mut state, flow, now),
                    Room::After(last) => {
                        pushed_out = turns.remove(last);
                        self.enqueue(&mut state, flow, now)
                    }
                }
            }
        };
        // Tells it that its turn does not come.
        drop(pushed_out);
        if let Arrival::Waits(_) = arrival {
            self.tell_waiting();
            // It may have its turn before all others.
            self.serve();
        }
        arrival
    }

    /// A call has waited for so long, and in vain. When shall it come back?
    pub(super) fn refused(&self, flow: Flow, patience: Duration) -> Duration {
        let now = self.shared.clock.instant();
        let mut state = self.state();
        state.turns.budget.go_to(now);
        let wait = state.turns.wait(flow, now);
        state.refused(flow, wait.saturating_sub(patience), now)
    }

    fn enqueue(self: &Arc<Self>, state: &mut State, flow: Flow, now: Instant) -> Arrival {
        let (waiter, admitted) = oneshot::channel();
        let place = state.turns.push(flow, waiter, now);
        if !std::mem::replace(&mut state.dispatching, true) {
            tokio::spawn(dispatch(Arc::clone(self)));
        }
        Arrival::Waits(Ticket {
            lane: Arc::clone(self),
            class: flow.class,
            place,
            admitted,
        })
    }

    /// Gives tokens to those who are next.
    fn serve(self: &Arc<Self>) {
        let now = self.shared.clock.instant();
        let mut served = Vec::new();
        {
            let turns = &mut self.state().turns;
            turns.budget.go_to(now);
            while let Some(waiter) = turns.next(now) {
                served.push(waiter);
            }
        }
        if served.is_empty() {
            return;
        }
        for waiter in served {
            // Who has gone meanwhile gives it back by dropping it.
            let _ = waiter.send(Turn::new(Arc::clone(self)));
        }
        self.tell_waiting();
    }

    /// When to go on giving tokens; nothing when nobody waits.
    fn go_on(&self) -> Option<Duration> {
        let mut state = self.state();
        state.dispatching = state.turns.len() > 0;
        let wait = state.turns.next_in().min(LOOK);
        state.dispatching.then_some(wait)
    }

    /// A token was not used.
    pub(super) fn give_back(&self) {
        self.state().turns.budget.give_back();
    }

    /// The SDK has sent a request again.
    pub(super) fn charge(&self) {
        let now = self.shared.clock.instant();
        let budget = &mut self.state().turns.budget;
        budget.go_to(now);
        budget.charge();
    }

    /// AWS has throttled a request.
    pub(super) fn throttled(&self) {
        let now = self.shared.clock.instant();
        let rate = {
            let budget = &mut self.state().turns.budget;
            let cut = budget.throttled(now);
            budget.rate().filter(|_| cut)
        };
        if let Some(rate) = rate {
            let (operation, region) = (self.operation, &self.region);
            tracing::warn!(
                %operation,
                %region,
                rate,
                "AWS throttles {operation} in {region}: it is called {rate:.1} times a second"
            );
            self.shared.meter.rate(region, operation, rate);
        }
    }

    /// How it goes at this time.
    pub(super) fn in_force(&self) -> String {
        let now = self.shared.clock.instant();
        let (rate, waiting) = {
            let turns = &mut self.state().turns;
            turns.budget.go_to(now);
            (turns.budget.rate(), turns.len())
        };
        let rate = rate.map_or_else(|| "no bound".to_owned(), |rate| format!("{rate:.1}/s"));
        let (operation, region) = (self.operation, &self.region);
        format!("{operation} in {region}: {rate}, {waiting} wait")
    }

    /// What was set has changed.
    pub(super) fn configure(&self) {
        let rate = self.shared.rate(&self.region, self.operation);
        let now = self.shared.clock.instant();
        self.state().turns.budget.configure(rate, now);
        self.report();
    }

    /// Tells the rate that is in force.
    pub(super) fn report(&self) {
        let now = self.shared.clock.instant();
        let rate = {
            let turns = &mut self.state().turns;
            turns.budget.go_to(now);
            turns.forget(now);
            turns.budget.rate()
        };
        if let Some(rate) = rate {
            self.shared.meter.rate(&self.region, self.operation, rate);
        }
    }

    pub(super) fn decided(&self, decision: Decision) {
        let (region, operation) = (&self.region, self.operation);
        self.shared.meter.decided(region, operation, decision);
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.state().turns.len()
    }

    fn tell_waiting(&self) {
        let waiting = self.state().turns.len();
        let meter = &self.shared.meter;
        meter.waiting(&self.region, self.operation, waiting);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Waits for its turn; nothing if that does not come in time, or somebody else took it.
    pub(super) async fn wait(mut self, at_most: Duration) -> Option<Turn> {
        let admitted = tokio::time::timeout(at_most, &mut self.admitted).await;
        admitted.ok()?.ok()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let gone = self.lane.state().turns.remove((self.class, self.place));
        if gone.is_some() {
            self.lane.tell_waiting();
        }
    }
}

/// Gives tokens to those who wait until nobody does.
async fn dispatch(lane: Arc<Lane>) {
    loop {
        lane.serve();
        match lane.go_on() {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return,
        }
    }
}
