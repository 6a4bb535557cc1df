//! `poolgate completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Console, exit};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    poolgate completions bash > /etc/bash_completion.d/poolgate\n  \
    poolgate completions zsh > \"${fpath[1]}/_poolgate\"\n  \
    poolgate completions fish > ~/.config/fish/completions/poolgate.fish")]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console<'_>) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "poolgate",
        &mut script,
    );
    console.say(String::from_utf8_lossy(&script).trim_end());
    exit::OK
}
