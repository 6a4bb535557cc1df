//! The real binary on a disk that is full, breaks, becomes read-only or does not answer.
//!
//! The disk is a library that fails the process's calls on demand, so that the faults are
//! those that a kernel returns, at the places where it returns them.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use poolgate::pb;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use serde_json::Value;
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::killed::{names_of_pools, verify};
use crate::support::examples::pool_named;
use crate::support::metrics::{self, Metrics};
use crate::support::process::Process;
use crate::support::records::{files, intents, outcomes, records};

/// The exit code of a process whose journal has no end.
const UNRECORDED: i32 = 4;

/// The longest that a caller waits for an answer (reference: security, T-A2).
const MOST: Duration = Duration::from_millis(2_100);

const NO_SPACE: i32 = 28;
const IO: i32 = 5;
const READ_ONLY: i32 = 30;
const QUOTA: i32 = 122;
const NO_DESCRIPTOR: i32 = 24;
const DOES_NOT_RETURN: i32 = 0;

type Client = CognitoIdentityServiceClient<Channel>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_disk_does_nothing_is_made_without_an_intent_on_it() {
    let disk = Disk::new();
    let process = disk.start();
    let mut client = process.client().await;
    let mut acknowledged = Vec::new();
    let faults = [
        ("write", NO_SPACE),
        ("write", IO),
        ("write", READ_ONLY),
        ("write", QUOTA),
        ("sync", IO),
        ("sync", NO_SPACE),
        ("sync", DOES_NOT_RETURN),
    ];
    for (number, (call, error)) in faults.into_iter().enumerate() {
        let name = |what: &str| format!("{what} {number} {call} {error}");
        create(&mut client, &name("before")).await.unwrap();
        acknowledged.push(name("before"));

        disk.fail(call, error);
        let refused = (0..8).map(|call| {
            let (mut client, name) = (client.clone(), name(&format!("during {call}")));
            tokio::spawn(async move {
                let begun = Instant::now();
                let refused = create(&mut client, &name).await.unwrap_err();
                (begun.elapsed(), refused)
            })
        });
        for refused in refused.collect::<Vec<_>>() {
            let (waited, refused) = refused.await.unwrap();
            assert!(waited < MOST, "{call} {error}: {waited:?}");
            assert_unavailable(&refused);
        }
        // It is known to fail now, so that nobody waits for it any more.
        assert_unavailable(&list(&mut client).await.unwrap_err());
        let on_disk = disk.pools_intended();
        is_failing(&process, 1).await;

        disk.mend();
        let mended = Instant::now();
        let there = loop {
            match list(&mut client).await {
                Ok(()) => break names_of_pools(client.clone()).await,
                Err(refused) => assert_unavailable(&refused),
            }
            assert!(mended.elapsed() < Duration::from_secs(2), "{call} {error}");
        };
        is_failing(&process, 0).await;
        let there: BTreeSet<String> = there.into_iter().collect();
        let made: Vec<_> = there.difference(&on_disk).collect();
        assert_eq!(made, Vec::<&String>::new(), "{call} {error}");
        let expected = acknowledged.iter().cloned().collect();
        assert_eq!(there, expected, "{call} {error}");
    }
    drop(process);

    let records = records(&disk.path());
    for (number, record) in records.iter().enumerate() {
        assert_eq!(record["additionalEventData"]["seq"], number + 1);
    }
    let ids = |records: Vec<&Value>| {
        let ids = records.into_iter();
        ids.map(|record| record["sharedEventID"].to_string())
            .collect::<Vec<_>>()
    };
    let (intended, ended) = (ids(intents(&records)), ids(outcomes(&records)));
    let once: BTreeSet<&String> = ended.iter().collect();
    assert_eq!(once.len(), ended.len(), "no call has two outcomes");
    assert!(intended.iter().all(|id| once.contains(id)));
    assert_eq!(verify(&disk.path()), (Some(0), String::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_on_which_no_file_can_be_begun_keeps_the_one_that_is_there() {
    let disk = Disk::new();
    let process = disk.start();
    let mut client = process.client().await;
    let faults = [
        ("create", NO_DESCRIPTOR),
        ("create", READ_ONLY),
        ("rename", IO),
        ("rename", NO_SPACE),
    ];
    for (number, (call, error)) in faults.into_iter().enumerate() {
        disk.fail(call, error);
        process.signal("HUP");
        process.wait_for_log("no new file could be begun", number + 1);
        create(&mut client, &format!("{call} {error}"))
            .await
            .unwrap();
        disk.mend();
    }
    drop(process);

    assert_eq!(files(&disk.path()).len(), 1);
    assert_eq!(intents(&records(&disk.path())).len(), faults.len());
    assert_eq!(verify(&disk.path()), (Some(0), String::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_on_a_full_disk_is_followed_by_one_that_goes_on() {
    let disk = Disk::new();
    let process = disk.start();
    let mut client = process.client().await;
    create(&mut client, "before").await.unwrap();
    disk.fail("write", NO_SPACE);
    assert_unavailable(&create(&mut client, "during").await.unwrap_err());
    drop(process);
    disk.mend();

    let process = disk.start();
    let there = names_of_pools(process.client().await).await;
    drop(process);

    assert_eq!(there, ["before"]);
    assert_eq!(verify(&disk.path()), (Some(0), String::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_deleted_under_load_takes_only_what_was_in_it() {
    let disk = Disk::new();
    let process = disk.start();
    let client = process.client().await;
    for round in 0..5 {
        let calls = (0..20).map(|number| {
            let (mut client, name) = (client.clone(), format!("{round} {number}"));
            tokio::spawn(async move { create(&mut client, &name).await.unwrap() })
        });
        let calls: Vec<_> = calls.collect();
        fs::remove_file(disk.path()).unwrap();
        for call in calls {
            call.await.unwrap();
        }
        create(&mut client.clone(), &format!("after {round}"))
            .await
            .unwrap();
        assert!(disk.pools_intended().contains(&format!("after {round}")));
    }
    drop(process);

    let records = records(&disk.path());
    let seqs: Vec<u64> = records
        .iter()
        .map(|record| record["additionalEventData"]["seq"].as_u64().unwrap())
        .collect();
    assert!(seqs[0] > 1);
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1));
    assert_eq!(records[0]["serviceEventDetails"]["reason"], "moved");
    assert_eq!(verify(&disk.path()), (Some(0), String::new()));
}

/// Standard output is the journal, and goes to a pipe that nobody reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_that_nobody_reads_lets_nobody_wait_and_nothing_be_made() {
    let (mut read, write) = std::io::pipe().unwrap();
    let process = Process::start_with_output(&[("POOLGATE_AUDIT__STDOUT", "true")], write);
    let mut client = process.client().await;
    let mut made = 0;
    let refused = loop {
        let begun = Instant::now();
        let answer = create(&mut client, &format!("pool {made}")).await;
        assert!(begun.elapsed() < MOST, "{:?}", begun.elapsed());
        match answer {
            Ok(()) => made += 1,
            Err(refused) => break refused,
        }
    };
    let again = Instant::now();
    assert_unavailable(&list(&mut client).await.unwrap_err());
    assert!(again.elapsed() < Duration::from_secs(1), "nobody waits now");
    match refused.code() {
        // Made, and its outcome could not be recorded.
        Code::Unknown => made += 1,
        _ => assert_unavailable(&refused),
    }

    let (shown, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let lines = std::io::BufRead::lines(std::io::BufReader::new(&mut read));
        for line in lines.map_while(Result::ok) {
            let record: Value = serde_json::from_str(&line).unwrap();
            if shown.send(record).is_err() {
                return;
            }
        }
    });
    let read = Instant::now();
    while let Err(refused) = list(&mut client).await {
        assert_unavailable(&refused);
        assert!(read.elapsed() < Duration::from_secs(2), "{refused:?}");
    }
    let there = names_of_pools(client).await;
    drop(process);
    let records: Vec<Value> = lines.iter().collect();

    assert!(made > 0);
    assert_eq!(there.len(), made);
    let intended = intents(&records).into_iter();
    let intended: BTreeSet<&str> = intended
        .filter_map(|intent| intent["requestParameters"]["identityPoolName"].as_str())
        .collect();
    assert!(there.iter().all(|name| intended.contains(name.as_str())));
    for (number, record) in records.iter().enumerate() {
        assert_eq!(record["additionalEventData"]["seq"], number + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_does_not_wait_for_a_journal_that_cannot_be_written() {
    let (_read, write) = std::io::pipe().unwrap();
    let environment = [
        ("POOLGATE_AUDIT__STDOUT", "true"),
        ("POOLGATE_SERVER__DRAIN_NOTICE", "0s"),
    ];
    let process = Process::start_with_output(&environment, write);
    let mut client = process.client().await;
    let mut made = 0;
    while create(&mut client, &format!("pool {made}")).await.is_ok() {
        made += 1;
    }
    drop(client);
    process.signal("TERM");
    process.wait_for_log("drain: ended", 1);
    let told = Instant::now();

    let (code, logged) = process.terminate();

    assert!(told.elapsed() < Duration::from_secs(3), "{logged:?}");
    assert_eq!(code, Some(UNRECORDED), "{logged:?}");
}

/// A power cut takes what was written and not synced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_power_cut_leaves_of_the_journal_knows_of_every_pool() {
    let disk = Disk::new();
    let mut made = 0;
    for round in 0..5 {
        let process = disk.start();
        let mut writers = Vec::new();
        for writer in 0..4 {
            let client = process.client().await;
            writers.push(tokio::spawn(create_until_it_ends(
                client,
                format!("{round} {writer}"),
            )));
        }
        // Reads are written without a sync, so that there is something to lose.
        let mut reader = process.client().await;
        for _ in 0..20 * (round + 1) {
            list(&mut reader).await.unwrap();
        }
        drop(process);
        for writer in writers {
            made += writer.await.unwrap();
        }
        disk.lose_what_is_not_synced();
    }
    let intended = disk.pools_intended();

    let process = disk.start();
    let there = names_of_pools(process.client().await).await;
    drop(process);

    assert!(there.len() >= made && made > 0);
    let unrecorded: Vec<_> = there
        .iter()
        .filter(|name| !intended.contains(*name))
        .collect();
    assert_eq!(unrecorded, Vec::<&String>::new());
    assert_eq!(verify(&disk.path()), (Some(0), String::new()));
}

/// A disk for a journal; the emulator's pools are on another one.
struct Disk {
    directory: TempDir,
}

impl Disk {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        fs::create_dir(directory.path().join("disk")).unwrap();
        Self { directory }
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn path(&self) -> PathBuf {
        self.beside("disk/audit.jsonl")
    }

    fn start(&self) -> Process {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let environment = [
            ("LD_PRELOAD", text(&LIBRARY.1)),
            ("FAILING_DISK", text(&self.beside("disk"))),
            ("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0".to_owned()),
            ("POOLGATE_AUDIT__FILE", text(&self.path())),
            ("POOLGATE_AUDIT__SYNC", "changes".to_owned()),
            ("POOLGATE_EMULATOR__DATA_DIR", text(&self.beside("data"))),
        ];
        let environment: Vec<_> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        Process::start(&environment)
    }

    /// Every such call fails from now on.
    fn fail(&self, call: &str, error: i32) {
        let next = self.beside("next");
        fs::write(&next, format!("{call} {error}\n")).unwrap();
        fs::rename(next, self.beside("disk.fault")).unwrap();
    }

    fn mend(&self) {
        fs::remove_file(self.beside("disk.fault")).unwrap();
    }

    fn lose_what_is_not_synced(&self) {
        let synced = fs::read_to_string(self.beside("disk.synced")).unwrap();
        let file = fs::File::options().write(true).open(self.path()).unwrap();
        file.set_len(synced.parse().unwrap()).unwrap();
    }

    /// The names of pools of which the disk says that they were to be made. The end of
    /// the file may be half a line.
    fn pools_intended(&self) -> BTreeSet<String> {
        let text = fs::read_to_string(self.path()).unwrap();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let records: Vec<Value> = lines.collect();
        let names = intents(&records).into_iter();
        names
            .filter_map(|intent| intent["requestParameters"]["identityPoolName"].as_str())
            .map(str::to_owned)
            .collect()
    }
}

/// The library that makes a disk fail, and the folder that it is in.
static LIBRARY: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let directory = TempDir::new().unwrap();
    let library = directory.path().join("failing_disk.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/failing_disk.c");
    let compiled = Command::new("cc")
        .args(["-O1", "-Wall", "-Werror", "-fPIC", "-shared", "-o"])
        .args([&library, &source])
        .status();
    assert!(compiled.unwrap().success(), "it wants a C compiler");
    (directory, library)
});

/// Waits until operators are told so.
async fn is_failing(process: &Process, value: usize) {
    let told = |metrics: &Metrics| metrics.sum("poolgate_audit_failing") == value;
    metrics::until(process.admin().unwrap(), told).await;
}

fn assert_unavailable(refused: &Status) {
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "AUDIT_UNAVAILABLE");
    assert!(details.retry_info().is_some());
}

async fn create(client: &mut Client, name: &str) -> Result<(), Status> {
    let request = pool_named(name);
    client.create_identity_pool(request).await.map(drop)
}

/// Makes pools until nobody answers. How many were made.
async fn create_until_it_ends(mut client: Client, name: String) -> usize {
    let mut count = 0;
    while create(&mut client, &format!("{name} {count}"))
        .await
        .is_ok()
    {
        count += 1;
    }
    count
}

async fn list(client: &mut Client) -> Result<(), Status> {
    let request = pb::ListIdentityPoolsRequest::default();
    client.list_identity_pools(request).await.map(drop)
}
