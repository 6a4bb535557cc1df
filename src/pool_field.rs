//! The fields of a pool that an update mask can name.

/// A field of an identity pool that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are AWS's own")]
pub enum PoolField {
    IdentityPoolName,
    AllowUnauthenticatedIdentities,
    AllowClassicFlow,
    SupportedLoginProviders,
    DeveloperProviderName,
    OpenIdConnectProviderArns,
    CognitoIdentityProviders,
    SamlProviderArns,
    IdentityPoolTags,
}

impl PoolField {
    /// Every field.
    pub const ALL: [PoolField; 9] = [
        PoolField::IdentityPoolName,
        PoolField::AllowUnauthenticatedIdentities,
        PoolField::AllowClassicFlow,
        PoolField::SupportedLoginProviders,
        PoolField::DeveloperProviderName,
        PoolField::OpenIdConnectProviderArns,
        PoolField::CognitoIdentityProviders,
        PoolField::SamlProviderArns,
        PoolField::IdentityPoolTags,
    ];

    /// The field's name in the proto, which is its path in a mask.
    pub const fn path(self) -> &'static str {
        match self {
            PoolField::IdentityPoolName => "identity_pool_name",
            PoolField::AllowUnauthenticatedIdentities => "allow_unauthenticated_identities",
            PoolField::AllowClassicFlow => "allow_classic_flow",
            PoolField::SupportedLoginProviders => "supported_login_providers",
            PoolField::DeveloperProviderName => "developer_provider_name",
            PoolField::OpenIdConnectProviderArns => "open_id_connect_provider_arns",
            PoolField::CognitoIdentityProviders => "cognito_identity_providers",
            PoolField::SamlProviderArns => "saml_provider_arns",
            PoolField::IdentityPoolTags => "identity_pool_tags",
        }
    }

    /// The field of exactly this path.
    pub fn from_path(path: &str) -> Option<PoolField> {
        Self::ALL.into_iter().find(|field| field.path() == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_pool_but_its_identifier_can_be_named() {
        let pool = crate::pb::descriptors()
            .get_message_by_name("cognito.identity.v1.IdentityPool")
            .unwrap();
        for field in pool.fields() {
            let found = PoolField::from_path(field.name());
            assert_eq!(
                found.is_some(),
                field.name() != "identity_pool_id",
                "{}",
                field.name()
            );
        }
    }
}
