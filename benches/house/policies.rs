//! Policies as a house with many teams has them.

use std::fmt::Write;

use poolgate::policy::Settings;
use tempfile::TempDir;

/// Asks of every call when it comes, so that no answer can be remembered.
pub const ASKS_TIME: &str = r#"forbid (principal, action, resource)
    when { context.time > datetime("9000-01-01") };"#;

/// That many policies in a file: the first, if there is one, a few for everybody, and for
/// each team three that name its role, its services and its pool. The first team's pool is
/// given.
pub fn written(first: Option<&str>, count: usize, pool_of_team_1: &str) -> (TempDir, Settings) {
    let general = [
        r#"permit (principal in Poolgate::Role::"admin", action, resource)
            when { context.peer_address.isInRange(ip("10.0.0.0/8")) };"#,
        r#"permit (principal in Poolgate::Role::"developer", action in Poolgate::Action::"read", resource is Poolgate::IdentityPool)
            when { principal.hasTag("team") && resource.hasTag("team") && principal.getTag("team") == resource.getTag("team") };"#,
        r#"forbid (principal, action in Poolgate::Action::"write", resource)
            when { context.peer_address.isInRange(ip("192.0.2.0/24")) };"#,
        r#"forbid (principal, action == Poolgate::Action::"GetCredentialsForIdentity", resource)
            when { context has custom_role_arn };"#,
    ];
    let teams = (1..).flat_map(|team| {
        let pool = match team {
            1 => pool_of_team_1.to_owned(),
            _ => pool(team),
        };
        [
            format!(
                r#"permit (principal in Poolgate::Role::"team-{team}", action in Poolgate::Action::"all", resource == Poolgate::IdentityPool::"{pool}");"#
            ),
            format!(
                r#"permit (principal == Poolgate::Caller::"token:service-{team}", action in Poolgate::Action::"issue", resource in Poolgate::IdentityPool::"{pool}")
                    when {{ context.provider_names.contains("login.example.org") }};"#
            ),
            format!(
                r#"forbid (principal, action in Poolgate::Action::"write", resource == Poolgate::IdentityPool::"{pool}")
                    unless {{ principal in Poolgate::Role::"team-{team}" }};"#
            ),
        ]
    });
    let mut text = String::new();
    let general = first.into_iter().chain(general).map(str::to_owned);
    let policies = general.chain(teams);
    for (number, policy) in policies.take(count).enumerate() {
        writeln!(text, "@id(\"policy-{number}\")\n{policy}").expect("a string takes all");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("policies.cedar");
    std::fs::write(&file, text).expect("a file");
    let settings = Settings {
        files: vec![file],
        ..Settings::default()
    };
    (directory, settings)
}

/// A team's pool, of which nobody else knows.
pub fn pool(number: usize) -> String {
    format!("eu-west-1:{number:08x}-0000-4000-8000-000000000000")
}
