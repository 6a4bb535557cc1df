//! The command line: one file per sub-command.
//!
//! Results go to standard output, everything else to standard error. Exit codes are
//! part of the interface, see [`exit`].

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Read, Write};

use clap::{Parser, Subcommand};

mod audit;
mod call;
mod check;
mod client;
mod completions;
mod config;
mod emulate;
mod healthcheck;
mod json;
mod manual;
mod policy;
mod serve;
mod version;

/// What the process ends with. `call` adds 64 and the gRPC code for a call that was
/// answered with an error, as grpcurl does.
pub mod exit {
    /// All went well.
    pub const OK: u8 = 0;
    /// Something failed.
    pub const FAILURE: u8 = 1;
    /// The command line is not understood.
    pub const USAGE: u8 = 2;
    /// The drain cut calls that were under way.
    pub const CUT: u8 = 3;
    /// Something could not be recorded at the end.
    pub const UNRECORDED: u8 = 4;
    /// `policy explain`: the call would be denied.
    pub const DENIED: u8 = 77;
    /// `call`: added to the gRPC code of an error answer.
    pub const GRPC: u8 = 64;
    /// An address cannot be listened on.
    pub const UNAVAILABLE: u8 = 69;
    /// The configuration has mistakes.
    pub const CONFIGURATION: u8 = 78;
}

/// A gRPC facade in front of Amazon Cognito Identity (identity pools).
///
/// Without a sub-command: serve.
#[derive(Debug, Parser)]
#[command(
    name = "poolgate",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        poolgate                                   serve on 127.0.0.1:50051 with the built-in emulator\n  \
        poolgate call ListIdentityPools            call it\n  \
        poolgate check --config poolgate.toml      look for mistakes in a configuration"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve gRPC until SIGTERM or Ctrl-C.
    Serve(serve::Arguments),
    /// Serve the emulator alone, to AWS SDKs and the AWS CLI.
    Emulate(emulate::Arguments),
    /// Report every mistake in the configuration, or print the configuration in force.
    Check(check::Arguments),
    /// Call a method with JSON in and out.
    Call(call::Arguments),
    /// Say what the policies make of a call, or print what they can speak of.
    Policy(policy::Arguments),
    /// Check the audit journal, or search it.
    Audit(audit::Arguments),
    /// Ask a server whether it is serving; for container health checks.
    Healthcheck(healthcheck::Arguments),
    /// Print what the configuration can hold.
    Config(config::Arguments),
    /// Print what makes a shell complete the command line.
    Completions(completions::Arguments),
    /// Write the manual pages.
    Manual(manual::Arguments),
    /// Print the version.
    Version(version::Arguments),
}

/// Where a sub-command reads and writes.
struct Console<'a> {
    input: &'a mut dyn Read,
    input_is_terminal: bool,
    output: &'a mut dyn Write,
    errors: &'a mut dyn Write,
    output_failed: bool,
}

impl Console<'_> {
    /// Writes a line of result. A reader that has left is no failure, a full disk is.
    fn say(&mut self, line: impl std::fmt::Display) {
        let written = writeln!(self.output, "{line}").and_then(|()| self.output.flush());
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
        {
            self.output_failed = true;
            self.complain(format_args!("cannot write the output: {error}"));
        }
    }

    /// Writes a line about what went wrong.
    fn complain(&mut self, line: impl std::fmt::Display) {
        let _ = writeln!(self.errors, "{line}");
    }
}

/// Runs the program and gives back what it ends with.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: Vec<(String, String)>,
) -> u8 {
    let stdin = std::io::stdin();
    let mut console = Console {
        input_is_terminal: stdin.is_terminal(),
        input: &mut stdin.lock(),
        output: &mut std::io::stdout(),
        errors: &mut std::io::stderr(),
        output_failed: false,
    };
    run_on(&mut console, arguments, environment)
}

fn run_on(
    console: &mut Console<'_>,
    arguments: impl IntoIterator<Item = OsString>,
    environment: Vec<(String, String)>,
) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            match crate::config::without_lines(&arguments, &error.render().to_string()) {
                Some(told) => console.complain(told.trim_end()),
                // Help and version come this way too, and go to standard output.
                None => drop(error.print()),
            }
            return u8::try_from(error.exit_code()).unwrap_or(exit::USAGE);
        }
    };
    let code = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(arguments) => serve::run(arguments, environment, console),
        Command::Emulate(arguments) => emulate::run(arguments, environment, console),
        Command::Check(arguments) => check::run(arguments, environment, console),
        Command::Call(arguments) => call::run(arguments, environment, console),
        Command::Policy(arguments) => policy::run(arguments, environment, console),
        Command::Audit(arguments) => audit::run(arguments, console),
        Command::Healthcheck(arguments) => healthcheck::run(arguments, environment, console),
        Command::Config(arguments) => config::run(&arguments, console),
        Command::Completions(arguments) => completions::run(&arguments, console),
        Command::Manual(arguments) => manual::run(&arguments, console),
        Command::Version(arguments) => version::run(&arguments, console),
    };
    if code == exit::OK && console.output_failed {
        return exit::FAILURE;
    }
    code
}

#[cfg(test)]
mod tests;
