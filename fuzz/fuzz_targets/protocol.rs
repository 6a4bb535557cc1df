//! The bodies of requests.

#![no_main]

use std::sync::LazyLock;

#[allow(dead_code, reason = "each target uses its part")]
#[path = "../../tests/it/support/fuzz.rs"]
mod target;

static TARGET: LazyLock<target::Target> = LazyLock::new(Default::default);

libfuzzer_sys::fuzz_target!(|body: &[u8]| TARGET.protocol(body));
