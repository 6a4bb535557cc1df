use super::*;

#[test]
fn an_error_looks_on_the_wire_as_it_was_recorded() {
    let world = World::new();
    let id = "eu-west-1:00000000-0000-4000-8000-000000000000";

    let response = world.emulator.handle(&signed(
        REGION,
        "DescribeIdentityPool",
        &json!({"IdentityPoolId": id}),
    ));

    let message = format!("IdentityPool '{id}' not found.");
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        response.body(),
        format!(r#"{{"__type":"ResourceNotFoundException","message":"{message}"}}"#).as_bytes()
    );
    assert_eq!(
        header(&response, "content-type"),
        "application/x-amz-json-1.1"
    );
    assert_eq!(
        header(&response, "x-amzn-errortype"),
        "ResourceNotFoundException:"
    );
    assert_eq!(header(&response, "x-amzn-errormessage"), message);
    assert!(uuid::Uuid::parse_str(header(&response, "x-amzn-requestid")).is_ok());
}

#[test]
fn an_operation_without_output_answers_an_empty_body() {
    let world = World::new();
    let pool = world.pool(json!({}));

    let response = world.emulator.handle(&signed(
        REGION,
        "DeleteIdentityPool",
        &json!({"IdentityPoolId": pool}),
    ));

    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.body().is_empty());
}

#[test]
fn four_operations_are_open_and_the_others_want_a_signature() {
    let world = World::new();
    let open = [
        "GetId",
        "GetOpenIdToken",
        "GetCredentialsForIdentity",
        "UnlinkIdentity",
    ];
    for operation in crate::operation::Operation::ALL {
        let response = world.emulator.handle(&unsigned(operation.name(), "{}"));

        let expected = match open.contains(&operation.name()) {
            true => "ValidationException:",
            false => "MissingAuthenticationTokenException:",
        };
        assert_eq!(
            header(&response, "x-amzn-errortype"),
            expected,
            "{operation}"
        );
    }
}

#[test]
fn what_is_not_a_request_is_refused_before_anything_else() {
    let world = World::new();
    let cases = [
        ("NoSuchOperation", "{}", "UnknownOperationException:"),
        ("GetId", "{", "SerializationException:"),
        ("GetId", "[]", "SerializationException:"),
        (
            "GetId",
            r#"{"IdentityPoolId": 1}"#,
            "SerializationException:",
        ),
        (
            "GetId",
            r#"{"IdentityPoolId": "a:0", "Logins": {"k": null}}"#,
            "SerializationException:",
        ),
        (
            "GetId",
            r#"{"IdentityPoolId": null}"#,
            "ValidationException:",
        ),
    ];
    for (operation, body, expected) in cases {
        let response = world.emulator.handle(&unsigned(operation, body));

        assert_eq!(header(&response, "x-amzn-errortype"), expected, "{body}");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_web_page_cannot_make_up_a_signature() {
    let world = World::new();
    let origin = ("origin", "https://example.com");
    let signature = "AWS4-HMAC-SHA256 \
        Credential=AKIAEXAMPLE/20260102/us-east-1/cognito-identity/aws4_request, \
        SignedHeaders=host;x-amz-date, Signature=00";
    let signed = [
        ("host", "127.0.0.1"),
        ("authorization", signature),
        ("x-amz-date", "20260102T030405Z"),
    ];

    let of_a_page = over_a_socket(&world, &[&signed[..], &[origin]].concat()).await;
    let none = world.ok("ListIdentityPools", json!({"MaxResults": 1}));
    let of_a_tool = over_a_socket(&world, &signed).await;

    assert_eq!(
        header(&of_a_page, "x-amzn-errortype"),
        "UnrecognizedClientException:"
    );
    assert_eq!(none, json!({"IdentityPools": []}));
    assert_eq!(of_a_tool.status(), StatusCode::OK, "{:?}", of_a_tool.body());
}

async fn over_a_socket(world: &World, headers: &[(&str, &str)]) -> Response<Bytes> {
    let mut request = Request::post("/").header(
        "x-amz-target",
        "AWSCognitoIdentityService.CreateIdentityPool",
    );
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = json!({"IdentityPoolName": "pool", "AllowUnauthenticatedIdentities": true});
    let request = request.body(Bytes::from(body.to_string())).unwrap();
    let emulator = std::sync::Arc::clone(&world.emulator);
    match emulator.serve(request).await {
        crate::emulator::Reply::Whole(answer) => answer,
        _ => panic!("no answer"),
    }
}

#[test]
fn the_model_is_checked_in_awss_words() {
    let world = World::new();

    let refused = world.refused("DescribeIdentityPool", json!({"IdentityPoolId": "pool"}));

    assert_eq!(
        refused,
        error(
            "Validation",
            r"1 validation error detected: Value 'pool' at 'identityPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+"
        )
    );
}

#[test]
fn an_error_is_not_longer_than_the_request() {
    let world = World::new();
    let name = "#".repeat(1024 * 1024);
    let body = json!({"IdentityPoolName": name, "AllowUnauthenticatedIdentities": true});

    let refused = world.call("CreateIdentityPool", body).unwrap_err();

    assert_eq!(refused.kind, "ValidationException");
    assert!(refused.message.len() < 10_000, "{}", refused.message.len());
    assert!(refused.message.contains("##…' at 'identityPoolName'"));
}

#[test]
fn the_host_places_a_request_before_the_signature_and_the_signature_before_the_default() {
    let world = World::new();
    let create = json!({"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": true});
    let mut by_host = signed(REGION, "CreateIdentityPool", &create);
    *by_host.uri_mut() = "https://cognito-identity.ap-south-1.amazonaws.com/"
        .parse()
        .unwrap();
    let mut by_default = signed(REGION, "CreateIdentityPool", &create);
    by_default
        .headers_mut()
        .insert("authorization", "AWS4-HMAC-SHA256 x".parse().unwrap());
    let requests = [
        (by_host, "ap-south-1:"),
        (signed(REGION, "CreateIdentityPool", &create), "eu-west-1:"),
        (by_default, "us-east-1:"),
    ];
    for (request, expected) in requests {
        let response = world.emulator.handle(&request);

        let pool: Value = serde_json::from_slice(response.body()).unwrap();
        let id = pool["IdentityPoolId"].as_str().unwrap();
        assert!(
            id.starts_with(expected),
            "{id} does not begin with {expected}"
        );
    }
}

#[test]
fn a_request_that_nothing_else_places_goes_where_its_pool_or_identity_is() {
    let world = World::new();
    let pool = world.pool(json!({}));

    let found = world.emulator.handle(&unsigned(
        "GetId",
        &json!({"IdentityPoolId": pool}).to_string(),
    ));

    assert_eq!(found.status(), StatusCode::OK);
    let found: Value = serde_json::from_slice(found.body()).unwrap();
    let token = world.emulator.handle(&unsigned(
        "GetOpenIdToken",
        &json!({"IdentityId": found["IdentityId"]}).to_string(),
    ));
    assert_eq!(token.status(), StatusCode::OK);
}

#[test]
fn a_pool_is_not_there_in_another_region() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let body = json!({"IdentityPoolId": pool});

    let elsewhere = world
        .emulator
        .handle(&signed("eu-west-2", "DescribeIdentityPool", &body));

    assert_eq!(
        header(&elsewhere, "x-amzn-errortype"),
        "ResourceNotFoundException:"
    );
}

#[test]
fn a_message_that_no_header_can_hold_is_in_the_body_alone() {
    let world = World::new();
    for (id, shown) in [
        ("line\nbreak".to_owned(), "line\nbreak"),
        ("long".repeat(10_000), "longlong…"),
    ] {
        let response = world.emulator.handle(&signed(
            REGION,
            "DescribeIdentityPool",
            &json!({"IdentityPoolId": id}),
        ));

        assert!(response.headers().get("x-amzn-errormessage").is_none());
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert!(body["message"].as_str().unwrap().contains(shown));
    }
}

#[test]
fn debug_shows_nothing_of_the_state() {
    let world = World::new();
    world.pool(json!({"SupportedLoginProviders": {"api.twitter.com": "key;s3cret"}}));

    let shown = format!("{:?}", world.emulator);

    assert!(!shown.contains("s3cret"), "{shown}");
}
