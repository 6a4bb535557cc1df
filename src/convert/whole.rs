//! What an answer says of itself: whether it holds what AWS always answers, the
//! identities it names, and how long a list it is.
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

    /// How many things it lists, where a list is what was asked for.
    fn items(&self) -> Option<usize> {
        None
    }
}

macro_rules! whole {
    ($($response:ident: $answer:pat => $is_whole:expr $(, names $identities:expr)? $(, lists $items:expr)?;)+) => {$(
        impl Whole for pb::$response {
            #[allow(unused_variables, reason = "some are whole whatever they hold")]
            fn is_whole(&self) -> bool {
                let $answer = self;
                $is_whole
            }

            $(fn identities_of_pool(&self) -> Vec<&str> {
                let $answer = self;
                $identities
            })?

            $(fn items(&self) -> Option<usize> {
                let $answer = self;
                Some($items.len())
            })?
        }
    )+};
}

whole! {
    CreateIdentityPoolResponse: answer => has_identifier(answer.identity_pool.as_ref());
    DescribeIdentityPoolResponse: answer => has_identifier(answer.identity_pool.as_ref());
    UpdateIdentityPoolResponse: answer => has_identifier(answer.identity_pool.as_ref());
    DeleteIdentityPoolResponse: _ => true;
    ListIdentityPoolsResponse: answer => true, lists answer.identity_pools;
    GetIdentityPoolRolesResponse: answer => !answer.identity_pool_id.is_empty();
    SetIdentityPoolRolesResponse: _ => true;
    GetPrincipalTagAttributeMapResponse: answer => !answer.identity_pool_id.is_empty();
    SetPrincipalTagAttributeMapResponse: answer => !answer.identity_pool_id.is_empty();
    TagResourceResponse: _ => true;
    UntagResourceResponse: _ => true;
    ListTagsForResourceResponse: answer => true, lists answer.tags;
    GetIdResponse: answer => !answer.identity_id.is_empty(), names vec![&answer.identity_id];
    GetOpenIdTokenResponse: answer => !answer.token.is_empty();
    GetCredentialsForIdentityResponse: answer => answer.credentials.is_some();
    UnlinkIdentityResponse: _ => true;
    GetOpenIdTokenForDeveloperIdentityResponse: answer => !answer.token.is_empty(), names vec![&answer.identity_id];
    LookupDeveloperIdentityResponse: answer => !answer.identity_id.is_empty(), names vec![&answer.identity_id], lists answer.developer_user_identifier_list;
    MergeDeveloperIdentitiesResponse: answer => !answer.identity_id.is_empty(), names vec![&answer.identity_id];
    UnlinkDeveloperIdentityResponse: _ => true;
    DescribeIdentityResponse: answer => !answer.identity_id.is_empty();
    ListIdentitiesResponse: answer => !answer.identity_pool_id.is_empty(), names ids(&answer.identities), lists answer.identities;
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
