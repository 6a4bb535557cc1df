//! `poolgate policy explain`.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::SystemTime;

use clap::ValueEnum;

use super::super::{Console, exit, json};
use crate::caller::{Caller, Proof};
use crate::clock::Clock;
use crate::config::{Config, Sources, nearest};
use crate::operation::Operation;
use crate::pb;
use crate::server::explain::{Called, Case, Explanation, Written, called, explain};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Touches nothing on the network. Exit codes: 0 allowed, 77 denied, 2 no such call or no policies, 78 mistakes in the configuration.\n\n\
        Example:\n  poolgate policy explain --config poolgate.toml --caller token:shop --attribute team=shop \\\n    \
        --operation DescribeIdentityPool --json '{\"identity_pool_id\": \"eu-west-1:...\"}' \\\n    \
        --pool-tag team=shop"
)]
pub(super) struct Arguments {
    /// The configuration file [otherwise: POOLGATE_CONFIG].
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// The caller's name.
    #[arg(long, value_name = "ID")]
    caller: String,
    /// How the caller proved who it is.
    #[arg(long, value_enum, default_value = "token")]
    proof: Proved,
    /// A role of the caller; may be repeated.
    #[arg(long = "role", value_name = "NAME")]
    roles: Vec<String>,
    /// An attribute of the caller; may be repeated.
    #[arg(long = "attribute", value_name = "KEY=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,
    /// What it does.
    #[arg(long, value_name = "OPERATION", value_parser = operation)]
    operation: Operation,
    /// The request, as `poolgate call` takes it.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    json: String,
    /// A tag of the pool; may be repeated. Without any the tags are not known.
    #[arg(long = "pool-tag", value_name = "KEY=VALUE", value_parser = pair)]
    pool_tags: Vec<(String, String)>,
    /// The pool is there and has no tags.
    #[arg(long, conflicts_with = "pool_tags")]
    untagged: bool,
    /// The pool of an identity; may be repeated. It is not known of others.
    #[arg(long = "pool-of-identity", value_name = "IDENTITY=POOL", value_parser = pair)]
    pools: Vec<(String, String)>,
    /// The target that the call names [otherwise: the one for its region].
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Where the call comes from.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    peer: IpAddr,
    /// When the call comes [otherwise: now].
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_rfc3339)]
    time: Option<SystemTime>,
}

/// How a caller proved who it is.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Proved {
    Anonymous,
    Certificate,
    Jwt,
    Token,
    Process,
}

pub(super) fn run(
    arguments: Arguments,
    environment: Vec<(String, String)>,
    console: &mut Console<'_>,
) -> u8 {
    let sources = Sources {
        file: arguments.config.clone(),
        environment,
        flags: Vec::new(),
    };
    let config = match Config::load(&sources) {
        Ok(config) => config,
        Err(mistakes) => {
            console.complain(mistakes);
            return exit::CONFIGURATION;
        }
    };
    let explained = case(arguments, called(&config.upstream, &config.emulator))
        .and_then(|case| explain(&config.policy, &case));
    match explained {
        Ok(explanation) => say(&explanation, console),
        Err(mistake) => {
            console.complain(mistake);
            exit::USAGE
        }
    }
}

fn case(arguments: Arguments, called: Called) -> Result<Case, String> {
    let operation = arguments.operation;
    let name = format!("cognito.identity.v1.{operation}Request");
    let message = pb::descriptors()
        .get_message_by_name(&name)
        .ok_or_else(|| format!("unknown message `{name}`"))?;
    let tags: BTreeMap<String, String> = arguments.pool_tags.into_iter().collect();
    let known = arguments.untagged || !tags.is_empty();
    Ok(Case {
        operation,
        request: json::parse(&arguments.json, message)?,
        pool_tags: known.then_some(tags),
        called,
        target: arguments.target,
        pool_of_identity: arguments.pools.into_iter().collect::<HashMap<_, _>>(),
        peer: arguments.peer,
        now: arguments.time.unwrap_or_else(|| Clock::system().now()),
        caller: Caller::new(
            arguments.caller.clone(),
            proof(arguments.proof, arguments.caller),
            arguments.roles.into_iter().collect(),
            arguments.attributes.into_iter().collect(),
        ),
    })
}

fn say(explanation: &Explanation, console: &mut Console<'_>) -> u8 {
    match &explanation.denial {
        None => console.say("allowed"),
        Some(reason) => console.say(format_args!("denied: {reason}")),
    }
    say_policies(&explanation.policies, console);
    if let Some(shadow) = &explanation.shadow {
        console.say(format_args!(
            "\nwith the shadow policies: {}",
            shadow.outcome
        ));
        say_policies(&shadow.policies, console);
        for error in &shadow.errors {
            console.say(format_args!("cannot be evaluated: {error}"));
        }
    }
    let asked = match explanation.asked.as_slice() {
        [] => "nothing".to_owned(),
        asked => asked.join("; "),
    };
    console.say(format_args!("\nasked for beside the request: {asked}"));
    match explanation.denial {
        None => exit::OK,
        Some(_) => exit::DENIED,
    }
}

fn say_policies(policies: &[Written], console: &mut Console<'_>) {
    for Written { name, place, text } in policies {
        console.say(format_args!("\n{place}: {name}"));
        for line in text.lines() {
            console.say(format_args!("    {line}"));
        }
    }
}

fn proof(proved: Proved, caller: String) -> Proof {
    match proved {
        Proved::Anonymous => Proof::Anonymous,
        Proved::Certificate => Proof::Certificate {
            serial: String::new(),
        },
        Proved::Jwt => Proof::Jwt {
            issuer: String::new(),
            subject: caller,
            token_id: None,
            issued_at: 0,
        },
        Proved::Token => Proof::StaticToken { name: caller },
        Proved::Process => Proof::Process { name: caller },
    }
}

fn operation(name: &str) -> Result<Operation, String> {
    Operation::from_name(name).ok_or_else(|| {
        let known = Operation::ALL.iter().map(|operation| operation.name());
        match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "not an operation of Amazon Cognito Identity".to_owned(),
        }
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or("without `=` between key and value")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::run_on;

    const POLICIES: &str = r#"@id("team")
permit (principal, action in Poolgate::Action::"read", resource is Poolgate::IdentityPool)
when { principal.hasTag("team") && resource.hasTag("team") && principal.getTag("team") == resource.getTag("team") };
@id("admin") permit (principal in Poolgate::Role::"admin", action, resource);
"#;

    fn poolgate(arguments: &[&str]) -> (u8, String, String) {
        let directory = tempfile::tempdir().unwrap();
        let (policies, shadow) = (
            directory.path().join("a.cedar"),
            directory.path().join("b.cedar"),
        );
        std::fs::write(&policies, POLICIES).unwrap();
        std::fs::write(
            &shadow,
            "@id(\"new\") forbid (principal, action, resource);",
        )
        .unwrap();
        let environment = [
            ("POOLGATE_POLICY__FILES", policies),
            ("POOLGATE_POLICY__SHADOW_FILES", shadow),
        ]
        .map(|(name, path)| (name.to_owned(), path.display().to_string()));
        on(
            arguments,
            environment.into(),
            &format!("{}/", directory.path().display()),
        )
    }

    fn on(
        arguments: &[&str],
        environment: Vec<(String, String)>,
        hidden: &str,
    ) -> (u8, String, String) {
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let mut console = Console {
            input: &mut std::io::empty(),
            input_is_terminal: false,
            output: &mut output,
            errors: &mut errors,
            output_failed: false,
        };
        let arguments = ["poolgate", "policy"]
            .iter()
            .chain(arguments)
            .map(Into::into);
        let code = run_on(&mut console, arguments, environment);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(hidden, "");
        (code, text(output), text(errors))
    }

    #[test]
    fn a_decision_is_told_with_its_policies_their_places_and_what_they_ask_for() {
        let (code, output, errors) = poolgate(&[
            "explain",
            "--caller",
            "token:shop",
            "--attribute",
            "team=shop",
            "--operation",
            "DescribeIdentityPool",
            "--json",
            r#"{"identityPoolId": "eu-west-1:0a"}"#,
            "--pool-tag",
            "team=shop",
        ]);

        assert_eq!((code, errors.as_str()), (exit::OK, ""));
        let expected =
            "allowed\n\na.cedar:1: team\n    @id(\"team\")\n    permit (principal, action in";
        assert!(output.starts_with(expected), "{output}");
        let expected = "\nwith the shadow policies: would be denied\n\nb.cedar:1: new\n";
        assert!(output.contains(expected), "{output}");
        assert!(
            output.ends_with("\nasked for beside the request: the tags of the pool\n"),
            "{output}"
        );
    }

    #[test]
    fn what_is_asked_for_and_not_given_is_told() {
        let (code, output, _) = poolgate(&[
            "explain",
            "--caller",
            "a",
            "--operation",
            "DescribeIdentityPool",
            "--json",
            r#"{"identity_pool_id": "eu-west-1:0a"}"#,
        ]);

        assert_eq!(code, exit::DENIED);
        let expected =
            "\nasked for beside the request: the tags of the pool, which were not given\n";
        assert!(output.ends_with(expected), "{output}");
    }

    #[test]
    fn the_account_is_the_one_that_would_be_called() {
        let directory = tempfile::tempdir().unwrap();
        let policies = directory.path().join("a.cedar");
        let policy = "@id(\"a\") permit (principal, action == Poolgate::Action::\"ListIdentityPools\", resource) \
                      when { resource has account && resource.account == \"210987654321\" };";
        std::fs::write(&policies, policy).unwrap();
        let policies = policies.to_str().unwrap();
        let callers = directory.path().join("callers.toml");
        let hash = "a".repeat(64);
        std::fs::write(
            &callers,
            format!("[[tokens]]\nname = \"a\"\nsha256 = \"{hash}\"\n"),
        )
        .unwrap();
        let callers = callers.to_str().unwrap();
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        for (more, expected) in [
            (&[][..], exit::DENIED),
            (
                &[("POOLGATE_EMULATOR__ACCOUNT_ID", "210987654321")],
                exit::OK,
            ),
            (
                &[
                    ("POOLGATE_UPSTREAM__KIND", "aws"),
                    ("POOLGATE_UPSTREAM__ACCOUNT_ID", "210987654321"),
                    ("POOLGATE_AUTHN__CALLERS_FILE", callers),
                    ("POOLGATE_AUDIT__STDOUT", "true"),
                ],
                exit::OK,
            ),
            (
                &[
                    ("POOLGATE_UPSTREAM__KIND", "aws"),
                    (
                        "POOLGATE_UPSTREAM__TARGETS",
                        "[{name = \"shop\", account_id = \"210987654321\"}]",
                    ),
                    ("POOLGATE_AUTHN__CALLERS_FILE", callers),
                    ("POOLGATE_AUDIT__STDOUT", "true"),
                ],
                exit::OK,
            ),
        ] {
            let more = more.iter().map(|(name, value)| set(name, value));
            let environment = more.chain([set("POOLGATE_POLICY__FILES", policies)]);
            let arguments = [
                "explain",
                "--caller",
                "a",
                "--operation",
                "ListIdentityPools",
            ];
            let (code, output, errors) = on(&arguments, environment.collect(), "/");
            assert_eq!(code, expected, "{output}{errors}");
        }
    }

    #[test]
    fn a_target_that_there_is_not_is_refused_as_a_call_would_be() {
        let (code, _, errors) = poolgate(&[
            "explain",
            "--caller",
            "a",
            "--operation",
            "ListIdentityPools",
            "--target",
            "shop",
        ]);

        assert_eq!(code, exit::USAGE);
        let expected = "goes to no target: `x-poolgate-target`: no targets are set up";
        assert!(errors.starts_with(expected), "{errors}");
    }

    #[test]
    fn a_denial_has_an_exit_code_of_its_own() {
        let delete = [
            "explain",
            "--caller",
            "a",
            "--role",
            "ops",
            "--operation",
            "DeleteIdentityPool",
            "--json",
            r#"{"identity_pool_id": "eu-west-1:0a"}"#,
            "--untagged",
        ];
        let (code, output, _) = poolgate(&delete);
        assert_eq!(code, exit::DENIED);
        let expected = "denied: policy `guardrail-deletions` forbids this call\n\nguardrails.cedar (built in):";
        assert!(output.starts_with(expected), "{output}");
        assert!(
            output.ends_with("\nasked for beside the request: nothing\n"),
            "{output}"
        );

        let admin: Vec<&str> = delete
            .iter()
            .map(|&word| if word == "ops" { "admin" } else { word })
            .collect();
        assert_eq!(poolgate(&admin).0, exit::OK);
    }

    #[test]
    fn what_is_no_call_is_refused() {
        for (arguments, expected) in [
            (
                &["--operation", "GetId"][..],
                "refused before policies are asked: 1 validation error detected",
            ),
            (
                &["--operation", "GetId", "--json", "{\"pool\": 1}"],
                "unknown field `pool`",
            ),
        ] {
            let arguments: Vec<&str> = ["explain", "--caller", "a"]
                .iter()
                .chain(arguments)
                .copied()
                .collect();
            let (code, _, errors) = poolgate(&arguments);
            assert_eq!(code, exit::USAGE);
            assert!(errors.starts_with(expected), "{errors}");
        }
        let (code, _, errors) = on(
            &[
                "explain",
                "--caller",
                "a",
                "--operation",
                "ListIdentityPools",
            ],
            Vec::new(),
            "/",
        );
        assert_eq!(
            (code, errors.as_str()),
            (exit::USAGE, "there are no policies; set `policy.files`\n")
        );
        assert!(operation("GetIdd").unwrap_err().contains("`GetId`"));
    }

    #[test]
    fn the_schema_can_be_printed() {
        let (code, output, _) = on(&["schema"], Vec::new(), "/nowhere");
        assert_eq!(code, exit::OK);
        assert!(output.contains("namespace Poolgate {"), "{output}");
    }
}
