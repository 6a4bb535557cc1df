//! How many connections the process has file descriptors for.
//!
//! Whoever takes the last one takes it from the journal and from calls to AWS, too. So some
//! are kept from peers.

use crate::telemetry::most_files;

/// How many are kept for everything but connections (reference: security, T-C12).
const KEPT: usize = 256;

/// How many of the connections that are wanted there can be.
pub(super) fn connections(wanted: usize) -> usize {
    let Some(limit) = most_files().and_then(|limit| usize::try_from(limit).ok()) else {
        return wanted;
    };
    let most = within(wanted, limit);
    if most < wanted {
        tracing::warn!(
            wanted,
            most,
            descriptors = limit,
            "fewer connections than `server.max_connections`: the process may not open more \
             file descriptors (`ulimit -n`, LimitNOFILE)"
        );
    }
    most
}

/// With few descriptors, connections have half of them.
fn within(wanted: usize, limit: usize) -> usize {
    let left = limit.saturating_sub(KEPT).max(limit / 2).max(1);
    wanted.min(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_descriptors_are_kept_from_connections() {
        for (wanted, limit, most) in [
            (2_000, 65_536, 2_000),
            (2_000, 2_256, 2_000),
            (2_000, 1_024, 768),
            (2_000, 256, 128),
            (2_000, 0, 1),
            (10, 256, 10),
        ] {
            assert_eq!(within(wanted, limit), most, "{wanted} {limit}");
        }
    }
}
