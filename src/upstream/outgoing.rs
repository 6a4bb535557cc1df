//! A call on its way out.

use std::time::Duration;

use crate::call::{Flow, Held, Target, Tenant};
use crate::caller::Caller;
use crate::notes::Notes;
use crate::operation::Operation;

/// One call on its way out.
#[derive(Clone)]
pub struct Outgoing {
    /// The operation.
    pub operation: Operation,
    /// Which of AWS's accounts it goes to, as it was [chosen](super::Upstream::choose).
    pub target: Target,
    /// The region of its resource, where it names one.
    pub region: Option<String>,
    /// The pool it names, where it names one.
    pub pool_id: Option<String>,
    /// Who calls: AWS is told the name where a role is assumed.
    pub caller: Caller,
    /// Whose it is, for those who share AWS's quotas among callers.
    pub flow: Flow,
    /// What is let go when nothing of the call is under way any more.
    pub held: Held,
    /// How long the caller still waits.
    pub left: Duration,
    /// Where to note what outer rooms want to know.
    pub notes: Notes,
    /// Whose store of the emulator is meant, where the caller says so.
    pub tenant: Option<Tenant>,
}
