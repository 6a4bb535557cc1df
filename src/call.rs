//! What layers hand down about one call, as typed slots in the request's
//! extensions (beside [`Operation`](crate::operation::Operation) and
//! [`Notes`](crate::notes::Notes)).

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

mod unclear;

pub use unclear::{Unclear, Why};

/// The name of a call: the caller's own `x-request-id`, or one we made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The longest that is accepted, in bytes.
    pub const MAX_LENGTH: usize = 128;

    /// A caller's identifier, if it is 1 to 128 visible ASCII characters.
    pub fn from_caller(text: &str) -> Option<Self> {
        let acceptable = (1..=Self::MAX_LENGTH).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        acceptable.then(|| Self(text.into()))
    }

    /// A new identifier (UUID version 7).
    pub fn generate() -> Self {
        Self(uuid::Uuid::now_v7().to_string().into())
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whose store of the emulator a call is about, where stores are isolated. It takes the
/// place of an AWS access key, and is refused where policies are in force.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tenant(String);

impl Tenant {
    /// The metadata that names it.
    pub const METADATA: &str = "x-poolgate-tenant";

    /// A name as a caller gives it, if it is 1 to 128 letters, digits, `_` and `-`.
    pub fn from_caller(text: &[u8]) -> Option<Self> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let acceptable = (1..=128).contains(&text.len()) && text.iter().all(plain);
        acceptable
            .then(|| String::from_utf8(text.to_owned()).ok())
            .flatten()
            .map(Self)
    }

    /// The tenant in a call's metadata, if it names one.
    ///
    /// # Errors
    ///
    /// [`Failure::InvalidFields`] when the name cannot be one.
    pub fn of_metadata(name: Option<&[u8]>) -> Result<Option<Self>, Failure> {
        let named = name.map(|name| {
            Self::from_caller(name).ok_or_else(|| {
                Failure::field(
                    Self::METADATA,
                    "a tenant is 1 to 128 letters, digits, `_` and `-`",
                )
            })
        });
        named.transpose()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which of AWS's accounts a call goes to, by the target that stands for it. Where no targets
/// are set up it has no name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Target {
    /// Its name.
    pub name: Option<Arc<str>>,
    /// The number of its account, where it is known.
    pub account: Option<Arc<str>>,
}

impl Target {
    /// The metadata by which a caller names one.
    pub const METADATA: &str = "x-poolgate-target";
}

/// The connection that a call came on, in the extensions of each request that came on one.
#[derive(Clone, Debug, Default)]
pub struct Connection(CancellationToken);

impl Connection {
    /// Has the peer told to go away, and the connection closed soon after.
    pub fn dismiss(&self) {
        self.0.cancel();
    }

    /// Ends when the peer is to be told.
    pub async fn dismissed(&self) {
        self.0.cancelled().await;
    }
}

/// When the answer has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// How much time is left at `now`.
    pub fn left(self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }
}

/// How long the caller waits for an answer: as it says, and else as long as calls have that
/// say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(pub Duration);

/// What is let go when a call is over: when its answer has been read or its caller has gone,
/// and nothing is done for it any more.
#[derive(Clone, Debug, Default)]
pub struct Held {
    _until_dropped: Option<Arc<dyn Any + Send + Sync>>,
}

impl Held {
    /// Holds this.
    pub fn new(held: impl Any + Send + Sync) -> Self {
        Self {
            _until_dropped: Some(Arc::new(held)),
        }
    }
}

/// Whose calls take turns with whose on the way to AWS. It does not tell who that is. The
/// default is nobody in particular.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The same for all calls of a caller.
    pub key: u128,
    /// How urgent its calls are.
    pub class: Class,
}

#[cfg(test)]
impl Flow {
    /// That of somebody, for tests.
    pub(crate) fn of(key: u128) -> Self {
        Self {
            key,
            ..Self::default()
        }
    }
}

/// How urgent calls are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Class {
    /// Somebody waits for the answer.
    #[default]
    Interactive,
    /// Nobody does: these go after the others.
    Batch,
}

/// What a call is about.
///
/// No `Debug`: the parameters hold login tokens.
#[derive(Clone)]
pub struct Subject {
    /// What the call names.
    pub resource: Resource,
    /// The region of the resource, where the call names one.
    pub region: Option<String>,
    /// The request's members as AWS names them, without those that are absent.
    pub parameters: Map<String, Value>,
    /// The paths of an update mask, where there is one.
    pub update_mask: Option<Vec<String>>,
}

/// What a call names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Nothing in particular: the account in the default region.
    Account,
    /// An identity pool.
    Pool(String),
    /// An identity.
    Identity(String),
    /// Several identities of one region.
    Identities(Vec<String>),
}

impl Resource {
    /// The identities that are named.
    pub fn identities(&self) -> &[String] {
        match self {
            Resource::Account | Resource::Pool(_) => &[],
            Resource::Identity(id) => std::slice::from_ref(id),
            Resource::Identities(ids) => ids,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_short_and_visible() {
        assert!(RequestId::from_caller("a-1").is_some());
        assert!(RequestId::from_caller(&"x".repeat(128)).is_some());
        for bad in ["", "two words", "tab\t", "é", &"x".repeat(129)] {
            assert!(RequestId::from_caller(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_tenant_can_stand_in_a_signature() {
        assert!(Tenant::from_caller(b"suite_1-a").is_some());
        assert!(Tenant::from_caller(&[b'x'; 128]).is_some());
        for bad in [&b""[..], b"a/b", b"a,b", b"a b", b"\xc3\xa9", &[b'x'; 129]] {
            assert!(Tenant::from_caller(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn nothing_is_left_after_the_deadline() {
        let now = crate::clock::Clock::system().instant();
        let deadline = Deadline(now + Duration::from_secs(1));

        assert_eq!(deadline.left(now), Duration::from_secs(1));
        assert_eq!(deadline.left(now + Duration::from_secs(2)), Duration::ZERO);
    }
}
