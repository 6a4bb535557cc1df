//! What was handed over and may yet be lost.
//!
//! TCP tells nobody what its other end has read: what was given to the kernel is lost when
//! the connection breaks. So lines count as taken only when the connection has lived on
//! for a while.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What was handed over and may yet be lost, by the numbers of last lines.
#[derive(Clone, Debug)]
pub struct Handed {
    after: Duration,
    waiting: VecDeque<(Instant, u64)>,
}

impl Handed {
    /// Lines count as taken so long after they were handed over.
    pub fn new(after: Duration) -> Self {
        Self {
            after,
            waiting: VecDeque::new(),
        }
    }

    /// All lines up to `seq` are handed over.
    pub fn hand(&mut self, seq: u64, now: Instant) {
        self.waiting.push_back((now, seq));
    }

    /// The last line that counts as taken by now, if there is a new one. The connection
    /// lives.
    pub fn settled(&mut self, now: Instant) -> Option<u64> {
        let mut last = None;
        while let Some((at, seq)) = self.waiting.front().copied()
            && now.saturating_duration_since(at) >= self.after
        {
            last = Some(seq);
            self.waiting.pop_front();
        }
        last
    }

    /// When more lines count as taken, if any were handed over.
    pub fn next(&self) -> Option<Instant> {
        self.waiting.front().map(|(at, _)| *at + self.after)
    }

    /// The other end has said that it has everything.
    pub fn all(&mut self) -> Option<u64> {
        self.waiting.drain(..).next_back().map(|(_, seq)| seq)
    }

    /// The connection broke: nothing of it counts. Tells whether there was anything.
    pub fn lost(&mut self) -> bool {
        let some = !self.waiting.is_empty();
        self.waiting.clear();
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(5);

    #[test]
    fn lines_count_as_taken_when_the_connection_has_lived_on() {
        let start = crate::clock::Clock::system().instant();
        let at = |millis| start + Duration::from_millis(millis);
        let mut handed = Handed::new(AFTER);
        assert_eq!(handed.next(), None);

        handed.hand(10, at(0));
        handed.hand(20, at(1_000));
        handed.hand(30, at(3_000));
        assert_eq!(handed.next(), Some(at(5_000)));

        assert_eq!(handed.settled(at(4_999)), None);
        assert_eq!(handed.settled(at(6_000)), Some(20));
        assert_eq!(handed.settled(at(7_999)), None);
        assert_eq!(handed.next(), Some(at(8_000)));
        assert!(handed.lost());
        assert_eq!(handed.settled(at(99_000)), None);
        assert!(!handed.lost());
    }

    #[test]
    fn the_other_end_may_say_that_it_has_everything() {
        let start = crate::clock::Clock::system().instant();
        let mut handed = Handed::new(AFTER);
        handed.hand(10, start);
        handed.hand(20, start);

        assert_eq!(handed.all(), Some(20));
        assert_eq!(handed.all(), None);
    }

    #[test]
    fn where_the_target_answers_lines_count_at_once() {
        let start = crate::clock::Clock::system().instant();
        let mut handed = Handed::new(Duration::ZERO);

        handed.hand(10, start);

        assert_eq!(handed.settled(start), Some(10));
    }
}
