//! What the limits make of a call.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::in_flight::Permit;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::notes::Allowance;
use crate::operation::Operation;

/// A call that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// From where; it counts where nobody has to say who calls.
    pub peer: IpAddr,
    /// What it does.
    pub operation: Operation,
    /// When it came, by the monotonic clock.
    pub at: Instant,
}

/// What the limits make of a call.
#[derive(Debug)]
pub struct Ruling {
    /// Whether it is admitted.
    pub outcome: Result<Admitted, Failure>,
    /// What each limit that counts has decided.
    pub judged: Vec<Judged>,
    /// Whether there was no room for the caller, so that it was counted with others.
    pub shared: bool,
    /// What is left to the caller of its limit, whatever came of the call; of several
    /// windows it is the one with the least. Nothing where none was asked.
    pub allowance: Option<Allowance>,
}

/// A call that is admitted.
#[derive(Debug, Default)]
pub struct Admitted {
    /// The call is under way for as long as these live.
    pub permits: Vec<Permit>,
}

/// What a limit has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The limit.
    pub limit: Arc<str>,
    /// What it decided.
    pub decision: Decision,
}

/// What a limit decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The call is admitted.
    Admitted,
    /// It is refused.
    Refused,
    /// It would be admitted if the limit were in force.
    ShadowAdmitted,
    /// It would be refused if the limit were in force.
    ShadowRefused,
}

impl Ruling {
    /// Of limits that are tried beside those that ruled this.
    pub(super) fn beside(mut self, tried: Self) -> Self {
        let judged = tried.judged.into_iter().map(|Judged { limit, decision }| {
            let decision = match decision {
                Decision::Refused | Decision::ShadowRefused => Decision::ShadowRefused,
                Decision::Admitted | Decision::ShadowAdmitted => Decision::ShadowAdmitted,
            };
            Judged { limit, decision }
        });
        self.judged.extend(judged);
        if let (Ok(admitted), Ok(tried)) = (&mut self.outcome, tried.outcome) {
            admitted.permits.extend(tried.permits);
        }
        self
    }
}
