use super::*;
use crate::emulator::sts;

#[test]
fn a_token_that_has_expired_opens_no_role() {
    let world = World::new();
    let token = token_of_guest(&world);

    let (status, xml) = assume(&world, &token);
    assert_eq!(status, StatusCode::OK, "{xml}");

    world.clock.advance(Duration::from_secs(600));
    let (status, xml) = assume(&world, &token);
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(xml.contains("<Code>ExpiredTokenException</Code>"), "{xml}");
}

#[test]
fn a_token_finds_its_pool_whoever_has_looked_at_theirs_before() {
    let world = World::with(Settings {
        isolation: Isolation::PerAccessKey,
        ..Settings::default()
    });
    let token = token_of_guest(&world);
    let list = signed_by(
        "ANOTHER",
        REGION,
        "ListIdentityPools",
        &json!({"MaxResults": 1}),
    );
    assert_eq!(world.send(&list).unwrap()["IdentityPools"], json!([]));

    let (status, xml) = assume(&world, &token);

    assert_eq!(status, StatusCode::OK, "{xml}");
}

fn token_of_guest(world: &World) -> String {
    let pool = world.pool(json!({}));
    let guest = world.identity(&pool, json!({}));
    let token = world.ok("GetOpenIdToken", json!({"IdentityId": guest}));
    token["Token"].as_str().unwrap().to_owned()
}

fn assume(world: &World, token: &str) -> (StatusCode, String) {
    let form = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={GUEST_ROLE}\
         &RoleSessionName=app&WebIdentityToken={token}"
    );
    let request = Request::post("/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form))
        .unwrap();
    assert!(sts::is_meant(&request));
    let response = sts::handle(&world.emulator, &request);
    let xml = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status(), xml)
}
