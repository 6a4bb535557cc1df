//! Who calls, and how it proved it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Who calls. Cheap to clone.
///
/// It is made by `authn` from credentials that were verified, and from nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(Arc<Known>);

#[derive(Debug, PartialEq, Eq)]
struct Known {
    id: String,
    proof: Proof,
    roles: BTreeSet<String>,
    attributes: BTreeMap<String, String>,
}

/// How a caller proved who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Not at all: a process on this machine, in front of the emulator.
    Anonymous,
    /// With a client certificate.
    Certificate {
        /// The certificate's serial number in hexadecimal digits.
        serial: String,
    },
    /// With a JSON Web Token.
    Jwt {
        /// The claim `iss`.
        issuer: String,
        /// The claim `sub`.
        subject: String,
        /// The claim `jti`.
        token_id: Option<String>,
        /// The claim `iat`, in seconds since the Unix epoch.
        issued_at: u64,
    },
    /// With a static token.
    StaticToken {
        /// The token's name in the callers file.
        name: String,
    },
    /// As a process of this machine, by the user and group that the kernel vouches for.
    Process {
        /// The process's name in the callers file.
        name: String,
    },
}

/// What an address is counted as: itself, or of IPv6 its /64, in which one peer has as many
/// as it wants.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

impl Proof {
    /// The kind of proof in one word, the same in policies, metrics and records.
    pub fn name(&self) -> &'static str {
        match self {
            Proof::Anonymous => "anonymous",
            Proof::Certificate { .. } => "certificate",
            Proof::Jwt { .. } => "jwt",
            Proof::StaticToken { .. } => "token",
            Proof::Process { .. } => "process",
        }
    }
}

impl Caller {
    /// The name of callers that nothing is known of.
    pub const ANONYMOUS: &str = "anonymous";

    /// A caller.
    pub fn new(
        id: impl Into<String>,
        proof: Proof,
        roles: BTreeSet<String>,
        attributes: BTreeMap<String, String>,
    ) -> Self {
        Self(Arc::new(Known {
            id: id.into(),
            proof,
            roles,
            attributes,
        }))
    }

    /// poolgate itself, where it asks AWS on nobody's behalf.
    pub fn poolgate() -> Self {
        Self::new(
            "poolgate",
            Proof::Anonymous,
            BTreeSet::new(),
            BTreeMap::new(),
        )
    }

    /// A caller that nothing is known of.
    pub fn anonymous() -> Self {
        Self::new(
            Self::ANONYMOUS,
            Proof::Anonymous,
            BTreeSet::new(),
            BTreeMap::new(),
        )
    }

    /// The caller's name, the same in policies, limits and records:
    ///
    /// | proof | name |
    /// |---|---|
    /// | none | `anonymous` |
    /// | certificate with a SPIFFE ID | the SPIFFE ID, `spiffe://example.org/shop` |
    /// | certificate with a DNS name | `dns:shop.example.org` |
    /// | JWT | `<issuer>\|<subject>`, or the claim that the callers file names |
    /// | static token | `token:<name>` |
    /// | process | `process:<name>` |
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// How it proved who it is.
    pub fn proof(&self) -> &Proof {
        &self.0.proof
    }

    /// The roles that it has by configuration.
    pub fn roles(&self) -> &BTreeSet<String> {
        &self.0.roles
    }

    /// What else is known of it by configuration, such as its team.
    pub fn attributes(&self) -> &BTreeMap<String, String> {
        &self.0.attributes
    }
}

/// The names in a client certificate that TLS has verified, once for each connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The URIs among the subject's alternative names.
    pub uris: Vec<String>,
    /// The DNS names among the subject's alternative names.
    pub dns_names: Vec<String>,
    /// The serial number in hexadecimal digits.
    pub serial: String,
}

/// Where a request came from, in the extensions of each request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where the other side is.
    pub address: Address,
    /// Its certificate, where it has shown one.
    pub certificate: Option<Arc<Certificate>>,
    /// How the connection is secured, where it is.
    pub tls: Option<Security>,
}

impl Peer {
    /// A peer of which nothing more is known.
    pub fn at(address: impl Into<Address>) -> Self {
        Self {
            address: address.into(),
            certificate: None,
            tls: None,
        }
    }

    /// The process on the other side, where the kernel tells of one.
    pub fn process(&self) -> Option<Process> {
        match self.address {
            Address::Network(_) => None,
            Address::Process(process) => Some(process),
        }
    }
}

/// Where the other side of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// In a network.
    Network(SocketAddr),
    /// On this machine, at the other end of a Unix socket.
    Process(Process),
}

/// A process at the other end of a Unix socket, as the kernel tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// The user that it runs as.
    pub uid: u32,
    /// The group that it runs as.
    pub gid: u32,
    /// Its number, where the kernel tells it.
    pub pid: Option<i32>,
    /// The number of the connection, which no other has.
    pub connection: u64,
}

impl Address {
    /// The address in a network. A process is on this machine.
    pub fn ip(&self) -> IpAddr {
        match self {
            Self::Network(address) => address.ip().to_canonical(),
            Self::Process(_) => Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// What connections are told apart by, and what they are counted as by address: of
    /// processes, each user has a network of its own. Nobody else has an address there, as
    /// the block `::/8` is given to no network (RFC 4291, 2.4).
    pub fn counted(&self) -> SocketAddr {
        match *self {
            Self::Network(address) => address,
            Self::Process(Process {
                uid, connection, ..
            }) => {
                let network = 1 << 112 | u128::from(uid) << 64;
                let address = Ipv6Addr::from(network | u128::from(connection));
                SocketAddr::from((address, 0))
            }
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Network(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => address.fmt(formatter),
            Self::Process(process) => process.fmt(formatter),
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uid, gid, pid, .. } = self;
        write!(formatter, "unix:uid={uid},gid={gid}")?;
        match pid {
            Some(pid) => write!(formatter, ",pid={pid}"),
            None => Ok(()),
        }
    }
}

/// What a TLS handshake agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Security {
    /// The version, such as `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite by its name in the IANA registry, such as
    /// `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_is_counted_for_itself_and_each_connection_is_one() {
        let process = |uid, connection| {
            let (gid, pid) = (1, Some(7));
            Address::Process(Process {
                uid,
                gid,
                pid,
                connection,
            })
        };
        let (root, ann) = (process(0, 1), process(1001, 2));
        let counted = |address: Address| address.counted();
        let of_network = |address: Address| network(address.counted().ip());

        assert_ne!(counted(ann), counted(process(1001, 3)));
        assert_eq!(of_network(ann), of_network(process(1001, 3)));
        assert_ne!(of_network(ann), of_network(root));
        for other in ["::1", "127.0.0.1", "2001:db8::1"] {
            let other: IpAddr = other.parse().unwrap();
            assert_ne!(of_network(root), network(other));
        }
        assert!(ann.ip().is_loopback());
        assert_eq!(ann.to_string(), "unix:uid=1001,gid=1,pid=7");
    }
}
