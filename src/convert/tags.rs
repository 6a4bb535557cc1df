//! Tags of a pool.

use aws_sdk_cognitoidentity::operation::list_tags_for_resource::ListTagsForResourceOutput;
use aws_sdk_cognitoidentity::operation::list_tags_for_resource::builders::ListTagsForResourceInputBuilder;
use aws_sdk_cognitoidentity::operation::tag_resource::TagResourceOutput;
use aws_sdk_cognitoidentity::operation::tag_resource::builders::TagResourceInputBuilder;
use aws_sdk_cognitoidentity::operation::untag_resource::UntagResourceOutput;
use aws_sdk_cognitoidentity::operation::untag_resource::builders::UntagResourceInputBuilder;

use super::text;
use crate::pb;

impl From<pb::TagResourceRequest> for TagResourceInputBuilder {
    fn from(request: pb::TagResourceRequest) -> Self {
        let pb::TagResourceRequest { resource_arn, tags } = request;
        Self::default()
            .set_resource_arn(text(resource_arn))
            .set_tags(Some(tags))
    }
}

impl From<TagResourceOutput> for pb::TagResourceResponse {
    fn from(_: TagResourceOutput) -> Self {
        Self {}
    }
}

impl From<pb::UntagResourceRequest> for UntagResourceInputBuilder {
    fn from(request: pb::UntagResourceRequest) -> Self {
        let pb::UntagResourceRequest {
            resource_arn,
            tag_keys,
        } = request;
        Self::default()
            .set_resource_arn(text(resource_arn))
            .set_tag_keys(Some(tag_keys))
    }
}

impl From<UntagResourceOutput> for pb::UntagResourceResponse {
    fn from(_: UntagResourceOutput) -> Self {
        Self {}
    }
}

impl From<pb::ListTagsForResourceRequest> for ListTagsForResourceInputBuilder {
    fn from(request: pb::ListTagsForResourceRequest) -> Self {
        let pb::ListTagsForResourceRequest { resource_arn } = request;
        Self::default().set_resource_arn(text(resource_arn))
    }
}

impl From<ListTagsForResourceOutput> for pb::ListTagsForResourceResponse {
    fn from(output: ListTagsForResourceOutput) -> Self {
        Self {
            tags: output.tags.unwrap_or_default(),
        }
    }
}
