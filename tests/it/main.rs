//! Behaviour of poolgate at the boundaries its users see, in one binary.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests are sentences and may fail where they stand"
)]

mod any_bytes;
mod audit;
mod authn;
mod bad_input;
mod behaviour;
mod bounds;
mod callers;
mod classic_flow;
mod classic_flow_table;
mod create_once;
mod deadlines;
mod decoded_twice;
mod docs;
mod drained;
mod emulator_port;
mod floods;
mod floors;
mod fuzzed;
mod hostile;
mod killed;
mod known;
mod lock;
mod log_reader;
mod million;
mod operations;
mod order;
mod partial_update;
mod paths;
mod permissions;
mod quotas;
mod readiness;
mod reloads;
mod roundtrip;
mod secrets;
mod service_config;
mod shared_quotas;
mod shipped;
mod soak;
mod strangers;
mod support;
mod targets;
mod tenants;
mod tls;
mod traces;
mod unix_socket;
mod unverified;
mod upstream;
