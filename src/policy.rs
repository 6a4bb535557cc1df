//! May this caller do this operation to this resource? Policies in Cedar say so.
//!
//! What policies can speak of is in `policy/poolgate.cedarschema`; an operator's page
//! about it is `docs/policies.md`. This room promises:
//!
//! 1. Nothing is permitted but by a policy, and a `forbid` overrules every `permit`.
//! 2. A set of policies takes effect as a whole or not at all: every policy is valid
//!    by the schema, strictly, has a name of its own, can apply to some call, and the
//!    samples hold. All mistakes are told at once.
//! 3. A policy that cannot be evaluated denies the call. Cedar itself skips it, and a
//!    skipped `forbid` would let the call through (reference: F18).
//! 4. What is not known of a resource stays unknown: no tags, no pool of an identity.
//! 5. Guardrails are in force whenever policies are; shadow policies never.
//! 6. No login token and no name of a user reaches a policy.
//!
//! Evaluation takes microseconds however many policies there are, as long as most of
//! them name a caller, a role or a pool in their head: see `index`. A question that was
//! asked before is answered from memory, unless policies ask for what the request says or
//! when it came: see `remembered`.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use crate::call::{Resource, Subject};
use crate::caller::Caller;
use crate::failure::Denial;
use crate::operation::Operation;

mod asks;
mod candidate;
mod context;
mod decide;
mod engine;
mod entities;
mod guardrails;
mod index;
mod load;
mod made;
mod members;
mod mistake;
mod names;
mod reference;
mod remembered;
mod role_arns;
mod rule;
mod ruling;
mod samples;
mod schema;
mod settings;
mod source;

pub use asks::Needs;
pub use engine::Engine;
pub use guardrails::names as guardrail_names;
pub use load::Policies;
pub use mistake::Mistake;
pub use reference::{context_table, entity_table, guardrail_table};
pub use role_arns::RoleArns;
pub use schema::TEXT as SCHEMA;
pub use settings::{ProductionTag, Settings};

/// What a caller wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// One of the 23 operations.
    Operation(Operation),
    /// To ask for the protocol's descriptors.
    Reflection,
}

impl From<Operation> for Action {
    fn from(operation: Operation) -> Self {
        Action::Operation(operation)
    }
}

/// A call, as policies are asked about it.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// What it wants to do.
    pub action: Action,
    /// What the call is about. Reflection is about nothing; an operation without a
    /// subject is denied.
    pub subject: Option<&'a Subject>,
    /// What is known about it.
    pub facts: &'a Facts,
    /// Where the call came from.
    pub peer: IpAddr,
    /// When it came.
    pub now: SystemTime,
}

/// What is known about a resource beyond what the request says. [`Policies::needs`]
/// and [`Policies::prospect`] tell which of it policies ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The tags of the pool that the call names, and of those that its identities are
    /// in. A pool that is not here has no tags that are known.
    pub tags_of_pool: HashMap<String, Arc<BTreeMap<String, String>>>,
    /// The target that is called, where targets are set up.
    pub target: Option<Arc<str>>,
    /// The number of the AWS account that is called.
    pub account: Option<Arc<str>>,
    /// The pools of identities, as far as they are known.
    pub pool_of_identity: HashMap<String, String>,
}

impl Facts {
    /// Where a call is about one pool, or identities of one: its tags, if they are known.
    pub fn about_one_pool(
        resource: &Resource,
        tags: Option<BTreeMap<String, String>>,
        pool_of_identity: HashMap<String, String>,
    ) -> Self {
        let named = match resource {
            Resource::Pool(id) => Some(id),
            Resource::Account | Resource::Identity(_) | Resource::Identities(_) => None,
        };
        let tags = tags.map(Arc::new);
        let pools = named.into_iter().chain(pool_of_identity.values());
        let tagged = pools.filter_map(|pool| Some((pool.clone(), tags.clone()?)));
        Self {
            tags_of_pool: tagged.collect(),
            target: None,
            account: None,
            pool_of_identity,
        }
    }
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the call is allowed.
    pub verdict: Verdict,
    /// The names of the policies that decided, in alphabetical order: those that
    /// permit, those that forbid, or those that could not be evaluated.
    pub policies: Vec<String>,
    /// What the shadow policies would have made of it, where there are any.
    pub shadow: Option<Shadow>,
}

/// What can become of a call before the tags of its pools are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// It is denied, whatever they are: no policy that permits can apply, not even a
    /// shadow policy.
    Denied(Decision),
    /// It may be allowed.
    Open {
        /// Whether a policy that can apply asks for them.
        asks_tags: bool,
    },
}

/// Whether a call is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Allowed,
    /// It is not, and why.
    Denied(Denial),
}

/// What would become of a call if the shadow policies were in force beside the others.
/// Nothing is done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// Whether that differs from what is in force.
    pub outcome: Outcome,
    /// The names of the shadow policies that hold for the call or could not be evaluated
    /// for it, in alphabetical order.
    pub policies: Vec<String>,
    /// The shadow policies that could not be evaluated, with their errors.
    pub errors: Vec<String>,
}

/// How shadow policies differ from what is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not for this call.
    Same,
    /// The call is denied and they would allow it.
    WouldAllow,
    /// The call is allowed and they would deny it.
    WouldDeny,
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
