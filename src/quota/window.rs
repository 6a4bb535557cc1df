//! A window of a limit: how much in how long, and how much at once.

use std::fmt;
use std::time::{Duration, Instant};

use super::price::{Price, Wait};

/// The most that may be had at once.
const MOST_BURST: u64 = 1_000_000;
/// The shortest time that one may take, in nanoseconds: 100,000 in a second.
const SHORTEST: u64 = 10_000;
/// The longest time until everything may be had again.
const LONGEST: u64 = 31 * 24 * 60 * 60 * SECOND;

const SECOND: u64 = 1_000_000_000;
const UNITS: [(&str, u64); 4] = [
    ("s", SECOND),
    ("min", 60 * SECOND),
    ("h", 60 * 60 * SECOND),
    ("day", 24 * 60 * 60 * SECOND),
];

/// A rate and a burst, such as `5/s burst 10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    count: u64,
    unit: &'static str,
    burst: u64,
    /// How long one takes, in nanoseconds.
    interval: u64,
}

/// What a key owes to a window: the time at which it will owe nothing, in nanoseconds
/// (the theoretical arrival time of the algorithm), and the terms this was reckoned by:
/// what is owed when the burst is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Debt {
    pub(super) until: u64,
    pub(super) terms: u64,
}

impl Window {
    /// Reads `COUNT/UNIT` or `COUNT/UNIT burst COUNT`. The unit is `s`, `min`, `h` or
    /// `day`; without a burst, all that a unit gives may be had at once.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace();
        let rate = words.next().unwrap_or_default();
        let burst = match (words.next(), words.next(), words.next()) {
            (None, _, _) => None,
            (Some("burst"), Some(burst), None) => Some(number(burst)?),
            _ => return Err(format!("`{text}` is not like `5/s` or `5/s burst 10`")),
        };
        let (count, unit) = rate
            .split_once('/')
            .ok_or_else(|| format!("`{text}` has no `/` between a number and a unit"))?;
        let (count, (unit, period)) = (number(count)?, unit_of(unit)?);
        let interval = period.div_ceil(count);
        if period / count < SHORTEST {
            return Err(format!("`{rate}` is more than 100000 in a second"));
        }
        let burst = burst.unwrap_or(count);
        if burst > MOST_BURST {
            return Err(format!("a burst of {burst} is more than {MOST_BURST}"));
        }
        if burst.saturating_mul(interval) > LONGEST {
            return Err(format!("`{text}` takes more than 31 days to fill again"));
        }
        Ok(Self {
            count,
            unit,
            burst,
            interval,
        })
    }

    /// So many in a second, and so many at once.
    pub(super) const fn per_second(count: u64, burst: u64) -> Self {
        Self {
            count,
            unit: "s",
            burst,
            interval: SECOND.div_ceil(count),
        }
    }

    /// So many in a minute, all of them at once if need be.
    pub(super) const fn per_minute(count: u64) -> Self {
        Self {
            count,
            unit: "min",
            burst: count,
            interval: (60 * SECOND).div_ceil(count),
        }
    }

    /// How much may be had at once.
    pub fn burst(&self) -> u64 {
        self.burst
    }

    /// How long one takes to be given back. It is rounded up to a whole nanosecond.
    pub fn interval(&self) -> Duration {
        Duration::from_nanos(self.interval)
    }

    /// The unit that the rate is told in, which no other window of a limit has.
    pub(super) fn unit(&self) -> &'static str {
        self.unit
    }

    /// What is still owed at a time, in nanoseconds. What was reckoned by other terms, before
    /// limits changed, is as large a share of the burst as before, and never more than all of
    /// it.
    pub(super) fn owed(&self, debt: Option<Debt>, now: u64) -> u64 {
        let Some(debt) = debt else {
            return 0;
        };
        let left = debt.until.saturating_sub(now);
        if self.reckoned(debt) {
            return left;
        }
        let all = self.tolerance();
        let share = u128::from(left) * u128::from(all);
        let share = share.div_ceil(u128::from(debt.terms.max(1)));
        u64::try_from(share).unwrap_or(u64::MAX).min(all)
    }

    /// Whether a debt was reckoned by the terms of this window. Where two windows fill in the
    /// same time, a share of the one is as long a time as of the other.
    pub(super) fn reckoned(&self, debt: Debt) -> bool {
        debt.terms == self.tolerance()
    }

    /// What will be owed when a call is charged, or how long it has to wait. One that costs
    /// more than may be owed, because it counts for several replicas, waits until nothing
    /// is owed, so that the rate holds and nobody is refused for ever.
    pub(super) fn charge(&self, owed: u64, price: Price) -> Result<u64, Wait> {
        let Some(most) = self.most(price) else {
            return Err(Wait::Forever);
        };
        let after = owed.saturating_add(self.cost(price.now, price.times));
        if after <= most {
            return Ok(after);
        }
        let free = most.saturating_sub(self.cost(price.again, price.times));
        Err(Wait::For(owed.saturating_sub(free)))
    }

    /// How much may be owed after a call of this price; nothing if it is never admitted.
    pub(super) fn most(&self, price: Price) -> Option<u64> {
        let again = self.cost(price.again, price.times);
        (u64::from(price.again) <= self.burst).then(|| self.tolerance().max(again))
    }

    /// What so much weighs, in nanoseconds, if it counts so many times.
    pub(super) fn cost(&self, weight: u32, times: u32) -> u64 {
        let once = self.interval.saturating_mul(u64::from(weight));
        once.saturating_mul(u64::from(times))
    }

    /// How much may be had at once, if each counts so many times.
    pub(super) fn left(&self, owed: u64, times: u32) -> u64 {
        self.tolerance().saturating_sub(owed) / self.cost(1, times).max(1)
    }

    /// What is owed when all is used up, in nanoseconds.
    pub(super) fn tolerance(&self) -> u64 {
        self.interval.saturating_mul(self.burst)
    }

    pub(super) fn debt(&self, owed: u64, now: u64) -> Debt {
        Debt {
            until: now.saturating_add(owed),
            terms: self.tolerance(),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.count, self.unit)?;
        match self.burst == self.count {
            true => Ok(()),
            false => write!(formatter, " burst {}", self.burst),
        }
    }
}

/// A time as windows count it: nanoseconds since `origin`.
pub(super) fn nanos(origin: Instant, at: Instant) -> u64 {
    let since = at.saturating_duration_since(origin);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn number(text: &str) -> Result<u64, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| is_plain && *number > 0);
    number.ok_or_else(|| format!("`{text}` is not a number of 1 or more"))
}

fn unit_of(text: &str) -> Result<(&'static str, u64), String> {
    let found = UNITS.into_iter().find(|(unit, _)| *unit == text);
    found.ok_or_else(|| format!("`{text}` is not one of the units `s`, `min`, `h`, `day`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_as_it_is_shown() {
        for (text, shown, burst, interval) in [
            ("5/s burst 10", "5/s burst 10", 10, 200_000_000),
            ("5/s", "5/s", 5, 200_000_000),
            ("  5/s   burst  5 ", "5/s", 5, 200_000_000),
            ("3/s", "3/s", 3, 333_333_334),
            ("1000/day", "1000/day", 1000, 86_400_000_000),
            ("60/min burst 1", "60/min burst 1", 1, 1_000_000_000),
            ("1/h", "1/h", 1, 3_600_000_000_000),
            ("100000/s", "100000/s", 100_000, 10_000),
        ] {
            let window = Window::parse(text).unwrap();

            assert_eq!(window.to_string(), shown);
            assert_eq!(window.burst(), burst, "{text}");
            assert_eq!(window.interval(), Duration::from_nanos(interval), "{text}");
            assert_eq!(Window::parse(shown), Ok(window));
        }
    }

    #[test]
    fn what_is_no_window_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", "`` has no `/`"),
            ("5", "`5` has no `/`"),
            ("0/s", "`0` is not a number of 1 or more"),
            ("-1/s", "`-1` is not a number"),
            ("+1/s", "`+1` is not a number"),
            ("1.5/s", "`1.5` is not a number"),
            ("5/sec", "`sec` is not one of the units"),
            ("5/s burst", "is not like"),
            ("5/s burst 0", "`0` is not a number"),
            ("5/s bursts 3", "is not like"),
            ("5/s burst 3 4", "is not like"),
            ("100001/s", "more than 100000 in a second"),
            ("5/s burst 1000001", "more than 1000000"),
            ("1/day burst 32", "more than 31 days"),
            ("99999999999999999999/s", "is not a number"),
        ] {
            let mistake = Window::parse(text).unwrap_err();

            assert!(mistake.contains(reason), "{text}: {mistake}");
        }
    }

    #[test]
    fn what_was_had_by_some_terms_is_as_large_a_share_by_others_and_never_more_than_all() {
        let slow = Window::parse("5/s burst 10").unwrap();
        let owed = |other: &str, calls| {
            let other = Window::parse(other).unwrap();
            let debt = slow.debt(slow.interval * calls, 7);
            other.owed(Some(debt), 7)
        };

        assert_eq!(owed("5/s burst 10", 4), 800_000_000);
        assert_eq!(owed("50/s burst 100", 4), 800_000_000);
        assert_eq!(owed("1/s burst 100", 4), 40_000_000_000);
        assert_eq!(owed("10/s burst 10", 4), 400_000_000);
        assert_eq!(owed("3/s burst 1", 4), 133_333_334, "rounded up");
        // What several replicas owe may be more than the burst.
        assert_eq!(owed("10/s burst 10", 50), 1_000_000_000);
        assert_eq!(owed("5/s burst 10", 50), 10_000_000_000);
    }
}
