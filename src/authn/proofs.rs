//! A certificate and a token, and who calls with the two.

use super::callers::{Both, Callers, Require};
use super::refusal::{Method, Refusal, shown};
use crate::caller::Caller;

/// Who calls, by what was proved. Bad proofs do not come this far.
pub(super) fn decide(
    callers: &Callers,
    certified: Option<Caller>,
    borne: Option<Caller>,
) -> Result<Caller, Refusal> {
    match (certified, borne, callers.require) {
        (None, None, _) => Err(Refusal::new(
            Method::None,
            "neither a certificate nor a token",
        )),
        (Some(caller), None, Require::Any) | (None, Some(caller), Require::Any) => Ok(caller),
        (Some(_), None, Require::All) => Err(Refusal::new(
            Method::Certificate,
            "a certificate without a token",
        )),
        (None, Some(_), Require::All) => {
            Err(Refusal::new(Method::Token, "a token without a certificate"))
        }
        (Some(certified), Some(borne), _) => match callers.both {
            Both::Certificate => Ok(certified),
            Both::Token => Ok(borne),
            Both::SameCaller => same(&certified, &borne),
        },
    }
}

/// One caller out of two proofs. It is known by the token, which says more.
fn same(certified: &Caller, borne: &Caller) -> Result<Caller, Refusal> {
    if certified.id() != borne.id() {
        let (one, other) = (shown(certified.id()), shown(borne.id()));
        let cause = format!("the certificate is {one}'s and the token {other}'s");
        return Err(Refusal::new(Method::Both, cause));
    }
    let roles = certified.roles() | borne.roles();
    let mut attributes = certified.attributes().clone();
    attributes.extend(borne.attributes().clone());
    Ok(Caller::new(
        borne.id(),
        borne.proof().clone(),
        roles,
        attributes,
    ))
}
