//! poolgate.

pub mod clock;
pub mod model;
pub mod operation;
pub mod pb;
pub mod telemetry;
pub mod upstream;
