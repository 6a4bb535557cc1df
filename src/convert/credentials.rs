//! OpenID tokens and AWS credentials for an identity.

use aws_sdk_cognitoidentity::operation::get_credentials_for_identity::GetCredentialsForIdentityOutput;
use aws_sdk_cognitoidentity::operation::get_credentials_for_identity::builders::GetCredentialsForIdentityInputBuilder;
use aws_sdk_cognitoidentity::operation::get_open_id_token::GetOpenIdTokenOutput;
use aws_sdk_cognitoidentity::operation::get_open_id_token::builders::GetOpenIdTokenInputBuilder;
use aws_sdk_cognitoidentity::types;

use super::{map, text, timestamp};
use crate::pb;

impl From<pb::GetOpenIdTokenRequest> for GetOpenIdTokenInputBuilder {
    fn from(request: pb::GetOpenIdTokenRequest) -> Self {
        let pb::GetOpenIdTokenRequest {
            identity_id,
            logins,
        } = request;
        Self::default()
            .set_identity_id(text(identity_id))
            .set_logins(map(logins))
    }
}

impl From<GetOpenIdTokenOutput> for pb::GetOpenIdTokenResponse {
    fn from(output: GetOpenIdTokenOutput) -> Self {
        Self {
            identity_id: output.identity_id.unwrap_or_default(),
            token: output.token.unwrap_or_default(),
        }
    }
}

impl From<pb::GetCredentialsForIdentityRequest> for GetCredentialsForIdentityInputBuilder {
    fn from(request: pb::GetCredentialsForIdentityRequest) -> Self {
        let pb::GetCredentialsForIdentityRequest {
            identity_id,
            logins,
            custom_role_arn,
        } = request;
        Self::default()
            .set_identity_id(text(identity_id))
            .set_logins(map(logins))
            .set_custom_role_arn(custom_role_arn)
    }
}

impl From<GetCredentialsForIdentityOutput> for pb::GetCredentialsForIdentityResponse {
    fn from(output: GetCredentialsForIdentityOutput) -> Self {
        Self {
            identity_id: output.identity_id.unwrap_or_default(),
            credentials: output.credentials.map(Into::into),
        }
    }
}

impl From<types::Credentials> for pb::Credentials {
    fn from(credentials: types::Credentials) -> Self {
        Self {
            access_key_id: credentials.access_key_id.unwrap_or_default(),
            secret_key: credentials.secret_key.unwrap_or_default(),
            session_token: credentials.session_token.unwrap_or_default(),
            expiration: credentials.expiration.map(timestamp),
        }
    }
}
