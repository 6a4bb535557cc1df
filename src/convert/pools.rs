//! Identity pools: create, describe, update, delete, list.

use aws_sdk_cognitoidentity::operation::create_identity_pool::CreateIdentityPoolOutput;
use aws_sdk_cognitoidentity::operation::create_identity_pool::builders::CreateIdentityPoolInputBuilder;
use aws_sdk_cognitoidentity::operation::delete_identity_pool::DeleteIdentityPoolOutput;
use aws_sdk_cognitoidentity::operation::delete_identity_pool::builders::DeleteIdentityPoolInputBuilder;
use aws_sdk_cognitoidentity::operation::describe_identity_pool::DescribeIdentityPoolOutput;
use aws_sdk_cognitoidentity::operation::describe_identity_pool::builders::DescribeIdentityPoolInputBuilder;
use aws_sdk_cognitoidentity::operation::list_identity_pools::ListIdentityPoolsOutput;
use aws_sdk_cognitoidentity::operation::list_identity_pools::builders::ListIdentityPoolsInputBuilder;
use aws_sdk_cognitoidentity::operation::update_identity_pool::UpdateIdentityPoolOutput;
use aws_sdk_cognitoidentity::operation::update_identity_pool::builders::UpdateIdentityPoolInputBuilder;
use aws_sdk_cognitoidentity::types;

use super::{list, map, page_size, text};
use crate::pb;

impl From<pb::CreateIdentityPoolRequest> for CreateIdentityPoolInputBuilder {
    fn from(request: pb::CreateIdentityPoolRequest) -> Self {
        let pb::CreateIdentityPoolRequest {
            identity_pool_name,
            allow_unauthenticated_identities,
            allow_classic_flow,
            supported_login_providers,
            developer_provider_name,
            open_id_connect_provider_arns,
            cognito_identity_providers,
            saml_provider_arns,
            identity_pool_tags,
        } = request;
        Self::default()
            .set_identity_pool_name(text(identity_pool_name))
            .set_allow_unauthenticated_identities(allow_unauthenticated_identities)
            .set_allow_classic_flow(allow_classic_flow)
            .set_supported_login_providers(map(supported_login_providers))
            .set_developer_provider_name(developer_provider_name)
            .set_open_id_connect_provider_arns(list(open_id_connect_provider_arns))
            .set_cognito_identity_providers(user_pools(cognito_identity_providers))
            .set_saml_provider_arns(list(saml_provider_arns))
            .set_identity_pool_tags(map(identity_pool_tags))
    }
}

/// The mask is not part of AWS's input: `service` applies it.
impl From<pb::UpdateIdentityPoolRequest> for UpdateIdentityPoolInputBuilder {
    fn from(request: pb::UpdateIdentityPoolRequest) -> Self {
        let pb::UpdateIdentityPoolRequest {
            identity_pool,
            update_mask: _,
        } = request;
        let pb::IdentityPool {
            identity_pool_id,
            identity_pool_name,
            allow_unauthenticated_identities,
            allow_classic_flow,
            supported_login_providers,
            developer_provider_name,
            open_id_connect_provider_arns,
            cognito_identity_providers,
            saml_provider_arns,
            identity_pool_tags,
        } = identity_pool.unwrap_or_default();
        Self::default()
            .set_identity_pool_id(text(identity_pool_id))
            .set_identity_pool_name(text(identity_pool_name))
            .set_allow_unauthenticated_identities(allow_unauthenticated_identities)
            .set_allow_classic_flow(allow_classic_flow)
            .set_supported_login_providers(map(supported_login_providers))
            .set_developer_provider_name(developer_provider_name)
            .set_open_id_connect_provider_arns(list(open_id_connect_provider_arns))
            .set_cognito_identity_providers(user_pools(cognito_identity_providers))
            .set_saml_provider_arns(list(saml_provider_arns))
            .set_identity_pool_tags(map(identity_pool_tags))
    }
}

impl From<pb::DescribeIdentityPoolRequest> for DescribeIdentityPoolInputBuilder {
    fn from(request: pb::DescribeIdentityPoolRequest) -> Self {
        let pb::DescribeIdentityPoolRequest { identity_pool_id } = request;
        Self::default().set_identity_pool_id(text(identity_pool_id))
    }
}

impl From<pb::DeleteIdentityPoolRequest> for DeleteIdentityPoolInputBuilder {
    fn from(request: pb::DeleteIdentityPoolRequest) -> Self {
        let pb::DeleteIdentityPoolRequest { identity_pool_id } = request;
        Self::default().set_identity_pool_id(text(identity_pool_id))
    }
}

impl From<pb::ListIdentityPoolsRequest> for ListIdentityPoolsInputBuilder {
    fn from(request: pb::ListIdentityPoolsRequest) -> Self {
        let pb::ListIdentityPoolsRequest {
            max_results,
            next_token,
        } = request;
        Self::default()
            .max_results(page_size(max_results))
            .set_next_token(text(next_token))
    }
}

impl From<ListIdentityPoolsOutput> for pb::ListIdentityPoolsResponse {
    fn from(output: ListIdentityPoolsOutput) -> Self {
        Self {
            identity_pools: output
                .identity_pools
                .unwrap_or_default()
                .into_iter()
                .map(|pool| pb::IdentityPoolShortDescription {
                    identity_pool_id: pool.identity_pool_id.unwrap_or_default(),
                    identity_pool_name: pool.identity_pool_name.unwrap_or_default(),
                })
                .collect(),
            next_token: output.next_token.unwrap_or_default(),
        }
    }
}

impl From<DeleteIdentityPoolOutput> for pb::DeleteIdentityPoolResponse {
    fn from(_: DeleteIdentityPoolOutput) -> Self {
        Self {}
    }
}

/// AWS returns the pool from three operations as three types with the same
/// members.
macro_rules! pool_output {
    ($($output:ident => $response:ident),+ $(,)?) => {$(
        impl From<$output> for pb::$response {
            fn from(output: $output) -> Self {
                Self {
                    identity_pool: Some(pb::IdentityPool {
                        identity_pool_id: output.identity_pool_id,
                        identity_pool_name: output.identity_pool_name,
                        allow_unauthenticated_identities: Some(
                            output.allow_unauthenticated_identities,
                        ),
                        allow_classic_flow: output.allow_classic_flow,
                        supported_login_providers: output
                            .supported_login_providers
                            .unwrap_or_default(),
                        developer_provider_name: output.developer_provider_name,
                        open_id_connect_provider_arns: output
                            .open_id_connect_provider_arns
                            .unwrap_or_default(),
                        cognito_identity_providers: output
                            .cognito_identity_providers
                            .unwrap_or_default()
                            .into_iter()
                            .map(pb::CognitoIdentityProvider::from)
                            .collect(),
                        saml_provider_arns: output.saml_provider_arns.unwrap_or_default(),
                        identity_pool_tags: output.identity_pool_tags.unwrap_or_default(),
                    }),
                }
            }
        }
    )+};
}

pool_output! {
    CreateIdentityPoolOutput => CreateIdentityPoolResponse,
    DescribeIdentityPoolOutput => DescribeIdentityPoolResponse,
    UpdateIdentityPoolOutput => UpdateIdentityPoolResponse,
}

fn user_pools(
    providers: Vec<pb::CognitoIdentityProvider>,
) -> Option<Vec<types::CognitoIdentityProvider>> {
    list(providers.into_iter().map(Into::into).collect())
}

impl From<pb::CognitoIdentityProvider> for types::CognitoIdentityProvider {
    fn from(provider: pb::CognitoIdentityProvider) -> Self {
        let pb::CognitoIdentityProvider {
            provider_name,
            client_id,
            server_side_token_check,
        } = provider;
        Self::builder()
            .set_provider_name(provider_name)
            .set_client_id(client_id)
            .set_server_side_token_check(server_side_token_check)
            .build()
    }
}

impl From<types::CognitoIdentityProvider> for pb::CognitoIdentityProvider {
    fn from(provider: types::CognitoIdentityProvider) -> Self {
        Self {
            provider_name: provider.provider_name,
            client_id: provider.client_id,
            server_side_token_check: provider.server_side_token_check,
        }
    }
}
