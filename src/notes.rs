//! What inner rooms tell the outer ones about a call.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::call::{RequestId, Subject, Target};
use crate::caller::Caller;
use crate::failure::Failure;

mod decided;

pub use decided::{Allowance, Ruling};

/// The response header with AWS's own identifier of the request.
pub const AWS_REQUEST_ID: &str = "x-amzn-requestid";

/// A slip that travels with a call: inner rooms write, outer ones read. Clones
/// share what is written.
#[derive(Clone, Default)]
pub struct Notes(Arc<Slip>);

/// What is written on a slip. It has no `Debug`: messages hold tokens.
#[derive(Default)]
pub struct Told {
    request_id: OnceLock<RequestId>,
    time_limit: OnceLock<Duration>,
    caller: OnceLock<Caller>,
    message: OnceLock<Bytes>,
    subject: OnceLock<Arc<Subject>>,
    target: OnceLock<Target>,
    requested_target: OnceLock<String>,
    ruling: OnceLock<Ruling>,
    allowance: Mutex<Option<Allowance>>,
    quota_wait: OnceLock<Duration>,
    attempts: AtomicU32,
    aws_request_ids: Mutex<Vec<String>>,
    aws_request_id: Mutex<Option<String>>,
    answer: OnceLock<Bytes>,
    items: OnceLock<usize>,
    settled: Mutex<Option<Result<(), String>>>,
    failed: OnceLock<Failed>,
    in_doubt: AtomicBool,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What failed.
    pub failure: Failure,
    /// The reason in one word, as the caller is told it.
    pub reason: String,
}

#[derive(Default)]
struct Slip {
    told: Told,
    at_end: Mutex<Option<AtEnd>>,
}

type AtEnd = Box<dyn FnOnce(&Told) + Send>;

impl Notes {
    /// Does something when nobody works on the call any more: neither those who wait for
    /// the answer, nor a task that carries a write to its end. The last one that is given
    /// counts.
    pub fn at_end(&self, end: impl FnOnce(&Told) + Send + 'static) {
        *locked(&self.0.at_end) = Some(Box::new(end));
    }
}

impl Drop for Slip {
    fn drop(&mut self) {
        let at_end = self.at_end.get_mut();
        if let Some(end) = at_end.unwrap_or_else(PoisonError::into_inner).take() {
            end(&self.told);
        }
    }
}

impl Deref for Notes {
    type Target = Told;

    fn deref(&self) -> &Told {
        &self.0.told
    }
}

impl std::fmt::Debug for Notes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Notes").finish_non_exhaustive()
    }
}

/// Of everything that is told once, the first telling stays, but where it says otherwise.
impl Told {
    /// Notes the call's name.
    pub fn set_request_id(&self, id: &RequestId) {
        self.request_id.get_or_init(|| id.clone());
    }

    /// The call's name.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.request_id.get()
    }

    /// Notes how long the call may take.
    pub fn set_time_limit(&self, limit: Duration) {
        let _ = self.time_limit.set(limit);
    }

    /// How long the call may take.
    pub fn time_limit(&self) -> Option<Duration> {
        self.time_limit.get().copied()
    }

    /// Notes who calls.
    pub fn set_caller(&self, caller: &Caller) {
        self.caller.get_or_init(|| caller.clone());
    }

    /// Who calls.
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.get()
    }

    /// Notes the request's message, as it came.
    pub fn set_message(&self, message: Bytes) {
        let _ = self.message.set(message);
    }

    /// The request's message, as it came.
    pub fn message(&self) -> Option<&Bytes> {
        self.message.get()
    }

    /// Notes what the call is about.
    pub fn set_subject(&self, subject: Arc<Subject>) {
        let _ = self.subject.set(subject);
    }

    /// What the call is about.
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.get().map(Arc::as_ref)
    }

    /// Notes which of AWS's accounts the call goes to.
    pub fn set_target(&self, target: &Target) {
        self.target.get_or_init(|| target.clone());
    }

    /// Which of AWS's accounts the call goes to, once that is chosen.
    pub fn target(&self) -> Option<&Target> {
        self.target.get()
    }

    /// Notes the target that the call names and does not go to.
    pub fn set_requested_target(&self, name: &str) {
        self.requested_target.get_or_init(|| name.to_owned());
    }

    /// The target that the call names, where it does not go there.
    pub fn requested_target(&self) -> Option<&str> {
        self.requested_target.get().map(String::as_str)
    }

    /// Notes what policies made of the call.
    pub fn set_ruling(&self, ruling: Ruling) {
        let _ = self.ruling.set(ruling);
    }

    /// What policies made of the call, where there are any.
    pub fn ruling(&self) -> Option<&Ruling> {
        self.ruling.get()
    }

    /// Notes what is left to the caller of its limit. The last telling counts, because a
    /// call may be charged twice.
    pub fn set_allowance(&self, allowance: Allowance) {
        *locked(&self.allowance) = Some(allowance);
    }

    /// What is left to the caller of its limit, where one was asked.
    pub fn allowance(&self) -> Option<Allowance> {
        locked(&self.allowance).clone()
    }

    /// Notes how long the call has waited for its turn at the account's quota.
    pub fn set_quota_wait(&self, wait: Duration) {
        let _ = self.quota_wait.set(wait);
    }

    /// How long the call has waited for its turn at the account's quota, where it had to.
    pub fn quota_wait(&self) -> Option<Duration> {
        self.quota_wait.get().copied()
    }

    /// Notes that the request is put on the wire once more.
    pub fn count_attempt(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// How often the request was put on the wire.
    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// Notes that a try begins: how one before it ended says nothing of what becomes of it.
    pub fn begin_try(&self, leaves_doubt: bool) {
        *locked(&self.settled) = None;
        *locked(&self.aws_request_id) = None;
        self.set_in_doubt(leaves_doubt);
    }

    /// Notes AWS's own identifier of a request. A call may be several: one that was
    /// repeated, and one that was made again because others changed the same pool.
    pub fn add_aws_request_id(&self, id: &str) {
        *locked(&self.aws_request_id) = Some(id.to_owned());
        let mut ids = locked(&self.aws_request_ids);
        if ids.last().is_none_or(|last| last != id) {
            ids.push(id.to_owned());
        }
    }

    /// AWS's own identifier of the last request of the last try that was answered.
    pub fn aws_request_id(&self) -> Option<String> {
        locked(&self.aws_request_id).clone()
    }

    /// AWS's own identifiers of all requests that were answered, in order.
    pub fn aws_request_ids(&self) -> Vec<String> {
        locked(&self.aws_request_ids).clone()
    }

    /// Notes the answer's message, as it goes out, of a call that changes or hands out
    /// something.
    pub fn set_answer(&self, message: Bytes) {
        let _ = self.answer.set(message);
    }

    /// The answer's message.
    pub fn answer(&self) -> Option<&Bytes> {
        self.answer.get()
    }

    /// Notes how many things an answer lists.
    pub fn set_items(&self, items: usize) {
        let _ = self.items.set(items);
    }

    /// How many things the answer lists, where it is a list.
    pub fn items(&self) -> Option<usize> {
        self.items.get().copied()
    }

    /// Notes how AWS answered: with success, or with an error of this code. The last
    /// answer is what counts.
    pub fn set_settled(&self, settled: Result<(), String>) {
        *locked(&self.settled) = Some(settled);
    }

    /// How AWS answered, if it did.
    pub fn settled(&self) -> Option<Result<(), String>> {
        locked(&self.settled).clone()
    }

    /// Notes why the call failed.
    pub fn set_failed(&self, failed: Failed) {
        let _ = self.failed.set(failed);
    }

    /// Why the call failed, where it did.
    pub fn failed(&self) -> Option<&Failed> {
        self.failed.get()
    }

    /// What failed, where something did.
    pub fn failure(&self) -> Option<&Failure> {
        self.failed().map(|failed| &failed.failure)
    }

    /// Notes whether something may have been changed at AWS that nobody knows of:
    /// giving up now leaves the outcome unknown.
    pub fn set_in_doubt(&self, in_doubt: bool) {
        self.in_doubt.store(in_doubt, Ordering::SeqCst);
    }

    /// Whether giving up now leaves the outcome unknown.
    pub fn in_doubt(&self) -> bool {
        self.in_doubt.load(Ordering::SeqCst)
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_when_the_last_of_those_who_hold_the_slip_lets_go() {
        let ended = Arc::new(AtomicBool::new(false));
        let notes = Notes::default();
        let told = Arc::clone(&ended);
        notes.at_end(move |notes| told.store(notes.in_doubt(), Ordering::SeqCst));

        let task = notes.clone();
        drop(notes);
        assert!(!ended.load(Ordering::SeqCst));
        task.set_in_doubt(true);
        drop(task);

        assert!(ended.load(Ordering::SeqCst));
    }
}
