//! What is known of an issuer, and who its tokens make their bearer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::certificate::{Rules, dns_name};
use super::claims::Claims;
use super::keys::KeySet;
use super::refusal::shown;
use crate::caller::{Caller, Proof};

/// The longest name of a caller that a token gives, in bytes.
const MOST_ID_BYTES: usize = 2048;

/// The longest attribute that a token gives, in bytes. Callers are remembered by the
/// thousand.
const MOST_ATTRIBUTE_BYTES: usize = 1024;

/// An issuer whose tokens are taken.
#[derive(Clone, Debug)]
pub(super) struct Issuer {
    /// Its name, which its tokens have as `iss`.
    pub(super) issuer: String,
    /// Whom tokens have to be meant for; one of these.
    pub(super) audiences: Vec<String>,
    /// The algorithms that it may sign with.
    pub(super) algorithms: Vec<Algorithm>,
    /// Where its keys are.
    pub(super) keys: Keys,
    /// The claim whose value is the caller's name as it is.
    pub(super) caller_claim: Option<String>,
    /// Whether its tokens have to follow RFC 9068.
    pub(super) rfc9068: bool,
    /// The applications that may have got the token; any, where nothing is said.
    pub(super) authorized_parties: Option<Vec<String>>,
    /// The longest time between `iat` and `exp`.
    pub(super) max_lifetime: Duration,
    /// Roles by claims.
    pub(super) roles: Vec<Role>,
    /// Attributes and the claims that they are copied from.
    pub(super) attributes: BTreeMap<String, String>,
}

/// Where an issuer's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// In a file, which has been read.
    Written(KeySet),
    /// At this address.
    Fetched(String),
}

/// A role of those whose claim has a value, or has it in its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Role {
    /// The claim.
    pub(super) claim: String,
    /// The value.
    pub(super) value: String,
    /// The role.
    pub(super) role: String,
}

impl Issuer {
    /// Who calls with a token that has these claims.
    pub(super) fn caller(
        &self,
        claims: &Claims,
        all: &Map<String, Value>,
        certificates: &Rules,
    ) -> Result<Caller, String> {
        let id = match &self.caller_claim {
            None => format!("{}|{}", self.issuer, claims.subject),
            Some(name) => {
                let id = find(all, name)
                    .and_then(Value::as_str)
                    .ok_or_else(|| format!("the claim `{name}` is missing or not a text"))?;
                own_name(id, certificates)?
            }
        };
        let has = |role: &&Role| match find(all, &role.claim) {
            Some(Value::String(text)) => *text == role.value,
            Some(Value::Array(list)) => list.iter().any(|text| *text == role.value),
            _ => false,
        };
        let roles: BTreeSet<String> = self
            .roles
            .iter()
            .filter(has)
            .map(|role| role.role.clone())
            .collect();
        let mut attributes = BTreeMap::new();
        for (attribute, claim) in &self.attributes {
            let Some(text) = find(all, claim).and_then(Value::as_str) else {
                continue;
            };
            if text.len() > MOST_ATTRIBUTE_BYTES {
                return Err(format!("the claim `{claim}` is too long for an attribute"));
            }
            attributes.insert(attribute.clone(), text.to_owned());
        }
        let proof = Proof::Jwt {
            issuer: self.issuer.clone(),
            subject: claims.subject.clone(),
            token_id: claims.token_id.clone(),
            issued_at: claims.issued_at,
        };
        Ok(Caller::new(id, proof, roles, attributes))
    }
}

/// A name that an issuer gives as it is. It cannot be one that others give: of a static
/// token, of a process, of another issuer's subject, of nobody. A SPIFFE ID is one by the rules for
/// certificates.
fn own_name(id: &str, certificates: &Rules) -> Result<String, String> {
    let refused = |reason: &str| Err(format!("the caller's name {} {reason}", shown(id)));
    if id.is_empty() || id.len() > MOST_ID_BYTES || id.chars().any(char::is_control) {
        return refused("is empty, too long or has control characters");
    }
    let is_listed = id.starts_with("token:") || id.starts_with("process:");
    if id == Caller::ANONYMOUS || is_listed || id.contains('|') {
        return refused("is one that is given to others");
    }
    if id
        .get(..7)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("spiffe:"))
    {
        certificates.check_spiffe(id)?;
    }
    if let Some(name) = id.strip_prefix("dns:")
        && dns_name(name).as_deref() != Ok(name)
    {
        return refused("is not the DNS name of a host in lower case");
    }
    Ok(id.to_owned())
}

/// A claim by its name; where there is none of that name, the dots in it lead into
/// claims that are objects.
fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let mut path = name.split('.');
    let first = claims.get(path.next()?)?;
    path.try_fold(first, |value, name| value.get(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_found_by_its_whole_name_before_its_path() {
        let claims = json!({
            "https://a.example/groups": "whole",
            "realm": {"roles": ["x"], "deep": {"er": "y"}},
            "realm.roles": "dotted",
        });
        let claims = claims.as_object().unwrap();
        for (name, value) in [
            ("https://a.example/groups", Some(json!("whole"))),
            ("realm.roles", Some(json!("dotted"))),
            ("realm.deep.er", Some(json!("y"))),
            ("realm.deep.er.x", None),
            ("realm.none", None),
            ("", None),
        ] {
            assert_eq!(find(claims, name), value.as_ref(), "{name}");
        }
    }

    #[test]
    fn an_issuer_cannot_give_names_that_others_give() {
        let rules = Rules {
            trust_domains: Some(["a.example".to_owned()].into()),
            ..Rules::default()
        };
        for (id, good) in [
            ("shop", true),
            ("spiffe://a.example/shop", true),
            ("spiffe://b.example/shop", false),
            ("SPIFFE://a.example/shop", false),
            ("spiffe://a.example/../shop", false),
            ("dns:shop.example.org", true),
            ("dns:Shop.example.org", false),
            ("dns:*.example.org", false),
            ("anonymous", false),
            ("token:ci", false),
            ("https://a.example|shop", false),
            ("a\nb", false),
            ("", false),
        ] {
            assert_eq!(own_name(id, &rules).is_ok(), good, "{id}");
        }
    }
}
