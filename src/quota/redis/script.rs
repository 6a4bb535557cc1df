//! The script that decides in Redis, and how it is called.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use redis::{Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind};

use super::connection::Connection;
use crate::quota::key::Key;
use crate::quota::price::{Marked, Price};
use crate::quota::window::Debt;

const BODY: &str = include_str!("gcra.lua");
/// The server's own time, which has whole microseconds.
const SERVERS_TIME: &str = "\
local time = redis.call('TIME')
local sec, ns, least = tonumber(time[1]), tonumber(time[2]) * 1000, 1
";
/// The time that a question brings along. As Redis goes by its own in what it forgets,
/// it has to keep everything for as long as a test runs.
#[cfg(test)]
const TOLD_TIME: &str = "\
local sec, ns, least = tonumber(ARGV[#ARGV - 1]), tonumber(ARGV[#ARGV]), 600000
";
/// More than may be owed to any window, and still a whole number in Lua.
const NEVER: u64 = 1 << 52;
const SECOND: u64 = 1_000_000_000;

/// The script by its text and by the name that Redis has for it.
pub(super) struct Script {
    source: String,
    name: String,
    /// The time that questions bring along, in place of the server's.
    #[cfg(test)]
    pub(super) told: Option<std::sync::Arc<std::sync::atomic::AtomicU64>>,
}

/// A call that is charged to several windows.
pub(in crate::quota) struct Charge<'a> {
    /// Who calls.
    pub(in crate::quota) key: Key,
    /// The windows that decide together, and others that do.
    pub(in crate::quota) groups: [&'a [Marked]; 2],
    pub(in crate::quota) price: Price,
    /// What is known to be owed at least.
    pub(in crate::quota) known: &'a [Option<Debt>],
}

/// What Redis has reckoned.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::quota) struct Reckoned {
    /// Its time, in nanoseconds since the Unix epoch.
    pub(in crate::quota) now: u64,
    /// What was owed to each window before.
    pub(in crate::quota) owed: Vec<u64>,
}

impl Script {
    pub(super) fn new() -> Self {
        Self::with_time(SERVERS_TIME)
    }

    fn with_time(time: &str) -> Self {
        let source = format!("{time}{BODY}");
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, source.as_bytes());
        let name = hash.as_ref().iter().fold(String::new(), |mut name, byte| {
            // Writing into a `String` cannot fail.
            let _ = write!(name, "{byte:02x}");
            name
        });
        Self {
            source,
            name,
            #[cfg(test)]
            told: None,
        }
    }

    /// The same by a time in nanoseconds that a test sets.
    #[cfg(test)]
    pub(super) fn by(time: std::sync::Arc<std::sync::atomic::AtomicU64>) -> Self {
        Self {
            told: Some(time),
            ..Self::with_time(TOLD_TIME)
        }
    }

    /// Charges a call. It is one round trip, and a second one where Redis does not have the
    /// script yet.
    pub(super) async fn charge(
        &self,
        connection: &mut Connection,
        charge: &Charge<'_>,
    ) -> RedisResult<Reckoned> {
        let by_name = self.command("EVALSHA", &self.name, charge);
        let answer = match connection.ask(&by_name).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                let in_full = self.command("EVAL", &self.source, charge);
                connection.ask(&in_full).await
            }
            answer => answer,
        };
        reckoned(&answer?, charge)
    }

    fn command(&self, name: &str, script: &str, charge: &Charge<'_>) -> Cmd {
        let [first, second] = charge.groups;
        let windows = || first.iter().chain(second);
        let mut command = redis::cmd(name);
        command.arg(script).arg(first.len() + second.len());
        for Marked { mark, .. } in windows() {
            command.arg(name_of(charge.key, *mark));
        }
        command.arg(first.len());
        let known = charge.known.iter().copied().chain(std::iter::repeat(None));
        for (Marked { window, .. }, known) in windows().zip(known) {
            let (cost, most) = match window.most(charge.price) {
                Some(most) => (window.cost(charge.price.now, charge.price.times), most),
                None => (NEVER, window.tolerance()),
            };
            // Reckoned with another interval it would have to be told with it, and it is
            // known to Redis anyway.
            let known = known.filter(|debt| debt.interval == window.nanos());
            let until = known.map_or(0, |debt| debt.until);
            command
                .arg(window.nanos())
                .arg(cost.min(NEVER))
                .arg(most.min(NEVER))
                .arg(until / SECOND)
                .arg(until % SECOND);
        }
        #[cfg(test)]
        if let Some(time) = &self.told {
            let now = time.load(std::sync::atomic::Ordering::SeqCst);
            command.arg(now / SECOND).arg(now % SECOND);
        }
        command
    }
}

/// What is in braces has all keys of a caller in one slot of a cluster.
fn name_of(key: Key, mark: Key) -> String {
    format!("poolgate:{{{:032x}}}{:032x}", key.0, mark.0)
}

fn reckoned(answer: &[i64], charge: &Charge<'_>) -> RedisResult<Reckoned> {
    let [first, second] = charge.groups;
    let mut numbers = answer.iter().map(|number| u64::try_from(*number).ok());
    let mut next = || numbers.next().flatten();
    let now = || {
        let seconds = next()?;
        seconds.checked_mul(SECOND)?.checked_add(next()?)
    };
    let now = { now }();
    let owed: Option<Vec<u64>> = numbers.collect();
    match (now, owed) {
        (Some(now), Some(owed)) if owed.len() == first.len() + second.len() => {
            Ok(Reckoned { now, owed })
        }
        _ => Err(RedisError::from((
            ErrorKind::UnexpectedReturnType,
            "the script has answered with something else",
        ))),
    }
}
