//! Values in Redis that are none of ours, or that say what cannot be.

use std::sync::Arc;
use std::time::Duration;

use super::counters::{Connected, Counter};
use super::{asked, caller};
use crate::operation::Operation;
use crate::quota::{Limits, Ruling};

const LIMITS: &str = "[[limits]]\nname = \"one\"\nwindows = [\"1/s burst 5\"]\n";
const FULL: Duration = Duration::from_secs(5);

fn ask(counter: &Counter, name: &str) -> Ruling {
    let caller = caller(name, &[]);
    let asked = asked(
        &caller,
        Operation::ListIdentityPools,
        counter.clock.instant(),
    );
    counter.admit(&asked, 1)
}

/// How many of ten calls at one instant are admitted.
fn admitted(counter: &Counter, name: &str) -> usize {
    let calls = (0..10).map(|_| ask(counter, name));
    calls.filter(|ruling| ruling.outcome.is_ok()).count()
}

/// The one key there is of a caller.
fn key(redis: &Connected) -> String {
    let keys = redis.server.ask("KEYS poolgate:*");
    let mut of_callers = keys.lines().filter(|key| !key.contains("{0000"));
    of_callers.next().unwrap().to_owned()
}

#[test]
fn a_value_that_says_more_than_can_be_owed_counts_as_all_used_up() {
    let redis = Arc::new(Connected::start());
    for (value, is_damaged) in [
        // Far more than the burst takes.
        ("4503599627370496/5000000000 1700000000 123456789 0", true),
        ("1e300/5000000000 1700000000 123456789 0", true),
        // The same by terms that no window has.
        (
            "2678400000000000/2678400000000000 1700000000 123456789 0",
            false,
        ),
        // All used up, at a time that is far away.
        ("5000000000/5000000000 9999999999999999999 0 0", false),
        // To be kept for ever.
        (
            "5000000000/5000000000 1700000000 123456789 9999999999999999999",
            false,
        ),
    ] {
        assert_eq!(redis.server.ask("FLUSHALL"), "OK");
        redis.damaged();
        let counter = Counter::in_redis(&redis, &Limits::parse(LIMITS).unwrap(), 1);
        assert!(ask(&counter, "ann").outcome.is_ok());
        let key = key(&redis);
        assert_eq!(
            redis.server.ask(&format!("SET {key} \"{value}\"")),
            "OK",
            "{value}"
        );

        let refused = ask(&counter, "ann");

        assert!(refused.outcome.is_err(), "{value}");
        assert_eq!(refused.allowance.unwrap().full_in, FULL, "{value}");
        assert_eq!(redis.damaged(), u64::from(is_damaged), "{value}");
        // It was mended, and only what was told has to be waited for.
        counter.clock.advance(Duration::from_secs(1));
        assert_eq!(admitted(&counter, "ann"), 1, "{value}");
        assert_eq!(redis.damaged(), 0, "{value}");
        // Nor does the replica believe more, once Redis has forgotten it.
        assert_eq!(redis.server.ask(&format!("DEL {key}")), "1");
        counter.clock.advance(FULL);
        assert_eq!(admitted(&counter, "ann"), 5, "{value}");
    }
}

#[test]
fn what_is_no_value_of_ours_is_as_good_as_missing_and_concerns_nobody_else() {
    let redis = Arc::new(Connected::start());
    for damage in [
        "LPUSH {} 1",
        "SADD {} 1",
        "HSET {} field 1",
        "SET {} nonsense",
        "SET {} \"\"",
        "SET {} \"9000000000000000 1000000000 1700000000 0\"",
        "SET {} \"-1/5000000000 1700000000 0 0\"",
        "SET {} \"1/0 1700000000 0 0\"",
        "SET {} \"1/99999999999999999999 1700000000 0 0\"",
        "SET {} \"nan/5000000000 1700000000 0 0\"",
        "SET {} \"1.2.3/5000000000 1700000000 0 0\"",
    ] {
        assert_eq!(redis.server.ask("FLUSHALL"), "OK");
        redis.damaged();
        let counter = Counter::in_redis(&redis, &Limits::parse(LIMITS).unwrap(), 2);
        let other = Counter::in_redis(&redis, &Limits::parse(LIMITS).unwrap(), 2);
        assert!(ask(&counter, "ann").outcome.is_ok());
        let key = key(&redis);
        redis.server.ask(&format!("DEL {key}"));
        redis.server.ask(&damage.replace("{}", &key));

        let anns = admitted(&counter, "ann");

        assert_eq!(anns, 4, "{damage}: what the replica knew still counts");
        assert_eq!(redis.damaged(), 1, "{damage}");
        assert_eq!(redis.server.ask(&format!("TYPE {key}")), "string");
        assert_eq!(admitted(&other, "ann"), 0, "{damage}: it was replaced");
        assert_eq!(admitted(&other, "bob"), 5, "{damage}");
        assert_eq!(redis.failures(), 0, "{damage}");
    }
}

#[test]
fn a_damaged_value_is_replaced_when_nothing_is_owed() {
    let redis = Arc::new(Connected::start());
    let counter = Counter::in_redis(&redis, &Limits::parse(LIMITS).unwrap(), 1);
    assert!(ask(&counter, "ann").outcome.is_ok());
    let key = key(&redis);
    counter.clock.advance(FULL);
    redis.server.ask(&format!("DEL {key}"));
    redis.server.ask(&format!("LPUSH {key} 1"));

    // It weighs more than is ever admitted, and is charged nothing.
    let ann = caller("ann", &[]);
    let asked = asked(&ann, Operation::ListIdentityPools, counter.clock.instant());
    assert!(counter.admit(&asked, 6).outcome.is_err());

    assert_eq!(redis.damaged(), 1);
    assert_eq!(redis.server.ask(&format!("TYPE {key}")), "string");
    assert_eq!(admitted(&counter, "ann"), 5);
    assert_eq!(redis.damaged(), 0);
}
