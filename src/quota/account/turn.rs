//! A call that has its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::lane::Lane;

/// A call that may be made. One that is dropped before it was sent is given back.
pub struct Turn {
    lane: Arc<Lane>,
    sent: AtomicBool,
    pub(super) waited: Duration,
}

impl Turn {
    pub(super) fn new(lane: Arc<Lane>) -> Self {
        Self {
            lane,
            sent: AtomicBool::new(false),
            waited: Duration::ZERO,
        }
    }

    /// A request goes on the wire. Every one after the first is charged as well.
    pub fn sent(&self) {
        if self.sent.swap(true, Ordering::Relaxed) {
            self.lane.charge();
        }
    }

    /// AWS has throttled a request.
    pub fn throttled(&self) {
        self.lane.throttled();
    }

    /// How long the call has waited.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.sent.load(Ordering::Relaxed) {
            self.lane.give_back();
        }
    }
}
