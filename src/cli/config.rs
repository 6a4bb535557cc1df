//! `poolgate config`: for people and editors who write configurations.

use clap::Subcommand;

use super::{Console, exit};
use crate::config;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    poolgate config schema > poolgate.schema.json\n  \
    poolgate config reference")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a JSON Schema of the file, for editors and for checks.
    #[command(after_help = "Example:\n  poolgate config schema > poolgate.schema.json")]
    Schema,
    /// Print every key with its default, its meaning and its values, in Markdown.
    #[command(after_help = "Example:\n  poolgate config reference")]
    Reference,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console<'_>) -> u8 {
    match arguments.command {
        Command::Schema => console.say(format_args!("{:#}", config::schema())),
        Command::Reference => console.say(config::reference().trim_end()),
    }
    exit::OK
}
