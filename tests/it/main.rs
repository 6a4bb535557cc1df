//! Behaviour of poolgate at the boundaries its users see.

#![allow(missing_docs)]

mod roundtrip;
mod support;
