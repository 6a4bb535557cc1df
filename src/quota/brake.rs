//! How often an address, and a connection, may fail to say who calls.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::key::{Key, Keys};
use super::limiter::whole_millis;
use super::price::{Marked, Price, Wait};
use super::table::{CAPACITY, Table};
use super::window::{Window, nanos};

/// How many calls of a connection may come to nothing before it is closed: so many at once,
/// and so many in a minute (reference: security, T-Q1).
const OF_A_CONNECTION: Window = Window::per_minute(100);

/// A brake for each address, which callers who are known do not feel unless they share
/// theirs with strangers (reference: security, T-Q1).
pub struct Brake {
    address: Marked,
    connection: Marked,
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
            address: keys.mark("failures", window),
            connection: keys.mark("failures of a connection", OF_A_CONNECTION),
            keys,
            table: Table::new(CAPACITY),
            origin,
        }
    }

    /// How long nothing is looked at that comes from this address, in whole milliseconds;
    /// nothing if it is looked at.
    pub fn refusal(&self, peer: IpAddr, now: Instant) -> Option<Duration> {
        let key = self.keys.of_address(peer);
        let owed = self.table.owed(key, &self.address, nanos(self.origin, now));
        match self.address.window.charge(owed, Price::of(1)) {
            Err(Wait::For(nanos)) => Some(whole_millis(nanos)),
            Ok(_) | Err(Wait::Forever) => None,
        }
    }

    /// Something from this address has failed.
    pub fn failed(&self, peer: IpAddr, now: Instant) {
        self.count(self.keys.of_address(peer), &self.address, now);
    }

    /// A call on the connection of this peer has come to nothing: it failed, or was not
    /// looked at. Tells whether that were enough.
    pub fn is_enough(&self, peer: SocketAddr, now: Instant) -> bool {
        let key = self.keys.of_connection(peer);
        self.count(key, &self.connection, now) == 0
    }

    /// Counts one, and tells how many are left.
    fn count(&self, key: Key, window: &Marked, now: Instant) -> u64 {
        let price = Price::of(1);
        let now = nanos(self.origin, now);
        let windows = std::slice::from_ref(window);
        let charged = self.table.charge(key, windows, price, now);
        match charged.refused {
            Some(_) => 0,
            None => window.window.left(charged.owed, price.times),
        }
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

    #[test]
    fn a_hundred_calls_in_a_minute_that_come_to_nothing_are_enough_of_one_connection() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let brake = Brake::new(Window::parse("50/s burst 100").unwrap(), clock.instant());
        let peer = |port| SocketAddr::from(([10, 0, 0, 1], port));
        let is_enough = |port| brake.is_enough(peer(port), clock.instant());

        let calls = (1..=100).filter(|_| is_enough(1)).count();

        assert_eq!(calls, 1, "the hundredth");
        assert!(is_enough(1));
        assert!(!is_enough(2));
        clock.advance(Duration::from_secs(60));
        assert!(!is_enough(1));
    }
}
