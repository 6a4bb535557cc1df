//! Who calls, as CloudTrail says it.

use std::borrow::Cow;

use serde_json::json;

use super::events::Origin;
use super::shape::Identity;
use crate::caller::{Caller, Proof};

/// The caller, as far as it was verified. AWS has no words for a certificate of a client
/// and for a static token; these are ours.
pub(super) fn identity<'a>(caller: Option<&'a Caller>, origin: &'a Origin) -> Identity<'a> {
    let blank = Identity {
        kind: "Unknown",
        account_id: origin.account_id.as_deref(),
        ..Identity::default()
    };
    let Some(caller) = caller else {
        return blank;
    };
    let known = Identity {
        principal_id: Some(Cow::from(caller.id())),
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
            user_name: Some(Cow::from(name)),
            ..known
        },
        Proof::Jwt {
            issuer,
            subject,
            issued_at,
            ..
        } => Identity {
            kind: "WebIdentityUser",
            user_name: Some(Cow::from(subject)),
            identity_provider: Some(Cow::from(host(issuer))),
            session_context: Some(json!({
                "attributes": {"creationDate": super::epoch(*issued_at)},
                "webIdFederationData": {"federatedProvider": issuer},
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
        Proof::Anonymous | Proof::StaticToken { .. } => None,
    }
}
