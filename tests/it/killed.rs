//! poolgate is killed in the middle of its work, and nothing that it has acknowledged is
//! lost.

use std::sync::{Arc, Mutex};

use poolgate::pb;
use tokio::sync::Notify;

use crate::support::process::Process;

const ROUNDS: usize = 50;
const WRITERS: usize = 4;

type Client =
    pb::cognito_identity_service_client::CognitoIdentityServiceClient<tonic::transport::Channel>;

/// What poolgate has said that there is.
#[derive(Clone, Default)]
struct Acknowledged {
    things: Arc<Mutex<Vec<Thing>>>,
    one_more: Arc<Notify>,
}

#[derive(Clone)]
enum Thing {
    Pool(String),
    Identity(String),
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_while_it_writes_loses_nothing_it_acknowledged() {
    let directory = tempfile::TempDir::new().unwrap();
    let data_dir = directory.path().to_str().unwrap();
    let environment = [("POOLGATE_EMULATOR__DATA_DIR", data_dir)];
    let mut all = Vec::new();
    let mut last = Vec::new();
    for round in 0..ROUNDS {
        let process = Process::start(&environment);
        let client = process.client().await;
        for thing in &last {
            check(client.clone(), thing).await;
        }
        all.append(&mut last);

        let acknowledged = Acknowledged::default();
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| tokio::spawn(write(client.clone(), acknowledged.clone())))
            .collect();
        // Each round dies at another point of the writers' work.
        while acknowledged.count() < 1 + round % 11 {
            acknowledged.one_more.notified().await;
        }
        drop(process);
        for writer in writers {
            writer.await.unwrap();
        }
        last = acknowledged.things.lock().unwrap().clone();
        assert!(!last.is_empty());
    }
    all.append(&mut last);
    assert!(all.iter().any(|thing| matches!(thing, Thing::Identity(_))));

    let process = Process::start(&environment);
    let client = process.client().await;
    for thing in &all {
        check(client.clone(), thing).await;
    }
}

/// Makes a pool and then guests in it, until nobody answers.
async fn write(mut client: Client, acknowledged: Acknowledged) {
    let request = pb::CreateIdentityPoolRequest {
        identity_pool_name: "pool".to_owned(),
        allow_unauthenticated_identities: Some(true),
        ..Default::default()
    };
    let Ok(answer) = client.create_identity_pool(request).await else {
        return;
    };
    let identity_pool_id = answer.into_inner().identity_pool.unwrap().identity_pool_id;
    acknowledged.add(Thing::Pool(identity_pool_id.clone()));
    let guest = pb::GetIdRequest {
        identity_pool_id,
        ..Default::default()
    };
    while let Ok(answer) = client.get_id(guest.clone()).await {
        acknowledged.add(Thing::Identity(answer.into_inner().identity_id));
    }
}

async fn check(mut client: Client, thing: &Thing) {
    let found = match thing.clone() {
        Thing::Pool(identity_pool_id) => client
            .describe_identity_pool(pb::DescribeIdentityPoolRequest { identity_pool_id })
            .await
            .map(drop),
        Thing::Identity(identity_id) => client
            .describe_identity(pb::DescribeIdentityRequest { identity_id })
            .await
            .map(drop),
    };
    found.unwrap();
}

impl Acknowledged {
    fn add(&self, thing: Thing) {
        self.things.lock().unwrap().push(thing);
        self.one_more.notify_one();
    }

    fn count(&self) -> usize {
        self.things.lock().unwrap().len()
    }
}
