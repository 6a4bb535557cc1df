//! What only shows when targets are looked at together.

use super::keys;
use super::{Mistake, Reader, Section, Source};
use crate::upstream::{Settings, TargetSettings};

/// Looks at all targets, after each of them.
pub(super) fn read(reader: &mut Reader, source: &Source, upstream: &Settings) {
    let targets = &upstream.targets;
    if targets.iter().all(|target| target.named_only) {
        reader.mistake(Mistake {
            origin: source.clone(),
            key: Some(keys::UPSTREAM_TARGETS.path.to_owned()),
            value: None,
            reason: "each has `named_only = true`; leave it out of the one that calls go to which \
                     name none"
                .to_owned(),
            accepted: None,
        });
    }
    let region = &upstream.region;
    let is_compared = !reader.is_wrong(&keys::UPSTREAM_REGION)
        && !reader.is_wrong(&keys::UPSTREAM_REGIONS)
        && upstream.regions.contains(region);
    if is_compared && !targets.iter().any(|target| target.regions.contains(region)) {
        let reason = format!("none of {} answers for it", keys::UPSTREAM_TARGETS.path);
        reader.contradiction(&keys::UPSTREAM_REGION, reason);
    }
}

/// Whether a target can be told from those before it.
pub(super) fn compare(table: &Section<'_>, target: &TargetSettings, before: &[TargetSettings]) {
    if before.iter().any(|other| other.name == target.name) {
        table.mistake("name", format!("`{}` is named before", target.name));
        return;
    }
    let same = |other: &&TargetSettings| {
        let without_role = other.role.is_none() && target.role.is_none();
        without_role && other.endpoint_url == target.endpoint_url
    };
    let other = before.iter().find(same);
    if let Some(other) = other.filter(|other| other.account_id != target.account_id) {
        let (name, account) = (&other.name, &other.account_id);
        let reason = format!(
            "missing: without one calls are made with the same credentials as those of `{name}`, \
             which is in account {account}"
        );
        table.mistake("role_arn", reason);
    }
    if target.named_only {
        return;
    }
    for other in before.iter().filter(|other| !other.named_only) {
        let shared = target.regions.iter();
        let shared: Vec<String> = shared
            .filter(|region| other.regions.contains(region))
            .map(|region| format!("`{region}`"))
            .collect();
        if !shared.is_empty() {
            let (shared, other) = (shared.join(", "), &other.name);
            table.mistake(
                "regions",
                format!(
                    "{shared} is answered for by `{other}` too; with `named_only = true` one of \
                     the two is for calls that name it"
                ),
            );
        }
    }
}
