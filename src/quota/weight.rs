//! How much a call weighs: dear calls do not cost as cheap ones
//! (reference: security, T-Q6).

use std::fmt::Write;

use crate::call::Subject;
use crate::operation::Operation;

/// How many identities a call deletes for one unit.
const IDENTITIES: usize = 10;

/// What a call of the operation weighs at least, whatever its message says: all that is
/// known before the message is read.
pub fn least_weight(operation: Operation) -> u32 {
    match operation {
        // AWS asks STS as well for it.
        Operation::GetCredentialsForIdentity => 2,
        _ => 1,
    }
}

/// What a call weighs.
pub fn weight(operation: Operation, subject: &Subject) -> u32 {
    match operation {
        Operation::DeleteIdentities => {
            let tens = subject.resource.identities().len().div_ceil(IDENTITIES);
            u32::try_from(tens).unwrap_or(u32::MAX).max(1)
        }
        _ => least_weight(operation),
    }
}

/// The weights as a Markdown table.
pub fn weight_table() -> String {
    let mut table = String::from("| Operation | Weight |\n|---|---|\n");
    for operation in Operation::ALL {
        let weight = match operation {
            Operation::DeleteIdentities => {
                format!("1 for each {IDENTITIES} identities, and for what is left of them")
            }
            other if least_weight(*other) == 1 => continue,
            other => least_weight(*other).to_string(),
        };
        // Writing into a `String` cannot fail.
        let _ = writeln!(table, "| `{operation}` | {weight} |");
    }
    table.push_str("| every other | 1 |\n");
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Resource;

    fn subject(identities: usize) -> Subject {
        let ids = (0..identities).map(|number| format!("us-east-1:{number}"));
        Subject {
            resource: Resource::Identities(ids.collect()),
            region: None,
            parameters: Default::default(),
            update_mask: None,
        }
    }

    #[test]
    fn only_deleting_many_and_credentials_weigh_more_than_one() {
        for operation in Operation::ALL {
            let expected = match operation {
                Operation::GetCredentialsForIdentity => 2,
                _ => 1,
            };
            assert_eq!(least_weight(*operation), expected, "{operation}");
            assert_eq!(weight(*operation, &subject(1)), expected, "{operation}");
        }
        for (identities, expected) in [(0, 1), (1, 1), (10, 1), (11, 2), (20, 2), (60, 6)] {
            let subject = subject(identities);
            let weight = weight(Operation::DeleteIdentities, &subject);
            assert_eq!(weight, expected, "{identities}");
        }
    }

    #[test]
    fn the_table_has_what_differs() {
        let table = weight_table();

        assert!(
            table.contains("| `GetCredentialsForIdentity` | 2 |"),
            "{table}"
        );
        assert_eq!(table.lines().count(), 5, "{table}");
    }
}
