//! What was decided about a call before it was made.

use std::sync::Arc;
use std::time::Duration;

/// What policies made of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// In one word.
    pub decision: &'static str,
    /// The names of the policies that decided.
    pub policies: Vec<String>,
}

/// What is left to a caller of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The limit's name.
    pub limit: Arc<str>,
    /// How much it admits at once.
    pub most: u64,
    /// How much of that is left.
    pub left: u64,
    /// How long it takes until all of it may be had again.
    pub full_in: Duration,
}
