//! What becomes of sessions of targets' roles.

use std::borrow::Cow;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::{Labels, add, names};
use crate::upstream::Assumed;

/// The usual times of a service that is asked over a network, with the time-outs of asking it.
const BUCKETS: [f64; 9] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// How often and how long they were asked for.
#[derive(Debug)]
pub(super) struct Sessions {
    asked: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            asked: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }
}

impl Sessions {
    pub(super) fn register(&self, registry: &mut Registry) {
        add(registry, &names::UPSTREAM_SESSIONS, self.asked.clone());
        let seconds = self.seconds.clone();
        add(registry, &names::UPSTREAM_SESSION_SECONDS, seconds);
    }

    /// One of a target was asked for.
    pub(super) fn asked(&self, mut target: Labels, outcome: Assumed, took: Duration) {
        let outcome = match outcome {
            Assumed::Given => "given",
            Assumed::Refused => "refused",
            Assumed::Unavailable => "unavailable",
            Assumed::NoCredentials => "no_credentials",
        };
        let seconds = self.seconds.get_or_create(&target);
        seconds.observe(took.as_secs_f64());
        target.push(("outcome", Cow::from(outcome)));
        self.asked.get_or_create(&target).inc();
    }
}
