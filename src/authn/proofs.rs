//! What was proved by the connection and what by a token, and who calls with the two.

use super::callers::{Both, Callers, Require};
use super::refusal::{Method, Refusal, shown};
use crate::caller::{Caller, Peer};

/// Who the other side of a connection is, by its certificate or as a process. A process
/// that is not listed is nobody, as everybody is some user.
pub(super) fn of_connection(
    callers: &Callers,
    peer: Option<&Peer>,
) -> Result<Option<Caller>, Refusal> {
    let Some(peer) = peer else {
        return Ok(None);
    };
    if let Some(process) = peer.process() {
        return Ok(callers.processes.caller(process));
    }
    let certificate = peer.certificate.as_deref();
    let certificate = certificate.filter(|_| callers.certificates.apply());
    certificate
        .map(|certificate| callers.certificates.caller(certificate))
        .transpose()
        .map_err(|cause| Refusal::new(Method::Certificate, cause))
}

/// Who calls, by what was proved. Bad proofs do not come this far.
pub(super) fn decide(
    callers: &Callers,
    peer: Option<&Peer>,
    connected: Option<Caller>,
    borne: Option<Caller>,
) -> Result<Caller, Refusal> {
    let process = peer.and_then(Peer::process);
    let kind = match process {
        Some(_) => Method::Process,
        None => Method::Certificate,
    };
    match (connected, borne, callers.require) {
        (None, None, _) => Err(match process {
            Some(process) => Refusal::new(
                Method::Process,
                format!("{process} is not in the callers file, and shows no token"),
            ),
            None => Refusal::new(Method::None, "neither a certificate nor a token"),
        }),
        (Some(caller), None, Require::Any) | (None, Some(caller), Require::Any) => Ok(caller),
        (Some(_), None, Require::All) => Err(Refusal::new(
            kind,
            format!("a {} without a token", kind.as_str()),
        )),
        (None, Some(_), Require::All) => Err(Refusal::new(
            Method::Token,
            match process {
                Some(process) => format!("a token, and {process} is not in the callers file"),
                None => "a token without a certificate".to_owned(),
            },
        )),
        (Some(connected), Some(borne), _) => match callers.both {
            Both::Certificate => Ok(connected),
            Both::Token => Ok(borne),
            Both::SameCaller => same(kind, &connected, &borne),
        },
    }
}

/// One caller out of two proofs. It is known by the token, which says more.
fn same(kind: Method, connected: &Caller, borne: &Caller) -> Result<Caller, Refusal> {
    if connected.id() != borne.id() {
        let (one, other) = (shown(connected.id()), shown(borne.id()));
        let kind = kind.as_str();
        let cause = format!("the {kind} is {one}'s and the token {other}'s");
        return Err(Refusal::new(Method::Both, cause));
    }
    let roles = connected.roles() | borne.roles();
    let mut attributes = connected.attributes().clone();
    attributes.extend(borne.attributes().clone());
    Ok(Caller::new(
        borne.id(),
        borne.proof().clone(),
        roles,
        attributes,
    ))
}
