//! Secrets stay where they belong: in the answer to the caller and nowhere else.

use poolgate::pb;

use crate::support::process::Process;

const CANARY: &str = "c4n4ry";

/// Every string a caller can send that is secret, in calls that work and calls that
/// fail, with every log line switched on.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_log_line_error_or_record() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("audit.jsonl");
    let poolgate = Process::start(&[
        ("POOLGATE_LOG__LEVEL", "trace"),
        ("POOLGATE_AUDIT__FILE", journal.to_str().unwrap()),
    ]);
    let mut client = poolgate.client().await;
    let pool = pb::CreateIdentityPoolRequest {
        identity_pool_name: "secrets".to_owned(),
        allow_unauthenticated_identities: Some(true),
        developer_provider_name: Some("login.example.com".to_owned()),
        supported_login_providers: map("api.twitter.com", &format!("key;{CANARY}")),
        ..Default::default()
    };
    let created = client.create_identity_pool(pool).await.unwrap();
    let pool_id = created.into_inner().identity_pool.unwrap().identity_pool_id;
    let token = format!("{CANARY}-token");

    let mut errors = Vec::new();
    let mut answers = Vec::new();
    for logins in [
        map("api.twitter.com", &token),
        map("nobody.example.com", &token),
        map(
            "api.twitter.com",
            &format!("{CANARY}{}", "x".repeat(50_000)),
        ),
    ] {
        let request = pb::GetIdRequest {
            identity_pool_id: pool_id.clone(),
            logins,
            ..Default::default()
        };
        match client.get_id(request).await {
            Ok(answer) => answers.push(answer.into_inner().identity_id),
            Err(status) => errors.push(format!("{status:?} {:?}", status.details())),
        }
    }
    assert_eq!((answers.len(), errors.len()), (1, 2));
    let request = pb::GetOpenIdTokenForDeveloperIdentityRequest {
        identity_pool_id: pool_id,
        logins: map("login.example.com", &format!("{CANARY}-user")),
        ..Default::default()
    };
    let token = client
        .get_open_id_token_for_developer_identity(request)
        .await;
    let token = token.unwrap().into_inner().token;
    let request = pb::GetOpenIdTokenRequest {
        identity_id: answers.remove(0),
        logins: map("api.twitter.com", &format!("{CANARY}-token")),
    };
    let classic = client
        .get_open_id_token(request)
        .await
        .unwrap()
        .into_inner()
        .token;

    let lines = poolgate.interrupt();
    let logged = lines
        .iter()
        .filter(|line| line.contains("GetOpenIdToken OK"));
    assert_eq!(logged.count(), 1, "calls are logged");
    let recorded = std::fs::read_to_string(&journal).unwrap();
    assert!(
        recorded.contains("GetOpenIdTokenForDeveloperIdentity"),
        "calls are recorded"
    );
    for text in lines.iter().chain(&errors).chain([&recorded]) {
        for secret in [CANARY, token.as_str(), classic.as_str()] {
            assert!(!text.contains(secret), "a secret is in: {text}");
        }
    }
}

fn map(key: &str, value: &str) -> std::collections::HashMap<String, String> {
    [(key.to_owned(), value.to_owned())].into()
}
