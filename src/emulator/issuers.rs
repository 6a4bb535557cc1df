//! The login providers whose keys are known, so that their tokens are verified.
//!
//! There are three sources of keys: written down by the operator, fetched from the
//! provider, and made here for the test issuers. A token of any other issuer is
//! believed as it is, unless the operator wants it refused.

mod fetched;
mod file;
mod key_set;
mod saml_metadata;
mod settings;
mod test_issuers;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::Error;
use fetched::Fetched;
pub use file::read as read_issuers;
pub use key_set::KeySet;
pub use saml_metadata::{SamlProvider, SigningKey, read as read_saml_metadata};
pub use settings::{Issuer, Keys, LoginTokens, issuer_url};
use test_issuers::TestIssuers;
pub use test_issuers::{MintError, Minted, Wanted};

/// Every issuer whose keys are known, under the key it has in a logins map.
pub(super) struct Issuers {
    known: BTreeMap<String, Known>,
    test: TestIssuers,
    saml: Vec<SamlProvider>,
    others: LoginTokens,
}

struct Known {
    keys: Source,
    client_ids: Option<Vec<String>>,
}

enum Source {
    Written(KeySet),
    Fetched(Fetched),
}

impl Issuers {
    pub(super) fn new(settings: &super::Settings) -> Self {
        let known = settings.issuers.iter().map(|issuer| {
            let keys = match &issuer.keys {
                Keys::Written(keys) => Source::Written(keys.clone()),
                Keys::Fetched(url) => Source::Fetched(Fetched::new(url)),
            };
            let client_ids = issuer.client_ids.clone();
            (provider(&issuer.issuer), Known { keys, client_ids })
        });
        Self {
            known: known.collect(),
            test: TestIssuers::new(&settings.test_issuers),
            saml: settings.saml_providers.clone(),
            others: settings.login_tokens,
        }
    }

    pub(super) fn test(&self) -> &TestIssuers {
        &self.test
    }

    /// Whether the token was signed by the issuer that `key` names in a logins map.
    pub(super) fn check_signature(&self, key: &str, token: &str) -> Result<(), Error> {
        let key = trimmed(key);
        let verified = if let Some(verified) = self.test.verify(key, token) {
            verified
        } else {
            match self.known.get(key).map(|known| &known.keys) {
                Some(Source::Written(keys)) => keys.verify(token),
                Some(Source::Fetched(fetched)) => fetched.verify(token),
                None => self.others == LoginTokens::Lenient,
            }
        };
        match verified {
            true => Ok(()),
            false => Err(unverifiable()),
        }
    }

    /// What can be said of a token that no key can verify.
    ///
    /// unverified: the text, where such tokens are refused.
    pub(super) fn check_opaque(&self) -> Result<(), Error> {
        match self.others {
            LoginTokens::Lenient => Ok(()),
            LoginTokens::Strict => Err(unverifiable()),
        }
    }

    /// Whether IAM's list of applications has one of these, where the list is known.
    pub(super) fn knows_client(&self, key: &str, audiences: &[String]) -> bool {
        self.known
            .get(trimmed(key))
            .and_then(|known| known.client_ids.as_ref())
            .is_none_or(|ids| audiences.iter().any(|audience| ids.contains(audience)))
    }

    /// Whether a user pool says that the bearer of these claims is signed out.
    pub(super) fn is_signed_out(&self, key: &str, claims: &Map<String, Value>) -> bool {
        self.test.is_signed_out(trimmed(key), claims)
    }

    /// What is known of a SAML provider.
    pub(super) fn saml(&self, arn: &str) -> Option<&SamlProvider> {
        self.saml.iter().find(|provider| provider.arn == arn)
    }

    fn fetched(&self, key: &str) -> Option<&Fetched> {
        match &self.known.get(trimmed(key))?.keys {
            Source::Fetched(fetched) => Some(fetched),
            Source::Written(_) => None,
        }
    }

    fn fetches(&self) -> bool {
        let mut known = self.known.values();
        known.any(|known| matches!(known.keys, Source::Fetched(_)))
    }
}

/// The key of an issuer in a logins map: its address without scheme.
fn provider(issuer: &str) -> String {
    trimmed(issuer.strip_prefix("https://").unwrap_or(issuer)).to_owned()
}

/// unverified: a slash at the end of an issuer makes no difference.
fn trimmed(provider: &str) -> &str {
    provider.trim_end_matches('/')
}

pub(super) fn unverifiable() -> Error {
    Error::invalid_login_token("Couldn't verify signed token.")
}
