//! Where it is told what becomes of calls.

use crate::operation::Operation;

/// Where it is told what becomes of calls. Regions are those that are configured.
pub trait Meter: Send + Sync {
    /// What became of a call.
    fn decided(&self, region: &str, operation: Operation, decision: Decision);
    /// So many calls wait.
    fn waiting(&self, region: &str, operation: Operation, calls: usize);
    /// So many requests are made in a second at most.
    fn rate(&self, region: &str, operation: Operation, rate: f64);
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is made at once.
    Admitted,
    /// It is made after it has waited.
    Waited,
    /// It is refused.
    Refused,
}

/// Nobody is told.
pub(super) struct Untold;

impl Meter for Untold {
    fn decided(&self, _: &str, _: Operation, _: Decision) {}

    fn waiting(&self, _: &str, _: Operation, _: usize) {}

    fn rate(&self, _: &str, _: Operation, _: f64) {}
}
