//! `poolgate policy`: for people who write policies.

use clap::Subcommand;

use super::{Console, exit};
use crate::server::explain::schema;

mod explain;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  poolgate policy schema > poolgate.cedarschema")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what the policies would make of a call, and which of them decide.
    Explain(Box<explain::Arguments>),
    /// Print what policies can speak of, as a Cedar schema.
    #[command(after_help = "Example:\n  poolgate policy schema > poolgate.cedarschema")]
    Schema,
}

pub(super) fn run(
    arguments: Arguments,
    environment: Vec<(String, String)>,
    console: &mut Console<'_>,
) -> u8 {
    match arguments.command {
        Command::Explain(arguments) => explain::run(*arguments, environment, console),
        Command::Schema => {
            console.say(schema().trim_end());
            exit::OK
        }
    }
}
