//! Redis Cluster.

use std::collections::BTreeSet;

use poolgate::operation::Operation;
use poolgate::quota::{OnStoreFailure, RedisSettings};

use super::PATIENT;
use super::replica::Replica;
use crate::support::redis_server::RedisServer;

const LIMITS: &str = "[[limits]]\nname = \"one\"\nwindows = [\"5/min\", \"1000/day\"]\n\
     [[limits]]\nname = \"tried\"\nshadow = true\nwindows = [\"2/min\"]\n";

fn cluster() -> RedisSettings {
    RedisSettings {
        cluster: true,
        timeout: PATIENT,
        ..RedisSettings::default()
    }
}

/// How many of seven calls of each caller two replicas admit.
async fn admitted(replicas: &[Replica], callers: &[String]) -> Vec<usize> {
    let mut all = Vec::new();
    for caller in callers {
        let mut admitted = 0;
        for number in 0..7 {
            let replica = &replicas[number % replicas.len()];
            let asked = replica.ask(caller, Operation::ListIdentityPools).await;
            admitted += usize::from(asked.is_ok());
        }
        all.push(admitted);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_keys_of_a_call_are_in_one_slot() {
    let server = RedisServer::start_cluster();
    // A client that knows nothing of clusters is told of every key that is elsewhere.
    for settings in [
        cluster(),
        RedisSettings {
            cluster: false,
            ..cluster()
        },
    ] {
        let begin = || {
            let settings = settings.clone();
            Replica::begin(&server.url(), LIMITS, 2, OnStoreFailure::Deny, settings)
        };
        let replicas = [begin(), begin()];
        for replica in &replicas {
            replica.until_degraded(false).await;
        }
        let callers: Vec<String> = (0..20)
            .map(|number| format!("{}-{number}", settings.cluster))
            .collect();

        assert_eq!(admitted(&replicas, &callers).await, [5; 20]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_counted_on_whatever_node_their_slot_is() {
    // Given a cluster of three nodes.
    let nodes = [(); 3].map(|()| RedisServer::start_with(&["--cluster-enabled", "yes"]));
    let slots = ["0 5460", "5461 10922", "10923 16383"];
    for (node, slots) in nodes.iter().zip(slots) {
        assert_eq!(node.ask(&format!("CLUSTER ADDSLOTSRANGE {slots}")), "OK");
    }
    for other in &nodes[1..] {
        nodes[0].ask(&format!("CLUSTER MEET 127.0.0.1 {}", other.port));
    }
    for node in &nodes {
        node.until("CLUSTER INFO", |info| {
            info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
        });
    }
    let begin = || Replica::begin(&nodes[0].url(), LIMITS, 2, OnStoreFailure::Deny, cluster());
    let replicas = [begin(), begin()];
    for replica in &replicas {
        replica.until_degraded(false).await;
    }
    let callers: Vec<String> = (0..30).map(|number| format!("caller-{number}")).collect();

    // When many callers call, then each has its own, and all nodes have some.
    assert_eq!(admitted(&replicas, &callers).await, [5; 30]);
    let sizes: BTreeSet<String> = nodes.iter().map(|node| node.ask("DBSIZE")).collect();
    assert!(!sizes.contains("0"), "{sizes:?}");
    for replica in &replicas {
        assert_eq!(replica.count("poolgate_quota_store_missed_total"), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_user_of_the_document_may_do_what_a_cluster_wants_as_well() {
    let text = std::fs::read_to_string("docs/quotas.md").unwrap();
    let shown = text.lines().find(|line| line.starts_with("ACL SETUSER"));
    let command = shown.unwrap().replace("PASSWORD", "s3cret");
    assert!(text.contains("`+cluster|slots`"));
    let server = RedisServer::start_cluster();
    assert_eq!(server.ask(&format!("{command} +cluster|slots")), "OK");
    let url = format!("redis://poolgate:s3cret@127.0.0.1:{}", server.port);

    let replica = Replica::begin(&url, LIMITS, 1, OnStoreFailure::Deny, cluster());
    replica.until_degraded(false).await;

    let asked = replica.ask("ann", Operation::ListIdentityPools).await;
    assert_eq!(asked, Ok(()));
    assert_eq!(replica.count("poolgate_quota_store_failures_total"), 0);
}
