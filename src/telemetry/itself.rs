//! What becomes of what the process tells: counted once for the process, since its log and
//! its traces are there once, and before anything is served.

use std::sync::LazyLock;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::metrics::add;
use super::names::itself as names;

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) log_lines_lost: Counter,
    pub(super) spans_exported: Counter,
    pub(super) spans_lost: Counter,
}

pub(super) fn counts() -> &'static Counts {
    static COUNTS: LazyLock<Counts> = LazyLock::new(Counts::default);
    &COUNTS
}

pub(super) fn register(registry: &mut Registry) {
    let counts = counts();
    add(
        registry,
        &names::LOG_LINES_LOST,
        counts.log_lines_lost.clone(),
    );
    add(
        registry,
        &names::SPANS_EXPORTED,
        counts.spans_exported.clone(),
    );
    add(registry, &names::SPANS_LOST, counts.spans_lost.clone());
}
