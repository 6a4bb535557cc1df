//! poolgate.

pub mod call;
pub mod clock;
pub mod convert;
pub mod failure;
pub mod layers;
pub mod model;
pub mod notes;
pub mod operation;
pub mod pb;
pub mod pool_field;
pub mod rpc;
pub mod service;
pub mod status;
pub mod upstream;
