//! The emulator's own OpenID tokens: RS512, with the claims in the order of the
//! real ones.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA512, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::disk::{KeyFile, OpenError};
use super::error::Error;
use super::{Emulator, jws};

/// How long a token of GetOpenIdToken is good for, in seconds.
pub(super) const LIFETIME: u64 = 600;

/// How long a token for a developer identity is good for unless the request says
/// otherwise, in seconds.
pub(super) const DEVELOPER_LIFETIME: u64 = 900;

/// The claims of a token.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    pub(super) aud: String,
    pub(super) amr: Vec<String>,
    #[serde(
        rename = "https://aws.amazon.com/tags",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) tags: Option<Tags>,
    pub(super) iss: String,
    #[serde(rename = "https://cognito-identity.amazonaws.com/identity-pool-arn")]
    pub(super) pool_arn: String,
    pub(super) exp: u64,
    pub(super) iat: u64,
}

/// The principal tags in a token. Each has one value, in a list.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Tags {
    principal_tags: BTreeMap<String, [String; 1]>,
}

impl Tags {
    /// The claim for these tags; none for no tags.
    pub(super) fn of(tags: BTreeMap<String, String>) -> Option<Self> {
        (!tags.is_empty()).then(|| Self {
            principal_tags: tags
                .into_iter()
                .map(|(name, value)| (name, [value]))
                .collect(),
        })
    }
}

/// The key could not be generated or kept, so there are no tokens.
#[derive(Debug, thiserror::Error)]
#[error("the emulator's signing key could not be generated or kept")]
pub struct KeyUnavailable;

/// Signs and verifies tokens.
///
/// Generating the RSA key takes some hundred milliseconds of CPU, so that happens
/// when the first token is signed; whoever needs a token in that moment waits, and
/// nobody else does.
#[derive(Debug, Default)]
pub(super) struct Signer {
    key: OnceLock<Option<KeyPair>>,
    file: Option<KeyFile>,
}

#[derive(Deserialize, Serialize)]
struct Header {
    kid: String,
    typ: String,
    alg: String,
}

impl Signer {
    /// A signer with the key in a file, which gets one with the first token if it has
    /// none.
    pub(super) fn kept_in(file: KeyFile) -> Result<Self, OpenError> {
        let key = file.read()?;
        Ok(Self {
            key: key.map_or_else(OnceLock::new, |key| OnceLock::from(Some(key))),
            file: Some(file),
        })
    }

    /// A signed token. Slow the first time.
    pub(super) fn sign(&self, region: &str, claims: &Claims) -> Result<String, Error> {
        let key = self.key().map_err(|KeyUnavailable| Error::internal())?;
        let header = Header {
            kid: key_id(region),
            typ: "JWS".to_owned(),
            alg: "RS512".to_owned(),
        };
        jws::sign(key, &RSA_PKCS1_SHA512, &header, claims).ok_or_else(Error::internal)
    }

    /// The claims of a token that this signer has signed; its dates are not looked
    /// at. Never waits: without a key, no token can be ours.
    pub(super) fn verify(&self, token: &str) -> Option<Claims> {
        let key = self.key.get()?.as_ref()?;
        let (message, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA512, key.public_key())
            .verify(message.as_bytes(), &signature)
            .ok()?;
        let (_, payload) = message.split_once('.')?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }

    /// The public key as a JSON Web Key Set, under the name it has in each region.
    pub(super) fn jwks<'a>(
        &self,
        regions: impl Iterator<Item = &'a str>,
    ) -> Result<Value, KeyUnavailable> {
        let key = self.key()?;
        let keys: Vec<Value> = regions
            .map(|region| jws::public_key(key, &key_id(region), "RS512"))
            .collect();
        Ok(json!({ "keys": keys }))
    }

    fn key(&self) -> Result<&KeyPair, KeyUnavailable> {
        self.key
            .get_or_init(|| {
                let key = KeyPair::generate(KeySize::Rsa2048).ok()?;
                // A key that is not kept would make tokens that nobody verifies tomorrow.
                let kept = self.file.as_ref().map_or(Ok(()), |file| file.write(&key));
                kept.inspect_err(|error| {
                    tracing::error!(%error, "the emulator's signing key could not be kept");
                })
                .ok()?;
                Some(key)
            })
            .as_ref()
            .ok_or(KeyUnavailable)
    }
}

/// The real service numbers its keys in each region; there is one here.
fn key_id(region: &str) -> String {
    format!("{region}1")
}

impl Emulator {
    /// The JSON Web Key Set that verifies the emulator's tokens. Slow the first time.
    ///
    /// There is one key. It has a name in every region that has a pool, and in the
    /// default one.
    pub fn jwks(&self) -> Result<Value, KeyUnavailable> {
        let store = self.store();
        let mut regions = store.regions();
        regions.insert(&self.settings.default_region);
        let regions: Vec<String> = regions.into_iter().map(str::to_owned).collect();
        // Generating the key is slow, so the store is free again by then.
        drop(store);
        self.signer.jwks(regions.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_like_a_real_one_and_an_independent_reader_verifies_it() {
        let signer = Signer::default();

        let token = signer.sign("eu-west-1", &claims()).unwrap();

        let texts: Vec<String> = token
            .split('.')
            .take(2)
            .map(|part| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        assert_eq!(
            texts[0],
            r#"{"kid":"eu-west-11","typ":"JWS","alg":"RS512"}"#
        );
        assert_eq!(
            texts[1],
            concat!(
                r#"{"sub":"eu-west-1:a","aud":"eu-west-1:b","amr":["unauthenticated"],"#,
                r#""https://aws.amazon.com/tags":{"principal_tags":{"team":["blue"]}},"#,
                r#""iss":"https://cognito-identity.amazonaws.com","#,
                r#""https://cognito-identity.amazonaws.com/identity-pool-arn":"arn","#,
                r#""exp":700,"iat":100}"#
            )
        );
        let jwks = signer.jwks(["eu-west-1"].into_iter()).unwrap();
        let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_value(jwks).unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(jwks.find("eu-west-11").unwrap()).unwrap();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS512);
        rules.set_audience(&["eu-west-1:b"]);
        rules.validate_exp = false;
        let read = jsonwebtoken::decode::<Value>(&token, &key, &rules).unwrap();
        assert_eq!(read.claims["sub"], "eu-west-1:a");
    }

    #[test]
    fn only_its_own_untouched_tokens_are_verified() {
        let signer = Signer::default();
        let token = signer.sign("eu-west-1", &claims()).unwrap();
        let other = Signer::default();
        let foreign = other.sign("eu-west-1", &claims()).unwrap();

        assert!(signer.verify(&token).is_some());
        assert!(signer.verify(&foreign).is_none());
        assert!(signer.verify(&token.replacen('.', ".A", 1)).is_none());
        assert!(Signer::default().verify(&token).is_none());
        assert!(signer.verify("nonsense").is_none());
    }

    fn claims() -> Claims {
        Claims {
            sub: "eu-west-1:a".to_owned(),
            aud: "eu-west-1:b".to_owned(),
            amr: vec!["unauthenticated".to_owned()],
            tags: Tags::of(BTreeMap::from([("team".to_owned(), "blue".to_owned())])),
            iss: "https://cognito-identity.amazonaws.com".to_owned(),
            pool_arn: "arn".to_owned(),
            exp: 700,
            iat: 100,
        }
    }
}
