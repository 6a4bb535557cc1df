//! Who has not greeted yet: no more than so many at a time, and no more than so many that
//! say nothing keep others out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::caller::network;

/// The connections whose handshake or preface is under way.
#[derive(Debug)]
pub(super) struct Handshakes {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    begun: u64,
    /// By the network that they come from, and there by their number: the oldest first.
    under_way: HashMap<IpAddr, BTreeMap<u64, CancellationToken>>,
    count: usize,
}

/// A handshake that counts while this lives.
#[derive(Debug)]
pub(super) struct Handshake {
    handshakes: Arc<Handshakes>,
    network: IpAddr,
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

    /// Begins one with a peer at `address`. Where that is one too many, the oldest of the
    /// network that has most has to go, be it this one's own: whoever means it is done within
    /// moments, and whoever is slow keeps the place as long as its network has no more than
    /// others have. Among networks that have as many the oldest goes.
    pub(super) fn begin(self: &Arc<Self>, address: IpAddr) -> Handshake {
        let network = network(address);
        let crowded_out = CancellationToken::new();
        let mut state = self.state();
        state.begun += 1;
        let number = state.begun;
        let of_network = state.under_way.entry(network).or_default();
        of_network.insert(number, crowded_out.clone());
        state.count += 1;
        if state.count > self.most {
            state.make_room();
        }
        Handshake {
            handshakes: Arc::clone(self),
            network,
            number,
            crowded_out,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn make_room(&mut self) {
        let oldest = self.under_way.iter().filter_map(|(network, of_network)| {
            let (number, _) = of_network.first_key_value()?;
            Some((of_network.len(), Reverse(*number), *network))
        });
        if let Some((_, Reverse(number), network)) = oldest.max()
            && let Some(crowded_out) = self.remove(network, number)
        {
            crowded_out.cancel();
        }
    }

    fn remove(&mut self, network: IpAddr, number: u64) -> Option<CancellationToken> {
        let of_network = self.under_way.get_mut(&network)?;
        let removed = of_network.remove(&number)?;
        if of_network.is_empty() {
            self.under_way.remove(&network);
        }
        self.count -= 1;
        Some(removed)
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
        // It may have had to go.
        let _ = self.handshakes.state().remove(self.network, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_gone(handshake: &Handshake) -> bool {
        handshake.crowded_out.is_cancelled()
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many_and_nothing_is_kept_of_those_that_ended() {
        let handshakes = Handshakes::new(2);
        let begin = || handshakes.begin([192, 0, 2, 1].into());

        let (first, second) = (begin(), begin());
        drop(first);
        let third = begin();
        assert!(!is_gone(&second) && !is_gone(&third));

        let fourth = begin();
        assert!(is_gone(&second) && !is_gone(&third) && !is_gone(&fourth));

        drop((second, third, fourth));
        let state = handshakes.state();
        assert!(state.under_way.is_empty() && state.count == 0);
    }

    #[test]
    fn who_is_slow_keeps_its_place_while_others_have_more_than_their_share() {
        let handshakes = Handshakes::new(8);
        let begin = |text: &str| handshakes.begin(text.parse().unwrap());
        let slow = [begin("192.0.2.1"), begin("2001:db8::1")];

        // One address, one network of many addresses, and three addresses in turns.
        let of_an_address: Vec<_> = (0..100).map(|_| begin("198.51.100.1")).collect();
        let of_a_network: Vec<_> = (0..100)
            .map(|number| begin(&format!("2001:db8:0:1::{number:x}")))
            .collect();
        let of_many: Vec<_> = (0..100)
            .map(|number| begin(&format!("203.0.113.{}", number % 3)))
            .collect();

        let crowds = [&of_an_address, &of_a_network, &of_many].into_iter();
        let gone = crowds.flatten().filter(|it| is_gone(it)).count();
        assert_eq!(gone, 300 - 6);
        assert!(!slow.iter().any(is_gone));
    }

    #[test]
    fn among_networks_that_have_as_many_the_oldest_goes() {
        let handshakes = Handshakes::new(2);
        let begin = |last| handshakes.begin([192, 0, 2, last].into());
        let [first, second, third] = [begin(1), begin(2), begin(3)];

        assert!(is_gone(&first) && !is_gone(&second) && !is_gone(&third));
    }
}
