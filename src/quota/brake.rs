//! How often an address may fail to say who calls.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::key::Keys;
use super::limiter::whole_millis;
use super::price::{Marked, Price, Wait};
use super::table::{CAPACITY, Table};
use super::window::{Window, nanos};

/// A brake for each address, which callers who are known do not feel unless they share
/// theirs with strangers (reference: security, T-Q1).
pub struct Brake {
    window: Marked,
    keys: Keys,
    table: Table,
    origin: Instant,
}

impl Brake {
    /// Of each address so many failures are taken, counted from `origin` on, which is a
    /// time of the monotonic clock. An address of IPv6 counts by its first 64 bits.
    pub fn new(window: Window, origin: Instant) -> Self {
        let keys = Keys::default();
        Self {
            window: Marked {
                mark: keys.of_name("failures", window.unit()),
                window,
            },
            keys,
            table: Table::new(CAPACITY),
            origin,
        }
    }

    /// How long nothing is looked at that comes from this address, in whole milliseconds;
    /// nothing if it is looked at.
    pub fn refusal(&self, peer: IpAddr, now: Instant) -> Option<Duration> {
        let key = self.keys.of_address(peer);
        let owed = self.table.owed(key, &self.window, nanos(self.origin, now));
        match self.window.window.charge(owed, Price::of(1)) {
            Err(Wait::For(nanos)) => Some(whole_millis(nanos)),
            Ok(_) | Err(Wait::Forever) => None,
        }
    }

    /// Something from this address has failed.
    pub fn failed(&self, peer: IpAddr, now: Instant) {
        let key = self.keys.of_address(peer);
        let windows = std::slice::from_ref(&self.window);
        self.table
            .charge(key, windows, Price::of(1), nanos(self.origin, now));
    }
}

impl fmt::Debug for Brake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Brake").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn an_address_that_fails_is_refused_until_it_has_waited_and_others_are_not() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let brake = Brake::new(Window::parse("50/s burst 100").unwrap(), clock.instant());
        let [guilty, neighbour, other] =
            ["2001:db8::1", "2001:db8::2", "10.0.0.1"].map(|text| text.parse().unwrap());

        for _ in 0..100 {
            assert_eq!(brake.refusal(guilty, clock.instant()), None);
            brake.failed(guilty, clock.instant());
        }

        let wait = Some(Duration::from_millis(20));
        assert_eq!(brake.refusal(guilty, clock.instant()), wait);
        assert_eq!(brake.refusal(neighbour, clock.instant()), wait);
        assert_eq!(brake.refusal(other, clock.instant()), None);
        clock.advance(Duration::from_millis(20));
        assert_eq!(brake.refusal(guilty, clock.instant()), None);
    }
}
