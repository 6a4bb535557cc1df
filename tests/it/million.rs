//! What a million callers take (reference: security, T-Q2).

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::FutureExt;
use poolgate::caller::{Caller, Proof};
use poolgate::clock::Clock;
use poolgate::layers::{Around, Limits, Request, Response};
use poolgate::operation::Operation;
use poolgate::quota::{self, Limiter};
use tonic::body::Body;
use tower::{Layer, Service, service_fn};

use crate::support::app::Counts;

const NAME: &str =
    "million::a_million_callers_take_32_mib_at_most_and_bring_back_nobody_who_is_refused";
/// Set in the process that has this test alone, so that its memory is this test's.
const ALONE: &str = "POOLGATE_TEST_ALONE";

const DAILY: &str = r#"
[[limits]]
name = "daily"
windows = ["5/s burst 10", "10/day"]
in_flight = 64
"#;

#[test]
fn a_million_callers_take_32_mib_at_most_and_bring_back_nobody_who_is_refused() {
    if std::env::var_os(ALONE).is_none() {
        return run_alone();
    }
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    let limits = quota::Limits::parse(DAILY).unwrap();
    let limiter = Arc::new(Limiter::new(&limits, clock.instant()));
    let meter = Arc::new(Counts::default());
    let layer = Around::new(Limits::new(limiter, meter, clock));
    let mut service = layer.layer(service_fn(async |_: Request| {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let mut is_admitted = |caller: &Caller| {
        let mut request = Request::default();
        request.extensions_mut().insert(caller.clone());
        request
            .extensions_mut()
            .insert(Operation::ListIdentityPools);
        let answer = service.call(request).now_or_never().unwrap();
        !answer.unwrap().headers().contains_key("grpc-status")
    };
    let hot = caller("hot");
    let admitted = (0..20).filter(|_| is_admitted(&hot)).count();
    assert_eq!(admitted, 10);
    let before = resident();

    let mut most = 0;
    for number in 0..1_000_000 {
        is_admitted(&caller(&number.to_string()));
        if number % 10_000 == 0 {
            assert!(!is_admitted(&hot), "after {number} others");
            most = most.max(resident());
        }
    }

    let grown = most.max(resident()).saturating_sub(before) / 1024;
    println!("grown by {grown} KiB");
    assert!(!is_admitted(&hot));
    assert!(grown > 1024, "{grown} KiB: it was measured");
    assert!(grown <= 32 * 1024, "{grown} KiB");
}

fn run_alone() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

fn caller(name: &str) -> Caller {
    let proof = Proof::StaticToken {
        name: name.to_owned(),
    };
    let id = format!("token:{name}");
    Caller::new(id, proof, BTreeSet::new(), BTreeMap::new())
}

/// What of this process is in memory, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
    kibibytes.parse::<usize>().unwrap() * 1024
}
