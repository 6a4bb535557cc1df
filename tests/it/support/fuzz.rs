//! What any input to the emulator has to hold, for random cases in `cargo test` and
//! for the fuzz targets in `fuzz/`, which include this file.

use bytes::Bytes;
use http::Request;
use poolgate::clock::Clock;
use poolgate::emulator::{Emulator, SamlProvider, Settings};

const ISSUER: &str = "https://login.example.com";
const SAML: &str = "arn:aws:iam::123456789012:saml-provider/idp";
/// A provider whose keys are known.
const VERIFIED_SAML: &str = "arn:aws:iam::123456789012:saml-provider/verified";
const OPERATIONS: [&str; 5] = [
    "CreateIdentityPool",
    "GetId",
    "SetIdentityPoolRoles",
    "GetOpenIdTokenForDeveloperIdentity",
    "ListIdentityPools",
];

/// An emulator with a pool that trusts providers of every kind.
pub struct Target {
    emulator: Emulator,
    pool: String,
}

impl Default for Target {
    fn default() -> Self {
        let settings = Settings {
            test_issuers: vec![ISSUER.to_owned()],
            saml_providers: vec![SamlProvider {
                arn: VERIFIED_SAML.to_owned(),
                entity_id: "https://idp.example".to_owned(),
                keys: Vec::new(),
            }],
            ..Settings::default()
        };
        let emulator = Emulator::new(settings, Clock::system());
        let wanted = format!(
            r#"{{"IdentityPoolName": "pool", "AllowUnauthenticatedIdentities": false,
            "SupportedLoginProviders": {{"accounts.google.com": "app"}},
            "OpenIdConnectProviderARNs": ["arn:aws:iam::123456789012:oidc-provider/login.example.com"],
            "SamlProviderARNs": ["{SAML}", "{VERIFIED_SAML}"]}}"#
        );
        let (status, body) = answer(&emulator, "CreateIdentityPool", wanted.as_bytes());
        assert_eq!(status, 200, "{body}");
        let id = body.split('"').find(|word| word.starts_with("us-east-1:"));
        let pool = id.unwrap_or_default().to_owned();
        Self { emulator, pool }
    }
}

impl Target {
    /// A body that says anything is answered with an output or with AWS's error, never
    /// with a failure of ours.
    pub fn protocol(&self, body: &[u8]) {
        for operation in OPERATIONS {
            let (status, answer) = answer(&self.emulator, operation, body);
            assert!(
                status == 200 || (status == 400 && answer.starts_with("{\"__type\":\"")),
                "{operation}: {status} {answer}"
            );
        }
    }

    /// A token that says anything is never believed where the issuer's key is known, and
    /// never breaks anything where it is not.
    pub fn login_token(&self, token: &str) {
        let before = self.pools();
        for (provider, verified) in [
            ("login.example.com", true),
            ("accounts.google.com", false),
            (SAML, false),
            (VERIFIED_SAML, true),
        ] {
            let body = format!(
                r#"{{"IdentityPoolId": "{}", "Logins": {{"{provider}": {}}}}}"#,
                self.pool,
                quoted(token)
            );
            let (status, answer) = answer(&self.emulator, "GetId", body.as_bytes());
            assert!(
                status == 400 || (status == 200 && !verified),
                "{provider}: {status} {answer}"
            );
        }
        assert_eq!(self.pools(), before);
    }

    fn pools(&self) -> String {
        answer(&self.emulator, "ListIdentityPools", b"{\"MaxResults\": 60}").1
    }
}

fn answer(emulator: &Emulator, operation: &str, body: &[u8]) -> (u16, String) {
    let request = Request::post("http://localhost/")
        .header(
            "x-amz-target",
            format!("AWSCognitoIdentityService.{operation}"),
        )
        .header("authorization", "AWS4-HMAC-SHA256 Credential=A")
        .body(Bytes::copy_from_slice(body))
        .expect("a request");
    let response = emulator.handle(&request);
    let body = String::from_utf8_lossy(response.body()).into_owned();
    (response.status().as_u16(), body)
}

/// A text as JSON writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", control as u32)),
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}
