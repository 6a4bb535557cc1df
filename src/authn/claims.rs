//! What has to be true of a token's claims (RFC 7519, RFC 8725, RFC 9068).
//!
//! Every one of `exp`, `iat`, `iss`, `aud` and `sub` has to be there and of its type.
//! Dates may have a fraction, as RFC 7519 allows. Clocks may differ by 30 seconds.

use serde_json::{Map, Value};

use super::issuer::Issuer;

/// How far the issuer's clock may differ from ours, in seconds.
const LEEWAY: f64 = 30.0;

/// The last second of the year 9999; what is later is no date.
const LAST_DATE: f64 = 253_402_300_799.0;

/// The longest subject, in bytes (OpenID Connect Core, section 2), and the longest name
/// of a token.
const MOST_NAME_BYTES: usize = 255;

/// What only ID tokens have. They tell an application who signed in and are no key to
/// a service.
const OF_ID_TOKENS: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];

/// The claims of a good token that are of use.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) subject: String,
    pub(super) token_id: Option<String>,
    /// In whole seconds since the Unix epoch.
    pub(super) issued_at: u64,
    /// When it is no longer taken, leeway included, in seconds since the Unix epoch.
    pub(super) taken_until: f64,
}

/// Checks the claims of a token whose signature holds, at `now`, in seconds since the
/// Unix epoch.
pub(super) fn check(
    claims: &Map<String, Value>,
    media_type: Option<&str>,
    issuer: &Issuer,
    now: f64,
) -> Result<Claims, String> {
    check_kind(claims, media_type, issuer.rfc9068)?;
    check_audience(claims, &issuer.audiences)?;
    check_parties(claims, issuer.authorized_parties.as_deref())?;
    let subject = name(claims, "sub")?;
    let token_id = match claims.contains_key("jti") || issuer.rfc9068 {
        true => Some(name(claims, "jti")?.to_owned()),
        false => None,
    };
    let expires = date(claims, "exp")?;
    let issued = date(claims, "iat")?;
    if now >= expires + LEEWAY {
        return Err("expired".to_owned());
    }
    if issued > now + LEEWAY {
        return Err("`iat` is in the future".to_owned());
    }
    if claims.contains_key("nbf") && date(claims, "nbf")? > now + LEEWAY {
        return Err("`nbf` is in the future".to_owned());
    }
    if expires <= issued {
        return Err("`exp` is not after `iat`".to_owned());
    }
    if expires - issued > issuer.max_lifetime.as_secs_f64() {
        return Err("good for longer than the issuer's tokens may be".to_owned());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a date is between 0 and the year 9999"
    )]
    let issued_at = issued as u64;
    Ok(Claims {
        subject: subject.to_owned(),
        token_id,
        issued_at,
        taken_until: expires + LEEWAY,
    })
}

/// Whether it is an access token that whoever bears it may use.
fn check_kind(
    claims: &Map<String, Value>,
    media_type: Option<&str>,
    rfc9068: bool,
) -> Result<(), String> {
    match (media_type, rfc9068) {
        (Some("at+jwt"), _) | (None | Some("jwt"), false) => {}
        (_, true) => return Err("the type is not `at+jwt`".to_owned()),
        (Some(_), false) => return Err("the type is neither `JWT` nor `at+jwt`".to_owned()),
    }
    if let Some(name) = OF_ID_TOKENS.iter().find(|name| claims.contains_key(**name)) {
        return Err(format!("an ID token: it has `{name}`"));
    }
    if claims.get("token_use").is_some_and(|usage| usage == "id") {
        return Err("an ID token: its `token_use` is `id`".to_owned());
    }
    // RFC 7800: bound to a key, whose possession nobody has proved here.
    if claims.contains_key("cnf") {
        return Err("bound to a key by `cnf`".to_owned());
    }
    if rfc9068 {
        text(claims, "client_id")?;
    }
    Ok(())
}

fn check_audience(claims: &Map<String, Value>, ours: &[String]) -> Result<(), String> {
    let audiences: Vec<&str> = match claims.get("aud") {
        None => return Err("`aud` is missing".to_owned()),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several
            .iter()
            .map(Value::as_str)
            .collect::<Option<_>>()
            .ok_or("`aud` is not a list of texts")?,
        Some(_) => return Err("`aud` is neither a text nor a list".to_owned()),
    };
    match ours.iter().any(|our| audiences.contains(&our.as_str())) {
        true => Ok(()),
        false => Err("`aud` is another audience".to_owned()),
    }
}

/// `azp` and `client_id` both name the application that got the token; those that are
/// there have to be on the list, and one has to be there.
fn check_parties(claims: &Map<String, Value>, listed: Option<&[String]>) -> Result<(), String> {
    let Some(listed) = listed else {
        return Ok(());
    };
    let mut named = 0;
    for name in ["azp", "client_id"] {
        if claims.contains_key(name) {
            let party = text(claims, name)?;
            if !listed.iter().any(|listed| listed == party) {
                return Err(format!("`{name}` is an application that is not listed"));
            }
            named += 1;
        }
    }
    match named {
        0 => Err("`azp` and `client_id` are missing".to_owned()),
        _ => Ok(()),
    }
}

/// A claim that is a text and is wanted.
pub(super) fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    match claims.get(name) {
        None => Err(format!("`{name}` is missing")),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("`{name}` is not a text")),
    }
}

/// A text that records and limits can go by.
fn name<'a>(claims: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    let text = text(claims, name)?;
    match text.is_empty() || text.len() > MOST_NAME_BYTES || text.chars().any(char::is_control) {
        true => Err(format!(
            "`{name}` is empty, too long or has control characters"
        )),
        false => Ok(text),
    }
}

fn date(claims: &Map<String, Value>, name: &str) -> Result<f64, String> {
    let date = claims
        .get(name)
        .ok_or_else(|| format!("`{name}` is missing"))?;
    date.as_f64()
        .filter(|date| (0.0..=LAST_DATE).contains(date))
        .ok_or_else(|| format!("`{name}` is not a date"))
}
