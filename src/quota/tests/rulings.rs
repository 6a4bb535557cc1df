//! Which limits count, and what comes of several.

use std::time::Duration;

use super::counters::counters;
use super::{asked, caller, decisions};
use crate::call::{Resource, Subject};
use crate::caller::Caller;
use crate::failure::{Failure, Limited};
use crate::operation::Operation;
use crate::quota::{Asked, Decision, Limits, weight};

const LIST: Operation = Operation::ListIdentityPools;
const CREATE: Operation = Operation::CreateIdentityPool;

const OFFICE: &str = r#"
[[limits]]
name = "listing"
operations = ["ListIdentityPools"]
windows = ["2/s"]

[[limits]]
name = "ann"
callers = ["token:ann"]
effects = ["read"]
windows = ["30/s"]

[[limits]]
name = "batch"
roles = ["batch", "nightly"]
effects = ["read", "write"]
windows = ["40/s"]
in_flight = 1
"#;

#[test]
fn the_first_limit_that_fits_counts_and_the_defaults_come_last() {
    for limiter in counters(OFFICE) {
        let clock = &limiter.clock;
        let get = Operation::DescribeIdentityPool;
        for (who, roles, operation, expected, left) in [
            ("ann", &[][..], LIST, "listing", 1),
            ("ann", &[], get, "ann", 29),
            ("bob", &["batch"], get, "batch", 39),
            ("eve", &["other", "nightly"], CREATE, "batch", 39),
            ("ann", &["batch"], Operation::DescribeIdentity, "ann", 28),
            ("zoe", &[], get, "default-read", 99),
            ("zoe", &[], CREATE, "default-write", 9),
            ("bob", &["batch"], Operation::GetId, "default-issue", 49),
        ] {
            let caller = caller(who, roles);

            let ruling = limiter.admit(&asked(&caller, operation, clock.instant()), 1);

            assert!(ruling.outcome.is_ok(), "{who} {operation}");
            let allowance = ruling.allowance.unwrap();
            assert_eq!(
                (&*allowance.limit, allowance.left),
                (expected, left),
                "{who}"
            );
        }
    }
}

#[test]
fn all_windows_admit_a_call_or_none_is_charged() {
    for limiter in counters("[[limits]]\nname = \"both\"\nwindows = [\"5/s\", \"7/day\"]\n") {
        let clock = &limiter.clock;
        let ann = caller("ann", &[]);
        let admitted = |count: usize| {
            let calls = (0..count).map(|_| limiter.admit(&asked(&ann, LIST, clock.instant()), 1));
            calls.filter(|ruling| ruling.outcome.is_ok()).count()
        };

        assert_eq!(
            admitted(100),
            5,
            "the second is used up, and only five of the day"
        );
        clock.advance(Duration::from_secs(1));
        assert_eq!(admitted(100), 2, "the day is used up");
        clock.advance(Duration::from_secs(1));
        let refused = limiter.admit(&asked(&ann, LIST, clock.instant()), 1);

        let Err(Failure::RateLimited { limited, wait }) = refused.outcome else {
            panic!("{refused:?}");
        };
        assert_eq!(&*limited.window, "7/day");
        // A seventh of a day after the first call.
        let seventh = Duration::from_secs(86_400) / 7;
        assert_eq!(wait, Duration::from_millis(12_342_858 - 2_000));
        assert!(wait >= seventh - Duration::from_secs(2));
    }
}

#[test]
fn a_refused_caller_is_told_which_limit_and_how_long() {
    for limiter in counters(OFFICE) {
        let clock = &limiter.clock;
        let bob = caller("bob", &[]);
        for _ in 0..2 {
            let ruling = limiter.admit(&asked(&bob, LIST, clock.instant()), 1);
            assert_eq!(
                decisions(&ruling),
                [
                    ("listing", Decision::Admitted),
                    ("default-in-flight", Decision::Admitted)
                ]
            );
        }

        let ruling = limiter.admit(&asked(&bob, LIST, clock.instant()), 1);

        assert_eq!(decisions(&ruling), [("listing", Decision::Refused)]);
        let limited = Limited {
            limit: "listing".into(),
            window: "2/s".into(),
            most: 2,
            subject: "caller:token:bob".to_owned(),
        };
        let wait = Duration::from_millis(500);
        assert_eq!(
            ruling.outcome.unwrap_err(),
            Failure::RateLimited { limited, wait }
        );
        let allowance = ruling.allowance.unwrap();
        assert_eq!((allowance.most, allowance.left), (2, 0));
        assert_eq!(allowance.full_in, Duration::from_secs(1));
    }
}

#[test]
fn strangers_are_counted_by_their_network() {
    for limiter in counters(OFFICE) {
        let clock = &limiter.clock;
        let nobody = Caller::anonymous();
        let is_admitted = |peer: &str| {
            let asked = Asked {
                peer: peer.parse().unwrap(),
                ..asked(&nobody, LIST, clock.instant())
            };
            limiter.admit(&asked, 2).outcome.is_ok()
        };

        assert!(is_admitted("10.0.0.1"));
        assert!(!is_admitted("10.0.0.1"));
        assert!(is_admitted("10.0.0.2"));
        assert!(is_admitted("2001:db8:1:2:3::4"));
        assert!(!is_admitted("2001:db8:1:2:ffff::1"), "the same /64");
        assert!(is_admitted("2001:db8:1:3::"));
    }
}

#[test]
fn calls_in_flight_are_counted_while_their_permits_live() {
    for limiter in counters(OFFICE) {
        let clock = &limiter.clock;
        let bob = caller("bob", &["batch"]);
        let ask = || limiter.admit(&asked(&bob, CREATE, clock.instant()), 1);

        let first = ask();
        let second = ask();

        assert!(matches!(
            second.outcome,
            Err(Failure::TooManyCalls(Limited { most: 1, .. }))
        ));
        assert_eq!(decisions(&second), [("batch", Decision::Refused)]);
        assert_eq!(second.allowance, None, "nothing was charged");
        drop(first);
        assert_eq!(ask().allowance.unwrap().left, 38);
    }
}

#[test]
fn a_shadow_limit_counts_as_if_it_were_in_force_and_refuses_nobody() {
    for limiter in counters(
        "[[limits]]\nname = \"tried\"\nshadow = true\nwindows = [\"2/s\"]\nin_flight = 3\n",
    ) {
        let clock = &limiter.clock;
        let ann = caller("ann", &[]);
        let ask = || limiter.admit(&asked(&ann, LIST, clock.instant()), 1);

        let rulings = [ask(), ask(), ask()];
        clock.advance(Duration::from_millis(500));
        let later = ask();
        let last = ask();

        assert!(rulings.iter().all(|ruling| ruling.outcome.is_ok()));
        let tried = |ruling| decisions(ruling).pop().unwrap();
        let [first, _, third] = &rulings;
        assert_eq!(tried(first), ("tried", Decision::ShadowAdmitted));
        assert_eq!(tried(third), ("tried", Decision::ShadowRefused));
        assert_eq!(tried(&later), ("tried", Decision::ShadowAdmitted));
        assert_eq!(
            tried(&last),
            ("tried", Decision::ShadowRefused),
            "three are in flight"
        );
        assert!(last.outcome.is_ok());
        assert_eq!(&*last.allowance.unwrap().limit, "default-read");
    }
}

#[test]
fn what_was_consumed_stays_consumed_as_a_share_of_the_burst_when_limits_change() {
    let text = |windows| format!("[[limits]]\nname = \"one\"\nwindows = [{windows}]\n");
    for limiter in counters(&text("\"10/s\", \"100/day\"")) {
        let clock = &limiter.clock;
        let ann = caller("ann", &[]);
        let left = |weight| {
            let ruling = limiter.admit(&asked(&ann, LIST, clock.instant()), weight);
            ruling.outcome.map(|_| ruling.allowance.unwrap().left)
        };
        assert_eq!(left(8), Ok(2));

        let reload = |windows| limiter.reload(&Limits::parse(&text(windows)).unwrap());
        reload("\"200/day\"");
        assert_eq!(left(1), Ok(183), "8 in 100 of the day were had");
        reload("\"5/s burst 20\", \"200/day\"");
        assert_eq!(left(1), Ok(3), "and 8 in 10 of the second");
        reload("\"5/s burst 9\"");
        assert_eq!(left(1), Ok(0), "of nine 17 in 20, and one");
        assert!(left(1).is_err());
        clock.advance(Duration::from_millis(130));
        assert_eq!(left(1), Ok(0));
    }
}

#[test]
fn the_rest_of_a_weight_is_charged_when_it_is_known() {
    for limiter in counters(
        "[[limits]]\nname = \"deletions\"\neffects = [\"write\"]\nwindows = [\"1/s burst 5\"]\n",
    ) {
        let clock = &limiter.clock;
        let ann = caller("ann", &[]);
        let delete = Operation::DeleteIdentities;
        let try_to = |identities: usize| {
            let ids = (0..identities).map(|number| format!("us-east-1:{number}"));
            let weight = weight(
                delete,
                &Subject {
                    resource: Resource::Identities(ids.collect()),
                    region: None,
                    parameters: Default::default(),
                    update_mask: None,
                },
            );
            let asked = asked(&ann, delete, clock.instant());
            limiter.admit(&asked, 1).outcome?;
            let ruling = limiter.admit_rest(&asked, 1, weight);
            ruling.outcome.map(|_| ruling.allowance.unwrap().left)
        };

        assert_eq!(try_to(30), Ok(2));
        let Err(Failure::RateLimited { wait, .. }) = try_to(30) else {
            panic!("three are not left");
        };
        assert_eq!(
            wait,
            Duration::from_secs(2),
            "the one that was charged is gone"
        );
        clock.advance(wait);
        assert_eq!(try_to(30), Ok(0));
        clock.advance(Duration::from_secs(60));
        let too_heavy = try_to(60).unwrap_err();
        assert!(
            matches!(too_heavy, Failure::TooHeavy { weight: 6, .. }),
            "{too_heavy:?}"
        );
    }
}
