//! Signatures of requests, version 4, in a header or in the address: read always, verified
//! for the access keys whose secrets are known.
//!
//! unverified: this service's texts are not on record; these are the ones of AWS's
//! services that share its protocol.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_sigv4::http_request::{
    self, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{Request, Uri, header};

use super::error::{Error, Kind};
use super::region;

mod issued;
mod signed;

pub(super) use issued::{Issued, Known, Who};
use signed::Signed;
pub(super) use signed::{credential, is_signed};

/// How far the clock of a client may be off, and how long a signature in a header is good.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// The secrets of access keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretKeys(BTreeMap<String, String>);

/// Shows whose secrets are known and none of them.
impl fmt::Debug for SecretKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl SecretKeys {
    /// Reads lines of `ACCESS_KEY:SECRET`; empty lines and those that begin with `#`
    /// are passed over. An error names the line and nothing that is in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut keys = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (id, secret) = line
                .split_once(':')
                .filter(|(id, secret)| !id.is_empty() && !secret.is_empty())
                .ok_or_else(|| format!("line {number} is not `ACCESS_KEY:SECRET`"))?;
            keys.insert(id.to_owned(), secret.to_owned());
        }
        if keys.is_empty() {
            return Err("no access key in the file".to_owned());
        }
        Ok(Self(keys))
    }

    /// Whether no secret is known.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Refuses a request whose signature is malformed or made for something else and,
/// once any secret is known, one that was not made with the secret of its key. A
/// request without a signature passes.
pub(super) fn check(
    request: &Request<Bytes>,
    service: &str,
    known: Known<'_>,
    now: SystemTime,
) -> Result<(), Error> {
    let Some(signed) = Signed::read(request)? else {
        return Ok(());
    };
    check_scope(request, &signed, service)?;
    if known.keys.is_empty() {
        return Ok(());
    }
    check_date(&signed, now)?;
    let token = match &signed.beforehand {
        Some(beforehand) => beforehand.session_token.as_deref(),
        None => Some(header_text(request, "x-amz-security-token")),
    };
    let secret = known.secret(&signed, token)?;
    let expected = expected(request, &signed, &secret).ok_or_else(mismatch)?;
    verify_slices_are_equal(expected.as_bytes(), signed.signature.as_bytes())
        .map_err(|_| mismatch())
}

fn check_scope(request: &Request<Bytes>, signed: &Signed, service: &str) -> Result<(), Error> {
    if signed.service != service {
        return Err(invalid(format!(
            "Credential should be scoped to correct service: '{service}'. "
        )));
    }
    let host = header_text(request, header::HOST.as_str());
    let of_host = region::of_host(host);
    if !region::plausible(&signed.region) || of_host.is_some_and(|region| region != signed.region) {
        return Err(invalid("Credential should be scoped to a valid region. "));
    }
    if signed.terminator != "aws4_request" {
        return Err(invalid(format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{}'. ",
            signed.terminator
        )));
    }
    if !signed.sent.starts_with(&signed.day) {
        return Err(invalid(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
             HTTP: '{}' != '{}', from '{}'.",
            signed.day,
            signed.sent.get(..8).unwrap_or_default(),
            signed.sent
        )));
    }
    Ok(())
}

fn check_date(signed: &Signed, now: SystemTime) -> Result<(), Error> {
    let (sent, at) = (&signed.sent, signed.at);
    let shown = signed::basic;
    let beforehand = signed.beforehand.as_ref();
    let lifetime = beforehand.map_or(SKEW, |beforehand| beforehand.lifetime);
    if at + lifetime < now {
        let span = match lifetime.as_secs() {
            seconds if seconds.is_multiple_of(60) => format!("{} min.", seconds / 60),
            seconds => format!("{seconds} sec."),
        };
        return Err(invalid(format!(
            "Signature expired: {sent} is now earlier than {} ({} - {span})",
            shown(now - lifetime),
            shown(now)
        )));
    }
    if now + SKEW < at {
        return Err(invalid(format!(
            "Signature not yet current: {sent} is still later than {} ({} + 5 min.)",
            shown(now + SKEW),
            shown(now)
        )));
    }
    Ok(())
}

/// The signature that the secret gives for the headers that were signed.
fn expected(request: &Request<Bytes>, signed: &Signed, secret: &str) -> Option<String> {
    let mut headers = Vec::new();
    for name in &signed.headers {
        headers.push((name.as_str(), request.headers().get(name)?.to_str().ok()?));
    }
    let beforehand = signed.beforehand.as_ref();
    let session_token = beforehand.and_then(|beforehand| beforehand.session_token.clone());
    let identity = Credentials::from_keys(&signed.access_key, secret, session_token).into();
    let mut settings = SigningSettings::default();
    // The client has chosen what it signs.
    settings.excluded_headers = None;
    if let Some(beforehand) = beforehand {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(beforehand.lifetime);
    }
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&signed.region)
        .name(&signed.service)
        .time(signed.at)
        .settings(settings)
        .build()
        .ok()?
        .into();
    let host = header_text(request, header::HOST.as_str());
    let uri = format!(
        "http://{host}{}",
        address(request.uri(), beforehand.is_some())
    );
    let body = match header_text(request, "x-amz-content-sha256") {
        "UNSIGNED-PAYLOAD" => SignableBody::UnsignedPayload,
        _ => SignableBody::Bytes(request.body()),
    };
    let signable =
        SignableRequest::new(request.method().as_str(), uri, headers.into_iter(), body).ok()?;
    let output = http_request::sign(signable, &parameters).ok()?;
    Some(output.signature().to_owned())
}

/// The address that was signed: without what signing it beforehand has added.
fn address(uri: &Uri, beforehand: bool) -> String {
    let query = uri.query().unwrap_or_default();
    let kept: Vec<&str> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .filter(|parameter| !(beforehand && parameter.starts_with("X-Amz-")))
        .collect();
    match kept.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), kept.join("&")),
    }
}

fn mismatch() -> Error {
    invalid(
        "The request signature we calculated does not match the signature you provided. Check \
         your AWS Secret Access Key and signing method. Consult the service documentation for \
         details.",
    )
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::InvalidSignature, message)
}

fn header_text<'a>(request: &'a Request<Bytes>, name: &str) -> &'a str {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
