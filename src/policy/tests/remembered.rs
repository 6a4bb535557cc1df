//! An answer that is remembered is the answer.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use crate::call::Resource;
use crate::operation::Operation as O;
use crate::policy::rule::Rule;
use crate::policy::testing::{Call, IDENTITY, OTHER_POOL, POOL, call};
use crate::policy::{Policies, Settings, source};

/// Each asks for another part of a call.
const POLICIES: [&str; 10] = [
    "permit (principal, action, resource);",
    "permit (principal in Poolgate::Role::\"r\", action, resource);",
    "permit (principal == Poolgate::Caller::\"a\", action, resource);",
    "permit (principal, action, resource) when { principal in Poolgate::Role::\"s\" };",
    "permit (principal, action, resource) when { resource.hasTag(\"t\") && resource.getTag(\"t\") == \"1\" };",
    "forbid (principal, action, resource is Poolgate::Identity) unless { resource has pool };",
    "forbid (principal, action, resource) when { resource has region && resource.region == \"us-east-1\" };",
    "forbid (principal, action, resource) when { context.peer_address.isLoopback() };",
    "forbid (principal, action, resource) when { context.time > datetime(\"2028-01-01\") };",
    "forbid (principal, action == Poolgate::Action::\"GetId\", resource) when { context.provider_names.contains(\"evil\") };",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn policies_that_were_asked_before_answer_as_those_that_were_not(
        enforced in prop::sample::subsequence(&POLICIES[..], 1..=10),
        shadow in prop::sample::subsequence(&POLICIES[..], 0..=2),
        calls in prop::collection::vec(a_call(), 2..12),
    ) {
        let fresh = || Policies::new(Settings::default(), rules("e", &enforced), rules("s", &shadow));
        let asked_before = fresh();
        for call in calls {
            let question = call.question();
            let expected = fresh();
            prop_assert_eq!(asked_before.prospect(&question), expected.prospect(&question));
            prop_assert_eq!(asked_before.decide(&question), expected.decide(&question));
        }
    }
}

fn rules(prefix: &str, policies: &[&str]) -> Vec<Rule> {
    let named = policies.iter().enumerate();
    let named = named.map(|(number, policy)| format!("@id(\"{prefix}{number}\") {policy}"));
    let text: Vec<String> = named.collect();
    source::split(Path::new("a.cedar"), &text.join("\n"))
        .into_iter()
        .map(|statement| Rule::read(statement).unwrap())
        .collect()
}

/// Of few callers and resources, so that calls are alike in most respects.
fn a_call() -> impl Strategy<Value = Call> {
    let parameters = [json!({}), json!({"Logins": {"evil": "t"}})];
    let peers: [IpAddr; 2] = [[127, 0, 0, 1].into(), [10, 0, 0, 1].into()];
    (
        prop::sample::select(vec![
            (O::DescribeIdentityPool, Resource::Pool(POOL.to_owned())),
            (O::GetId, Resource::Pool(POOL.to_owned())),
            (O::DescribeIdentity, Resource::Identity(IDENTITY.to_owned())),
        ]),
        prop::sample::select(parameters.to_vec()),
        prop::sample::select(&["a", "b"][..]),
        prop::sample::subsequence(&["r", "s"][..], 0..=2),
        prop::option::of(prop::sample::select(&["0", "1"][..])),
        prop::option::of(prop::sample::select(&[POOL, OTHER_POOL][..])),
        prop::sample::select(&["eu-west-1", "us-east-1"][..]),
        (
            prop::sample::select(peers.to_vec()),
            prop::sample::select(&[0, 20][..]),
        ),
    )
        .prop_map(
            |(
                (operation, resource),
                parameters,
                caller,
                roles,
                tag,
                pool,
                region,
                (peer, years),
            )| {
                let mut call = call(operation, parameters).by(caller, &roles).on(resource);
                if let Some(pool) = pool {
                    call = call.identity_in(IDENTITY, pool);
                }
                if let Some(tag) = tag {
                    call = call.tagged(&[("t", tag)]);
                }
                call.subject.as_mut().unwrap().region = Some(region.to_owned());
                call.peer = peer;
                call.now += Duration::from_secs(years * 365 * 86_400);
                call
            },
        )
}
