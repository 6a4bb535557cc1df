//! What operators write, and what they write wrongly.

use crate::quota::Limits;

#[test]
fn a_file_is_shown_as_it_counts() {
    let limits = Limits::parse(
        r#"
        [[limits]]
        name = "nightly"
        roles = ["batch"]
        effects = ["read"]
        windows = ["500/s burst 1000", "1000000/day"]

        [[limits]]
        name = "tags"
        operations = ["TagResource", "UntagResource"]
        windows = ["2/s"]
        shadow = true

        [[limits]]
        name = "at-once"
        in_flight = 8
        "#,
    );

    let shown = limits.unwrap().to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "nightly: read of each with role batch: 500/s burst 1000 and 1000000/day",
            "tags: shadow; TagResource, UntagResource of each caller: 2/s",
            "at-once: all of each caller: 8 in flight",
        ]
    );
    assert!(lines[3].starts_with("default-read:"), "{shown}");
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    let text = r#"
[[limits]]
name = "reads"
effects = ["raed"]
windows = ["50/s", "3/s", "5"]
[[limits]]
name = "reads"
operations = ["GetIdd"]
callers = []
in_flight = 0
[[limits]]
name = "default-read"
windows = ["2/s"]
[[limits]]
name = "two words"
window = ["1/s"]
[[limits]]
name = "credentials"
effects = ["issue"]
windows = ["1/s"]
shadow = "yes"
roles = "batch"
"#;

    let mistakes = Limits::parse(text).unwrap_err();

    let expected = [
        "line 4: limits[0].effects: `raed` is not one of `read`, `write`, `issue`",
        "line 5: limits[0].windows: two windows by the unit `s`",
        "line 5: limits[0].windows: `5` has no `/` between a number and a unit",
        "line 7: limits[1].name: the name of a limit before",
        "line 8: limits[1].operations: `GetIdd` is not an operation",
        "line 9: limits[1].callers: empty; leave it out for every caller",
        "line 10: limits[1].in_flight: not a number from 1 to 100000",
        "line 12: limits[2].name: names that begin with `default-` are those of poolgate's limits",
        "line 14: limits[3].windows: missing, and so is `in_flight`",
        "line 15: limits[3].name: not 1 to 64 letters, digits, `-`, `_` and `.`",
        "line 16: limits[3].window: unknown; known are `name`, `effects`, `operations`, \
         `callers`, `roles`, `windows`, `in_flight`, `shadow`",
        "line 20: limits[4].windows: `1/s` never admits GetCredentialsForIdentity, which weighs 2",
        "line 21: limits[4].shadow: not true or false",
        "line 22: limits[4].roles: not a list of texts",
    ];
    assert_eq!(mistakes, expected);
}

#[test]
fn a_limit_that_can_never_count_is_a_mistake() {
    let limit = |name: &str, rest: &str| format!("[[limits]]\nname = \"{name}\"\n{rest}\n");
    let all = limit("all", "windows = [\"9/s\"]");
    for (why, first, second, taken) in [
        ("the same", &all, "windows = [\"5/s\"]", true),
        (
            "for fewer",
            &all,
            "roles = [\"a\"]\nwindows = [\"5/s\"]",
            true,
        ),
        ("another kind", &all, "in_flight = 3", false),
        (
            "both kinds",
            &all,
            "in_flight = 3\nwindows = [\"5/s\"]",
            false,
        ),
        (
            "only tried",
            &all,
            "shadow = true\nwindows = [\"5/s\"]",
            false,
        ),
        (
            "for more",
            &limit("a", "roles = [\"a\"]\nwindows = [\"9/s\"]"),
            "windows = [\"5/s\"]",
            false,
        ),
        (
            "of other callers",
            &limit("a", "callers = [\"token:a\"]\nwindows = [\"9/s\"]"),
            "callers = [\"token:a\", \"token:b\"]\nwindows = [\"5/s\"]",
            false,
        ),
    ] {
        let text = format!("{first}{}", limit("second", second));

        let mistakes = Limits::parse(&text).err().unwrap_or_default();

        let told = mistakes.iter().any(|one| one.contains("never counts"));
        assert_eq!(told, taken, "{why}: {mistakes:?}");
        assert_eq!(mistakes.is_empty(), !taken, "{why}: {mistakes:?}");
    }
}

#[test]
fn an_empty_file_is_a_mistake() {
    let mistakes = Limits::parse("# nothing\n").unwrap_err();

    assert_eq!(
        mistakes,
        ["line 1: limits: missing; write `[[limits]]` once for each limit"]
    );
}
