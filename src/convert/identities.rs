//! Identities: get, describe, list, delete, unlink.

use aws_sdk_cognitoidentity::operation::delete_identities::DeleteIdentitiesOutput;
use aws_sdk_cognitoidentity::operation::delete_identities::builders::DeleteIdentitiesInputBuilder;
use aws_sdk_cognitoidentity::operation::describe_identity::DescribeIdentityOutput;
use aws_sdk_cognitoidentity::operation::describe_identity::builders::DescribeIdentityInputBuilder;
use aws_sdk_cognitoidentity::operation::get_id::GetIdOutput;
use aws_sdk_cognitoidentity::operation::get_id::builders::GetIdInputBuilder;
use aws_sdk_cognitoidentity::operation::list_identities::ListIdentitiesOutput;
use aws_sdk_cognitoidentity::operation::list_identities::builders::ListIdentitiesInputBuilder;
use aws_sdk_cognitoidentity::operation::unlink_identity::UnlinkIdentityOutput;
use aws_sdk_cognitoidentity::operation::unlink_identity::builders::UnlinkIdentityInputBuilder;
use aws_sdk_cognitoidentity::types;

use super::{map, page_size, text, timestamp};
use crate::pb;

impl From<pb::GetIdRequest> for GetIdInputBuilder {
    fn from(request: pb::GetIdRequest) -> Self {
        let pb::GetIdRequest {
            account_id,
            identity_pool_id,
            logins,
        } = request;
        Self::default()
            .set_account_id(account_id)
            .set_identity_pool_id(text(identity_pool_id))
            .set_logins(map(logins))
    }
}

impl From<GetIdOutput> for pb::GetIdResponse {
    fn from(output: GetIdOutput) -> Self {
        Self {
            identity_id: output.identity_id.unwrap_or_default(),
        }
    }
}

impl From<pb::DescribeIdentityRequest> for DescribeIdentityInputBuilder {
    fn from(request: pb::DescribeIdentityRequest) -> Self {
        let pb::DescribeIdentityRequest { identity_id } = request;
        Self::default().set_identity_id(text(identity_id))
    }
}

impl From<DescribeIdentityOutput> for pb::DescribeIdentityResponse {
    fn from(output: DescribeIdentityOutput) -> Self {
        Self {
            identity_id: output.identity_id.unwrap_or_default(),
            logins: output.logins.unwrap_or_default(),
            creation_date: output.creation_date.map(timestamp),
            last_modified_date: output.last_modified_date.map(timestamp),
        }
    }
}

impl From<pb::ListIdentitiesRequest> for ListIdentitiesInputBuilder {
    fn from(request: pb::ListIdentitiesRequest) -> Self {
        let pb::ListIdentitiesRequest {
            identity_pool_id,
            max_results,
            next_token,
            hide_disabled,
        } = request;
        Self::default()
            .set_identity_pool_id(text(identity_pool_id))
            .max_results(page_size(max_results))
            .set_next_token(text(next_token))
            .set_hide_disabled(hide_disabled)
    }
}

impl From<ListIdentitiesOutput> for pb::ListIdentitiesResponse {
    fn from(output: ListIdentitiesOutput) -> Self {
        Self {
            identity_pool_id: output.identity_pool_id.unwrap_or_default(),
            identities: output
                .identities
                .unwrap_or_default()
                .into_iter()
                .map(Into::into)
                .collect(),
            next_token: output.next_token.unwrap_or_default(),
        }
    }
}

impl From<types::IdentityDescription> for pb::IdentityDescription {
    fn from(identity: types::IdentityDescription) -> Self {
        Self {
            identity_id: identity.identity_id.unwrap_or_default(),
            logins: identity.logins.unwrap_or_default(),
            creation_date: identity.creation_date.map(timestamp),
            last_modified_date: identity.last_modified_date.map(timestamp),
        }
    }
}

impl From<pb::DeleteIdentitiesRequest> for DeleteIdentitiesInputBuilder {
    fn from(request: pb::DeleteIdentitiesRequest) -> Self {
        let pb::DeleteIdentitiesRequest {
            identity_ids_to_delete,
        } = request;
        Self::default().set_identity_ids_to_delete(Some(identity_ids_to_delete))
    }
}

impl From<DeleteIdentitiesOutput> for pb::DeleteIdentitiesResponse {
    fn from(output: DeleteIdentitiesOutput) -> Self {
        Self {
            unprocessed_identity_ids: output
                .unprocessed_identity_ids
                .unwrap_or_default()
                .into_iter()
                .map(Into::into)
                .collect(),
        }
    }
}

impl From<types::UnprocessedIdentityId> for pb::UnprocessedIdentityId {
    fn from(unprocessed: types::UnprocessedIdentityId) -> Self {
        let error_code = match unprocessed.error_code {
            Some(types::ErrorCode::AccessDenied) => pb::ErrorCode::AccessDenied,
            Some(types::ErrorCode::InternalServerError) => pb::ErrorCode::InternalServerError,
            _ => pb::ErrorCode::Unspecified,
        };
        Self {
            identity_id: unprocessed.identity_id.unwrap_or_default(),
            error_code: error_code.into(),
        }
    }
}

impl From<pb::UnlinkIdentityRequest> for UnlinkIdentityInputBuilder {
    fn from(request: pb::UnlinkIdentityRequest) -> Self {
        let pb::UnlinkIdentityRequest {
            identity_id,
            logins,
            logins_to_remove,
        } = request;
        Self::default()
            .set_identity_id(text(identity_id))
            .set_logins(Some(logins))
            .set_logins_to_remove(Some(logins_to_remove))
    }
}

impl From<UnlinkIdentityOutput> for pb::UnlinkIdentityResponse {
    fn from(_: UnlinkIdentityOutput) -> Self {
        Self {}
    }
}
