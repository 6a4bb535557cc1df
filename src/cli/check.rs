//! `poolgate check`.

use std::path::PathBuf;

use super::{Console, exit};
use crate::config::{Config, Sources};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Touches nothing on the network and makes no file; whether the journal can be \
        written is looked at for the user who asks. Exit codes: 0 no mistake (there may be \
        warnings on standard error), 78 mistakes.\n\n\
        Example:\n  poolgate check --config poolgate.toml"
)]
pub(super) struct Arguments {
    /// The configuration file [otherwise: POOLGATE_CONFIG].
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
}

pub(super) fn run(
    arguments: Arguments,
    environment: Vec<(String, String)>,
    console: &mut Console<'_>,
) -> u8 {
    let sources = Sources {
        file: arguments.config,
        environment,
        flags: Vec::new(),
    };
    match Config::check(&sources) {
        Ok(config) => {
            for warning in config.warnings() {
                console.complain(format_args!("warning: {warning}"));
            }
            console.say(config.to_toml().trim_end());
            exit::OK
        }
        Err(mistakes) => {
            console.complain(mistakes);
            exit::CONFIGURATION
        }
    }
}
