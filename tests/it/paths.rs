//! A path is an operation's to the byte or it is nobody's (reference: security, T-G1 and
//! F10; the class of CVE-2026-33186 and Envoy's CVE-2021-32779).
//!
//! One thing is not to be seen: hyper cuts a fragment (`#…`) off before any of our code
//! runs. What is left is the operation to the rules and to the router alike, and is
//! judged as that.

use poolgate::operation::Operation;
use prost_reflect::DynamicMessage;
use prost_reflect::prost::Message;
use tonic::Code;

use crate::support::examples;
use crate::support::fake_aws::{FakeAws, Fault};
use crate::support::guarded::{Guarded, bearer};
use crate::support::house::LONG;
use crate::support::raw::RawPeer;

/// Ways to write a path so that a rule and a router may read it differently. `{}` is the
/// path, `{s}` and `{m}` its service and method.
const SPELLINGS: &[&[u8]] = &[
    b"{}?",
    b"{}?x=y",
    b"{}?/",
    b"{}?#",
    b"{};",
    b"{};x",
    b"{};x=y",
    b"{}/",
    b"{}//",
    b"{}/.",
    b"{}/..",
    b"{}%00",
    b"{}\0",
    b"{} ",
    b"{}\t",
    b"{}%20",
    b"{}%2f",
    b"{}\\",
    b"{}.",
    b"{},",
    b"{}&x",
    b"/{}",
    b"//{s}/{m}",
    b"/{s}//{m}",
    b"/./{s}/{m}",
    b"/{s}/./{m}",
    b"/x/../{s}/{m}",
    b"/{s}/x/../{m}",
    b"/{s}%2f{m}",
    b"/{s}\\{m}",
    b"{s}/{m}",
    b" /{s}/{m}",
    b"/{s}/{m}\xc3\xa9",
    b"/{s}/{m}\xff",
    b"/{s}/{m}\xef\xbc\x9f",
    b"http://poolgate/{s}/{m}",
    b"http://poolgate:80/{s}/{m}?",
    b"*",
    b"",
    b"/",
    b"/{s}",
    b"/{s}/",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_other_spelling_of_a_path_reaches_aws() {
    // Given poolgate in front of an AWS that counts, with a caller who may do everything.
    let aws = FakeAws::start(Fault::None).await;
    let poolgate = Guarded::start(&aws.url);
    let address = poolgate.address();

    // When each operation is asked for in every way but its own.
    for &operation in Operation::ALL {
        let body = examples::frame(&example(operation));
        for spelling in spellings(operation.path()) {
            let mut peer = RawPeer::connect(address).await;
            peer.request(1, &headers(&spelling, &bearer()), &body).await;

            // Then it is answered or cut, and no socket is left hanging.
            let ended = tokio::time::timeout(LONG, peer.end_of(1)).await;
            assert!(ended.is_ok(), "{:?}", String::from_utf8_lossy(&spelling));
        }
    }

    // And AWS has seen nothing, though the same request by its right path goes through.
    assert_eq!(aws.requests(), 0);
    let describe = Operation::DescribeIdentityPool;
    let mut peer = RawPeer::connect(address).await;
    let body = examples::frame(&example(describe));
    let path = describe.path().as_bytes();
    peer.request(1, &headers(path, &bearer()), &body).await;
    peer.end_of(1).await.unwrap();
    assert_eq!(aws.requests(), 1);
}

/// A policy that allows one operation is not a policy for another that is dressed up.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_may_only_describe_does_nothing_else_by_any_spelling() {
    let aws = FakeAws::start(Fault::None).await;
    // Nothing is asked about the pool, so that AWS sees no more than what gets through.
    let guardrails_off =
        "guardrail-production-guests,guardrail-production-classic-flow,guardrail-production-tag";
    let policy = r#"@id("describe") permit (principal, action == Poolgate::Action::"DescribeIdentityPool", resource);"#;
    let poolgate = Guarded::start_with(
        &aws.url,
        policy,
        &[("POOLGATE_POLICY__GUARDRAILS_OFF", guardrails_off)],
    );
    let channel = poolgate.channel().await;

    for &operation in Operation::ALL {
        if operation == Operation::DescribeIdentityPool {
            continue;
        }
        let request = examples::request(operation);
        let refused = examples::call_on(channel.clone(), operation, &request).await;
        assert_eq!(
            refused.unwrap_err().code(),
            Code::PermissionDenied,
            "{operation}"
        );
        let address = poolgate.address();
        let describe = Operation::DescribeIdentityPool.path();
        for dressed_up in [
            format!("{describe}/..{}", operation.path()),
            format!("{}?{describe}", operation.path()),
            // The operation with a fragment: judged as the operation.
            format!("{}#{describe}", operation.path()),
            format!("{describe}?{}", operation.path()),
        ] {
            let mut peer = RawPeer::connect(address).await;
            let body = examples::frame(&example(operation));
            peer.request(1, &headers(dressed_up.as_bytes(), &bearer()), &body)
                .await;
            assert!(peer.end_of(1).await.is_some(), "{dressed_up}");
        }
    }

    assert_eq!(aws.requests(), 0);
}

fn spellings(path: &str) -> Vec<Vec<u8>> {
    let (service, method) = path[1..].split_once('/').unwrap();
    let mut spellings: Vec<Vec<u8>> = SPELLINGS
        .iter()
        .map(|spelling| {
            let mut filled = spelling.to_vec();
            for (blank, value) in [("{}", path), ("{s}", service), ("{m}", method)] {
                filled = replace(&filled, blank.as_bytes(), value.as_bytes());
            }
            filled
        })
        .collect();
    spellings.extend(
        [
            path.to_lowercase(),
            path.to_uppercase(),
            path.replace(
                method,
                &format!("%{:02X}{}", method.as_bytes()[0], &method[1..]),
            ),
            path.replace(method, &method.to_lowercase()),
            format!("{path}{}", "x".repeat(8000)),
        ]
        .map(String::into_bytes),
    );
    spellings
}

fn replace(text: &[u8], blank: &[u8], value: &[u8]) -> Vec<u8> {
    match text.windows(blank.len()).position(|window| window == blank) {
        None => text.to_vec(),
        Some(at) => [&text[..at], value, &text[at + blank.len()..]].concat(),
    }
}

fn headers<'a>(path: &'a [u8], bearer: &'a str) -> [(&'static str, &'a [u8]); 7] {
    [
        (":method", b"POST"),
        (":scheme", b"http"),
        (":path", path),
        (":authority", b"poolgate"),
        ("content-type", b"application/grpc"),
        ("te", b"trailers"),
        ("authorization", bearer.as_bytes()),
    ]
}

/// A message of the operation that would be sent on.
fn example(operation: Operation) -> Vec<u8> {
    let name = format!("cognito.identity.v1.{operation}Request");
    let descriptor = poolgate::pb::descriptors()
        .get_message_by_name(&name)
        .unwrap();
    let request = DynamicMessage::deserialize(descriptor, examples::request(operation)).unwrap();
    request.encode_to_vec()
}
