//! The section `certificates`.

use std::collections::BTreeSet;

use crate::authn::certificate::{Known, Name, Rules, dns_name, spiffe_id, trust_domain};
use crate::sections::Section;

pub(super) fn read(section: &Section<'_>) -> Rules {
    section.known(&["names", "trust_domains", "map"]);
    let mut rules = Rules::default();
    if let Some(names) = section.texts("names") {
        rules.spiffe = names.iter().any(|name| name == "spiffe");
        rules.dns = names.iter().any(|name| name == "dns");
        for name in names
            .iter()
            .filter(|name| !["spiffe", "dns"].contains(&name.as_str()))
        {
            section.mistake("names", format!("`{name}` is not one of `spiffe`, `dns`"));
        }
    }
    if let Some(domains) = section.texts("trust_domains") {
        for domain in domains.iter().filter(|domain| !trust_domain(domain)) {
            section.mistake("trust_domains", format!("`{domain}` is not a trust domain"));
        }
        if domains.is_empty() {
            section.mistake("trust_domains", "empty; leave it out to take all");
        }
        rules.trust_domains = Some(domains.into_iter().collect());
    }
    let mut seen = BTreeSet::new();
    for row in section.sections("map") {
        row.known(&["name", "roles", "attributes"]);
        let name = row.wanted_text("name").and_then(|text| {
            let name = name(&text, &rules);
            name.map_err(|reason| row.mistake("name", reason)).ok()
        });
        let roles = row.set("roles");
        let attributes = row.map("attributes");
        let Some(name) = name else {
            continue;
        };
        if !seen.insert(name.clone()) {
            row.mistake("name", "named before");
        }
        rules.map.push(Known {
            name,
            roles,
            attributes,
        });
    }
    rules
}

/// A name that certificates can have, by the rules.
fn name(text: &str, rules: &Rules) -> Result<Name, String> {
    if let Some(name) = text.strip_prefix("dns:") {
        if !rules.dns {
            return Err("wants `dns` among `certificates.names`".to_owned());
        }
        return Ok(Name::Exact(format!("dns:{}", dns_name(name)?)));
    }
    let (id, name) = match text.strip_suffix('*') {
        // Any segment makes an ID of the beginning of one.
        Some(beginning) if beginning.ends_with('/') => {
            (format!("{beginning}x"), Name::Below(beginning.to_owned()))
        }
        _ => (text.to_owned(), Name::Exact(text.to_owned())),
    };
    let domain = spiffe_id(&id).map_err(|reason| {
        format!("`{text}` is not a SPIFFE ID, nor its beginning with `/*`, nor `dns:` and a name: {reason}")
    })?;
    if !rules.spiffe {
        return Err("wants `spiffe` among `certificates.names`".to_owned());
    }
    let trusted = rules.trust_domains.as_ref();
    match trusted.is_none_or(|domains| domains.contains(domain)) {
        true => Ok(name),
        false => Err(format!("`{domain}` is not among `trust_domains`")),
    }
}
