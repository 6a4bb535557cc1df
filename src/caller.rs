//! Who calls, and how it proved it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
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
    /// The address of the other side.
    pub address: SocketAddr,
    /// Its certificate, where it has shown one.
    pub certificate: Option<Arc<Certificate>>,
    /// How the connection is secured, where it is.
    pub tls: Option<Security>,
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
