//! The service config that clients load is made from the table of operations.
//!
//! `POOLGATE_WRITE_DOCS=1 cargo test --test it service_config` writes it.

use std::fmt::Write;
use std::fs;
use std::time::Duration;

use poolgate::operation::{Effect, Operation};
use poolgate::{pb, server, upstream};
use serde_json::Value;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/service-config.json");

/// More are not heeded by any client (gRFC A6, "Maximum Number of Retries").
const ATTEMPTS: u64 = 5;

#[test]
fn the_service_config_is_that_of_the_table_of_operations() {
    let expected = config();

    if std::env::var_os("POOLGATE_WRITE_DOCS").is_some() {
        fs::write(PATH, &expected).unwrap();
        return;
    }
    assert!(
        fs::read_to_string(PATH).unwrap() == expected,
        "{PATH} differs from the table of operations; write it with \
         `POOLGATE_WRITE_DOCS=1 cargo test --test it service_config`"
    );
}

#[test]
fn every_operation_is_told_once_when_it_may_be_made_again() {
    let config = read();

    for operation in Operation::ALL {
        let methods: Vec<&Value> = methods(&config, *operation).collect();
        assert_eq!(methods.len(), 1, "{operation}");
        let retries = &methods[0]["retryPolicy"];
        assert_eq!(retries["maxAttempts"], ATTEMPTS, "{operation}");
        let codes = retries["retryableStatusCodes"].as_array().unwrap();
        let has = |code: &str| codes.iter().any(|one| one == code);
        assert!(has("RESOURCE_EXHAUSTED"), "{operation}");
        assert_eq!(has("UNAVAILABLE"), !operation.leaves_doubt(), "{operation}");
        assert_eq!(codes.len(), 1 + usize::from(has("UNAVAILABLE")));
    }
}

#[test]
fn no_operation_that_creates_is_made_again_when_a_connection_is_lost() {
    let config = read();

    for operation in [
        Operation::CreateIdentityPool,
        Operation::GetId,
        Operation::GetOpenIdTokenForDeveloperIdentity,
    ] {
        let method = methods(&config, operation).next().unwrap();
        let codes = &method["retryPolicy"]["retryableStatusCodes"];
        assert_eq!(codes, &serde_json::json!(["RESOURCE_EXHAUSTED"]));
    }
}

#[test]
fn a_client_waits_as_long_as_poolgate_may_take_and_not_longer() {
    let config = read();
    let upstream = upstream::Settings::default();
    let server = server::Settings::default();

    for operation in Operation::ALL {
        let method = methods(&config, *operation).next().unwrap();
        let timeout = method["timeout"].as_str().unwrap().trim_end_matches('s');
        let timeout = Duration::from_secs(timeout.parse().unwrap());
        assert!(timeout >= server.default_deadline, "{operation}");
        assert!(timeout <= server.max_deadline, "{operation}");
        let attempt = match operation.effect() {
            Effect::Read => upstream.read_attempt_timeout,
            Effect::Write => upstream.write_attempt_timeout,
            Effect::Issue => upstream.issue_attempt_timeout,
        };
        assert!(timeout > 2 * attempt, "{operation}");
    }
}

/// grpcio takes a token for each refusal and does not always give one back for the success
/// that follows: after some dozens of calls that waited as told it would wait no more.
#[test]
fn no_client_is_kept_from_waiting_because_it_has_waited_before() {
    assert!(read().get("retryThrottling").is_none());
}

/// The entries that are about an operation.
fn methods(config: &Value, operation: Operation) -> impl Iterator<Item = &Value> {
    let entries = config["methodConfig"].as_array().unwrap().iter();
    entries.filter(move |entry| {
        let names = entry["name"].as_array().unwrap();
        names
            .iter()
            .any(|name| name["service"] == pb::SERVICE_NAME && name["method"] == operation.name())
    })
}

fn read() -> Value {
    serde_json::from_str(&fs::read_to_string(PATH).unwrap()).unwrap()
}

/// What a client may do by itself.
///
/// What is refused with RESOURCE_EXHAUSTED was not done, by poolgate or by AWS, so that it
/// may be made again, when the pushback says so. A call that fails with UNAVAILABLE may have
/// been done: the client says so, too, when its connection breaks. So only what changes
/// nothing, or nothing that lasts, is made again then.
fn config() -> String {
    let loses_nothing = |operation: &Operation| !operation.leaves_doubt();
    let is_write = |operation: &Operation| operation.effect() == Effect::Write;
    let groups = [
        method(
            loses_nothing,
            "10s",
            r#"["UNAVAILABLE", "RESOURCE_EXHAUSTED"]"#,
        ),
        method(
            |operation| !loses_nothing(operation) && !is_write(operation),
            "10s",
            r#"["RESOURCE_EXHAUSTED"]"#,
        ),
        // A change waits for other changes of its pool, and may have to be applied anew.
        method(is_write, "30s", r#"["RESOURCE_EXHAUSTED"]"#),
    ];
    format!(
        r#"{{
  "loadBalancingConfig": [{{ "round_robin": {{}} }}],
  "healthCheckConfig": {{ "serviceName": "{}" }},
  "methodConfig": [
{}
  ]
}}
"#,
        pb::SERVICE_NAME,
        groups.join(",\n")
    )
}

fn method(belongs: impl Fn(&Operation) -> bool, timeout: &str, codes: &str) -> String {
    let mut names = String::new();
    for operation in Operation::ALL.iter().filter(|operation| belongs(operation)) {
        let separator = if names.is_empty() { "" } else { ",\n" };
        let service = pb::SERVICE_NAME;
        write!(
            names,
            r#"{separator}        {{ "service": "{service}", "method": "{operation}" }}"#
        )
        .unwrap();
    }
    format!(
        r#"    {{
      "name": [
{names}
      ],
      "timeout": "{timeout}",
      "retryPolicy": {{
        "maxAttempts": {ATTEMPTS},
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": {codes}
      }}
    }}"#
    )
}
