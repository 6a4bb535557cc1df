//! Any operation with the SDK, which knows no JSON of ours: the request is built from the
//! protocol's message and the answer made one, because the conversions are there.

use std::future::Future;

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use poolgate::operation::Operation;
use poolgate::pb;
use prost::Message;

use super::world::Refused;

macro_rules! operations {
    ($($operation:ident: $module:ident $request:ident $builder:ident $response:ident;)+) => {
        /// Sends a message and returns the answer's.
        pub async fn with_the_sdk(
            client: &Client,
            operation: Operation,
            request: &[u8],
        ) -> Result<Vec<u8>, Refused> {
            match operation {
                $(Operation::$operation => {
                    use aws_sdk_cognitoidentity::operation::$module::builders::$builder;
                    let request = pb::$request::decode(request).unwrap();
                    let output = answered($builder::from(request).send_with(client)).await?;
                    Ok(pb::$response::from(output).encode_to_vec())
                })+
            }
        }
    };
}

operations! {
    CreateIdentityPool: create_identity_pool CreateIdentityPoolRequest CreateIdentityPoolInputBuilder CreateIdentityPoolResponse;
    DescribeIdentityPool: describe_identity_pool DescribeIdentityPoolRequest DescribeIdentityPoolInputBuilder DescribeIdentityPoolResponse;
    UpdateIdentityPool: update_identity_pool UpdateIdentityPoolRequest UpdateIdentityPoolInputBuilder UpdateIdentityPoolResponse;
    DeleteIdentityPool: delete_identity_pool DeleteIdentityPoolRequest DeleteIdentityPoolInputBuilder DeleteIdentityPoolResponse;
    ListIdentityPools: list_identity_pools ListIdentityPoolsRequest ListIdentityPoolsInputBuilder ListIdentityPoolsResponse;
    GetIdentityPoolRoles: get_identity_pool_roles GetIdentityPoolRolesRequest GetIdentityPoolRolesInputBuilder GetIdentityPoolRolesResponse;
    SetIdentityPoolRoles: set_identity_pool_roles SetIdentityPoolRolesRequest SetIdentityPoolRolesInputBuilder SetIdentityPoolRolesResponse;
    GetPrincipalTagAttributeMap: get_principal_tag_attribute_map GetPrincipalTagAttributeMapRequest GetPrincipalTagAttributeMapInputBuilder GetPrincipalTagAttributeMapResponse;
    SetPrincipalTagAttributeMap: set_principal_tag_attribute_map SetPrincipalTagAttributeMapRequest SetPrincipalTagAttributeMapInputBuilder SetPrincipalTagAttributeMapResponse;
    TagResource: tag_resource TagResourceRequest TagResourceInputBuilder TagResourceResponse;
    UntagResource: untag_resource UntagResourceRequest UntagResourceInputBuilder UntagResourceResponse;
    ListTagsForResource: list_tags_for_resource ListTagsForResourceRequest ListTagsForResourceInputBuilder ListTagsForResourceResponse;
    GetId: get_id GetIdRequest GetIdInputBuilder GetIdResponse;
    GetOpenIdToken: get_open_id_token GetOpenIdTokenRequest GetOpenIdTokenInputBuilder GetOpenIdTokenResponse;
    GetCredentialsForIdentity: get_credentials_for_identity GetCredentialsForIdentityRequest GetCredentialsForIdentityInputBuilder GetCredentialsForIdentityResponse;
    UnlinkIdentity: unlink_identity UnlinkIdentityRequest UnlinkIdentityInputBuilder UnlinkIdentityResponse;
    GetOpenIdTokenForDeveloperIdentity: get_open_id_token_for_developer_identity GetOpenIdTokenForDeveloperIdentityRequest GetOpenIdTokenForDeveloperIdentityInputBuilder GetOpenIdTokenForDeveloperIdentityResponse;
    LookupDeveloperIdentity: lookup_developer_identity LookupDeveloperIdentityRequest LookupDeveloperIdentityInputBuilder LookupDeveloperIdentityResponse;
    MergeDeveloperIdentities: merge_developer_identities MergeDeveloperIdentitiesRequest MergeDeveloperIdentitiesInputBuilder MergeDeveloperIdentitiesResponse;
    UnlinkDeveloperIdentity: unlink_developer_identity UnlinkDeveloperIdentityRequest UnlinkDeveloperIdentityInputBuilder UnlinkDeveloperIdentityResponse;
    DescribeIdentity: describe_identity DescribeIdentityRequest DescribeIdentityInputBuilder DescribeIdentityResponse;
    ListIdentities: list_identities ListIdentitiesRequest ListIdentitiesInputBuilder ListIdentitiesResponse;
    DeleteIdentities: delete_identities DeleteIdentitiesRequest DeleteIdentitiesInputBuilder DeleteIdentitiesResponse;
}

async fn answered<O, E: ProvideErrorMetadata + std::error::Error + 'static, R>(
    sent: impl Future<Output = Result<O, SdkError<E, R>>>,
) -> Result<O, Refused> {
    sent.await.map_err(|error| {
        let error = error.as_service_error().expect("an error of AWS");
        Refused {
            kind: error.code().unwrap_or_default().to_owned(),
            message: error.message().unwrap_or_default().to_owned(),
        }
    })
}
