//! The errors of AWS: a type, and the text that goes with it.

use std::fmt;

/// An error as AWS answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) kind: Kind,
    pub(super) message: String,
}

/// The types of errors that the emulator answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    AccessDenied,
    ConcurrentModification,
    DeveloperUserAlreadyRegistered,
    ExpiredToken,
    ExternalService,
    IncompleteSignature,
    InternalError,
    InvalidIdentityPoolConfiguration,
    InvalidParameter,
    InvalidSignature,
    LimitExceeded,
    MissingAuthenticationToken,
    NotAuthorized,
    ResourceConflict,
    ResourceNotFound,
    RequestEntityTooLarge,
    Serialization,
    TooManyRequests,
    UnknownOperation,
    UnrecognizedClient,
    Validation,
}

impl Kind {
    /// The types that an operation can end with, or the front end before it.
    ///
    /// unverified: the texts of `ConcurrentModification` and `ExternalService`, which the
    /// emulator answers with when a rule for faults says so, in the rule's words.
    pub(super) const ALL: [Self; 21] = [
        Kind::AccessDenied,
        Kind::ConcurrentModification,
        Kind::DeveloperUserAlreadyRegistered,
        Kind::ExpiredToken,
        Kind::ExternalService,
        Kind::IncompleteSignature,
        Kind::InternalError,
        Kind::InvalidIdentityPoolConfiguration,
        Kind::InvalidParameter,
        Kind::InvalidSignature,
        Kind::LimitExceeded,
        Kind::MissingAuthenticationToken,
        Kind::NotAuthorized,
        Kind::RequestEntityTooLarge,
        Kind::ResourceConflict,
        Kind::ResourceNotFound,
        Kind::Serialization,
        Kind::TooManyRequests,
        Kind::UnknownOperation,
        Kind::UnrecognizedClient,
        Kind::Validation,
    ];

    /// AWS's name of the type.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Kind::AccessDenied => "AccessDeniedException",
            Kind::ConcurrentModification => "ConcurrentModificationException",
            Kind::DeveloperUserAlreadyRegistered => "DeveloperUserAlreadyRegisteredException",
            Kind::ExpiredToken => "ExpiredTokenException",
            Kind::ExternalService => "ExternalServiceException",
            Kind::IncompleteSignature => "IncompleteSignatureException",
            Kind::InternalError => "InternalErrorException",
            Kind::InvalidIdentityPoolConfiguration => "InvalidIdentityPoolConfigurationException",
            Kind::InvalidParameter => "InvalidParameterException",
            Kind::InvalidSignature => "InvalidSignatureException",
            Kind::LimitExceeded => "LimitExceededException",
            Kind::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Kind::NotAuthorized => "NotAuthorizedException",
            Kind::ResourceConflict => "ResourceConflictException",
            Kind::ResourceNotFound => "ResourceNotFoundException",
            Kind::RequestEntityTooLarge => "RequestEntityTooLargeException",
            Kind::Serialization => "SerializationException",
            Kind::TooManyRequests => "TooManyRequestsException",
            Kind::UnknownOperation => "UnknownOperationException",
            Kind::UnrecognizedClient => "UnrecognizedClientException",
            Kind::Validation => "ValidationException",
        }
    }

    /// The HTTP status: only AWS's own failures are not the client's fault.
    ///
    /// unverified: that throttling is the client's fault, too.
    pub(super) const fn status(self) -> http::StatusCode {
        match self {
            Kind::InternalError => http::StatusCode::INTERNAL_SERVER_ERROR,
            Kind::RequestEntityTooLarge => http::StatusCode::PAYLOAD_TOO_LARGE,
            _ => http::StatusCode::BAD_REQUEST,
        }
    }

    /// The name of the body's member with the text. Denials come from IAM, which
    /// writes it with a capital.
    pub(super) const fn message_member(self) -> &'static str {
        match self {
            Kind::AccessDenied => "Message",
            _ => "message",
        }
    }
}

impl Error {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidParameter, message)
    }

    pub(super) fn not_authorized(message: impl Into<String>) -> Self {
        Self::new(Kind::NotAuthorized, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::ResourceNotFound, message)
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::ResourceConflict, message)
    }

    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::new(Kind::LimitExceeded, message)
    }

    pub(super) fn serialization(message: impl Into<String>) -> Self {
        Self::new(Kind::Serialization, message)
    }

    pub(super) fn internal() -> Self {
        // unverified: the text is not on record.
        Self::new(Kind::InternalError, "Internal error")
    }

    pub(super) fn pool_not_found(id: &str) -> Self {
        Self::not_found(format!("IdentityPool '{id}' not found."))
    }

    pub(super) fn identity_not_found(id: &str) -> Self {
        Self::not_found(format!("Identity '{id}' not found."))
    }

    pub(super) fn no_guests() -> Self {
        Self::not_authorized("Unauthenticated access is not supported for this identity pool.")
    }

    pub(super) fn identity_forbidden(id: &str) -> Self {
        Self::not_authorized(format!("Access to Identity '{id}' is forbidden."))
    }

    pub(super) fn role_forbidden(arn: &str) -> Self {
        Self::not_authorized(format!("Access to Role '{arn}' is forbidden."))
    }

    pub(super) fn logins_do_not_match() -> Self {
        Self::not_authorized(
            "Logins don't match. Please include at least one valid login for this identity or \
             identity pool.",
        )
    }

    pub(super) fn not_a_public_provider() -> Self {
        Self::not_authorized("Please provide a valid public provider")
    }

    pub(super) fn unsupported_provider() -> Self {
        Self::not_authorized("Token is not from a supported provider of this identity pool.")
    }

    /// A login token that is refused for `reason`.
    pub(super) fn invalid_login_token(reason: impl fmt::Display) -> Self {
        Self::not_authorized(format!("Invalid login token. {reason}"))
    }

    pub(super) fn pool_configuration() -> Self {
        Self::new(
            Kind::InvalidIdentityPoolConfiguration,
            "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_lengths_recorded_from_the_real_service() {
        // The lengths of whole bodies, read off recorded Content-Length headers.
        let cases = [
            (Error::logins_do_not_match(), 143),
            (Error::pool_configuration(), 143),
            (Error::no_guests(), 111),
            (
                Error::new(
                    Kind::MissingAuthenticationToken,
                    "Missing Authentication Token",
                ),
                89,
            ),
        ];
        for (error, length) in cases {
            let body = format!(
                r#"{{"__type":"{}","message":"{}"}}"#,
                error.kind.name(),
                error.message
            );
            assert_eq!(body.len(), length, "{body}");
        }
    }
}
