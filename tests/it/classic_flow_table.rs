//! What `AllowClassicFlow` does to the three operations that hand out tokens and
//! credentials, as one table, through all of poolgate and through the emulator alone.

use poolgate::emulator::Settings;
use poolgate::pb;
use serde_json::{Value, json};
use tonic::{Response, Status};

use crate::support::app::App;
use crate::support::direct::Direct;

/// Columns: as the pool was created; as it was then updated (`-`: not at all, `omitted`:
/// by an update without the member); whether it has role mappings; the answers to
/// GetOpenIdToken, GetCredentialsForIdentity and GetOpenIdTokenForDeveloperIdentity.
const TABLE: &str = "
    created  updated  mappings  classic      enhanced     developer

    unset    -        no        token        credentials  token
    unset    omitted  no        token        credentials  token
    unset    false    no        not-enabled  credentials  token
    unset    true     no        token        credentials  token
    false    -        no        not-enabled  credentials  token
    false    omitted  no        token        credentials  token
    false    false    no        not-enabled  credentials  token
    false    true     no        token        credentials  token
    true     -        no        token        credentials  token
    true     omitted  no        token        credentials  token
    true     false    no        not-enabled  credentials  token
    true     true     no        token        credentials  token

    unset    -        yes       mappings     credentials  token
    unset    omitted  yes       mappings     credentials  token
    unset    false    yes       mappings     credentials  token
    unset    true     yes       mappings     credentials  token
    false    -        yes       mappings     credentials  token
    false    omitted  yes       mappings     credentials  token
    false    false    yes       mappings     credentials  token
    false    true     yes       mappings     credentials  token
    true     -        yes       mappings     credentials  token
    true     omitted  yes       mappings     credentials  token
    true     false    yes       mappings     credentials  token
    true     true     yes       mappings     credentials  token
";

/// What a word of the table stands for.
fn text(word: &str) -> &str {
    match word {
        "not-enabled" => "Basic (classic) flow is not enabled, please use enhanced flow.",
        "mappings" => {
            "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow."
        }
        word => word,
    }
}

struct Row {
    line: &'static str,
    created: Option<bool>,
    /// Nothing: there is no update.
    updated: Option<Option<bool>>,
    mappings: bool,
    answers: [String; 3],
}

fn rows() -> Vec<Row> {
    let state = |word: &str| match word {
        "unset" | "omitted" => None,
        word => Some(word.parse().unwrap()),
    };
    TABLE
        .lines()
        .map(|line| (line.trim(), line.split_whitespace().collect::<Vec<_>>()))
        .filter(|(_, words)| !words.is_empty() && words[0] != "created")
        .map(|(line, words)| Row {
            line,
            created: state(words[0]),
            updated: (words[1] != "-").then(|| state(words[1])),
            mappings: words[2] == "yes",
            answers: [words[3], words[4], words[5]].map(|word| text(word).to_owned()),
        })
        .collect()
}

#[test]
fn the_table_has_every_combination_once() {
    let mut combinations: Vec<_> = rows()
        .iter()
        .map(|row| (row.created, row.updated, row.mappings))
        .collect();
    combinations.sort();
    combinations.dedup();

    assert_eq!(combinations.len(), 3 * 4 * 2);
    assert_eq!(rows().len(), combinations.len());
}

#[tokio::test]
async fn through_poolgate() {
    let mut app = App::emulator().await;
    for row in rows() {
        let answers = over_grpc(&mut app, &row).await;

        assert_eq!(answers, row.answers, "{}", row.line);
    }
}

#[test]
fn through_the_emulator_alone() {
    let emulator = Direct::new(Settings::default());
    for row in rows() {
        let answers = directly(&emulator, &row);

        assert_eq!(answers, row.answers, "{}", row.line);
    }
}

const GOOGLE: &str = "accounts.google.com";
const DEVELOPER: &str = "login.shop";
const ROLE: &str = "arn:aws:iam::123456789012:role/any";

async fn over_grpc(app: &mut App, row: &Row) -> [String; 3] {
    let client = &mut app.client;
    let providers = || [(GOOGLE.to_owned(), "app".to_owned())].into();
    let request = pb::CreateIdentityPoolRequest {
        identity_pool_name: "shop".to_owned(),
        allow_unauthenticated_identities: Some(true),
        allow_classic_flow: row.created,
        supported_login_providers: providers(),
        developer_provider_name: Some(DEVELOPER.to_owned()),
        ..Default::default()
    };
    let created = client.create_identity_pool(request).await.unwrap();
    let mut pool = created.into_inner().identity_pool.unwrap();
    let identity_pool_id = pool.identity_pool_id.clone();
    if let Some(updated) = row.updated {
        pool.allow_classic_flow = updated;
        let request = pb::UpdateIdentityPoolRequest {
            identity_pool: Some(pool),
            update_mask: None,
        };
        client.update_identity_pool(request).await.unwrap();
    }
    let mapping = pb::RoleMapping {
        r#type: pb::RoleMappingType::Token.into(),
        ambiguous_role_resolution: pb::AmbiguousRoleResolutionType::Deny.into(),
        rules_configuration: None,
    };
    let mappings = row.mappings.then(|| (GOOGLE.to_owned(), mapping));
    let request = pb::SetIdentityPoolRolesRequest {
        identity_pool_id: identity_pool_id.clone(),
        roles: [("unauthenticated".to_owned(), ROLE.to_owned())].into(),
        role_mappings: mappings.into_iter().collect(),
    };
    client.set_identity_pool_roles(request).await.unwrap();
    let request = pb::GetIdRequest {
        identity_pool_id: identity_pool_id.clone(),
        ..Default::default()
    };
    let identity_id = client
        .get_id(request)
        .await
        .unwrap()
        .into_inner()
        .identity_id;

    let classic = client
        .get_open_id_token(pb::GetOpenIdTokenRequest {
            identity_id: identity_id.clone(),
            ..Default::default()
        })
        .await;
    let enhanced = client
        .get_credentials_for_identity(pb::GetCredentialsForIdentityRequest {
            identity_id,
            ..Default::default()
        })
        .await;
    let developer = client
        .get_open_id_token_for_developer_identity(pb::GetOpenIdTokenForDeveloperIdentityRequest {
            identity_pool_id,
            logins: [(DEVELOPER.to_owned(), "ann".to_owned())].into(),
            ..Default::default()
        })
        .await;
    [
        outcome(
            classic,
            |answer| answer.token.split('.').count() == 3,
            "token",
        ),
        outcome(
            enhanced,
            |answer| answer.credentials.is_some(),
            "credentials",
        ),
        outcome(
            developer,
            |answer| answer.token.split('.').count() == 3,
            "token",
        ),
    ]
}

fn outcome<T>(
    answer: Result<Response<T>, Status>,
    is_good: impl Fn(&T) -> bool,
    good: &str,
) -> String {
    match answer {
        Ok(answer) if is_good(answer.get_ref()) => good.to_owned(),
        Ok(_) => "an empty answer".to_owned(),
        Err(status) => {
            assert_eq!(status.code(), tonic::Code::InvalidArgument);
            status.message().to_owned()
        }
    }
}

fn directly(emulator: &Direct, row: &Row) -> [String; 3] {
    let ok = |operation: &str, body: Value| emulator.call(operation, &body).unwrap();
    let mut pool = json!({
        "IdentityPoolName": "shop",
        "AllowUnauthenticatedIdentities": true,
        "SupportedLoginProviders": {GOOGLE: "app"},
        "DeveloperProviderName": DEVELOPER,
    });
    with_state(&mut pool, row.created);
    let id = ok("CreateIdentityPool", pool.clone())["IdentityPoolId"].clone();
    if let Some(updated) = row.updated {
        pool["IdentityPoolId"] = id.clone();
        with_state(&mut pool, updated);
        ok("UpdateIdentityPool", pool);
    }
    let mut roles = json!({"IdentityPoolId": id, "Roles": {"unauthenticated": ROLE}});
    if row.mappings {
        let mapping = json!({"Type": "Token", "AmbiguousRoleResolution": "Deny"});
        roles["RoleMappings"] = json!({GOOGLE: mapping});
    }
    ok("SetIdentityPoolRoles", roles);
    let identity = ok("GetId", json!({"IdentityPoolId": id}))["IdentityId"].clone();

    let guest = json!({"IdentityId": identity});
    let developer = json!({"IdentityPoolId": id, "Logins": {DEVELOPER: "ann"}});
    [
        ("GetOpenIdToken", guest.clone(), "Token", "token"),
        (
            "GetCredentialsForIdentity",
            guest,
            "Credentials",
            "credentials",
        ),
        (
            "GetOpenIdTokenForDeveloperIdentity",
            developer,
            "Token",
            "token",
        ),
    ]
    .map(
        |(operation, body, member, good)| match emulator.call(operation, &body) {
            Ok(answer) if !answer[member].is_null() => good.to_owned(),
            Ok(_) => "an empty answer".to_owned(),
            Err((kind, message)) => {
                assert_eq!(kind, "InvalidParameterException");
                message
            }
        },
    )
}

fn with_state(pool: &mut Value, state: Option<bool>) {
    let pool = pool.as_object_mut().unwrap();
    pool.remove("AllowClassicFlow");
    if let Some(state) = state {
        pool.insert("AllowClassicFlow".to_owned(), json!(state));
    }
}
