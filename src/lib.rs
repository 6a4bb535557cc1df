//! poolgate.

pub mod call;
pub mod cli;
pub mod clock;
pub mod config;
pub mod convert;
pub mod emulator;
pub mod failure;
pub mod layers;
pub mod model;
pub mod notes;
pub mod operation;
pub mod pb;
pub mod pool_field;
pub mod rpc;
pub mod server;
pub mod service;
pub mod status;
pub mod telemetry;
pub mod upstream;
