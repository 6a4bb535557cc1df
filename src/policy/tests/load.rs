//! Which sets of policies take effect, and how they are replaced.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::operation::Operation as O;
use crate::policy::testing::{ALL, Files, plain};
use crate::policy::{Engine, guardrail_names};

#[test]
fn every_mistake_of_every_file_is_told_at_once_with_its_place() {
    let files = Files::new(
        r#"@id("fine") permit (principal, action, resource);

permit (principal, action, resource);
@id("type")
permit (principal, action == Poolgate::Action::"GetId", resource) when { context.time == "x" };
@id("fine") forbid (principal, action, resource);
@id("never") permit (principal, action == Poolgate::Action::"GetId", resource == Poolgate::Account::"upstream");
@id("unguarded") permit (principal, action == Poolgate::Action::"GetId", resource) when { resource.getTag("a") == "b" };
@id("unknown") permit (principal, action == Poolgate::Action::"GetIdd", resource);
@id("syntax") permit (principal, action resource);
@id("template") permit (principal == ?principal, action, resource);"#,
    )
    .shadow("@id(\"type\") permit (principal, action, resource);\n@id(\"shadow\") permit (principal, action, resource) when { context.nothing };")
    .samples("[[sample]]\ncaller = \"a\"\noperation = \"GetIdd\"\nexpect = \"allow\"\n");

    let mistakes = files.mistakes();

    for expected in [
        "policies.cedar:3: a policy without a name; write `@id(\"...\")` above it",
        "policies.cedar:4: `type`: ",
        "policies.cedar:6: `fine`: this name is taken by the policy at ",
        "policies.cedar:7: `never`: ",
        "policies.cedar:8: `unguarded`: ",
        "policies.cedar:9: `unknown`: ",
        "policies.cedar:10: unexpected token `resource`",
        "policies.cedar:11: expected a static policy, got a template",
        "shadow.cedar:1: `type`: this name is taken by the policy at policies.cedar:4",
        "shadow.cedar:2: `shadow`: ",
        "samples.toml:1: `GetIdd` is not an operation",
    ] {
        assert!(
            mistakes.iter().any(|mistake| mistake.starts_with(expected)),
            "{expected}: {mistakes:#?}"
        );
    }
}

#[test]
fn a_set_that_permits_nothing_is_refused() {
    let files = Files::new("@id(\"a\") forbid (principal, action, resource);");

    assert_eq!(files.mistakes(), ["no policy permits anything"]);
}

#[test]
fn a_file_that_is_not_there_is_a_mistake() {
    let mut files = Files::new(ALL);
    files.settings.files.push("/nowhere/a.cedar".into());

    let mistakes = files.mistakes();

    assert_eq!(mistakes.len(), 1);
    assert!(
        mistakes[0].starts_with("/nowhere/a.cedar: cannot be read: "),
        "{mistakes:?}"
    );
}

#[test]
fn nobody_takes_the_name_of_a_guardrail() {
    let name = &guardrail_names()[0];
    let text = format!("{ALL} @id(\"{name}\") permit (principal, action, resource);");

    let mistakes = Files::new(&text).mistakes();

    assert!(
        mistakes[0].contains("`guardrail-production-guests`"),
        "{mistakes:?}"
    );
}

#[test]
fn letters_that_look_like_others_are_mistakes() {
    // The second letter is Cyrillic.
    let text =
        "@id(\"a\") permit (principal == Poolgate::Caller::\"p\u{430}yments\", action, resource);";

    let mistakes = Files::new(text).mistakes();

    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
}

#[test]
fn where_a_policy_stands_is_known() {
    let files = Files::new(&format!("// one\n\n{ALL}"));
    let policies = files.load();

    let (file, line, text) = policies.written("all").unwrap();

    assert_eq!(
        (file, line, text),
        (files.settings.files[0].as_path(), 3, ALL)
    );
    assert_eq!(policies.written("none"), None);
    assert_eq!(policies.count(), 1 + guardrail_names().len());
}

#[test]
fn policies_are_replaced_as_a_whole_or_not_at_all() {
    let files = Files::new(ALL);
    let engine = Engine::new(files.load());
    let call = plain(O::GetId);
    assert_eq!(call.outcome(&engine.policies()), "allowed");

    files.write("policies.cedar", "@id(\"read\") permit (principal, action in Poolgate::Action::\"read\", resource); @id(\"b\") permit (");
    assert!(engine.reload(&files.settings).is_err());
    assert_eq!(call.outcome(&engine.policies()), "allowed");

    files.write(
        "policies.cedar",
        "@id(\"read\") permit (principal, action in Poolgate::Action::\"read\", resource);",
    );
    assert_eq!(engine.reload(&files.settings), Ok(()));
    assert_eq!(call.outcome(&engine.policies()), "not permitted");
}

#[test]
fn a_sample_that_no_longer_holds_keeps_the_policies_in_force() {
    let files = Files::new(ALL).samples("[[sample]]\ncaller = \"a\"\noperation = \"ListIdentityPools\"\nrequest = { MaxResults = 1 }\nexpect = \"allow\"\n");
    let engine = Engine::new(files.load());

    files.write(
        "policies.cedar",
        "@id(\"a\") permit (principal, action in Poolgate::Action::\"write\", resource);",
    );
    let mistakes = engine.reload(&files.settings).unwrap_err();

    assert_eq!(
        files.told(&mistakes),
        [
            "samples.toml:1: `ListIdentityPools`: to be allowed, and denied: no policy permits this call"
        ]
    );
    assert_eq!(plain(O::GetId).outcome(&engine.policies()), "allowed");
}

/// T-Z3: 10,000 decisions while bad and good files come and go.
#[test]
fn reloads_under_load_make_no_wrong_decision() {
    let files = Files::new(ALL);
    let engine = Engine::new(files.load());
    let call = plain(O::DescribeIdentityPool);
    let (ended, reloads) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let texts = [
                "@id(\"all\") permit (",
                "",
                ALL,
                "@id(\"r\") permit (principal, action in Poolgate::Action::\"read\", resource);",
            ];
            for text in texts.iter().cycle() {
                if ended.load(Ordering::Relaxed) && reloads.load(Ordering::Relaxed) >= texts.len() {
                    break;
                }
                files.write("policies.cedar", text);
                let is_good = text.starts_with("@id") && text.ends_with(';');
                assert_eq!(engine.reload(&files.settings).is_ok(), is_good, "{text}");
                reloads.fetch_add(1, Ordering::Relaxed);
            }
        });
        for _ in 0..10_000 {
            assert_eq!(call.outcome(&engine.policies()), "allowed");
        }
        ended.store(true, Ordering::Relaxed);
    });
}
