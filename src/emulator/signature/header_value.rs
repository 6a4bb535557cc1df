//! The header that holds a signature, taken apart.

use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, header};

use super::header_text;
use crate::emulator::error::{Error, Kind};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a signed request says about its signature.
pub(in crate::emulator) struct Signed<'a> {
    pub(super) access_key: &'a str,
    pub(super) day: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) terminator: &'a str,
    pub(super) headers: Vec<&'a str>,
    pub(super) signature: &'a str,
    /// When the request was signed, as it says.
    pub(super) sent: &'a str,
    pub(super) at: SystemTime,
}

impl<'a> Signed<'a> {
    /// Reads the header; nothing for a request that has none.
    pub(super) fn read(request: &'a Request<Bytes>) -> Result<Option<Self>, Error> {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        let value = header_text(request, header::AUTHORIZATION.as_str());
        let Some(parts) = value.strip_prefix(ALGORITHM) else {
            return Ok(None);
        };
        let sent = header_text(request, "x-amz-date");
        let (credential, headers, signature) = (
            part(parts, "Credential"),
            part(parts, "SignedHeaders"),
            part(parts, "Signature"),
        );
        let (Some(credential), Some(headers), Some(signature), Some(at)) =
            (credential, headers, signature, time(sent))
        else {
            let missing = [
                (credential.is_none(), "'Credential' parameter."),
                (signature.is_none(), "'Signature' parameter."),
                (headers.is_none(), "'SignedHeaders' parameter."),
                (
                    time(sent).is_none(),
                    "existence of either a 'X-Amz-Date' or a 'Date' header.",
                ),
            ];
            let sentences: Vec<String> = missing
                .iter()
                .filter(|(is_missing, _)| *is_missing)
                .map(|(_, what)| format!("Authorization header requires {what}"))
                .collect();
            return Err(incomplete(sentences.join(" ")));
        };
        let headers: Vec<&str> = headers.split(';').collect();
        if !headers.contains(&"host") || header_text(request, "host").is_empty() {
            return Err(Error::new(
                Kind::InvalidSignature,
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            ));
        }
        let mut scope = credential.split('/');
        let mut next = || scope.next().unwrap_or_default();
        let (access_key, day, region, service, terminator) =
            (next(), next(), next(), next(), next());
        if terminator.is_empty() || scope.next().is_some() {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term",
            ));
        }
        Ok(Some(Self {
            access_key,
            day,
            region,
            service,
            terminator,
            headers,
            signature,
            sent,
            at,
        }))
    }
}

/// The key, day, region and service that a header is signed for, `AKIA…/20260102/…`,
/// whatever else is wrong with it.
pub(in crate::emulator) fn credential(authorization: &str) -> Option<&str> {
    part(authorization.strip_prefix(ALGORITHM)?, "Credential")
}

fn part<'a>(parts: &'a str, wanted: &str) -> Option<&'a str> {
    parts
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
        .find(|(name, text)| *name == wanted && !text.is_empty())
        .map(|(_, text)| text)
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
