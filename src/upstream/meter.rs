//! Where it is told what goes to AWS.

use std::sync::Arc;
use std::time::Duration;

use crate::operation::Operation;

/// Where it is told what goes to AWS, and how AWS bears it. Regions are those that are
/// configured.
pub trait Meter: Send + Sync {
    /// The same for calls to one target.
    fn of_target(self: Arc<Self>, name: &Arc<str>) -> Arc<dyn Meter>;
    /// A request was put on the wire.
    fn sent(&self, region: &str, operation: Operation);
    /// AWS has throttled a request.
    fn throttled(&self, region: &str, operation: Operation);
    /// A call was not made, to spare AWS.
    fn shed(&self, region: &str, operation: Operation, why: Shed);
    /// So many calls are under way, and so many may be.
    fn in_flight(&self, region: &str, calls: usize, limit: usize);
    /// The circuit breaker of an operation is in this state.
    fn breaker(&self, region: &str, operation: Operation, state: Circuit);
    /// The role of the target was asked for, which took this long.
    fn assumed(&self, outcome: Assumed, took: Duration);
}

/// What became of asking for a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assumed {
    /// There is a session.
    Given,
    /// AWS refuses the role, or refuses it to this caller.
    Refused,
    /// It could not be asked for at that moment.
    Unavailable,
    /// poolgate's own credentials are not there, or are not taken.
    NoCredentials,
}

/// Why a call was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shed {
    /// As many calls are under way as AWS can bear.
    Overloaded,
    /// The circuit breaker of the operation is open.
    CircuitOpen,
}

/// The state of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Calls are made.
    Closed,
    /// A few calls are made to see how they end.
    HalfOpen,
    /// No call is made.
    Open,
}

/// Nobody is told.
pub(super) struct Untold;

impl Meter for Untold {
    fn of_target(self: Arc<Self>, _: &Arc<str>) -> Arc<dyn Meter> {
        self
    }

    fn sent(&self, _: &str, _: Operation) {}

    fn throttled(&self, _: &str, _: Operation) {}

    fn shed(&self, _: &str, _: Operation, _: Shed) {}

    fn in_flight(&self, _: &str, _: usize, _: usize) {}

    fn breaker(&self, _: &str, _: Operation, _: Circuit) {}

    fn assumed(&self, _: Assumed, _: Duration) {}
}
