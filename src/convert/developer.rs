//! Developer identities.

use aws_sdk_cognitoidentity::operation::get_open_id_token_for_developer_identity::GetOpenIdTokenForDeveloperIdentityOutput;
use aws_sdk_cognitoidentity::operation::get_open_id_token_for_developer_identity::builders::GetOpenIdTokenForDeveloperIdentityInputBuilder;
use aws_sdk_cognitoidentity::operation::lookup_developer_identity::LookupDeveloperIdentityOutput;
use aws_sdk_cognitoidentity::operation::lookup_developer_identity::builders::LookupDeveloperIdentityInputBuilder;
use aws_sdk_cognitoidentity::operation::merge_developer_identities::MergeDeveloperIdentitiesOutput;
use aws_sdk_cognitoidentity::operation::merge_developer_identities::builders::MergeDeveloperIdentitiesInputBuilder;
use aws_sdk_cognitoidentity::operation::unlink_developer_identity::UnlinkDeveloperIdentityOutput;
use aws_sdk_cognitoidentity::operation::unlink_developer_identity::builders::UnlinkDeveloperIdentityInputBuilder;

use super::{map, page_size, text};
use crate::pb;

impl From<pb::GetOpenIdTokenForDeveloperIdentityRequest>
    for GetOpenIdTokenForDeveloperIdentityInputBuilder
{
    fn from(request: pb::GetOpenIdTokenForDeveloperIdentityRequest) -> Self {
        let pb::GetOpenIdTokenForDeveloperIdentityRequest {
            identity_pool_id,
            identity_id,
            logins,
            principal_tags,
            token_duration,
        } = request;
        Self::default()
            .set_identity_pool_id(text(identity_pool_id))
            .set_identity_id(identity_id)
            .set_logins(Some(logins))
            .set_principal_tags(map(principal_tags))
            .set_token_duration(token_duration)
    }
}

impl From<GetOpenIdTokenForDeveloperIdentityOutput>
    for pb::GetOpenIdTokenForDeveloperIdentityResponse
{
    fn from(output: GetOpenIdTokenForDeveloperIdentityOutput) -> Self {
        Self {
            identity_id: output.identity_id.unwrap_or_default(),
            token: output.token.unwrap_or_default(),
        }
    }
}

impl From<pb::LookupDeveloperIdentityRequest> for LookupDeveloperIdentityInputBuilder {
    fn from(request: pb::LookupDeveloperIdentityRequest) -> Self {
        let pb::LookupDeveloperIdentityRequest {
            identity_pool_id,
            identity_id,
            developer_user_identifier,
            max_results,
            next_token,
        } = request;
        Self::default()
            .set_identity_pool_id(text(identity_pool_id))
            .set_identity_id(identity_id)
            .set_developer_user_identifier(developer_user_identifier)
            .max_results(page_size(max_results))
            .set_next_token(text(next_token))
    }
}

impl From<LookupDeveloperIdentityOutput> for pb::LookupDeveloperIdentityResponse {
    fn from(output: LookupDeveloperIdentityOutput) -> Self {
        Self {
            identity_id: output.identity_id.unwrap_or_default(),
            developer_user_identifier_list: output
                .developer_user_identifier_list
                .unwrap_or_default(),
            next_token: output.next_token.unwrap_or_default(),
        }
    }
}

impl From<pb::MergeDeveloperIdentitiesRequest> for MergeDeveloperIdentitiesInputBuilder {
    fn from(request: pb::MergeDeveloperIdentitiesRequest) -> Self {
        let pb::MergeDeveloperIdentitiesRequest {
            source_user_identifier,
            destination_user_identifier,
            developer_provider_name,
            identity_pool_id,
        } = request;
        Self::default()
            .set_source_user_identifier(text(source_user_identifier))
            .set_destination_user_identifier(text(destination_user_identifier))
            .set_developer_provider_name(text(developer_provider_name))
            .set_identity_pool_id(text(identity_pool_id))
    }
}

impl From<MergeDeveloperIdentitiesOutput> for pb::MergeDeveloperIdentitiesResponse {
    fn from(output: MergeDeveloperIdentitiesOutput) -> Self {
        Self {
            identity_id: output.identity_id.unwrap_or_default(),
        }
    }
}

impl From<pb::UnlinkDeveloperIdentityRequest> for UnlinkDeveloperIdentityInputBuilder {
    fn from(request: pb::UnlinkDeveloperIdentityRequest) -> Self {
        let pb::UnlinkDeveloperIdentityRequest {
            identity_id,
            identity_pool_id,
            developer_provider_name,
            developer_user_identifier,
        } = request;
        Self::default()
            .set_identity_id(text(identity_id))
            .set_identity_pool_id(text(identity_pool_id))
            .set_developer_provider_name(text(developer_provider_name))
            .set_developer_user_identifier(text(developer_user_identifier))
    }
}

impl From<UnlinkDeveloperIdentityOutput> for pb::UnlinkDeveloperIdentityResponse {
    fn from(_: UnlinkDeveloperIdentityOutput) -> Self {
        Self {}
    }
}
