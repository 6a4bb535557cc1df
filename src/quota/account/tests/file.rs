//! What operators write about the account, and what they write wrongly.

use super::*;
use crate::quota::Limits;

const FILE: &str = r#"
[account]
share = 90
batch_roles = ["nightly", "reports"]
max_wait = "500ms"
max_waiting = 100
max_waiting_of_caller = 8

[account.quotas]
GetId = 250
DescribeIdentityPool = 20

[account.regions.eu-west-1]
GetId = 50
"#;

#[test]
fn a_file_says_what_the_account_admits_and_the_rest_is_what_aws_publishes() {
    let limits = Limits::parse(FILE).unwrap();
    let account = limits.account();

    let rate = |region, operation| account.rate(region, operation, 2);
    assert_eq!(rate("us-east-1", Operation::GetId), Some(112.5));
    assert_eq!(rate("eu-west-1", Operation::GetId), Some(22.5));
    assert_eq!(
        rate("eu-west-1", Operation::DescribeIdentityPool),
        Some(9.0)
    );
    assert_eq!(rate("eu-west-1", Operation::ListIdentities), Some(2.25));
    assert_eq!(rate("eu-west-1", Operation::DescribeIdentity), None);
    assert_eq!(
        account.to_string(),
        "90 % of AWS's quotas, role nightly, reports last; \
         100 wait up to 500ms, 8 of each caller\n\
         everywhere: DescribeIdentityPool 20/s, GetId 250/s\n\
         eu-west-1: GetId 50/s"
    );
    assert!(account.is_written);
    assert_eq!(limits.iter().count(), Limits::default().iter().count());
}

#[test]
fn without_a_word_there_are_defaults() {
    let account = Account::default();

    let rate = account.rate(HERE, Operation::GetId, 1);
    assert_eq!(rate, Some(24.5));
    assert!(!account.is_written);
    assert_eq!(
        account.to_string(),
        "98 % of AWS's quotas; 1024 wait up to 2s, 64 of each caller"
    );
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    let text = r#"
[account]
share = 101
max_wait = "2 weeks"
max_waiting = 0
batch_role = "nightly"
[account.quotas]
GetIdd = 5
GetId = 0
[account.regions]
eu-west-1 = 5
[account.regions.eu-west-2]
TagResource = "1"
"#;

    let mistakes = Limits::parse(text).unwrap_err();

    let expected = [
        "line 3: account.share: not a number from 1 to 100",
        "line 4: account.max_wait: not a duration from 0s to 1m, such as `2s`",
        "line 5: account.max_waiting: not a number from 1 to 100000",
        "line 6: account.batch_role: unknown; known are `share`, `quotas`, `regions`, \
         `batch_roles`, `max_wait`, `max_waiting`, `max_waiting_of_caller`",
        "line 8: account.quotas.GetIdd: not an operation",
        "line 9: account.quotas.GetId: not a number from 1 to 100000",
        "line 11: account.regions.eu-west-1: not a table",
        "line 13: account.regions.eu-west-2.TagResource: not a whole number",
    ];
    assert_eq!(mistakes, expected);
}
