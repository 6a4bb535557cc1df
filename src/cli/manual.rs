//! `poolgate manual`.

use std::path::PathBuf;

use clap::CommandFactory;

use super::{Cli, Console, exit};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Writes poolgate.1 and a page for each sub-command, such as poolgate-audit-who.1.\n\n\
        Example:\n  poolgate manual /usr/local/share/man/man1"
)]
pub(super) struct Arguments {
    /// The folder; it has to be there.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console<'_>) -> u8 {
    // The pages are those of the commands, not of `help` about them.
    let command = Cli::command().disable_help_subcommand(true);
    match clap_mangen::generate_to(command, &arguments.folder) {
        Ok(()) => exit::OK,
        Err(error) => {
            let folder = arguments.folder.display();
            console.complain(format_args!("cannot write to {folder}: {error}"));
            exit::FAILURE
        }
    }
}
