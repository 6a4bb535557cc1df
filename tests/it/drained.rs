//! A process that is told to end while calls are made.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use poolgate::operation::Operation;
use poolgate::pb::CreateIdentityPoolRequest;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::examples::pool_named;
use crate::support::process::Process;
use crate::support::raw::RawPeer;
use crate::support::records::{named, outcomes, records, request_id};
use crate::support::siege::head;

const NOTICE: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(2);
/// Something was cut: here the call whose message never ends.
const CUT: i32 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_on_the_emulators_port_has_no_more_time_than_others() {
    let process = Process::start(&[
        ("POOLGATE_EMULATOR__LISTEN", "127.0.0.1:0"),
        ("POOLGATE_SERVER__DRAIN_NOTICE", "1s"),
        ("POOLGATE_SERVER__DRAIN_GRACE", "2s"),
    ]);
    let begun: serde_json::Value = serde_json::from_str(&process.log()[0]).unwrap();
    let port = begun["aws_port"].as_str().unwrap();
    let mut half = TcpStream::connect(port).await.unwrap();
    let request = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{";
    half.write_all(request).await.unwrap();
    let mut endless = RawPeer::connect(process.address.parse().unwrap()).await;
    endless
        .write(&head(1, Operation::ListIdentityPools, 0))
        .await;

    let told = Instant::now();
    let (code, _) = process.terminate();

    let took = told.elapsed();
    assert!(took < NOTICE + GRACE + Duration::from_secs(1), "{took:?}");
    assert_eq!(code, Some(CUT));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_well_loses_no_answer_and_who_does_not_holds_nobody() {
    let folder = tempfile::TempDir::new().unwrap();
    let journal = folder.path().join("audit.jsonl");
    let process = Process::start(&[
        ("POOLGATE_AUDIT__FILE", journal.to_str().unwrap()),
        ("POOLGATE_SERVER__DRAIN_NOTICE", "1s"),
        ("POOLGATE_SERVER__DRAIN_GRACE", "2s"),
        ("POOLGATE_LOG__LEVEL", "info,poolgate::layers=warn"),
    ]);
    let address = process.address.parse().unwrap();
    let _silent = TcpStream::connect(address).await.unwrap();
    let _idle = RawPeer::connect(address).await;
    let mut endless = RawPeer::connect(address).await;
    let begun = head(1, Operation::ListIdentityPools, 0);
    endless.write(&begun).await;
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let mut client = process.client().await;
        callers.spawn(async move {
            let mut answered = BTreeSet::new();
            for call in 0.. {
                let id = format!("{caller}-{call}");
                let request: CreateIdentityPoolRequest = pool_named("drained");
                // Until nobody is there any more.
                if client
                    .create_identity_pool(named(request, &id))
                    .await
                    .is_err()
                {
                    break;
                }
                answered.insert(id);
            }
            answered
        });
    }
    // In the middle of the load.
    tokio::time::sleep(Duration::from_millis(500)).await;

    let told = Instant::now();
    let (code, _) = tokio::task::spawn_blocking(|| process.terminate())
        .await
        .unwrap();
    let took = told.elapsed();
    let answered: BTreeSet<String> = callers.join_all().await.into_iter().flatten().collect();

    let records = records(&journal);
    let made = outcomes(&records).into_iter();
    let made: BTreeSet<String> = made
        .filter(|record| record.get("errorCode").is_none())
        .map(|record| request_id(record).to_owned())
        .collect();
    let lost: Vec<_> = made.difference(&answered).collect();
    println!("{} answered, the end took {took:?}", answered.len());
    assert!(lost.is_empty(), "{lost:?} of {}", made.len());
    // As many as the machine bears, and some of each.
    assert!(answered.len() > 8, "{}", answered.len());
    assert!(took < NOTICE + GRACE + Duration::from_secs(1), "{took:?}");
    assert_eq!(code, Some(CUT));
}
