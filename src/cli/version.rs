//! `poolgate version`.

use super::{Console, exit};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  poolgate version --json")]
pub(super) struct Arguments {
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console<'_>) -> u8 {
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    if arguments.json {
        console.say(serde_json::json!({ "name": name, "version": version }));
    } else {
        console.say(format_args!("{name} {version}"));
    }
    exit::OK
}
