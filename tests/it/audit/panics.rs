//! A call that panics has a record like any other.

use std::sync::Arc;

use poolgate::audit::{Journal, Meter, Origin, Recorder, Settings, Sync};
use poolgate::clock::Clock;
use poolgate::layers;
use poolgate::pb;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::server::{self, Rules, stack};
use tonic::Code;

use crate::support::app::App;
use crate::support::house::LONG;
use crate::support::records::{intents, named, outcomes, records, request_id};
use crate::support::wire::Wire;

struct Nobody;

impl Meter for Nobody {
    fn written(&self, _: usize, _: usize, _: bool) {}
    fn failed(&self) {}
}

#[tokio::test]
async fn calls_that_panic_are_answered_and_have_one_record_each() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let clock = Clock::system();
    let settings = Settings {
        file: Some(path.clone()),
        ..Settings::default()
    };
    let origin = Origin {
        region: "us-east-1".to_owned(),
        account_id: None,
        instance: "test".to_owned(),
    };
    let nobody: Arc<dyn Meter> = Arc::new(Nobody);
    let closed = Box::new(|| ());
    let journal = Journal::open(
        &settings,
        origin.clone(),
        &clock,
        nobody,
        Vec::new(),
        closed,
    );
    let recorder = Recorder::new(journal.unwrap(), origin, None, Sync::All, clock.clone());
    let recorder = Arc::new(recorder);
    let app = App::wire(&Wire::answering(|_| panic!("planted"))).await;
    let (callers, policies) = Default::default();
    let rules = Rules::open(&callers, &policies, &clock).unwrap();
    let meter: Arc<dyn layers::Meter> = app.meter.clone();
    let routes = stack::inner(
        &server::Settings::default(),
        &rules,
        Some(Arc::clone(&recorder)),
        Arc::clone(&app.upstream),
        &meter,
        &clock,
    );
    let mut client = CognitoIdentityServiceClient::new(stack::outer(routes, meter, &clock));

    for number in 0..20 {
        let id = format!("call-{number}");
        let pool_id = "us-east-1:00000000-0000-4000-8000-000000000000".to_owned();
        // The read panics where its caller waits, the write in a task of its own.
        let code = match number % 2 {
            0 => {
                let message = pb::DescribeIdentityPoolRequest {
                    identity_pool_id: pool_id,
                };
                let answer = client.describe_identity_pool(named(message, &id)).await;
                answer.unwrap_err().code()
            }
            _ => {
                let message = pb::DeleteIdentityPoolRequest {
                    identity_pool_id: pool_id,
                };
                let answer = client.delete_identity_pool(named(message, &id)).await;
                answer.unwrap_err().code()
            }
        };
        assert_eq!(code, Code::Internal);
        let records = records(&path);
        let found = outcomes(&records);
        let mut found = found.iter().filter(|record| request_id(record) == id);
        let record = found.next().expect("it is there before its answer");
        assert_eq!(record["additionalEventData"]["grpcStatus"], "Internal");
        assert!(found.next().is_none(), "{id} has two records");
    }

    recorder.close(LONG).await.unwrap();
    let records = records(&path);
    assert_eq!(outcomes(&records).len(), 20);
    assert_eq!(intents(&records).len(), 10);
}
