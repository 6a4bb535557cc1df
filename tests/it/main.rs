//! The integration tests, one binary.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests are sentences and may fail where they stand"
)]

mod floors;
mod lock;
