//! Who says when a call may be made.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::call::Flow;
use crate::failure::Failure;
use crate::operation::Operation;

/// Says when a call may be made. It is asked after everything that can answer without AWS,
/// and before anything is sent.
pub trait Admission: Send + Sync {
    /// Waits until the call may be made, or refuses it. The caller may go meanwhile.
    fn admit<'a>(&'a self, asked: Asked<'a>) -> BoxFuture<'a, Result<Box<dyn Admitted>, Failure>>;
}

/// A call that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What it does.
    pub operation: Operation,
    /// The number of the account that is called, where it is known.
    pub account: Option<&'a str>,
    /// Where.
    pub region: &'a str,
    /// Whose it is.
    pub flow: Flow,
    /// How long the caller still waits.
    pub left: Duration,
}

/// A call that may be made. It is dropped when it ends, also if it was never sent.
pub trait Admitted: Send + Sync {
    /// A request goes on the wire: once, or again when the SDK repeats it.
    fn sent(&self);

    /// AWS has throttled a request.
    fn throttled(&self);

    /// How long the call has waited.
    fn waited(&self) -> Duration;
}
