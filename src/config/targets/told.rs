//! The targets in force, as operators are told.

use std::fmt::Write;

use crate::upstream::Settings;

/// The targets in force as TOML, for operators.
pub(in crate::config) fn told(upstream: &Settings) -> String {
    let mut text = String::new();
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let line = |text: &mut String, name: &str, value: &str| {
        // Writing into a `String` cannot fail.
        let _ = writeln!(text, "{name} = {value}");
    };
    for target in &upstream.targets {
        text.push_str("\n[[upstream.targets]]\n");
        let regions: Vec<String> = target.regions.iter().map(|name| quoted(name)).collect();
        line(&mut text, "name", &quoted(&target.name));
        line(&mut text, "account_id", &quoted(&target.account_id));
        line(&mut text, "regions", &format!("[{}]", regions.join(", ")));
        line(&mut text, "named_only", &target.named_only.to_string());
        if let Some(url) = &target.endpoint_url {
            line(&mut text, "endpoint_url", &quoted(url));
        }
        let Some(role) = &target.role else {
            continue;
        };
        line(&mut text, "role_arn", &quoted(role.arn.as_str()));
        if let Some(id) = &role.external_id {
            line(&mut text, "external_id", &quoted(id.as_str()));
        }
        let duration = humantime::format_duration(role.session_duration).to_string();
        line(&mut text, "session_duration", &quoted(&duration));
        line(&mut text, "session_tags", &role.session_tags.to_string());
        line(&mut text, "sts_region", &quoted(&role.sts_region));
        if let Some(url) = &role.sts_endpoint_url {
            line(&mut text, "sts_endpoint_url", &quoted(url));
        }
    }
    text
}
