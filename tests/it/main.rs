//! Behaviour of poolgate at the boundaries its users see.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod bad_input;
mod bounds;
mod classic_flow;
mod create_once;
mod deadlines;
mod operations;
mod order;
mod partial_update;
mod roundtrip;
mod support;
mod upstream;
