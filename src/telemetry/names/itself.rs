//! What becomes of what the process tells.

use super::Name;

/// Log lines that nobody took.
pub const LOG_LINES_LOST: Name = Name {
    name: "poolgate_log_lines_lost_total",
    kind: "counter",
    labels: &[],
    meaning: "Log lines that were left out because whoever reads standard error did not keep up (4 MiB wait at most), or could not be written.",
};

/// Spans that a collector took.
pub const SPANS_EXPORTED: Name = Name {
    name: "poolgate_trace_spans_exported_total",
    kind: "counter",
    labels: &[],
    meaning: "Spans of traces that the collector took.",
};

/// Spans that it did not take.
pub const SPANS_LOST: Name = Name {
    name: "poolgate_trace_spans_lost_total",
    kind: "counter",
    labels: &[],
    meaning: "Spans of traces that the collector did not take in time, or refused. They are not sent again. What found no room in the queue of 2,048 is not among them.",
};

/// All of these.
pub(super) const ALL: &[&Name] = &[&LOG_LINES_LOST, &SPANS_EXPORTED, &SPANS_LOST];
