//! How long the server's certificate is good. That is its clients' business; here it is told
//! before they notice.

use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// From when to when a certificate is good, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Validity {
    /// Of the first certificate in a chain, which is the server's own. Those after it may have
    /// expired and be there for old clients all the same.
    pub(super) fn of(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(chain.first()?).ok()?;
        let validity = certificate.validity();
        Some(Self {
            from: validity.not_before.timestamp(),
            until: validity.not_after.timestamp(),
        })
    }

    /// What is wrong at a time, in seconds since 1970.
    pub(super) fn warning(self, now: u64) -> Option<String> {
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        if now > self.until {
            return Some(format!("the certificate expired on {}", date(self.until)));
        }
        (now < self.from).then(|| format!("the certificate is not good before {}", date(self.from)))
    }
}

fn date(seconds: i64) -> String {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    match UNIX_EPOCH.checked_add(since) {
        Some(time) => httpdate::fmt_http_date(time),
        None => format!("second {seconds} of 1970"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_good_from_its_first_second_to_its_last() {
        let validity = Validity {
            from: 1_577_836_800,
            until: 1_609_459_200,
        };
        for (now, told) in [
            (
                1_577_836_799,
                Some("the certificate is not good before Wed, 01 Jan 2020 00:00:00 GMT"),
            ),
            (1_577_836_800, None),
            (1_609_459_200, None),
            (
                1_609_459_201,
                Some("the certificate expired on Fri, 01 Jan 2021 00:00:00 GMT"),
            ),
        ] {
            assert_eq!(validity.warning(now).as_deref(), told, "{now}");
        }
    }
}
