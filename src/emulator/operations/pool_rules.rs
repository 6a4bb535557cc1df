//! What the service asks of a pool beyond the model.

use std::collections::BTreeMap;

use super::Call;
use crate::emulator::error::Error;
use crate::emulator::pool::{Configuration, UserPool};
use crate::emulator::region::is_iam_arn;

/// The most tags of a pool.
const MOST_TAGS: usize = 50;

/// Refuses a configuration that the service would not store.
pub(super) fn check(call: &Call<'_>, pool: &Configuration) -> Result<(), Error> {
    for user_pool in &pool.cognito_identity_providers {
        if !is_user_pool(user_pool) {
            return Err(Error::invalid("Invalid Cognito Identity Provider"));
        }
    }
    let most = call.emulator.settings.quotas.user_pools();
    if pool.cognito_identity_providers.len() > most {
        // unverified: the text is not on record.
        return Err(Error::limit(format!(
            "An identity pool cannot have more than {most} Cognito identity providers."
        )));
    }
    let account = call.account();
    let foreign_saml = pool
        .saml_provider_arns
        .iter()
        .find(|arn| !is_iam_arn(arn, "saml-provider", Some(account)));
    // unverified: a malformed ARN gets the text of a foreign one.
    let malformed = pool
        .open_id_connect_provider_arns
        .iter()
        .find(|arn| !is_iam_arn(arn, "oidc-provider", None));
    if let Some(arn) = foreign_saml.or(malformed) {
        return Err(Error::invalid(format!(
            "Identity provider {arn} is not valid for account {account}"
        )));
    }
    check_tags(&pool.identity_pool_tags)
}

/// Refuses a set of tags that breaks the rules of tagging.
///
/// unverified: the texts are not on record.
pub(super) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > MOST_TAGS {
        return Err(Error::invalid(format!(
            "A resource cannot have more than {MOST_TAGS} tags."
        )));
    }
    for (key, value) in tags {
        check_tag_key(key)?;
        if !value.chars().all(is_tag_character) {
            return Err(Error::invalid(format!(
                "The value of tag '{key}' contains invalid characters."
            )));
        }
    }
    Ok(())
}

fn check_tag_key(key: &str) -> Result<(), Error> {
    if !key.chars().all(is_tag_character) {
        return Err(Error::invalid(format!(
            "Tag key '{key}' contains invalid characters."
        )));
    }
    let reserved = key
        .get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"));
    if reserved {
        return Err(Error::invalid("Tag keys cannot start with 'aws:'."));
    }
    Ok(())
}

fn is_tag_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || " _.:/=+-@".contains(character)
}

/// `cognito-idp.{region}.amazonaws.com/{region}_{id}` and a client. Whether they
/// exist is not looked at.
///
/// unverified: a missing client is refused as a missing name is.
fn is_user_pool(user_pool: &UserPool) -> bool {
    let parts = || {
        let rest = user_pool.provider_name.strip_prefix("cognito-idp.")?;
        let (host, id) = rest.split_once('/')?;
        let (region, domain) = host.split_once('.')?;
        let id = id.strip_prefix(region)?.strip_prefix('_')?;
        Some((domain, id))
    };
    parts().is_some_and(|(domain, id)| {
        matches!(domain, "amazonaws.com" | "amazonaws.com.cn")
            && !id.is_empty()
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }) && !user_pool.client_id.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_pool_is_named_by_its_endpoint() {
        let cases = [
            ("cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1", true),
            (
                "cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Ab1",
                true,
            ),
            ("cognito-idp.eu-west-1.amazonaws.com/us-east-1_Ab1", false),
            ("cognito-idp.eu-west-1.amazonaws.com/eu-west-1_", false),
            ("eu-west-1_Ab1", false),
            ("", false),
        ];
        for (name, expected) in cases {
            let user_pool = UserPool {
                provider_name: name.to_owned(),
                client_id: "client".to_owned(),
                server_side_token_check: false,
            };
            assert_eq!(is_user_pool(&user_pool), expected, "{name}");
        }
    }

    #[test]
    fn tags_keep_the_rules_of_tagging() {
        let tags = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);

        assert_eq!(check_tags(&tags("a_b.c:d/e=f+g-h@i j", "")), Ok(()));
        assert!(check_tags(&tags("aws:x", "")).is_err());
        assert!(check_tags(&tags("AWS:x", "")).is_err());
        assert!(check_tags(&tags("a#b", "")).is_err());
        assert!(check_tags(&tags("a", "ü")).is_err());
        let many = (0..51).map(|n| (n.to_string(), String::new())).collect();
        assert!(check_tags(&many).is_err());
    }
}
