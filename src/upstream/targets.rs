//! What an operator sets about targets: the AWS accounts behind one endpoint.

use std::fmt;
use std::time::Duration;

/// The longest ARN of a role, and the longest name of one, in bytes (IAM's API reference).
const LONGEST_ARN: usize = 2048;
const LONGEST_NAME: usize = 64;

/// An account that calls can go to, in some regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSettings {
    /// What callers, policies and records call it.
    pub name: String,
    /// The regions that it answers for.
    pub regions: Vec<String>,
    /// Whether calls go there only where the caller names it.
    pub named_only: bool,
    /// The number of its account.
    pub account_id: String,
    /// The role in that account that calls are made with; without one, poolgate's own
    /// credentials are those of the account.
    pub role: Option<RoleSettings>,
    /// Where to send requests, in place of AWS's endpoint of the region.
    pub endpoint_url: Option<String>,
}

/// A role that calls are made with, in a session for each caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSettings {
    /// The role.
    pub arn: RoleArn,
    /// What the role's trust policy may want to hear.
    pub external_id: Option<ExternalId>,
    /// How long a session lasts.
    pub session_duration: Duration,
    /// Whether the caller is named in a tag of the session as well.
    pub session_tags: bool,
    /// The region whose Security Token Service is asked.
    pub sts_region: String,
    /// Where it is asked, in place of AWS's endpoint of that region.
    pub sts_endpoint_url: Option<String>,
}

/// What a trust policy may want to hear of whoever assumes its role. AWS takes it for no
/// secret, so that operators are shown it; it has no text in `Debug`, because some do.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalId(String);

impl ExternalId {
    /// An identifier as AWS's model has it.
    ///
    /// # Errors
    ///
    /// When it has another length, or letters that it cannot have.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@:/-".contains(letter);
        match (2..=1224).contains(&text.len()) && text.chars().all(fits) {
            true => Ok(Self(text.to_owned())),
            false => Err("not 2 to 1224 letters, digits and `_+=,.@:/-`".to_owned()),
        }
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ExternalId").finish_non_exhaustive()
    }
}

/// The ARN of a role, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleArn {
    text: String,
    account: String,
    partition: String,
}

impl RoleArn {
    /// An ARN such as `arn:aws:iam::123456789012:role/poolgate`.
    ///
    /// # Errors
    ///
    /// When it is none of a role.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else {
            return Err(NOT_A_ROLE.to_owned());
        };
        let path = resource.strip_prefix("role/").unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let of_a_name = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
        let is_one = partition.starts_with("aws")
            && is_account(account)
            && (1..=LONGEST_NAME).contains(&name.len())
            && name.chars().all(of_a_name)
            && path.chars().all(|letter| letter.is_ascii_graphic())
            && text.len() <= LONGEST_ARN;
        match is_one {
            true => Ok(Self {
                text: text.to_owned(),
                account: (*account).to_owned(),
                partition: (*partition).to_owned(),
            }),
            false => Err(NOT_A_ROLE.to_owned()),
        }
    }

    /// The ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The number of the role's account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Whether the role's account can be called in a region: each of AWS's partitions has its
    /// own accounts.
    pub fn is_of(&self, region: &str) -> bool {
        self.partition == partition(region)
    }
}

/// The partition of AWS that a region belongs to.
fn partition(region: &str) -> &'static str {
    const OTHERS: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    let mut others = OTHERS.iter();
    let other = others.find(|(begins, _)| region.starts_with(begins));
    other.map_or("aws", |(_, partition)| partition)
}

const NOT_A_ROLE: &str = "not the ARN of a role, such as `arn:aws:iam::123456789012:role/poolgate`";

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_of_a_role_tells_its_account() {
        let role = RoleArn::parse("arn:aws:iam::123456789012:role/service/poolgate").unwrap();
        assert_eq!(role.account(), "123456789012");

        for wrong in [
            "",
            "poolgate",
            "arn:aws:iam::123456789012:user/poolgate",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/a/",
            "arn:aws:iam::12345678901:role/poolgate",
            "arn:aws:iam:us-east-1:123456789012:role/poolgate",
            "arn:aws:sts::123456789012:assumed-role/poolgate/me",
            "arn:aws:iam::123456789012:role/pool gate",
            "arn:example:iam::123456789012:role/poolgate",
            &format!("arn:aws:iam::123456789012:role/{}", "x".repeat(65)),
        ] {
            assert_eq!(RoleArn::parse(wrong), Err(NOT_A_ROLE.to_owned()), "{wrong}");
        }
    }

    #[test]
    fn an_external_id_is_not_shown() {
        let id = ExternalId::parse("tell-nobody").unwrap();

        assert_eq!(format!("{id:?}"), "ExternalId { .. }");
        assert_eq!(id.as_str(), "tell-nobody");
        for wrong in ["", "x", "two words", &"x".repeat(1225)] {
            assert!(ExternalId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
