//! AWS is told who calls.

use std::time::{Duration, Instant};

use poolgate::operation::{Operation, Signing};
use poolgate::pb;

use super::world::{BANK, EVERYTHING, SHOP, World, target, to};
use crate::support::examples;
use crate::support::fake_aws::{FakeAws, Fault};
use crate::support::sts::{Answers, Sts};

const HOUR: Duration = Duration::from_secs(3600);

fn pool() -> pb::DescribeIdentityPoolRequest {
    pb::DescribeIdentityPoolRequest {
        identity_pool_id: "us-east-1:0a".to_owned(),
    }
}

#[tokio::test]
async fn each_caller_has_a_session_of_its_own_in_each_account() {
    let (aws, sts) = (
        FakeAws::start(Fault::None).await,
        Sts::start(Answers::Sessions(HOUR)).await,
    );
    let bank = "named_only = true\nexternal_id = \"from-here\"\nsession_duration = \"15m\"\n\
                session_tags = false";
    let targets = [
        target("shop", SHOP, &aws.url, &sts.url, ""),
        target("bank", BANK, &aws.url, &sts.url, bank),
    ];
    let world = World::start(&targets.concat(), EVERYTHING, &[]);

    for caller in ["ann", "bob"] {
        let mut client = world.client(caller).await;
        for name in ["shop", "bank", "shop"] {
            client
                .describe_identity_pool(to(name, pool()))
                .await
                .unwrap();
        }
    }

    let asked = sts.asked();
    let keys: Vec<&str> = asked.iter().map(|asked| asked.key.as_str()).collect();
    let [of_ann, of_ann_in_bank, of_bob, of_bob_in_bank] = asked.as_slice() else {
        panic!("{asked:#?}");
    };
    for (asked, name) in [(of_ann, "ann"), (of_bob, "bob")] {
        assert_eq!(
            asked.role,
            format!("arn:aws:iam::{SHOP}:role/poolgate-shop")
        );
        assert!(
            asked.session.starts_with(&format!("token-{name}.")),
            "{asked:?}"
        );
        let tag = ("poolgate:caller".to_owned(), format!("token:{name}"));
        assert_eq!(asked.tags, [tag]);
        assert_eq!(asked.seconds.as_deref(), Some("3600"));
        assert_eq!(asked.external_id, None);
        assert!(asked.signature.contains("Credential=AKIAIOSFODNN7EXAMPLE/"));
        assert!(asked.signature.contains("/us-east-1/sts/aws4_request"));
    }
    for asked in [of_ann_in_bank, of_bob_in_bank] {
        assert_eq!(
            asked.role,
            format!("arn:aws:iam::{BANK}:role/poolgate-bank")
        );
        assert_eq!(asked.seconds.as_deref(), Some("900"));
        assert_eq!(asked.external_id.as_deref(), Some("from-here"));
        assert_eq!(asked.tags, []);
    }
    let expected = [keys[0], keys[1], keys[0], keys[2], keys[3], keys[2]];
    for (head, key) in aws.heads().iter().zip(expected) {
        assert!(
            head.contains(&format!("Credential={key}/")),
            "{key}: {head}"
        );
        assert!(
            head.contains("x-amz-security-token: a-token-of-a-session"),
            "{head}"
        );
    }
    assert_eq!(aws.requests(), expected.len());
    let log = world.end().concat();
    for secret in ["a-secret-of-a-session", "a-token-of-a-session", "from-here"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn one_request_is_made_for_all_calls_that_wait_and_none_for_what_is_not_signed() {
    let (aws, sts) = (
        FakeAws::start(Fault::None).await,
        Sts::start(Answers::Sessions(HOUR)).await,
    );
    let targets = target("shop", SHOP, &aws.url, &sts.url, "");
    let world = World::start(&targets, EVERYTHING, &[]);
    let (client, channel) = (world.client("ann").await, world.channel("ann").await);

    let unsigned = Operation::ALL
        .iter()
        .filter(|one| one.signing() == Signing::Unsigned);
    for &operation in unsigned {
        // What comes back is of no interest here.
        let request = examples::request(operation);
        let _ = examples::call_on(channel.clone(), operation, &request).await;
    }
    assert_eq!(aws.requests(), 4);
    assert!(sts.asked().is_empty());
    assert!(
        aws.heads()
            .iter()
            .all(|head| !head.contains("authorization:"))
    );

    let calls = (0..30).map(|_| {
        let mut client = client.clone();
        async move { client.describe_identity_pool(to("", pool())).await }
    });
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(sts.asked().len(), 1);
}

#[tokio::test]
async fn a_session_is_renewed_before_it_ends() {
    let lasts = Duration::from_secs(3);
    let (aws, sts) = (
        FakeAws::start(Fault::None).await,
        Sts::start(Answers::Sessions(lasts)).await,
    );
    let targets = target("shop", SHOP, &aws.url, &sts.url, "");
    let world = World::start(&targets, EVERYTHING, &[]);
    let mut client = world.client("ann").await;

    let began = Instant::now();
    while sts.asked().len() < 3 {
        client.describe_identity_pool(to("", pool())).await.unwrap();
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "it is never renewed"
        );
    }
    client.describe_identity_pool(to("", pool())).await.unwrap();

    let keys = sts.asked().into_iter().map(|asked| asked.key);
    for key in keys.take(2) {
        let used = format!("Credential={key}/");
        assert!(aws.heads().iter().any(|head| head.contains(&used)), "{key}");
    }
}
