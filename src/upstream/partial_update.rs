//! A change of some fields of a pool, where AWS only knows the whole.
//!
//! `UpdateIdentityPool` resets what it is not given (reference: "UpdateIdentityPool").
//! So the pool is read, merged with the change and sent whole, one change at a
//! time for each pool in this process. When AWS says that somebody else wrote at
//! the same moment, all of it again. What another process writes between our
//! reading and our writing is overwritten: AWS has no version to hold on to.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cognitoidentity::operation::describe_identity_pool::DescribeIdentityPoolOutput;
use aws_sdk_cognitoidentity::operation::describe_identity_pool::builders::DescribeIdentityPoolInputBuilder;
use aws_sdk_cognitoidentity::operation::update_identity_pool::UpdateIdentityPoolOutput;
use aws_sdk_cognitoidentity::operation::update_identity_pool::builders::UpdateIdentityPoolInputBuilder;

use super::pool_locks::PoolLock;
use super::renewal::Renewal;
use super::{Outgoing, Upstream, margin};
use crate::clock::Clock;
use crate::failure::{Failure, Lost};
use crate::operation::Operation;
use crate::pool_field::PoolField;

/// The change is tried this often before its caller has to decide.
const ATTEMPTS: u32 = 4;

impl Upstream {
    /// Changes `fields` of the pool to what `change` holds and leaves all others
    /// as they are. AWS's answer is shown to `answered` as soon as it is there, also when
    /// nobody waits for it any more.
    ///
    /// # Errors
    ///
    /// [`Failure::Contended`] when others changed the pool during each of four
    /// attempts, [`Failure::DeveloperProviderNameFixed`], and whatever reading or
    /// writing the pool can fail with.
    pub async fn update_fields(
        &self,
        outgoing: Outgoing,
        change: UpdateIdentityPoolInputBuilder,
        fields: &[PoolField],
        clock: &Clock,
        answered: impl Fn(&UpdateIdentityPoolOutput) + Clone + Send + 'static,
    ) -> Result<UpdateIdentityPoolOutput, Failure> {
        let make = |outgoing, renewal| {
            self.update_renewable(outgoing, renewal, change, fields, clock, answered)
        };
        self.renewing(outgoing, make).await
    }

    async fn update_renewable(
        &self,
        mut outgoing: Outgoing,
        renewal: Renewal,
        change: UpdateIdentityPoolInputBuilder,
        fields: &[PoolField],
        clock: &Clock,
        answered: impl Fn(&UpdateIdentityPoolOutput) + Clone + Send + 'static,
    ) -> Result<UpdateIdentityPoolOutput, Failure> {
        let pool_id = change.get_identity_pool_id().clone().unwrap_or_default();
        let (lock, left) = self.lock(&outgoing, &pool_id).await?;
        let deadline = clock.instant() + left;
        for _ in 0..ATTEMPTS {
            outgoing.left = deadline.saturating_duration_since(clock.instant());
            let current = self.read_pool(outgoing.clone(), &renewal, &pool_id).await?;
            let whole = merge(current, change.clone(), fields)?;
            outgoing.left = deadline.saturating_duration_since(clock.instant());
            // The task holds the lock too: it outlives a caller that has gone.
            let lock = Some(Arc::clone(&lock));
            let (answered, renewal) = (answered.clone(), renewal.clone());
            let answer = self
                .call_holding(lock, renewal, outgoing.clone(), |aws| async move {
                    whole.send_with(&aws).await.inspect(answered)
                })
                .await;
            match answer {
                Err(Failure::Aws(error)) if error.code == "ConcurrentModificationException" => {}
                settled => return settled,
            }
        }
        Err(Failure::Contended { attempts: ATTEMPTS })
    }

    /// Waits until nobody else changes the pool; says how much time is left then.
    ///
    /// # Errors
    ///
    /// [`Failure::DeadlineExceeded`] when no more is left than the answer's own way takes, and
    /// why there is no session.
    pub(super) async fn lock(
        &self,
        outgoing: &Outgoing,
        pool_id: &str,
    ) -> Result<(PoolLock, Duration), Failure> {
        let (left, began) = (outgoing.left, self.clock.instant());
        let way = self.ways.to(&outgoing.target)?;
        let (operation, caller) = (outgoing.operation, &outgoing.caller);
        // Before that, because others would wait as long as the session does: it is kept.
        self.credentials(way, operation, caller, left).await?;
        let lock = way.locks.lock(pool_id, outgoing.flow).await;
        self.still(left.saturating_sub(margin(left)), began)?;
        Ok((lock, self.still(left, began)?))
    }

    async fn read_pool(
        &self,
        outgoing: Outgoing,
        renewal: &Renewal,
        pool_id: &str,
    ) -> Result<DescribeIdentityPoolOutput, Failure> {
        let operation = Operation::DescribeIdentityPool;
        let reading = Outgoing {
            operation,
            notes: Default::default(),
            ..outgoing
        };
        let input = DescribeIdentityPoolInputBuilder::default().identity_pool_id(pool_id);
        let send = |aws| async move { input.send_with(&aws).await };
        let pool = self
            .call_holding(None, renewal.clone(), reading, send)
            .await?;
        // The SDK fills in required members that an answer lacks; sent back, they
        // would be the pool's new configuration.
        if pool.identity_pool_id != pool_id {
            let cause = "the pool's description lacks its identifier".to_owned();
            return Err(Failure::UnreadableAnswer(Lost {
                cause,
                ..Lost::default()
            }));
        }
        Ok(pool)
    }
}

/// The whole pool with `fields` from `change` and everything else from
/// `current`.
///
/// A list or map that is cleared is sent empty, since AWS keeps some of those
/// that are omitted; a scalar that is cleared is omitted, which is AWS's way to
/// clear it.
fn merge(
    current: DescribeIdentityPoolOutput,
    change: UpdateIdentityPoolInputBuilder,
    fields: &[PoolField],
) -> Result<UpdateIdentityPoolInputBuilder, Failure> {
    let mut whole = UpdateIdentityPoolInputBuilder::default()
        .identity_pool_id(current.identity_pool_id)
        .identity_pool_name(current.identity_pool_name)
        .allow_unauthenticated_identities(current.allow_unauthenticated_identities)
        .set_allow_classic_flow(current.allow_classic_flow)
        .set_supported_login_providers(current.supported_login_providers)
        .set_developer_provider_name(current.developer_provider_name)
        .set_open_id_connect_provider_arns(current.open_id_connect_provider_arns)
        .set_cognito_identity_providers(current.cognito_identity_providers)
        .set_saml_provider_arns(current.saml_provider_arns)
        .set_identity_pool_tags(current.identity_pool_tags);
    for field in fields {
        whole =
            match field {
                PoolField::IdentityPoolName => {
                    whole.set_identity_pool_name(change.get_identity_pool_name().clone())
                }
                PoolField::AllowUnauthenticatedIdentities => whole
                    .set_allow_unauthenticated_identities(
                        *change.get_allow_unauthenticated_identities(),
                    ),
                PoolField::AllowClassicFlow => {
                    whole.set_allow_classic_flow(*change.get_allow_classic_flow())
                }
                PoolField::SupportedLoginProviders => whole
                    .set_supported_login_providers(given(change.get_supported_login_providers())),
                PoolField::DeveloperProviderName => {
                    let set = whole.get_developer_provider_name();
                    if set.is_some() && set != change.get_developer_provider_name() {
                        return Err(Failure::DeveloperProviderNameFixed);
                    }
                    whole.set_developer_provider_name(change.get_developer_provider_name().clone())
                }
                PoolField::OpenIdConnectProviderArns => whole.set_open_id_connect_provider_arns(
                    given(change.get_open_id_connect_provider_arns()),
                ),
                PoolField::CognitoIdentityProviders => whole
                    .set_cognito_identity_providers(given(change.get_cognito_identity_providers())),
                PoolField::SamlProviderArns => {
                    whole.set_saml_provider_arns(given(change.get_saml_provider_arns()))
                }
                PoolField::IdentityPoolTags => {
                    whole.set_identity_pool_tags(given(change.get_identity_pool_tags()))
                }
            };
    }
    Ok(whole)
}

fn given<T: Clone + Default>(value: &Option<T>) -> Option<T> {
    Some(value.clone().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> DescribeIdentityPoolOutput {
        DescribeIdentityPoolOutput::builder()
            .identity_pool_id("eu-west-1:0a")
            .identity_pool_name("before")
            .allow_unauthenticated_identities(false)
            .allow_classic_flow(false)
            .developer_provider_name("login.example")
            .open_id_connect_provider_arns("arn:aws:iam::123456789012:oidc-provider/x")
            .identity_pool_tags("team", "a")
            .build()
            .unwrap()
    }

    #[test]
    fn what_the_mask_does_not_name_is_sent_as_it_is() {
        let change = UpdateIdentityPoolInputBuilder::default().identity_pool_name("after");

        let whole = merge(pool(), change, &[PoolField::IdentityPoolName]).unwrap();

        let expected = UpdateIdentityPoolInputBuilder::default()
            .identity_pool_id("eu-west-1:0a")
            .identity_pool_name("after")
            .allow_unauthenticated_identities(false)
            .allow_classic_flow(false)
            .developer_provider_name("login.example")
            .open_id_connect_provider_arns("arn:aws:iam::123456789012:oidc-provider/x")
            .identity_pool_tags("team", "a");
        assert!(whole.build().unwrap() == expected.build().unwrap());
    }

    #[test]
    fn what_the_mask_names_and_the_change_lacks_is_cleared() {
        let change = UpdateIdentityPoolInputBuilder::default();
        let fields = [
            PoolField::AllowClassicFlow,
            PoolField::OpenIdConnectProviderArns,
            PoolField::IdentityPoolTags,
        ];

        let whole = merge(pool(), change, &fields).unwrap();

        assert_eq!(*whole.get_allow_classic_flow(), None);
        assert_eq!(*whole.get_open_id_connect_provider_arns(), Some(vec![]));
        assert_eq!(*whole.get_identity_pool_tags(), Some(Default::default()));
    }

    #[test]
    fn a_developer_provider_name_can_be_added_and_repeated_but_not_changed_or_cleared() {
        let named = |name: Option<&str>| {
            UpdateIdentityPoolInputBuilder::default()
                .set_developer_provider_name(name.map(str::to_owned))
        };
        let fields = [PoolField::DeveloperProviderName];
        let mut without = pool();
        without.developer_provider_name = None;

        assert!(merge(without, named(Some("new")), &fields).is_ok());
        assert!(merge(pool(), named(Some("login.example")), &fields).is_ok());
        for refused in [Some("other"), None] {
            assert_eq!(
                merge(pool(), named(refused), &fields).err(),
                Some(Failure::DeveloperProviderNameFixed)
            );
        }
    }
}
