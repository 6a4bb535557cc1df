//! What an answer says of itself: whether it holds what AWS always answers, and the
//! identities it names.
//!
//! The SDK fills in required members that an answer lacks, so that an empty answer
//! looks like a success: a pool without an identifier. What an answer always has is
//! listed here.

use crate::pb;

/// An answer that can be told from an empty one.
pub trait Whole {
    /// Whether everything is there that AWS always returns.
    fn is_whole(&self) -> bool;

    /// The identities that AWS says belong to the pool that the request named.
    fn identities_of_pool(&self) -> Vec<&str> {
        Vec::new()
    }
}

macro_rules! whole {
    ($($response:ident: $answer:pat => $is_whole:expr $(, names $identities:expr)?;)+) => {$(
        impl Whole for pb::$response {
            fn is_whole(&self) -> bool {
                let $answer = self;
                $is_whole
            }

            $(fn identities_of_pool(&self) -> Vec<&str> {
                let $answer = self;
                $identities
            })?
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
    GetIdResponse: answer => !answer.identity_id.is_empty(), names vec![&answer.identity_id];
    GetOpenIdTokenResponse: answer => !answer.token.is_empty();
    GetCredentialsForIdentityResponse: answer => answer.credentials.is_some();
    UnlinkIdentityResponse: _ => true;
    GetOpenIdTokenForDeveloperIdentityResponse: answer => !answer.token.is_empty(), names vec![&answer.identity_id];
    LookupDeveloperIdentityResponse: answer => !answer.identity_id.is_empty(), names vec![&answer.identity_id];
    MergeDeveloperIdentitiesResponse: answer => !answer.identity_id.is_empty(), names vec![&answer.identity_id];
    UnlinkDeveloperIdentityResponse: _ => true;
    DescribeIdentityResponse: answer => !answer.identity_id.is_empty();
    ListIdentitiesResponse: answer => !answer.identity_pool_id.is_empty(), names ids(&answer.identities);
    DeleteIdentitiesResponse: _ => true;
}

fn ids(identities: &[pb::IdentityDescription]) -> Vec<&str> {
    let ids = identities
        .iter()
        .map(|identity| identity.identity_id.as_str());
    ids.collect()
}

fn has_identifier(pool: Option<&pb::IdentityPool>) -> bool {
    pool.is_some_and(|pool| !pool.identity_pool_id.is_empty())
}
