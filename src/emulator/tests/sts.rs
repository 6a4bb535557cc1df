use super::*;
use crate::emulator::sts;

#[test]
fn a_token_that_has_expired_opens_no_role() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let guest = world.identity(&pool, json!({}));
    let token = world.ok("GetOpenIdToken", json!({"IdentityId": guest}));
    let form = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={GUEST_ROLE}\
         &RoleSessionName=app&WebIdentityToken={}",
        token["Token"].as_str().unwrap()
    );
    let assume = || {
        let request = Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form.clone()))
            .unwrap();
        assert!(sts::is_meant(&request));
        let response = sts::handle(&world.emulator, &request);
        let xml = String::from_utf8(response.body().to_vec()).unwrap();
        (response.status(), xml)
    };

    let (status, xml) = assume();
    assert_eq!(status, StatusCode::OK, "{xml}");

    world.clock.advance(Duration::from_secs(600));
    let (status, xml) = assume();
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(xml.contains("<Code>ExpiredTokenException</Code>"), "{xml}");
}
