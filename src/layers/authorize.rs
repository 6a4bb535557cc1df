//! Whether the caller may.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::request::Parts;

use super::slot::{peer, slot};
use super::{Gate, Meter, Request};
use crate::call::{Deadline, Flow, Resource, Subject, Target, Tenant, Unclear};
use crate::caller::Caller;
use crate::clock::Clock;
use crate::failure::{Denial, Failure};
use crate::notes::{Notes, Ruling};
use crate::operation::Operation;
use crate::policy::{Action, Decision, Engine, Facts, Needs, Outcome, Prospect, Question, Verdict};
use crate::rpc::Rpc;

mod unclear;

/// Answers PERMISSION_DENIED unless the policies permit the call.
///
/// It stands below the layers that fill in the caller, the operation, the subject and the target; a
/// slot that is empty is a defect and refuses the call. A call that names a
/// [`Tenant`] is refused as INVALID_ARGUMENT before anything is looked up, and one that goes to
/// no target as its caller may know.
pub struct Authorize {
    engine: Arc<Engine>,
    lookup: Arc<dyn Lookup>,
    meter: Arc<dyn Meter>,
    clock: Clock,
    judged: Judged,
}

/// Which calls stand below the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Operations, by the slot that names each.
    Operations,
    /// Calls for the protocol's descriptors.
    Reflection,
}

/// What policies may ask about a resource that the call itself does not say.
pub trait Lookup: Send + Sync {
    /// The tags of a pool; nothing when there is no such pool.
    fn pool_tags<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<Option<Tags>, Failure>>;

    /// The pool of an identity of a target's account, where it is known.
    fn pool_of(&self, target: &Target, identity_id: &str) -> Option<String>;
}

/// The tags of a pool.
pub type Tags = Arc<BTreeMap<String, String>>;

/// Whose tags are asked for, and on behalf of which call.
pub struct Asking<'a> {
    /// The pool.
    pub pool_id: &'a str,
    /// The region in its identifier.
    pub region: Option<&'a str>,
    /// The operation that is to be judged.
    pub operation: Operation,
    /// Where it goes.
    pub target: &'a Target,
    /// Who calls.
    pub caller: &'a Caller,
    /// Whose it is.
    pub flow: Flow,
    /// When the call has to be answered.
    pub deadline: Deadline,
}

impl Authorize {
    /// Asks `engine`, and `lookup` for what its policies want to know.
    pub fn new(
        engine: Arc<Engine>,
        lookup: Arc<dyn Lookup>,
        meter: Arc<dyn Meter>,
        clock: Clock,
        judged: Judged,
    ) -> Self {
        Self {
            engine,
            lookup,
            meter,
            clock,
            judged,
        }
    }

    /// Looks up no more than can matter, and decides.
    async fn decide(&self, request: &Parts) -> Result<Decision, Failure> {
        let policies = self.engine.policies();
        let operation = match self.judged {
            Judged::Operations => *slot::<Operation>(&request.extensions)?,
            Judged::Reflection => {
                let facts = Facts::default();
                let question = self.question(request, Action::Reflection, &facts)?;
                return Ok(policies.decide(&question));
            }
        };
        let subject: &Subject = slot::<Arc<Subject>>(&request.extensions)?;
        let needs = policies.needs(operation.into());
        let target = slot::<Target>(&request.extensions)?;
        let mut facts = self.facts(target, subject, needs);
        if needs.tags {
            match policies.prospect(&self.question(request, operation.into(), &facts)?) {
                Prospect::Denied(decision) => return Ok(decision),
                Prospect::Open { asks_tags: false } => {}
                Prospect::Open { asks_tags: true } => {
                    facts.tags_of_pool = self.tags(request, operation, subject, &facts).await?;
                }
            }
        }
        Ok(policies.decide(&self.question(request, operation.into(), &facts)?))
    }

    /// What is known without asking AWS.
    fn facts(&self, target: &Target, subject: &Subject, needs: Needs) -> Facts {
        Facts {
            target: target.name.clone(),
            account: target.account.clone(),
            pool_of_identity: match needs.pool_of_identity {
                true => self.pools(target, subject.resource.identities()),
                false => HashMap::new(),
            },
            ..Facts::default()
        }
    }

    fn question<'a>(
        &self,
        request: &'a Parts,
        action: Action,
        facts: &'a Facts,
    ) -> Result<Question<'a>, Failure> {
        Ok(Question {
            caller: slot::<Caller>(&request.extensions)?,
            action,
            subject: request.extensions.get::<Arc<Subject>>().map(Arc::as_ref),
            facts,
            peer: peer(&request.extensions),
            now: self.clock.now(),
        })
    }

    /// The tags of the pool that the call names, and of those that its identities are in.
    async fn tags(
        &self,
        request: &Parts,
        operation: Operation,
        subject: &Subject,
        facts: &Facts,
    ) -> Result<HashMap<String, Tags>, Failure> {
        let deadline = *slot::<Deadline>(&request.extensions)?;
        let flow = *slot::<Flow>(&request.extensions)?;
        let named = match &subject.resource {
            Resource::Pool(pool_id) => Some(pool_id),
            _ => None,
        };
        let pools: BTreeSet<&String> = named
            .into_iter()
            .chain(facts.pool_of_identity.values())
            .collect();
        let mut found = HashMap::new();
        for pool_id in pools {
            let asking = Asking {
                pool_id,
                region: subject.region.as_deref(),
                operation,
                target: slot::<Target>(&request.extensions)?,
                caller: slot::<Caller>(&request.extensions)?,
                flow,
                deadline,
            };
            if let Some(tags) = self.lookup.pool_tags(asking).await? {
                found.insert(pool_id.clone(), tags);
            }
        }
        Ok(found)
    }

    fn pools(&self, target: &Target, identities: &[String]) -> HashMap<String, String> {
        let known = identities.iter().filter_map(|id| {
            let pool = self.lookup.pool_of(target, id)?;
            Some((id.clone(), pool))
        });
        known.collect()
    }
}

impl Gate for Authorize {
    const NAME: &'static str = "authorize";

    fn check(&self, request: Request) -> BoxFuture<'_, Result<Request, Failure>> {
        async move {
            let (request, body) = request.into_parts();
            refuse_tenant(&request)?;
            if let Some(unclear) = request.extensions.get::<Arc<Unclear>>() {
                return Err(self.refuse(&request, unclear)?);
            }
            let decision = self.decide(&request).await?;
            self.tell(&request, &decision);
            match decision.verdict {
                Verdict::Allowed => Ok(Request::from_parts(request, body)),
                Verdict::Denied(denial) => Err(Failure::PermissionDenied(denial)),
            }
        }
        .boxed()
    }
}

impl Authorize {
    fn tell(&self, request: &Parts, decision: &Decision) {
        self.count(Rpc::of_path(request.uri.path()), decision);
        if let Some(notes) = request.extensions.get::<Notes>() {
            notes.set_ruling(Ruling {
                decision: word(decision),
                policies: decision.policies.clone(),
            });
        }
    }

    fn count(&self, rpc: Rpc, decision: &Decision) {
        self.meter.authorized(rpc, word(decision));
        if let Some(shadow) = &decision.shadow {
            let outcome = match shadow.outcome {
                Outcome::Same => "same",
                Outcome::WouldAllow => "would_allow",
                Outcome::WouldDeny => "would_deny",
            };
            self.meter.shadowed(rpc, outcome);
            if shadow.outcome != Outcome::Same || !shadow.errors.is_empty() {
                tracing::info!(
                    method = rpc.method,
                    outcome,
                    policies = shadow.policies.join(","),
                    errors = shadow.errors.join("; "),
                    "shadow policies differ"
                );
            }
        }
    }
}

/// The decision in one word, the same in metrics and records.
fn word(decision: &Decision) -> &'static str {
    match &decision.verdict {
        Verdict::Allowed => "allowed",
        Verdict::Denied(Denial::Forbidden(_)) => "forbidden",
        Verdict::Denied(Denial::NotPermitted) => "not_permitted",
        Verdict::Denied(Denial::Unevaluated { .. }) => "error",
    }
}

/// Tenants are for tests and prove nothing: with a store of the caller's choice the call
/// would be about one thing and what is looked up about another.
fn refuse_tenant(request: &Parts) -> Result<(), Failure> {
    match request.headers.contains_key(Tenant::METADATA) {
        true => Err(Failure::field(
            Tenant::METADATA,
            "a tenant is for tests without policies, and policies are in force; leave it out",
        )),
        false => Ok(()),
    }
}
