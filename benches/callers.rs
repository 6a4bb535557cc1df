//! What it takes to tell who calls and whether they may: `cargo bench --bench callers`.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up stops; tests use more of what it stands on"
)]

#[path = "house/guarded.rs"]
mod guarded;
mod house;
#[path = "house/policies.rs"]
mod policies;
#[path = "../tests/it/support/tokens.rs"]
mod tokens;

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use futures_util::FutureExt;
use guarded::Guarded;
use poolgate::authn::{Authenticator, Callers, Settings};
use poolgate::caller::{Certificate, Peer};
use poolgate::clock::Clock;
use tokens::{Issuer, Site};

const ISSUER: &str = "https://login.example.com";

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

#[divan::bench]
fn token_verified_a_moment_ago(bencher: Bencher<'_, '_>) {
    let door = Door::new();
    let token = door.token("shop");
    assert!(door.lets_in(None, &token));
    bencher.bench(|| door.lets_in(None, &token));
}

#[divan::bench]
fn token_seen_for_the_first_time(bencher: Bencher<'_, '_>) {
    let door = Door::new();
    let mut number = 0;
    bencher
        .with_inputs(|| {
            number += 1;
            door.let_time_pass();
            door.token(&format!("shop-{number}"))
        })
        .bench_local_values(|token| assert!(door.lets_in(None, &token)));
}

#[divan::bench]
fn token_with_a_bad_signature(bencher: Bencher<'_, '_>) {
    let door = Door::new();
    let (good, other) = (door.token("shop"), door.token("till"));
    let (message, _) = good.rsplit_once('.').expect("three parts");
    let (_, signature) = other.rsplit_once('.').expect("three parts");
    let bad = format!("{message}.{signature}");
    bencher
        .with_inputs(|| door.let_time_pass())
        .bench_local_values(|()| assert!(!door.lets_in(None, &bad)));
}

#[divan::bench]
fn certificate(bencher: Bencher<'_, '_>) {
    let door = Door::new();
    let certificate = Certificate {
        uris: vec!["spiffe://example.org/shop/till".to_owned()],
        serial: "1".to_owned(),
        ..Certificate::default()
    };
    bencher.bench(|| door.lets_in(Some(&certificate), ""));
}

/// A whole call through all layers, by nobody in particular.
#[divan::bench(sample_count = 2_000, sample_size = 1)]
fn describe_anonymous(bencher: Bencher<'_, '_>) {
    let mut guarded = Guarded::open();
    bencher.bench_local(|| assert!(guarded.describe()));
}

/// The same with a token that was verified a moment ago, and with policies.
#[divan::bench(args = [100, 1_000], sample_count = 2_000, sample_size = 1)]
fn describe_with_token_and_policies(bencher: Bencher<'_, '_>, count: usize) {
    let (mut guarded, _files) = Guarded::by(None, count);
    bencher.bench_local(|| assert!(guarded.describe()));
}

/// The same with one policy more, which asks when the call comes.
#[divan::bench(args = [100, 1_000], sample_count = 2_000, sample_size = 1)]
fn describe_where_policies_ask_the_time(bencher: Bencher<'_, '_>, count: usize) {
    let (mut guarded, _files) = Guarded::by(Some(policies::ASKS_TIME), count);
    bencher.bench_local(|| assert!(guarded.describe()));
}

/// The same while the policies are read again and again.
#[divan::bench(args = [1_000], sample_count = 2_000, sample_size = 1)]
fn describe_while_policies_reload(bencher: Bencher<'_, '_>, count: usize) {
    let (mut guarded, files) = Guarded::by(None, count);
    let _reading = files.over_and_over();
    bencher.bench_local(|| assert!(guarded.describe()));
}

/// An authenticator with one issuer, whose keys are in a file.
struct Door {
    authenticator: Authenticator,
    issuer: Issuer,
    clock: Clock,
}

impl Door {
    fn new() -> Self {
        let issuer = Issuer::new(ISSUER);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("callers.toml");
        fs::write(folder.path().join("keys.json"), issuer.jwks().to_string()).expect("written");
        let callers = format!(
            "[[certificates.map]]\nname = \"spiffe://example.org/shop/*\"\nroles = [\"shop\"]\n\
             [[issuers]]\nissuer = \"{ISSUER}\"\naudiences = [\"poolgate\"]\n\
             algorithms = [\"ES256\"]\njwks_file = \"keys.json\"\n"
        );
        fs::write(&path, callers).expect("written");
        let settings = Settings {
            callers: Callers::read(&path).expect("good callers"),
            ..Settings::default()
        };
        let clock = Clock::manual(Clock::system().now());
        let authenticator = Authenticator::new(&settings, clock.clone(), Arc::<Site>::default());
        Self {
            authenticator,
            issuer,
            clock,
        }
    }

    /// No more than so many tokens are verified in a second.
    fn let_time_pass(&self) {
        self.clock.advance(Duration::from_millis(1));
    }

    /// As it stands in the header.
    fn token(&self, subject: &str) -> String {
        let token = self.issuer.token(subject, self.clock.epoch_seconds());
        format!("Bearer {token}")
    }

    fn lets_in(&self, certificate: Option<&Certificate>, authorization: &str) -> bool {
        let values = (!authorization.is_empty()).then_some(authorization.as_bytes());
        let peer = Peer {
            certificate: certificate.cloned().map(Arc::new),
            ..Peer::at(SocketAddr::from(([127, 0, 0, 1], 1)))
        };
        let answer = self
            .authenticator
            .authenticate(Some(&peer), values.into_iter());
        // Nothing has to be fetched, so that there is nothing to wait for.
        answer.now_or_never().is_some_and(|answer| answer.is_ok())
    }
}
