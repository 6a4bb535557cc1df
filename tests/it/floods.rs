//! What those cost who say nothing good of who they are, counted over real sockets
//! (reference: security, T-Q1).

use std::time::Duration;

use futures_util::StreamExt;
use poolgate::operation::Operation;
use poolgate::pb::ListIdentityPoolsRequest;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use tokio::sync::oneshot;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_types::StatusExt;

use crate::support::guarded::{Bearer, EVERYTHING};
use crate::support::house::Rules;
use crate::support::raw::{GOAWAY, HEADERS, RawPeer};
use crate::support::tokens::Issuer;
use crate::support::turnstile::Turnstile;

/// More than anybody calls here.
const NO_LIMITS: &str = "[[limits]]\nname = \"all\"\nwindows = [\"100000/s\"]\n";

/// One read for each address.
const ONE_EACH: &str = r#"
[[limits]]
name = "each"
effects = ["read"]
windows = ["1/day"]
"#;

#[tokio::test]
async fn a_connection_is_closed_after_a_hundred_calls_that_came_to_nothing() {
    let turnstile = Turnstile::with(NO_LIMITS).await;
    let mut peer = RawPeer::connect(turnstile.address).await;
    let answered = call_in_vain(&mut peer).await;

    // The last may be answered before its peer reads that it has to go.
    assert!((100..=110).contains(&answered), "{answered}");
    while peer.receive().await.is_some() {}
    assert!(turnstile.counts("poolgate_connections_ended_total{reason=\"in_vain\"} 1"));
}

#[tokio::test]
async fn a_connection_is_closed_whose_calls_are_not_looked_at_any_more() {
    let turnstile = Turnstile::with(NO_LIMITS).await;
    let mut first = turnstile.client("guesser").await;
    for _ in 0..100 {
        let refused = first.list_identity_pools(nothing()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
    let mut peer = RawPeer::connect(turnstile.address).await;
    let answered = call_in_vain(&mut peer).await;

    assert!((100..=110).contains(&answered), "{answered}");
    while peer.receive().await.is_some() {}
    assert!(turnstile.counts("poolgate_connections_ended_total{reason=\"in_vain\"} 2"));
}

/// Calls with bad credentials until the connection is closed, and tells how many calls were
/// answered.
async fn call_in_vain(peer: &mut RawPeer) -> usize {
    let mut answered = 0;
    for number in 0..1000 {
        list(peer, 2 * number + 1, "Bearer bad").await;
        match peer.end_of(2 * number + 1).await {
            Some(frame) if frame.kind == HEADERS => answered += 1,
            Some(frame) => {
                assert_eq!(frame.kind, GOAWAY);
                break;
            }
            None => break,
        }
    }
    answered
}

#[tokio::test]
async fn a_connection_with_good_credentials_stays_open_beside_bad_ones() {
    let turnstile = Turnstile::with(NO_LIMITS).await;
    let mut ann = turnstile.client_at("ann", "127.0.0.2").await;
    let channel = turnstile.channel_at("127.0.0.1").await;
    let mut answers = Vec::new();

    for _ in 0..90 {
        answers.push(ann.list_identity_pools(nothing()).await.is_ok());
        let mut guesser = bearer(channel.clone(), "bad");
        let refused = guesser.list_identity_pools(nothing()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }

    assert_eq!(answers, [true; 90]);
    assert!(turnstile.counts("poolgate_connections_ended_total{reason=\"in_vain\"} 0"));
}

#[tokio::test]
async fn a_flood_of_tokens_from_many_addresses_is_verified_so_many_times_and_no_more() {
    let issuer = Issuer::new("https://login.example.com");
    let (callers, keys) = of_file(&issuer);
    let rules = Rules::new(&callers, &[], EVERYTHING).with("keys.json", &keys);
    let turnstile = Turnstile::ruled(rules, NO_LIMITS).await;
    let now = turnstile.clock.epoch_seconds();
    let known = issuer.token("shop", now);
    let mut shop = bearer(turnstile.channel_at("127.0.1.1").await, &known);
    assert!(shop.list_identity_pools(nothing()).await.is_ok());

    // Each address may fail a hundred times.
    let (mut looked_at, mut refused) = (0, Vec::new());
    for address in 1..=12 {
        let channel = turnstile.channel_at(&format!("127.0.0.{address}")).await;
        for number in 0..95 {
            let good = issuer.token(&format!("stranger-{number}"), now);
            let bad = format!("{}AAAA", &good[..good.len() - 4]);
            let answer = bearer(channel.clone(), &bad)
                .list_identity_pools(nothing())
                .await;
            match answer.unwrap_err() {
                status if status.code() == Code::Unauthenticated => looked_at += 1,
                status => refused.push(status),
            }
        }
    }

    assert_eq!((looked_at, refused.len()), (999, 12 * 95 - 999));
    for status in &refused {
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(reason(status), "TOO_MANY_VERIFICATIONS");
        assert_eq!(
            status.metadata().get("grpc-retry-pushback-ms").unwrap(),
            "1"
        );
    }
    // Who was verified a moment ago does not notice, and who comes new has to wait.
    assert!(shop.list_identity_pools(nothing()).await.is_ok());
    let new = issuer.token("till", now);
    let mut till = bearer(turnstile.channel_at("127.0.1.2").await, &new);
    assert!(till.list_identity_pools(nothing()).await.is_err());
    turnstile.clock.advance(Duration::from_millis(1));
    assert!(till.list_identity_pools(nothing()).await.is_ok());
}

#[tokio::test]
async fn where_nobody_says_who_calls_each_address_has_a_limit_to_itself() {
    let turnstile = Turnstile::open_to_all(ONE_EACH).await;

    for address in ["127.0.0.1", "127.0.0.2"] {
        let mut client = turnstile.client_at("nobody", address).await;
        // Another connection of the same address is the same.
        let mut other = turnstile.client_at("whoever", address).await;
        assert!(client.list_identity_pools(nothing()).await.is_ok());
        let refused = other.list_identity_pools(nothing()).await.unwrap_err();

        assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED", "{address}");
        let quota = &refused.get_details_quota_failure().unwrap().violations[0];
        assert_eq!(quota.subject, format!("clientip:{address}"));
    }
}

#[tokio::test]
async fn an_address_that_reflects_too_often_is_told_when_to_come_back() {
    let turnstile = Turnstile::open_to_all(NO_LIMITS).await;
    let channel = turnstile.channel_at("127.0.0.1").await;
    for _ in 0..200 {
        reflect(&channel).await.unwrap();
    }

    let refused = reflect(&channel).await.unwrap_err();

    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(
        refused.message(),
        "limit `reflection` (20/s burst 200) is used up"
    );
    let pushback = refused.metadata().get("grpc-retry-pushback-ms").unwrap();
    assert_eq!(pushback, "50");
    let elsewhere = turnstile.channel_at("127.0.0.2").await;
    assert!(reflect(&elsewhere).await.is_ok());
    turnstile.clock.advance(Duration::from_millis(50));
    assert!(reflect(&channel).await.is_ok());
}

#[tokio::test]
async fn a_connection_has_places_for_four_streams_of_reflection() {
    let turnstile = Turnstile::open_to_all(NO_LIMITS).await;
    let channel = turnstile.channel_at("127.0.0.1").await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut client = ServerReflectionClient::new(channel.clone());
        // Silence, until the sender is dropped.
        let (sender, silence) = oneshot::channel::<ServerReflectionRequest>();
        let silence = futures_util::stream::once(silence);
        let silence = silence.filter_map(|asked| std::future::ready(asked.ok()));
        let answers = client.server_reflection_info(silence).await.unwrap();
        open.push((sender, answers));
    }

    let refused = reflect(&channel).await.unwrap_err();

    assert_eq!(reason(&refused), "TOO_MANY_STREAMS");
    let beside = turnstile.channel_at("127.0.0.1").await;
    assert!(reflect(&beside).await.is_ok());
    drop(open);
    let freed = async {
        while reflect(&channel).await.is_err() {
            // What is refused counts as asked, too.
            turnstile.clock.advance(Duration::from_millis(50));
        }
    };
    let freed = tokio::time::timeout(Duration::from_secs(60), freed).await;
    freed.expect("a place within a minute");
}

fn nothing() -> ListIdentityPoolsRequest {
    ListIdentityPoolsRequest::default()
}

fn bearer(
    channel: Channel,
    token: &str,
) -> CognitoIdentityServiceClient<InterceptedService<Channel, Bearer>> {
    let bearer = Bearer::new(&format!("Bearer {token}"));
    CognitoIdentityServiceClient::new(InterceptedService::new(channel, bearer))
}

async fn list(peer: &mut RawPeer, stream: u32, authorization: &str) {
    let path = Operation::ListIdentityPools.path();
    let headers: [(&str, &[u8]); 7] = [
        (":method", b"POST"),
        (":scheme", b"http"),
        (":path", path.as_bytes()),
        (":authority", b"poolgate"),
        ("content-type", b"application/grpc"),
        ("te", b"trailers"),
        ("authorization", authorization.as_bytes()),
    ];
    peer.request(stream, &headers, &[0; 5]).await;
}

async fn reflect(channel: &Channel) -> Result<(), Status> {
    let silence = futures_util::stream::empty::<ServerReflectionRequest>();
    let mut client = ServerReflectionClient::new(channel.clone());
    let answers = client.server_reflection_info(silence).await?;
    assert!(answers.into_inner().message().await?.is_none());
    Ok(())
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

/// A callers file with an issuer, and the file with its keys.
fn of_file(issuer: &Issuer) -> (String, String) {
    let callers = format!(
        "[[issuers]]\nissuer = \"{}\"\naudiences = [\"{}\"]\nalgorithms = [\"ES256\"]\n\
         jwks_file = \"keys.json\"\n",
        issuer.name,
        Issuer::AUDIENCE
    );
    (callers, issuer.jwks().to_string())
}
