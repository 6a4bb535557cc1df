//! While the journal cannot be written, nothing is done; afterwards nothing is missing.

use std::fs;
use std::time::{Duration, Instant};

use poolgate::pb;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::examples::pool_named;
use crate::support::guarded::Channel;
use crate::support::house::{House, Rules};
use crate::support::records::{intents, outcomes, records};

const CALLERS: &str = "[[tokens]]\nname = \"shop\"\nsha256 = \"{shop}\"\nroles = [\"admin\"]\n";
const POLICIES: &str = r#"@id("all") permit (principal, action, resource);"#;

/// The longest that a caller waits for an answer (reference: security, T-A2).
const MOST: Duration = Duration::from_millis(2_100);

type Client = CognitoIdentityServiceClient<Channel>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_cannot_be_written_stops_everything_until_it_can() {
    let rules =
        Rules::new(CALLERS, &["shop"], POLICIES).and("POOLGATE_AUDIT__FILE", "{}/audit.jsonl");
    let house = House::start(rules).await;
    let mut client = CognitoIdentityServiceClient::new(house.channel("shop").await);
    create(&mut client, "before").await.unwrap();
    let path = house.path("audit.jsonl");
    let before = house.path("before.jsonl");

    // Somebody moves the file, and something else stands where the next one has to be.
    fs::rename(&path, &before).unwrap();
    fs::create_dir(&path).unwrap();
    for name in ["first", "second", "third"] {
        let begun = Instant::now();
        let refused = create(&mut client, name).await.unwrap_err();
        assert!(begun.elapsed() < MOST, "{:?}", begun.elapsed());
        assert_eq!(refused.code(), Code::Unavailable, "{refused}");
        let details = refused.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "AUDIT_UNAVAILABLE");
        assert!(details.retry_info().is_some());
    }
    let refused = list(&mut client).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);

    fs::remove_dir(&path).unwrap();
    let recovered = Instant::now();
    let pools = loop {
        match list(&mut client).await {
            Ok(pools) => break pools,
            Err(refused) => assert_eq!(refused.code(), Code::Unavailable),
        }
        assert!(recovered.elapsed() < Duration::from_secs(2));
    };
    assert_eq!(pools, ["before"], "nothing was made without a record");
    create(&mut client, "after").await.unwrap();

    let old = records(&before);
    let new = records(&path);
    for (number, record) in old.iter().chain(&new).enumerate() {
        assert_eq!(record["additionalEventData"]["seq"], number + 1);
    }
    let refused: Vec<_> = outcomes(&new)
        .into_iter()
        .filter(|record| record["errorCode"] == "AUDIT_UNAVAILABLE")
        .collect();
    assert!(refused.len() >= 4, "refused calls have a record as well");
    let intended = intents(&new).len();
    // One for the first call, which was not known to fail yet, and one for the last.
    assert!((1..=2).contains(&intended), "{intended} intents");
}

async fn create(client: &mut Client, name: &str) -> Result<(), Status> {
    let request = pool_named(name);
    client.create_identity_pool(request).await.map(drop)
}

async fn list(client: &mut Client) -> Result<Vec<String>, Status> {
    let request = pb::ListIdentityPoolsRequest::default();
    let pools = client.list_identity_pools(request).await?.into_inner();
    let pools = pools.identity_pools.into_iter();
    Ok(pools.map(|pool| pool.identity_pool_name).collect())
}
