//! What AWS publishes about its quotas on requests of an account, in each region
//! (<https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html>).

use std::fmt::Write;

use crate::operation::Operation;

/// A quota as AWS sets it for every account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Published {
    /// Requests in a second.
    pub(super) rate: u32,
    /// Its code in Service Quotas, where it has one.
    pub(super) code: Option<&'static str>,
}

/// The quota on an operation; nothing where AWS publishes none.
pub(super) const fn published(operation: Operation) -> Option<Published> {
    let (rate, code) = match operation {
        Operation::GetId => (25, Some("L-A38ADA84")),
        Operation::GetOpenIdToken => (200, Some("L-E97D135E")),
        Operation::GetCredentialsForIdentity => (200, Some("L-5AE9F13D")),
        Operation::GetOpenIdTokenForDeveloperIdentity => (50, Some("L-0BF99E8D")),
        Operation::ListIdentities => (5, Some("L-DBF99350")),
        Operation::DeleteIdentities => (10, None),
        Operation::TagResource => (5, Some("L-DAF3EAFF")),
        Operation::UntagResource => (5, Some("L-0D31D6D2")),
        Operation::ListTagsForResource => (10, Some("L-50C9AAB8")),
        _ => return None,
    };
    Some(Published { rate, code })
}

/// The quotas as a Markdown table.
pub fn account_table() -> String {
    let mut table = String::from("| Operation | Requests per second | Code |\n|---|---|---|\n");
    for operation in Operation::ALL {
        let Some(Published { rate, code }) = published(*operation) else {
            continue;
        };
        let code = code.map_or_else(String::new, |code| format!("`{code}`"));
        // Writing into a `String` cannot fail.
        let _ = writeln!(table, "| `{operation}` | {rate} | {code} |");
    }
    table.push_str("| every other | not published |  |\n");
    table
}
