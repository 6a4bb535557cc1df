//! What a record says of an error: its code, and a message of which it is known that no
//! secret is in it.

use std::sync::LazyLock;

use regex::RegexSet;

use super::redact::{HIDDEN, within};
use crate::failure::Failure;
use crate::notes::Failed;

/// What AWS says, as far as it is known (reference: behaviour, error texts), and what the
/// emulator says in its place. Where it names something, that is an identifier, an ARN, a
/// number, or the name of a claim, of a provider or of a member. Of nothing else is it known
/// what is in it: AWS repeats values of requests where it finds them wrong.
#[expect(
    clippy::expect_used,
    reason = "the patterns are compiled into the binary and a test uses them"
)]
static KNOWN: LazyLock<RegexSet> = LazyLock::new(|| {
    let patterns = [
        r"\([A-Za-z0-9:_/.-]{1,128}\) is not (a configured provider|a valid RoleMapping ProviderName or is not a configured provider)\.",
        r"A resource cannot have more than \d{1,9} tags\.",
        r"Access to (Identity|Role) '[A-Za-z0-9:_/.+=,@-]{0,256}' is forbidden\.",
        r"AmbiguousRoleResolution is required for the role mapping types Token and Rules\.",
        r"An account cannot have more than \d{1,9} identity pools\.",
        r"An identity cannot have more than \d{1,9} linked logins\.",
        r"An identity pool cannot have more than \d{1,9} Cognito identity providers\.",
        r"Basic \(classic\) flow is not (enabled|supported with RoleMappings|supported with SAML providers), please use enhanced flow\.",
        r"Can't pass in a Cognito token\.",
        r"Couldn't verify signed token\.",
        r"Developer user identifier not found\.",
        r"(Identity|IdentityPool) '[A-Za-z0-9:_-]{0,256}' not found\.",
        r"Identity is already linked to a different user of provider '[A-Za-z0-9:_/.-]{1,128}'\.",
        r"Identity pool - [A-Za-z0-9:_-]{1,64} does not have identity providers configured\.",
        r"Identity provider [A-Za-z0-9:_/.-]{1,256} is not valid for account \d{12}",
        r"Internal error",
        r"Invalid Cognito Identity Provider",
        r"Invalid NextToken",
        r"Invalid identity pool configuration\. Check assigned IAM roles for this pool\.",
        r"Invalid login token\.( (Token expired: \d{1,12} >= \d{1,12}|Issuer doesn't match providerName|Can't pass in a Cognito token\.|Token signature invalid\.|Incorrect token audience\.|Not a valid OpenId Connect identity token\.|Not a valid SAML assertion\.|Token has been revoked\.|Couldn't verify signed token\.|Missing a required claim: [a-z_]{1,32}))?",
        r"Logins don't match\. Please include at least one valid login for this identity or identity pool\.",
        r"Missing Authentication Token",
        r"Missing a required claim: [a-z_]{1,32}",
        r"Not a valid SAML assertion\.",
        r"Packed size of session tags consumes \d{1,9}% of allotted space\.",
        r"Please provide a valid public provider",
        r"Please provide an identity ID or a developer user identifier\.",
        r"Rate exceeded",
        r"Request body is too large\.",
        r"RulesConfiguration is (not allowed for the role mapping type Token|required for the role mapping type Rules)\.",
        r"Start of structure or map expected\.",
        r"Tag keys cannot start with 'aws:'\.",
        r"The ambiguous role mapping rules denied this request",
        r"The body (does not have the expected form|is not valid JSON)\.",
        r"The developer provider name cannot be changed once it is set\.",
        r"The developer user identifier does not belong to the identity ID\.",
        r"The emulator cannot keep more than \d{1,9} isolated stores\.",
        r"The number of rules in the request exceeded \d{1,9}\.",
        r"The provided developer user identifier is already registered with Cognito under a different identity ID\.",
        r"The security token included in the request is (invalid|expired)\.?",
        r"This identity pool does not support the specified developer provider",
        r"Token has been revoked\.",
        r"Token is not from a supported provider of this identity pool\.",
        r"Unauthenticated access is not supported for this identity pool\.",
        r"User: [A-Za-z0-9:_/.+=,@-]{1,512} is not authorized to perform: [A-Za-z-]{1,64}:[A-Za-z]{1,64}( on resource: [A-Za-z0-9:_/.*-]{1,512})?( because no (identity|resource)-based policy allows the [A-Za-z-]{1,64}:[A-Za-z]{1,64} action)?",
        r"[A-Z_]{1,40} can not be converted to [A-Za-z ]{1,40}",
    ];
    let whole = patterns.map(|pattern| format!("^(?:{pattern})$"));
    RegexSet::new(whole).expect("the patterns are regular expressions")
});

/// The code and the message of a failure.
pub(super) fn error(failed: &Failed) -> (String, String) {
    match &failed.failure {
        Failure::Aws(error) if KNOWN.is_match(&error.message) => {
            (error.code.clone(), error.message.clone())
        }
        Failure::Aws(error) => (error.code.clone(), HIDDEN.to_owned()),
        failure => (failed.reason.clone(), ours(failure)),
    }
}

/// Our own words, without what a caller sent.
fn ours(failure: &Failure) -> String {
    match failure {
        Failure::InvalidFields { violations, .. } => {
            let fields = violations
                .iter()
                .map(|one| format!("`{}`", within(&without_keys(&one.field), 128)));
            let fields: Vec<String> = fields.collect();
            format!("these fields are not valid: {}", fields.join(", "))
        }
        Failure::MalformedMessage(_) => "the request cannot be read".to_owned(),
        Failure::UnknownRegion { .. } => {
            "the region of the resource is not one that calls may go to".to_owned()
        }
        failure => failure.to_string(),
    }
}

/// The path of a field without the keys of maps, which are a caller's text:
/// `logins[eyJ…].x` is `logins[…].x`. Numbers of elements stay.
fn without_keys(field: &str) -> String {
    let Some((before, rest)) = field.split_once('[') else {
        return field.to_owned();
    };
    // A key may have brackets of its own; the last one is the path's.
    let Some((inside, after)) = rest.rsplit_once(']') else {
        return format!("{before}[…");
    };
    let is_number = inside.len() <= 4 && inside.bytes().all(|byte| byte.is_ascii_digit());
    let shown = if is_number { inside } else { "…" };
    format!("{before}[{shown}]{after}")
}

#[cfg(test)]
mod every_message;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::AwsError;

    fn failed(failure: Failure) -> Failed {
        Failed {
            failure,
            reason: "REASON".to_owned(),
        }
    }

    #[test]
    fn a_message_of_aws_is_shown_where_it_is_known() {
        let id = "us-east-1:00000000-0000-4000-8000-000000000000";
        for (message, shown) in [
            (format!("IdentityPool '{id}' not found."), true),
            (
                "Invalid login token. Token expired: 12 >= 10".to_owned(),
                true,
            ),
            ("Invalid login token. eyJhbGciOi".to_owned(), false),
            ("IdentityPool 'two words' not found.".to_owned(), false),
            (format!("IdentityPool '{id}' not found. s3cret"), false),
            ("Value 's3cret' at 'logins' is too long".to_owned(), false),
            ("Rate exceeded\nRate exceeded".to_owned(), false),
        ] {
            let aws = Failure::Aws(AwsError {
                code: "SomeException".to_owned(),
                message: message.clone(),
                private: Default::default(),
                request_id: None,
                http_status: 400,
            });
            let expected = if shown { message.as_str() } else { HIDDEN };
            let told = error(&failed(aws));
            assert_eq!(told, ("SomeException".to_owned(), expected.to_owned()));
        }
    }

    #[test]
    fn our_own_messages_do_not_repeat_what_a_caller_sent() {
        for failure in [
            Failure::field("logins", "Value 's3cret' at 'logins' is too long"),
            Failure::field("logins[s3cret]", "too long"),
            Failure::field("logins[a].s3cret].type", "too long"),
            Failure::field("logins[s3cret", "too long"),
            Failure::MalformedMessage("s3cret".to_owned()),
            Failure::UnknownRegion {
                region: "s3cret".to_owned(),
            },
        ] {
            let (code, message) = error(&failed(failure));
            assert_eq!(code, "REASON");
            assert!(!message.contains("s3cret"), "{message}");
        }
        let (_, message) = error(&failed(Failure::field("logins", "too long")));
        assert_eq!(message, "these fields are not valid: `logins`");
        assert_eq!(
            without_keys("identity_ids_to_delete[12]"),
            "identity_ids_to_delete[12]"
        );
        assert_eq!(
            without_keys("role_mappings[a[1]].type"),
            "role_mappings[…].type"
        );
    }
}
