//! What AWS answered is in the record, also where it answered several times.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use poolgate::audit::who::{Filter, Find, search};
use poolgate::audit::{Journal, Listing, Meter, Origin, Recorder, Settings, Sync};
use poolgate::clock::Clock;
use poolgate::pb;
use prost_types::FieldMask;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::app::App;
use crate::support::fake_aws::FakeAws;
use crate::support::guarded::{EVERYTHING, Guarded};
use crate::support::house::LONG;
use crate::support::records::{named, outcomes, records};
use crate::support::wire::Wire;

const POOL: &str = "us-east-1:0a";

#[tokio::test]
async fn every_request_that_aws_answered_is_named() {
    let aws = FakeAws::answering(|_, number| {
        let (status, body) = match number {
            0 => ("500 Internal Server Error", error("InternalErrorException")),
            _ => ("200 OK", pool()),
        };
        let body = body.to_string();
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\n\
             content-length: {length}\r\nx-amzn-requestid: request-{number}\r\n\r\n{body}"
        )
        .into_bytes()
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let guarded = Guarded::start_with(
        &aws.url,
        EVERYTHING,
        &[("POOLGATE_AUDIT__FILE", path.to_str().unwrap())],
    );
    let mut client = guarded.client().await;
    let describe = || pb::DescribeIdentityPoolRequest {
        identity_pool_id: POOL.to_owned(),
    };

    for id in ["twice", "once"] {
        let answer = client.describe_identity_pool(named(describe(), id)).await;
        answer.unwrap();
    }

    let records = records(&path);
    let outcomes = outcomes(&records);
    let (twice, once) = (outcomes[0], outcomes[1]);
    assert_eq!(twice["requestID"], "request-1");
    let more = &twice["additionalEventData"];
    assert_eq!(more["attempts"], 2);
    assert_eq!(more["awsRequestIds"], json!(["request-0", "request-1"]));
    assert_eq!(once["requestID"], "request-2");
    assert_eq!(once["additionalEventData"]["awsRequestIds"], Value::Null);
    assert_eq!(found(&path, "request-0"), ["twice"]);
}

/// The names of calls that a search for a request's identifier finds.
fn found(path: &Path, id: &str) -> Vec<String> {
    let filter = Filter {
        request_id: Some(id.to_owned()),
        ..Filter::default()
    };
    let mut found = Vec::new();
    let listing = Listing::of(path).unwrap();
    let mut take = |find: &Find<'_>| {
        let name = &find.record["additionalEventData"]["requestId"];
        found.push(name.as_str().unwrap().to_owned());
        ControlFlow::Continue(())
    };
    search(&listing, &filter, &mut take, &mut |_| {});
    found
}

/// AWS refuses the first try of a change, because somebody else changed the pool; the
/// caller goes away during the second, which AWS makes.
#[tokio::test]
async fn a_change_that_was_tried_twice_is_recorded_as_it_ended_also_without_its_caller() {
    let gate = Arc::new(Semaphore::new(1));
    let updates = AtomicUsize::new(0);
    let wire = Wire::answering(move |sent| match sent.operation.as_str() {
        "UpdateIdentityPool" if updates.fetch_add(1, Ordering::SeqCst) == 0 => {
            (400, error("ConcurrentModificationException"))
        }
        _ => (200, pool()),
    });
    let wire = wire.holding("UpdateIdentityPool", &gate);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let recorder = recorder(&path);
    let app = App::recorded(&wire, Arc::clone(&recorder)).await;
    let mut client = app.client.clone();
    let request = pb::UpdateIdentityPoolRequest {
        identity_pool: Some(pb::IdentityPool {
            identity_pool_id: POOL.to_owned(),
            identity_pool_name: "new".to_owned(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["identity_pool_name".to_owned()],
        }),
    };
    let mut update = Box::pin(client.update_identity_pool(named(request, "update")));
    while wire.sent().len() < 4 {
        assert!(futures_util::poll!(update.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }

    drop(update);
    gate.add_permits(1);
    app.writes.close();
    app.writes.wait().await;
    recorder.close(LONG).await.unwrap();

    let records = records(&path);
    let outcomes = outcomes(&records);
    assert_eq!(outcomes.len(), 1);
    let record = outcomes[0];
    assert_eq!(record["errorCode"], Value::Null, "{record}");
    assert_eq!(record["responseElements"]["identityPoolId"], POOL);
    assert_eq!(record["additionalEventData"]["callerSaw"], "Canceled");
    assert_eq!(record["additionalEventData"]["attempts"], 2);
}

fn recorder(path: &Path) -> Arc<Recorder> {
    let settings = Settings {
        file: Some(path.to_owned()),
        ..Settings::default()
    };
    let origin = Origin {
        region: "us-east-1".to_owned(),
        account_id: None,
        instance: "test".to_owned(),
    };
    let clock = Clock::system();
    let (meter, closed) = (Arc::new(Nobody), Box::new(|| ()));
    let journal = Journal::open(&settings, origin.clone(), &clock, meter, Vec::new(), closed);
    let recorder = Recorder::new(journal.unwrap(), origin, None, Sync::All, clock);
    Arc::new(recorder)
}

struct Nobody;

impl Meter for Nobody {
    fn written(&self, _: usize, _: usize, _: bool) {}
    fn failed(&self) {}
}

fn error(code: &str) -> Value {
    json!({"__type": code, "message": "as told"})
}

fn pool() -> Value {
    json!({
        "IdentityPoolId": POOL, "IdentityPoolName": "p", "AllowUnauthenticatedIdentities": false,
    })
}
