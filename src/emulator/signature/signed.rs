//! What a request says about its signature, in a header or, where it was signed
//! beforehand, in the query of its address.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, header};

use super::header_text;
use crate::emulator::error::{Error, Kind};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The longest that a request may be signed beforehand.
const WEEK: u64 = 7 * 24 * 3600;

/// What a signed request says about its signature.
pub(in crate::emulator) struct Signed {
    pub(super) access_key: String,
    pub(super) day: String,
    pub(super) region: String,
    pub(super) service: String,
    pub(super) terminator: String,
    pub(super) headers: Vec<String>,
    pub(super) signature: String,
    /// When the request was signed, as it says.
    pub(super) sent: String,
    pub(super) at: SystemTime,
    /// What a request has that was signed beforehand.
    pub(super) beforehand: Option<Beforehand>,
}

/// What stands in a query beside what stands in a header as well.
pub(super) struct Beforehand {
    /// How long the request is good.
    pub(super) lifetime: Duration,
    pub(super) session_token: Option<String>,
}

/// Whether a request is signed at all, well or badly.
pub(in crate::emulator) fn is_signed(request: &Request<Bytes>) -> bool {
    header_text(request, header::AUTHORIZATION.as_str()).starts_with(ALGORITHM)
        || query(request, "X-Amz-Algorithm").is_some_and(|name| name == ALGORITHM)
}

/// The key, day, region and service that a request is signed for, `AKIA…/20260102/…`,
/// whatever else is wrong with it.
pub(in crate::emulator) fn credential(request: &Request<Bytes>) -> Option<Cow<'_, str>> {
    let authorization = header_text(request, header::AUTHORIZATION.as_str());
    match authorization.strip_prefix(ALGORITHM) {
        Some(parts) => part(parts, "Credential").map(Cow::Borrowed),
        None => query(request, "X-Amz-Credential"),
    }
}

impl Signed {
    /// Reads what a request says; nothing for one that is not signed.
    pub(super) fn read(request: &Request<Bytes>) -> Result<Option<Self>, Error> {
        if !is_signed(request) {
            return Ok(None);
        }
        let authorization = header_text(request, header::AUTHORIZATION.as_str());
        match authorization.strip_prefix(ALGORITHM) {
            Some(parts) => Self::in_header(request, parts).map(Some),
            None => Self::in_query(request).map(Some),
        }
    }

    fn in_header(request: &Request<Bytes>, parts: &str) -> Result<Self, Error> {
        let sent = header_text(request, "x-amz-date");
        let found = (
            part(parts, "Credential"),
            part(parts, "SignedHeaders"),
            part(parts, "Signature"),
            time(sent),
        );
        let (Some(credential), Some(headers), Some(signature), Some(at)) = found else {
            let (credential, headers, signature, at) = found;
            return Err(missing(
                "Authorization header requires ",
                &[
                    (credential.is_none(), "'Credential' parameter."),
                    (signature.is_none(), "'Signature' parameter."),
                    (headers.is_none(), "'SignedHeaders' parameter."),
                    (
                        at.is_none(),
                        "existence of either a 'X-Amz-Date' or a 'Date' header.",
                    ),
                ],
            ));
        };
        let mut signed = Self::of(request, credential, headers)?;
        signature.clone_into(&mut signed.signature);
        sent.clone_into(&mut signed.sent);
        signed.at = at;
        Ok(signed)
    }

    fn in_query(request: &Request<Bytes>) -> Result<Self, Error> {
        let found = (
            query(request, "X-Amz-Credential"),
            query(request, "X-Amz-SignedHeaders"),
            query(request, "X-Amz-Signature"),
            query(request, "X-Amz-Date").and_then(|sent| Some((time(&sent)?, sent))),
            query(request, "X-Amz-Expires"),
        );
        let (Some(credential), Some(headers), Some(signature), Some((at, sent)), Some(expires)) =
            found
        else {
            let (credential, headers, signature, date, expires) = found;
            return Err(missing(
                "AWS query-string parameters must include ",
                &[
                    (credential.is_none(), "'X-Amz-Credential'."),
                    (signature.is_none(), "'X-Amz-Signature'."),
                    (headers.is_none(), "'X-Amz-SignedHeaders'."),
                    (date.is_none(), "'X-Amz-Date'."),
                    (expires.is_none(), "'X-Amz-Expires'."),
                ],
            ));
        };
        let lifetime = expires
            .parse()
            .ok()
            .filter(|life| (1..=WEEK).contains(life));
        let lifetime = lifetime.ok_or_else(|| {
            incomplete("X-Amz-Expires must be a number of seconds, at least one and at most a week")
        })?;
        let mut signed = Self::of(request, &credential, &headers)?;
        signed.signature = signature.into_owned();
        signed.sent = sent.into_owned();
        signed.at = at;
        signed.beforehand = Some(Beforehand {
            lifetime: Duration::from_secs(lifetime),
            session_token: query(request, "X-Amz-Security-Token").map(Cow::into_owned),
        });
        Ok(signed)
    }

    /// The scope and the headers that are signed.
    fn of(request: &Request<Bytes>, credential: &str, headers: &str) -> Result<Self, Error> {
        let headers: Vec<String> = headers.split(';').map(str::to_owned).collect();
        if !headers.iter().any(|name| name == "host") || header_text(request, "host").is_empty() {
            return Err(Error::new(
                Kind::InvalidSignature,
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            ));
        }
        let mut scope = credential.split('/').map(str::to_owned);
        let mut next = || scope.next().unwrap_or_default();
        let (access_key, day, region, service, terminator) =
            (next(), next(), next(), next(), next());
        if terminator.is_empty() || scope.next().is_some() {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term",
            ));
        }
        Ok(Self {
            access_key,
            day,
            region,
            service,
            terminator,
            headers,
            signature: String::new(),
            sent: String::new(),
            at: SystemTime::UNIX_EPOCH,
            beforehand: None,
        })
    }
}

/// A parameter of the address.
fn query<'a>(request: &'a Request<Bytes>, wanted: &str) -> Option<Cow<'a, str>> {
    form_urlencoded::parse(request.uri().query()?.as_bytes())
        .find(|(name, text)| *name == wanted && !text.is_empty())
        .map(|(_, text)| text)
}

fn part<'a>(parts: &'a str, wanted: &str) -> Option<&'a str> {
    parts
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
        .find(|(name, text)| *name == wanted && !text.is_empty())
        .map(|(_, text)| text)
}

/// A sentence for everything that is missing.
fn missing(begin: &str, parts: &[(bool, &str)]) -> Error {
    let sentences: Vec<String> = parts
        .iter()
        .filter(|(is_missing, _)| *is_missing)
        .map(|(_, what)| format!("{begin}{what}"))
        .collect();
    incomplete(sentences.join(" "))
}

fn incomplete(message: impl Into<String>) -> Error {
    Error::new(Kind::IncompleteSignature, message)
}

/// `20260102T030405Z` as a time.
pub(super) fn time(basic: &str) -> Option<SystemTime> {
    let mut extended = String::new();
    for (place, letter) in basic.chars().enumerate() {
        match place {
            4 | 6 => extended.push('-'),
            11 | 13 => extended.push(':'),
            _ => {}
        }
        extended.push(letter);
    }
    humantime::parse_rfc3339(&extended)
        .ok()
        .filter(|_| basic.len() == 16)
}

/// A time as `20260102T030405Z`.
pub(super) fn basic(time: SystemTime) -> String {
    let extended = humantime::format_rfc3339_seconds(time).to_string();
    extended.replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_it_is_written() {
        let text = "20260102T030405Z";

        assert_eq!(basic(time(text).unwrap()), text);
        for wrong in ["", "20260102", "2026-01-02T03:04:05Z", "20261302T030405Z"] {
            assert!(time(wrong).is_none(), "{wrong}");
        }
    }
}
