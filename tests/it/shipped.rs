//! What `deploy/` ships fits the code: its configuration has no mistake, and its rules and
//! dashboards speak of metrics that are there.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use poolgate::operation::{Operation, Signing};
use poolgate::telemetry::names::{self, Name};
use regex::Regex;
use serde_json::Value;

use crate::support::certificates::Authority;
use crate::support::journal;

const RULES: &str = include_str!("../../deploy/prometheus/alerts.yaml");
const RULE_TESTS: &str = include_str!("../../deploy/prometheus/alerts_test.yaml");
const DASHBOARD: &str = include_str!("../../deploy/grafana/poolgate.json");

/// Labels that Prometheus adds where it scrapes, and those of histograms and alerts.
const OTHER_LABELS: &[&str] = &[
    "namespace",
    "job",
    "instance",
    "le",
    "alertname",
    "alertstate",
];

#[test]
fn the_configuration_for_kubernetes_has_no_mistake() {
    has_no_mistake("deploy/kubernetes/configuration/poolgate.toml", &[]);
}

#[test]
fn the_configuration_for_systemd_has_no_mistake() {
    let unit = fs::read_to_string("deploy/systemd/poolgate.service").unwrap();
    let environment: Vec<(&str, &str)> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("Environment=")?.split_once('='))
        .collect();
    assert_eq!(environment.len(), 5);

    has_no_mistake("deploy/systemd/poolgate.toml", &environment);
}

#[test]
fn rules_and_dashboards_speak_of_metrics_that_are_there() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut queries = Vec::new();
    texts(&dashboard, &mut queries);
    let queries = queries.join("\n");

    assert_eq!(problems(RULES), Vec::<String>::new());
    assert_eq!(problems(RULE_TESTS), Vec::<String>::new());
    assert_eq!(problems(&queries), Vec::<String>::new());
    assert!(names_in(&queries).len() > 20, "{:?}", names_in(&queries));
    assert!(names_in(RULES).len() > 10, "{:?}", names_in(RULES));
}

#[test]
fn the_role_that_is_shown_allows_what_is_signed_and_nothing_else() {
    let text = include_str!("../../deploy/README.md");
    let action = Regex::new(r#""cognito-identity:(\w+)""#).unwrap();
    let mut shown: Vec<&str> = action
        .captures_iter(text)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    shown.sort_unstable();

    let mut signed: Vec<&str> = Operation::ALL
        .iter()
        .filter(|operation| operation.signing() == Signing::Signed)
        .map(|operation| operation.name())
        .collect();
    signed.sort_unstable();
    assert_eq!(shown, signed);
}

#[test]
fn each_kind_of_drift_is_noticed() {
    const CASES: &[(&str, &str)] = &[
        ("rate(poolgate_panic_total[5m])", "poolgate_panic_total"),
        ("poolgate_panics", "poolgate_panics: no metric"),
        ("poolgate:nothing:rate5m", "poolgate:nothing:rate5m"),
        ("poolgate_quota_keys_bucket", "poolgate_quota_keys_bucket"),
        (r#"poolgate_panics_total{code="1"}"#, "no label `code`"),
        (
            r#"poolgate_reloads_total{outcome="good"}"#,
            "`outcome` is never `good`",
        ),
        (
            "sum by (limit) (poolgate_reloads_total)",
            "no metric here has the label `limit`",
        ),
    ];
    for (query, says) in CASES {
        let found = problems(query);
        assert!(
            found.iter().any(|problem| problem.contains(says)),
            "{query}: {found:?}"
        );
    }
}

/// Runs `poolgate check` on a shipped file, with what it names in one folder, and keys and
/// certificates that stand in for those of an installation.
fn has_no_mistake(configuration: &str, environment: &[(&str, &str)]) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let write = |name: &str, content: &[u8]| {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    let moved = |text: &str| {
        let to = root.to_str().unwrap();
        ["/etc/poolgate", "/var/lib/poolgate", "%d"]
            .iter()
            .fold(text.to_owned(), |text, from| text.replace(from, to))
    };
    let authority = Authority::new("services");
    let server = authority.server("poolgate");
    for folder in ["tls/", ""] {
        write(&format!("{folder}tls.crt"), server.chain.as_bytes());
        write(&format!("{folder}tls.key"), server.key.as_bytes());
    }
    write("tls/ca.crt", authority.pem().as_bytes());
    for folder in ["audit/", ""] {
        write(&format!("{folder}mac-key"), &[7; 32]);
        write(
            &format!("{folder}signing-key.pem"),
            journal::signing_key().as_bytes(),
        );
    }
    for (name, shipped) in [
        ("poolgate.toml", configuration),
        (
            "callers/callers.toml",
            "deploy/kubernetes/configuration/callers.toml",
        ),
        (
            "callers/limits.toml",
            "deploy/kubernetes/configuration/limits.toml",
        ),
        (
            "policies/applications.cedar",
            "deploy/kubernetes/configuration/policies/applications.cedar",
        ),
    ] {
        write(
            name,
            moved(&fs::read_to_string(shipped).unwrap()).as_bytes(),
        );
    }

    let checked = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .args(["check", "--config"])
        .arg(root.join("poolgate.toml"))
        .env_clear()
        .envs(
            environment
                .iter()
                .map(|(key, value)| (key, moved(value).replace("%H", "host"))),
        )
        .output()
        .unwrap();

    let told = String::from_utf8(checked.stderr).unwrap();
    assert_eq!((checked.status.code(), told.as_str()), (Some(0), ""));
}

/// All texts in a document.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What in the text is not as the code has it.
fn problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let recorded = recorded();
    for name in names_in(text) {
        let is_recorded = name.contains(':') && recorded.contains(&name);
        if metric(&name).is_none() && !is_recorded {
            problems.push(format!("{name}: no metric has this name"));
        }
    }
    let selector = Regex::new(r"\b((?:poolgate|grpc_server)_[a-z_]+)\{([^}]*)\}").unwrap();
    let matcher = Regex::new(r#"([a-z_]+)(?:=~|!~|!=|=)"([^"]*)""#).unwrap();
    for found in selector.captures_iter(text) {
        let Some(metric) = metric(&found[1]) else {
            continue;
        };
        for matched in matcher.captures_iter(&found[2]) {
            let (label, values) = (&matched[1], &matched[2]);
            if OTHER_LABELS.contains(&label) {
                continue;
            }
            if !metric.labels.contains(&label) {
                problems.push(format!("{}: no label `{label}`", metric.name));
            }
            if let Some(value) = unknown_value(metric, label, values) {
                problems.push(format!("{}: `{label}` is never `{value}`", metric.name));
            }
        }
    }
    let by = Regex::new(r"\bby \(([a-z_, ]+)\)").unwrap();
    for line in text.lines() {
        let metrics: Vec<&Name> = names_in(line)
            .iter()
            .filter_map(|name| metric(name))
            .collect();
        let grouped = by.captures_iter(line).filter(|_| !metrics.is_empty());
        for label in grouped.flat_map(|found| labels(&found[1])) {
            let is_known = metrics
                .iter()
                .any(|one| one.labels.contains(&label.as_str()));
            if !is_known && !OTHER_LABELS.contains(&label.as_str()) {
                problems.push(format!("no metric here has the label `{label}`: {line}"));
            }
        }
    }
    problems
}

fn labels(list: &str) -> Vec<String> {
    list.split(',')
        .map(|label| label.trim().to_owned())
        .collect()
}

/// The names of metrics and recordings in a text.
fn names_in(text: &str) -> BTreeSet<String> {
    let name =
        Regex::new(r"\b(?:(?:poolgate|grpc_server)_[a-z0-9_]+|poolgate:[a-z0-9_:]+)").unwrap();
    name.find_iter(text)
        .map(|found| found.as_str().to_owned())
        .collect()
}

/// The metric that a series of this name belongs to.
fn metric(series: &str) -> Option<&'static Name> {
    names::all().find(|metric| {
        let rest = series.strip_prefix(metric.name);
        rest == Some("")
            || metric.kind == "histogram" && matches!(rest, Some("_bucket" | "_sum" | "_count"))
    })
}

/// What the rules record.
fn recorded() -> BTreeSet<String> {
    RULES
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- record: "))
        .map(str::to_owned)
        .collect()
}

/// The first of the values that the label is never said to have. Only our own metrics say
/// which there are, and patterns are not looked into.
fn unknown_value<'a>(metric: &Name, label: &str, values: &'a str) -> Option<&'a str> {
    let says_which = metric.meaning.contains('`')
        && ["decision", "outcome", "reason", "method"].contains(&label);
    if !says_which || values.contains(['.', '*', '$']) {
        return None;
    }
    values
        .split('|')
        .find(|value| !metric.meaning.contains(&format!("`{value}`")))
}
