//! Who is let in.

use std::time::Duration;

use poolgate::server::tls::ClientCertificates;
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};

use super::server::{Server, until};
use crate::support::certificates::{Authority, Identity, self_signed_client};

const NAME: &str = "spiffe://example.org/shop";

#[tokio::test]
async fn good_certificates_are_let_in_and_no_others() {
    let weak = [
        include_str!("weak/strong-authority.pem"),
        include_str!("weak/rsa1024-authority.pem"),
        include_str!("weak/sha1-authority.pem"),
    ];
    let server = Server::with(
        |settings, authority| {
            let all = authority.pem() + &weak.concat();
            std::fs::write(settings.client_ca_file.as_ref().unwrap(), all).unwrap();
        },
        |_| {},
    )
    .await;
    let authority = &server.authority;
    let intermediate = authority.intermediate("intermediate");
    let mut without_intermediate = intermediate.client(NAME);
    let end = "-----END CERTIFICATE-----\n";
    let first = without_intermediate.chain.find(end).unwrap() + end.len();
    without_intermediate.chain.truncate(first);
    let mut deep = authority.intermediate("0");
    for number in 1..10 {
        deep = deep.intermediate(&number.to_string());
    }
    let mut long = intermediate.client(NAME);
    while long.chain.len() < 1_400_000 {
        long.chain.push_str(&intermediate.pem());
    }
    let weak_client = |chain| Identity::from_pem(chain, include_str!("weak/client.key"));

    for (why, identity, good) in [
        ("of the authority", authority.client(NAME), true),
        ("of an intermediate", intermediate.client(NAME), true),
        (
            "RSA 2048 and SHA-256",
            weak_client(include_str!("weak/strong-client.pem")),
            true,
        ),
        (
            "of another authority",
            Authority::new("other").client(NAME),
            false,
        ),
        (
            "of another authority of the same name",
            Authority::new("authority").client(NAME),
            false,
        ),
        ("of nobody but itself", self_signed_client(NAME), false),
        (
            "expired",
            authority.issue(NAME, |params| params.not_after = date_time_ymd(2021, 1, 1)),
            false,
        ),
        (
            "not yet valid",
            authority.issue(NAME, |params| params.not_before = date_time_ymd(2099, 1, 1)),
            false,
        ),
        (
            "of a server",
            authority.issue(NAME, |params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            }),
            false,
        ),
        (
            "of an authority, as its own client",
            authority.issue(NAME, |params| {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }),
            false,
        ),
        ("without its intermediate", without_intermediate, false),
        ("below ten intermediates", deep.client(NAME), false),
        ("with a megabyte of intermediates", long, false),
        (
            "of an authority with RSA 1024",
            weak_client(include_str!("weak/rsa1024-client.pem")),
            false,
        ),
        (
            "signed with SHA-1",
            weak_client(include_str!("weak/sha1-client.pem")),
            false,
        ),
        (
            "that nobody can be told by",
            authority.client("nameless.example.org"),
            false,
        ),
    ] {
        let before = server.refused();
        let came = server.greet_as(&identity).await;

        assert_eq!(came.is_ok(), good, "{why}: {came:?}");
        if !good {
            until(|| server.refused() == before + 1).await;
        }
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_let_in_where_it_is_optional() {
    for (wanted, let_in) in [
        (ClientCertificates::Required, false),
        (ClientCertificates::Optional, true),
    ] {
        let server = Server::with(|set, _| set.client_certificates = wanted, |_| {}).await;

        let came = server.greet(server.authority.client_config(None)).await;
        let stranger = Authority::new("other").client(NAME);

        assert_eq!(came.is_ok(), let_in, "{wanted:?}: {came:?}");
        assert!(server.greet_as(&stranger).await.is_err());
        assert!(
            server
                .greet_as(&server.authority.client(NAME))
                .await
                .is_ok()
        );
    }
}

#[tokio::test]
async fn without_authorities_nobody_is_asked_for_a_certificate() {
    let server = Server::with(|settings, _| settings.client_ca_file = None, |_| {}).await;

    let came = server.greet(server.authority.client_config(None)).await;

    assert!(came.is_ok(), "{came:?}");
}

#[tokio::test]
async fn a_peer_whose_certificate_expires_is_told_to_go_and_cut_when_it_stays() {
    let server = Server::with(
        |_, _| {},
        |tls| {
            tls.recheck = Duration::from_millis(1);
            tls.grace = Duration::from_millis(1);
        },
    )
    .await;
    let short = server.authority.issue(NAME, |params| {
        params.not_after = date_time_ymd(2090, 1, 1);
    });
    let mut short = server.greet_as(&short).await.unwrap();
    let _long = server
        .greet_as(&server.authority.client(NAME))
        .await
        .unwrap();

    let decades = date_time_ymd(2095, 1, 1).unix_timestamp();
    let decades = u64::try_from(decades).unwrap() - server.clock.epoch_seconds();
    server.clock.advance(Duration::from_secs(decades));

    short.told_to_go().await;
    short.closed().await;
    until(|| server.serving.open_connections() == 1).await;
}
