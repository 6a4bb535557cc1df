//! Principal tag maps.

use aws_sdk_cognitoidentity::operation::get_principal_tag_attribute_map::GetPrincipalTagAttributeMapOutput;
use aws_sdk_cognitoidentity::operation::get_principal_tag_attribute_map::builders::GetPrincipalTagAttributeMapInputBuilder;
use aws_sdk_cognitoidentity::operation::set_principal_tag_attribute_map::SetPrincipalTagAttributeMapOutput;
use aws_sdk_cognitoidentity::operation::set_principal_tag_attribute_map::builders::SetPrincipalTagAttributeMapInputBuilder;

use super::{map, text};
use crate::pb;

impl From<pb::GetPrincipalTagAttributeMapRequest> for GetPrincipalTagAttributeMapInputBuilder {
    fn from(request: pb::GetPrincipalTagAttributeMapRequest) -> Self {
        let pb::GetPrincipalTagAttributeMapRequest {
            identity_pool_id,
            identity_provider_name,
        } = request;
        Self::default()
            .set_identity_pool_id(text(identity_pool_id))
            .set_identity_provider_name(text(identity_provider_name))
    }
}

impl From<GetPrincipalTagAttributeMapOutput> for pb::GetPrincipalTagAttributeMapResponse {
    fn from(output: GetPrincipalTagAttributeMapOutput) -> Self {
        Self {
            identity_pool_id: output.identity_pool_id.unwrap_or_default(),
            identity_provider_name: output.identity_provider_name.unwrap_or_default(),
            use_defaults: output.use_defaults,
            principal_tags: output.principal_tags.unwrap_or_default(),
        }
    }
}

impl From<pb::SetPrincipalTagAttributeMapRequest> for SetPrincipalTagAttributeMapInputBuilder {
    fn from(request: pb::SetPrincipalTagAttributeMapRequest) -> Self {
        let pb::SetPrincipalTagAttributeMapRequest {
            identity_pool_id,
            identity_provider_name,
            use_defaults,
            principal_tags,
        } = request;
        Self::default()
            .set_identity_pool_id(text(identity_pool_id))
            .set_identity_provider_name(text(identity_provider_name))
            .set_use_defaults(use_defaults)
            .set_principal_tags(map(principal_tags))
    }
}

impl From<SetPrincipalTagAttributeMapOutput> for pb::SetPrincipalTagAttributeMapResponse {
    fn from(output: SetPrincipalTagAttributeMapOutput) -> Self {
        Self {
            identity_pool_id: output.identity_pool_id.unwrap_or_default(),
            identity_provider_name: output.identity_provider_name.unwrap_or_default(),
            use_defaults: output.use_defaults,
            principal_tags: output.principal_tags.unwrap_or_default(),
        }
    }
}
