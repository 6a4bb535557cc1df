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
    /// How many values were none of ours, or said what cannot be, and were replaced.
    pub(in crate::quota) damaged: u64,
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
            let cost = match window.most(charge.price) {
                Some(_) => window.cost(charge.price.now, charge.price.times),
                None => NEVER,
            };
            let known = known.unwrap_or(Debt {
                until: 0,
                terms: window.tolerance(),
            });
            command
                .arg(cost.min(NEVER))
                .arg(window.tolerance())
                .arg(known.until / SECOND)
                .arg(known.until % SECOND)
                .arg(known.terms);
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

/// No more is believed than a window can be owed, whoever wrote the answer.
fn reckoned(answer: &[i64], charge: &Charge<'_>) -> RedisResult<Reckoned> {
    let windows = || charge.groups.into_iter().flatten();
    let number = |number: &i64| u64::try_from(*number).ok();
    let read = || {
        let [seconds, nanos, owed @ .., damaged] = answer else {
            return None;
        };
        if owed.len() != windows().count() {
            return None;
        }
        let seconds = number(seconds)?.checked_mul(SECOND)?;
        let owed = owed.iter().zip(windows());
        let owed = owed.map(|(owed, marked)| Some(number(owed)?.min(marked.window.tolerance())));
        Some(Reckoned {
            now: seconds.checked_add(number(nanos)?)?,
            owed: owed.collect::<Option<_>>()?,
            damaged: number(damaged)?,
        })
    };
    read().ok_or_else(|| {
        RedisError::from((
            ErrorKind::UnexpectedReturnType,
            "the script has answered with something else",
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::key::Keys;
    use crate::quota::window::Window;

    #[test]
    fn no_more_is_believed_than_can_be_owed_and_nothing_that_is_no_answer() {
        let keys = Keys::default();
        let windows = ["1/s burst 5", "1/min"].map(|text| Window::parse(text).unwrap());
        let windows = windows.map(|window| keys.mark("one", window));
        let (first, second) = windows.split_at(1);
        let charge = Charge {
            key: Key(7),
            groups: [first, second],
            price: Price::of(1),
            known: &[],
        };

        let believed = reckoned(&[1_700_000_000, 5, i64::MAX, 3, 2], &charge);

        let expected = Reckoned {
            now: 1_700_000_000_000_000_005,
            owed: vec![5_000_000_000, 3],
            damaged: 2,
        };
        assert_eq!(believed, Ok(expected));
        for answer in [
            &[][..],
            &[1, 2, 3, 4],
            &[1, 2, 3, 4, 5, 6],
            &[1, 2, -3, 4, 5],
            &[i64::MAX, 2, 3, 4, 5],
        ] {
            assert!(reckoned(answer, &charge).is_err(), "{answer:?}");
        }
    }
}
