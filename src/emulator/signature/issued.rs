//! The keys of sessions: those that `AssumeRole` has handed out to whoever signed for it.
//!
//! Keys that are handed out without a signature (`GetCredentialsForIdentity`,
//! `AssumeRoleWithWebIdentity`) open nothing: there is no IAM that could keep a guest from
//! what operators may do.

use quick_cache::sync::Cache;

use super::SecretKeys;
use super::signed::Signed;
use crate::emulator::error::{Error, Kind};
use crate::emulator::operations::Credentials;

/// How many sessions are known. Of more, those that were used last are.
const MOST: usize = 10_000;

/// The keys of sessions. They are forgotten with the process.
pub(in crate::emulator) struct Issued(Cache<String, Session>);

#[derive(Clone)]
struct Session {
    secret: String,
    token: String,
    who: Who,
    /// When it ends, in seconds since the epoch by the emulator's clock.
    ends: u64,
}

/// Whom a session is of, as `GetCallerIdentity` names it.
#[derive(Clone)]
pub(in crate::emulator) struct Who {
    pub(in crate::emulator) arn: String,
    pub(in crate::emulator) id: String,
}

/// What signatures are held against.
#[derive(Clone, Copy)]
pub(in crate::emulator) struct Known<'a> {
    pub(in crate::emulator) keys: &'a SecretKeys,
    pub(in crate::emulator) issued: &'a Issued,
    /// Seconds since the epoch by the emulator's clock.
    pub(in crate::emulator) seconds: u64,
}

impl Default for Issued {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl Issued {
    /// Knows these from now on, until they expire.
    pub(in crate::emulator) fn add(&self, credentials: &Credentials, who: Who) {
        let session = Session {
            secret: credentials.secret_key.clone(),
            token: credentials.session_token.clone(),
            who,
            ends: credentials.expiration,
        };
        self.0.insert(credentials.access_key_id.clone(), session);
    }

    /// Whom the session is of that a key belongs to.
    pub(in crate::emulator) fn who(&self, access_key: &str) -> Option<Who> {
        self.0.get(access_key).map(|session| session.who)
    }
}

impl Known<'_> {
    /// The secret that a request has to be signed with.
    ///
    /// unverified: which of the two it is that is said of a session's key without its token.
    pub(super) fn secret(&self, signed: &Signed, token: Option<&str>) -> Result<String, Error> {
        if let Some(secret) = self.keys.0.get(&signed.access_key) {
            return Ok(secret.clone());
        }
        let session = self.issued.0.get(&signed.access_key);
        let session = session.filter(|session| Some(session.token.as_str()) == token);
        let Some(session) = session else {
            return Err(Error::new(
                Kind::UnrecognizedClient,
                "The security token included in the request is invalid.",
            ));
        };
        if session.ends <= self.seconds {
            return Err(Error::new(
                Kind::ExpiredToken,
                "The security token included in the request is expired",
            ));
        }
        Ok(session.secret)
    }
}
