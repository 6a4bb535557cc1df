//! Signatures of requests, version 4: read always, verified for the access keys whose
//! secrets are known.
//!
//! unverified: this service's texts are not on record; these are the ones of AWS's
//! services that share its protocol.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_sigv4::http_request::{self, SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{Request, header};

use super::error::{Error, Kind};
use super::region;

mod header_value;

pub(super) use header_value::{Signed, credential};

/// How far the clock of a client may be off.
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
}

/// Refuses a request whose signature is malformed or made for something else and,
/// once any secret is known, one that was not made with the secret of its key. A
/// request without a signature passes.
pub(super) fn check(
    request: &Request<Bytes>,
    service: &str,
    keys: &SecretKeys,
    now: SystemTime,
) -> Result<(), Error> {
    let Some(signed) = Signed::read(request)? else {
        return Ok(());
    };
    check_scope(request, &signed, service)?;
    if keys.0.is_empty() {
        return Ok(());
    }
    check_date(&signed, now)?;
    let secret = keys.0.get(signed.access_key).ok_or_else(|| {
        Error::new(
            Kind::UnrecognizedClient,
            "The security token included in the request is invalid.",
        )
    })?;
    let expected = expected(request, &signed, secret).ok_or_else(mismatch)?;
    verify_slices_are_equal(expected.as_bytes(), signed.signature.as_bytes())
        .map_err(|_| mismatch())
}

fn check_scope(request: &Request<Bytes>, signed: &Signed<'_>, service: &str) -> Result<(), Error> {
    if signed.service != service {
        return Err(invalid(format!(
            "Credential should be scoped to correct service: '{service}'. "
        )));
    }
    let host = header_text(request, header::HOST.as_str());
    let of_host = region::of_host(host);
    if !region::plausible(signed.region) || of_host.is_some_and(|region| region != signed.region) {
        return Err(invalid("Credential should be scoped to a valid region. "));
    }
    if signed.terminator != "aws4_request" {
        return Err(invalid(format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{}'. ",
            signed.terminator
        )));
    }
    if !signed.sent.starts_with(signed.day) {
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

fn check_date(signed: &Signed<'_>, now: SystemTime) -> Result<(), Error> {
    let (sent, at) = (signed.sent, signed.at);
    let shown = header_value::basic;
    if at + SKEW < now {
        return Err(invalid(format!(
            "Signature expired: {sent} is now earlier than {} ({} - 5 min.)",
            shown(now - SKEW),
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
fn expected(request: &Request<Bytes>, signed: &Signed<'_>, secret: &str) -> Option<String> {
    let mut headers = Vec::new();
    for name in &signed.headers {
        headers.push((*name, request.headers().get(*name)?.to_str().ok()?));
    }
    let identity = Credentials::from_keys(signed.access_key, secret, None).into();
    let mut settings = SigningSettings::default();
    // The client has chosen what it signs.
    settings.excluded_headers = None;
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(signed.region)
        .name(signed.service)
        .time(signed.at)
        .settings(settings)
        .build()
        .ok()?
        .into();
    let host = header_text(request, header::HOST.as_str());
    let path = request.uri().path_and_query()?.as_str();
    let uri = format!("http://{host}{path}");
    let body = match header_text(request, "x-amz-content-sha256") {
        "UNSIGNED-PAYLOAD" => SignableBody::UnsignedPayload,
        _ => SignableBody::Bytes(request.body()),
    };
    let signable =
        SignableRequest::new(request.method().as_str(), uri, headers.into_iter(), body).ok()?;
    let output = http_request::sign(signable, &parameters).ok()?;
    Some(output.signature().to_owned())
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
mod tests {
    use super::*;

    const DATE: &str = "20270115T080000Z";
    const EXAMPLE: &str = "AKIA1/20270115/eu-west-1/cognito-identity/aws4_request";

    #[test]
    fn a_signature_is_good_for_its_key_its_request_and_five_minutes() {
        let keys = SecretKeys::parse("AKIA1:secret").unwrap();
        let others = SecretKeys::parse("AKIA2:secret").unwrap();
        let changed = SecretKeys::parse("AKIA1:another").unwrap();
        let good = with_signature("secret");
        let mut tampered = good.clone();
        *tampered.body_mut() = Bytes::from_static(br#"{"MaxResults": 2}"#);
        let (now, minute) = (at(DATE), Duration::from_secs(60));
        for (why, request, keys, now, expected) in [
            ("all is well", &good, &keys, now, None),
            ("a little late", &good, &keys, now + 5 * minute, None),
            ("a little early", &good, &keys, now - 5 * minute, None),
            (
                "too late",
                &good,
                &keys,
                now + 6 * minute,
                Some("Signature expired: "),
            ),
            (
                "too early",
                &good,
                &keys,
                now - 6 * minute,
                Some("Signature not yet current: "),
            ),
            (
                "an unknown key",
                &good,
                &others,
                now,
                Some("The security token included "),
            ),
            (
                "another secret",
                &good,
                &changed,
                now,
                Some("The request signature we "),
            ),
            (
                "another body",
                &tampered,
                &keys,
                now,
                Some("The request signature we "),
            ),
        ] {
            let refused = check(request, "cognito-identity", keys, now).err();

            let message = refused.map(|error| error.message);
            assert_eq!(message.is_some(), expected.is_some(), "{why}: {message:?}");
            assert!(
                message
                    .unwrap_or_default()
                    .starts_with(expected.unwrap_or_default()),
                "{why}"
            );
        }
    }

    #[test]
    fn without_secrets_a_signature_has_to_be_for_this_service_and_no_more() {
        let list = "SignedHeaders=host;x-amz-date, Signature=0";
        let cases = [
            (format!("Credential={EXAMPLE}, {list}"), DATE, None),
            (
                list.to_owned(),
                DATE,
                Some("Authorization header requires 'Credential' parameter."),
            ),
            (
                format!("Credential={EXAMPLE}"),
                "",
                Some(
                    "Authorization header requires 'Signature' parameter. Authorization header \
                     requires 'SignedHeaders' parameter. Authorization header requires existence \
                     of either a 'X-Amz-Date' or a 'Date' header.",
                ),
            ),
            (
                format!("Credential={EXAMPLE}, {list}"),
                "20270116T080000Z",
                Some(
                    "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of \
                     date from HTTP: '20270115' != '20270116', from '20270116T080000Z'.",
                ),
            ),
            (
                format!(
                    "Credential={}, {list}",
                    EXAMPLE.replace("cognito-identity", "s3")
                ),
                DATE,
                Some("Credential should be scoped to correct service: 'cognito-identity'. "),
            ),
            (
                format!(
                    "Credential={}, {list}",
                    EXAMPLE.replace("eu-west-1", "Moon")
                ),
                DATE,
                Some("Credential should be scoped to a valid region. "),
            ),
            (
                format!(
                    "Credential={}, {list}",
                    EXAMPLE.replace("aws4_request", "x")
                ),
                DATE,
                Some(
                    "Credential should be scoped with a valid terminator: 'aws4_request', not \
                     'x'. ",
                ),
            ),
            (
                format!("Credential=AKIA1, {list}"),
                DATE,
                Some(
                    "Credential must have exactly 5 slash-delimited elements, e.g. \
                     keyid/date/region/service/term",
                ),
            ),
        ];
        for (value, date, expected) in cases {
            let request = request(&format!("AWS4-HMAC-SHA256 {value}"), date);

            let refused = check(
                &request,
                "cognito-identity",
                &SecretKeys::default(),
                at("20400101T000000Z"),
            );

            let message = refused.err().map(|error| error.message);
            assert_eq!(message.as_deref(), expected, "{value}");
        }
    }

    fn with_signature(secret: &str) -> Request<Bytes> {
        let value = |signature: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential={EXAMPLE}, \
                 SignedHeaders=host;user-agent;x-amz-date, Signature={signature}"
            )
        };
        let request_with = |signature: &str| request(&value(signature), DATE);
        let unsigned = request_with("0");
        let signed = Signed::read(&unsigned).unwrap().unwrap();
        request_with(&expected(&unsigned, &signed, secret).unwrap())
    }

    fn request(authorization: &str, date: &str) -> Request<Bytes> {
        Request::post("/")
            .header("host", "127.0.0.1:4566")
            .header("user-agent", "test")
            .header("x-amz-date", date)
            .header("authorization", authorization)
            .body(Bytes::from_static(br#"{"MaxResults": 1}"#))
            .unwrap()
    }

    fn at(text: &str) -> SystemTime {
        header_value::time(text).unwrap()
    }
}
