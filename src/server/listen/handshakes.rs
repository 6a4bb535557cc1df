//! Who has not greeted yet: no more than so many at a time, and no more than so many that
//! say nothing keep others out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The connections whose handshake or preface is under way.
#[derive(Debug)]
pub(super) struct Handshakes {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    begun: u64,
    under_way: BTreeMap<u64, CancellationToken>,
}

/// A handshake that counts while this lives.
#[derive(Debug)]
pub(super) struct Handshake {
    handshakes: Arc<Handshakes>,
    number: u64,
    crowded_out: CancellationToken,
}

impl Handshakes {
    /// Lets so many be under way.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            state: Mutex::default(),
        })
    }

    /// Begins one. Where that is one too many the oldest has to go: whoever means it is
    /// done within moments, and whoever says nothing becomes the oldest.
    pub(super) fn begin(self: &Arc<Self>) -> Handshake {
        let crowded_out = CancellationToken::new();
        let mut state = self.state();
        while state.under_way.len() >= self.most {
            let Some((_, oldest)) = state.under_way.pop_first() else {
                break;
            };
            oldest.cancel();
        }
        state.begun += 1;
        let number = state.begun;
        state.under_way.insert(number, crowded_out.clone());
        Handshake {
            handshakes: Arc::clone(self),
            number,
            crowded_out,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handshake {
    /// Ends when it has to go because of others.
    pub(super) async fn crowded_out(&self) {
        self.crowded_out.cancelled().await;
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.handshakes.state().under_way.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_when_there_are_too_many_and_nothing_is_kept_of_those_that_ended() {
        let handshakes = Handshakes::new(2);
        let begin = || handshakes.begin();
        let is_gone = |handshake: &Handshake| handshake.crowded_out.is_cancelled();

        let (first, second) = (begin(), begin());
        drop(first);
        let third = begin();
        assert!(!is_gone(&second) && !is_gone(&third));

        let fourth = begin();
        assert!(is_gone(&second) && !is_gone(&third) && !is_gone(&fourth));

        drop((second, third, fourth));
        assert!(handshakes.state().under_way.is_empty());
    }
}
