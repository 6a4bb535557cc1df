//! `poolgate serve`.

use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::{Console, exit};
use crate::config::{Config, Flag, Sources};
use crate::server::forwarding::Error;
use crate::server::{self, Parts, StartError};
use crate::telemetry;
use crate::telemetry::log::Writing;
use crate::telemetry::traces::Traces;

/// How long tasks may take to notice that the process ends, after the drain.
const LEFTOVERS: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Settings come from the file, then POOLGATE_SECTION__KEY variables, then flags.\n\
        Exit codes: 0 drained, 3 calls were cut, 4 not all could be recorded at the end, 69 cannot listen or use what it writes to, 78 mistakes in the configuration.\n\n\
        Examples:\n  \
        poolgate serve --listen 127.0.0.1:0\n  \
        POOLGATE_UPSTREAM__KIND=aws POOLGATE_UPSTREAM__REGION=eu-west-1 \\\n    \
        POOLGATE_AUTHN__CALLERS_FILE=callers.toml POOLGATE_POLICY__FILES=policies \\\n    \
        POOLGATE_AUDIT__FILE=audit.jsonl poolgate serve"
)]
pub(super) struct Arguments {
    /// The configuration file [otherwise: POOLGATE_CONFIG].
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Where to serve gRPC; overrules `server.listen`.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

pub(super) fn run(
    arguments: Arguments,
    environment: Vec<(String, String)>,
    console: &mut Console<'_>,
) -> u8 {
    let config = match Config::load(&sources(arguments, environment)) {
        Ok(config) => config,
        Err(mistakes) => {
            console.complain(mistakes);
            return exit::CONFIGURATION;
        }
    };
    let begun = match begin(config, console) {
        Ok(begun) => begun,
        Err(code) => return code,
    };
    begun.run(server::run, |ended| match ended {
        Ok(outcome) if outcome.is_clean() => exit::OK,
        Ok(outcome) if outcome.unrecorded => exit::UNRECORDED,
        Ok(_) => exit::CUT,
        Err(error) => not_started(&error),
    })
}

/// What a sub-command that serves begins with.
pub(super) struct Begun {
    parts: Parts,
    runtime: Runtime,
    traces: Option<Traces>,
    log: Writing,
}

impl Begun {
    /// Runs to the end, and then exports what is left of traces. `code` says what the
    /// process ends with.
    pub(super) fn run<F: Future>(
        self,
        serve: impl FnOnce(Parts) -> F,
        code: impl FnOnce(F::Output) -> u8,
    ) -> u8 {
        let code = code(self.runtime.block_on(serve(self.parts)));
        // While there is a runtime, which they are exported on.
        drop(self.traces);
        self.runtime.shutdown_timeout(LEFTOVERS);
        // Last, because all others may have something to say.
        drop(self.log);
        code
    }
}

/// Begins to log and to trace; or says what the process ends with.
pub(super) fn begin(config: Config, console: &mut Console<'_>) -> Result<Begun, u8> {
    let mut failed = |error: &dyn std::error::Error, code| {
        console.complain(error);
        code
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error, exit::FAILURE))?;
    let traces = {
        let _inside = runtime.enter();
        Traces::begin(&config.traces).map_err(|error| failed(&error, exit::CONFIGURATION))?
    };
    let (level, log) = telemetry::log::init(&config.log, traces.as_ref())
        .map_err(|error| failed(&error, exit::FAILURE))?;
    let mut parts: Parts = config.into();
    parts.debug.level = Some(level);
    Ok(Begun {
        runtime,
        parts,
        traces,
        log,
    })
}

/// Reports why a server did not start, and says what the process ends with.
pub(super) fn not_started(error: &StartError) -> u8 {
    tracing::error!(%error, "cannot start: {error}");
    match error {
        StartError::Listen { .. } | StartError::ListenUnix { .. } => exit::UNAVAILABLE,
        StartError::Emulator(_) => exit::UNAVAILABLE,
        StartError::Audit(_) | StartError::Digests(_) => exit::UNAVAILABLE,
        StartError::Forwarding(Error::Cursor { .. }) => exit::UNAVAILABLE,
        StartError::Forwarding(Error::File { .. }) => exit::CONFIGURATION,
        StartError::Rules(_) | StartError::Tls(_) | StartError::MacKey(_) => exit::CONFIGURATION,
        StartError::Signals(_) | StartError::Reflection(_) => exit::FAILURE,
    }
}

fn sources(arguments: Arguments, environment: Vec<(String, String)>) -> Sources {
    let listen = arguments.listen.map(|value| Flag {
        name: "--listen",
        key: "server.listen",
        value,
    });
    Sources {
        file: arguments.config,
        environment,
        flags: listen.into_iter().collect(),
    }
}
