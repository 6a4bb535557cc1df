//! The callers file, read.

use std::fs;

use super::*;
use crate::authn::issuer::Keys;

const KEYS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

#[test]
fn a_full_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("callers.toml");
    fs::write(folder.path().join("keys.json"), KEYS).unwrap();
    let text = r#"
        both = "token"
        require = "all"
        [certificates]
        names = ["spiffe", "dns"]
        trust_domains = ["example.org"]
        [[certificates.map]]
        name = "spiffe://example.org/shop/*"
        roles = ["shop"]
        attributes = { team = "shop" }
        [[certificates.map]]
        name = "dns:Shop.example.org"
        [[issuers]]
        issuer = "https://login.example.com"
        audiences = ["poolgate"]
        algorithms = ["ES256", "EdDSA"]
        jwks_file = "keys.json"
        caller_claim = "sub"
        profile = "rfc9068"
        authorized_parties = ["app"]
        max_lifetime = "1h"
        roles = [{ claim = "groups", value = "cognito-admins", role = "admin" }]
        attributes = { team = "department" }
        [[issuers]]
        issuer = "http://127.0.0.1:8080"
        audiences = ["poolgate"]
        algorithms = ["RS256"]
        jwks_url = "http://127.0.0.1:8080/keys"
        [[tokens]]
        name = "ci"
        sha256 = "a5dd7c4457c6f7af6e9c11a0ba3fbd4b8b6b97ee0e7c4aca05cbd3e6c0c4c9a0"
        roles = ["admin"]
        expires = 2027-01-01T00:00:00Z
    "#;
    fs::write(&path, text).unwrap();

    let callers = Callers::read(&path).unwrap();

    assert_eq!((callers.both, callers.require), (Both::Token, Require::All));
    assert_eq!(callers.certificates.map.len(), 2);
    assert_eq!(callers.files(), [path, folder.path().join("keys.json")]);
    assert!(callers.fetches_keys());
    let [first, second] = callers.issuers.as_slice() else {
        panic!("{callers:?}");
    };
    assert!(matches!(first.keys, Keys::Written(_)));
    assert!(first.rfc9068 && !second.rfc9068);
    assert_eq!(first.max_lifetime.as_secs(), 3600);
    assert_eq!(second.max_lifetime.as_secs(), 24 * 3600);
    assert!(!callers.tokens.is_empty());
    assert!(!format!("{callers:?}").contains("a5dd"));
}

#[test]
fn a_file_by_which_nobody_is_known_is_a_mistake() {
    for text in [
        "",
        "# cut\n",
        "both = \"token\"",
        "issuers = []\ntokens = []",
        "[certificates]\nnames = []",
    ] {
        let mistakes = Callers::parse(text, Path::new("")).unwrap_err();
        assert_eq!(mistakes, [NOBODY], "{text}");
    }
}

#[test]
fn the_shortest_file_has_the_defaults() {
    let callers = Callers::parse("[certificates]", Path::new("")).unwrap();

    assert_eq!(
        (callers.both, callers.require),
        (Both::SameCaller, Require::Any)
    );
    assert_eq!(callers.certificates, Rules::default());
    assert!(callers.issuers.is_empty() && callers.tokens.is_empty());
    assert!(!callers.fetches_keys());
}

#[test]
fn the_example_in_the_documentation_is_a_good_file() {
    let example: String = include_str!("../callers.rs")
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| format!("{}\n", line.trim_start_matches("//!")))
        .collect();

    let callers = Callers::parse(&example, Path::new("")).unwrap();

    assert_eq!(callers.issuers.len(), 1);
    assert!(!callers.tokens.is_empty());
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let secret = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let text = format!(
        r#"both = "either"
require = 5
colour = "blue"
[certificates]
names = ["spiffe", "cn"]
trust_domains = ["Example.org"]
[[certificates.map]]
name = "spiffe://example.org/shop/*/till"
[[certificates.map]]
name = "dns:shop.example.org"
[[certificates.map]]
roles = "shop"
[[issuers]]
issuer = "http://login.example.com"
algorithms = ["ES256", "HS256", "none"]
jwks_url = "http://login.example.com/keys"
max_lifetime = "25h"
[[issuers]]
issuer = "https://a.example"
audiences = []
algorithms = ["ES256"]
jwks_url = "https://a.example/keys"
jwks_file = "keys.json"
profile = "openid"
roles = [{{ claim = "groups", role = "admin" }}]
attributes = {{ team = 5 }}
[[issuers]]
issuer = "https://b.example/a|b"
audiences = ["a"]
algorithms = ["ES256"]
jwks_file = "/nowhere/keys.json"
[[tokens]]
name = "ci"
sha256 = "{secret}"
expires = 2027-01-01
[[tokens]]
name = "ci"
sha256 = "abc"
secret = "x"
"#
    );

    let mistakes = Callers::parse(&text, Path::new("")).unwrap_err();

    assert_eq!(
        mistakes,
        [
            "line 1: both: not one of `same-caller`, `certificate`, `token`",
            "line 2: require: not a text",
            "line 3: colour: unknown; known are `both`, `require`, `certificates`, `issuers`, `tokens`, `processes`",
            "line 5: certificates.names: `cn` is not one of `spiffe`, `dns`",
            "line 6: certificates.trust_domains: `Example.org` is not a trust domain",
            "line 8: certificates.map[0].name: `spiffe://example.org/shop/*/till` is not a SPIFFE ID, nor its beginning with `/*`, nor `dns:` and a name: the path has other characters than `A-Za-z0-9._-`",
            "line 10: certificates.map[1].name: wants `dns` among `certificates.names`",
            "line 11: certificates.map[2].name: missing",
            "line 12: certificates.map[2].roles: not a list of texts",
            "line 13: issuers[0].audiences: missing",
            "line 14: issuers[0].issuer: not an https URL, nor an http URL of this machine",
            "line 15: issuers[0].algorithms: `HS256` is not one of `RS256`, `PS256`, `ES256`, `ES384`, `EdDSA`",
            "line 15: issuers[0].algorithms: `none` is not one of `RS256`, `PS256`, `ES256`, `ES384`, `EdDSA`",
            "line 16: issuers[0].jwks_url: not an https URL, nor an http URL of this machine",
            "line 17: issuers[0].max_lifetime: not a time up to `24h`, such as `1h` or `15m`",
            "line 20: issuers[1].audiences: empty",
            "line 22: issuers[1].jwks_url: wants one of `jwks_url` and `jwks_file`",
            "line 24: issuers[1].profile: not one of `rfc9068`",
            "line 25: issuers[1].roles[0].value: missing",
            "line 26: issuers[1].attributes.team: not a text",
            "line 28: issuers[2].issuer: has a `|`, which parts issuer and subject",
            "line 31: issuers[2].jwks_file: /nowhere/keys.json: cannot be read: No such file or directory (os error 2)",
            "line 34: tokens[0].sha256: the hash of a word that everybody tries; make a token with `openssl rand -base64 32`",
            "line 35: tokens[0].expires: not a time in UTC, such as 2027-01-01T00:00:00Z",
            "line 37: tokens[1].name: named before",
            "line 38: tokens[1].sha256: not 64 hexadecimal digits",
            "line 39: tokens[1].secret: unknown; known are `name`, `sha256`, `roles`, `attributes`, `expires`",
        ]
    );
}

#[test]
fn what_is_there_twice_is_a_mistake() {
    let issuer = "[[issuers]]\nissuer = \"https://a.example\"\naudiences = [\"a\"]\n\
                  algorithms = [\"ES256\"]\njwks_url = \"https://a.example/keys\"\n";
    let token = |name: &str| {
        let hash = "a5dd".repeat(16);
        format!("[[tokens]]\nname = \"{name}\"\nsha256 = \"{hash}\"\n")
    };
    let process = |name: &str, id: &str| format!("[[processes]]\nname = \"{name}\"\n{id}\n");
    let row = "[[certificates.map]]\nname = \"spiffe://a.example/x\"\n";
    for (text, says) in [
        (issuer.repeat(2), "line 7: issuers[1].issuer: named before"),
        (
            token("a") + &token("b"),
            "line 6: tokens[1].sha256: the same as that of a token before",
        ),
        (
            row.repeat(2),
            "line 4: certificates.map[1].name: named before",
        ),
        (
            process("a", "uid = 1") + &process("b", "uid = 1"),
            "line 5: processes[1].name: for the same user and group as one before",
        ),
        (
            process("a", "uid = 1") + &process("a", "gid = 1"),
            "line 5: processes[1].name: named before",
        ),
        ("both = \"token\"\n".repeat(2), "line 2: duplicate key"),
    ] {
        assert_eq!(Callers::parse(&text, Path::new("")).unwrap_err(), [says]);
    }
}

#[test]
fn a_process_has_a_name_and_the_number_of_a_user_or_of_a_group() {
    let text = "[[processes]]\nuid = 0\n[[processes]]\nname = \"a\"\n\
                [[processes]]\nname = \"b\"\nuid = 4294967295\ngid = \"wheel\"\n";

    assert_eq!(
        Callers::parse(text, Path::new("")).unwrap_err(),
        [
            "line 1: processes[0].name: missing",
            "line 4: processes[1].name: wants a `uid`, a `gid`, or both",
            "line 7: processes[2].uid: not a number from 0 to 4294967294",
            "line 8: processes[2].gid: not a whole number",
        ]
    );
}

#[test]
fn both_proofs_can_be_wanted_only_where_both_can_be_given() {
    for (text, says) in [
        (
            "require = \"all\"",
            "line 1: require: `all` wants `issuers` or `tokens`",
        ),
        (
            "require = \"all\"\ntokens = []\n[certificates]\nnames = []",
            "line 1: require: `all` wants `certificates.names` or `processes`",
        ),
    ] {
        assert_eq!(Callers::parse(text, Path::new("")).unwrap_err(), [says]);
    }
}
