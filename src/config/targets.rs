//! What is set about targets: the tables `[[upstream.targets]]`.

use toml::de::DeTable;

use super::accepts::{Accepts, AccountId, Region, Url};
use super::key::AnyKey;
use super::keys;
use super::mistake::{Mistake, Source};
use super::reader::Reader;
use super::sources::Found;
use crate::sections::{self, Section};
use crate::upstream::{Kind, RoleArn, Settings, TargetSettings};

mod role;
mod together;
mod told;

pub(super) use told::told;

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
    let Tables {
        targets,
        mistakes,
        are_all,
    } = tables(&text, &source, upstream, regions_are_known);
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
    // Of fewer than were meant, each would be missed.
    if are_all {
        together::read(reader, &source, upstream);
    }
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

/// The targets that could be read.
struct Tables {
    targets: Vec<TargetSettings>,
    /// With their lines.
    mistakes: Vec<(usize, String)>,
    /// Whether there are as many as were meant.
    are_all: bool,
}

/// The targets in a file, or in a variable, and every mistake with its line.
fn tables(text: &str, source: &Source, upstream: &Settings, regions_are_known: bool) -> Tables {
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
    let mut meant = None;
    sections.with(&document, |root| {
        let Some(section) = root.section("upstream") else {
            return;
        };
        let is_more = root.names().len() > 1 || section.names().len() > 1;
        if is_more && !matches!(source, Source::File { .. }) {
            section.mistake("targets", "something that is not the list comes after it");
        }
        let tables = section.sections("targets");
        if tables.is_empty() && !sections.has_mistakes() {
            section.mistake("targets", "empty; leave it out where there are none");
        }
        meant = Some(tables.len());
        for table in tables {
            let Some(target) = target(&table, upstream, regions_are_known) else {
                continue;
            };
            together::compare(&table, &target, &targets);
            targets.push(target);
        }
    });
    Tables {
        are_all: meant == Some(targets.len()) && !targets.is_empty(),
        mistakes: sections.told(),
        targets,
    }
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
    let arn = table.text("role_arn");
    let arn = arn.and_then(|arn| RoleArn::parse(&arn).ok());
    let regions = regions(table, upstream, regions_are_known, arn.as_ref());
    let named_only = table.flag("named_only").unwrap_or_default();
    let endpoint_url = url(table, "endpoint_url");
    let role = match table.has("role_arn") {
        true => role::read(table, account_id.as_deref(), regions.as_deref(), upstream).map(Some),
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

/// The regions that are named, or else all of the role's partition.
fn regions(
    table: &Section<'_>,
    upstream: &Settings,
    are_known: bool,
    role: Option<&RoleArn>,
) -> Option<Vec<String>> {
    let fits = |region: &String| role.is_none_or(|role| role.is_of(region));
    if !table.has("regions") {
        let all: Vec<String> = upstream
            .regions
            .iter()
            .filter(|one| fits(one))
            .cloned()
            .collect();
        if all.is_empty() {
            let known = keys::UPSTREAM_REGIONS.path;
            table.mistake(
                "role_arn",
                format!("in another partition than all of {known}"),
            );
        }
        return Some(all);
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
        } else if !fits(region) {
            table.mistake("role_arn", format!("in another partition than `{region}`"));
        }
        seen.push(region);
    }
    Some(regions)
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

#[cfg(test)]
mod tests;
