//! What is used up.

use std::sync::Arc;
use std::time::Duration;

use crate::operation::Operation;

/// A limit that refuses a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limited {
    /// Its name.
    pub limit: Arc<str>,
    /// What of it is used up, such as `5/s burst 10`.
    pub window: Arc<str>,
    /// How much it admits at once.
    pub most: u64,
    /// Whom it counts, such as `caller:token:shop`.
    pub subject: String,
}

/// A quota of the AWS account that is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountQuota {
    /// The operation that it is on.
    pub operation: Operation,
    /// The region.
    pub region: String,
    /// How many requests it admits in a second, where that is known.
    pub rate: Option<u32>,
    /// AWS's code of it, where there is one.
    pub code: Option<&'static str>,
    /// How long it takes until the call could wait for its turn, in whole milliseconds.
    pub wait: Duration,
}
