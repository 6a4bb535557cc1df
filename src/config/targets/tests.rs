use std::io::Write as _;
use std::time::Duration;

use super::*;
use crate::config::{Config, Sources};

/// What calls to AWS want beside targets.
const AROUND: [(&str, &str); 2] = [
    ("POOLGATE_UPSTREAM__KIND", "aws"),
    ("POOLGATE_AUDIT__UNRECORDED", "everywhere"),
];

/// The targets in a file; or every mistake, without those about callers.
fn in_file(text: &str) -> Result<Vec<TargetSettings>, Vec<String>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    load(Some(file.path().to_owned()), &[]).map_err(|mistakes| {
        let mistakes = mistakes.into_iter();
        mistakes
            .map(|mistake| mistake.replace(&path, "file"))
            .collect()
    })
}

fn load(
    file: Option<std::path::PathBuf>,
    more: &[(&str, &str)],
) -> Result<Vec<TargetSettings>, Vec<String>> {
    let callers = tempfile::TempDir::new().unwrap();
    let (callers_file, policies) = (
        callers.path().join("c.toml"),
        callers.path().join("p.cedar"),
    );
    let token = format!(
        "[[tokens]]\nname = \"ann\"\nsha256 = \"{}\"\n",
        "0a".repeat(32)
    );
    std::fs::write(&callers_file, token).unwrap();
    std::fs::write(
        &policies,
        "@id(\"all\")\npermit (principal, action, resource);",
    )
    .unwrap();
    let paths = [
        (
            "POOLGATE_AUTHN__CALLERS_FILE",
            callers_file.to_str().unwrap(),
        ),
        ("POOLGATE_POLICY__FILES", policies.to_str().unwrap()),
    ];
    let set = AROUND.iter().chain(&paths).chain(more);
    let sources = Sources {
        file,
        environment: set
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        flags: Vec::new(),
    };
    let config = Config::load(&sources);
    config
        .map(|config| config.upstream.targets)
        .map_err(|mistakes| mistakes.to_string().lines().map(str::to_owned).collect())
}

#[test]
fn a_target_has_what_is_written_and_else_what_is_usual() {
    let targets = in_file(
        r#"
[upstream]
region = "eu-west-1"

[[upstream.targets]]
name = "here"
account_id = "111111111111"

[[upstream.targets]]
name = "there"
account_id = "222222222222"
regions = ["us-east-1", "us-west-2"]
named_only = true
endpoint_url = "http://127.0.0.1:4566"
role_arn = "arn:aws:iam::222222222222:role/poolgate"
external_id = "from-here"
session_duration = "15m"
session_tags = false
sts_endpoint_url = "http://127.0.0.1:4567"

[log]
level = "warn"
"#,
    )
    .unwrap();

    let [here, there] = targets.as_slice() else {
        panic!("{targets:?}");
    };
    assert_eq!(here.name, "here");
    assert_eq!(here.regions, crate::upstream::KNOWN_REGIONS);
    assert!(!here.named_only);
    assert_eq!(here.role, None);
    assert!(there.named_only);
    assert_eq!(there.endpoint_url.as_deref(), Some("http://127.0.0.1:4566"));
    let role = there.role.as_ref().unwrap();
    assert_eq!(role.arn.as_str(), "arn:aws:iam::222222222222:role/poolgate");
    assert_eq!(role.external_id.as_ref().unwrap().as_str(), "from-here");
    assert_eq!(role.session_duration, Duration::from_secs(900));
    assert!(!role.session_tags);
    assert_eq!(role.sts_region, "us-east-1", "the first of its own");
}

#[test]
fn every_mistake_is_told_with_its_line_and_its_key() {
    let mistakes = in_file(
        r#"[upstream]
account_id = "123456789012"
regions = ["us-east-1", "eu-west-1"]

[[upstream.targets]]
name = "a"
account_id = "111111111111"
role_arn = "arn:aws:iam::222222222222:role/poolgate"
session_duration = "13h"

[[upstream.targets]]
name = "a"
account_id = "11111111111"
regions = ["eu-west-1", "ap-south-1", "somewhere"]
role_arn = "poolgate"
external_id = "x"
colour = "blue"

[[upstream.targets]]
name = "not a name"
named_only = "yes"
session_tags = false
endpoint_url = "ftp://127.0.0.1"

[[upstream.targets]]
name = "b"
account_id = "333333333333"
regions = ["eu-west-1"]

[[upstream.targets]]
name = "b"
account_id = "333333333333"
regions = ["us-east-1"]
"#,
    )
    .unwrap_err();

    for expected in [
        "file:2: upstream.account_id = \"123456789012\": each of upstream.targets has its own",
        "file:8: upstream.targets[0].role_arn: in another account than `111111111111`",
        "file:9: upstream.targets[0].session_duration: too long; accepted: a duration with its unit, 15m to 12h",
        "file:13: upstream.targets[1].account_id: not 12 digits; accepted: 12 digits",
        "file:14: upstream.targets[1].regions: `ap-south-1` is not among upstream.regions",
        "file:14: upstream.targets[1].regions: `somewhere` is not the name of an AWS region",
        "file:15: upstream.targets[1].role_arn: not the ARN of a role, such as `arn:aws:iam::123456789012:role/poolgate`",
        "file:16: upstream.targets[1].external_id: not 2 to 1224 letters, digits and `_+=,.@:/-`",
        "file:17: upstream.targets[1].colour: unknown; known are `name`, ",
        "file:20: upstream.targets[2].name: not 1 to 64 letters, digits, `_` and `-`",
        "file:19: upstream.targets[2].account_id: missing",
        "file:21: upstream.targets[2].named_only: not true or false",
        "file:22: upstream.targets[2].session_tags: wants `role_arn`",
        "file:23: upstream.targets[2].endpoint_url: not an http or https URL; accepted: ",
        "file:28: upstream.targets[3].regions: `eu-west-1` is answered for by `a` too; with `named_only = true` one of the two is for calls that name it",
        "file:31: upstream.targets[4].name: `b` is named before",
    ] {
        let told = mistakes.iter().any(|mistake| mistake.starts_with(expected));
        assert!(told, "{expected} is not in:\n{}", mistakes.join("\n"));
    }
    assert_eq!(mistakes.len(), 16, "{}", mistakes.join("\n"));
}

#[test]
fn targets_want_aws_and_something_in_them() {
    let of = |kind: &str, targets: &str| {
        load(
            None,
            &[
                ("POOLGATE_UPSTREAM__KIND", kind),
                ("POOLGATE_UPSTREAM__TARGETS", targets),
            ],
        )
    };
    let one = r#"[{name = "a", account_id = "111111111111", regions = ["us-east-1"]}]"#;

    assert_eq!(of("aws", one).unwrap().len(), 1);
    assert_eq!(
        of("emulator", one).unwrap_err(),
        ["POOLGATE_UPSTREAM__TARGETS: upstream.targets: wants upstream.kind = \"aws\""]
    );
    assert_eq!(
        of("aws", "[]").unwrap_err(),
        ["POOLGATE_UPSTREAM__TARGETS: upstream.targets: empty; leave it out where there are none"]
    );
    for mistake in of("aws", "shop,bank").unwrap_err() {
        assert!(
            mistake.starts_with("POOLGATE_UPSTREAM__TARGETS: "),
            "{mistake}"
        );
    }
}

#[test]
fn an_endpoint_that_is_named_is_not_chosen_among_awss() {
    let targets =
        r#"[{name = "a", account_id = "111111111111", endpoint_url = "http://127.0.0.1:1"}]"#;

    let mistakes = load(
        None,
        &[
            ("POOLGATE_UPSTREAM__TARGETS", targets),
            ("POOLGATE_UPSTREAM__FIPS", "true"),
        ],
    );

    assert_eq!(
        mistakes.unwrap_err(),
        [
            "POOLGATE_UPSTREAM__TARGETS: upstream.targets[0].endpoint_url: names an endpoint, and upstream.fips or upstream.dual_stack chooses among AWS's"
        ]
    );
}

#[test]
fn what_is_in_force_is_told_as_toml_and_reads_as_the_same() {
    let text = r#"
[[upstream.targets]]
name = "a"
account_id = "111111111111"
regions = ["us-east-1"]
role_arn = "arn:aws:iam::111111111111:role/poolgate"
external_id = "from-here"
"#;
    let targets = in_file(text).unwrap();
    let settings = Settings {
        targets: targets.clone(),
        ..Settings::default()
    };

    assert_eq!(in_file(&told(&settings)).unwrap(), targets);
}

#[test]
fn targets_with_the_same_credentials_are_in_one_account() {
    let two = |more: &str| {
        in_file(&format!(
            "[[upstream.targets]]\nname = \"a\"\naccount_id = \"111111111111\"\n\
             [[upstream.targets]]\nname = \"b\"\naccount_id = \"222222222222\"\nnamed_only = true\n{more}"
        ))
    };

    let mistakes = two("").unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(
        mistakes[0].contains("role_arn: missing: without one calls are made with the same"),
        "{mistakes:?}"
    );
    for more in [
        "role_arn = \"arn:aws:iam::222222222222:role/poolgate\"",
        "endpoint_url = \"http://127.0.0.1:4567\"",
    ] {
        assert!(two(more).is_ok(), "{more}: {:?}", two(more));
    }
}

#[test]
fn targets_that_some_calls_could_never_reach_are_told_with_everything_else() {
    let mistakes = in_file(
        r#"[upstream]
region = "eu-west-1"
colour = "blue"

[[upstream.targets]]
name = "a"
account_id = "111111111111"
regions = ["us-east-1", "cn-north-1"]
named_only = true
role_arn = "arn:aws:iam::111111111111:role/poolgate"

[[upstream.targets]]
name = "b"
account_id = "222222222222"
regions = ["us-gov-west-1"]
named_only = true
role_arn = "arn:aws-us-gov:iam::222222222222:role/poolgate"
sts_region = "us-east-1"
"#,
    )
    .unwrap_err();

    for expected in [
        "file:2: upstream.region = \"eu-west-1\": none of upstream.targets answers for it",
        "file:3: upstream.colour: unknown key",
        "file:5: upstream.targets: each has `named_only = true`; leave it out",
        "file:10: upstream.targets[0].role_arn: in another partition than `cn-north-1`",
        "file:18: upstream.targets[1].sts_region: `us-east-1` is in another partition than `role_arn`",
    ] {
        let told = mistakes.iter().any(|mistake| mistake.starts_with(expected));
        assert!(told, "{expected} is not in:\n{}", mistakes.join("\n"));
    }
    assert_eq!(mistakes.len(), 5, "{}", mistakes.join("\n"));
}

#[test]
fn without_regions_a_role_answers_for_those_of_its_partition() {
    let role = |partition: &str, region: &str| {
        in_file(&format!(
            "[upstream]\nregion = \"{region}\"\n[[upstream.targets]]\nname = \"a\"\n\
             account_id = \"111111111111\"\n\
             role_arn = \"arn:{partition}:iam::111111111111:role/poolgate\"\n"
        ))
    };

    let china = role("aws-cn", "cn-north-1").unwrap();
    assert_eq!(china[0].regions, ["cn-north-1", "cn-northwest-1"]);
    let all = role("aws", "eu-west-1").unwrap();
    assert!(
        all[0]
            .regions
            .iter()
            .all(|region| !region.starts_with("cn-"))
    );
    let mistakes = role("aws-moon", "eu-west-1").unwrap_err();
    assert!(
        mistakes[0].contains("role_arn: in another partition than all of upstream.regions"),
        "{mistakes:?}"
    );
}

#[test]
fn what_follows_the_list_in_a_variable_is_no_part_of_it() {
    let one = r#"[{name = "a", account_id = "111111111111"}]"#;
    for more in [
        "\n[server]\nlisten = \"127.0.0.1:1\"",
        "\nkind = \"emulator\"",
        "\nupstream.fips = true",
    ] {
        let targets = format!("{one}{more}");
        let mistakes = load(None, &[("POOLGATE_UPSTREAM__TARGETS", &targets)]).unwrap_err();
        assert_eq!(
            mistakes,
            [
                "POOLGATE_UPSTREAM__TARGETS: upstream.targets: something that is not the list comes after it"
            ],
            "{more}"
        );
    }
    let commented = format!("{one} # as long as it lasts");
    let set = [("POOLGATE_UPSTREAM__TARGETS", commented.as_str())];
    assert_eq!(load(None, &set).unwrap().len(), 1);
}
