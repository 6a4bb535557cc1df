//! The claims of login providers' JSON Web Tokens. Signatures are not looked at here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::emulator::error::Error;

/// How far a provider's clock may be behind, in seconds.
pub(super) const GRACE: u64 = 300;

/// A token whose claims are in order.
pub(super) struct Token {
    pub(super) subject: String,
    /// The applications the token is meant for: the authorized party where the
    /// token names one, otherwise the audience.
    pub(super) audiences: Vec<String>,
    pub(super) claims: Map<String, Value>,
}

/// The claims of a token; nothing if this is not one.
pub(super) fn read(token: &str) -> Option<Map<String, Value>> {
    let mut parts = token.split('.');
    let (header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    object(header)?;
    object(payload)
}

/// Whether the request calls the token's issuer by its name.
pub(super) fn check_issuer(claims: &Map<String, Value>, provider: &str) -> Result<(), Error> {
    let issuer = text(claims, "iss").ok_or_else(|| missing("iss"))?;
    let issuer = issuer.strip_prefix("https://").unwrap_or(issuer);
    // unverified: some providers end their address with a slash, and it makes no
    // difference here.
    if issuer.trim_end_matches('/') != provider.trim_end_matches('/') {
        return Err(Error::invalid_login_token(
            "Issuer doesn't match providerName",
        ));
    }
    Ok(())
}

/// Checks the other claims.
pub(super) fn check(claims: Map<String, Value>, now: u64) -> Result<Token, Error> {
    let expires = claims
        .get("exp")
        .and_then(seconds)
        .ok_or_else(|| missing("exp"))?;
    if now >= expires.saturating_add(GRACE) {
        return Err(Error::invalid_login_token(format!(
            "Token expired: {now} >= {expires}"
        )));
    }
    let audience = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        _ => return Err(missing("aud")),
    };
    let audiences = match text(&claims, "azp") {
        Some(party) => vec![party.to_owned()],
        None => audience,
    };
    let subject = text(&claims, "sub")
        .filter(|subject| !subject.is_empty())
        .ok_or_else(|| missing("sub"))?
        .to_owned();
    Ok(Token {
        subject,
        audiences,
        claims,
    })
}

/// unverified: recorded for `aud` only.
fn missing(claim: &str) -> Error {
    Error::invalid_login_token(format!("Missing a required claim: {claim}"))
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&json).ok()
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// A date, which may have a fraction.
fn seconds(date: &Value) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and a date before 1970 is as good as 1970"
    )]
    date.as_u64()
        .or_else(|| date.as_f64().map(|seconds| seconds as u64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_000_000;

    #[test]
    fn claims_are_refused_with_the_texts_on_record() {
        let cases = [
            (
                json!({"iss": "https://other.example", "exp": NOW + 1, "aud": "a", "sub": "u"}),
                "Invalid login token. Issuer doesn't match providerName",
            ),
            (
                json!({"iss": "https://idp.example", "exp": NOW - 300, "aud": "a", "sub": "u"}),
                "Invalid login token. Token expired: 1000000 >= 999700",
            ),
            (
                json!({"iss": "https://idp.example", "exp": NOW, "client_id": "a", "sub": "u"}),
                "Invalid login token. Missing a required claim: aud",
            ),
            (
                json!({"iss": "https://idp.example", "exp": NOW, "aud": "a", "sub": ""}),
                "Invalid login token. Missing a required claim: sub",
            ),
        ];
        for (claims, message) in cases {
            let claims = map(&claims);
            let refused = check_issuer(&claims, "idp.example")
                .and_then(|()| check(claims, NOW))
                .err();

            assert_eq!(refused, Some(Error::not_authorized(message)));
        }
    }

    #[test]
    fn a_token_may_be_five_minutes_late() {
        let claims = json!({"iss": "idp.example", "exp": NOW - 299, "aud": "a", "sub": "u"});

        assert!(check(map(&claims), NOW).is_ok());
    }

    #[test]
    fn the_authorized_party_counts_before_the_audience() {
        let claims =
            json!({"iss": "idp.example", "exp": NOW, "aud": ["a", "b"], "azp": "c", "sub": "u"});

        let token = check(map(&claims), NOW).unwrap();

        assert_eq!(token.audiences, ["c"]);
    }

    #[test]
    fn what_is_not_three_parts_of_json_is_no_token() {
        for text in ["opaque", "a.b.c", "e30.e30", "e30.e30.e30.e30", "MQ.e30.x"] {
            assert!(read(text).is_none(), "{text}");
        }
        assert!(read("e30.e30.x").is_some());
    }

    fn map(claims: &Value) -> Map<String, Value> {
        claims.as_object().cloned().unwrap()
    }
}
