//! Mistakes in files.

use std::fs;

use poolgate::server::tls::{Settings, check};
use tempfile::TempDir;

use crate::support::certificates::{Authority, SERVER_NAME};

#[test]
fn every_mistake_names_its_file_and_what_is_wrong() {
    let authority = Authority::new("authority");
    let other = authority.server(SERVER_NAME);
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let legacy = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n";
    let cut = &other.chain[..other.chain.len() / 2];
    let damaged = other.chain.replacen("MII", "!!!", 1);
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let nonsense_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let nonsense_list = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    for (name, content, expected) in [
        ("server.pem", None, "cannot be read: No such file"),
        ("server.pem", Some(""), "not PEM"),
        ("server.pem", Some("garbage"), "not PEM"),
        ("server.pem", Some(&other.key), "no certificate in the file"),
        (
            "server.pem",
            Some(cut),
            "damaged PEM: a section without its end",
        ),
        (
            "server.pem",
            Some(&damaged),
            "damaged PEM: a section that is not base64",
        ),
        (
            "server.pem",
            Some(nonsense),
            "the first certificate cannot be used",
        ),
        ("server.key", None, "cannot be read: No such file"),
        ("server.key", Some("garbage"), "not PEM"),
        (
            "server.key",
            Some(&other.chain),
            "no private key in the file",
        ),
        ("server.key", Some(encrypted), "the key is encrypted"),
        ("server.key", Some(legacy), "the key is encrypted"),
        ("server.key", Some(nonsense_key), "the key is damaged"),
        (
            "server.key",
            Some(&other.key),
            "the key does not fit the certificate in",
        ),
        ("clients.pem", None, "cannot be read: No such file"),
        ("clients.pem", Some(""), "not PEM"),
        (
            "clients.pem",
            Some(&other.key),
            "no certificate in the file",
        ),
        (
            "clients.pem",
            Some(nonsense),
            "certificate 1 cannot be used",
        ),
        ("revoked.pem", None, "cannot be read: No such file"),
        ("revoked.pem", Some("garbage"), "not PEM"),
        (
            "revoked.pem",
            Some(&other.chain),
            "no list of revoked certificates in the file",
        ),
        (
            "revoked.pem",
            Some(nonsense_list),
            "the list cannot be used",
        ),
    ] {
        let folder = TempDir::new().unwrap();
        let settings = good(&authority, &folder);
        let path = folder.path().join(name);
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }

        let mistakes = check(&settings).unwrap_err();

        assert_eq!(mistakes.0.len(), 1, "{mistakes}");
        assert_eq!(mistakes.0[0].path, path);
        assert!(mistakes.0[0].reason.starts_with(expected), "{mistakes}");
        let secret = other.key.lines().nth(1).unwrap();
        assert!(!format!("{mistakes} {mistakes:?}").contains(secret));
    }
}

#[test]
fn mistakes_in_all_files_are_told_at_once() {
    let folder = TempDir::new().unwrap();
    let settings = good(&Authority::new("authority"), &folder);
    for path in settings.paths() {
        fs::write(path, "garbage").unwrap();
    }

    let mistakes = check(&settings).unwrap_err();

    let wrong: Vec<_> = mistakes.0.into_iter().map(|mistake| mistake.path).collect();
    assert_eq!(wrong, settings.paths());
}

#[test]
fn good_files_have_no_mistake_and_show_no_key() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new("authority");
    let settings = good(&authority, &folder);
    // An intermediate's certificate and its own list are as good as the root's.
    let below = authority.intermediate("intermediate");
    below.server(SERVER_NAME).write(&settings);
    let lists = authority.revoked(&[], 2100) + &below.revoked(&[1], 2100);
    fs::write(&settings.crl_files[0], lists).unwrap();

    assert_eq!(check(&settings), Ok(()));
}

fn good(authority: &Authority, folder: &TempDir) -> Settings {
    let mut settings = authority.server_files(folder.path());
    settings.crl_files = vec![folder.path().join("revoked.pem")];
    fs::write(&settings.crl_files[0], authority.revoked(&[], 2100)).unwrap();
    settings
}
