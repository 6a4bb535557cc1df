//! Whether AWS answered what it always answers.
//!
//! The SDK fills in required members that an answer lacks, so that an empty answer
//! looks like a success: a pool without an identifier. What an answer always has is
//! listed here.

use crate::pb;

/// An answer that can be told from an empty one.
pub trait Whole {
    /// Whether everything is there that AWS always returns.
    fn is_whole(&self) -> bool;
}

macro_rules! whole {
    ($($response:ident: $answer:pat => $is_whole:expr;)+) => {$(
        impl Whole for pb::$response {
            fn is_whole(&self) -> bool {
                let $answer = self;
                $is_whole
            }
        }
    )+};
}

whole! {
    CreateIdentityPoolResponse: answer => has_identifier(answer.identity_pool.as_ref());
    DescribeIdentityPoolResponse: answer => has_identifier(answer.identity_pool.as_ref());
    UpdateIdentityPoolResponse: answer => has_identifier(answer.identity_pool.as_ref());
    DeleteIdentityPoolResponse: _ => true;
    ListIdentityPoolsResponse: _ => true;
    GetIdentityPoolRolesResponse: answer => !answer.identity_pool_id.is_empty();
    SetIdentityPoolRolesResponse: _ => true;
    GetPrincipalTagAttributeMapResponse: answer => !answer.identity_pool_id.is_empty();
    SetPrincipalTagAttributeMapResponse: answer => !answer.identity_pool_id.is_empty();
    TagResourceResponse: _ => true;
    UntagResourceResponse: _ => true;
    ListTagsForResourceResponse: _ => true;
    GetIdResponse: answer => !answer.identity_id.is_empty();
    GetOpenIdTokenResponse: answer => !answer.token.is_empty();
    GetCredentialsForIdentityResponse: answer => answer.credentials.is_some();
    UnlinkIdentityResponse: _ => true;
    GetOpenIdTokenForDeveloperIdentityResponse: answer => !answer.token.is_empty();
    LookupDeveloperIdentityResponse: answer => !answer.identity_id.is_empty();
    MergeDeveloperIdentitiesResponse: answer => !answer.identity_id.is_empty();
    UnlinkDeveloperIdentityResponse: _ => true;
    DescribeIdentityResponse: answer => !answer.identity_id.is_empty();
    ListIdentitiesResponse: answer => !answer.identity_pool_id.is_empty();
    DeleteIdentitiesResponse: _ => true;
}

fn has_identifier(pool: Option<&pb::IdentityPool>) -> bool {
    pool.is_some_and(|pool| !pool.identity_pool_id.is_empty())
}
