//! Who is let in, and as whom: tables against the engine that tells callers apart.

mod algorithms;
mod any_bytes;
mod certificates;
mod claims;
mod headers;
mod keys;
mod processes;
mod proofs;
mod secrets;
mod static_tokens;
mod wycheproof;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use poolgate::authn::{Authenticator, Callers, Refusal, Settings};
use poolgate::caller::{Caller, Certificate, Peer};
use poolgate::clock::Clock;
use poolgate::failure::Failure;

use crate::support::tokens::{Issuer, Site};

pub const NOW: u64 = 1_800_000_000;
pub const ISSUER: &str = "https://login.example.com";

/// An authenticator on a clock that a test turns.
pub struct Door {
    pub authenticator: Arc<Authenticator>,
    pub clock: Clock,
}

impl Door {
    /// With a callers file, and what answers when keys are fetched.
    pub fn new(callers: &str, site: &Arc<Site>) -> Self {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
        let settings = Settings {
            callers: parsed(callers),
            ..Settings::default()
        };
        let fetch = Arc::clone(site);
        let authenticator = Authenticator::new(&settings, clock.clone(), fetch);
        Self {
            authenticator: Arc::new(authenticator),
            clock,
        }
    }

    /// One issuer, whose keys are fetched, with `more` in its row.
    pub fn of(issuer: &Issuer, more: &str) -> Self {
        Self::new(&issuer.row(more), &issuer.site)
    }

    pub fn now(&self) -> u64 {
        self.clock.epoch_seconds()
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Who calls with a token.
    pub async fn bearer(&self, token: &str) -> Result<Caller, Refusal> {
        self.ask(None, &[&format!("Bearer {token}")]).await
    }

    pub async fn ask(
        &self,
        certificate: Option<&Certificate>,
        authorization: &[&str],
    ) -> Result<Caller, Refusal> {
        let values = authorization.iter().map(|value| value.as_bytes());
        let peer = Peer {
            certificate: certificate.cloned().map(Arc::new),
            ..Peer::at(SocketAddr::from(([127, 0, 0, 1], 1)))
        };
        self.authenticator.authenticate(Some(&peer), values).await
    }

    /// Why a token is refused. What the caller learns is always the same.
    pub async fn refusal(&self, token: &str) -> String {
        let refusal = self.bearer(token).await.unwrap_err();
        let cause = refusal.cause.clone();
        assert_eq!(
            Failure::from(refusal).to_string(),
            "the call carries no valid credentials"
        );
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!cause.contains(part), "a part of the token is in: {cause}");
        }
        assert!(
            cause.len() < 500 && !cause.chars().any(char::is_control),
            "{cause:?}"
        );
        cause
    }
}

pub fn parsed(callers: &str) -> Callers {
    Callers::parse(callers, Path::new("")).unwrap()
}

pub fn with_uri(uri: &str) -> Certificate {
    Certificate {
        uris: vec![uri.to_owned()],
        serial: "1".to_owned(),
        ..Certificate::default()
    }
}
