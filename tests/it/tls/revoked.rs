//! Certificates that are taken back.

use std::fs;
use std::path::Path;

use rustls::HandshakeKind;
use rustls::client::Resumption;
use rustls::version::{TLS12, TLS13};
use tempfile::TempDir;

use super::server::{Peer, Server};
use crate::support::certificates::Authority;
use crate::support::process::Process;

const NAME: &str = "spiffe://example.org/shop";
const FAR: i32 = 2100;
const PAST: i32 = 2021;

#[tokio::test]
async fn what_is_revoked_or_not_spoken_of_is_refused() {
    let server = Server::with(
        |settings, _| {
            let folder = settings.key_file.parent().unwrap().to_owned();
            settings.crl_files = vec![folder.join("root.crl"), folder.join("intermediate.crl")];
            // Any good list does for the start.
            let other = Authority::new("other").revoked(&[], FAR);
            settings
                .crl_files
                .iter()
                .for_each(|path| fs::write(path, &other).unwrap());
        },
        |_| {},
    )
    .await;
    let root = &server.authority;
    let intermediate = root.intermediate("intermediate");
    let (client, leaf) = (root.client(NAME), intermediate.client(NAME));
    let of_root = |serials: &[u64], until| root.revoked(serials, until);
    let of_intermediate = |serials: &[u64], until| intermediate.revoked(serials, until);

    for (why, first, second, expected) in [
        (
            "nothing is revoked",
            of_root(&[], FAR),
            of_intermediate(&[], FAR),
            (true, true),
        ),
        (
            "somebody else is revoked",
            of_root(&[999_999], FAR),
            of_intermediate(&[client.serial()], FAR),
            (true, true),
        ),
        (
            "the client of the root is revoked",
            of_root(&[client.serial()], FAR),
            of_intermediate(&[], FAR),
            (false, true),
        ),
        (
            "the client of the intermediate is revoked",
            of_root(&[], FAR),
            of_intermediate(&[leaf.serial()], FAR),
            (true, false),
        ),
        (
            "the intermediate is revoked",
            of_root(&[intermediate.serial()], FAR),
            of_intermediate(&[], FAR),
            (true, false),
        ),
        (
            "the list of the intermediate is missing",
            of_root(&[], FAR),
            of_root(&[], FAR),
            (true, false),
        ),
        (
            "the list of the intermediate has expired",
            of_root(&[], FAR),
            of_intermediate(&[], PAST),
            (true, false),
        ),
        (
            "the list of the root has expired",
            of_root(&[], PAST),
            of_intermediate(&[], FAR),
            (false, false),
        ),
    ] {
        fs::write(&server.settings.crl_files[0], first).unwrap();
        fs::write(&server.settings.crl_files[1], second).unwrap();
        server.sets.reload().unwrap();

        let came = server.greet_as(&client).await.is_ok();
        let below = server.greet_as(&leaf).await.is_ok();

        assert_eq!((came, below), expected, "{why}");
    }
}

#[tokio::test]
async fn a_broken_list_leaves_the_last_good_one_in_use() {
    let server = Server::with(
        |settings, authority| {
            settings.crl_files = vec![settings.key_file.with_file_name("root.crl")];
            fs::write(&settings.crl_files[0], authority.revoked(&[], FAR)).unwrap();
        },
        |_| {},
    )
    .await;
    let (good, bad) = (server.authority.client(NAME), server.authority.client(NAME));
    let list = &server.settings.crl_files[0];
    fs::write(list, server.authority.revoked(&[bad.serial()], FAR)).unwrap();
    server.sets.reload().unwrap();

    for broken in [
        "",
        "garbage",
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
    ] {
        fs::write(list, broken).unwrap();
        let mistakes = server.sets.reload().unwrap_err().to_string();

        assert!(mistakes.contains("root.crl"), "{mistakes}");
        assert!(server.greet_as(&good).await.is_ok());
        assert!(server.greet_as(&bad).await.is_err());
    }
}

#[tokio::test]
async fn an_expired_list_is_told_once_and_strangers_never() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new("authority");
    let settings = authority.server_files(folder.path());
    let list = folder.path().join("root.crl");
    fs::write(&list, authority.revoked(&[], PAST)).unwrap();
    let process = Process::start(&[
        (
            "POOLGATE_TLS__CERTIFICATE_FILE",
            path(&settings.certificate_file),
        ),
        ("POOLGATE_TLS__KEY_FILE", path(&settings.key_file)),
        (
            "POOLGATE_TLS__CLIENT_CA_FILE",
            path(settings.client_ca_file.as_ref().unwrap()),
        ),
        ("POOLGATE_TLS__CRL_FILES", path(&list)),
    ]);
    let address = process.address.parse().unwrap();
    let (own, stranger) = (authority.client(NAME), Authority::new("other").client(NAME));
    for identity in [None, Some(&stranger), Some(&own), Some(&own)] {
        let config = authority.client_config(identity);

        assert!(Peer::greet(address, config).await.is_err());
    }

    let lines = process.interrupt();
    let expired = "a list in `tls.crl_files` has expired";
    let told = lines.iter().filter(|line| line.contains(expired)).count();
    assert_eq!(told, 1, "{lines:?}");
    assert!(
        !lines.iter().any(|line| line.contains("refused\"")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_peer_that_is_revoked_while_connected_is_told_to_go() {
    let server = Server::with(
        |settings, authority| {
            settings.crl_files = vec![settings.key_file.with_file_name("root.crl")];
            fs::write(&settings.crl_files[0], authority.revoked(&[], FAR)).unwrap();
        },
        |_| {},
    )
    .await;
    let (good, bad) = (server.authority.client(NAME), server.authority.client(NAME));
    let mut stays = server.client(&good).await.unwrap();
    let mut goes = server.greet_as(&bad).await.unwrap();

    let list = server.authority.revoked(&[bad.serial()], FAR);
    fs::write(&server.settings.crl_files[0], list).unwrap();
    server.sets.reload().unwrap();

    goes.told_to_go().await;
    let request = poolgate::pb::ListIdentityPoolsRequest {
        max_results: 1,
        ..Default::default()
    };
    stays.list_identity_pools(request).await.unwrap();
}

#[tokio::test]
async fn a_session_is_not_resumed_where_certificates_are_asked_for() {
    for version in [&TLS13, &TLS12] {
        for (why, mutual) in [("certificates", true), ("none, as a control", false)] {
            let server = Server::with(
                |settings, _| {
                    if !mutual {
                        settings.client_ca_file = None;
                    }
                },
                |_| {},
            )
            .await;
            let identity = server.authority.client(NAME);
            let authority = &server.authority;
            let mut config = authority.client_config_of(&[version], Some(&identity));
            config.resumption = Resumption::in_memory_sessions(8);

            let first = server.greet(config.clone()).await.unwrap();
            let second = server.greet(config).await.unwrap();

            assert_eq!(first.handshake(), HandshakeKind::Full, "{why}");
            let resumed = second.handshake() == HandshakeKind::Resumed;
            assert_eq!(resumed, !mutual, "{why}, {version:?}");
        }
    }
}

#[tokio::test]
async fn a_saved_session_does_not_outlive_its_certificate() {
    let server = Server::with(
        |settings, authority| {
            settings.crl_files = vec![settings.key_file.with_file_name("root.crl")];
            fs::write(&settings.crl_files[0], authority.revoked(&[], FAR)).unwrap();
        },
        |_| {},
    )
    .await;
    let identity = server.authority.client(NAME);
    let mut config = server.authority.client_config(Some(&identity));
    config.resumption = Resumption::in_memory_sessions(8);
    server.greet(config.clone()).await.unwrap();

    let list = server.authority.revoked(&[identity.serial()], FAR);
    fs::write(&server.settings.crl_files[0], list).unwrap();
    server.sets.reload().unwrap();

    assert!(server.greet(config).await.is_err());
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
