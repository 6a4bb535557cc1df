//! The session that a call is made with, and another one where AWS does not take it.
//!
//! AWS looks at a request's session before it does anything. What it refuses for the sake of
//! the session can so be made once more, whatever it is, and with everything that goes before
//! a call: neither a pool's lock nor a place among the calls under way is held while another
//! session is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;

use super::ways::Way;
use super::{Outgoing, Upstream};
use crate::caller::Caller;
use crate::failure::Failure;
use crate::operation::{Operation, Signing};

/// Whether AWS has not taken the session that a call was made with, and another can be had.
#[derive(Clone, Default)]
pub(super) struct Renewal(Arc<AtomicBool>);

impl Renewal {
    pub(super) fn set_due(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_due(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Upstream {
    /// Makes something, and once more where a renewal is due after it.
    pub(super) async fn renewing<T, F>(
        &self,
        outgoing: Outgoing,
        make: impl FnOnce(Outgoing, Renewal) -> F + Clone,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let has_sessions = self.ways.to(&outgoing.target)?.sessions.is_some();
        let mut again = has_sessions.then(|| (make.clone(), outgoing.clone()));
        let (began, renewal) = (self.clock.instant(), Renewal::default());
        let mut next = (make, outgoing);
        loop {
            let (make, outgoing) = next;
            let answer = make(outgoing, renewal.clone()).await;
            match again.take() {
                Some((make, mut outgoing)) if renewal.is_due() => {
                    outgoing.left = self.still(outgoing.left, began)?;
                    next = (make, outgoing);
                }
                _ => return answer,
            }
        }
    }

    /// What the call is signed with, where that is its caller's own; and how much time is
    /// left then. What is not signed needs none.
    pub(super) async fn credentials(
        &self,
        way: &Way,
        operation: Operation,
        caller: &Caller,
        left: Duration,
    ) -> Result<(Option<Credentials>, Duration), Failure> {
        let (Some(sessions), Signing::Signed) = (&way.sessions, operation.signing()) else {
            return Ok((None, left));
        };
        let began = self.clock.instant();
        let asking = tokio::time::timeout(left, sessions.credentials(caller.id()));
        let credentials = asking.await.map_err(|_| Failure::DeadlineExceeded)??;
        Ok((Some(credentials), self.still(left, began)?))
    }

    /// How much is left of the time that was left then.
    pub(super) fn still(&self, left: Duration, then: Instant) -> Result<Duration, Failure> {
        let since = self.clock.instant().saturating_duration_since(then);
        match left.saturating_sub(since) {
            Duration::ZERO => Err(Failure::DeadlineExceeded),
            left => Ok(left),
        }
    }
}
