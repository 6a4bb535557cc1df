//! `poolgate audit`: for people who read the journal.

use clap::Subcommand;

use super::Console;

mod progress;
mod verify;
mod who;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    poolgate audit verify /var/log/poolgate/audit.jsonl\n  \
    poolgate audit who --access-key ASIAEXAMPLE /var/log/poolgate/audit.jsonl")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say whether the journal is as it was written, and name the first place that is not.
    Verify(verify::Arguments),
    /// Find the records of an access key, an identity, a caller and more.
    Who(Box<who::Arguments>),
}

pub(super) fn run(arguments: Arguments, console: &mut Console<'_>) -> u8 {
    match arguments.command {
        Command::Verify(arguments) => verify::run(&arguments, console),
        Command::Who(arguments) => who::run(&arguments, console),
    }
}

/// What a file says moves no cursor and begins no line.
fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|letter| {
            match letter.is_alphanumeric() || letter.is_ascii_graphic() || letter == ' ' {
                true => vec![letter],
                false => letter.escape_unicode().collect(),
            }
        })
        .collect()
}

/// What `verify` and `who` end with beside 0.
mod exit {
    /// `verify`: something is not as it was written.
    pub(super) const BROKEN: u8 = 1;
    /// `verify`: calls were begun of which no end is written.
    pub(super) const OPEN_INTENTS: u8 = 2;
    /// There is no journal, or not all of it could be read.
    pub(super) const UNREADABLE: u8 = 3;
}
