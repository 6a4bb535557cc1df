use super::*;

const DATE: &str = "20270115T080000Z";
const EXAMPLE: &str = "AKIA1/20270115/eu-west-1/cognito-identity/aws4_request";

#[test]
fn a_signature_is_good_for_its_key_its_request_and_five_minutes() {
    let keys = SecretKeys::parse("AKIA1:secret").unwrap();
    let others = SecretKeys::parse("AKIA2:secret").unwrap();
    let changed = SecretKeys::parse("AKIA1:another").unwrap();
    let good = with_signature("secret");
    let mut tampered = good.clone();
    *tampered.body_mut() = Bytes::from_static(br#"{"MaxResults": 2}"#);
    let (now, minute) = (at(DATE), Duration::from_secs(60));
    let issued = Issued::default();
    for (why, request, keys, now, expected) in [
        ("all is well", &good, &keys, now, None),
        ("a little late", &good, &keys, now + 5 * minute, None),
        ("a little early", &good, &keys, now - 5 * minute, None),
        (
            "too late",
            &good,
            &keys,
            now + 6 * minute,
            Some("Signature expired: "),
        ),
        (
            "too early",
            &good,
            &keys,
            now - 6 * minute,
            Some("Signature not yet current: "),
        ),
        (
            "an unknown key",
            &good,
            &others,
            now,
            Some("The security token included "),
        ),
        (
            "another secret",
            &good,
            &changed,
            now,
            Some("The request signature we "),
        ),
        (
            "another body",
            &tampered,
            &keys,
            now,
            Some("The request signature we "),
        ),
    ] {
        let refused = check(request, "cognito-identity", known(keys, &issued), now).err();

        let message = refused.map(|error| error.message);
        assert_eq!(message.is_some(), expected.is_some(), "{why}: {message:?}");
        assert!(
            message
                .unwrap_or_default()
                .starts_with(expected.unwrap_or_default()),
            "{why}"
        );
    }
}

#[test]
fn without_secrets_a_signature_has_to_be_for_this_service_and_no_more() {
    let list = "SignedHeaders=host;x-amz-date, Signature=0";
    let cases = [
        (format!("Credential={EXAMPLE}, {list}"), DATE, None),
        (
            list.to_owned(),
            DATE,
            Some("Authorization header requires 'Credential' parameter."),
        ),
        (
            format!("Credential={EXAMPLE}"),
            "",
            Some(
                "Authorization header requires 'Signature' parameter. Authorization header \
                 requires 'SignedHeaders' parameter. Authorization header requires existence \
                 of either a 'X-Amz-Date' or a 'Date' header.",
            ),
        ),
        (
            format!("Credential={EXAMPLE}, {list}"),
            "20270116T080000Z",
            Some(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of \
                 date from HTTP: '20270115' != '20270116', from '20270116T080000Z'.",
            ),
        ),
        (
            format!(
                "Credential={}, {list}",
                EXAMPLE.replace("cognito-identity", "s3")
            ),
            DATE,
            Some("Credential should be scoped to correct service: 'cognito-identity'. "),
        ),
        (
            format!(
                "Credential={}, {list}",
                EXAMPLE.replace("eu-west-1", "Moon")
            ),
            DATE,
            Some("Credential should be scoped to a valid region. "),
        ),
        (
            format!(
                "Credential={}, {list}",
                EXAMPLE.replace("aws4_request", "x")
            ),
            DATE,
            Some(
                "Credential should be scoped with a valid terminator: 'aws4_request', not \
                 'x'. ",
            ),
        ),
        (
            format!("Credential=AKIA1, {list}"),
            DATE,
            Some(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term",
            ),
        ),
    ];
    for (value, date, expected) in cases {
        let request = request(&format!("AWS4-HMAC-SHA256 {value}"), date);

        let refused = check(
            &request,
            "cognito-identity",
            known(&SecretKeys::default(), &Issued::default()),
            at("20400101T000000Z"),
        );

        let message = refused.err().map(|error| error.message);
        assert_eq!(message.as_deref(), expected, "{value}");
    }
}

#[test]
fn a_request_that_was_signed_beforehand_is_good_as_long_as_it_says() {
    let keys = SecretKeys::parse("AKIA1:secret").unwrap();
    let good = signed_beforehand(&good_query(), "secret");
    let with_token = format!("{}&X-Amz-Security-Token=a%2Fb%3D", good_query());
    let with_token = signed_beforehand(&with_token, "secret");
    let with_parameter = signed_beforehand(&format!("{}&b=%20&a", good_query()), "secret");
    let changed = |from: &str, to: &str| {
        let uri = good.uri().to_string().replace(from, to);
        let mut request = good.clone();
        *request.uri_mut() = uri.parse().unwrap();
        request
    };
    let mut tampered = good.clone();
    *tampered.body_mut() = Bytes::from_static(br#"{"MaxResults": 2}"#);
    let (now, minute) = (at(DATE), Duration::from_secs(60));
    let issued = Issued::default();
    for (why, request, now, expected) in [
        ("all is well", good.clone(), now, None),
        ("with a session", with_token.clone(), now, None),
        ("with another parameter", with_parameter, now, None),
        ("at its end", good.clone(), now + 90 * minute, None),
        (
            "after its end",
            good.clone(),
            now + 91 * minute,
            Some(
                "Signature expired: 20270115T080000Z is now earlier than 20270115T080100Z \
                 (20270115T093100Z - 90 min.)",
            ),
        ),
        (
            "before its beginning",
            good.clone(),
            now - 6 * minute,
            Some("Signature not yet current: "),
        ),
        (
            "another body",
            tampered,
            now,
            Some("The request signature we "),
        ),
        (
            "a longer life",
            changed("5400", "86400"),
            now,
            Some("The request signature we "),
        ),
        (
            "another parameter since",
            changed("?", "?a=b&"),
            now,
            Some("The request signature we "),
        ),
        (
            "a life that is too long",
            changed("5400", "604801"),
            now,
            Some("X-Amz-Expires must be "),
        ),
        (
            "nothing but the algorithm",
            changed("X-Amz-Credential", "Credential"),
            now,
            Some("AWS query-string parameters must include 'X-Amz-Credential'."),
        ),
    ] {
        let refused = check(&request, "cognito-identity", known(&keys, &issued), now).err();

        let message = refused.map(|error| error.message);
        assert_eq!(message.is_some(), expected.is_some(), "{why}: {message:?}");
        let message = message.unwrap_or_default();
        assert!(
            message.starts_with(expected.unwrap_or_default()),
            "{why}: {message}"
        );
    }
    assert!(is_signed(&good));
    assert_eq!(credential(&good).as_deref(), Some(EXAMPLE));
}

#[test]
fn the_key_of_a_session_is_good_with_its_token_until_the_session_ends() {
    let keys = SecretKeys::parse("AKIA2:another").unwrap();
    let issued = Issued::default();
    let credentials = crate::emulator::operations::Credentials {
        access_key_id: "AKIA1".to_owned(),
        secret_key: "secret".to_owned(),
        session_token: "token".to_owned(),
        expiration: 100,
    };
    let who = Who {
        arn: "arn:aws:sts::111111111111:assumed-role/poolgate/ann".to_owned(),
        id: "AROA1:ann".to_owned(),
    };
    issued.add(&credentials, who);
    for (token, secret, seconds, expected) in [
        (Some("token"), "secret", 99, None),
        (
            Some("token"),
            "secret",
            100,
            Some("The security token included in the request is expired"),
        ),
        (
            Some("other"),
            "secret",
            99,
            Some("The security token included in the request is invalid."),
        ),
        (
            None,
            "secret",
            99,
            Some("The security token included in the request is invalid."),
        ),
        (
            Some("token"),
            "guessed",
            99,
            Some("The request signature we calculated does not match"),
        ),
    ] {
        let mut request = with_signature(secret);
        if let Some(token) = token {
            let headers = request.headers_mut();
            headers.insert("x-amz-security-token", token.parse().unwrap());
        }
        let known = Known {
            seconds,
            ..known(&keys, &issued)
        };

        let refused = check(&request, "cognito-identity", known, at(DATE)).err();

        let message = refused.map(|error| error.message);
        assert_eq!(message.is_some(), expected.is_some(), "{message:?}");
        let message = message.unwrap_or_default();
        assert!(
            message.starts_with(expected.unwrap_or_default()),
            "{message}"
        );
    }
}

fn known<'a>(keys: &'a SecretKeys, issued: &'a Issued) -> Known<'a> {
    Known {
        keys,
        issued,
        seconds: 0,
    }
}

fn good_query() -> String {
    let credential = EXAMPLE.replace('/', "%2F");
    format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={DATE}\
         &X-Amz-Expires=5400&X-Amz-SignedHeaders=host"
    )
}

fn signed_beforehand(query: &str, secret: &str) -> Request<Bytes> {
    let request_with = |signature: &str| {
        Request::post(format!("/?{query}&X-Amz-Signature={signature}"))
            .header("host", "127.0.0.1:4566")
            .body(Bytes::from_static(br#"{"MaxResults": 1}"#))
            .unwrap()
    };
    let unsigned = request_with("0");
    let signed = Signed::read(&unsigned).unwrap().unwrap();
    request_with(&expected(&unsigned, &signed, secret).unwrap())
}

fn with_signature(secret: &str) -> Request<Bytes> {
    let value = |signature: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential={EXAMPLE}, \
             SignedHeaders=host;user-agent;x-amz-date, Signature={signature}"
        )
    };
    let request_with = |signature: &str| request(&value(signature), DATE);
    let unsigned = request_with("0");
    let signed = Signed::read(&unsigned).unwrap().unwrap();
    request_with(&expected(&unsigned, &signed, secret).unwrap())
}

fn request(authorization: &str, date: &str) -> Request<Bytes> {
    Request::post("/")
        .header("host", "127.0.0.1:4566")
        .header("user-agent", "test")
        .header("x-amz-date", date)
        .header("authorization", authorization)
        .body(Bytes::from_static(br#"{"MaxResults": 1}"#))
        .unwrap()
}

fn at(text: &str) -> SystemTime {
    signed::time(text).unwrap()
}
