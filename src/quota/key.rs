//! Whom a limit counts: a caller, or where nobody has to say who calls, an address.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::table::Marked;
use super::window::Window;
use crate::caller::{Caller, Proof};

/// The keyed hash of what is counted. It says nothing of a caller's name, and nobody
/// outside can choose names that meet in one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(pub(super) u128);

/// What keys are made with, by chance and once for each process.
#[derive(Debug, Default)]
pub(super) struct Keys(RandomState, RandomState);

impl Keys {
    /// The key of who calls.
    pub(super) fn of(&self, caller: &Caller, peer: IpAddr) -> Key {
        match caller.proof() {
            Proof::Anonymous => self.of_address(peer),
            _ => self.hash(("caller", caller.id())),
        }
    }

    /// The key of an address.
    pub(super) fn of_address(&self, peer: IpAddr) -> Key {
        self.hash(("address", network(peer)))
    }

    /// The key of a connection, by the peer's address and port.
    pub(super) fn of_connection(&self, peer: SocketAddr) -> Key {
        self.hash(("connection", peer))
    }

    /// The key of a name of ours.
    pub(super) fn of_name(&self, name: &str, unit: &str) -> Key {
        self.hash(("name", name, unit))
    }

    /// A window of something of ours that has this name. Windows of one name have different
    /// units.
    pub(super) fn mark(&self, name: &str, window: Window) -> Marked {
        Marked {
            mark: self.of_name(name, window.unit()),
            shown: window.to_string().into(),
            window,
        }
    }

    fn hash(&self, value: impl Hash) -> Key {
        let (low, high) = (self.0.hash_one(&value), self.1.hash_one(&value));
        Key(u128::from(high) << 64 | u128::from(low))
    }
}

impl Key {
    /// The key of this one and another together.
    pub(super) fn with(self, other: Key) -> Key {
        Key(self.0 ^ other.0)
    }

    /// One of so many places, which are a power of two.
    pub(super) fn place(self, places: usize) -> usize {
        usize::try_from(self.0 >> 96).unwrap_or_default() & (places - 1)
    }
}

/// Who calls, as a refused caller is told.
pub(super) fn subject(caller: &Caller, peer: IpAddr) -> String {
    match (caller.proof(), network(peer)) {
        (Proof::Anonymous, IpAddr::V4(address)) => format!("clientip:{address}"),
        (Proof::Anonymous, IpAddr::V6(network)) => format!("clientip:{network}/64"),
        _ => format!("caller:{}", caller.id()),
    }
}

/// Of IPv6 the first 64 bits, which are one customer's; whoever has them chooses the rest.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn token(name: &str) -> Caller {
        let proof = Proof::StaticToken {
            name: name.to_owned(),
        };
        Caller::new(
            format!("token:{name}"),
            proof,
            BTreeSet::new(),
            BTreeMap::new(),
        )
    }

    #[test]
    fn a_caller_is_one_wherever_it_calls_from_and_strangers_are_one_by_network() {
        let keys = Keys::default();
        let at = |caller: &Caller, address: &str| keys.of(caller, address.parse().unwrap());
        let nobody = Caller::anonymous();

        assert_eq!(at(&token("a"), "10.0.0.1"), at(&token("a"), "10.0.0.2"));
        assert_ne!(at(&token("a"), "10.0.0.1"), at(&token("b"), "10.0.0.1"));
        assert_ne!(at(&nobody, "10.0.0.1"), at(&nobody, "10.0.0.2"));
        assert_eq!(at(&nobody, "10.0.0.1"), at(&nobody, "::ffff:10.0.0.1"));
        assert_eq!(at(&nobody, "2001:db8::1"), at(&nobody, "2001:db8::ffff:1"));
        assert_ne!(at(&nobody, "2001:db8::1"), at(&nobody, "2001:db8:0:1::1"));
        assert_ne!(
            keys.of(&nobody, "::1".parse().unwrap()),
            Keys::default().of(&nobody, "::1".parse().unwrap())
        );
    }

    #[test]
    fn a_subject_is_what_is_counted() {
        let shown = |caller: &Caller, address: &str| subject(caller, address.parse().unwrap());

        assert_eq!(shown(&token("a"), "10.0.0.1"), "caller:token:a");
        let nobody = Caller::anonymous();
        assert_eq!(shown(&nobody, "10.0.0.1"), "clientip:10.0.0.1");
        assert_eq!(shown(&nobody, "2001:db8::9"), "clientip:2001:db8::/64");
    }
}
