use http_body_util::BodyExt;
use tokio::time::Instant;

use super::*;
use crate::emulator::{Reply, Rules};

#[tokio::test]
async fn a_refusal_changes_nothing_and_has_the_form_of_awss() {
    let world =
        world(json!({"fault": "error", "code": "ExternalServiceException", "message": "no"}));

    let Reply::Whole(answer) = create_pool(&world).await else {
        panic!("no answer");
    };

    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        header(&answer, "x-amzn-errortype"),
        "ExternalServiceException:"
    );
    let body = r#"{"__type":"ExternalServiceException","message":"no"}"#;
    assert_eq!(answer.body(), body);
    assert_eq!(pools(&world), 0);
}

#[tokio::test]
async fn a_request_that_is_lost_changes_nothing_and_one_whose_answer_is_lost_is_done() {
    for (fault, made) in [("lose-request", 0), ("lose-answer", 1)] {
        let world = world(json!({"fault": fault}));

        let reply = create_pool(&world).await;

        assert!(matches!(reply, Reply::Lost), "{fault}");
        assert_eq!(pools(&world), made, "{fault}");
    }
}

#[tokio::test]
async fn a_cut_answer_is_the_first_half_of_one_that_says_its_whole_length() {
    let world = world(json!({"fault": "cut-answer"}));

    let Reply::Cut(answer) = create_pool(&world).await else {
        panic!("not cut");
    };

    let length: usize = answer.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let mut body = answer.into_body();
    let half = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(half.len(), length / 2);
    assert!(half.starts_with(b"{\"IdentityPoolId\""));
    assert!(body.frame().await.unwrap().is_err());
    assert_eq!(pools(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_held_up_holds_up_no_other() {
    let world = world(json!({"fault": "delay", "delay": "30s", "times": 1}));
    let started = Instant::now();
    let emulator = Arc::clone(&world.emulator);
    let slow = tokio::spawn(async move { emulator.serve(wanted()).await });
    tokio::task::yield_now().await;

    let fast = create_pool(&world).await;

    assert!(matches!(fast, Reply::Whole(_)));
    assert!(started.elapsed() < Duration::from_secs(1) && !slow.is_finished());
    slow.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 30);
}

fn world(rule: Value) -> World {
    let faults = Rules::of_json(&json!({"rules": [rule]})).unwrap();
    World::with(Settings {
        faults,
        ..Settings::default()
    })
}

async fn create_pool(world: &World) -> Reply {
    world.emulator.serve(wanted()).await
}

fn wanted() -> Request<Bytes> {
    let body = json!({"IdentityPoolName": "pool", "AllowUnauthenticatedIdentities": true});
    let mut request = signed(REGION, "CreateIdentityPool", &body);
    *request.uri_mut() = "/".parse().unwrap();
    let headers = request.headers_mut();
    headers.insert("host", "localhost".parse().unwrap());
    headers.insert("x-amz-date", "20270101T000000Z".parse().unwrap());
    request
}

/// How many pools there are, asked below all faults.
fn pools(world: &World) -> usize {
    let listed = world.ok("ListIdentityPools", json!({"MaxResults": 60}));
    listed["IdentityPools"].as_array().unwrap().len()
}
