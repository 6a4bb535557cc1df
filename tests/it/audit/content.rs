//! What the record of a call says.

use poolgate::pb;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use serde_json::{Value, json};
use tonic::{Request, Status};

use crate::support::guarded::Channel;
use crate::support::house::{House, Rules};
use crate::support::records::{self, intents, outcomes, records, request_id};

const CALLERS: &str = r#"
[[tokens]]
name = "shop"
sha256 = "{shop}"
roles = ["admin"]

[[tokens]]
name = "till"
sha256 = "{till}"
"#;

const POLICIES: &str = r#"
@id("shop") permit (principal == Poolgate::Caller::"token:shop", action, resource);
@id("no-tags") forbid (principal, action == Poolgate::Action::"ListTagsForResource", resource);
"#;

type Client = CognitoIdentityServiceClient<Channel>;

async fn house() -> House {
    let rules = Rules::new(CALLERS, &["shop", "till"], POLICIES)
        .and("POOLGATE_AUDIT__FILE", "{}/audit.jsonl");
    House::start(rules).await
}

async fn client(house: &House, caller: &str) -> Client {
    CognitoIdentityServiceClient::new(house.channel(caller).await)
}

fn named<T>(message: T, id: &str) -> Request<T> {
    let mut request = records::named(message, id);
    let metadata = request.metadata_mut();
    metadata.insert("x-forwarded-for", "198.51.100.7".parse().unwrap());
    request
}

/// The outcome of the call of this name. It is in the journal before its caller is
/// answered, so that nobody has to wait for it.
fn outcome(house: &House, id: &str) -> Value {
    let records = records(&house.path("audit.jsonl"));
    let mut found = outcomes(&records)
        .into_iter()
        .filter(|record| request_id(record) == id);
    let outcome = found
        .next()
        .unwrap_or_else(|| panic!("no record of {id}"))
        .clone();
    assert!(found.next().is_none(), "{id} has two records");
    outcome
}

async fn create(client: &mut Client, id: &str) -> Result<String, Status> {
    let request = pb::CreateIdentityPoolRequest {
        identity_pool_name: "shop".to_owned(),
        allow_unauthenticated_identities: Some(true),
        identity_pool_tags: [("team".to_owned(), "blue".to_owned())].into(),
        ..Default::default()
    };
    let answer = client.create_identity_pool(named(request, id)).await?;
    Ok(answer.into_inner().identity_pool.unwrap().identity_pool_id)
}

#[tokio::test]
async fn a_change_says_who_made_it_and_what_came_of_it() {
    let house = house().await;
    let pool = create(&mut client(&house, "shop").await, "one")
        .await
        .unwrap();

    let record = outcome(&house, "one");

    assert_eq!(record["eventName"], "CreateIdentityPool");
    assert_eq!(record["eventSource"], "cognito-identity.amazonaws.com");
    assert_eq!(record["readOnly"], false);
    assert_eq!(record["errorCode"], Value::Null);
    assert_eq!(record["userIdentity"]["type"], "StaticToken");
    assert_eq!(record["userIdentity"]["principalId"], "token:shop");
    assert_eq!(record["sourceIPAddress"], "127.0.0.1");
    assert_eq!(record["awsRegion"], "us-east-1");
    assert_eq!(record["recipientAccountId"], "123456789012");
    let parameters = &record["requestParameters"];
    assert_eq!(parameters["identityPoolName"], "shop");
    assert_eq!(parameters["allowUnauthenticatedIdentities"], true);
    assert_eq!(parameters["allowClassicFlow"], Value::Null);
    let tag = &parameters["identityPoolTags"]["team"];
    assert_eq!(tag, "HIDDEN_DUE_TO_SECURITY_REASONS");
    assert_eq!(record["responseElements"]["identityPoolId"], *pool);
    let arn = format!("arn:aws:cognito-identity:us-east-1:123456789012:identitypool/{pool}");
    assert_eq!(record["resources"][0]["ARN"], arn);
    let more = &record["additionalEventData"];
    assert_eq!(more["grpcStatus"], "OK");
    assert_eq!(more["decision"], "allowed");
    assert_eq!(more["policyIds"], json!(["shop"]));
    assert_eq!(more["attempts"], 1);
    assert_eq!(more["unverified"]["xForwardedFor"], "198.51.100.7");
    let records = records(&house.path("audit.jsonl"));
    let intent = intents(&records)[0];
    assert_eq!(intent["sharedEventID"], record["sharedEventID"]);
    assert_ne!(intent["eventID"], record["eventID"]);
    assert_eq!(intent["requestParameters"], record["requestParameters"]);
}

#[tokio::test]
async fn a_refused_call_says_why() {
    let house = house().await;
    let mut shop = client(&house, "shop").await;
    let pool = create(&mut shop, "one").await.unwrap();
    let described = |id: &str, pool: &str| {
        let identity_pool_id = pool.to_owned();
        named(pb::DescribeIdentityPoolRequest { identity_pool_id }, id)
    };
    let missing = "us-east-1:00000000-0000-4000-8000-000000000000";

    // None of these answers is of interest here.
    let _ = shop
        .describe_identity_pool(described("missing", missing))
        .await;
    let _ = shop
        .describe_identity_pool(described("malformed", "no id"))
        .await;
    let mut till = client(&house, "till").await;
    let _ = till.describe_identity_pool(described("till", &pool)).await;
    let mut nobody = client(&house, "nobody").await;
    let _ = nobody
        .describe_identity_pool(described("nobody", &pool))
        .await;
    let tags = pb::ListTagsForResourceRequest {
        resource_arn: format!(
            "arn:aws:cognito-identity:us-east-1:123456789012:identitypool/{pool}"
        ),
    };
    let _ = shop.list_tags_for_resource(named(tags, "forbidden")).await;

    for (id, code, status, decision, principal) in [
        (
            "missing",
            "ResourceNotFoundException",
            "NotFound",
            "allowed",
            "token:shop",
        ),
        (
            "malformed",
            "INVALID_FIELDS",
            "InvalidArgument",
            "",
            "token:shop",
        ),
        (
            "till",
            "NO_POLICY_PERMITS",
            "PermissionDenied",
            "not_permitted",
            "token:till",
        ),
        ("nobody", "UNAUTHENTICATED", "Unauthenticated", "", ""),
        (
            "forbidden",
            "POLICY_FORBIDS",
            "PermissionDenied",
            "forbidden",
            "token:shop",
        ),
    ] {
        let record = outcome(&house, id);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let more = &record["additionalEventData"];
        assert_eq!(text(&record["errorCode"]), code, "{id}");
        assert_eq!(text(&more["grpcStatus"]), status, "{id}");
        assert_eq!(text(&more["decision"]), decision, "{id}");
        assert_eq!(
            text(&record["userIdentity"]["principalId"]),
            principal,
            "{id}"
        );
        assert_eq!(record["responseElements"], Value::Null, "{id}");
    }
    assert_eq!(outcome(&house, "nobody")["userIdentity"]["type"], "Unknown");
    assert_eq!(outcome(&house, "nobody")["requestParameters"], Value::Null);
    assert!(
        intents(&records(&house.path("audit.jsonl"))).len() == 1,
        "only the pool was made"
    );
}

#[tokio::test]
async fn what_is_cut_is_named_as_the_record_has_it() {
    let house = house().await;
    let mut client = client(&house, "shop").await;
    let provider = |number| format!("arn:aws:iam::123456789012:oidc-provider/{number}.example");
    let request = pb::CreateIdentityPoolRequest {
        identity_pool_name: "shop".to_owned(),
        allow_unauthenticated_identities: Some(false),
        open_id_connect_provider_arns: (0..101).map(provider).collect(),
        ..Default::default()
    };

    client
        .create_identity_pool(named(request, "many"))
        .await
        .unwrap();

    let record = outcome(&house, "many");
    let providers = &record["requestParameters"]["openIdConnectProviderARNs"];
    assert_eq!(providers[100], "…(1 more)");
    let cut = &record["additionalEventData"]["truncated"];
    let expected = ["requestParameters", "responseElements"];
    let expected = expected.map(|side| format!("{side}.openIdConnectProviderARNs"));
    assert_eq!(*cut, json!(expected));
}

#[tokio::test]
async fn of_a_list_it_is_said_how_long_it_is_and_of_a_page_that_it_is_one() {
    let house = house().await;
    let mut client = client(&house, "shop").await;
    for id in ["one", "two", "three"] {
        create(&mut client, id).await.unwrap();
    }
    let list = |max_results, next_token: &str| pb::ListIdentityPoolsRequest {
        max_results,
        next_token: next_token.to_owned(),
    };

    let first = client
        .list_identity_pools(named(list(2, ""), "first"))
        .await;
    let token = first.unwrap().into_inner().next_token;
    let rest = client
        .list_identity_pools(named(list(2, &token), "rest"))
        .await;
    rest.unwrap();

    for (id, items, parameters) in [
        ("first", json!(2), json!({"maxResults": 2})),
        (
            "rest",
            json!(1),
            json!({"maxResults": 2, "nextToken": {"present": true}}),
        ),
        // What was made is no list.
        (
            "one",
            Value::Null,
            outcome(&house, "one")["requestParameters"].clone(),
        ),
    ] {
        let record = outcome(&house, id);
        assert_eq!(
            record["additionalEventData"]["responseItems"], items,
            "{id}"
        );
        assert_eq!(record["requestParameters"], parameters, "{id}");
    }
    assert_eq!(outcome(&house, "first")["responseElements"], Value::Null);
}
