//! What the process tells about itself: log lines, metrics and traces.
//!
//! This room owns every metric name ([`names`]). It promises that no label has
//! more values than the protocol has methods and codes, or the configuration has
//! regions, limits and targets for the audit journal, and that no dependency logs below `info`,
//! where it would print messages and headers.

mod caches;
mod certificate;
mod forwarding;
mod itself;
mod journal;
mod labels;
pub mod log;
pub mod metrics;
pub mod names;
mod process;
mod quotas;
pub mod traces;
mod upstream;

pub use metrics::Metrics;
pub use names::reference;
pub use process::most_files;
