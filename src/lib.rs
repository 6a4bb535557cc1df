//! poolgate.

pub mod clock;
pub mod emulator;
pub mod model;
pub mod operation;
pub mod pb;
