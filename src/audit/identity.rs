//! Who calls, as CloudTrail says it.

use serde_json::json;

use super::redact::Truncated;
use super::shape::Identity;
use crate::caller::{Caller, Proof};

/// The longest name of somebody, in bytes: as long as callers may have one.
pub(super) const NAME: usize = 2048;

/// The caller, as far as it was verified. AWS has no words for a certificate of a client,
/// for a static token and for a process; these are ours.
pub(super) fn identity<'a>(
    caller: Option<&'a Caller>,
    account: Option<&'a str>,
    cut: &mut Truncated,
) -> Identity<'a> {
    let blank = Identity {
        kind: "Unknown",
        account_id: account,
        ..Identity::default()
    };
    let Some(caller) = caller else {
        return blank;
    };
    let known = Identity {
        principal_id: Some(cut.text(caller.id(), NAME, "userIdentity.principalId")),
        ..blank
    };
    match caller.proof() {
        Proof::Anonymous => known,
        Proof::Certificate { .. } => Identity {
            kind: "MutualTLS",
            ..known
        },
        Proof::StaticToken { name } => Identity {
            kind: "StaticToken",
            user_name: Some(cut.text(name, NAME, "userIdentity.userName")),
            ..known
        },
        Proof::Process { name } => Identity {
            kind: "UnixProcess",
            user_name: Some(cut.text(name, NAME, "userIdentity.userName")),
            ..known
        },
        Proof::Jwt {
            issuer,
            subject,
            issued_at,
            ..
        } => Identity {
            kind: "WebIdentityUser",
            user_name: Some(cut.text(subject, NAME, "userIdentity.userName")),
            identity_provider: Some(cut.text(host(issuer), NAME, "userIdentity.identityProvider")),
            session_context: Some(json!({
                "attributes": {"creationDate": super::epoch(*issued_at)},
                "webIdFederationData": {
                    "federatedProvider": cut.text(issuer, NAME, "userIdentity.sessionContext"),
                },
            })),
            ..known
        },
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}

/// What tells the caller's credential from others of the same caller.
pub(super) fn credential(caller: &Caller) -> Option<&str> {
    match caller.proof() {
        Proof::Certificate { serial } => Some(serial),
        Proof::Jwt { token_id, .. } => token_id.as_deref(),
        Proof::Anonymous | Proof::StaticToken { .. } | Proof::Process { .. } => None,
    }
}
