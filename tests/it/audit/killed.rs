//! poolgate is killed in the middle of changes, and its journal knows of every one of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use poolgate::pb;
use tokio::sync::Notify;

use crate::support::examples::pool_named;
use crate::support::process::Process;
use crate::support::records::{intents, outcomes, records};
use crate::support::told::told;

const WRITERS: usize = 8;

type Client =
    pb::cognito_identity_service_client::CognitoIdentityServiceClient<tonic::transport::Channel>;

/// As many as `POOLGATE_TEST_AUDIT_KILLS` says.
fn rounds() -> usize {
    told("POOLGATE_TEST_AUDIT_KILLS").unwrap_or(20)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pool_that_is_there_after_a_kill_was_intended_in_the_journal() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("audit.jsonl");
    let data_dir = directory.path().join("data");
    let environment = [
        ("POOLGATE_EMULATOR__DATA_DIR", data_dir.to_str().unwrap()),
        ("POOLGATE_AUDIT__FILE", path.to_str().unwrap()),
    ];
    let named = Arc::new(AtomicUsize::new(0));
    for round in 0..rounds() {
        let process = Process::start(&environment);
        let client = process.client().await;
        let one_more = Arc::new(Notify::new());
        let made = Arc::new(AtomicUsize::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (named, made) = (Arc::clone(&named), Arc::clone(&made));
                tokio::spawn(write(client.clone(), named, made, Arc::clone(&one_more)))
            })
            .collect();
        // Each round dies at another point of the writers' work.
        while made.load(Ordering::SeqCst) < 1 + round % 23 {
            one_more.notified().await;
        }
        drop(process);
        for writer in writers {
            writer.await.unwrap();
        }
    }

    let process = Process::start(&environment);
    let there = names_of_pools(process.client().await).await;
    drop(process);
    // The last one was killed as well, but had nothing to do.
    let records = records(&path);
    let intended: BTreeSet<&str> = intents(&records)
        .into_iter()
        .filter_map(|intent| intent["requestParameters"]["identityPoolName"].as_str())
        .collect();
    let unrecorded: Vec<_> = there
        .iter()
        .filter(|name| !intended.contains(name.as_str()))
        .collect();
    assert!(there.len() > rounds());
    assert_eq!(unrecorded, Vec::<&String>::new());
    let unknown = outcomes(&records)
        .into_iter()
        .filter(|outcome| !outcome["addendum"].is_null())
        .count();
    assert!(unknown > 0, "no kill came in the middle of a change");
    assert_eq!(verify(&path), (Some(0), String::new()));
}

/// Makes pools until nobody answers.
async fn write(
    mut client: Client,
    named: Arc<AtomicUsize>,
    made: Arc<AtomicUsize>,
    one_more: Arc<Notify>,
) {
    loop {
        let number = named.fetch_add(1, Ordering::SeqCst);
        let request = pool_named(&format!("pool {number}"));
        if client.create_identity_pool(request).await.is_err() {
            return;
        }
        made.fetch_add(1, Ordering::SeqCst);
        one_more.notify_one();
    }
}

pub async fn names_of_pools(mut client: Client) -> Vec<String> {
    let mut names = Vec::new();
    let mut next_token = String::new();
    loop {
        let request = pb::ListIdentityPoolsRequest {
            max_results: 60,
            next_token,
        };
        let page = client
            .list_identity_pools(request)
            .await
            .unwrap()
            .into_inner();
        let pools = page.identity_pools.into_iter();
        names.extend(pools.map(|pool| pool.identity_pool_name));
        next_token = page.next_token;
        if next_token.is_empty() {
            return names;
        }
    }
}

/// The exit code of `poolgate audit verify`, and what it complains of.
pub fn verify(path: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .args(["audit", "verify"])
        .arg(path)
        .output()
        .unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), complaints)
}
