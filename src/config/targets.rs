//! What is set about targets: the tables `[[upstream.targets]]`.

use std::time::Duration;

use toml::de::DeTable;

use super::accepts::{Accepts, AccountId, Region, Span, Url};
use super::key::AnyKey;
use super::keys;
use super::mistake::{Mistake, Source};
use super::reader::Reader;
use super::sources::Found;
use crate::sections::{self, Section};
use crate::upstream::{ExternalId, Kind, RoleArn, RoleSettings, Settings, TargetSettings};

mod told;

pub(super) use told::told;

/// How long AWS lets a session last, and how long one does that nothing is said of: as long
/// as it may where poolgate's own credentials are those of a role.
const SESSION: Span = Span {
    least: Duration::from_secs(15 * 60),
    most: Duration::from_secs(12 * 60 * 60),
};
const USUAL_SESSION: Duration = Duration::from_secs(60 * 60);

const KNOWN: [&str; 11] = [
    "name",
    "account_id",
    "regions",
    "named_only",
    "endpoint_url",
    "role_arn",
    "external_id",
    "session_duration",
    "session_tags",
    "sts_region",
    "sts_endpoint_url",
];

/// What has no meaning without a role.
const OF_A_ROLE: [&str; 5] = [
    "external_id",
    "session_duration",
    "session_tags",
    "sts_region",
    "sts_endpoint_url",
];

/// Reads the targets, after everything else about the upstream.
pub(super) fn read(reader: &mut Reader, upstream: &mut Settings) {
    let Some(Found { text, source }) = reader.found(&keys::UPSTREAM_TARGETS).cloned() else {
        return;
    };
    let regions_are_known = !reader.is_wrong(&keys::UPSTREAM_REGIONS);
    let (targets, mistakes) = tables(&text, &source, upstream, regions_are_known);
    for (line, reason) in mistakes {
        let origin = match &source {
            Source::File { path, .. } => Source::File {
                path: path.clone(),
                line,
            },
            other => other.clone(),
        };
        reader.mistake(Mistake {
            origin,
            key: None,
            value: None,
            reason,
            accepted: None,
        });
    }
    upstream.targets = targets;
    let together = |reader: &mut Reader, reason: String| {
        reader.mistake(Mistake {
            origin: source.clone(),
            key: Some(keys::UPSTREAM_TARGETS.path.to_owned()),
            value: None,
            reason,
            accepted: None,
        });
    };
    if upstream.kind != Kind::Aws && !reader.is_wrong(&keys::UPSTREAM_KIND) {
        let reason = format!("wants {} = \"aws\"", keys::UPSTREAM_KIND.path);
        together(reader, reason);
    }
    if upstream.account_id.is_some() {
        let account: &dyn AnyKey = &keys::UPSTREAM_ACCOUNT_ID;
        let reason = format!("each of {} has its own", keys::UPSTREAM_TARGETS.path);
        reader.contradiction(account, reason);
    }
}

/// The targets in a file, or in a variable, and every mistake with its line.
fn tables(
    text: &str,
    source: &Source,
    upstream: &Settings,
    regions_are_known: bool,
) -> (Vec<TargetSettings>, Vec<(usize, String)>) {
    let text = match source {
        Source::File { .. } => text.to_owned(),
        _ => format!("{} = {text}", keys::UPSTREAM_TARGETS.path),
    };
    let sections = sections::Reader::new(&text);
    let document = match source {
        // Whatever of it is no TOML is told already.
        Source::File { .. } => DeTable::parse_recoverable(&text).0,
        _ => sections.document(),
    };
    let mut targets: Vec<TargetSettings> = Vec::new();
    sections.with(&document, |root| {
        let Some(section) = root.section("upstream") else {
            return;
        };
        let tables = section.sections("targets");
        if tables.is_empty() && !sections.has_mistakes() {
            section.mistake("targets", "empty; leave it out where there are none");
        }
        for table in tables {
            let Some(target) = target(&table, upstream, regions_are_known) else {
                continue;
            };
            compare(&table, &target, &targets);
            targets.push(target);
        }
    });
    (targets, sections.told())
}

/// Everything is read before a mistake ends it, so that all mistakes are told.
fn target(
    table: &Section<'_>,
    upstream: &Settings,
    regions_are_known: bool,
) -> Option<TargetSettings> {
    table.known(&KNOWN);
    let name = table
        .wanted_text("name")
        .filter(|name| is_name(table, name));
    let account_id = table.wanted_text("account_id");
    let account_id = account_id.and_then(|text| accepted(table, "account_id", &AccountId, &text));
    let regions = regions(table, upstream, regions_are_known);
    let named_only = table.flag("named_only").unwrap_or_default();
    let endpoint_url = url(table, "endpoint_url");
    let role = match table.has("role_arn") {
        true => role(table, account_id.as_deref(), regions.as_deref(), upstream).map(Some),
        false => {
            for name in OF_A_ROLE.into_iter().filter(|name| table.has(name)) {
                table.mistake(name, "wants `role_arn`");
            }
            Some(None)
        }
    };
    for name in ["endpoint_url", "sts_endpoint_url"] {
        if table.has(name) && (upstream.fips || upstream.dual_stack) {
            let keys = [keys::UPSTREAM_FIPS.path, keys::UPSTREAM_DUAL_STACK.path].join(" or ");
            table.mistake(
                name,
                format!("names an endpoint, and {keys} chooses among AWS's"),
            );
        }
    }
    Some(TargetSettings {
        name: name?,
        regions: regions?,
        named_only,
        account_id: account_id?,
        role: role?,
        endpoint_url,
    })
}

fn is_name(table: &Section<'_>, name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_one = name.len() <= 64 && name.bytes().all(plain);
    if !is_one {
        table.mistake("name", "not 1 to 64 letters, digits, `_` and `-`");
    }
    is_one
}

fn regions(table: &Section<'_>, upstream: &Settings, are_known: bool) -> Option<Vec<String>> {
    if !table.has("regions") {
        return Some(upstream.regions.clone());
    }
    let regions = table.wanted_texts("regions")?;
    let mut seen: Vec<&String> = Vec::new();
    for region in &regions {
        if let Err(reason) = Region.parse(region) {
            table.mistake("regions", reason);
        } else if are_known && !upstream.regions.contains(region) {
            let known = keys::UPSTREAM_REGIONS.path;
            table.mistake("regions", format!("`{region}` is not among {known}"));
        } else if seen.contains(&region) {
            table.mistake("regions", format!("`{region}` is named twice"));
        }
        seen.push(region);
    }
    Some(regions)
}

fn role(
    table: &Section<'_>,
    account_id: Option<&str>,
    regions: Option<&[String]>,
    upstream: &Settings,
) -> Option<RoleSettings> {
    let arn = table.wanted_text("role_arn")?;
    let arn = parsed(table, "role_arn", RoleArn::parse(&arn));
    if let (Some(arn), Some(account)) = (&arn, account_id)
        && arn.account() != account
    {
        table.mistake("role_arn", format!("in another account than `{account}`"));
    }
    let external_id = table.text("external_id");
    let external_id =
        external_id.and_then(|id| parsed(table, "external_id", ExternalId::parse(&id)));
    let duration = table.text("session_duration");
    let duration = duration.and_then(|text| accepted(table, "session_duration", &SESSION, &text));
    let regions = regions.unwrap_or_default();
    let usual_region = match regions.contains(&upstream.region) {
        true => Some(&upstream.region),
        false => regions.first(),
    };
    let sts_region = table.text("sts_region");
    let sts_region = sts_region.and_then(|name| accepted(table, "sts_region", &Region, &name));
    let session_tags = table.flag("session_tags").unwrap_or(true);
    let sts_endpoint_url = url(table, "sts_endpoint_url");
    Some(RoleSettings {
        arn: arn?,
        external_id,
        session_duration: duration.unwrap_or(USUAL_SESSION),
        session_tags,
        sts_region: sts_region
            .or_else(|| usual_region.cloned())
            .unwrap_or_default(),
        sts_endpoint_url,
    })
}

fn url(table: &Section<'_>, name: &str) -> Option<String> {
    let text = table.text(name)?;
    accepted(table, name, &Url, &text).flatten()
}

/// The value, where the text is what a key of this kind accepts.
fn accepted<A: Accepts>(table: &Section<'_>, name: &str, kind: &A, text: &str) -> Option<A::Value> {
    let told = |reason| format!("{reason}; accepted: {}", kind.accepted());
    parsed(table, name, kind.parse(text).map_err(told))
}

fn parsed<T>(table: &Section<'_>, name: &str, parsed: Result<T, String>) -> Option<T> {
    parsed.map_err(|reason| table.mistake(name, reason)).ok()
}

/// Whether a target can be told from those before it.
fn compare(table: &Section<'_>, target: &TargetSettings, before: &[TargetSettings]) {
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

#[cfg(test)]
mod tests;
