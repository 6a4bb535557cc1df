//! Conformance to HTTP/2 as h2spec sees it (`go install
//! github.com/summerwind/h2spec/cmd/h2spec@v2.2.1`); `POOLGATE_H2SPEC` names the binary.

use std::collections::{BTreeMap, BTreeSet};

use tokio::process::Command;

use crate::support::siege::Siege;

/// What the tool expects otherwise: an orderly end where bytes that nobody reads make it a
/// reset; a DATA frame, or an answer that takes its time. gRPC answers at once, and with
/// trailers alone.
const OTHERWISE: [&str; 5] = [
    "http2/3.5/2",
    "generic/2/2",
    "generic/2/3",
    "http2/5.1.2/1",
    "http2/6.9.1/3",
];

#[tokio::test(flavor = "multi_thread")]
async fn h2spec_finds_nothing_but_what_it_expects_otherwise() {
    let Some(h2spec) = std::env::var_os("POOLGATE_H2SPEC") else {
        println!("skipped: POOLGATE_H2SPEC names no binary");
        return;
    };
    let siege = Siege::begin(&[("POOLGATE_SERVER__MAX_CONNECTIONS_PER_ADDRESS", "2000")]).await;
    let directory = tempfile::TempDir::new().unwrap();
    let report = directory.path().join("report.xml");
    let port = siege.address.port().to_string();
    let mut command = Command::new(h2spec);
    command.args(["-h", "127.0.0.1", "-p", &port, "-j"]);
    command.arg(&report).output().await.unwrap();

    let report = std::fs::read_to_string(report).unwrap();
    let (mut cases, mut failed) = (0, BTreeSet::new());
    let mut number = BTreeMap::<String, usize>::new();
    for case in report.split("<testcase ").skip(1) {
        let package = attribute(case, "package");
        let count = number.entry(package.clone()).or_default();
        *count += 1;
        cases += 1;
        if case.contains("<failure") || case.contains("<error") {
            failed.insert(format!("{package}/{count}"));
        }
    }
    println!("{cases} cases, failed: {failed:?}");
    assert!(cases > 100, "{cases}");
    let expected: BTreeSet<String> = OTHERWISE.map(str::to_owned).into();
    let unexpected: Vec<_> = failed.difference(&expected).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    siege.end("T-C14 conformance").await;
}

fn attribute(element: &str, name: &str) -> String {
    let (_, rest) = element.split_once(&format!("{name}=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}
