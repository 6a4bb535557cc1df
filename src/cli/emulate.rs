//! `poolgate emulate`.

use std::path::PathBuf;

use super::{Console, exit, serve};
use crate::config::{Config, Flag, Sources};
use crate::server;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 ended, 3 requests were cut, 69 cannot listen, 78 mistakes in the configuration.\n\n\
        Examples:\n  \
        poolgate emulate\n  \
        aws --endpoint-url http://127.0.0.1:4566 cognito-identity list-identity-pools --max-results 10"
)]
pub(super) struct Arguments {
    /// The configuration file [otherwise: POOLGATE_CONFIG].
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Where to serve; overrules `emulator.listen` [otherwise: 127.0.0.1:4566].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

pub(super) fn run(
    arguments: Arguments,
    environment: Vec<(String, String)>,
    console: &mut Console<'_>,
) -> u8 {
    let listen = arguments.listen.map(|value| Flag {
        name: "--listen",
        key: "emulator.listen",
        value,
    });
    let sources = Sources {
        file: arguments.config,
        environment,
        flags: listen.into_iter().collect(),
    };
    let config = match Config::load(&sources) {
        Ok(config) => config,
        Err(mistakes) => {
            console.complain(mistakes);
            return exit::CONFIGURATION;
        }
    };
    let runtime = match serve::runtime(&config, console) {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let ended = runtime.block_on(server::emulate(serve::parts(config)));
    runtime.shutdown_timeout(serve::LEFTOVERS);
    match ended {
        Ok(true) => exit::OK,
        Ok(false) => exit::CUT,
        Err(error) => serve::not_started(&error),
    }
}
