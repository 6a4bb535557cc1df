//! How many requests may be made: a bucket of tokens that is filled at a rate, and a rate
//! that gives way when AWS throttles.

use std::time::{Duration, Instant};

/// How much of a second's requests may be made at once, and how many at least: of all replicas
/// together, as far as each can make one.
const BURST: f64 = 0.25;
const LEAST_BURST: f64 = 2.0;
/// Which part of that is kept for those who have had less than others.
const RESERVE: f64 = 0.75;

/// What is left of the rate when AWS throttles.
const CUT: f64 = 0.7;
/// How soon it is cut again: what was under way at the first cut is throttled as well.
const BETWEEN_CUTS: Duration = Duration::from_secs(1);
/// The least that is left, in requests per second.
const LEAST: f64 = 0.2;
/// How much of the rate at which AWS throttled it rises by in a second, up to near that.
const RISE: f64 = 0.1;
const NEAR: f64 = 0.95;
/// And beyond that: so much in a second, and after this many seconds without a throttle the
/// faster, the longer there was none.
const PROBE: f64 = 0.001;
const PROBES: f64 = 20.0;
/// So many times that rate, where none is set, is as good as no bound.
const NO_BOUND: f64 = 4.0;

const SECOND: Duration = Duration::from_secs(1);

/// The tokens of one operation in one region.
#[derive(Debug)]
pub(super) struct Budget {
    /// What was set, where anything was.
    configured: Option<f64>,
    least_burst: f64,
    /// Tokens in a second; nothing while there is no bound.
    rate: Option<f64>,
    /// Less than nothing where requests were made that were not asked for.
    tokens: f64,
    at: Instant,
    throttled: Option<Throttled>,
    used: Used,
}

/// AWS has throttled.
#[derive(Clone, Copy, Debug)]
struct Throttled {
    /// The rate at which it did.
    rate: f64,
    cut: Instant,
}

/// How many tokens were taken in this second and in the one before.
#[derive(Debug)]
struct Used {
    since: Instant,
    now: f64,
    before: f64,
}

/// Which tokens may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    /// All that are there.
    All,
    /// Those that are not kept.
    AboveReserve,
}

impl Budget {
    /// A full bucket of one of so many replicas; without a rate there is no bound until AWS
    /// throttles.
    pub(super) fn new(rate: Option<f64>, replicas: u32, now: Instant) -> Self {
        let least_burst = (LEAST_BURST / f64::from(replicas.max(1))).max(1.0);
        Self {
            configured: rate,
            least_burst,
            rate,
            tokens: rate.map_or(0.0, |rate| burst(rate, least_burst)),
            at: now,
            throttled: None,
            used: Used {
                since: now,
                now: 0.0,
                before: 0.0,
            },
        }
    }

    /// Sets another rate. What was used stays used, and what was learned stays learned.
    pub(super) fn configure(&mut self, rate: Option<f64>, now: Instant) {
        self.go_to(now);
        let was = std::mem::replace(&mut self.configured, rate);
        self.rate = match (rate, self.rate, self.throttled) {
            (None, _, None) => None,
            (Some(rate), Some(current), Some(_)) => Some(current.min(rate)),
            (Some(rate), _, _) => Some(rate),
            (None, current, Some(_)) => current,
        };
        if let Some(basis) = self.basis() {
            if was.is_none() && self.throttled.is_none() {
                self.tokens = f64::INFINITY;
            }
            self.bound(basis);
        }
    }

    /// Tokens in a second, where that is bounded.
    pub(super) fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Lets time pass.
    pub(super) fn go_to(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at);
        self.at = self.at.max(now);
        self.used.go_to(self.at);
        let (Some(rate), Some(basis)) = (self.rate, self.basis()) else {
            return;
        };
        let seconds = passed.as_secs_f64();
        self.tokens += rate * seconds;
        self.bound(basis);
        self.rise(seconds);
    }

    /// Takes a token of these, if there is one.
    pub(super) fn take(&mut self, tokens: Tokens) -> bool {
        if self.rate.is_some() {
            // What was added in small parts is a little less than the whole.
            if self.tokens < self.kept_from(tokens) + 1.0 - 1e-9 {
                return false;
            }
            self.tokens -= 1.0;
        }
        self.used.now += 1.0;
        true
    }

    /// Gives back a token that was not used.
    pub(super) fn give_back(&mut self) {
        self.used.now -= 1.0;
        if let Some(basis) = self.basis() {
            self.tokens += 1.0;
            self.bound(basis);
        }
    }

    /// A request was made that nobody asked for here: others wait the longer for it.
    pub(super) fn charge(&mut self) {
        self.used.now += 1.0;
        if let Some(basis) = self.basis() {
            self.tokens = (self.tokens - 1.0).max(-self.burst(basis));
        }
    }

    /// How long it takes until one of these can be had by whoever has so many others before.
    pub(super) fn wait(&self, ahead: usize, tokens: Tokens) -> Duration {
        let Some(rate) = self.rate else {
            return Duration::ZERO;
        };
        let missing = self.kept_from(tokens) + 1.0 + ahead as f64 - self.tokens;
        Duration::try_from_secs_f64((missing / rate).max(0.0)).unwrap_or(Duration::MAX)
    }

    /// AWS has throttled a request: there is less than was thought, and nothing of it is
    /// left. Says whether the rate was cut.
    pub(super) fn throttled(&mut self, now: Instant) -> bool {
        self.go_to(now);
        let is_new =
            |throttled: Throttled| now.saturating_duration_since(throttled.cut) >= BETWEEN_CUTS;
        if !self.throttled.is_none_or(is_new) {
            return false;
        }
        let rate = self.rate.unwrap_or_else(|| self.used.in_a_second(now));
        let whole = self.configured.unwrap_or(rate);
        self.throttled = Some(Throttled { rate, cut: now });
        self.rate = Some((rate * CUT).max(LEAST.min(whole)));
        self.tokens = self.tokens.min(0.0);
        true
    }

    fn rise(&mut self, seconds: f64) {
        let (Some(rate), Some(throttled)) = (self.rate, self.throttled) else {
            return;
        };
        let since = self
            .at
            .saturating_duration_since(throttled.cut)
            .as_secs_f64();
        let near = throttled.rate * NEAR;
        let risen = match rate < near {
            true => (rate + throttled.rate * RISE * seconds).min(near),
            false => rate + throttled.rate * (probed(since) - probed(since - seconds)),
        };
        let most = self.configured.unwrap_or(throttled.rate * NO_BOUND);
        if risen < most {
            self.rate = Some(risen);
        } else {
            (self.rate, self.throttled) = (self.configured, None);
        }
    }

    fn bound(&mut self, basis: f64) {
        self.tokens = self.tokens.min(self.burst(basis));
    }

    fn kept_from(&self, tokens: Tokens) -> f64 {
        match (tokens, self.basis()) {
            (Tokens::AboveReserve, Some(basis)) => (self.burst(basis) * RESERVE).floor(),
            _ => 0.0,
        }
    }

    fn burst(&self, basis: f64) -> f64 {
        burst(basis, self.least_burst)
    }

    /// What burst and reserve are reckoned from, where there is a bound.
    fn basis(&self) -> Option<f64> {
        self.configured
            .or_else(|| self.throttled.map(|throttled| throttled.rate))
    }
}

impl Used {
    fn go_to(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.since);
        if since >= SECOND {
            self.before = if since < 2 * SECOND { self.now } else { 0.0 };
            self.now = 0.0;
            self.since = now;
        }
    }

    /// One at least, since it has been throttled.
    fn in_a_second(&self, now: Instant) -> f64 {
        let part = now.saturating_duration_since(self.since).as_secs_f64();
        (self.now + self.before * (1.0 - part).max(0.0)).max(1.0)
    }
}

/// How far what lies beyond is tried, so many seconds after the rate was cut.
fn probed(seconds: f64) -> f64 {
    let slow = seconds.clamp(0.0, PROBES);
    let fast = seconds.max(PROBES).powi(3) - PROBES.powi(3);
    PROBE * (slow + fast / (3.0 * PROBES * PROBES))
}

/// How much may be had at once at a rate.
fn burst(rate: f64, least: f64) -> f64 {
    (rate * BURST).max(least)
}
