//! What an assertion of a known provider has to say besides being signed: for whom it is,
//! for how long, and in which role.
//!
//! unverified: the texts, which are those of other tokens, and the order; and the
//! recipient of a confirmation, which is not checked. No record tells whether the service
//! compares it, and with which of AWS's sign-ins.

use serde_json::Value;

use super::{Assertion, ROLES, refused};
use crate::emulator::error::Error;
use crate::emulator::issuers::SamlProvider;
use crate::emulator::logins::jwt::GRACE;

/// Checks an assertion of `provider`.
pub(super) fn check(assertion: &Assertion, provider: &SamlProvider, now: u64) -> Result<(), Error> {
    if assertion.subject.is_none() || assertion.not_for_bearers {
        return Err(refused());
    }
    // What nothing ends would be good for ever.
    if assertion.not_on_or_after.is_empty() {
        return Err(refused());
    }
    for date in &assertion.not_on_or_after {
        let end = seconds(date)?;
        if now >= end.saturating_add(GRACE) {
            return Err(Error::invalid_login_token(format!(
                "Token expired: {now} >= {end}"
            )));
        }
    }
    for date in &assertion.not_before {
        if now.saturating_add(GRACE) < seconds(date)? {
            return Err(refused());
        }
    }
    // Every restriction has to be met, by any of its audiences (SAML core, 2.5.1.4).
    let met = |audiences: &Vec<String>| audiences.iter().any(|audience| is_aws(audience));
    if assertion.audiences.is_empty() || !assertion.audiences.iter().all(met) {
        return Err(Error::unsupported_provider());
    }
    let roles = assertion.attributes.get(ROLES).and_then(Value::as_array);
    let names_provider = |pair: &Value| {
        let mut arns = pair.as_str().unwrap_or_default().split(',');
        arns.any(|arn| arn.trim() == provider.arn)
    };
    match roles.is_some_and(|roles| roles.iter().any(names_provider)) {
        true => Ok(()),
        false => Err(refused()),
    }
}

/// AWS as the audience, in any partition and region.
fn is_aws(audience: &str) -> bool {
    let is_sign_in = |rest: &str| {
        [
            "aws.amazon.com/saml",
            "amazonaws.cn/saml",
            "amazonaws-us-gov.com/saml",
        ]
        .iter()
        .any(|end| rest == format!("signin.{end}") || rest.ends_with(&format!(".signin.{end}")))
    };
    audience == "urn:amazon:webservices"
        || audience.starts_with("urn:amazon:webservices:")
        || audience.strip_prefix("https://").is_some_and(is_sign_in)
}

fn seconds(date: &str) -> Result<u64, Error> {
    let date = humantime::parse_rfc3339(date).map_err(|_| refused())?;
    date.duration_since(std::time::SystemTime::UNIX_EPOCH)
        .map(|since| since.as_secs())
        .map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::emulator::logins::saml::believed;

    /// 2027-01-15T08:00:00Z.
    const NOW: u64 = 1_800_000_000;
    const ARN: &str = "arn:aws:iam::123456789012:saml-provider/idp";

    const GOOD: &str = r#"<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol"
        xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Issuer>other</saml:Issuer>
        <saml:Assertion><saml:Issuer>https://idp.example</saml:Issuer>
        <saml:Subject><saml:NameID Format="x">ann@example</saml:NameID>
        <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
        <saml:SubjectConfirmationData NotOnOrAfter="2027-01-15T08:05:00Z"/>
        </saml:SubjectConfirmation></saml:Subject>
        <saml:Conditions NotBefore="2027-01-15T07:55:00.123Z" NotOnOrAfter="2027-01-15T08:05:00Z">
        <saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience>
        </saml:AudienceRestriction></saml:Conditions><saml:AttributeStatement>
        <saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/Role"><saml:AttributeValue>
        arn:aws:iam::123456789012:role/user,arn:aws:iam::123456789012:saml-provider/idp
        </saml:AttributeValue></saml:Attribute><saml:Attribute Name="team">
        <saml:AttributeValue>a&amp;b</saml:AttributeValue><saml:AttributeValue>c</saml:AttributeValue>
        </saml:Attribute></saml:AttributeStatement></saml:Assertion></Response>"#;

    #[test]
    fn an_assertion_of_a_known_provider_is_checked() {
        const MALFORMED: &str = "Not a valid SAML assertion.";
        let cases = [
            ("nothing is wrong", "", "", None),
            (
                "expired",
                "NotOnOrAfter=\"2027-01-15T08:05:00Z\">",
                "NotOnOrAfter=\"2027-01-15T07:55:00Z\">",
                Some("Token expired: 1800000000 >= 1799999700"),
            ),
            (
                "late, but within the grace",
                "NotOnOrAfter=\"2027-01-15T08:05:00Z\">",
                "NotOnOrAfter=\"2027-01-15T07:55:01Z\">",
                None,
            ),
            (
                "not good yet",
                "2027-01-15T07:55:00.123Z",
                "2027-01-15T08:05:01Z",
                Some(MALFORMED),
            ),
            (
                "a date that is none",
                "2027-01-15T07:55:00.123Z",
                "soon",
                Some(MALFORMED),
            ),
            ("no name", "ann@example", "", Some(MALFORMED)),
            (
                "no role of this provider",
                "saml-provider/idp\n",
                "saml-provider/other\n",
                Some(MALFORMED),
            ),
            (
                "AWS's sign-in as audience",
                "urn:amazon:webservices",
                "https://eu-west-1.signin.aws.amazon.com/saml",
                None,
            ),
        ];
        for (why, from, to, refused) in cases {
            let xml = GOOD.replace(from, to);

            let answer = believed(&STANDARD.encode(xml))
                .and_then(|assertion| check(&assertion, &provider(), NOW));

            let expected = refused.map(Error::invalid_login_token);
            assert_eq!(answer.err(), expected, "{why}");
        }
    }

    #[test]
    fn every_restriction_has_to_be_met_by_any_of_its_audiences() {
        let aws = "<saml:Audience>urn:amazon:webservices</saml:Audience>";
        let other = "<saml:Audience>https://shop.example</saml:Audience>";
        let restricted = |audiences: &[&str]| {
            let audiences = audiences.concat();
            format!("<saml:AudienceRestriction>{audiences}</saml:AudienceRestriction>")
        };
        for (why, restrictions, met) in [
            ("one of two audiences", restricted(&[other, aws]), true),
            (
                "both restrictions",
                restricted(&[aws]) + &restricted(&[aws, other]),
                true,
            ),
            (
                "the first alone",
                restricted(&[aws]) + &restricted(&[other]),
                false,
            ),
            (
                "the last alone",
                restricted(&[other]) + &restricted(&[aws]),
                false,
            ),
            (
                "nobody is the audience",
                restricted(&[aws]) + &restricted(&[]),
                false,
            ),
            ("no restriction", String::new(), false),
        ] {
            let (before, rest) = GOOD.split_once("<saml:AudienceRestriction>").unwrap();
            let (_, after) = rest.split_once("</saml:AudienceRestriction>").unwrap();
            let xml = format!("{before}{restrictions}{after}");
            let assertion = believed(&STANDARD.encode(xml)).unwrap();

            let refused = check(&assertion, &provider(), NOW).err();

            assert_eq!(refused, (!met).then(Error::unsupported_provider), "{why}");
        }
    }

    const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
    const KEY_HOLDER: &str = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key";
    const END: &str = r#"NotOnOrAfter="2027-01-15T08:05:00Z""#;
    const PAST: &str = r#"NotOnOrAfter="2027-01-15T07:55:00Z""#;

    #[test]
    fn some_date_ends_it_and_only_bearers_confirmations_count() {
        let confirmed = |method: &str, date: &str| {
            format!(
                r#"<saml:SubjectConfirmation Method="{method}"><saml:SubjectConfirmationData
                {date}/></saml:SubjectConfirmation>"#
            )
        };
        let cases = [
            ("the conditions end it", END, String::new(), true),
            ("a confirmation ends it", "", confirmed(BEARER, END), true),
            ("nothing ends it", "", String::new(), false),
            (
                "a confirmation without an end",
                "",
                confirmed(BEARER, ""),
                false,
            ),
            (
                "the holder of a key",
                END,
                confirmed(KEY_HOLDER, END),
                false,
            ),
            ("a confirmation of no kind", END, confirmed("", END), false),
            (
                "a confirmation that is over",
                END,
                confirmed(BEARER, PAST),
                false,
            ),
            (
                "the end of another kind alone",
                "",
                confirmed(BEARER, "") + &confirmed(KEY_HOLDER, END),
                false,
            ),
            (
                "another kind that is over",
                END,
                confirmed(BEARER, END) + &confirmed(KEY_HOLDER, PAST),
                true,
            ),
            (
                "one of two that is over",
                END,
                confirmed(BEARER, END) + &confirmed(BEARER, PAST),
                false,
            ),
        ];
        for (why, conditions, confirmations, accepted) in cases {
            let (before, rest) = GOOD.split_once("<saml:SubjectConfirmation ").unwrap();
            let (_, rest) = rest.split_once("</saml:SubjectConfirmation>").unwrap();
            let xml = format!("{before}{confirmations}{}", rest.replace(END, conditions));

            let answer = believed(&STANDARD.encode(xml))
                .and_then(|assertion| check(&assertion, &provider(), NOW));

            assert_eq!(answer.is_ok(), accepted, "{why}: {answer:?}");
        }
    }

    #[test]
    fn another_audience_is_another_provider() {
        for audience in [
            "https://shop.example",
            "https://evil-signin.aws.amazon.com/saml",
        ] {
            let xml = GOOD.replace("urn:amazon:webservices", audience);
            let assertion = believed(&STANDARD.encode(xml)).unwrap();

            let refused = check(&assertion, &provider(), NOW).err();

            assert_eq!(refused, Some(Error::unsupported_provider()), "{audience}");
        }
    }

    fn provider() -> SamlProvider {
        SamlProvider {
            arn: ARN.to_owned(),
            entity_id: "https://idp.example".to_owned(),
            keys: Vec::new(),
        }
    }
}
