//! The tables in the documents are those of the code, and what the documents show works.
//!
//! `POOLGATE_WRITE_DOCS=1 cargo test --test it docs` writes the tables.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use poolgate::config::{Config, Sources};
use poolgate::policy::{self, Policies, RoleArns, Settings};
use poolgate::quota::{self, Limits};

use crate::floors::rust_files;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/poolgate.schema.json");
const AUDIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.md");
const QUOTAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/quotas.md");
const TARGETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/targets.md");
const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policies.md");

#[test]
fn the_tables_in_the_readme_are_those_of_the_code() {
    tables_are_those_of_the_code(
        README,
        &[
            ("metrics", poolgate::telemetry::reference()),
            ("errors", poolgate::status::reference()),
        ],
    );
}

#[test]
fn the_readme_has_each_variable_that_makes_tests_longer() {
    let readme = variables(&fs::read_to_string(README).unwrap());
    let tests = rust_files(Path::new(TESTS));
    let found = tests.iter().flat_map(|(_, text)| variables(text));
    let mut found: BTreeSet<String> = found.collect();
    // A test says it to itself.
    found.remove("POOLGATE_TEST_ALONE");

    assert!(!found.is_empty());
    assert_eq!(readme, found);
}

/// The names of variables in a text that are for tests.
fn variables(text: &str) -> BTreeSet<String> {
    const BEGIN: &str = "POOLGATE_TEST_";
    let names = text.split(BEGIN).skip(1).map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_uppercase() && letter != '_');
        format!("{BEGIN}{}", &rest[..end.unwrap_or(rest.len())])
    });
    names.filter(|name| name != BEGIN).collect()
}

#[test]
fn the_table_of_keys_and_the_schema_are_those_of_the_code() {
    tables_are_those_of_the_code(
        CONFIGURATION,
        &[("configuration", poolgate::config::reference())],
    );
    let schema = format!("{:#}\n", poolgate::config::schema());
    is_that_of_the_code(SCHEMA, &schema, "is not that of the code");
}

#[test]
fn the_table_of_fields_of_a_record_is_that_of_the_code() {
    tables_are_those_of_the_code(AUDIT, &[("fields", poolgate::audit::reference())]);
}

#[test]
fn the_tables_about_policies_are_those_of_the_code() {
    tables_are_those_of_the_code(
        POLICIES,
        &[
            ("entities", policy::entity_table()),
            ("context", policy::context_table()),
            ("guardrails", policy::guardrail_table()),
        ],
    );
}

#[test]
fn the_tables_about_quotas_are_those_of_the_code() {
    tables_are_those_of_the_code(
        QUOTAS,
        &[
            ("weights", quota::weight_table()),
            ("defaults", quota::default_table()),
            ("account", quota::account_table()),
        ],
    );
}

#[test]
fn the_limits_that_are_shown_are_good() {
    let text = fs::read_to_string(QUOTAS).unwrap();
    let shown = blocks(&text, "toml");
    let is_configuration = |shown: &str| shown.starts_with("[quota]");
    let configurations = shown.iter().filter(|shown| is_configuration(shown));
    assert_eq!(configurations.count(), 2);
    assert_eq!(shown.len(), 5);
    for limits in shown.iter().filter(|shown| !is_configuration(shown)) {
        assert!(Limits::parse(limits).is_ok(), "{limits}");
    }
}

#[test]
fn the_targets_that_are_shown_are_good() {
    let text = fs::read_to_string(TARGETS).unwrap();
    let shown = blocks(&text, "toml");
    let policies = blocks(&text, "cedar");
    assert_eq!((shown.len(), policies.len()), (2, 2));
    for targets in shown {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let callers = format!(
            "[[tokens]]\nname = \"ann\"\nsha256 = \"{}\"\n",
            "0a".repeat(32)
        );
        let permit = "@id(\"all\") permit (principal, action, resource);";
        let policies = format!("{permit}\n{}", policies.join("\n"));
        let set = [
            ("POOLGATE_CONFIG", write("accounts.toml", targets)),
            ("POOLGATE_AUTHN__CALLERS_FILE", write("c.toml", &callers)),
            ("POOLGATE_POLICY__FILES", write("p.cedar", &policies)),
            ("POOLGATE_AUDIT__UNRECORDED", "everywhere".to_owned()),
        ];
        let sources = Sources {
            environment: set.map(|(name, value)| (name.to_owned(), value)).into(),
            ..Sources::default()
        };

        let config = Config::load(&sources).unwrap_or_else(|mistakes| panic!("{mistakes}"));

        let targets = config.upstream.targets.iter();
        let targets: Vec<_> = targets
            .map(|one| (&*one.name, one.role.is_some()))
            .collect();
        assert_eq!(targets, [("shop", false), ("bank", true)]);
    }
}

#[test]
fn the_policies_and_the_sample_that_are_shown_take_effect() {
    let text = fs::read_to_string(POLICIES).unwrap();
    let policies = blocks(&text, "cedar");
    let samples = blocks(&text, "toml");
    assert_eq!((policies.len(), samples.len()), (6, 2));
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let settings = Settings {
        files: vec![write("policies.cedar", &policies.join("\n"))],
        samples_file: Some(write("samples.toml", samples[1])),
        allowed_role_arns: RoleArns::parse(["arn:aws:iam::111111111111:role/app-*"]).unwrap(),
        ..Settings::default()
    };

    let mistakes = Policies::load(&settings).err().unwrap_or_default();

    assert_eq!(mistakes, []);
}

#[test]
fn the_clients_that_are_shown_are_those_that_are_tested() {
    let readme = fs::read_to_string(README).unwrap();
    for (language, tested) in [
        ("python", "python/test_service_config.py"),
        ("js", "node/service-config.test.js"),
        ("go", "go/service_config_test.go"),
    ] {
        let path = format!("{}/tests/clients/{tested}", env!("CARGO_MANIFEST_DIR"));
        let tested: String = fs::read_to_string(path).unwrap();
        let tested: Vec<&str> = tested.lines().map(str::trim).collect();
        let shown = blocks(&readme, language);
        assert_eq!(shown.len(), 1, "{language}");
        for line in shown[0].lines().map(str::trim) {
            let is_tested = line.starts_with("// beside") || tested.contains(&line);
            assert!(is_tested, "{language}: {line}");
        }
    }
}

/// What stands in the code blocks of a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    text.split(&begin)
        .skip(1)
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

fn tables_are_those_of_the_code(path: &str, tables: &[(&str, String)]) {
    let written = fs::read_to_string(path).unwrap();
    let mut expected = written.clone();
    for (name, table) in tables {
        expected = with_table(&expected, name, table);
    }

    is_that_of_the_code(path, &expected, "has tables that differ from the code");
}

/// Holds a file against what the code makes of it; writes it where that is asked for.
fn is_that_of_the_code(path: &str, expected: &str, otherwise: &str) {
    if std::env::var_os("POOLGATE_WRITE_DOCS").is_some() {
        fs::write(path, expected).unwrap();
        return;
    }
    assert!(
        fs::read_to_string(path).unwrap_or_default() == expected,
        "{path} {otherwise}; write it with `POOLGATE_WRITE_DOCS=1 cargo test --test it docs`"
    );
}

/// The text with the table between its two markers.
fn with_table(text: &str, name: &str, table: &str) -> String {
    let begin = format!("<!-- begin {name} -->\n");
    let end = format!("<!-- end {name} -->\n");
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}\n{}\n\n{end}{after}", table.trim_end())
}
