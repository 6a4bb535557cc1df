//! The list `issuers`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jsonwebtoken::Algorithm;

use crate::authn::issuer::{Issuer, Keys, Role};
use crate::authn::jws;
use crate::authn::keys::KeySet;
use crate::sections::Section;
use crate::{fetch, settings_file};

/// The longest that tokens may be good for.
const MOST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

const KNOWN: [&str; 11] = [
    "issuer",
    "audiences",
    "algorithms",
    "jwks_url",
    "jwks_file",
    "caller_claim",
    "profile",
    "authorized_parties",
    "max_lifetime",
    "roles",
    "attributes",
];

/// The issuers; the files of their keys are added to `files`.
pub(super) fn read(root: &Section<'_>, folder: &Path, files: &mut Vec<PathBuf>) -> Vec<Issuer> {
    let mut seen = BTreeSet::new();
    let mut issuers = Vec::new();
    for section in root.sections("issuers") {
        let Some(issuer) = issuer(&section, folder, files) else {
            continue;
        };
        if !seen.insert(issuer.issuer.clone()) {
            section.mistake("issuer", "named before");
        }
        issuers.push(issuer);
    }
    issuers
}

/// Everything is read before a mistake ends it, so that all mistakes are told.
fn issuer(section: &Section<'_>, folder: &Path, files: &mut Vec<PathBuf>) -> Option<Issuer> {
    section.known(&KNOWN);
    let name = section.wanted_text("issuer");
    if let Some(name) = &name {
        check_name(section, name);
    }
    let audiences = section.wanted_texts("audiences");
    let algorithms = section.wanted_texts("algorithms");
    let algorithms = algorithms.map(|names| algorithms_of(section, &names));
    let keys = keys(section, folder, files);
    let authorized_parties = match section.has("authorized_parties") {
        true => section.wanted_texts("authorized_parties"),
        false => None,
    };
    let caller_claim = match section.has("caller_claim") {
        true => section.wanted_text("caller_claim"),
        false => None,
    };
    let rfc9068 = section.one_of("profile", &[("rfc9068", ())]).is_some();
    let max_lifetime = max_lifetime(section);
    let roles = section.sections("roles").iter().filter_map(role).collect();
    let attributes = section.map("attributes");
    Some(Issuer {
        issuer: name?,
        audiences: audiences?,
        algorithms: algorithms?,
        keys: keys?,
        caller_claim,
        rfc9068,
        authorized_parties,
        max_lifetime,
        roles,
        attributes,
    })
}

/// A bar would make two subjects of two issuers one caller.
fn check_name(section: &Section<'_>, name: &str) {
    if let Err(reason) = fetch::check_url(name) {
        section.mistake("issuer", reason);
    } else if name.contains('|') {
        section.mistake("issuer", "has a `|`, which parts issuer and subject");
    }
}

fn algorithms_of(section: &Section<'_>, names: &[String]) -> Vec<Algorithm> {
    let mut algorithms = Vec::new();
    for name in names {
        match jws::algorithm(name) {
            Some(algorithm) => algorithms.push(algorithm),
            None => {
                let known = jws::ALGORITHMS.map(|(name, _)| name).join("`, `");
                section.mistake("algorithms", format!("`{name}` is not one of `{known}`"));
            }
        }
    }
    algorithms
}

fn keys(section: &Section<'_>, folder: &Path, files: &mut Vec<PathBuf>) -> Option<Keys> {
    match (section.has("jwks_url"), section.has("jwks_file")) {
        (true, false) => {
            let url = section.wanted_text("jwks_url")?;
            let checked = fetch::check_url(&url);
            let checked = checked.map_err(|reason| section.mistake("jwks_url", reason));
            checked.ok().map(|()| Keys::Fetched(url))
        }
        (false, true) => {
            let path = folder.join(section.wanted_text("jwks_file")?);
            let set = settings_file::bytes(&path)
                .and_then(|json| KeySet::read(&json))
                .map_err(|reason| {
                    section.mistake("jwks_file", format!("{}: {reason}", path.display()));
                });
            files.push(path);
            set.ok().map(Keys::Written)
        }
        _ => {
            section.mistake("jwks_url", "wants one of `jwks_url` and `jwks_file`");
            None
        }
    }
}

fn max_lifetime(section: &Section<'_>) -> Duration {
    let Some(text) = section.text("max_lifetime") else {
        return MOST_LIFETIME;
    };
    match humantime::parse_duration(&text) {
        Ok(lifetime) if !lifetime.is_zero() && lifetime <= MOST_LIFETIME => lifetime,
        _ => {
            section.mistake(
                "max_lifetime",
                "not a time up to `24h`, such as `1h` or `15m`",
            );
            MOST_LIFETIME
        }
    }
}

fn role(row: &Section<'_>) -> Option<Role> {
    row.known(&["claim", "value", "role"]);
    let (claim, value) = (row.wanted_text("claim"), row.wanted_text("value"));
    let role = row.wanted_text("role");
    Some(Role {
        claim: claim?,
        value: value?,
        role: role?,
    })
}
