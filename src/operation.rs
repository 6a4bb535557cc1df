//! The table of the 23 operations: one row each, and every fact that other rooms
//! need is in the row.

use std::fmt;

/// What an operation does to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Changes pools, identities, roles or tags.
    Write,
    /// Creates or hands out an identity, a token or credentials. Never cached and
    /// never shared between callers.
    Issue,
}

/// Whether AWS wants the request signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// Signed with the facade's AWS credentials.
    Signed,
    /// Sent without credentials, as AWS's own clients do.
    Unsigned,
}

/// What happens when a request is put on the wire twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// Nothing: it changes nothing.
    Safe,
    /// The same end state, because the request replaces or removes.
    Idempotent,
    /// Possibly a second pool, a second identity or an error: sent once.
    Once,
}

/// Where a request names what it is about, as a path of proto field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceField {
    /// Nothing in particular: the account in the default region.
    Account,
    /// An identity pool's identifier.
    Pool(&'static str),
    /// An identity's identifier.
    Identity(&'static str),
    /// A list of identity identifiers.
    Identities(&'static str),
    /// An identity pool's ARN.
    PoolArn(&'static str),
}

macro_rules! operations {
    ($($name:ident $effect:ident $signing:ident $repeat:ident $resource:expr;)+) => {
        /// One of the 23 operations of Amazon Cognito Identity.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the names are AWS's own")]
        pub enum Operation { $($name),+ }

        impl Operation {
            /// Every operation.
            pub const ALL: &'static [Operation] = &[$(Operation::$name),+];

            /// AWS's name, which is also the RPC's.
            pub const fn name(self) -> &'static str {
                match self { $(Operation::$name => stringify!($name)),+ }
            }

            /// The path of the RPC.
            pub const fn path(self) -> &'static str {
                match self { $(Operation::$name => concat!(
                    "/cognito.identity.v1.CognitoIdentityService/", stringify!($name)
                )),+ }
            }

            /// The operation of exactly this path.
            pub fn from_path(path: &str) -> Option<Operation> {
                $(if path == Operation::$name.path() { return Some(Operation::$name); })+
                None
            }

            /// What the operation does to the account.
            pub const fn effect(self) -> Effect {
                match self { $(Operation::$name => Effect::$effect),+ }
            }

            /// Whether AWS wants the request signed.
            pub const fn signing(self) -> Signing {
                match self { $(Operation::$name => Signing::$signing),+ }
            }

            /// What happens when the request is put on the wire twice.
            pub const fn repeat(self) -> Repeat {
                match self { $(Operation::$name => Repeat::$repeat),+ }
            }

            /// Where the request names what it is about.
            pub const fn resource_field(self) -> ResourceField {
                match self { $(Operation::$name => $resource),+ }
            }
        }
    };
}

use ResourceField::{Account, Identities, Identity, Pool, PoolArn};

operations! {
    CreateIdentityPool                 Write Signed   Once       Account;
    DescribeIdentityPool               Read  Signed   Safe       Pool("identity_pool_id");
    UpdateIdentityPool                 Write Signed   Idempotent Pool("identity_pool.identity_pool_id");
    DeleteIdentityPool                 Write Signed   Idempotent Pool("identity_pool_id");
    ListIdentityPools                  Read  Signed   Safe       Account;
    GetIdentityPoolRoles               Read  Signed   Safe       Pool("identity_pool_id");
    SetIdentityPoolRoles               Write Signed   Idempotent Pool("identity_pool_id");
    GetPrincipalTagAttributeMap        Read  Signed   Safe       Pool("identity_pool_id");
    SetPrincipalTagAttributeMap        Write Signed   Idempotent Pool("identity_pool_id");
    TagResource                        Write Signed   Idempotent PoolArn("resource_arn");
    UntagResource                      Write Signed   Idempotent PoolArn("resource_arn");
    ListTagsForResource                Read  Signed   Safe       PoolArn("resource_arn");
    GetId                              Issue Unsigned Once       Pool("identity_pool_id");
    GetOpenIdToken                     Issue Unsigned Idempotent Identity("identity_id");
    GetCredentialsForIdentity          Issue Unsigned Idempotent Identity("identity_id");
    UnlinkIdentity                     Write Unsigned Once       Identity("identity_id");
    GetOpenIdTokenForDeveloperIdentity Issue Signed   Once       Pool("identity_pool_id");
    LookupDeveloperIdentity            Read  Signed   Safe       Pool("identity_pool_id");
    MergeDeveloperIdentities           Write Signed   Once       Pool("identity_pool_id");
    UnlinkDeveloperIdentity            Write Signed   Once       Pool("identity_pool_id");
    DescribeIdentity                   Read  Signed   Safe       Identity("identity_id");
    ListIdentities                     Read  Signed   Safe       Pool("identity_pool_id");
    DeleteIdentities                   Write Signed   Idempotent Identities("identity_ids_to_delete");
}

impl Operation {
    /// Whether a lost answer leaves it open if something was changed for good.
    pub fn leaves_doubt(self) -> bool {
        self.effect() == Effect::Write || self.repeat() == Repeat::Once
    }

    /// Whether the operation changes what `UpdateIdentityPool` replaces.
    pub const fn changes_pool(self) -> bool {
        matches!(
            self,
            Operation::UpdateIdentityPool
                | Operation::DeleteIdentityPool
                | Operation::TagResource
                | Operation::UntagResource
        )
    }

    /// Its place in [`Operation::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The operation of this name.
    pub fn from_name(name: &str) -> Option<Operation> {
        Self::ALL
            .iter()
            .copied()
            .find(|operation| operation.name() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
