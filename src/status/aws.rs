//! AWS's errors, by code string: several that the service sends are not in its
//! model (reference: "Errors", "Catalogue").

use std::collections::HashMap;

use tonic::Code;
use tonic_types::ErrorDetails;

use super::{AWS_DOMAIN, Answer, MAX_DETAIL, OUR_DOMAIN, RETRY_DELAY, Retry, text};
use crate::failure::AwsError;
use crate::model;
use crate::operation::{Operation, Signing};

/// The codes with a meaning of their own; those about our credentials become
/// `BACKEND_CREDENTIALS` of our domain, all others INTERNAL.
pub(super) const KNOWN: &[&str] = &[
    "InvalidParameterException",
    "ValidationException",
    "SerializationException",
    "ResourceNotFoundException",
    "NotAuthorizedException",
    "ResourceConflictException",
    "DeveloperUserAlreadyRegisteredException",
    "ConcurrentModificationException",
    "InvalidIdentityPoolConfigurationException",
    "TooManyRequestsException",
    "LimitExceededException",
    "ExternalServiceException",
    "UnknownOperationException",
    "InternalErrorException",
];

/// What callers are told where AWS speaks of our role and account.
const DENIED: &str = "AWS does not allow poolgate's own credentials this call";

/// The answer to an error of AWS.
pub(super) fn answer(error: &AwsError, operation: Option<Operation>) -> Answer {
    if names_who_asked(&error.message) {
        return backend(error, DENIED);
    }
    let error = &AwsError {
        message: error.private.hide(&error.message),
        ..error.clone()
    };
    let unsigned = operation.is_some_and(|operation| operation.signing() == Signing::Unsigned);
    let (code, retry) = match error.code.as_str() {
        "InvalidParameterException" | "ValidationException" | "SerializationException" => {
            (Code::InvalidArgument, Retry::Unsaid)
        }
        "ResourceNotFoundException" => (Code::NotFound, Retry::Unsaid),
        "NotAuthorizedException" => (Code::PermissionDenied, Retry::Unsaid),
        "ResourceConflictException" | "DeveloperUserAlreadyRegisteredException" => {
            (Code::AlreadyExists, Retry::Unsaid)
        }
        "ConcurrentModificationException" => (Code::Aborted, Retry::Unsaid),
        "InvalidIdentityPoolConfigurationException" => (Code::FailedPrecondition, Retry::Unsaid),
        "TooManyRequestsException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded" => (Code::ResourceExhausted, Retry::After(RETRY_DELAY)),
        "LimitExceededException" => (Code::ResourceExhausted, Retry::Never),
        "ExternalServiceException" | "ServiceUnavailable" | "ServiceUnavailableException" => {
            (Code::Unavailable, Retry::After(RETRY_DELAY))
        }
        "UnknownOperationException" => (Code::Unimplemented, Retry::Unsaid),
        // An unsigned operation carries no credentials of ours: a resource control
        // policy of the pool's account refused it.
        "AccessDeniedException" | "AccessDenied" if unsigned => {
            return hidden(
                error,
                Code::PermissionDenied,
                "AWS denied the call by policy",
            );
        }
        "AccessDeniedException" | "AccessDenied" => {
            return backend(error, DENIED);
        }
        code if is_about_our_credentials(code) => {
            return backend(error, "AWS does not accept poolgate's own credentials");
        }
        "InternalErrorException" => {
            let mut answer = hidden(error, Code::Internal, "Amazon Cognito Identity failed");
            if operation.is_some_and(Operation::leaves_doubt) {
                answer.retry = Retry::Never;
            }
            return answer;
        }
        // What we do not know may name our role, account or endpoint.
        _ => {
            return hidden(
                error,
                Code::Internal,
                "Amazon Cognito Identity answered with an unexpected error",
            );
        }
    };
    Answer {
        code,
        message: error.message.clone(),
        reason: reason(&error.code),
        domain: AWS_DOMAIN,
        metadata: metadata(error),
        details: details(error, operation),
        retry,
    }
    .violations(violations(error, operation))
}

/// Whether the caller is told AWS's own words.
pub(super) fn is_told(error: &AwsError, operation: Option<Operation>) -> bool {
    answer(error, operation).message == error.message
}

/// Whether a text tells who asked AWS, which is poolgate's role or user and its account,
/// under whatever code: `User: arn:aws:sts::…:assumed-role/… is not authorized to perform:
/// …`. Callers' own ARNs are of roles, pools and providers.
fn names_who_asked(message: &str) -> bool {
    message.contains(":assumed-role/") || message.contains("is not authorized to perform")
}

/// It is not the caller's fault, and AWS's words name our role and account.
fn backend(error: &AwsError, message: &str) -> Answer {
    Answer {
        reason: "BACKEND_CREDENTIALS".to_owned(),
        domain: OUR_DOMAIN,
        ..hidden(error, Code::Internal, message)
    }
}

fn hidden(error: &AwsError, code: Code, message: &str) -> Answer {
    Answer {
        code,
        message: message.to_owned(),
        reason: reason(&error.code),
        domain: AWS_DOMAIN,
        metadata: metadata(error),
        details: ErrorDetails::new(),
        retry: Retry::Unsaid,
    }
}

fn is_about_our_credentials(code: &str) -> bool {
    matches!(
        code,
        "AccessDenied"
            | "AccessDeniedException"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "OptInRequired"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException"
    )
}

fn metadata(error: &AwsError) -> HashMap<String, String> {
    let mut metadata = HashMap::from([
        ("awsErrorCode".to_owned(), error.code.clone()),
        ("httpStatus".to_owned(), error.http_status.to_string()),
    ]);
    if let Some(request_id) = &error.request_id {
        metadata.insert("awsRequestId".to_owned(), request_id.clone());
    }
    metadata
}

fn details(error: &AwsError, operation: Option<Operation>) -> ErrorDetails {
    let mut details = ErrorDetails::new();
    let message = text::within(&error.message, MAX_DETAIL);
    match error.code.as_str() {
        "ResourceNotFoundException"
        | "ResourceConflictException"
        | "DeveloperUserAlreadyRegisteredException" => {
            let (kind, name) = resource(&message);
            let (kind, name) = (kind.to_owned(), name.to_owned());
            details.set_resource_info(kind, name, "", message);
        }
        "InvalidIdentityPoolConfigurationException" => {
            details.add_precondition_failure_violation(
                reason(&error.code),
                "identity pool roles",
                message,
            );
            details.add_help_link(
                "IAM roles of identity pools",
                "https://docs.aws.amazon.com/cognito/latest/developerguide/iam-roles.html",
            );
        }
        "InvalidParameterException" if is_classic_flow(&error.message) => {
            details.add_precondition_failure_violation(
                "CLASSIC_FLOW_REFUSED",
                "identity pool",
                message,
            );
        }
        "TooManyRequestsException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "LimitExceededException" => {
            let subject = operation.map_or("cognito-identity", Operation::name);
            details.add_quota_failure_violation(format!("{AWS_DOMAIN}/{subject}"), message);
        }
        _ => {}
    }
    details
}

/// The two refusals of `GetOpenIdToken` on account of the pool's settings.
fn is_classic_flow(message: &str) -> bool {
    message.starts_with("Basic (classic) flow is not ")
}

/// The resource in a text such as `IdentityPool 'eu-west-1:…' not found.`
fn resource(message: &str) -> (&str, &str) {
    let mut parts = message.split('\'');
    let kind = parts.next().map(str::trim).unwrap_or_default();
    match parts.next() {
        Some(name) => (kind, name),
        None => ("", ""),
    }
}

/// The fields in a text such as `1 validation error detected: Value 'x' at
/// 'identityPoolId' failed to satisfy constraint: …; Value …`.
fn violations(error: &AwsError, operation: Option<Operation>) -> Vec<(String, String)> {
    let prefix = match operation {
        Some(Operation::UpdateIdentityPool) => "identity_pool.",
        _ => "",
    };
    let Some((_, sentences)) = error.message.split_once(" detected: ") else {
        return Vec::new();
    };
    sentences
        .split("; Value")
        .filter_map(|sentence| {
            let (before, constraint) = sentence.split_once("' failed to satisfy constraint: ")?;
            let (_, member) = before.rsplit_once(" at '")?;
            let field = format!("{prefix}{}", model::path_of_member(member));
            Some((field, constraint.to_owned()))
        })
        .collect()
}

/// `ResourceNotFoundException` is `RESOURCE_NOT_FOUND`.
fn reason(code: &str) -> String {
    let name = code.strip_suffix("Exception").unwrap_or(code);
    let mut reason = String::with_capacity(name.len() + 8);
    for character in name.chars().filter(char::is_ascii_alphanumeric) {
        if character.is_ascii_uppercase() && !reason.is_empty() {
            reason.push('_');
        }
        reason.push(character.to_ascii_uppercase());
    }
    reason.truncate(63);
    reason
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::super::{About, status};
    use super::*;
    use crate::failure::{Failure, Private};

    fn error(code: &str, message: &str) -> Failure {
        Failure::Aws(AwsError {
            code: code.to_owned(),
            message: message.to_owned(),
            private: Default::default(),
            request_id: Some("aws-1".to_owned()),
            http_status: 400,
        })
    }

    fn about(operation: Operation) -> About<'static> {
        About {
            operation: Some(operation),
            ..About::default()
        }
    }

    #[test]
    fn what_names_poolgates_role_and_account_is_kept_inside_under_every_code() {
        let others = [
            "AccessDeniedException",
            "AccessDenied",
            "Throttling",
            "Made.Up",
        ];
        for code in KNOWN.iter().chain(&others) {
            for message in [
                "User: arn:aws:sts::999999999999:assumed-role/gate-prod/i-0abc is not authorized to perform: cognito-identity:GetId",
                "User: arn:aws:iam::999999999999:user/gate-prod is not authorized to perform: cognito-identity:GetId",
                "1 validation error detected: Value 'arn:aws-cn:sts::999999999999:assumed-role/gate-prod/i-0abc' at 'identityId' failed to satisfy constraint: Member must be yours",
            ] {
                let status = status(
                    &error(code, message),
                    about(Operation::DescribeIdentityPool),
                );

                let told = format!(
                    "{status:?} {:?} {:?}",
                    status.details(),
                    status.get_error_details()
                );
                let details = String::from_utf8_lossy(status.details()).into_owned();
                for planted in ["999999999999", "gate-prod", "i-0abc"] {
                    assert!(!told.contains(planted), "{code}: {told}");
                    assert!(!details.contains(planted), "{code}: {details}");
                }
            }
        }
    }

    #[test]
    fn what_names_an_account_that_is_called_or_its_role_is_hidden_in_every_part_of_an_answer() {
        let role = "arn:aws:iam::999999999999:role/gate-prod";
        let private = Private::new(vec!["999999999999".to_owned(), role.to_owned()]);
        for message in [
            format!("Access to Role '{role}' is forbidden."),
            "Resource 'arn:aws:cognito-identity:eu-west-1:999999999999:identitypool/x' not found."
                .to_owned(),
            format!(
                "1 validation error detected: Value '{role}' at 'identityPoolId' failed to satisfy \
                 constraint: Member must not be of 999999999999"
            ),
        ] {
            for code in KNOWN.iter().chain(&["AccessDenied", "Made.Up"]) {
                let failure = Failure::Aws(AwsError {
                    code: (*code).to_owned(),
                    message: message.clone(),
                    private: private.clone(),
                    request_id: None,
                    http_status: 400,
                });

                let status = status(&failure, about(Operation::DescribeIdentityPool));

                let told = format!("{status:?} {:?}", status.get_error_details());
                let details = String::from_utf8_lossy(status.details()).into_owned();
                for planted in ["999999999999", "gate-prod"] {
                    assert!(!told.contains(planted), "{code}: {told}");
                    assert!(!details.contains(planted), "{code}: {details}");
                }
            }
        }
    }

    #[test]
    fn each_code_of_aws_has_its_grpc_code_and_keeps_its_message() {
        let cases = [
            (
                "InvalidParameterException",
                Code::InvalidArgument,
                "INVALID_PARAMETER",
            ),
            ("ValidationException", Code::InvalidArgument, "VALIDATION"),
            (
                "ResourceNotFoundException",
                Code::NotFound,
                "RESOURCE_NOT_FOUND",
            ),
            (
                "NotAuthorizedException",
                Code::PermissionDenied,
                "NOT_AUTHORIZED",
            ),
            (
                "ResourceConflictException",
                Code::AlreadyExists,
                "RESOURCE_CONFLICT",
            ),
            (
                "DeveloperUserAlreadyRegisteredException",
                Code::AlreadyExists,
                "DEVELOPER_USER_ALREADY_REGISTERED",
            ),
            (
                "ConcurrentModificationException",
                Code::Aborted,
                "CONCURRENT_MODIFICATION",
            ),
            (
                "InvalidIdentityPoolConfigurationException",
                Code::FailedPrecondition,
                "INVALID_IDENTITY_POOL_CONFIGURATION",
            ),
            (
                "TooManyRequestsException",
                Code::ResourceExhausted,
                "TOO_MANY_REQUESTS",
            ),
            (
                "LimitExceededException",
                Code::ResourceExhausted,
                "LIMIT_EXCEEDED",
            ),
            (
                "ExternalServiceException",
                Code::Unavailable,
                "EXTERNAL_SERVICE",
            ),
            (
                "UnknownOperationException",
                Code::Unimplemented,
                "UNKNOWN_OPERATION",
            ),
        ];
        for (code, expected, reason) in cases {
            let status = status(&error(code, "as AWS says"), about(Operation::GetId));
            let info = status.get_details_error_info().unwrap();

            assert_eq!(status.code(), expected, "{code}");
            assert_eq!(status.message(), "as AWS says", "{code}");
            assert_eq!(
                (info.domain.as_str(), info.reason.as_str()),
                (AWS_DOMAIN, reason)
            );
            assert_eq!(info.metadata["awsErrorCode"], code);
            assert_eq!(info.metadata["awsRequestId"], "aws-1");
            assert_eq!(info.metadata["httpStatus"], "400");
            assert_eq!(info.metadata["operation"], "GetId");
        }
    }

    #[test]
    fn a_validation_text_names_the_fields_of_the_proto() {
        let text = r"2 validation errors detected: Value 'it's; Value' at 'identityPoolName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w\s+=,.@-]+; Value null at 'cognitoIdentityProviders.1.member.clientId' failed to satisfy constraint: Member must not be null";
        let status = status(
            &error("ValidationException", text),
            about(Operation::UpdateIdentityPool),
        );

        let bad_request = status.get_details_bad_request().unwrap();
        let fields: Vec<&str> = bad_request
            .field_violations
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        assert_eq!(
            fields,
            [
                "identity_pool.identity_pool_name",
                "identity_pool.cognito_identity_providers[1].client_id"
            ]
        );
    }

    #[test]
    fn a_missing_pool_is_named_as_a_resource() {
        let status = status(
            &error(
                "ResourceNotFoundException",
                "IdentityPool 'eu-west-1:0a' not found.",
            ),
            about(Operation::DescribeIdentityPool),
        );

        let info = status.get_details_resource_info().unwrap();
        assert_eq!(info.resource_type, "IdentityPool");
        assert_eq!(info.resource_name, "eu-west-1:0a");
    }

    #[test]
    fn a_throttle_says_when_to_come_back_and_a_limit_says_never() {
        let throttle = status(
            &error("TooManyRequestsException", "Rate exceeded"),
            about(Operation::GetId),
        );
        let limit = status(
            &error("LimitExceededException", "too many pools"),
            about(Operation::CreateIdentityPool),
        );

        assert_eq!(
            throttle.metadata().get(super::super::PUSHBACK).unwrap(),
            "1000"
        );
        assert!(throttle.get_details_retry_info().is_some());
        assert!(throttle.get_details_quota_failure().is_some());
        assert_eq!(limit.metadata().get(super::super::PUSHBACK).unwrap(), "-1");
        assert!(limit.get_details_retry_info().is_none());
    }

    #[test]
    fn what_could_name_our_role_or_account_never_leaves() {
        let planted = "User: arn:aws:sts::111122223333:assumed-role/poolgate/x is not authorized";
        for code in [
            "AccessDeniedException",
            "ExpiredTokenException",
            "SomethingNew",
            "InternalErrorException",
        ] {
            for operation in [Operation::DescribeIdentityPool, Operation::GetId] {
                let status = status(&error(code, planted), about(operation));
                let everything = format!("{} {:?}", status.message(), status.details());
                assert!(!everything.contains("111122223333"), "{code}: {everything}");
            }
        }
    }

    #[test]
    fn a_denial_of_our_credentials_is_not_the_callers_fault_but_one_of_an_unsigned_call_is_a_denial()
     {
        let ours = status(
            &error("AccessDeniedException", "no"),
            about(Operation::DescribeIdentityPool),
        );
        let theirs = status(
            &error("AccessDeniedException", "no"),
            about(Operation::GetId),
        );

        assert_eq!(ours.code(), Code::Internal);
        assert_eq!(
            ours.get_details_error_info().unwrap().reason,
            "BACKEND_CREDENTIALS"
        );
        assert_eq!(theirs.code(), Code::PermissionDenied);
        assert_eq!(theirs.get_details_error_info().unwrap().domain, AWS_DOMAIN);
    }

    #[test]
    fn a_classic_flow_refusal_is_a_precondition_too() {
        let status = status(
            &error(
                "InvalidParameterException",
                "Basic (classic) flow is not enabled, please use enhanced flow.",
            ),
            about(Operation::GetOpenIdToken),
        );

        assert_eq!(status.code(), Code::InvalidArgument);
        let precondition = status.get_details_precondition_failure().unwrap();
        assert_eq!(precondition.violations[0].r#type, "CLASSIC_FLOW_REFUSED");
    }
}
