//! Names and numbers that AWS gives.

use super::{Accepts, Shape};
use crate::emulator::Overrides;

/// The name of an AWS region.
pub(in crate::config) struct Region;

impl Accepts for Region {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let dashes = text.matches('-').count();
        if dashes < 2 || !text.chars().all(plain) || text.starts_with('-') || text.ends_with('-') {
            return Err(format!("`{text}` is not the name of an AWS region"));
        }
        Ok(text.to_owned())
    }

    fn accepted(&self) -> String {
        "the name of an AWS region, such as `eu-west-1`".to_owned()
    }
}

/// Names of AWS regions.
pub(in crate::config) struct Regions;

impl Accepts for Regions {
    type Value = Vec<String>;

    fn parse(&self, text: &str) -> Result<Vec<String>, String> {
        text.split(',')
            .map(|name| Region.parse(name.trim()))
            .collect()
    }

    fn accepted(&self) -> String {
        "a list of AWS regions; in the environment separated by commas".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::List
    }
}

/// Quotas of the emulator.
pub(in crate::config) struct QuotaOverrides;

impl Accepts for QuotaOverrides {
    type Value = Overrides;

    fn parse(&self, text: &str) -> Result<Overrides, String> {
        Overrides::parse(text)
    }

    fn accepted(&self) -> String {
        "a list such as `[\"GetId=50\", \"IdentityPools=10\", \"CognitoIdentityProviders=5\"]`; in the \
         environment separated by commas"
            .to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::List
    }
}

/// The number of an AWS account.
pub(in crate::config) struct AccountId;

impl Accepts for AccountId {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, String> {
        if text.len() != 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("not 12 digits".to_owned());
        }
        Ok(text.to_owned())
    }

    fn accepted(&self) -> String {
        "12 digits".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_the_form_of_one() {
        for (text, good) in [
            ("eu-west-1", true),
            ("us-gov-east-1", true),
            ("eu-west", false),
            ("EU-WEST-1", false),
            ("-eu-west-1", false),
            ("", false),
        ] {
            assert_eq!(Region.parse(text).is_ok(), good, "{text}");
        }
        let mistake = Regions.parse("eu-west-1,,us-east-1").unwrap_err();
        assert_eq!(mistake, "`` is not the name of an AWS region");
    }

    #[test]
    fn an_account_has_twelve_digits() {
        assert!(AccountId.parse("000000000001").is_ok());
        assert!(AccountId.parse("12345678901").is_err());
        assert!(AccountId.parse("12345678901a").is_err());
    }
}
