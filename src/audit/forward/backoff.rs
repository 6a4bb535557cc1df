//! How long a target that fails is left alone.

use std::time::Duration;

/// The longest wait before the second attempt.
const LEAST: Duration = Duration::from_millis(250);

/// The longest wait of all.
const MOST: Duration = Duration::from_secs(30);

/// The longest that a target is left alone because it asks for that.
pub const MOST_RETRY_AFTER: Duration = Duration::from_secs(5 * 60);

/// How often a target has failed since it last took something.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It has failed once more. Gives back how long to wait: twice as long as before, less
    /// by up to a half, so that those who failed together do not come again together, and
    /// no less than was `asked` for. `random` is any number.
    pub fn failed(&mut self, asked: Option<Duration>, random: u8) -> Duration {
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let whole = LEAST.saturating_mul(doubled).min(MOST);
        self.failures = self.failures.saturating_add(1);
        let wait = whole / 2 + whole / 2 * u32::from(random) / u32::from(u8::MAX);
        wait.max(asked.unwrap_or_default().min(MOST_RETRY_AFTER))
    }

    /// It took something. Tells how often it had failed before.
    pub fn succeeded(&mut self) -> u32 {
        std::mem::take(&mut self.failures)
    }

    /// Whether it has failed since it last took something.
    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_begin_anew() {
        let mut backoff = Backoff::default();
        let millis = |backoff: &mut Backoff, random| backoff.failed(None, random).as_millis();

        let waits: Vec<u128> = (0..4).map(|_| millis(&mut backoff, 255)).collect();
        assert_eq!(waits, [250, 500, 1000, 2000]);
        for _ in 0..100 {
            backoff.failed(None, 0);
        }
        assert_eq!(millis(&mut backoff, 255), 30_000);
        assert_eq!(millis(&mut backoff, 0), 15_000);
        assert!(backoff.is_failing());

        assert_eq!(backoff.succeeded(), 106);

        assert!(!backoff.is_failing());
        assert_eq!(millis(&mut backoff, 0), 125);
    }

    #[test]
    fn what_a_target_asks_for_is_kept_to_within_bounds() {
        let asked = |seconds| {
            let after = Some(Duration::from_secs(seconds));
            Backoff::default().failed(after, 255)
        };

        assert_eq!(asked(0), LEAST);
        assert_eq!(asked(60), Duration::from_secs(60));
        assert_eq!(asked(1_000_000), MOST_RETRY_AFTER);
    }
}
