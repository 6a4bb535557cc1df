use super::*;
use crate::emulator::{Reply, sts};

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

#[test]
fn whoever_signs_has_a_role_of_this_account_and_of_no_other() {
    let world = World::new();
    let role = |account: &str| format!("arn:aws:iam::{account}:role/service/poolgate");
    let ours = role(&world.emulator.settings.account_id);

    let (status, xml) = assume_with_signature(&world, &ours, true);
    assert_eq!(status, StatusCode::OK, "{xml}");
    assert!(xml.contains(":assumed-role/poolgate/ann</Arn>"), "{xml}");
    assert!(xml.contains("<AccessKeyId>ASIA"), "{xml}");

    let (status, xml) = assume_with_signature(&world, &role("999999999999"), true);
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(xml.contains("<Code>AccessDenied</Code>"), "{xml}");
    let (_, xml) = assume_with_signature(&world, &ours, false);
    assert!(xml.contains("MissingAuthenticationToken"), "{xml}");
}

#[tokio::test]
async fn a_web_page_is_let_in_where_no_signature_is_wanted_and_nowhere_else() {
    let world = World::new();
    let role = "arn:aws:iam::123456789012:role/poolgate";
    for (action, page, status, code, is_open) in [
        ("AssumeRole", true, 403, "InvalidClientTokenId", false),
        (
            "GetCallerIdentity",
            true,
            403,
            "InvalidClientTokenId",
            false,
        ),
        ("AssumeRole", false, 200, "", false),
        (
            "AssumeRoleWithWebIdentity",
            true,
            400,
            "ValidationError",
            true,
        ),
    ] {
        let mut request = signed_form(
            &form_of(action, role),
            action != "AssumeRoleWithWebIdentity",
        );
        if page {
            let origin = "https://page.example.org".parse().unwrap();
            request.headers_mut().insert("origin", origin);
        }

        let Reply::Whole(response) = world.emulator.serve(request).await else {
            panic!("{action} has no answer");
        };

        let xml = String::from_utf8_lossy(response.body()).into_owned();
        assert_eq!(response.status(), status, "{action}: {xml}");
        assert!(xml.contains(code), "{action}: {xml}");
        let open = response
            .headers()
            .contains_key("access-control-allow-origin");
        assert_eq!(open, is_open, "{action}");
    }
}

#[test]
fn a_session_is_itself_and_has_another_one_for_no_more_than_an_hour() {
    let world = World::new();
    let account = &world.emulator.settings.account_id;
    let role = format!("arn:aws:iam::{account}:role/service/poolgate");
    let send = |key: &str, form: &str| {
        let response = sts::handle(&world.emulator, &form_signed_by(Some(key), form));
        let xml = String::from_utf8(response.body().to_vec()).unwrap();
        (response.status(), xml)
    };
    let between = |xml: &str, name: &str| {
        let (_, after) = xml.split_once(&format!("<{name}>")).unwrap();
        after.split('<').next().unwrap().to_owned()
    };
    let form = |seconds: u32| {
        let form = form_of("AssumeRole", &role);
        format!("{form}&DurationSeconds={seconds}")
    };
    let identity = "Action=GetCallerIdentity&Version=2011-06-15";

    let (_, root) = send("AKIA", identity);
    let (_, assumed) = send("AKIA", &form(43_200));
    let key = between(&assumed, "AccessKeyId");
    let (_, session) = send(&key, identity);

    assert_eq!(
        between(&root, "Arn"),
        format!("arn:aws:iam::{account}:root")
    );
    let arn = format!("arn:aws:sts::{account}:assumed-role/poolgate/ann");
    assert_eq!(between(&session, "Arn"), arn);
    let id = between(&assumed, "AssumedRoleId");
    assert_eq!(between(&session, "UserId"), id);

    let (status, _) = send(&key, &form(3600));
    assert_eq!(status, StatusCode::OK);
    let (status, refused) = send(&key, &form(3601));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(between(&refused, "Code"), "ValidationError");
    assert!(refused.contains("1 hour session limit"), "{refused}");
}

fn assume_with_signature(world: &World, role: &str, signed: bool) -> (StatusCode, String) {
    let request = signed_form(&form_of("AssumeRole", role), signed);
    let response = sts::handle(&world.emulator, &request);
    let xml = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status(), xml)
}

fn form_of(action: &str, role: &str) -> String {
    format!(
        "Action={action}&Version=2011-06-15&RoleArn={role}&RoleSessionName=ann\
         &Tags.member.1.Key=poolgate%3Acaller&Tags.member.1.Value=token%3Aann"
    )
}

fn signed_form(form: &str, signed: bool) -> Request<Bytes> {
    form_signed_by(signed.then_some("AKIA"), form)
}

fn form_signed_by(key: Option<&str>, form: &str) -> Request<Bytes> {
    let mut request = Request::post("/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form.to_owned()))
        .unwrap();
    if let Some(key) = key {
        let scope = format!("{key}/20150830/us-east-1/sts/aws4_request");
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={}",
            "0".repeat(64)
        );
        let headers = request.headers_mut();
        headers.insert("host", "localhost".parse().unwrap());
        headers.insert("authorization", value.parse().unwrap());
        headers.insert("x-amz-date", "20150830T123600Z".parse().unwrap());
    }
    request
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
