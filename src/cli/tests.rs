use std::sync::Arc;

use clap::CommandFactory;
use tokio::runtime::Runtime;
use tower::service_fn;

use super::*;
use crate::server::{self, listen};
use crate::telemetry::Metrics;

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let mut full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut errors = Vec::new();
    let mut console = Console {
        input: &mut std::io::empty(),
        input_is_terminal: false,
        output: &mut full,
        errors: &mut errors,
        output_failed: false,
    };

    let arguments = ["poolgate", "version"].map(Into::into);
    let code = run_on(&mut console, arguments, Vec::new());

    assert_eq!(code, exit::FAILURE);
    assert!(String::from_utf8(errors).unwrap().contains("cannot write"));
}

#[test]
fn every_help_shows_examples_and_each_of_them_is_understood() {
    let mut command = Cli::command();
    command.build();
    command.clone().debug_assert();
    let mut commands = vec![command];
    let mut examples = 0;
    while let Some(command) = commands.pop() {
        let name = command.get_name().to_owned();
        if name == "help" {
            continue;
        }
        let help = command.get_after_help().expect(&name).to_string();
        let (_, shown) = help.split_once("Example").expect(&name);
        // Where a line is broken, a shell would break it, too.
        let rendered = command.clone().render_help().to_string();
        for line in shown.lines().skip(1) {
            let is_whole = rendered.lines().any(|there| there == line);
            assert!(is_whole, "{name}: {line}\n{rendered}");
        }
        let shown = shown.replace("\\\n    ", "");
        for line in shown
            .lines()
            .skip(1)
            .filter(|line| line.contains("poolgate"))
        {
            if let Some(words) = words_of(line) {
                let read = Cli::try_parse_from(&words);
                assert!(read.is_ok(), "{name}: {words:?}: {}", read.err().unwrap());
                examples += 1;
            }
        }
        commands.extend(command.get_subcommands().cloned());
    }
    assert!(examples >= 20, "{examples}");
}

#[test]
fn the_example_for_aws_is_a_configuration_without_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let shipped = "deploy/kubernetes/configuration";
    let token = format!(
        "[[tokens]]\nname = \"ci\"\nsha256 = \"{}\"\n",
        "a5dd".repeat(16)
    );
    std::fs::write(at("callers.toml"), token).unwrap();
    std::fs::create_dir(at("policies")).unwrap();
    let policy = "policies/applications.cedar";
    std::fs::copy(format!("{shipped}/{policy}"), at(policy)).unwrap();
    let mut command = Cli::command();
    let serve = command.find_subcommand_mut("serve").unwrap();
    let help = serve.get_after_help().unwrap().to_string();

    let set = help
        .split_whitespace()
        .filter_map(|word| word.split_once('='));
    let environment: Vec<(&str, String)> = set
        .map(|(name, value)| match name.contains("FILE") {
            true => (name, at(value)),
            false => (name, value.to_owned()),
        })
        .collect();
    let environment: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let (code, _, errors) = poolgate(&["check"], "", &environment);

    assert_eq!((code, errors.as_str()), (exit::OK, ""));
}

/// The command line of poolgate in an example, as a shell would read it; nothing where
/// another program is called.
fn words_of(line: &str) -> Option<Vec<String>> {
    // What follows two spaces is an explanation.
    let line = line.trim();
    let line = line.split("   ").next()?;
    let line = line.split(['|', '>', '<']).next()?;
    let quoted = line.split('\'').enumerate();
    let words = quoted.flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    let mut words = words
        .skip_while(|word| word.starts_with("POOLGATE_"))
        .peekable();
    (words.peek()? == "poolgate").then(|| words.collect())
}

#[test]
fn shells_are_told_how_to_complete_the_command_line() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, errors) = poolgate(&["completions", shell], "", &[]);

        assert_eq!((code, errors.as_str()), (exit::OK, ""));
        assert!(script.contains("healthcheck"), "{shell}: {script}");
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();

    let written = poolgate(&["manual", path], "", &[]);

    assert_eq!(written, (exit::OK, String::new(), String::new()));
    let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(page("poolgate.1").contains("gRPC facade"));
    assert!(page("poolgate-audit-who.1").contains("access\\-key"));

    let (code, _, errors) = poolgate(&["manual", "/nowhere"], "", &[]);
    assert_eq!(code, exit::FAILURE);
    assert!(errors.starts_with("cannot write to /nowhere: "), "{errors}");
}

#[test]
fn the_schema_of_the_configuration_is_printed_as_json() {
    let (code, output, _) = poolgate(&["config", "schema"], "", &[]);

    let schema: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(code, exit::OK);
    assert_eq!(
        schema["properties"]["upstream"]["additionalProperties"],
        false
    );
}

#[test]
fn flags_of_serve_are_taken_without_naming_it() {
    let cli = Cli::try_parse_from(["poolgate", "--listen", "127.0.0.1:1"]).unwrap();
    assert!(cli.command.is_none());
}

#[test]
fn check_prints_the_configuration_or_every_mistake() {
    let (code, output, _) = poolgate(&["check"], "", &[]);
    assert_eq!(code, exit::OK);
    assert!(
        output.contains("[upstream]\nkind = \"emulator\"\n"),
        "{output}"
    );

    let mistakes = [
        ("POOLGATE_LOG__FORMAT", "xml"),
        ("POOLGATE_LOG__LEVL", "info"),
    ];
    let (code, output, errors) = poolgate(&["check"], "", &mistakes);
    assert_eq!((code, output.as_str()), (exit::CONFIGURATION, ""));
    assert_eq!(errors.lines().count(), 2, "{errors}");
}

#[test]
fn serve_does_not_start_with_a_mistake() {
    let (code, _, errors) = poolgate(&["serve", "--listen", "everywhere"], "", &[]);

    assert_eq!(code, exit::CONFIGURATION);
    assert!(
        errors.starts_with("--listen: server.listen = \"everywhere\""),
        "{errors}"
    );
}

#[test]
fn the_version_is_printed_for_people_and_for_programs() {
    let version = env!("CARGO_PKG_VERSION");

    assert_eq!(
        poolgate(&["version"], "", &[]).1,
        format!("poolgate {version}\n")
    );
    assert_eq!(
        poolgate(&["version", "--json"], "", &[]).1,
        format!("{{\"name\":\"poolgate\",\"version\":\"{version}\"}}\n")
    );
}

#[test]
fn a_healthy_server_is_no_news_unless_asked_for() {
    let server = Server::start();

    let quiet = server.poolgate(&["healthcheck"], "");
    let verbose = server.poolgate(&["healthcheck", "-v"], "");

    assert_eq!(quiet, (exit::OK, String::new(), String::new()));
    assert_eq!(verbose.1, format!("{}: SERVING\n", server.address));
}

#[test]
fn a_server_that_is_not_there_is_a_failure() {
    let address = nowhere();
    for command in [
        vec!["healthcheck", "--address", &address],
        vec!["call", "ListIdentityPools", "{}", "--address", &address],
    ] {
        let (code, output, errors) = poolgate(&command, "", &[]);

        assert_eq!((code, output.as_str()), (exit::FAILURE, ""));
        assert!(errors.contains("cannot connect to"), "{errors}");
        assert!(errors.contains("refused"), "{errors}");
    }
}

#[test]
fn the_admin_port_is_asked_whatever_else_is_set() {
    let server = Server::start();
    let ready = server.running.admin_address.unwrap().to_string();
    // What a health check does not know of the flags and files of its server.
    let open = ("POOLGATE_SERVER__LISTEN", "0.0.0.0:50051");
    let ask = |admin: &str| {
        let environment = [("POOLGATE_ADMIN__LISTEN", admin), open];
        poolgate(&["healthcheck", "--admin", "-v"], "", &environment)
    };

    assert_eq!(
        ask(&ready),
        (exit::OK, format!("{ready}: ready\n"), String::new())
    );
    let (code, _, errors) = ask(&nowhere());
    assert_eq!(code, exit::FAILURE);
    assert!(errors.contains("refused"), "{errors}");
    assert_eq!(ask(&server.address).0, exit::FAILURE, "another port");
    let (code, _, errors) = ask("everywhere");
    assert_eq!(code, exit::CONFIGURATION, "{errors}");
}

#[test]
fn where_the_admin_port_is_off_grpc_is_asked() {
    let server = Server::start();
    let environment = [
        ("POOLGATE_ADMIN__LISTEN", "off"),
        ("POOLGATE_SERVER__LISTEN", &server.address),
    ];

    let answer = poolgate(&["healthcheck", "--admin", "-v"], "", &environment);

    let serving = format!("{}: SERVING\n", server.address);
    assert_eq!(answer, (exit::OK, serving, String::new()));
}

#[test]
fn a_call_is_made_with_json_from_the_command_line_or_standard_input() {
    let server = Server::start();
    let json = r#"{"service": "cognito.identity.v1.CognitoIdentityService"}"#;
    for (arguments, input, why) in [
        (vec![json], "", "inline"),
        (vec!["-"], json, "standard input by name"),
        (vec![], json, "standard input when nothing is given"),
        (vec![], "", "nothing at all is an empty message"),
    ] {
        let command = [vec!["call", "grpc.health.v1.Health/Check"], arguments].concat();
        let answer = server.poolgate(&command, input);

        let expected = "{\n  \"status\": \"SERVING\"\n}\n".to_owned();
        assert_eq!(answer, (exit::OK, expected, String::new()), "{why}");
    }
}

#[test]
fn standard_input_without_an_end_is_not_read_to_it() {
    let server = Server::start();
    let input = " ".repeat(5 * 1024 * 1024);

    let (code, answer, errors) = server.poolgate(&["call", "grpc.health.v1.Health/Check"], &input);

    assert_eq!((code, answer.as_str()), (exit::USAGE, ""));
    assert_eq!(errors, "standard input has more than 4194304 bytes\n");
}

#[test]
fn an_error_answer_ends_with_64_and_its_code() {
    let server = Server::start();

    let command = [
        "call",
        "grpc.health.v1.Health/Check",
        r#"{"service": "other"}"#,
    ];
    let (code, output, errors) = server.poolgate(&command, "");

    assert_eq!((code, output.as_str()), (exit::GRPC + 5, ""));
    assert_eq!(errors, "NOT_FOUND: service not registered\n");
}

#[test]
fn a_call_that_is_not_understood_is_not_sent() {
    for (arguments, expected) in [
        (
            ["GetIdd", "{}"],
            "unknown method `GetIdd`; did you mean `GetId`?",
        ),
        (
            ["GetId", r#"{"identity_pol_id": ""}"#],
            "unknown field `identity_pol_id`; did you mean `identity_pool_id`?",
        ),
    ] {
        let (code, _, errors) = poolgate(&[&["call"], &arguments[..]].concat(), "", &[]);

        assert_eq!(code, exit::USAGE);
        assert!(errors.starts_with(expected), "{errors}");
    }
}

#[test]
fn metadata_a_token_and_the_deadline_are_sent_and_the_deadline_is_kept() {
    let runtime = Runtime::new().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let service = service_fn(move |request: http::Request<tonic::body::Body>| {
        sender.send(request.headers().clone()).unwrap();
        std::future::pending()
    });
    let address = runtime.block_on(async {
        let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let limits = listen::Limits::default();
        listen::serve(listener, service, limits, None, Arc::new(Metrics::new()));
        address
    });

    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "s3cret\n").unwrap();

    let command = [
        "call",
        "ListIdentityPools",
        "{}",
        "--address",
        &address,
        "--token-file",
        token.path().to_str().unwrap(),
        "--timeout",
        "50ms",
        "-H",
        "X-Team: blue",
    ];
    let (code, _, errors) = poolgate(&command, "", &[]);

    assert_eq!(code, exit::GRPC + 4, "{errors}");
    assert!(errors.starts_with("DEADLINE_EXCEEDED: "), "{errors}");
    let headers = receiver.recv().unwrap();
    assert_eq!(headers["x-team"], "blue");
    assert_eq!(headers["authorization"], "Bearer s3cret");
    assert!(!errors.contains("s3cret"), "{errors}");
    assert!(headers.contains_key("grpc-timeout"));
}

#[test]
fn a_secret_in_the_place_of_the_path_of_its_file_is_not_shown() {
    let pem = "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n";
    let address = nowhere();
    for flags in [
        ["--token-file", "s3cret", "--ca-file", "Cargo.toml"],
        ["--key-file", pem, "--certificate-file", "Cargo.toml"],
    ] {
        let command = [&["healthcheck", "--address", &address], &flags[..]].concat();
        let (code, _, errors) = poolgate(&command, "", &[]);

        assert_eq!(code, exit::USAGE);
        assert!(errors.contains("`(hidden)`: cannot be read"), "{errors}");
        assert!(!errors.contains("s3cret"), "{errors}");
    }
}

#[test]
fn a_unix_socket_is_called_as_an_address_and_without_tls() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("grpc.sock");
    let _server = Server::start_with(server::Settings {
        unix_socket: Some(path.clone()),
        ..server::Settings::default()
    });
    let address = format!("unix://{}", path.display());

    let (code, output, errors) = poolgate(
        &["call", "ListIdentityPools", "--address", &address],
        "",
        &[],
    );
    assert_eq!((code, errors.as_str()), (exit::OK, ""));
    assert!(
        output.contains("identity_pools") || output.trim() == "{}",
        "{output}"
    );

    let (code, output, _) = poolgate(&["healthcheck", "-v", "--address", &address], "", &[]);
    assert_eq!((code, output), (exit::OK, format!("{address}: SERVING\n")));

    let (code, _, errors) = poolgate(&["healthcheck", "--tls", "--address", &address], "", &[]);
    let mistake = format!("`{address}`: over a Unix socket there is no TLS\n");
    assert_eq!((code, errors), (exit::USAGE, mistake));
}

/// A server on the emulator.
struct Server {
    address: String,
    running: server::Running,
    _runtime: Runtime,
}

impl Server {
    fn start() -> Self {
        Self::start_with(server::Settings::default())
    }

    fn start_with(settings: server::Settings) -> Self {
        let runtime = Runtime::new().unwrap();
        let running = runtime.block_on(server::start(server::Parts {
            server: server::Settings {
                listen: "127.0.0.1:0".parse().unwrap(),
                ..settings
            },
            tls: None,
            admin: server::admin::Settings {
                listen: Some("127.0.0.1:0".parse().unwrap()),
            },
            ..server::Parts::default()
        }));
        let running = running.unwrap();
        Self {
            address: running.address.to_string(),
            running,
            _runtime: runtime,
        }
    }

    fn poolgate(&self, arguments: &[&str], input: &str) -> (u8, String, String) {
        poolgate(
            arguments,
            input,
            &[("POOLGATE_SERVER__LISTEN", &self.address)],
        )
    }
}

fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn poolgate(arguments: &[&str], input: &str, environment: &[(&str, &str)]) -> (u8, String, String) {
    let arguments = [&["poolgate"], arguments].concat();
    let environment = environment
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    on_console(input, |console| {
        run_on(console, arguments.iter().map(OsString::from), environment)
    })
}

/// What was ended with, and what was written to standard output and standard error.
pub(super) fn on_console(
    input: &str,
    work: impl FnOnce(&mut Console<'_>) -> u8,
) -> (u8, String, String) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let code = work(&mut Console {
        input: &mut input.as_bytes(),
        input_is_terminal: false,
        output: &mut output,
        errors: &mut errors,
        output_failed: false,
    });
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (code, text(output), text(errors))
}
