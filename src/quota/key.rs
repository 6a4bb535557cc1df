//! Whom a limit counts: a caller, or where nobody has to say who calls, an address.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::net::{IpAddr, SocketAddr};

use aws_lc_rs::hmac;

use super::price::Marked;
use super::window::Window;
use crate::caller::{Caller, Proof, network};

/// The keyed hash of what is counted. It says nothing of a caller's name, and nobody
/// outside can choose names that meet in one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(pub(super) u128);

/// What keys are made with.
pub(super) enum Keys {
    /// By chance and once for each process, where nobody else has to know them.
    Own(RandomState, RandomState),
    /// The secret of replicas, who have to come to the same keys.
    Shared(Box<hmac::Key>),
}

/// What a key is made of.
#[derive(Hash)]
enum Named<'a> {
    Caller(&'a str),
    Address(IpAddr),
    Connection(SocketAddr),
    Window(&'a str, &'a str),
}

impl Default for Keys {
    fn default() -> Self {
        Self::Own(RandomState::new(), RandomState::new())
    }
}

impl Keys {
    /// The same wherever the secret is the same.
    pub(super) fn shared(secret: &[u8]) -> Self {
        Self::Shared(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// The key of who calls.
    pub(super) fn of(&self, caller: &Caller, peer: IpAddr) -> Key {
        match caller.proof() {
            Proof::Anonymous => self.of_address(peer),
            _ => self.hash(&Named::Caller(caller.id())),
        }
    }

    /// The key of an address.
    pub(super) fn of_address(&self, peer: IpAddr) -> Key {
        self.hash(&Named::Address(network(peer)))
    }

    /// The key of a connection, by the peer's address and port.
    pub(super) fn of_connection(&self, peer: SocketAddr) -> Key {
        self.hash(&Named::Connection(peer))
    }

    /// The key of a name of ours.
    pub(super) fn of_name(&self, name: &str, unit: &str) -> Key {
        self.hash(&Named::Window(name, unit))
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

    fn hash(&self, named: &Named<'_>) -> Key {
        match self {
            Self::Own(low, high) => {
                let (low, high) = (low.hash_one(named), high.hash_one(named));
                Key(u128::from(high) << 64 | u128::from(low))
            }
            Self::Shared(secret) => named.sign(secret),
        }
    }
}

impl Named<'_> {
    /// In bytes of our own, because those of `Hash` are another machine's and version's to
    /// choose. No name has a zero byte in it that could make two of them one: what is
    /// before the last part is ours.
    fn sign(&self, secret: &hmac::Key) -> Key {
        let mut context = hmac::Context::with_key(secret);
        match self {
            Self::Caller(id) => {
                context.update(b"caller\0");
                context.update(id.as_bytes());
            }
            Self::Address(IpAddr::V4(address)) => {
                context.update(b"ipv4\0");
                context.update(&address.octets());
            }
            Self::Address(IpAddr::V6(address)) => {
                context.update(b"ipv6\0");
                context.update(&address.octets());
            }
            Self::Connection(peer) => {
                context.update(b"connection\0");
                context.update(peer.to_string().as_bytes());
            }
            Self::Window(name, unit) => {
                context.update(b"window\0");
                context.update(unit.as_bytes());
                context.update(b"\0");
                context.update(name.as_bytes());
            }
        }
        let tag = context.sign();
        let half = tag.as_ref().iter().take(16);
        Key(half.fold(0, |key, byte| key << 8 | u128::from(*byte)))
    }
}

/// Neither the secret nor what chance made.
impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keys").finish_non_exhaustive()
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
    fn replicas_with_one_secret_come_to_the_same_keys_and_others_to_none_of_them() {
        let secret = b"thirty-two bytes of a secret, or more";
        let (one, other) = (Keys::shared(secret), Keys::shared(secret));
        let stranger = Keys::shared(b"thirty-two bytes of another secret too");
        let here = "10.0.0.1".parse().unwrap();
        let all = |keys: &Keys| {
            [
                keys.of(&token("a"), here),
                keys.of(&token("b"), here),
                keys.of(&Caller::anonymous(), here),
                keys.of_address("2001:db8::1".parse().unwrap()),
                keys.of_name("reads", "s"),
                keys.of_name("reads", "min"),
            ]
        };

        assert_eq!(all(&one), all(&other));
        let mut different: BTreeSet<u128> = all(&one).map(|key| key.0).into();
        different.extend(all(&stranger).map(|key| key.0));
        assert_eq!(different.len(), 12);
        // Written down, because a new version must not count anew beside an old one.
        let ann = Keys::shared(secret).of(&token("ann"), here);
        assert_eq!(
            format!("{:032x}", ann.0),
            "717a3f0ebbf27e061fa5eed1774ab38a"
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
