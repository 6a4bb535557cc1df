//! Finds the policies that can apply to a call, so that only they are evaluated.
//!
//! A policy cannot apply unless its head fits: its action, the caller or role it names,
//! the resource or pool it names. Policies are kept by these three, and a call looks up
//! its own. What is found may still not apply; what is not found never does, and Cedar
//! would not even evaluate its conditions. So every `in` of a head is decided here, and
//! Cedar is asked about the rest: see `candidate`. A property test holds this against
//! Cedar's answer for the whole set as it is written.

use std::collections::HashMap;
use std::sync::Arc;

use cedar_policy::{
    ActionConstraint, Authorizer, Entities, EntityUid, Policy, PolicySet, Request, Response,
};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::candidate::{Candidate, Mentions};
use super::entities::ACTIONS;
use super::{Action, asks};

/// How many sets of policies are kept ready, about.
const SETS: usize = 1_000;

/// How many policies all sets that are kept ready may have. One takes about half a
/// kilobyte.
const POLICIES: u64 = 50_000;

/// Policies by what their heads name.
pub(super) struct Index {
    policies: Vec<Candidate>,
    by_action: HashMap<Action, ByHead<ByHead<Vec<usize>>>>,
    /// The sets of policies that calls found; calls of one kind find the same.
    sets: Cache<Box<[usize]>, Arc<Found>, Size>,
}

/// Things by the entity that a head names, and those whose head names none.
#[derive(Default)]
struct ByHead<T> {
    unnamed: T,
    named: HashMap<EntityUid, T>,
}

/// The policies that can apply to a call.
pub(super) struct Found {
    policies: PolicySet,
    /// What their conditions mention.
    pub(super) mentions: Mentions,
    /// Whether one of them permits.
    pub(super) permits: bool,
    /// Whether one of them asks for the tags of a pool.
    pub(super) asks_tags: bool,
}

#[derive(Clone)]
struct Size;

impl Weighter<Box<[usize]>, Arc<Found>> for Size {
    fn weight(&self, key: &Box<[usize]>, _: &Arc<Found>) -> u64 {
        key.len() as u64 + 1
    }
}

impl Index {
    pub(super) fn new<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> Self {
        let mut candidates = Vec::new();
        let mut by_action: HashMap<_, ByHead<ByHead<Vec<usize>>>> = HashMap::new();
        for (position, policy) in policies.into_iter().enumerate() {
            for action in actions(policy) {
                by_action
                    .entry(action)
                    .or_default()
                    .of(asks::head_of_principal(policy))
                    .of(asks::head_of_resource(policy))
                    .push(position);
            }
            candidates.push(Candidate::new(policy));
        }
        Self {
            policies: candidates,
            by_action,
            sets: Cache::with_weighter(SETS, POLICIES, Size),
        }
    }

    /// The policies that can apply, or nothing when none can. `callers` are the caller
    /// and its roles, `resources` the resource and the pool it is in.
    pub(super) fn find(
        &self,
        action: Action,
        callers: &[EntityUid],
        resources: &[EntityUid],
    ) -> Option<Arc<Found>> {
        let positions = self.positions(action, callers, resources);
        (!positions.is_empty()).then(|| self.set(positions))
    }

    fn positions(
        &self,
        action: Action,
        callers: &[EntityUid],
        resources: &[EntityUid],
    ) -> Box<[usize]> {
        let Some(by_caller) = self.by_action.get(&action) else {
            return Box::default();
        };
        let mut found: Vec<usize> = by_caller
            .fitting(callers)
            .flat_map(|by_resource| by_resource.fitting(resources))
            .flatten()
            .copied()
            .collect();
        found.sort_unstable();
        found.dedup();
        found.into()
    }

    fn set(&self, positions: Box<[usize]>) -> Arc<Found> {
        if let Some(found) = self.sets.get(&positions) {
            return found;
        }
        let candidates = || {
            let positions = positions.iter();
            positions.filter_map(|position| self.policies.get(*position))
        };
        let found = Arc::new(Found {
            policies: set_of(candidates().map(|candidate| candidate.policy.clone())),
            mentions: candidates()
                .map(|candidate| candidate.mentions)
                .fold(Mentions::default(), Mentions::or),
            permits: candidates().any(|candidate| candidate.permits),
            asks_tags: candidates().any(|candidate| candidate.asks_tags),
        });
        self.sets.insert(positions, Arc::clone(&found));
        found
    }
}

impl Found {
    /// Cedar's answer. `entities` are those that the policies mention.
    pub(super) fn ask(&self, request: &Request, entities: &Entities) -> Response {
        Authorizer::new().is_authorized(request, &self.policies, entities)
    }
}

impl<T: Default> ByHead<T> {
    fn of(&mut self, head: Option<EntityUid>) -> &mut T {
        match head {
            Some(uid) => self.named.entry(uid).or_default(),
            None => &mut self.unnamed,
        }
    }

    /// Those that name none, and those that name one of `uids`.
    fn fitting(&self, uids: &[EntityUid]) -> impl Iterator<Item = &T> {
        let named = uids
            .iter()
            .filter(|_| !self.named.is_empty())
            .filter_map(|uid| self.named.get(uid));
        std::iter::once(&self.unnamed).chain(named)
    }
}

/// The policies as Cedar wants them.
pub(super) fn set_of(policies: impl IntoIterator<Item = Policy>) -> PolicySet {
    let mut set = PolicySet::new();
    for policy in policies {
        // Fails for two policies of one name only, and names are told apart when
        // policies are read.
        let _ = set.add(policy);
    }
    set
}

/// The actions that a policy's head fits.
pub(super) fn actions(policy: &Policy) -> Vec<Action> {
    let fits: Box<dyn Fn(&EntityUid) -> bool> = match policy.action_constraint() {
        ActionConstraint::Any => Box::new(|_| true),
        ActionConstraint::Eq(wanted) => Box::new(move |uid| *uid == wanted),
        ActionConstraint::In(wanted) => Box::new(move |uid| {
            wanted
                .iter()
                .any(|wanted| wanted == uid || ACTIONS.is_ancestor_of(wanted, uid))
        }),
    };
    Action::all().filter(|action| fits(&action.uid())).collect()
}
