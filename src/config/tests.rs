use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::server::Unauthenticated;

#[test]
fn a_variable_with_one_underscore_too_few_is_a_mistake_and_those_of_others_are_not() {
    let sources = |name: &str| Sources {
        environment: vec![(name.to_owned(), "aws".to_owned())],
        ..Sources::default()
    };

    let mistakes = Config::load(&sources("POOLGATE_UPSTREAM_KIND")).unwrap_err();
    assert!(mistakes.to_string().contains("`POOLGATE_UPSTREAM__KIND`"));

    assert!(Config::load(&sources("POOLGATE_PORT_50051_TCP")).is_ok());
}

#[test]
fn without_any_source_each_room_has_its_defaults() {
    let config = Config::load(&Sources::default()).unwrap();

    assert_eq!(config.server, server::Settings::default());
    assert_eq!(config.admin, server::admin::Settings::default());
    assert_eq!(config.policy, policy::Settings::default());
    assert_eq!(config.quota, quota::Settings::default());
    assert_eq!(config.upstream, upstream::Settings::default());
    assert_eq!(config.emulator, emulator::Settings::default());
    assert_eq!(config.log, telemetry::log::Settings::default());
}

#[test]
fn the_defaults_in_the_table_are_those_of_the_rooms() {
    let written_out = keys::ALL
        .iter()
        .filter_map(|key| Some((key.variable(), key.default()?.to_owned())));

    let config = load("", written_out).unwrap();

    assert_eq!(config.server, server::Settings::default());
    assert_eq!(config.admin, server::admin::Settings::default());
    assert_eq!(config.policy, policy::Settings::default());
    assert_eq!(config.quota, quota::Settings::default());
    assert_eq!(config.upstream, upstream::Settings::default());
    assert_eq!(config.emulator, emulator::Settings::default());
    assert_eq!(config.log, telemetry::log::Settings::default());
}

#[test]
fn flags_overrule_the_environment_which_overrules_the_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "[server]\nlisten = \"127.0.0.1:1\"\nmax_connections = 1_0\nreflection = false\n";
    std::fs::write(file.path(), text).unwrap();
    let sources = Sources {
        file: Some(file.path().to_owned()),
        environment: variables([
            ("POOLGATE_SERVER__LISTEN", "127.0.0.1:2"),
            ("POOLGATE_SERVER__MAX_CONNECTIONS", "20"),
        ]),
        flags: vec![Flag {
            name: "--listen",
            key: "server.listen",
            value: "127.0.0.1:3".to_owned(),
        }],
    };

    let config = Config::load(&sources).unwrap();

    assert_eq!(config.server.listen.port(), 3);
    assert_eq!(config.server.max_connections, 20);
    assert!(!config.server.reflection);
}

#[test]
fn the_file_is_named_by_a_variable_when_no_flag_names_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[log]\nlevel = \"debug\"\n").unwrap();
    let path = file.path().to_str().unwrap();

    let config = load("", variables([(FILE_VARIABLE, path)])).unwrap();

    assert_eq!(config.log.level, "debug");
}

#[test]
fn mistakes_in_the_files_of_login_providers_are_mistakes_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let issuers = folder.path().join("issuers.toml");
    let metadata = folder.path().join("idp.xml");
    std::fs::write(&issuers, "[[issuers]]\nissuer = \"http://a.example\"\n").unwrap();
    std::fs::write(&metadata, "<EntityDescriptor/>").unwrap();
    let arn = "arn:aws:iam::123456789012:saml-provider/idp";
    let text = format!(
        "[emulator]\nissuers_file = {issuers:?}\nsaml_metadata = [\"{arn}={}\"]\n\
         test_issuers = [\"https://b.example\", \"https://b.example/\"]\nlogin_tokens = \"loose\"\n",
        metadata.display()
    );

    let mistakes = load(&text, Vec::new()).unwrap_err().to_string();

    for expected in [
        ": issuers[0].issuer: not an https URL",
        ": issuers[0]: wants one of `jwks`, `jwks_file` and `jwks_url`",
        "idp.xml: the `EntityDescriptor` has no `entityID`",
        ": https://b.example is named twice",
        "emulator.login_tokens = \"loose\": not one of the known words; accepted: `lenient`, `strict`",
    ] {
        assert!(mistakes.contains(expected), "{expected}\n{mistakes}");
    }
    assert_eq!(mistakes.lines().count(), 5, "{mistakes}");
}

#[test]
fn mistakes_in_the_file_of_faults_are_mistakes_of_the_configuration() {
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    std::fs::write(
        file.path(),
        r#"{"rules": [{"fault": "throttle", "every": 0}, 1]}"#,
    )
    .unwrap();
    let text = format!(
        "[emulator]\nfaults_file = {:?}\nclock = \"sun\"\n",
        file.path()
    );

    let mistakes = load(&text, Vec::new()).unwrap_err().to_string();

    for expected in [
        ": rules[0].every: not a whole number from 1 on",
        ": rules[1]: not a table",
        "emulator.clock = \"sun\": not one of the known words; accepted: `system`, `manual`",
    ] {
        assert!(mistakes.contains(expected), "{expected}\n{mistakes}");
    }
    assert_eq!(mistakes.lines().count(), 3, "{mistakes}");
}

#[test]
fn every_mistake_is_reported_at_once_and_says_where_it_was_made() {
    let text = r#"
[server]
listen = "localhost:50051"
max_conections = 5
drain_grace = "1h"

[sever]
listen = "127.0.0.1:1"

[upstream]
fips = [true]
"#;
    let environment = variables([
        ("POOLGATE_UPSTREAM__KIND", "gcp"),
        ("POOLGATE_UPSTREAM__REGIN", "eu-west-1"),
        ("POOLGATE_PORT", "tcp://10.0.0.1:50051"),
    ]);

    let mistakes = load(text, environment).unwrap_err().to_string();

    for expected in [
        ".toml:3: server.listen = \"localhost:50051\": not an IP address with a port; accepted: an IP address",
        ".toml:4: server.max_conections: unknown key `max_conections`; did you mean `max_connections`?",
        ".toml:5: server.drain_grace = \"1h\": too long; accepted: a duration with its unit, 0s to 10m",
        ".toml:7: unknown section `sever`; did you mean `server`?",
        ".toml:11: upstream.fips: array is not expected here; accepted: `true`, `false`",
        "POOLGATE_UPSTREAM__KIND: upstream.kind = \"gcp\": not one of the known words; accepted: `emulator`, `aws`",
        "POOLGATE_UPSTREAM__REGIN: unknown variable `POOLGATE_UPSTREAM__REGIN`; did you mean `POOLGATE_UPSTREAM__REGION`?",
    ] {
        assert!(
            mistakes.contains(expected),
            "{expected}\nis not in\n{mistakes}"
        );
    }
    assert_eq!(mistakes.lines().count(), 7, "{mistakes}");
}

#[test]
fn a_file_that_is_not_toml_or_not_there_is_a_mistake() {
    let broken = load("[server\nlisten = 1", []).unwrap_err().to_string();
    assert!(broken.contains(".toml:1: "), "{broken}");

    let sources = Sources {
        file: Some("/nowhere/poolgate.toml".into()),
        ..Sources::default()
    };
    let missing = Config::load(&sources).unwrap_err().to_string();
    assert!(
        missing.starts_with("--config: /nowhere/poolgate.toml cannot be read: No such file"),
        "{missing}"
    );
}

#[test]
fn a_url_with_a_password_is_refused_without_showing_it() {
    let environment = variables([
        ("POOLGATE_UPSTREAM__KIND", "aws"),
        ("POOLGATE_UPSTREAM__ENDPOINT_URL", "http://me:s3cret@host"),
    ]);

    let mistakes = load("", environment).unwrap_err().to_string();

    assert!(!mistakes.contains("s3cret"), "{mistakes}");
    assert!(mistakes.contains("user name or password"), "{mistakes}");
}

#[test]
fn a_secret_in_the_place_of_the_path_of_its_file_is_not_shown() {
    let pem = "-----BEGIN PRIVATE KEY-----\ns3cret/s3cret\n-----END PRIVATE KEY-----\n";
    let told = |environment: Vec<(String, String)>| match load("", environment) {
        Ok(config) => config.to_toml().to_owned(),
        Err(mistakes) => mistakes.to_string(),
    };
    for &key in keys::ALL {
        if key.shape() != accepts::Shape::Tables {
            let told = told(vec![(key.variable(), pem.to_owned())]);
            assert!(!told.contains("s3cret"), "{}: {told}", key.path());
        }
    }
    let redis = ("POOLGATE_QUOTA__STORE", "redis");
    for set in [
        ("POOLGATE_QUOTA__REDIS_URL_FILE", "redis://:s3cret@host:1"),
        ("POOLGATE_QUOTA__REDIS_KEY_FILE", "s3cret/s3cret+s3cret=="),
        ("POOLGATE_QUOTA__REDIS_CA_FILE", "rediss://:s3cret@host:1"),
        ("POOLGATE_AUDIT__MAC_KEY_FILE", "/s3cret"),
        ("POOLGATE_AUDIT__SIGNING_KEY_FILE", "s3cret"),
        (
            "POOLGATE_AUDIT__FORWARD_HEADERS_FILE",
            "authorization: s3cret",
        ),
        (
            "POOLGATE_TRACES__HEADERS_FILE",
            "authorization: Bearer s3cret",
        ),
        ("POOLGATE_EMULATOR__SECRET_KEYS_FILE", "AKIA1:s3cret"),
        (
            "POOLGATE_EMULATOR__TEST_ISSUERS",
            "https://u:s3cret@x, https://b.example",
        ),
        (
            "POOLGATE_EMULATOR__TEST_ISSUERS",
            "https://u:s3cret,s3cret@x",
        ),
        ("POOLGATE_POLICY__FILES", "https://u:s3cret@x/a.cedar"),
        ("POOLGATE_SERVER__UNIX_SOCKET", "redis://:s3cret@host:1"),
        ("POOLGATE_AUDIT__FILE", "redis://:s3cret@host:1/0"),
        ("POOLGATE_EMULATOR__DATA_DIR", "redis://:s3cret@host:1/0"),
        ("POOLGATE_CONFIG", "[quota]\nredis = \"s3cret\""),
    ] {
        for environment in [variables([set]), variables([set, redis])] {
            let told = told(environment);
            assert!(!told.contains("s3cret"), "{}: {told}", set.0);
            assert!(told.contains("(hidden)"), "{}: {told}", set.0);
        }
    }
    let slip = ("POOLGATE_TLS__KEY_FILE", "/etc/not-there.key");
    assert!(told(variables([slip])).contains("/etc/not-there.key"));
}

#[test]
fn contradictions_between_keys_are_mistakes() {
    let known = Known::new();
    for (why, text, expected) in [
        (
            "strangers would be let in",
            "[server]\nlisten = \"0.0.0.0:50051\"",
            "server.listen = \"0.0.0.0:50051\": other machines",
        ),
        (
            "others would read along",
            "[server]\nlisten = \"0.0.0.0:50051\"\nunauthenticated = \"everywhere\"",
            "nothing is encrypted; set tls.certificate_file and tls.key_file, \
             or write `server.plaintext = \"everywhere\"`",
        ),
        (
            "a certificate without its key",
            "[tls]\ncertificate_file = \"a.pem\"",
            "tls.certificate_file = \"a.pem\": wants tls.key_file",
        ),
        (
            "a key without its certificate",
            "[tls]\nkey_file = \"a.pem\"",
            "tls.key_file = \"(hidden)\": wants tls.certificate_file",
        ),
        (
            "authorities without TLS",
            "[tls]\nclient_ca_file = \"a.pem\"",
            "tls.client_ca_file = \"a.pem\": wants tls.certificate_file",
        ),
        (
            "certificates of no authority",
            "[tls]\nclient_certificates = \"optional\"",
            "tls.client_certificates = \"optional\": wants tls.client_ca_file",
        ),
        (
            "revoked by no authority",
            "[tls]\ncrl_files = [\"a.pem\", \"b.pem\"]",
            "tls.crl_files = \"a.pem,b.pem\": wants tls.client_ca_file",
        ),
        (
            "strangers would mint login tokens",
            "[admin]\nlisten = \"0.0.0.0:9464\"",
            "admin.listen = \"0.0.0.0:9464\": other machines",
        ),
        (
            "one port cannot serve two protocols",
            "[admin]\nlisten = \"127.0.0.1:50051\"",
            "the same address as server.listen",
        ),
        (
            "the default would be longer than the most",
            "[server]\nmax_deadline = \"5s\"",
            "server.default_deadline = \"10s\": longer than server.max_deadline",
        ),
        (
            "the default region would be refused",
            "[upstream]\nregions = [\"eu-west-1\"]",
            "upstream.region = \"us-east-1\": not among upstream.regions",
        ),
        (
            "an endpoint overrules the choice of endpoints",
            "[upstream]\nkind = \"aws\"\nendpoint_url = \"http://127.0.0.1:1\"\nfips = true\n[audit]\nstdout = true\n{known}",
            "upstream.fips = \"true\": chooses among",
        ),
        (
            "strangers would use poolgate's credentials, if only from this machine",
            "[upstream]\nkind = \"aws\"\n[audit]\nstdout = true",
            "upstream.kind = \"aws\": calls to AWS want callers who prove who they are; set `authn.callers_file`",
        ),
        (
            "the written-out way lets nobody in front of AWS",
            "[server]\nunauthenticated = \"everywhere\"\n[upstream]\nkind = \"aws\"\n[audit]\nunrecorded = \"everywhere\"",
            "upstream.kind = \"aws\": calls to AWS want callers",
        ),
        (
            "nobody would know what was done at AWS",
            "[upstream]\nkind = \"aws\"\n{known}",
            "calls to AWS want a record of each; set `audit.file`, or `audit.stdout = true`",
        ),
        (
            "a key that is not there",
            "[audit]\nstdout = true\nmac_key_file = \"/nowhere\"",
            "audit.mac_key_file = \"(hidden)\": cannot be read",
        ),
        (
            "callers who are known could do nothing, or everything",
            "[authn]\ncallers_file = \"{callers}\"",
            "nothing says what they may do; set `policy.files`",
        ),
        (
            "the emulator would answer in place of the endpoint",
            "[upstream]\nendpoint_url = \"http://127.0.0.1:1\"",
            "wants upstream.kind",
        ),
    ] {
        let text = text.replace("{known}", &known.text());
        let text = text.replace("{callers}", known.callers.to_str().unwrap());
        let mistakes = load(&text, []).expect_err(why).to_string();
        assert!(mistakes.contains(expected), "{why}: {mistakes}");
        assert_eq!(mistakes.lines().count(), 1, "{why}: {mistakes}");
    }
    let open = "[server]\nlisten = \"0.0.0.0:50051\"\nplaintext = \"everywhere\"\n{known}";
    let closed = load(&open.replace("{known}", &known.text()), []);
    assert!(closed.is_ok(), "{closed:?}: callers are known");
}

#[test]
fn the_opt_in_lets_everybody_in() {
    let text = "[server]\nlisten = \"0.0.0.0:50051\"\nunauthenticated = \"everywhere\"\n\
        plaintext = \"everywhere\"";

    let config = load(text, []).unwrap();

    assert_eq!(config.server.unauthenticated, Unauthenticated::Everywhere);
}

#[test]
fn lists_durations_and_empty_variables_are_read_from_the_environment() {
    let environment = variables([
        ("POOLGATE_UPSTREAM__REGIONS", "eu-west-1, us-east-1"),
        ("POOLGATE_UPSTREAM__CONNECT_TIMEOUT", "250ms"),
        ("POOLGATE_UPSTREAM__ENDPOINT_URL", ""),
        ("POOLGATE_ADMIN__LISTEN", "off"),
    ]);

    let config = load("", environment).unwrap();

    assert_eq!(config.upstream.regions, ["eu-west-1", "us-east-1"]);
    assert_eq!(config.upstream.connect_timeout, Duration::from_millis(250));
    assert_eq!(config.upstream.endpoint_url, None);
    assert_eq!(config.admin.listen, None);
}

#[test]
fn the_effective_configuration_is_a_file_with_the_same_effect() {
    let environment = variables([
        ("POOLGATE_UPSTREAM__REGIONS", "eu-west-1,us-east-1"),
        ("POOLGATE_SERVER__DRAIN_NOTICE", "1s"),
        ("POOLGATE_SERVER__REFLECTION", "false"),
    ]);
    let first = load("", environment).unwrap();

    let second = load(first.to_toml(), []).unwrap();

    assert_eq!(second.server, first.server);
    assert_eq!(second.upstream, first.upstream);
    let line = "drain_notice = \"1s\"  # POOLGATE_SERVER__DRAIN_NOTICE";
    assert!(first.to_toml().contains(line), "{}", first.to_toml());
}

#[test]
fn a_number_is_printed_as_a_file_may_have_it_however_it_was_written() {
    for (written, ratio) in [("0.1", 0.1), ("1e-3", 0.001), ("1", 1.0), ("\"0.5\"", 0.5)] {
        let config = load(&format!("[traces]\nsample_ratio = {written}\n"), []);
        assert_eq!(config.unwrap().traces.sample_ratio, ratio, "{written}");
    }
    let environment = variables([
        ("POOLGATE_TRACES__SAMPLE_RATIO", ".5"),
        ("POOLGATE_SERVER__MAX_CONNECTIONS", "+007"),
    ]);

    let first = load("", environment).unwrap();
    let second = load(first.to_toml(), []).unwrap();

    assert_eq!(second.traces.sample_ratio, 0.5);
    assert_eq!(second.server.max_connections, 7);
    let mistakes = load("[traces]\nsample_ratio = 1.5\n", []).unwrap_err();
    assert!(mistakes.to_string().contains("not between 0 and 1"));
}

#[test]
fn files_for_a_collector_want_one_and_have_to_be_good() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("headers");
    std::fs::write(&path, "authorization s3cret\n").unwrap();
    let path = path.to_str().unwrap();
    let told = |endpoint: &str| {
        let environment = [
            ("POOLGATE_TRACES__ENDPOINT", endpoint),
            ("POOLGATE_TRACES__HEADERS_FILE", path),
            ("POOLGATE_TRACES__CA_FILE", path),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let sources = Sources {
            environment: environment.into(),
            ..Sources::default()
        };
        Config::load(&sources).unwrap_err().to_string()
    };

    let without = told("");
    let with = told("https://collector:4317");

    for (text, told) in [
        ("wants traces.endpoint", &without),
        ("wants traces.endpoint with https", &without),
        ("line 1 is not `name: value`", &with),
        ("holds no certificate in PEM", &with),
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
    assert!(!without.contains("s3cret") && !with.contains("s3cret"));
}

#[test]
fn mistakes_in_the_file_of_limits_are_mistakes_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let limits = folder.path().join("limits.toml");
    std::fs::write(
        &limits,
        "[[limits]]\nname = \"a\"\nwindows = [\"1\", \"2/week\"]\n",
    )
    .unwrap();
    let text = format!(
        "[quota]\nlimits_file = {limits:?}\nin_force = \"never\"\nfailed_authentications = \"many\"\n"
    );

    let mistakes = load(&text, Vec::new()).unwrap_err().to_string();

    for expected in [
        ": line 3: limits[0].windows: `1` has no `/`",
        ": line 3: limits[0].windows: `week` is not one of the units",
        ": has no effect with quota.in_force = \"never\"",
        "quota.failed_authentications = \"many\": `many` has no `/`",
    ] {
        assert!(
            mistakes.contains(expected),
            "{expected} is not in {mistakes}"
        );
    }
    assert_eq!(mistakes.lines().count(), 4, "{mistakes}");
}

#[test]
fn quotas_are_of_regions_that_calls_may_go_to() {
    let folder = tempfile::tempdir().unwrap();
    let limits = folder.path().join("limits.toml");
    let quotas = "[account.regions.eu-wset-1]\nGetId = 500\n[account.regions.eu-west-1]\n";
    std::fs::write(&limits, quotas).unwrap();

    let text = format!("[quota]\nlimits_file = {limits:?}\n");
    let mistakes = load(&text, Vec::new()).unwrap_err().to_string();

    let expected = ": account.regions.eu-wset-1: no call may go there (upstream.regions)";
    assert!(mistakes.contains(expected), "{mistakes}");
    assert_eq!(mistakes.lines().count(), 1, "{mistakes}");
}

#[test]
fn callers_are_limited_in_front_of_aws_and_where_a_file_says_how() {
    let folder = tempfile::tempdir().unwrap();
    let limits = folder.path().join("limits.toml");
    std::fs::write(&limits, "[[limits]]\nname = \"all\"\nwindows = [\"9/s\"]\n").unwrap();
    let with_file = format!("[quota]\nlimits_file = {limits:?}\n");
    for (why, text, is_on) in [
        ("the emulator", "", false),
        ("a file", with_file.as_str(), true),
        ("written out", "[quota]\nin_force = \"always\"\n", true),
    ] {
        let config = load(text, Vec::new()).unwrap();

        assert_eq!(config.quota.is_on(), is_on, "{why}");
        let shown = config.to_toml();
        assert_eq!(
            shown.contains("# Callers are not limited."),
            !is_on,
            "{shown}"
        );
        assert_eq!(
            shown.contains("default-read: read of each caller"),
            is_on,
            "{shown}"
        );
        assert_eq!(
            shown.contains("all: all of each caller: 9/s"),
            why == "a file",
            "{shown}"
        );
    }
    let aws = quota::Settings {
        faces_aws: true,
        ..Default::default()
    };
    assert!(aws.is_on());
}

#[test]
fn what_is_wrong_about_redis_is_told_at_once_and_shows_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        format!("{path:?}")
    };
    let (url, key) = (file("url", "redis://:s3cret@"), file("key", "s3cret"));
    let store = "[quota]\nstore = \"redis\"\n";
    let bad = format!(
        "{store}redis_url_file = {url}\nredis_key_file = {key}\nredis_ca_file = \"/nowhere\"\n\
         redis_timeout = \"5s\"\nreplicas = 0\non_store_failure = \"allow\"\n"
    );
    let lonely = format!(
        "[quota]\nredis_url_file = {url}\nredis_cluster = true\non_store_failure = \"deny\"\n"
    );
    for (text, expected) in [
        (
            bad.as_str(),
            &[
                ": not like `redis://HOST:PORT`",
                ": the key has fewer than 32 bytes",
                "quota.redis_ca_file = \"/nowhere\": cannot be read",
                "quota.redis_timeout = \"5s\": too long",
                "quota.replicas = \"0\": too small",
                "quota.on_store_failure = \"allow\": not one of the known words",
            ][..],
        ),
        (
            store,
            &[
                "quota.redis_url_file: not set, and quota.store = \"redis\" wants it",
                "quota.redis_key_file: not set, and quota.store = \"redis\" wants it",
            ],
        ),
        (
            &lonely,
            &[
                ": wants quota.store = \"redis\"",
                "quota.redis_cluster = \"true\": wants quota.store",
                "quota.on_store_failure = \"deny\": wants quota.store",
            ],
        ),
        (
            &format!(
                "{store}in_force = \"never\"\nredis_url_file = {}\nredis_key_file = {}\n",
                file("good-url", "redis://:s3cret@127.0.0.1"),
                file("good-key", &"s3cret".repeat(6)),
            ),
            &["quota.store = \"redis\": has no effect with quota.in_force = \"never\""],
        ),
    ] {
        let mistakes = load(text, []).unwrap_err().to_string();

        for expected in expected {
            assert!(
                mistakes.contains(expected),
                "{expected} is not in:\n{mistakes}"
            );
        }
        assert_eq!(mistakes.lines().count(), expected.len(), "{mistakes}");
        assert!(!mistakes.contains("s3cret"), "{mistakes}");
    }
}

#[test]
fn the_reference_has_a_row_for_every_key() {
    let reference = reference();

    assert_eq!(reference.lines().count(), keys::ALL.len() + 2);
    let row = "| `server.max_message_bytes` | `POOLGATE_SERVER__MAX_MESSAGE_BYTES` | `1048576` | The largest message, in bytes. | 1024 to 4194304 |";
    assert!(reference.contains(row), "{reference}");
}

fn load(
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, Mistakes> {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Config::load(&Sources {
        file: (!text.is_empty()).then(|| file.path().to_owned()),
        environment: environment.into_iter().collect(),
        flags: Vec::new(),
    })
}

fn variables<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn mistakes_in_the_callers_file_are_mistakes_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let callers = folder.path().join("callers.toml");
    let text = format!("[authn]\ncallers_file = {callers:?}\n");

    std::fs::write(&callers, "both = \"either\"\n[[issuers]]\n").unwrap();
    let mistakes = load(&text, Vec::new()).unwrap_err().to_string();
    std::fs::write(&callers, token()).unwrap();
    let policies = Known::new();
    let text = format!("{text}[policy]\nfiles = [{:?}]\n", policies.policies);
    let config = load(&text, Vec::new()).unwrap();

    for expected in [
        ": line 1: both: not one of `same-caller`, `certificate`, `token`",
        ": line 2: issuers[0].algorithms: missing",
    ] {
        assert!(mistakes.contains(expected), "{expected}\n{mistakes}");
    }
    assert_eq!(mistakes.lines().count(), 5, "{mistakes}");
    assert_eq!(config.authn.callers_file, Some(callers.clone()));
    assert_eq!(config.authn.callers.files(), [callers]);
}

#[test]
fn every_mistake_in_policies_is_told_with_those_of_the_keys() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.cedar");
    std::fs::write(
        &path,
        "permit (principal, action, resource);\n@id(\"b\") nothing;",
    )
    .unwrap();
    let files = path.display().to_string();
    let load = |variables: &[(&str, &str)]| {
        let variables = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        load("", variables).map_err(|mistakes| mistakes.to_string())
    };

    let mistakes = load(&[
        ("POOLGATE_POLICY__FILES", &files),
        ("POOLGATE_LOG__FORMAT", "xml"),
    ])
    .unwrap_err();
    assert!(
        mistakes.contains("a.cedar:1: a policy without a name"),
        "{mistakes}"
    );
    assert!(mistakes.contains("a.cedar:2: "), "{mistakes}");
    assert!(mistakes.contains("log.format"), "{mistakes}");

    let mistakes = load(&[
        ("POOLGATE_POLICY__FILES", &files),
        ("POOLGATE_POLICY__GUARDRAILS_OFF", "all"),
    ])
    .unwrap_err();
    assert!(mistakes.contains("`all` is not a guardrail"), "{mistakes}");
    assert!(mistakes.contains("a.cedar:2: "), "{mistakes}");
    assert_eq!(mistakes.lines().count(), 3, "{mistakes}");

    let mistakes = load(&[
        ("POOLGATE_POLICY__SHADOW_FILES", &files),
        ("POOLGATE_POLICY__SAMPLES_FILE", "samples.toml"),
    ])
    .unwrap_err();
    assert_eq!(
        mistakes.matches("wants policy.files").count(),
        2,
        "{mistakes}"
    );

    std::fs::write(&path, "@id(\"a\") permit (principal, action, resource);").unwrap();
    let config = load(&[
        ("POOLGATE_POLICY__FILES", &files),
        ("POOLGATE_UPSTREAM__REGION", "eu-west-1"),
    ])
    .unwrap();
    assert_eq!(config.policy.region, "eu-west-1");
    assert!(config.policy.is_on());
}

#[test]
fn a_mistake_in_shadow_policies_or_samples_is_told_of_their_key() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = "@id(\"all\") permit (principal, action, resource);";
    let files = file("all.cedar", good);
    file("shadow/b.cedar", "nothing;");
    let told = |key: &str, path: &str| {
        let environment = variables([("POOLGATE_POLICY__FILES", &files), (key, path)]);
        load("", environment).unwrap_err().to_string()
    };

    let shadow = folder.path().join("shadow");
    let shadow = told("POOLGATE_POLICY__SHADOW_FILES", shadow.to_str().unwrap());
    let samples = file("samples.toml", "[[sample]]\n");
    let samples = told("POOLGATE_POLICY__SAMPLES_FILE", &samples);

    for (told, key) in [
        (
            shadow,
            "POOLGATE_POLICY__SHADOW_FILES: policy.shadow_files = ",
        ),
        (
            samples,
            "POOLGATE_POLICY__SAMPLES_FILE: policy.samples_file = ",
        ),
    ] {
        assert!(told.lines().all(|line| line.starts_with(key)), "{told}");
    }
}

#[test]
fn check_tells_what_cannot_be_written_and_makes_nothing() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("file"), "").unwrap();
    std::os::unix::fs::symlink("file", at("link")).unwrap();
    for (key, path, expected) in [
        ("AUDIT__FILE", at("none/x.jsonl"), Some("No such file")),
        ("AUDIT__FILE", at("file/x.jsonl"), Some("not a directory")),
        ("AUDIT__FILE", at("link"), Some("a symbolic link")),
        ("AUDIT__FILE", at(""), Some("not a regular file")),
        ("AUDIT__FILE", at("x.jsonl"), None),
        ("SERVER__UNIX_SOCKET", at("none/s"), Some("No such file")),
        ("SERVER__UNIX_SOCKET", at("s"), None),
        (
            "EMULATOR__DATA_DIR",
            at("file/data"),
            Some("not a directory"),
        ),
        ("EMULATOR__DATA_DIR", at("new/data"), None),
    ] {
        let environment = vec![(format!("POOLGATE_{key}"), path.clone())];
        let sources = Sources {
            environment,
            ..Sources::default()
        };

        let told = Config::check(&sources).err().map(|told| told.to_string());

        match expected {
            Some(expected) => {
                let told = told.unwrap_or_default();
                assert!(told.contains(expected), "{key} {path}: {told}");
                assert!(Config::load(&sources).is_ok(), "{key} {path}");
            }
            None => assert_eq!(told, None, "{key} {path}"),
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn callers_who_need_a_certificate_that_nobody_asks_for_are_a_mistake() {
    let known = Known::new();
    for (why, callers, expected) in [
        ("certificates alone", "[certificates]".to_owned(), 1),
        (
            "both are wanted",
            format!("require = \"all\"\n{}", token()),
            1,
        ),
        ("one is enough", format!("{}[certificates]\n", token()), 0),
    ] {
        std::fs::write(&known.callers, callers).unwrap();
        let mistakes = load(&known.text(), []).err().map(|it| it.to_string());

        let mistakes = mistakes.unwrap_or_default();
        assert_eq!(mistakes.lines().count(), expected, "{why}: {mistakes}");
        let says = "nobody in without a client certificate, and clients are not asked";
        assert_eq!(mistakes.contains(says), expected == 1, "{why}: {mistakes}");
    }
}

/// A static token in a callers file.
fn token() -> String {
    format!(
        "[[tokens]]\nname = \"ci\"\nsha256 = \"{}\"\n",
        "a5dd".repeat(16)
    )
}

/// A callers file and policies without a mistake.
struct Known {
    callers: PathBuf,
    policies: PathBuf,
    _folder: TempDir,
}

impl Known {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let known = Self {
            callers: folder.path().join("callers.toml"),
            policies: folder.path().join("all.cedar"),
            _folder: folder,
        };
        std::fs::write(&known.callers, token()).unwrap();
        let all = "@id(\"all\") permit (principal, action, resource);";
        std::fs::write(&known.policies, all).unwrap();
        known
    }

    /// The sections that name them.
    fn text(&self) -> String {
        let (callers, policies) = (&self.callers, &self.policies);
        format!("[authn]\ncallers_file = {callers:?}\n[policy]\nfiles = [{policies:?}]\n")
    }
}
