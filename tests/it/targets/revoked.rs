//! Sessions that AWS does not take any more.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use poolgate::pb;

use super::world::{Client, EVERYTHING, SHOP, World, reason, target, to};
use crate::support::fake_aws::{FakeAws, refusal};
use crate::support::records::{outcomes, records};
use crate::support::sts::{Answers, Sts};

const POOL: &str = r#"{"IdentityPoolId":"us-east-1:0a","IdentityPoolName":"p","AllowUnauthenticatedIdentities":false}"#;

/// An AWS that refuses the next requests for an operation, if it is told so.
struct Refusing {
    aws: FakeAws,
    sts: Sts,
    next: Arc<Mutex<Next>>,
}

/// An operation, a code, and how many requests are refused with it.
type Next = (&'static str, &'static str, usize);

impl Refusing {
    async fn start() -> Self {
        let next = Arc::new(Mutex::new(("", "", 0)));
        let told = Arc::clone(&next);
        let aws = FakeAws::answering(move |operation, _| {
            let mut next = told.lock().unwrap();
            let (status, body) = match *next {
                (refused, code, left) if refused == operation && left > 0 => {
                    next.2 -= 1;
                    let body = format!(r#"{{"__type":"{code}","message":"as told"}}"#);
                    ("400 Bad Request", body)
                }
                _ => ("200 OK", POOL.to_owned()),
            };
            let length = body.len();
            format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\n\
                 content-length: {length}\r\n\r\n{body}"
            )
            .into_bytes()
        })
        .await;
        let sts = Sts::start(Answers::Sessions(Duration::from_secs(3600))).await;
        Self { aws, sts, next }
    }

    fn world(&self) -> World {
        let targets = target("shop", SHOP, &self.aws.url, &self.sts.url, "");
        World::start(&targets, EVERYTHING, &[])
    }

    fn refuse(&self, next: Next) {
        *self.next.lock().unwrap() = next;
    }

    /// The access keys of the requests so far, in order.
    fn keys(&self) -> Vec<String> {
        let heads = self.aws.heads();
        let key = |head: &String| {
            let (_, after) = head.split_once("Credential=").unwrap();
            after.split('/').next().unwrap().to_owned()
        };
        heads.iter().map(key).collect()
    }
}

async fn describe(client: &mut Client) -> Result<(), tonic::Status> {
    let request = pb::DescribeIdentityPoolRequest {
        identity_pool_id: "us-east-1:0a".to_owned(),
    };
    client
        .describe_identity_pool(to("", request))
        .await
        .map(drop)
}

async fn create(client: &mut Client) -> Result<(), tonic::Status> {
    let request = pb::CreateIdentityPoolRequest {
        identity_pool_name: "p".to_owned(),
        allow_unauthenticated_identities: Some(false),
        ..Default::default()
    };
    client.create_identity_pool(to("", request)).await.map(drop)
}

async fn rename(client: &mut Client) -> Result<(), tonic::Status> {
    let request = pb::UpdateIdentityPoolRequest {
        identity_pool: Some(pb::IdentityPool {
            identity_pool_id: "us-east-1:0a".to_owned(),
            identity_pool_name: "q".to_owned(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["identity_pool_name".to_owned()],
        }),
    };
    client.update_identity_pool(to("", request)).await.map(drop)
}

#[tokio::test]
async fn a_call_that_aws_refuses_for_its_sessions_sake_is_made_once_more_with_another() {
    let refusing = Refusing::start().await;
    let world = refusing.world();

    // Each caller's session is had by a first call; then one is refused. A change of a pool is
    // two requests, and one before it for what policies ask.
    for (caller, operation, code, requests) in [
        ("ann", "DescribeIdentityPool", "ExpiredTokenException", 2),
        (
            "bob",
            "CreateIdentityPool",
            "UnrecognizedClientException",
            2,
        ),
        ("cat", "DescribeIdentityPool", "InvalidClientTokenId", 4),
        ("dan", "UpdateIdentityPool", "ExpiredToken", 5),
    ] {
        let mut client = world.client(caller).await;
        describe(&mut client).await.unwrap();
        let before = refusing.keys();

        refusing.refuse((operation, code, 1));
        let answer = match caller {
            "ann" => describe(&mut client).await,
            "bob" => create(&mut client).await,
            _ => rename(&mut client).await,
        };

        answer.unwrap_or_else(|status| panic!("{caller} {code}: {status:?}"));
        let keys = refusing.keys();
        let (old, made) = (before.last().unwrap(), &keys[before.len()..]);
        assert_eq!(made.len(), requests, "{caller}: {made:?}");
        assert_eq!(made.first(), Some(old), "{caller}");
        assert_ne!(made.last(), Some(old), "{caller}");
    }
    assert_eq!(refusing.sts.asked().len(), 8);
}

#[tokio::test]
async fn a_call_whose_every_session_is_refused_is_made_twice_and_no_more() {
    let refusing = Refusing::start().await;
    let world = refusing.world();
    let mut ann = world.client("ann").await;
    refusing.refuse(("CreateIdentityPool", "ExpiredTokenException", usize::MAX));

    let status = create(&mut ann).await.unwrap_err();

    assert_eq!(reason(&status), "BACKEND_CREDENTIALS");
    assert_eq!(refusing.aws.requests(), 2);
    assert_eq!(refusing.sts.asked().len(), 2);
}

#[tokio::test]
async fn a_session_that_is_denied_something_is_replaced_and_not_by_each_denial() {
    let refusing = Refusing::start().await;
    let world = refusing.world();
    let mut ann = world.client("ann").await;

    refusing.refuse(("DescribeIdentityPool", "AccessDeniedException", 1));
    let denied = describe(&mut ann).await.unwrap_err();
    describe(&mut ann).await.unwrap();
    refusing.refuse(("DescribeIdentityPool", "AccessDeniedException", 3));
    for _ in 0..3 {
        describe(&mut ann).await.unwrap_err();
    }
    describe(&mut ann).await.unwrap();

    assert_eq!(reason(&denied), "BACKEND_CREDENTIALS");
    let keys = refusing.keys();
    assert_eq!(keys.len(), 6, "what is denied is not made again");
    assert_ne!(keys[0], keys[1]);
    assert!(keys[2..].iter().all(|key| *key == keys[1]), "{keys:?}");
    assert_eq!(refusing.sts.asked().len(), 2);
}

#[test]
fn a_write_whose_second_try_has_no_answer_is_not_recorded_as_refused() {
    // An AWS of its own runtime, with which its connections end.
    let there = tokio::runtime::Runtime::new().unwrap();
    let aws = there.block_on(FakeAws::answering(|_, before| match before {
        0 => refusal("400 Bad Request", "ExpiredTokenException").into_bytes(),
        _ => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n".to_vec(),
    }));
    let here = tokio::runtime::Runtime::new().unwrap();
    here.block_on(async {
        let sts = Sts::start(Answers::Sessions(Duration::from_secs(3600))).await;
        let targets = target("shop", SHOP, &aws.url, &sts.url, "");
        let deadlines = [
            ("POOLGATE_SERVER__DEFAULT_DEADLINE", "3s"),
            ("POOLGATE_SERVER__MAX_DEADLINE", "3s"),
        ];
        let world = World::start(&targets, EVERYTHING, &deadlines);
        let mut ann = world.client("ann").await;
        let request = pb::CreateIdentityPoolRequest {
            identity_pool_name: "p".to_owned(),
            allow_unauthenticated_identities: Some(false),
            ..Default::default()
        };

        let answer = ann.create_identity_pool(to("", request)).await;
        let status = answer.unwrap_err();
        assert_eq!(reason(&status), "OUTCOME_UNKNOWN");
        assert_eq!(aws.requests(), 2);
        there.shutdown_background();

        let began = Instant::now();
        let journal = loop {
            let journal = records(&world.journal());
            if !outcomes(&journal).is_empty() {
                break journal;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{journal:#?}");
            tokio::task::yield_now().await;
        };
        let outcome = outcomes(&journal)[0];
        assert_eq!(outcome["errorCode"], "OutcomeUnknown", "{outcome:#}");
        assert_ne!(outcome["requestID"], "fake-1", "{outcome:#}");
    });
}
