//! poolgate on real sockets, with Redis behind it or not.

use std::fs;
use std::path::Path;

use poolgate::operation::Operation;
use poolgate::quota::{OnStoreFailure, RedisSettings};
use tempfile::TempDir;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::PATIENT;
use super::replica::Replica;
use crate::support::admin;
use crate::support::certificates::Authority;
use crate::support::examples::{call_on, request};
use crate::support::guarded::EVERYTHING;
use crate::support::house::{House, Rules};
use crate::support::metrics;
use crate::support::process::Process;
use crate::support::redis_server::RedisServer;

const CALLERS: &str = "[[tokens]]\nname = \"ann\"\nsha256 = \"{ann}\"\n\
     [[tokens]]\nname = \"bob\"\nsha256 = \"{bob}\"\n";
const LIMITS: &str = "[[limits]]\nname = \"daily\"\nwindows = [\"5/day\"]\n";
const SECRET: &str = "a secret of more than thirty-two bytes";
const LIST: Operation = Operation::ListIdentityPools;

fn rules(url: &str) -> Rules {
    Rules::new(CALLERS, &["ann", "bob"], EVERYTHING)
        .with("limits.toml", LIMITS)
        .with("redis.url", url)
        .with("redis.key", SECRET)
        .and("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0")
        .and("POOLGATE_QUOTA__LIMITS_FILE", "{}/limits.toml")
        .and("POOLGATE_QUOTA__STORE", "redis")
        .and("POOLGATE_QUOTA__REDIS_URL_FILE", "{}/redis.url")
        .and("POOLGATE_QUOTA__REDIS_KEY_FILE", "{}/redis.key")
        .and("POOLGATE_QUOTA__REDIS_TIMEOUT", "1s")
        .and("POOLGATE_QUOTA__REPLICAS", "2")
}

async fn list(house: &House, caller: &str) -> Result<(), Status> {
    let channel = house.channel(caller).await;
    call_on(channel, LIST, &request(LIST)).await.map(drop)
}

async fn until_degraded(house: &House, degraded: u8) {
    let admin = house.running.admin_address.unwrap();
    let line = format!("\npoolgate_quota_store_degraded {degraded}\n");
    let waiting = metrics::until(admin, |metrics| metrics.text().contains(&line));
    let waiting = tokio::time::timeout(PATIENT, waiting);
    waiting.await.expect("within ten seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_has_one_limit_at_all_replicas() {
    let redis = RedisServer::start();
    let one = House::start(rules(&redis.url())).await;
    let other = House::start(rules(&redis.url())).await;
    for house in [&one, &other] {
        until_degraded(house, 0).await;
    }
    for house in [&one, &other, &one, &one, &other] {
        list(house, "ann").await.unwrap();
    }

    for house in [&one, &other] {
        let refused = list(house, "ann").await.unwrap_err();

        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(refused.message(), "limit `daily` (5/day) is used up");
        assert!(refused.get_details_retry_info().is_some());
        let metadata = refused.metadata();
        assert_eq!(metadata.get("ratelimit-limit").unwrap(), "5");
        assert_eq!(metadata.get("ratelimit-remaining").unwrap(), "0");
        list(house, "bob").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_does_not_wait_for_redis_and_readiness_does_not_ask_for_it() {
    let mut redis = RedisServer::start();
    redis.kill();

    let house = House::start(rules(&redis.url())).await;

    // One of two replicas admits half of five alone, in whole calls.
    for expected in [true, true, false] {
        assert_eq!(list(&house, "ann").await.is_ok(), expected);
    }
    until_degraded(&house, 1).await;
    let admin = house.running.admin_address.unwrap();
    assert!(admin::get(admin, "/readyz").await.contains(" 200 "));
    // What was admitted meanwhile is known when Redis is there.
    redis.start_again();
    until_degraded(&house, 0).await;
    assert!(list(&house, "ann").await.is_ok());
    assert!(list(&house, "ann").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_told_that_their_limits_cannot_be_asked_where_that_is_wanted() {
    let mut redis = RedisServer::start();
    redis.kill();
    let rules = rules(&redis.url()).and("POOLGATE_QUOTA__ON_STORE_FAILURE", "deny");
    let house = House::start(rules).await;

    let denied = list(&house, "ann").await.unwrap_err();

    assert_eq!(denied.code(), Code::Unavailable);
    let info = denied.get_details_error_info().unwrap();
    assert_eq!(info.reason, "LIMITS_UNAVAILABLE");
    let pushback = denied.metadata().get("grpc-retry-pushback-ms").unwrap();
    assert_eq!(pushback, "1000");
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let mut redis = RedisServer::start();
    redis.want_password("the-right-one");
    let folder = TempDir::new().unwrap();
    let file = |name: &str, content: &str| written(folder.path(), name, content);
    let url = format!("redis://poolgate:s3cret-and-wrong@127.0.0.1:{}", redis.port);
    let (url, key) = (file("url", &url), file("key", SECRET));

    let process = Process::start(&[
        ("POOLGATE_QUOTA__IN_FORCE", "always"),
        ("POOLGATE_QUOTA__STORE", "redis"),
        ("POOLGATE_QUOTA__REDIS_URL_FILE", &url),
        ("POOLGATE_QUOTA__REDIS_KEY_FILE", &key),
        ("POOLGATE_LOG__LEVEL", "trace"),
    ]);
    process.wait_for_log("it does not take the user or the password", 1);
    // The password is put right in the file, and nothing has to be started again.
    fs::write(
        &url,
        format!("redis://:the-right-one@127.0.0.1:{}", redis.port),
    )
    .unwrap();
    process.wait_for_log("Redis counts callers for all replicas", 1);

    let log = process.interrupt().join("\n");
    for secret in ["s3cret", "the-right-one", SECRET] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_user_of_the_document_may_do_what_is_needed() {
    let text = fs::read_to_string("docs/quotas.md").unwrap();
    let shown = text.lines().find(|line| line.starts_with("ACL SETUSER"));
    let command = shown.unwrap().replace("PASSWORD", "s3cret");
    let redis = RedisServer::start();
    assert_eq!(redis.ask(&command), "OK");
    let url = format!("redis://poolgate:s3cret@127.0.0.1:{}", redis.port);

    let replica = Replica::start(&url, LIMITS, 1, OnStoreFailure::Deny, PATIENT).await;

    assert_eq!(replica.ask("ann", LIST).await, Ok(()));
    // Also where somebody has left something else in the place of a value.
    let keys = redis.ask("KEYS poolgate:*");
    for key in keys.lines() {
        redis.ask(&format!("DEL {key}"));
        redis.ask(&format!("LPUSH {key} something"));
    }
    for _ in 0..4 {
        assert_eq!(replica.ask("ann", LIST).await, Ok(()));
    }
    assert!(replica.ask("ann", LIST).await.is_err());
    assert_eq!(replica.count("poolgate_quota_store_damaged_total"), 1);
    assert_eq!(replica.count("poolgate_quota_store_failures_total"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_spoken_to_over_tls_and_has_to_be_who_it_is() {
    let (authority, stranger) = (Authority::new("one"), Authority::new("another"));
    let identity = authority.server("localhost");
    let folder = TempDir::new().unwrap();
    let file = |name: &str, content: &str| written(folder.path(), name, content);
    let (certificate, key) = (file("pem", &identity.chain), file("key", &identity.key));
    let port = RedisServer::free_port().to_string();
    let redis = RedisServer::start_with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &certificate,
        "--tls-auth-clients",
        "no",
    ]);
    let begin = |authority: &Authority, name: &str| {
        let settings = RedisSettings {
            ca_file: Some(file(name, &authority.pem()).into()),
            timeout: PATIENT,
            ..RedisSettings::default()
        };
        let url = format!("rediss://localhost:{port}");
        Replica::begin(&url, LIMITS, 1, OnStoreFailure::Deny, settings)
    };

    let (good, bad) = (begin(&authority, "good"), begin(&stranger, "bad"));

    good.until_degraded(false).await;
    assert_eq!(good.ask("ann", LIST).await, Ok(()));
    bad.until_count("poolgate_quota_store_failures_total", 1)
        .await;
    assert!(bad.is_degraded());
    assert!(redis.ask("INFO commandstats").contains("cmdstat_eval"));
}

fn written(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}
