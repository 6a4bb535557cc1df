//! What follows from a region: its partition, names of resources, the issuer.

/// The region in the name of an AWS endpoint, such as
/// `cognito-identity.eu-west-1.amazonaws.com`.
pub(super) fn of_host(host: &str) -> Option<&str> {
    let rest = host
        .strip_prefix("cognito-identity.")
        .or_else(|| host.strip_prefix("cognito-identity-fips."))?;
    let (region, _) = rest.split_once('.')?;
    plausible(region).then_some(region)
}

/// The region in the scope of a signature:
/// `AKIA…/20260101/eu-west-1/cognito-identity/aws4_request`.
pub(super) fn of_credential(credential: &str) -> Option<&str> {
    let region = credential.split('/').nth(2)?;
    plausible(region).then_some(region)
}

/// The region that an identifier begins with.
pub(super) fn of_id(id: &str) -> Option<&str> {
    let (region, _) = id.split_once(':')?;
    plausible(region).then_some(region)
}

/// The partition of AWS that a region belongs to.
pub(super) fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// The ARN of an identity pool.
pub(super) fn pool_arn(region: &str, account: &str, pool_id: &str) -> String {
    let partition = partition(region);
    format!("arn:{partition}:cognito-identity:{region}:{account}:identitypool/{pool_id}")
}

/// The issuer of OpenID tokens without its scheme, which is also the key of such a
/// token among logins.
pub(super) fn issuer(region: &str) -> &'static str {
    match partition(region) {
        // unverified: not seen outside the standard partition.
        "aws-cn" => "cognito-identity.cn-north-1.amazonaws.com.cn",
        "aws-us-gov" => "cognito-identity-us-gov.amazonaws.com",
        _ => "cognito-identity.amazonaws.com",
    }
}

/// Whether an ARN names an IAM resource of this kind (`role`, `saml-provider`, …)
/// in this account.
pub(super) fn is_iam_arn(arn: &str, kind: &str, account: Option<&str>) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (scheme, partition, service, region, owner, resource) =
        (next(), next(), next(), next(), next(), next());
    scheme == "arn"
        && partition.starts_with("aws")
        && service == "iam"
        && region.is_empty()
        && owner.len() == 12
        && owner.bytes().all(|byte| byte.is_ascii_digit())
        && account.is_none_or(|account| account == owner)
        && resource
            .strip_prefix(kind)
            .and_then(|rest| rest.strip_prefix('/'))
            .is_some_and(|name| !name.is_empty())
}

pub(super) fn plausible(region: &str) -> bool {
    region.contains('-')
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_read_from_aws_hosts_and_signatures_and_from_nothing_else() {
        assert_eq!(
            of_host("cognito-identity.eu-west-1.amazonaws.com"),
            Some("eu-west-1")
        );
        assert_eq!(
            of_host("cognito-identity-fips.us-east-2.amazonaws.com"),
            Some("us-east-2")
        );
        assert_eq!(of_host("localhost"), None);
        assert_eq!(of_host("cognito-identity.localhost.test"), None);
        let credential = "AKIA/20260101/eu-west-1/cognito-identity/aws4_request";
        assert_eq!(of_credential(credential), Some("eu-west-1"));
        assert_eq!(of_credential("AKIA"), None);
    }

    #[test]
    fn an_iam_arn_has_its_kind_a_name_and_an_account() {
        let role = "arn:aws:iam::123456789012:role/app/reader";
        assert!(is_iam_arn(role, "role", Some("123456789012")));
        assert!(is_iam_arn(role, "role", None));
        assert!(!is_iam_arn(role, "role", Some("210987654321")));
        assert!(!is_iam_arn(role, "saml-provider", None));
        assert!(!is_iam_arn("arn:aws:iam::123456789012:role/", "role", None));
        assert!(!is_iam_arn("reader", "role", None));
    }
}
