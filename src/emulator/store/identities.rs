//! Making, joining and removing identities.
//!
//! Three things hold at any time. A login belongs to one identity of a pool at most; an
//! identity that loses its last login, or is merged into another, is disabled for
//! good; an identity has one user of a public provider at most, and twenty logins
//! in all.

use std::collections::BTreeSet;

use super::{Store, Table};
use crate::emulator::error::Error;
use crate::emulator::identity::{Identity, Login};

/// The most logins that one identity can have.
const MOST_LOGINS: usize = 20;

impl Store {
    /// Makes a new identity without logins.
    pub(in crate::emulator) fn create(&mut self, region: &str, pool_id: &str, now: f64) -> String {
        let tenant = self.tenant_of(pool_id);
        let id = self.new_id(region, &tenant);
        self.changes.note(Table::Identities, &id);
        self.members.insert(pool_id, &id, false);
        self.identities.insert(
            id.clone(),
            Identity {
                id: id.clone(),
                pool_id: pool_id.to_owned(),
                logins: BTreeSet::new(),
                disabled: false,
                created: now,
                modified: now,
            },
        );
        id
    }

    /// Gives `logins`, and all that `others` have, to the identity `survivor`, and
    /// disables `others`. Changes nothing if the sum is not allowed.
    pub(in crate::emulator) fn join(
        &mut self,
        survivor: &str,
        others: &[String],
        logins: &[Login],
        now: f64,
    ) -> Result<(), Error> {
        let identity = self
            .identities
            .get(survivor)
            .ok_or_else(|| Error::identity_not_found(survivor))?;
        let pool_id = identity.pool_id.clone();
        let mut sum = identity.logins.clone();
        sum.extend(logins.iter().cloned());
        for other in others.iter().filter_map(|id| self.identities.get(id)) {
            sum.extend(other.logins.iter().cloned());
        }
        self.check_sum(&pool_id, &sum)?;
        for other in others {
            if let Some(other) = self.identities.get_mut(other) {
                self.changes.note(Table::Identities, &other.id);
                other.logins.clear();
                other.disabled = true;
                self.members.disable(&pool_id, &other.id);
                other.modified = now;
            }
        }
        if let Some(identity) = self.identities.get_mut(survivor) {
            if identity.logins != sum {
                identity.modified = now;
                self.changes.note(Table::Identities, survivor);
            }
            for login in &sum {
                self.owners
                    .insert((pool_id.clone(), login.clone()), survivor.to_owned());
            }
            identity.logins = sum;
        }
        Ok(())
    }

    /// Takes logins away from an identity, which is disabled with the last one.
    pub(in crate::emulator) fn unlink(&mut self, id: &str, logins: &[Login], now: f64) {
        let Some(identity) = self.identities.get_mut(id) else {
            return;
        };
        self.changes.note(Table::Identities, id);
        for login in logins {
            if identity.logins.remove(login) {
                self.owners
                    .remove(&(identity.pool_id.clone(), login.clone()));
                identity.modified = now;
                identity.disabled = identity.logins.is_empty();
            }
        }
        if identity.disabled {
            self.members.disable(&identity.pool_id, id);
        }
    }

    /// Removes an identity, if there is one.
    pub(in crate::emulator) fn remove_identity(&mut self, region: &str, id: &str) {
        if self.identity(region, id).is_err() {
            return;
        }
        if let Some(identity) = self.identities.remove(id) {
            self.changes.note(Table::Identities, id);
            self.members.remove(&identity.pool_id, id);
            for login in identity.logins {
                self.owners.remove(&(identity.pool_id.clone(), login));
            }
        }
    }

    pub(super) fn check_sum(&self, pool_id: &str, logins: &BTreeSet<Login>) -> Result<(), Error> {
        let developer = self
            .pools
            .get(pool_id)
            .and_then(|pool| pool.configuration.developer_provider_name.as_deref());
        let mut previous: Option<&Login> = None;
        for login in logins {
            let same = previous.is_some_and(|previous| previous.provider == login.provider);
            if same && developer != Some(login.provider.as_str()) {
                // unverified: the text is not on record.
                return Err(Error::conflict(format!(
                    "Identity is already linked to a different user of provider '{}'.",
                    login.provider
                )));
            }
            previous = Some(login);
        }
        if logins.len() > MOST_LOGINS {
            // unverified: type and text are not on record, and only GetId declares it.
            return Err(Error::limit(format!(
                "An identity cannot have more than {MOST_LOGINS} linked logins."
            )));
        }
        Ok(())
    }
}
