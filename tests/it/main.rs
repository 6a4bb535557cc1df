//! Behaviour of poolgate at the boundaries its users see.

#![allow(missing_docs, unreachable_pub)]

mod bounds;
mod classic_flow;
mod operations;
mod order;
mod partial_update;
mod roundtrip;
mod support;
mod upstream;
