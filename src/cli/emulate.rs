//! `poolgate emulate`.

use std::path::PathBuf;

use super::{Console, exit, serve};
use crate::config::{Config, Flag, Sources};
use crate::server;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 ended, 3 requests were cut, 69 cannot listen or use the data directory, 78 mistakes in the configuration.\n\n\
        Examples:\n  \
        poolgate emulate\n  \
        poolgate emulate --issuer https://login.example.com\n  \
        aws --endpoint-url http://127.0.0.1:4566 cognito-identity \\\n    \
        list-identity-pools --max-results 10"
)]
pub(super) struct Arguments {
    /// The configuration file [otherwise: POOLGATE_CONFIG].
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Where to serve; overrules `emulator.listen` [otherwise: 127.0.0.1:4566].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// A login provider that lives inside the emulator; may be repeated; overrules
    /// `emulator.test_issuers`.
    #[arg(long, value_name = "URL")]
    issuer: Vec<String>,
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
    let issuers = (!arguments.issuer.is_empty()).then(|| Flag {
        name: "--issuer",
        key: "emulator.test_issuers",
        value: arguments.issuer.join(","),
    });
    let sources = Sources {
        file: arguments.config,
        environment,
        flags: listen.into_iter().chain(issuers).collect(),
    };
    let config = match Config::load(&sources) {
        Ok(config) => config,
        Err(mistakes) => {
            console.complain(mistakes);
            return exit::CONFIGURATION;
        }
    };
    let begun = match serve::begin(config, console) {
        Ok(begun) => begun,
        Err(code) => return code,
    };
    begun.run(server::emulate, |ended| match ended {
        Ok(true) => exit::OK,
        Ok(false) => exit::CUT,
        Err(error) => serve::not_started(&error),
    })
}
