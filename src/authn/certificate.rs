//! Callers by their client certificate. Whether the certificate is good, TLS has
//! checked; here it is read and its bearer gets a name.

mod names;

use std::collections::{BTreeMap, BTreeSet};

use x509_parser::asn1_rs::Any;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
use x509_parser::prelude::FromDer;

use crate::caller::{Caller, Certificate, Proof};
pub(super) use names::{dns_name, spiffe_id, trust_domain};

use super::refusal::shown;

/// Reads the names and the serial number of a certificate.
///
/// Only the subject's alternative names count, never its common name (RFC 6125). An
/// extension that is there twice or cannot be read is an error, and so is a name in it
/// that cannot.
pub fn read(der: &[u8]) -> Result<Certificate, String> {
    let (rest, certificate) =
        X509Certificate::from_der(der).map_err(|_| "not an X.509 certificate")?;
    if !rest.is_empty() {
        return Err("bytes after the certificate".to_owned());
    }
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| "subject alternative names that cannot be read, or twice")?;
    let extensions = certificate.extensions().iter();
    for extension in extensions.filter(|own| own.oid == OID_X509_EXT_SUBJECT_ALT_NAME) {
        // The parser passes over what follows the names.
        if !Any::from_der(extension.value).is_ok_and(|(rest, _)| rest.is_empty()) {
            return Err("bytes after the subject alternative names".to_owned());
        }
    }
    let mut read = Certificate {
        serial: hexadecimal(certificate.raw_serial()),
        ..Certificate::default()
    };
    for name in names.iter().flat_map(|names| &names.value.general_names) {
        match name {
            GeneralName::URI(uri) => read.uris.push((*uri).to_owned()),
            GeneralName::DNSName(name) => read.dns_names.push((*name).to_owned()),
            GeneralName::Invalid(..) => {
                return Err("a subject alternative name that cannot be read".to_owned());
            }
            _ => {}
        }
    }
    Ok(read)
}

/// What a certificate's names are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Callers have the SPIFFE ID among the URIs for a name.
    pub spiffe: bool,
    /// Callers without a URI, or all where SPIFFE IDs do not count, have the DNS name
    /// for a name.
    pub dns: bool,
    /// The trust domains of SPIFFE IDs; any, where nothing is said.
    pub trust_domains: Option<BTreeSet<String>>,
    /// What is known of callers by their name. All that fit add up; later ones win.
    pub map: Vec<Known>,
}

/// What is known of callers by their name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Their name.
    pub name: Name,
    /// Their roles.
    pub roles: BTreeSet<String>,
    /// What else is known.
    pub attributes: BTreeMap<String, String>,
}

/// One caller's name, or the beginning of many.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The name.
    Exact(String),
    /// SPIFFE IDs that begin so; it ends with a slash.
    Below(String),
}

impl Default for Rules {
    /// SPIFFE IDs of every trust domain, of which nothing else is known.
    fn default() -> Self {
        Self {
            spiffe: true,
            dns: false,
            trust_domains: None,
            map: Vec::new(),
        }
    }
}

impl Rules {
    /// Whether certificates tell who calls at all.
    pub fn apply(&self) -> bool {
        self.spiffe || self.dns
    }

    /// Who calls with this certificate, or what is wrong with its names.
    pub fn caller(&self, certificate: &Certificate) -> Result<Caller, String> {
        let id = self.id(certificate)?;
        let mut roles = BTreeSet::new();
        let mut attributes = BTreeMap::new();
        for known in self.map.iter().filter(|known| known.name.fits(&id)) {
            roles.extend(known.roles.iter().cloned());
            attributes.extend(known.attributes.clone());
        }
        let serial = certificate.serial.clone();
        Ok(Caller::new(
            id,
            Proof::Certificate { serial },
            roles,
            attributes,
        ))
    }

    fn id(&self, certificate: &Certificate) -> Result<String, String> {
        let Certificate {
            uris, dns_names, ..
        } = certificate;
        if self.spiffe && (!uris.is_empty() || !self.dns) {
            let [uri] = uris.as_slice() else {
                let count = uris.len();
                return Err(format!("the certificate has {count} URIs, not one"));
            };
            self.check_spiffe(uri)?;
            return Ok(uri.clone());
        }
        let [name] = dns_names.as_slice() else {
            let count = dns_names.len();
            return Err(format!("the certificate has {count} DNS names, not one"));
        };
        let name = dns_name(name)
            .map_err(|reason| format!("the certificate's {}: {reason}", shown(name)))?;
        Ok(format!("dns:{name}"))
    }

    /// Whether a text is a SPIFFE ID of a trust domain that counts.
    pub(super) fn check_spiffe(&self, uri: &str) -> Result<(), String> {
        let domain = spiffe_id(uri).map_err(|reason| format!("{}: {reason}", shown(uri)))?;
        let trusted = self.trust_domains.as_ref();
        match trusted.is_none_or(|domains| domains.contains(domain)) {
            true => Ok(()),
            false => Err(format!("{}: another trust domain", shown(uri))),
        }
    }
}

impl Name {
    fn fits(&self, id: &str) -> bool {
        match self {
            Name::Exact(name) => name == id,
            Name::Below(beginning) => id.starts_with(beginning),
        }
    }
}

fn hexadecimal(serial: &[u8]) -> String {
    let digits: String = serial.iter().map(|byte| format!("{byte:02x}")).collect();
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_known_of_a_name_adds_up_and_later_rows_win() {
        let known = |name, role: &str, team: &str| Known {
            name,
            roles: [role.to_owned()].into(),
            attributes: [("team".to_owned(), team.to_owned())].into(),
        };
        let rules = Rules {
            map: vec![
                known(
                    Name::Below("spiffe://a.example/shop/".to_owned()),
                    "shop",
                    "a",
                ),
                known(
                    Name::Exact("spiffe://a.example/shop/till".to_owned()),
                    "till",
                    "b",
                ),
            ],
            ..Rules::default()
        };
        let caller = |uri: &str| {
            let certificate = Certificate {
                uris: vec![uri.to_owned()],
                serial: "01".to_owned(),
                ..Certificate::default()
            };
            rules.caller(&certificate).unwrap()
        };

        let till = caller("spiffe://a.example/shop/till");
        let other = caller("spiffe://a.example/shop/x/y");
        let shop = caller("spiffe://a.example/shop");

        assert_eq!(till.roles().len(), 2);
        assert_eq!(till.attributes()["team"], "b");
        assert_eq!(other.attributes()["team"], "a");
        assert!(shop.roles().is_empty());
    }

    #[test]
    fn a_serial_number_is_shown_without_leading_zeros() {
        for (serial, shown) in [
            (&[0, 0xab, 0x01][..], "ab01"),
            (&[0x0a], "a"),
            (&[0], "0"),
            (&[], "0"),
        ] {
            assert_eq!(hexadecimal(serial), shown);
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for der in [&b""[..], b"0", b"\x30\x03\x02\x01\x01"] {
            assert!(read(der).is_err());
        }
    }
}
