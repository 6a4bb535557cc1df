//! Limits that replicas share through Redis: real servers of it, and poolgate over real
//! sockets.

mod cluster;
mod faults;
mod replica;
mod servers;

use std::time::Duration;

use poolgate::operation::Operation;
use poolgate::quota::OnStoreFailure;

use crate::support::redis_server::RedisServer;
use replica::Replica;

/// Long enough for a busy machine to be no failure.
const PATIENT: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_under_load_admit_together_what_the_limit_says() {
    let server = RedisServer::start();
    let rate = 400;
    let limits = format!("[[limits]]\nname = \"one\"\nwindows = [\"{rate}/s burst 40\"]\n");
    let replicas: Vec<Replica> = {
        let mut replicas = Vec::new();
        for _ in 0..3 {
            let url = server.url();
            replicas.push(Replica::start(&url, &limits, 3, OnStoreFailure::Local, PATIENT).await);
        }
        replicas
    };

    // Each is asked by eight at once, without a pause.
    let began = std::time::Instant::now();
    let until = began + Duration::from_secs(3);
    let asking: Vec<_> = replicas
        .iter()
        .flat_map(|replica| (0..8).map(move |_| tokio::spawn(replica.clone().ask_until(until))))
        .collect();
    let mut admitted = 0;
    for asking in asking {
        admitted += asking.await.unwrap();
    }

    let seconds = began.elapsed().as_secs_f64();
    let most = 40.0 + f64::from(rate) * seconds;
    let share = f64::from(admitted) / most;
    println!("{admitted} of {most:.1} in {seconds:.2} s: {share:.4}");
    assert!((0.98..=1.0001).contains(&share), "{admitted} of {most}");
    for replica in &replicas {
        assert!(!replica.is_degraded());
        assert_eq!(replica.count("poolgate_quota_store_missed_total"), 0);
    }
}

#[tokio::test]
async fn keys_say_nothing_of_who_calls_and_go_when_nothing_is_owed() {
    let server = RedisServer::start();
    let limits = "[[limits]]\nname = \"one\"\nwindows = [\"5/s burst 10\", \"1000/min\"]\n";
    let replica = Replica::start(&server.url(), limits, 1, OnStoreFailure::Local, PATIENT).await;

    assert!(
        replica
            .ask("ann", Operation::ListIdentityPools)
            .await
            .is_ok()
    );

    let keys = server.ask("KEYS poolgate:*");
    let of_ann: Vec<&str> = keys.lines().filter(|key| !key.contains("{0000")).collect();
    assert_eq!(of_ann.len(), 2, "one for each window: {keys}");
    for key in of_ann {
        // 32 digits of who calls in braces, and 32 of the window.
        assert_eq!(key.len(), "poolgate:{}".len() + 64, "{key}");
        let left: u64 = server.ask(&format!("PTTL {key}")).parse().unwrap();
        assert!(left <= 202, "{key} is kept for {left} ms");
    }
    server.until("KEYS poolgate:*", str::is_empty);
}

#[tokio::test]
async fn decisions_take_one_round_trip() {
    let server = RedisServer::start();
    let limits = "[[limits]]\nname = \"one\"\nwindows = [\"5/s burst 10\", \"1000/min\"]\n\
         [[limits]]\nname = \"tried\"\nshadow = true\nwindows = [\"2/s\"]\n";
    let replica = Replica::start(&server.url(), limits, 1, OnStoreFailure::Local, PATIENT).await;
    let calls = || {
        let stats = server.ask("INFO commandstats");
        let line = stats
            .lines()
            .find(|line| line.starts_with("cmdstat_evalsha:"));
        let calls = line.unwrap().split(['=', ',']).nth(1).unwrap();
        let others = stats.contains("cmdstat_script");
        (calls.parse::<u32>().unwrap(), others)
    };
    let (before, _) = calls();

    for _ in 0..20 {
        let _ = replica.ask("ann", Operation::ListIdentityPools).await;
    }

    assert_eq!(calls(), (before + 20, false));
}
