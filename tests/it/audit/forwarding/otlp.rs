//! To collectors over OTLP/HTTP.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use poolgate::audit::forward::MOST_LINES;
use serde_json::json;
use tokio::net::TcpSocket;
use tokio_rustls::TlsAcceptor;

use super::{Sender, has_ended, once, seq, verify};
use crate::support::certificates::Authority;
use crate::support::collector::{Answer, Collector};
use crate::support::journal::signing_key;
use crate::support::metrics;
use crate::support::records::files;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_arrives_as_it_was_written_and_the_chain_can_be_verified_there() {
    let collector = Collector::start().await;
    let sender = Sender::new(&collector.target()).and("AUDIT__INSTANCE", "first");
    let process = sender.start();
    sender.calls(&process, 5).await;
    process.signal("HUP");
    sender.calls(&process, 5).await;

    let (code, _) = process.terminate();

    assert_eq!(code, Some(0));
    let lines = collector.lines(has_ended).await;
    assert_eq!(lines, sender.lines());
    assert_eq!(verify(sender.folder.path(), &lines), Some(0));
    let asked = collector.asked(|_| true).await;
    let first = &asked[0];
    assert_eq!(first.path, "/v1/logs");
    assert_eq!(first.headers["content-type"], "application/json");
    let resource = &first.body["resourceLogs"][0]["resource"]["attributes"];
    assert_eq!(resource[1]["value"]["stringValue"], "first");
    let record = &first.records()[0];
    assert_eq!(record["eventName"], "poolgate.audit");
    let seq = json!({"key": "audit.seq", "value": {"intValue": "1"}});
    assert_eq!(record["attributes"][0], seq);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_comes_later_gets_everything() {
    // Nobody listens, and nobody else can.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let target = format!("otlp+http://{}", socket.local_addr().unwrap());
    let sender = Sender::new(&target).and("ADMIN__LISTEN", "127.0.0.1:0");
    let process = sender.start();
    let admin = process.admin().unwrap();
    sender.calls(&process, 3).await;
    metrics::until(admin, |metrics| {
        metrics.sum("poolgate_audit_forward_failures_total") > 1
    })
    .await;

    let collector = Collector::on(socket);

    let written = sender.lines();
    let lines = collector.lines(|lines| lines.len() >= written.len()).await;
    assert_eq!(lines[..written.len()], written);
    metrics::until(admin, |metrics| {
        metrics.sum("poolgate_audit_forward_lag_lines") == 0
            && metrics.sum("poolgate_audit_forwarded_total") >= written.len()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_goes_on_where_the_last_one_has_ended() {
    let collector = Collector::start().await;
    let sender = Sender::new(&collector.target());
    for _ in 0..3 {
        let process = sender.start();
        sender.calls(&process, 2).await;
        process.terminate();
    }

    assert_eq!(collector.lines_now(), sender.lines());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kills_nothing_is_missing() {
    let collector = Collector::start().await;
    let sender = Sender::new(&collector.target());
    for _ in 0..5 {
        let process = sender.start();
        sender.calls(&process, 2).await;
        process.stop();
    }
    let process = sender.start();
    process.terminate();

    assert_eq!(once(&collector.lines_now()), sender.lines());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_target_begins_with_the_process_that_has_it_first() {
    let collector = Collector::start().await;
    let sender = Sender::silent();
    let process = sender.start();
    sender.calls(&process, 2).await;
    process.terminate();
    let written = sender.lines().len();
    let sender = sender.and("AUDIT__FORWARD", &collector.target());

    let process = sender.start();
    process.terminate();

    let lines = collector.lines_now();
    assert_eq!(lines, sender.lines()[written..]);
    assert!(lines[0].contains("\"StartJournal\""), "{}", lines[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_closed_and_compressed_during_an_outage_are_forwarded() {
    let (mend, mended) = tokio::sync::watch::channel(false);
    let collector = Collector::deciding(move |_, _| match *mended.borrow() {
        true => Answer::ok(),
        false => Answer::status(503),
    })
    .await;
    let sender = Sender::new(&collector.target());
    let key = sender.path("key.pem");
    fs::write(&key, signing_key()).unwrap();
    let sender = sender.and("AUDIT__SIGNING_KEY_FILE", key.to_str().unwrap());
    let process = sender.start();
    sender.calls(&process, 3).await;
    collector.asked(|asked| !asked.is_empty()).await;
    process.signal("HUP");
    let compressed = || {
        let entries = fs::read_dir(sender.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".jsonl.gz")).count()
    };
    while compressed() == 0 {
        tokio::task::yield_now().await;
    }
    process.stop();
    let process = sender.start();
    sender.calls(&process, 1).await;
    let last = seq(sender.lines().last().unwrap());

    mend.send_replace(true);

    let is_there = |lines: &[String]| lines.last().is_some_and(|line| seq(line) >= last);
    let lines = collector.lines(is_there).await;
    let seqs: Vec<u64> = lines.iter().map(|line| seq(line)).collect();
    assert_eq!(seqs, (1..).take(seqs.len()).collect::<Vec<u64>>());
    drop(process);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_were_removed_during_an_outage_are_counted_and_the_others_forwarded() {
    let (mend, mended) = tokio::sync::watch::channel(false);
    let collector = Collector::deciding(move |_, _| match *mended.borrow() {
        true => Answer::ok(),
        false => Answer::status(503),
    })
    .await;
    let sender = Sender::new(&collector.target()).and("ADMIN__LISTEN", "127.0.0.1:0");
    let process = sender.start();
    sender.calls(&process, 3).await;
    process.signal("HUP");
    while files(&sender.path("audit.jsonl")).len() < 2 {
        tokio::task::yield_now().await;
    }
    process.stop();
    let closed = files(&sender.path("audit.jsonl")).remove(0);
    let removed = fs::read_to_string(&closed).unwrap().lines().count();
    fs::remove_file(closed).unwrap();
    mend.send_replace(true);

    let process = sender.start();

    let admin = process.admin().unwrap();
    metrics::until(admin, |metrics| {
        metrics.sum("poolgate_audit_forward_skipped_total") == removed
            && metrics.sum("poolgate_audit_forward_lag_lines") == 0
    })
    .await;
    assert_eq!(collector.lines_now(), sender.lines());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_a_collector_rejects_are_counted_and_not_sent_again() {
    let collector = Collector::deciding(|number, _| Answer {
        body: match number {
            0 => r#"{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too odd"}}"#,
            _ => "{}",
        },
        ..Answer::ok()
    })
    .await;
    let sender = Sender::new(&collector.target()).and("ADMIN__LISTEN", "127.0.0.1:0");
    let process = sender.start();

    sender.calls(&process, 3).await;

    metrics::until(process.admin().unwrap(), |metrics| {
        metrics.sum("poolgate_audit_forward_skipped_total") == 1
            && metrics.sum("poolgate_audit_forward_lag_lines") == 0
            && metrics.sum("poolgate_audit_forwarded_total") + 1 >= sender.lines().len()
    })
    .await;
    let (code, _) = process.terminate();
    assert_eq!(code, Some(0));
    assert_eq!(collector.lines_now(), sender.lines(), "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_asks_to_be_left_alone_is() {
    let collector = Collector::deciding(|number, _| match number {
        0 => Answer {
            retry_after: Some("1"),
            ..Answer::status(503)
        },
        _ => Answer::ok(),
    })
    .await;
    let sender = Sender::new(&collector.target());
    let process = sender.start();

    let asked = collector.asked(|asked| asked.len() > 1).await;

    assert!(asked[1].at - asked[0].at >= Duration::from_secs(1));
    process.terminate();
    assert_eq!(collector.lines_now(), sender.lines());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_mended_is_used_and_never_logged() {
    let collector = Collector::deciding(|_, asked| match asked.headers.get("authorization") {
        Some(token) if token == "Bearer n3w" => Answer::ok(),
        _ => Answer::status(401),
    })
    .await;
    let sender = Sender::new(&collector.target());
    let headers = sender.path("headers");
    fs::write(&headers, "authorization: Bearer 0ld\n").unwrap();
    let sender = sender
        .and("AUDIT__FORWARD_HEADERS_FILE", headers.to_str().unwrap())
        .and("LOG__LEVEL", "trace");
    let process = sender.start();
    sender.calls(&process, 2).await;
    let asked = collector.asked(|asked| !asked.is_empty()).await;
    assert_eq!(asked[0].headers["authorization"], "Bearer 0ld");

    fs::write(&headers, "authorization: Bearer n3w\n").unwrap();

    let written = sender.lines().len();
    collector.lines(|lines| lines.len() >= written).await;
    let (_, logged) = process.terminate();
    assert_eq!(collector.lines_now(), sender.lines());
    let told = logged.iter().any(|line| line.contains("401 Unauthorized"));
    assert!(told, "{logged:?}");
    for secret in ["0ld", "n3w"] {
        assert!(!logged.iter().any(|line| line.contains(secret)), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_collector_never_takes_is_left_out_and_all_else_is_not() {
    let collector = Collector::deciding(|_, asked| {
        let lines = asked.lines();
        match lines.iter().any(|line| line.contains("p0ison")) {
            true => Answer::status(400),
            false if lines.len() > 4 => Answer::status(413),
            false => Answer {
                body: r#"{"partialSuccess":{"rejectedLogRecords":"0","errorMessage":"p0ison"}}"#,
                ..Answer::ok()
            },
        }
    })
    .await;
    let sender = Sender::new(&collector.target()).and("ADMIN__LISTEN", "127.0.0.1:0");
    let process = sender.start();
    let admin = process.admin().unwrap();
    sender.calls(&process, 5).await;
    sender.pools(&process, &["p0ison".to_owned()]).await;
    sender.calls(&process, 5).await;

    metrics::until(admin, |metrics| {
        metrics.sum("poolgate_audit_forward_lag_lines") == 0
            && metrics.sum("poolgate_audit_forward_skipped_total") > 0
    })
    .await;
    let (_, logged) = process.terminate();
    let (bad, good): (Vec<String>, Vec<String>) = sender
        .lines()
        .into_iter()
        .partition(|line| line.contains("p0ison"));
    assert_eq!(collector.lines_now(), good);
    let told = logged
        .iter()
        .filter(|line| line.contains("are not forwarded"));
    assert_eq!(told.count(), bad.len());
    assert!(!logged.iter().any(|line| line.contains("p0ison")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_goes_in_batches() {
    let (mend, mended) = tokio::sync::watch::channel(false);
    let collector = Collector::deciding(move |_, _| match *mended.borrow() {
        true => Answer::ok(),
        false => Answer::status(500),
    })
    .await;
    let sender = Sender::new(&collector.target());
    let process = sender.start();
    sender.calls(&process, MOST_LINES / 2 + 10).await;
    let written = sender.lines();

    mend.send_replace(true);

    let lines = collector.lines(|lines| lines.len() >= written.len()).await;
    assert_eq!(lines[..written.len()], written);
    let asked = collector.asked(|_| true).await;
    let largest = asked.iter().map(|asked| asked.lines().len()).max();
    assert!(largest <= Some(MOST_LINES));
    drop(process);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_with_a_certificate_of_a_private_authority_is_trusted_and_others_are_not() {
    let (ours, others) = (Authority::new("ours"), Authority::new("others"));
    let good = Collector::secured(acceptor(&ours, "localhost")).await;
    let bad = Collector::secured(acceptor(&others, "localhost")).await;
    let targets =
        [&good, &bad].map(|collector| format!("otlp+https://localhost:{}", collector.port));
    let sender = Sender::new(&targets.join(","));
    let authorities = sender.path("authorities.pem");
    fs::write(&authorities, ours.pem()).unwrap();
    let sender = sender.and("AUDIT__FORWARD_CA_FILE", authorities.to_str().unwrap());
    let process = sender.start();
    sender.calls(&process, 2).await;

    let written = sender.lines();
    let lines = good.lines(|lines| lines.len() >= written.len()).await;
    let (_, logged) = process.terminate();

    assert_eq!(lines[..written.len()], written);
    assert!(bad.lines_now().is_empty());
    assert!(
        logged.iter().any(|line| line.contains("UnknownIssuer")),
        "{logged:?}"
    );
}

/// A server with a certificate for a name.
pub(super) fn acceptor(authority: &Authority, name: &str) -> TlsAcceptor {
    let identity = authority.server(name);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.certificates(), identity.key_der())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
