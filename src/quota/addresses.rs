//! How often an address may do what nobody has to say who it is for.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::key::{Keys, subject};
use super::limiter::whole_millis;
use super::price::{Marked, Price, Wait};
use super::table::{CAPACITY, Table};
use super::window::{Window, nanos};
use crate::caller::Caller;
use crate::failure::{Failure, Limited};

/// A limit for each address, whoever calls from there.
pub struct Addresses {
    name: &'static str,
    window: Marked,
    keys: Keys,
    table: Table,
    origin: Instant,
}

impl Addresses {
    /// A limit of this name, of so many in a second and so many at once, counted from
    /// `origin` on, which is a time of the monotonic clock.
    pub fn new(name: &'static str, per_second: u64, burst: u64, origin: Instant) -> Self {
        let window = Window::per_second(per_second, burst);
        let keys = Keys::default();
        Self {
            name,
            window: keys.mark(name, window),
            keys,
            table: Table::new(CAPACITY),
            origin,
        }
    }

    /// Counts one more of this address.
    ///
    /// # Errors
    ///
    /// [`Failure::RateLimited`] when it is one too many, which is not counted.
    pub fn take(&self, peer: IpAddr, now: Instant) -> Result<(), Failure> {
        let price = Price::of(1);
        let windows = std::slice::from_ref(&self.window);
        let key = self.keys.of_address(peer);
        let now = nanos(self.origin, now);
        let charged = self.table.charge(key, windows, price, now);
        match charged.refused {
            None => Ok(()),
            Some(Wait::For(wait)) => Err(self.refusal(peer, wait)),
            // Never seen: the window admits one.
            Some(Wait::Forever) => Err(self.refusal(peer, u64::MAX)),
        }
    }

    fn refusal(&self, peer: IpAddr, wait: u64) -> Failure {
        Failure::RateLimited {
            limited: Limited {
                limit: self.name.into(),
                window: Arc::clone(&self.window.shown),
                most: self.window.window.burst(),
                subject: subject(&Caller::anonymous(), peer),
            },
            wait: whole_millis(wait),
        }
    }
}

impl fmt::Debug for Addresses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Addresses").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;

    #[test]
    fn an_address_that_asks_too_often_is_told_when_to_come_back_and_others_are_not() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let addresses = Addresses::new("reflection", 10, 3, clock.instant());
        let take = |address: &str| addresses.take(address.parse().unwrap(), clock.instant());
        for _ in 0..3 {
            assert_eq!(take("10.0.0.1"), Ok(()));
        }

        let refused = take("10.0.0.1");

        let Err(Failure::RateLimited { limited, wait }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(limited.subject, "clientip:10.0.0.1");
        assert_eq!(&*limited.window, "10/s burst 3");
        assert_eq!(take("10.0.0.2"), Ok(()));
        clock.advance(wait);
        assert_eq!(take("10.0.0.1"), Ok(()));
        assert_eq!(wait, Duration::from_millis(100));
    }
}
