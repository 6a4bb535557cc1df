//! The 23 RPCs, three plain lines each.

use aws_sdk_cognitoidentity::operation::create_identity_pool::builders::CreateIdentityPoolInputBuilder;
use aws_sdk_cognitoidentity::operation::delete_identities::builders::DeleteIdentitiesInputBuilder;
use aws_sdk_cognitoidentity::operation::delete_identity_pool::builders::DeleteIdentityPoolInputBuilder;
use aws_sdk_cognitoidentity::operation::describe_identity::builders::DescribeIdentityInputBuilder;
use aws_sdk_cognitoidentity::operation::describe_identity_pool::builders::DescribeIdentityPoolInputBuilder;
use aws_sdk_cognitoidentity::operation::get_credentials_for_identity::builders::GetCredentialsForIdentityInputBuilder;
use aws_sdk_cognitoidentity::operation::get_id::builders::GetIdInputBuilder;
use aws_sdk_cognitoidentity::operation::get_identity_pool_roles::builders::GetIdentityPoolRolesInputBuilder;
use aws_sdk_cognitoidentity::operation::get_open_id_token::builders::GetOpenIdTokenInputBuilder;
use aws_sdk_cognitoidentity::operation::get_open_id_token_for_developer_identity::builders::GetOpenIdTokenForDeveloperIdentityInputBuilder;
use aws_sdk_cognitoidentity::operation::get_principal_tag_attribute_map::builders::GetPrincipalTagAttributeMapInputBuilder;
use aws_sdk_cognitoidentity::operation::list_identities::builders::ListIdentitiesInputBuilder;
use aws_sdk_cognitoidentity::operation::list_identity_pools::builders::ListIdentityPoolsInputBuilder;
use aws_sdk_cognitoidentity::operation::list_tags_for_resource::builders::ListTagsForResourceInputBuilder;
use aws_sdk_cognitoidentity::operation::lookup_developer_identity::builders::LookupDeveloperIdentityInputBuilder;
use aws_sdk_cognitoidentity::operation::merge_developer_identities::builders::MergeDeveloperIdentitiesInputBuilder;
use aws_sdk_cognitoidentity::operation::set_identity_pool_roles::builders::SetIdentityPoolRolesInputBuilder;
use aws_sdk_cognitoidentity::operation::set_principal_tag_attribute_map::builders::SetPrincipalTagAttributeMapInputBuilder;
use aws_sdk_cognitoidentity::operation::tag_resource::builders::TagResourceInputBuilder;
use aws_sdk_cognitoidentity::operation::unlink_developer_identity::builders::UnlinkDeveloperIdentityInputBuilder;
use aws_sdk_cognitoidentity::operation::unlink_identity::builders::UnlinkIdentityInputBuilder;
use aws_sdk_cognitoidentity::operation::untag_resource::builders::UntagResourceInputBuilder;
use aws_sdk_cognitoidentity::operation::update_identity_pool::builders::UpdateIdentityPoolInputBuilder;
use tonic::{Request, Response, Status};

use super::Service;
use crate::pb;
use crate::pb::cognito_identity_service_server::CognitoIdentityService;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl CognitoIdentityService for Service {
    async fn create_identity_pool(
        &self,
        request: Request<pb::CreateIdentityPoolRequest>,
    ) -> Answer<pb::CreateIdentityPoolResponse> {
        self.call(
            request,
            |aws, input: CreateIdentityPoolInputBuilder| async move { input.send_with(&aws).await },
        )
        .await
    }

    async fn describe_identity_pool(
        &self,
        request: Request<pb::DescribeIdentityPoolRequest>,
    ) -> Answer<pb::DescribeIdentityPoolResponse> {
        self.call(request, |aws, input: DescribeIdentityPoolInputBuilder| async move { input.send_with(&aws).await }).await
    }

    async fn update_identity_pool(
        &self,
        request: Request<pb::UpdateIdentityPoolRequest>,
    ) -> Answer<pb::UpdateIdentityPoolResponse> {
        if request.get_ref().update_mask.is_some() {
            return self.update_fields(request).await;
        }
        self.call(
            request,
            |aws, input: UpdateIdentityPoolInputBuilder| async move { input.send_with(&aws).await },
        )
        .await
    }

    async fn delete_identity_pool(
        &self,
        request: Request<pb::DeleteIdentityPoolRequest>,
    ) -> Answer<pb::DeleteIdentityPoolResponse> {
        self.call(
            request,
            |aws, input: DeleteIdentityPoolInputBuilder| async move { input.send_with(&aws).await },
        )
        .await
    }

    async fn list_identity_pools(
        &self,
        request: Request<pb::ListIdentityPoolsRequest>,
    ) -> Answer<pb::ListIdentityPoolsResponse> {
        self.call(
            request,
            |aws, input: ListIdentityPoolsInputBuilder| async move { input.send_with(&aws).await },
        )
        .await
    }

    async fn get_identity_pool_roles(
        &self,
        request: Request<pb::GetIdentityPoolRolesRequest>,
    ) -> Answer<pb::GetIdentityPoolRolesResponse> {
        self.call(request, |aws, input: GetIdentityPoolRolesInputBuilder| async move { input.send_with(&aws).await }).await
    }

    async fn set_identity_pool_roles(
        &self,
        request: Request<pb::SetIdentityPoolRolesRequest>,
    ) -> Answer<pb::SetIdentityPoolRolesResponse> {
        self.call(request, |aws, input: SetIdentityPoolRolesInputBuilder| async move { input.send_with(&aws).await }).await
    }

    async fn get_principal_tag_attribute_map(
        &self,
        request: Request<pb::GetPrincipalTagAttributeMapRequest>,
    ) -> Answer<pb::GetPrincipalTagAttributeMapResponse> {
        self.call(
            request,
            |aws, input: GetPrincipalTagAttributeMapInputBuilder| async move {
                input.send_with(&aws).await
            },
        )
        .await
    }

    async fn set_principal_tag_attribute_map(
        &self,
        request: Request<pb::SetPrincipalTagAttributeMapRequest>,
    ) -> Answer<pb::SetPrincipalTagAttributeMapResponse> {
        self.call(
            request,
            |aws, input: SetPrincipalTagAttributeMapInputBuilder| async move {
                input.send_with(&aws).await
            },
        )
        .await
    }

    async fn tag_resource(
        &self,
        request: Request<pb::TagResourceRequest>,
    ) -> Answer<pb::TagResourceResponse> {
        self.call(request, |aws, input: TagResourceInputBuilder| async move {
            input.send_with(&aws).await
        })
        .await
    }

    async fn untag_resource(
        &self,
        request: Request<pb::UntagResourceRequest>,
    ) -> Answer<pb::UntagResourceResponse> {
        self.call(
            request,
            |aws, input: UntagResourceInputBuilder| async move { input.send_with(&aws).await },
        )
        .await
    }

    async fn list_tags_for_resource(
        &self,
        request: Request<pb::ListTagsForResourceRequest>,
    ) -> Answer<pb::ListTagsForResourceResponse> {
        self.call(request, |aws, input: ListTagsForResourceInputBuilder| async move { input.send_with(&aws).await }).await
    }

    async fn get_id(&self, request: Request<pb::GetIdRequest>) -> Answer<pb::GetIdResponse> {
        self.call(request, |aws, input: GetIdInputBuilder| async move {
            input.send_with(&aws).await
        })
        .await
    }

    async fn get_open_id_token(
        &self,
        request: Request<pb::GetOpenIdTokenRequest>,
    ) -> Answer<pb::GetOpenIdTokenResponse> {
        self.call(
            request,
            |aws, input: GetOpenIdTokenInputBuilder| async move { input.send_with(&aws).await },
        )
        .await
    }

    async fn get_credentials_for_identity(
        &self,
        request: Request<pb::GetCredentialsForIdentityRequest>,
    ) -> Answer<pb::GetCredentialsForIdentityResponse> {
        self.call(
            request,
            |aws, input: GetCredentialsForIdentityInputBuilder| async move {
                input.send_with(&aws).await
            },
        )
        .await
    }

    async fn unlink_identity(
        &self,
        request: Request<pb::UnlinkIdentityRequest>,
    ) -> Answer<pb::UnlinkIdentityResponse> {
        self.call(
            request,
            |aws, input: UnlinkIdentityInputBuilder| async move { input.send_with(&aws).await },
        )
        .await
    }

    async fn get_open_id_token_for_developer_identity(
        &self,
        request: Request<pb::GetOpenIdTokenForDeveloperIdentityRequest>,
    ) -> Answer<pb::GetOpenIdTokenForDeveloperIdentityResponse> {
        self.call(
            request,
            |aws, input: GetOpenIdTokenForDeveloperIdentityInputBuilder| async move {
                input.send_with(&aws).await
            },
        )
        .await
    }

    async fn lookup_developer_identity(
        &self,
        request: Request<pb::LookupDeveloperIdentityRequest>,
    ) -> Answer<pb::LookupDeveloperIdentityResponse> {
        self.call(request, |aws, input: LookupDeveloperIdentityInputBuilder| async move { input.send_with(&aws).await }).await
    }

    async fn merge_developer_identities(
        &self,
        request: Request<pb::MergeDeveloperIdentitiesRequest>,
    ) -> Answer<pb::MergeDeveloperIdentitiesResponse> {
        self.call(
            request,
            |aws, input: MergeDeveloperIdentitiesInputBuilder| async move {
                input.send_with(&aws).await
            },
        )
        .await
    }

    async fn unlink_developer_identity(
        &self,
        request: Request<pb::UnlinkDeveloperIdentityRequest>,
    ) -> Answer<pb::UnlinkDeveloperIdentityResponse> {
        self.call(request, |aws, input: UnlinkDeveloperIdentityInputBuilder| async move { input.send_with(&aws).await }).await
    }

    async fn describe_identity(
        &self,
        request: Request<pb::DescribeIdentityRequest>,
    ) -> Answer<pb::DescribeIdentityResponse> {
        self.call(
            request,
            |aws, input: DescribeIdentityInputBuilder| async move { input.send_with(&aws).await },
        )
        .await
    }

    async fn list_identities(
        &self,
        request: Request<pb::ListIdentitiesRequest>,
    ) -> Answer<pb::ListIdentitiesResponse> {
        self.call(
            request,
            |aws, input: ListIdentitiesInputBuilder| async move { input.send_with(&aws).await },
        )
        .await
    }

    async fn delete_identities(
        &self,
        request: Request<pb::DeleteIdentitiesRequest>,
    ) -> Answer<pb::DeleteIdentitiesResponse> {
        self.call(
            request,
            |aws, input: DeleteIdentitiesInputBuilder| async move { input.send_with(&aws).await },
        )
        .await
    }
}
