//! poolgate.

pub mod cli;
pub mod clock;
pub mod config;
pub mod model;
pub mod operation;
pub mod pb;
pub mod server;
pub mod telemetry;
pub mod upstream;
