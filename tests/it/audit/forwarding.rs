//! The journal is forwarded: every line gets to its targets as it was written, whatever
//! becomes of them and of poolgate.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use poolgate::audit::forward::Tail;
use poolgate::pb;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic_types::StatusExt;

use crate::support::journal::{Journal, signing_key};
use crate::support::metrics;
use crate::support::process::Process;
use crate::support::records::files;

mod otlp;
mod syslog;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn targets_that_hang_delay_neither_calls_nor_the_end() {
    // The kernel takes connections, and nobody reads from them.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sender = Sender::new(&format!("syslog+tcp://{address},otlp+http://{address}"));
    let sender = sender.and("ADMIN__LISTEN", "127.0.0.1:0");
    let process = sender.start();

    sender.calls(&process, 20).await;
    // All were answered, and the collector, which would have to answer, has taken none.
    let metrics = metrics::read(process.admin().unwrap()).await;
    let forwarded = metrics.text().lines().find(|line| {
        line.starts_with("poolgate_audit_forwarded_total{") && line.contains("otlp+http")
    });
    assert!(
        forwarded.is_none_or(|line| line.ends_with(" 0")),
        "{forwarded:?}"
    );
    let begun = Instant::now();
    let (code, logged) = process.terminate();

    // Two seconds for the targets, and as much for the disk as it may take.
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(code, Some(0), "{logged:?}");
    assert!(sender.lines().last().unwrap().contains("StopJournal"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_leaves_the_journal_its_end_and_the_rest_to_the_next_start() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sender = Sender::new(&format!("otlp+http://{}", listener.local_addr().unwrap()));
    let process = sender.start();
    sender.calls(&process, 2).await;
    process.signal("TERM");
    process.wait_for_log("drain: ended", 1);

    let (code, logged) = process.terminate();

    assert_eq!(code, Some(0), "{logged:?}");
    assert!(sender.lines().last().unwrap().contains("StopJournal"));
}

/// Files are closed, put into digests and compressed meanwhile.
#[test]
fn a_journal_is_read_without_a_gap_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    fs::write(&key, signing_key()).unwrap();
    let mut journal = Journal::new(folder.path());
    let mut tail = Tail::new(&journal.path(), 1);
    let durable = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&durable);
    let writer = std::thread::spawn(move || {
        for _ in 0..60 {
            journal.call();
            journal.rotate();
            journal.flush();
            told.store(journal.seq(), Ordering::SeqCst);
            journal.digest(&key);
        }
    });
    let mut seqs = Vec::new();
    loop {
        let is_last = writer.is_finished();
        let until = durable.load(Ordering::SeqCst);

        let read = tail.read(until).unwrap();

        assert_eq!(read.missing, 0);
        seqs.extend(read.lines.iter().map(|line| line.seq));
        if is_last && tail.next() > until {
            break;
        }
    }
    writer.join().unwrap();
    assert!(seqs.len() > 60);
    assert_eq!(
        seqs,
        (1..=durable.load(Ordering::SeqCst)).collect::<Vec<u64>>()
    );
}

#[test]
fn the_check_shows_targets_and_what_is_wrong_with_them() {
    let check = |environment: &[(&str, &str)]| {
        let output = Command::new(env!("CARGO_BIN_EXE_poolgate"))
            .arg("check")
            .env_clear()
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let file = ("POOLGATE_AUDIT__FILE", "audit.jsonl");
    let forward = |targets| ("POOLGATE_AUDIT__FORWARD", targets);

    let (code, text) = check(&[
        file,
        forward("syslog+unix:///dev/log,otlp+https://a.example"),
    ]);
    assert_eq!(code, Some(0), "{text}");
    let shown = r#"forward = ["syslog+unix:///dev/log", "otlp+https://a.example"]"#;
    assert!(text.contains(shown), "{text}");

    for (targets, mistake) in [
        (
            "otlp+http://a.example:4318",
            "everybody on the way can read",
        ),
        ("syslog+tcp://10.0.0.1:514", "audit.forward_in_clear = true"),
        (
            "syslog+udp://127.0.0.1:5,syslog+udp://127.0.0.1:5/",
            "is too much like",
        ),
        (
            "otlp+https://me:s3cret@a.example",
            "a user name or password",
        ),
    ] {
        let (code, text) = check(&[file, forward(targets)]);
        assert_eq!(code, Some(78), "{text}");
        assert!(text.contains(mistake), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    let clear = ("POOLGATE_AUDIT__FORWARD_IN_CLEAR", "true");
    assert_eq!(
        check(&[file, clear, forward("syslog+udp://10.0.0.1:514")]).0,
        Some(0)
    );
    let (_, text) = check(&[forward("syslog+unix:///dev/log")]);
    assert!(text.contains("wants audit.file"), "{text}");
    for key in ["HEADERS_FILE", "CA_FILE"] {
        let variable = format!("POOLGATE_AUDIT__FORWARD_{key}");
        let nowhere = (variable.as_str(), "/nowhere");
        let (_, text) = check(&[file, nowhere, forward("syslog+unix:///dev/log")]);
        assert!(
            text.contains("wants a target in audit.forward with"),
            "{text}"
        );
        let (_, text) = check(&[file, nowhere, forward("otlp+https://a.example")]);
        assert!(text.contains("cannot be read"), "{text}");
    }
}

/// poolgate with a journal that is forwarded.
struct Sender {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Sender {
    fn new(targets: &str) -> Self {
        Self::silent().and("AUDIT__FORWARD", targets)
    }

    /// Without a target.
    fn silent() -> Self {
        let sender = Self {
            folder: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
        };
        let path = sender.path("audit.jsonl");
        sender
            .and("AUDIT__FILE", path.to_str().unwrap())
            .and("SERVER__DRAIN_NOTICE", "0s")
    }

    /// One more setting.
    fn and(mut self, variable: &str, value: &str) -> Self {
        let variable = format!("POOLGATE_{variable}");
        self.environment.push((variable, value.to_owned()));
        self
    }

    fn start(&self) -> Process {
        let environment = self.environment.iter();
        let environment: Vec<(&str, &str)> = environment
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Process::start(&environment)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes pools, which is two lines each, if the disk is fast enough.
    async fn calls(&self, process: &Process, count: usize) {
        let names: Vec<String> = (0..count).map(|number| format!("pool {number}")).collect();
        self.pools(process, &names).await;
    }

    async fn pools(&self, process: &Process, names: &[String]) {
        let mut client = process.client().await;
        for name in names {
            let request = pb::CreateIdentityPoolRequest {
                identity_pool_name: name.clone(),
                allow_unauthenticated_identities: Some(false),
                ..Default::default()
            };
            // A disk that is slow is none of what is tested here.
            if let Err(refused) = client.create_identity_pool(request).await {
                let details = refused.get_error_details();
                let reason = details.error_info().map(|info| info.reason.as_str());
                assert_eq!(reason, Some("AUDIT_UNAVAILABLE"), "{refused}");
            }
        }
    }

    /// All lines of the journal.
    fn lines(&self) -> Vec<String> {
        let files = files(&self.path("audit.jsonl")).into_iter();
        let text = files.map(|file| fs::read_to_string(file).unwrap());
        text.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }
}

/// Whether the journal's last line is there.
fn has_ended(lines: &[String]) -> bool {
    lines
        .last()
        .is_some_and(|line| line.contains("\"StopJournal\""))
}

/// Lines without those that came again, which is only what came before.
fn once(lines: &[String]) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for line in lines {
        if seq(line) > once.last().map_or(0, |last| seq(last)) {
            once.push(line.clone());
        } else {
            assert!(once.contains(line), "{line} came too late");
        }
    }
    once
}

fn seq(line: &str) -> u64 {
    let record: Value = serde_json::from_str(line).unwrap();
    record["additionalEventData"]["seq"].as_u64().unwrap()
}

/// Writes lines to a file, as who gets them may, and has them verified.
fn verify(folder: &Path, lines: &[String]) -> Option<i32> {
    let path = folder.join("received.jsonl");
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .args(["audit", "verify"])
        .arg(&path)
        .output()
        .unwrap();
    output.status.code()
}
