//! How far the reading of a journal is, for people who wait for it.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::clock::Clock;

const WIDTH: u64 = 30;
const BETWEEN: Duration = Duration::from_millis(100);

/// A bar on standard error, if that is a terminal.
pub(super) struct Progress {
    clock: Clock,
    begun: Instant,
    bytes: u64,
    shown: Option<Mutex<Instant>>,
}

impl Progress {
    /// Of so many bytes. Compressed ones become more when they are read.
    pub(super) fn new(bytes: u64) -> Self {
        let clock = Clock::system();
        let begun = clock.instant();
        Self {
            shown: std::io::stderr().is_terminal().then(|| Mutex::new(begun)),
            clock,
            begun,
            bytes,
        }
    }

    pub(super) fn show(&self, read: u64) {
        // One of several threads at a time; the others go on.
        let Some(mut shown) = self.shown.as_ref().and_then(|shown| shown.try_lock().ok()) else {
            return;
        };
        let now = self.clock.instant();
        if now - *shown >= BETWEEN {
            *shown = now;
            let _ = write!(std::io::stderr(), "\r{}\x1b[K", self.bar(read, now));
        }
    }

    fn bar(&self, read: u64, now: Instant) -> String {
        let total = self.bytes.max(read).max(1);
        let full = usize::try_from(u128::from(read) * u128::from(WIDTH) / u128::from(total));
        let full = full.unwrap_or_default();
        let empty = usize::try_from(WIDTH).unwrap_or_default() - full;
        let millis = (now - self.begun).as_millis().max(1);
        let speed = u128::from(read) / millis / 1000;
        format!(
            "[{}{}] {} of {} MB, {speed} MB/s",
            "#".repeat(full),
            " ".repeat(empty),
            read / 1_000_000,
            total / 1_000_000
        )
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_grows_to_its_end_and_not_beyond() {
        let progress = Progress::new(4_000_000);
        let after = progress.begun + Duration::from_secs(1);

        for (read, expected) in [
            (0, "] 0 of 4 MB, 0 MB/s"),
            (
                2_000_000,
                "[###############               ] 2 of 4 MB, 2 MB/s",
            ),
            (
                8_000_000,
                "[##############################] 8 of 8 MB, 8 MB/s",
            ),
        ] {
            let bar = progress.bar(read, after);
            assert!(bar.ends_with(expected), "{bar}");
        }
    }
}
