//! The limits, held against a model that is too simple to be wrong, against floods, and
//! against mistakes of operators; in memory and in Redis alike.

mod changes;
mod counters;
mod damage;
mod file;
mod flood;
mod model;
mod redis;
#[path = "../../tests/it/support/redis_server.rs"]
mod redis_server;
mod rulings;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use super::{Asked, Decision, Limiter, Limits, Ruling};
use crate::caller::{Caller, Proof};
use crate::clock::Clock;
use crate::operation::Operation;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(super) fn caller(name: &str, roles: &[&str]) -> Caller {
    let proof = Proof::StaticToken {
        name: name.to_owned(),
    };
    let roles: BTreeSet<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    Caller::new(format!("token:{name}"), proof, roles, BTreeMap::new())
}

fn clock() -> Clock {
    Clock::manual(std::time::SystemTime::UNIX_EPOCH)
}

fn limiter(limits: &str, clock: &Clock) -> Limiter {
    Limiter::new(&Limits::parse(limits).unwrap(), clock.instant())
}

fn asked(caller: &Caller, operation: Operation, at: Instant) -> Asked<'_> {
    Asked {
        caller,
        peer: HERE,
        operation,
        at,
    }
}

/// What each limit that counted has decided.
fn decisions(ruling: &Ruling) -> Vec<(&str, Decision)> {
    let judged = ruling.judged.iter();
    judged.map(|one| (&*one.limit, one.decision)).collect()
}
