//! The clients that are built in, and the mistakes that the command line tells.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rcgen::date_time_ymd;
use tempfile::TempDir;

use crate::support::certificates::{Authority, SERVER_NAME};
use crate::support::metrics;
use crate::support::process::Process;

const NAME: &str = "spiffe://example.org/shop";

#[test]
fn the_built_in_clients_speak_tls() {
    let files = Files::new();
    let server = Process::start(&files.environment());
    let address = server.address.as_str();
    let (ca, certificate, key) = (
        files.path("clients.pem"),
        files.path("me.pem"),
        files.path("me.key"),
    );
    let tls = [
        "--address",
        address,
        "--ca-file",
        &ca,
        "--server-name",
        SERVER_NAME,
    ];
    let me = ["--certificate-file", &certificate, "--key-file", &key];

    // Where the server refuses after its part of the handshake, the client may learn why or
    // only that the connection is closed.
    for (why, flags, code, says) in [
        ("all that is wanted", [&tls[..], &me].concat(), 0, ""),
        ("no certificate", tls.to_vec(), 1, ""),
        (
            "another name",
            [&tls[..4], &me].concat(),
            1,
            "cannot connect to",
        ),
        (
            "the system's authorities",
            [&tls[..2], &tls[4..], &me].concat(),
            1,
            "cannot connect to",
        ),
        ("plain text", tls[..2].to_vec(), 1, ""),
    ] {
        let health = poolgate(&[&["healthcheck"], &flags[..]].concat());
        let call = poolgate(
            &[
                &["call", "ListIdentityPools", "{\"max_results\": 1}"],
                &flags[..],
            ]
            .concat(),
        );

        let (told, also_told) = (text(&health.stderr), text(&call.stderr));
        assert_eq!(health.status.code(), Some(code), "{why}: {told}");
        assert!(told.contains(says), "{why}: {told}");
        assert_eq!(call.status.success(), code == 0, "{why}: {also_told}");
        assert!(also_told.contains(says), "{why}: {also_told}");
    }
}

#[test]
fn the_address_and_whether_it_is_tls_come_from_a_configuration() {
    let files = Files::new();
    let server = Process::start(&files.environment());
    let config = files.path("poolgate.toml");
    let text_of_it = format!(
        "[server]\nlisten = \"{}\"\n[tls]\ncertificate_file = \"{}\"\nkey_file = \"{}\"\n",
        server.address,
        files.path("server.pem"),
        files.path("server.key")
    );
    fs::write(&config, text_of_it).unwrap();
    let (ca, certificate, key) = (
        files.path("clients.pem"),
        files.path("me.pem"),
        files.path("me.key"),
    );

    let health = poolgate(&[
        "healthcheck",
        "-v",
        "--config",
        &config,
        "--ca-file",
        &ca,
        "--server-name",
        SERVER_NAME,
        "--certificate-file",
        &certificate,
        "--key-file",
        &key,
    ]);

    assert_eq!(
        text(&health.stdout),
        format!("{}: SERVING\n", server.address)
    );
}

#[test]
fn mistakes_in_files_are_told_before_anything_is_sent() {
    let files = Files::new();
    let (ca, key) = (files.path("clients.pem"), files.path("me.key"));
    let (server, missing, empty) = (
        files.path("server.pem"),
        files.path("none"),
        files.path("empty"),
    );
    let two = files.path("two");
    fs::write(&empty, "\n").unwrap();
    fs::write(&two, "one two\n").unwrap();
    for (flags, says) in [
        (
            vec!["--ca-file", &missing],
            "none`: cannot be read: No such file",
        ),
        (
            vec!["--ca-file", &key],
            "me.key`: no certificate in the file",
        ),
        (
            vec!["--certificate-file", &server, "--key-file", &key],
            "me.key`: the key does not fit the certificate in",
        ),
        (vec!["--certificate-file", &ca], "--key-file"),
        (
            vec!["--token-file", &missing],
            "none`: cannot be read: No such file",
        ),
        (vec!["--token-file", &empty], "empty`: no token in the file"),
        (
            vec!["--token-file", &two],
            "two`: more than one word in the file",
        ),
    ] {
        let flags = [&["healthcheck", "--address", "127.0.0.1:1"], &flags[..]].concat();

        let told = poolgate(&flags);

        assert_eq!(told.status.code(), Some(2), "{told:?}");
        assert!(text(&told.stderr).contains(says), "{told:?}");
        assert!(!text(&told.stderr).contains("one two"), "{told:?}");
    }
}

#[test]
fn check_tells_every_mistake_in_the_files() {
    let files = Files::new();
    fs::write(files.path("server.key"), "garbage").unwrap();
    fs::write(files.path("clients.pem"), "garbage").unwrap();
    let mut check = command(&["check"]);

    let told = check.envs(files.environment()).output().unwrap();

    let told = text(&told.stderr);
    for says in [
        format!(
            "POOLGATE_TLS__KEY_FILE: tls.key_file = \"{0}\": `{0}`: not PEM",
            files.path("server.key")
        ),
        format!(
            "tls.client_ca_file = \"{0}\": `{0}`: not PEM",
            files.path("clients.pem")
        ),
    ] {
        assert!(told.contains(&says), "{told}");
    }
    assert_eq!(told.lines().count(), 2, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_told_by_check_at_the_start_and_in_the_metrics() {
    let files = Files::new();
    let expired = Authority::new("authority").issue(SERVER_NAME, |params| {
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    fs::write(files.path("server.pem"), &expired.chain).unwrap();
    fs::write(files.path("server.key"), &expired.key).unwrap();
    let says = "the certificate expired on Fri, 01 Jan 2021 00:00:00 GMT";

    let told = command(&["check"]).envs(files.environment()).output();
    let told = told.unwrap();
    let server = Process::start(
        &[
            &files.environment()[..],
            &[("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0")],
        ]
        .concat(),
    );
    let before = metrics::read(server.admin().unwrap()).await;
    let renewed = Authority::new("authority").server(SERVER_NAME);
    fs::write(files.path("server.pem"), &renewed.chain).unwrap();
    fs::write(files.path("server.key"), &renewed.key).unwrap();

    let expiry = "poolgate_tls_certificate_expiry_timestamp_seconds";
    let line = format!("warning: tls.certificate_file: {says}\n");
    assert_eq!(
        (told.status.code(), text(&told.stderr)),
        (Some(0), line.as_str())
    );
    assert_eq!(before.value(expiry), 1_609_459_200.0);
    metrics::until(server.admin().unwrap(), |now| now.value(expiry) > 4e9).await;
    let log = server.stop().concat();
    assert_eq!(log.matches(says).count(), 1, "{log}");
}

#[test]
fn the_health_check_of_the_image_needs_no_certificate_and_hears_of_the_drain() {
    let files = Files::new();
    let address = free_address();
    let mut environment = files.environment();
    environment.extend([
        ("POOLGATE_ADMIN__LISTEN", address.as_str()),
        ("POOLGATE_SERVER__DRAIN_NOTICE", "5m"),
    ]);
    let server = Process::start(&environment);
    let health = || {
        let mut check = command(&["healthcheck", "--admin"]);
        let told = check.envs(environment.iter().copied()).output().unwrap();
        (told.status.code(), text(&told.stderr).to_owned())
    };

    assert_eq!(health(), (Some(0), String::new()));
    server.signal("TERM");
    server.wait_for_log("drain", 1);
    let draining = format!("{address}: not ready: draining\n");
    assert_eq!(health(), (Some(1), draining));
}

/// Where nobody listens at the moment.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// What a server and a client need.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let authority = Authority::new("authority");
        authority.server_files(folder.path());
        let me = authority.client(NAME);
        fs::write(folder.path().join("me.pem"), &me.chain).unwrap();
        fs::write(folder.path().join("me.key"), &me.key).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        let folder: &Path = self.0.path();
        let path: PathBuf = folder.join(name);
        path.to_str().unwrap().to_owned()
    }

    fn environment(&self) -> Vec<(&'static str, &'static str)> {
        [
            ("POOLGATE_TLS__CERTIFICATE_FILE", "server.pem"),
            ("POOLGATE_TLS__KEY_FILE", "server.key"),
            ("POOLGATE_TLS__CLIENT_CA_FILE", "clients.pem"),
        ]
        .map(|(name, file)| (name, &*self.path(file).leak()))
        .to_vec()
    }
}

fn poolgate(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poolgate"));
    command.args(arguments).env_clear();
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
