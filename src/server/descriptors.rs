//! How many connections the process has file descriptors for.
//!
//! Whoever takes the last one takes it from the journal and from calls to AWS, too. So some
//! are kept from peers.

use std::fs;

/// How many are kept for everything but connections (reference: security, T-C12).
const KEPT: usize = 256;

/// How many of the connections that are wanted there can be.
pub(super) fn connections(wanted: usize) -> usize {
    // Where the system does not say, as others than Linux, it is as it is wanted.
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(limit) = of(&limits) else {
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

/// The limit that is in force, of what `/proc/self/limits` says (proc(5)).
fn of(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
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

    #[test]
    fn the_limit_is_what_the_system_says() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max processes             63209                63209                processes\n\
                      Max open files            1024                 524288               files\n";

        assert_eq!(of(limits), Some(1024));
        assert_eq!(
            of("Max open files            unlimited  unlimited  files"),
            None
        );
        assert_eq!(of(""), None);
    }
}
