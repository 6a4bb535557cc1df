//! What is remembered.

use super::Name;

/// Lookups.
pub const CACHE_REQUESTS: Name = Name {
    name: "poolgate_cache_requests_total",
    kind: "counter",
    labels: &["cache", "outcome"],
    meaning: "How often something was looked for that may be remembered, and found (`hit`, fresh or not) or not (`miss`): `verified_tokens`, for a minute at most; `pool_tags`, for 30 seconds, and `pools_of_identities`, for policies.",
};

/// How much there is.
pub const CACHE_ENTRIES: Name = Name {
    name: "poolgate_cache_entries",
    kind: "gauge",
    labels: &["cache"],
    meaning: "How much is remembered: at most 10,000 tokens, and of each target the tags of 10,000 pools and the pools of 100,000 identities.",
};

/// All of these.
pub(super) const ALL: &[&Name] = &[&CACHE_REQUESTS, &CACHE_ENTRIES];
