//! What a peer may send beside calls: a budget of frames.
//!
//! h2 answers PING and SETTINGS, reads over PRIORITY and what it does not know, and bounds
//! none of them: a peer that sends nothing else takes most of a core (reference: security,
//! F8). Here every frame has a price, what belongs to calls earns something, and a peer that
//! has spent all is cut off.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::heads::{
    CONTINUATION, DATA, END_STREAM, HEADERS, Head, PING, PRIORITY, RST_STREAM, SETTINGS,
    WINDOW_UPDATE,
};
use crate::clock::Clock;

/// What a peer has at first, and at most (reference: security, 4.2).
const MOST: i64 = 1_000;
/// What it gets back in a second.
const REFILL: i64 = 100;

/// A peer has spent its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a flood of frames that belong to no call")]
pub(super) struct Flood;

/// Whether a peer has; hyper's error does not say why reading failed.
#[derive(Clone, Debug, Default)]
pub(super) struct Flooded(Arc<AtomicBool>);

impl Flooded {
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a frame earns, or costs where it is negative.
///
/// A call pays for the PING that clients which measure their bandwidth send with each
/// answer, and for the window updates that go with it.
fn worth(kind: u8, flags: u8, length: usize) -> i64 {
    match kind {
        HEADERS => 25,
        // The end of a call that sends nothing more is no flood.
        DATA if length == 0 && flags & END_STREAM == 0 => -50,
        DATA => i64::try_from(length / 256).unwrap_or(MOST),
        PRIORITY | WINDOW_UPDATE => -1,
        CONTINUATION => -2,
        SETTINGS | PING => -20,
        RST_STREAM => -5,
        _ => -5,
    }
}

/// What is left to a peer.
#[derive(Debug)]
struct Budget {
    left: i64,
    refilled: Instant,
}

impl Budget {
    fn new(now: Instant) -> Self {
        Self {
            left: MOST,
            refilled: now,
        }
    }

    /// Charges for a frame. The time is asked for only when nothing is left.
    fn charge(&mut self, worth: i64, now: impl FnOnce() -> Instant) -> Result<(), Flood> {
        self.left = self.left.saturating_add(worth).min(MOST);
        if self.left >= 0 {
            return Ok(());
        }
        let now = now();
        let gone = now.saturating_duration_since(self.refilled);
        let refill = i64::try_from(gone.as_millis()).unwrap_or(i64::MAX);
        let refill = refill.saturating_mul(REFILL) / 1_000;
        self.refilled = now;
        self.left = self.left.saturating_add(refill).min(MOST);
        match self.left >= 0 {
            true => Ok(()),
            false => Err(Flood),
        }
    }
}

/// What takes the price of frames from a peer.
pub(super) struct Toll {
    budget: Budget,
    flooded: Flooded,
    clock: Clock,
}

impl Toll {
    /// Of the frames behind the preface; `flooded` is told when they cannot be paid for.
    pub(super) fn new(flooded: Flooded, clock: Clock) -> Self {
        Self {
            budget: Budget::new(clock.instant()),
            clock,
            flooded,
        }
    }

    /// Charges for a frame.
    ///
    /// # Errors
    ///
    /// [`Flood`] when it cannot be paid for.
    pub(super) fn pay(&mut self, head: Head) -> io::Result<()> {
        let worth = worth(head.kind, head.flags, head.length);
        let paid = self.budget.charge(worth, || self.clock.instant());
        paid.map_err(|flood| {
            self.flooded.0.store(true, Ordering::Relaxed);
            io::Error::other(flood)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_belongs_to_calls_is_free_and_floods_are_not() {
        const ACK: u8 = 1;
        for (why, frames, allowed) in [
            ("pings", vec![(PING, 0, 8)], 50),
            (
                "acknowledgements nobody waits for",
                vec![(PING, ACK, 8)],
                50,
            ),
            ("settings", vec![(SETTINGS, 0, 0)], 50),
            ("empty data", vec![(DATA, 0, 0)], 20),
            ("what nobody knows", vec![(0x42, 0, 0)], 200),
            ("priorities", vec![(PRIORITY, 0, 5)], 1_000),
            (
                "calls of a client that pings with each",
                vec![
                    (HEADERS, 4, 100),
                    (DATA, 1, 70),
                    (WINDOW_UPDATE, 0, 4),
                    (WINDOW_UPDATE, 0, 4),
                    (PING, 0, 8),
                ],
                usize::MAX,
            ),
            (
                "calls that are cancelled",
                vec![(HEADERS, 4, 100), (DATA, 1, 70), (RST_STREAM, 0, 4)],
                usize::MAX,
            ),
            (
                "a call's end",
                vec![(HEADERS, 4, 100), (DATA, 1, 0)],
                usize::MAX,
            ),
        ] {
            let now = Instant::now();
            let mut budget = Budget::new(now);

            let rounds = (0..100_000).take_while(|_| {
                frames.iter().all(|&(kind, flags, length)| {
                    budget.charge(worth(kind, flags, length), || now).is_ok()
                })
            });

            assert_eq!(rounds.count(), allowed.min(100_000), "{why}");
        }
    }

    #[test]
    fn a_peer_that_pings_five_times_a_second_goes_on_for_ever() {
        let begun = Instant::now();
        let mut budget = Budget::new(begun);

        for number in 0..10_000 {
            let now = begun + Duration::from_millis(200) * number;
            assert_eq!(budget.charge(worth(PING, 0, 8), || now), Ok(()), "{number}");
        }
    }
}
