//! AWS is spared when it is slow or fails.
//!
//! In each region no more calls are under way than AWS bears: the limit is lowered while
//! answers take several times as long as they used to, and rises again. Neither one caller
//! nor writes have all of these places. Of each operation
//! there is a circuit breaker, which opens when AWS or the way there fails again and again;
//! errors that AWS answers with, throttles among them, do not open it.
//!
//! What is shed is refused at once, and nothing was sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::meter::{Circuit, Meter};
use super::settings::{self, Settings, Spare};
use crate::call::Flow;
use crate::clock::Clock;
use crate::failure::{Failure, Place};
use crate::operation::Operation;

mod breaker;
mod in_flight;
mod outage;
mod refused;
mod watched;

use breaker::{Ended, Pass};
use in_flight::{InFlight, Kind};
use outage::is_outage;
use refused::{Refused, refusal};
use watched::Watched;

/// A call that is given up after this long without an answer counts as failed, once for each
/// caller, if nobody else has had an answer meanwhile. Otherwise it says more of its caller
/// than of AWS, and so does one that was given up before.
const HANGS: Duration = Duration::from_secs(1);

/// What is known of how AWS bears its calls.
pub(super) struct Overload {
    regions: Mutex<HashMap<String, Arc<Region>>>,
    on: bool,
    max_in_flight: usize,
    target: Option<Arc<str>>,
    clock: Clock,
    meter: Arc<dyn Meter>,
}

struct Region {
    name: Arc<str>,
    target: Option<Arc<str>>,
    clock: Clock,
    meter: Arc<dyn Meter>,
    state: Mutex<State>,
}

struct State {
    in_flight: InFlight,
    operations: HashMap<Operation, Watched>,
}

/// A call under way. One that is dropped before its end was given up.
pub(super) struct UnderWay(Option<Call>);

struct Call {
    region: Arc<Region>,
    operation: Operation,
    kind: Kind,
    pass: Pass,
    began: Instant,
}

impl Overload {
    /// Watches the calls to a target, or to the only account there is.
    pub(super) fn new(
        settings: &Settings,
        target: Option<Arc<str>>,
        clock: Clock,
        meter: Arc<dyn Meter>,
    ) -> Self {
        Self {
            regions: Mutex::default(),
            on: match settings.spare {
                Spare::Aws => settings.kind == settings::Kind::Aws,
                Spare::Always => true,
                Spare::Never => false,
            },
            max_in_flight: settings.max_in_flight,
            target,
            clock,
            meter,
        }
    }

    /// Refuses a call that would be shed, before it waits for anything.
    pub(super) fn check(
        &self,
        region: &str,
        operation: Operation,
        flow: Flow,
    ) -> Result<(), Failure> {
        if !self.on {
            return Ok(());
        }
        let region = self.region(region);
        let now = self.clock.instant();
        let refused = region.state(now, operation, |in_flight, watched| {
            let wait = watched.check(flow, now).err();
            refusal(wait, in_flight, Kind::of(operation, flow))
        });
        refused.map_or(Ok(()), |refused| Err(region.shed(operation, refused)))
    }

    /// Begins a call, or refuses it.
    pub(super) fn enter(
        &self,
        region: &str,
        operation: Operation,
        flow: Flow,
    ) -> Result<UnderWay, Failure> {
        if !self.on {
            return Ok(UnderWay(None));
        }
        let kind = Kind::of(operation, flow);
        let region = self.region(region);
        let now = self.clock.instant();
        let entered = region.state(now, operation, |in_flight, watched| {
            let wait = watched.check(flow, now).err();
            if let Some(refused) = refusal(wait, in_flight, kind) {
                return Err(refused);
            }
            let pass = watched.enter(flow, now).map_err(Refused::Circuit)?;
            in_flight.enter(kind);
            Ok((pass, watched.circuit()))
        });
        let (pass, circuit) = entered.map_err(|refused| region.shed(operation, refused))?;
        if pass == Pass::Probe {
            region.meter.breaker(&region.name, operation, circuit);
        }
        region.tell_in_flight();
        Ok(UnderWay(Some(Call {
            region,
            operation,
            kind,
            pass,
            began: now,
        })))
    }

    /// There are as many as calls may go to.
    fn region(&self, name: &str) -> Arc<Region> {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(region) = regions.get(name) {
            return Arc::clone(region);
        }
        let region = Arc::new(Region {
            name: name.into(),
            target: self.target.clone(),
            clock: self.clock.clone(),
            meter: Arc::clone(&self.meter),
            state: Mutex::new(State {
                in_flight: InFlight::new(self.max_in_flight),
                operations: HashMap::new(),
            }),
        });
        regions.insert(name.to_owned(), Arc::clone(&region));
        region
    }
}

impl UnderWay {
    /// The call has ended.
    pub(super) fn end(mut self, failure: Option<&Failure>) {
        let Some(call) = self.0.take() else {
            return;
        };
        call.end(match failure.is_some_and(is_outage) {
            true => Ended::Badly,
            false => Ended::Well,
        });
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call.given_up();
        }
    }
}

impl Call {
    /// Whoever made it has gone. That never decides about an operation that is being tried
    /// again: otherwise one impatient caller could keep it from all others.
    fn given_up(self) {
        let now = self.region.clock.instant();
        let hangs = now.saturating_duration_since(self.began) >= HANGS;
        let counts = self.pass == Pass::Usual && hangs && {
            let began = self.began;
            let (region, flow) = (&self.region, self.kind.flow);
            region.state(now, self.operation, |_, watched| {
                watched.gave_up(flow, began)
            })
        };
        self.end(if counts { Ended::Badly } else { Ended::Unknown });
    }

    fn end(self, ended: Ended) {
        let Self {
            region,
            operation,
            kind,
            pass,
            began,
        } = self;
        let now = region.clock.instant();
        let took = now.saturating_duration_since(began);
        let circuit = region.state(now, operation, |in_flight, watched| {
            let slow = watched.usual.is_slow(took);
            match ended {
                Ended::Well => {
                    watched.usual.learn(took, now);
                    in_flight.end(kind, slow, now);
                }
                Ended::Badly if slow => in_flight.end(kind, true, now),
                Ended::Badly | Ended::Unknown => in_flight.leave(kind),
            }
            let changed = watched.end(kind.flow, pass, ended, now);
            changed.then(|| watched.circuit())
        });
        if let Some(circuit) = circuit {
            region.tell_circuit(operation, circuit);
        }
        region.tell_in_flight();
    }
}

impl Region {
    fn state<T>(
        &self,
        now: Instant,
        operation: Operation,
        work: impl FnOnce(&mut InFlight, &mut Watched) -> T,
    ) -> T {
        let mut state = self.lock();
        let State {
            in_flight,
            operations,
        } = &mut *state;
        let watched = operations
            .entry(operation)
            .or_insert_with(|| Watched::new(now));
        work(in_flight, watched)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shed(&self, operation: Operation, refused: Refused) -> Failure {
        let (why, failure) = refused.failure(operation, self.place());
        self.meter.shed(&self.name, operation, why);
        failure
    }

    fn tell_in_flight(&self) {
        let (calls, limit) = {
            let in_flight = &self.lock().in_flight;
            (in_flight.under_way(), in_flight.limit())
        };
        self.meter.in_flight(&self.name, calls, limit);
    }

    fn tell_circuit(&self, operation: Operation, circuit: Circuit) {
        let (place, region) = (self.place(), &*self.name);
        let upstream_target = self.target.as_deref();
        match circuit {
            Circuit::Open => tracing::warn!(
                %operation,
                region,
                upstream_target,
                "{operation} fails in {place} again and again: it is not tried for a while"
            ),
            Circuit::Closed => {
                tracing::info!(%operation, region, upstream_target, "{operation} in {place} is well again");
            }
            Circuit::HalfOpen => {}
        }
        self.meter.breaker(region, operation, circuit);
    }

    fn place(&self) -> Place {
        Place {
            region: Arc::clone(&self.name),
            target: self.target.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::upstream::meter::Untold;

    #[test]
    fn whoever_gives_up_keeps_nobody_from_an_operation_that_answers_others() {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH);
        let settings = Settings {
            spare: Spare::Always,
            ..Settings::default()
        };
        let overload = Overload::new(&settings, None, clock.clone(), Arc::new(Untold));
        let enter = || {
            let flow = Flow::default();
            overload.enter("eu-west-1", Operation::DescribeIdentity, flow)
        };
        for _ in 0..50 {
            let impatient: Vec<_> = (0..5).map(|_| enter().unwrap()).collect();
            let patient = enter().unwrap();
            clock.advance(HANGS);
            patient.end(None);
            drop(impatient);
        }

        let refused = (0..20).filter(|_| {
            let alone = enter();
            clock.advance(HANGS);
            alone.is_err()
        });
        assert!(refused.count() > 0, "nobody is answered any more");
    }
}
