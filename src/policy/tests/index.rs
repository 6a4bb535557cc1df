//! The index finds what Cedar would find.

use std::collections::BTreeSet;
use std::path::Path;

use cedar_policy::{Authorizer, Decision as CedarDecision, Request};
use proptest::prelude::*;
use serde_json::json;

use crate::call::Resource;
use crate::failure::Denial;
use crate::operation::{Operation, ResourceField};
use crate::policy::candidate::Mentions;
use crate::policy::context::context;
use crate::policy::rule::Rule;
use crate::policy::testing::{Call, call};
use crate::policy::{Policies, Prospect, RoleArns, Settings, Verdict, entities, index, source};

const CALLERS: [&str; 3] = ["a", "b", "c"];
const ROLES: [&str; 3] = ["r", "s", "t"];
const POOLS: [&str; 3] = ["eu:01", "eu:02", "eu:03"];
/// What mentions each part of a call, alone and together.
const CONDITIONS: [&str; 12] = [
    "principal in Poolgate::Role::\"r\"",
    "principal is Poolgate::Caller in Poolgate::Role::\"s\"",
    "principal.id == \"a\"",
    "Poolgate::Caller::\"b\".id == \"b\"",
    "action in [Poolgate::Action::\"write\", Poolgate::Action::\"GetId\"]",
    "resource.id like \"eu:0*\"",
    "resource is Poolgate::Identity in Poolgate::IdentityPool::\"eu:02\"",
    "resource has pool && resource.pool.hasTag(\"t\")",
    "Poolgate::IdentityPool::\"eu:01\".hasTag(\"t\")",
    "context.peer_address.isLoopback()",
    "context has time && context.time > datetime(\"2020-01-01\")",
    "principal in Poolgate::Role::\"r\" && context.time < datetime(\"2020-01-01\")",
];
const IDENTITIES: [&str; 3] = ["eu:11", "eu:12", "eu:13"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_index_decides_as_cedar_does_over_the_whole_set(
        policies in prop::collection::vec(policy(), 1..25),
        calls in prop::collection::vec(a_call(), 1..8),
    ) {
        let text: Vec<String> = policies
            .iter()
            .enumerate()
            .map(|(number, policy)| format!("@id(\"p{number}\") {policy}"))
            .collect();
        let rules: Vec<Rule> = source::split(Path::new("a.cedar"), &text.join("\n"))
            .into_iter()
            .map(|statement| Rule::read(statement).unwrap())
            .collect();
        let whole = index::set_of(rules.iter().map(|rule| rule.policy.clone()));
        let indexed = Policies::new(Settings::default(), rules, Vec::new());
        for call in calls {
            let decision = call.decided_by(&indexed);
            if matches!(indexed.prospect(&call.question()), Prospect::Denied(_)) {
                prop_assert_ne!(&decision.verdict, &Verdict::Allowed);
            }
            let ids = match &decision.verdict {
                Verdict::Allowed => "allow",
                Verdict::Denied(Denial::Unevaluated { .. }) => "error",
                Verdict::Denied(_) => "deny",
            };
            let expected = plainly(&call, &whole);
            prop_assert_eq!((ids, decision.policies.iter().cloned().collect::<BTreeSet<_>>()), expected, "{}", text.join("\n"));
        }
    }
}

/// Cedar's answer over all policies, with an error counted as such.
fn plainly(call: &Call, whole: &cedar_policy::PolicySet) -> (&'static str, BTreeSet<String>) {
    let crate::policy::Action::Operation(operation) = call.action else {
        panic!("no operation");
    };
    let subject = call.subject.as_ref().unwrap();
    let context = context(
        Some((operation, subject)),
        &RoleArns::default(),
        Mentions::ALL,
        (call.peer, call.now),
    );
    let target = entities::targets(Some(subject), &call.facts).remove(0);
    let made = crate::policy::made::Made::new();
    let source = entities::Source {
        made: &made,
        facts: &call.facts,
        region: "eu",
        mentioned: Mentions::ALL,
    };
    let caller = source.caller(&call.caller).unwrap().unwrap();
    let request = Request::new(
        caller.uid(),
        call.action.uid(),
        target.uid.clone(),
        context.unwrap(),
        None,
    )
    .unwrap();
    let entities = source.entities(Some(caller), call.action, &target).unwrap();
    let answer = Authorizer::new().is_authorized(&request, whole, &entities);
    let errors: BTreeSet<String> = answer
        .diagnostics()
        .errors()
        .map(
            |cedar_policy::AuthorizationError::PolicyEvaluationError(error)| {
                error.policy_id().to_string()
            },
        )
        .collect();
    if !errors.is_empty() {
        return ("error", errors);
    }
    let names = answer
        .diagnostics()
        .reason()
        .map(ToString::to_string)
        .collect();
    match answer.decision() {
        CedarDecision::Allow => ("allow", names),
        CedarDecision::Deny => ("deny", names),
    }
}

fn policy() -> impl Strategy<Value = String> {
    let condition = prop_oneof![
        6 => Just(String::new()),
        1 => Just(" when { principal.hasTag(\"team\") && principal.getTag(\"team\") == \"a\" }".to_owned()),
        1 => Just(" when { resource.hasTag(\"t\") }".to_owned()),
        1 => Just(format!(" unless {{ resource in Poolgate::IdentityPool::\"{}\" }}", POOLS[0])),
        1 => prop::sample::select(&CONDITIONS[..]).prop_map(|condition| format!(" when {{ {condition} }}")),
        1 => prop::sample::select(&CONDITIONS[..]).prop_map(|condition| format!(" unless {{ {condition} }}")),
        // Fails wherever it is evaluated.
        1 => Just(" when { context.nothing }".to_owned()),
    ];
    let effect = prop_oneof![3 => Just("permit"), 1 => Just("forbid")];
    (effect, principal(), action(), resource(), condition).prop_map(
        |(effect, principal, action, resource, condition)| {
            format!("{effect} ({principal}, {action}, {resource}){condition};")
        },
    )
}

fn principal() -> impl Strategy<Value = String> {
    let caller = || prop::sample::select(&CALLERS[..]);
    let role = || prop::sample::select(&ROLES[..]);
    prop_oneof![
        Just("principal".to_owned()),
        Just("principal is Poolgate::Caller".to_owned()),
        caller().prop_map(|id| format!("principal == Poolgate::Caller::\"{id}\"")),
        caller().prop_map(|id| format!("principal in Poolgate::Caller::\"{id}\"")),
        role().prop_map(|id| format!("principal in Poolgate::Role::\"{id}\"")),
        role().prop_map(|id| format!("principal is Poolgate::Caller in Poolgate::Role::\"{id}\"")),
    ]
}

fn action() -> impl Strategy<Value = String> {
    let name = || {
        let operations = Operation::ALL.iter().map(|operation| operation.name());
        let groups = ["read", "write", "issue", "all", "reflection"];
        prop::sample::select(operations.chain(groups).collect::<Vec<_>>())
    };
    prop_oneof![
        Just("action".to_owned()),
        name().prop_map(|name| format!("action == Poolgate::Action::\"{name}\"")),
        name().prop_map(|name| format!("action in Poolgate::Action::\"{name}\"")),
        prop::collection::vec(name(), 0..4).prop_map(|names| {
            let names: Vec<String> = names
                .iter()
                .map(|name| format!("Poolgate::Action::\"{name}\""))
                .collect();
            format!("action in [{}]", names.join(", "))
        }),
    ]
}

fn resource() -> impl Strategy<Value = String> {
    let pool = || prop::sample::select(&POOLS[..]);
    let identity = || prop::sample::select(&IDENTITIES[..]);
    prop_oneof![
        Just("resource".to_owned()),
        Just("resource is Poolgate::Identity".to_owned()),
        Just("resource == Poolgate::Account::\"upstream\"".to_owned()),
        pool().prop_map(|id| format!("resource == Poolgate::IdentityPool::\"{id}\"")),
        pool().prop_map(|id| format!("resource in Poolgate::IdentityPool::\"{id}\"")),
        pool().prop_map(|id| format!(
            "resource is Poolgate::Identity in Poolgate::IdentityPool::\"{id}\""
        )),
        identity().prop_map(|id| format!("resource == Poolgate::Identity::\"{id}\"")),
        identity().prop_map(|id| format!("resource in Poolgate::Identity::\"{id}\"")),
    ]
}

fn a_call() -> impl Strategy<Value = Call> {
    (
        prop::sample::select(Operation::ALL),
        prop::sample::select(&CALLERS[..]),
        prop::sample::subsequence(&ROLES[..], 0..=3),
        prop::sample::select(&POOLS[..]),
        prop::sample::select(&IDENTITIES[..]),
        any::<bool>(),
    )
        .prop_map(|(operation, caller, roles, pool, identity, known)| {
            let resource = match operation.resource_field() {
                ResourceField::Account => Resource::Account,
                ResourceField::Pool(_) | ResourceField::PoolArn(_) => {
                    Resource::Pool(pool.to_owned())
                }
                _ => Resource::Identity(identity.to_owned()),
            };
            let call = call(operation, json!({})).by(caller, &roles).on(resource);
            match known {
                true => call.tagged(&[("t", "u")]).identity_in(identity, pool),
                false => call,
            }
        })
}
