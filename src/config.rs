//! What an operator sets: defaults, then a TOML file, then the environment, then
//! flags; each overrules the one before it.
//!
//! The table in `config/keys.rs` is the only place that knows the keys, their defaults and
//! their ranges; [`reference()`] prints it. The settings types belong to the rooms
//! that use them. This room promises:
//!
//! * every mistake is reported at once, with where it was made and what would be
//!   accepted; nothing starts with a mistake left;
//! * an unknown key or section is a mistake, in the file and in the environment;
//! * no other room reads the environment.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{audit, authn, emulator, policy, quota, server, telemetry, upstream};

mod accepts;
mod callers;
mod cross_checks;
mod effective;
mod faults;
mod forwarding;
mod hidden;
mod journal;
mod key;
mod keys;
mod login_providers;
mod mistake;
mod nearest;
mod places;
mod policies;
mod quotas;
mod reader;
mod schema;
mod sources;
mod targets;
mod tls;
mod traces;

pub use hidden::{told_of_secret, without_lines};
pub use keys::reference;
pub use mistake::{Mistake, Mistakes};
pub use nearest::nearest;
pub use schema::schema;

/// The variable that names the configuration file.
pub const FILE_VARIABLE: &str = "POOLGATE_CONFIG";

/// Everything that was set, as the rooms want it.
#[derive(Debug)]
pub struct Config {
    /// The gRPC listener.
    pub server: server::Settings,
    /// TLS on the gRPC listener; without it, plain text.
    pub tls: Option<server::tls::Settings>,
    /// The listener for probes and metrics.
    pub admin: server::admin::Settings,
    /// Who calls.
    pub authn: authn::Settings,
    /// Who may do what.
    pub policy: policy::Settings,
    /// How often callers may do what.
    pub quota: quota::Settings,
    /// What is recorded.
    pub audit: audit::Settings,
    /// The service behind poolgate.
    pub upstream: upstream::Settings,
    /// The emulator.
    pub emulator: emulator::Settings,
    /// The emulator's own listener.
    pub aws_port: server::aws_port::Settings,
    /// Log lines.
    pub log: telemetry::log::Settings,
    /// Traces.
    pub traces: telemetry::traces::Settings,
    warnings: Vec<String>,
    effective: String,
}

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file named by a flag, which overrules [`FILE_VARIABLE`].
    pub file: Option<PathBuf>,
    /// The variables of the environment.
    pub environment: Vec<(String, String)>,
    /// Settings made by flags.
    pub flags: Vec<Flag>,
}

/// A setting made by a flag.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag, such as `--listen`.
    pub name: &'static str,
    /// The key it sets, such as `server.listen`.
    pub key: &'static str,
    /// The value.
    pub value: String,
}

impl Config {
    /// Reads every source; all mistakes, or a configuration without any.
    pub fn load(sources: &Sources) -> Result<Config, Mistakes> {
        Self::load_and(sources, |_, _| {})
    }

    /// The same, and looks whether what a server with this configuration writes to can be
    /// written to by whoever runs this.
    pub fn check(sources: &Sources) -> Result<Config, Mistakes> {
        Self::load_and(sources, places::run)
    }

    fn load_and(
        sources: &Sources,
        also: impl FnOnce(&Config, &mut reader::Reader),
    ) -> Result<Config, Mistakes> {
        let mut reader = reader::Reader::new(sources);
        let mut config = Config {
            server: server::Settings::default(),
            tls: None,
            admin: server::admin::Settings::default(),
            authn: authn::Settings::default(),
            policy: policy::Settings::default(),
            quota: quota::Settings::default(),
            audit: audit::Settings::default(),
            upstream: upstream::Settings::default(),
            emulator: emulator::Settings::default(),
            aws_port: server::aws_port::Settings::default(),
            log: telemetry::log::Settings::default(),
            traces: telemetry::traces::Settings::default(),
            warnings: Vec::new(),
            effective: String::new(),
        };
        config.read(&mut reader);
        cross_checks::run(&config, &mut reader);
        also(&config, &mut reader);
        config.warnings = tls::warnings(config.tls.as_ref());
        config.effective = effective::toml(&reader);
        config.effective.push_str(&targets::told(&config.upstream));
        config.effective.push_str(&quotas::told(&config.quota));
        reader.finish().map(|()| config)
    }

    /// The configuration in force as a TOML file, with the source of each value
    /// that is not a default; and the limits of callers, as comments.
    pub fn to_toml(&self) -> &str {
        &self.effective
    }

    /// What is no mistake and yet hardly meant, as sentences.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn read(&mut self, reader: &mut reader::Reader) {
        let server = &mut self.server;
        reader.read(&keys::SERVER_LISTEN, &mut server.listen);
        reader.read(&keys::SERVER_UNIX_SOCKET, &mut server.unix_socket);
        let mode = &mut server.unix_socket_mode;
        reader.read(&keys::SERVER_UNIX_SOCKET_MODE, mode);
        reader.read(&keys::SERVER_UNAUTHENTICATED, &mut server.unauthenticated);
        reader.read(&keys::SERVER_PLAINTEXT, &mut server.plaintext);
        reader.read(&keys::SERVER_MAX_CONNECTIONS, &mut server.max_connections);
        let per_address = &mut server.max_connections_per_address;
        reader.read(&keys::SERVER_MAX_CONNECTIONS_PER_ADDRESS, per_address);
        reader.read(&keys::SERVER_MAX_HANDSHAKES, &mut server.max_handshakes);
        let life = &mut server.life;
        reader.read(&keys::SERVER_MAX_CONNECTION_AGE, &mut life.age);
        reader.read(&keys::SERVER_MAX_CONNECTION_IDLE, &mut life.idle);
        reader.read(&keys::SERVER_MAX_CONNECTION_GRACE, &mut life.grace);
        reader.read(&keys::SERVER_MAX_CONNECTION_STALL, &mut life.stall);
        reader.read(
            &keys::SERVER_MAX_CONCURRENT_STREAMS,
            &mut server.max_concurrent_streams,
        );
        reader.read(
            &keys::SERVER_MAX_MESSAGE_BYTES,
            &mut server.max_message_bytes,
        );
        reader.read(&keys::SERVER_DEFAULT_DEADLINE, &mut server.default_deadline);
        reader.read(&keys::SERVER_MAX_DEADLINE, &mut server.max_deadline);
        reader.read(&keys::SERVER_DRAIN_NOTICE, &mut server.drain.notice);
        reader.read(&keys::SERVER_DRAIN_GRACE, &mut server.drain.grace);
        reader.read(&keys::SERVER_REFLECTION, &mut server.reflection);
        self.tls = tls::read(reader);
        reader.read(&keys::ADMIN_LISTEN, &mut self.admin.listen);
        callers::read(reader, &mut self.authn);
        journal::read(reader, &mut self.audit);

        let upstream = &mut self.upstream;
        reader.read(&keys::UPSTREAM_KIND, &mut upstream.kind);
        reader.read(&keys::UPSTREAM_REGION, &mut upstream.region);
        reader.read(&keys::UPSTREAM_REGIONS, &mut upstream.regions);
        reader.read(&keys::UPSTREAM_ACCOUNT_ID, &mut upstream.account_id);
        reader.read(&keys::UPSTREAM_ENDPOINT_URL, &mut upstream.endpoint_url);
        reader.read(&keys::UPSTREAM_FIPS, &mut upstream.fips);
        reader.read(&keys::UPSTREAM_DUAL_STACK, &mut upstream.dual_stack);
        reader.read(
            &keys::UPSTREAM_CONNECT_TIMEOUT,
            &mut upstream.connect_timeout,
        );
        reader.read(
            &keys::UPSTREAM_READ_ATTEMPT_TIMEOUT,
            &mut upstream.read_attempt_timeout,
        );
        reader.read(
            &keys::UPSTREAM_WRITE_ATTEMPT_TIMEOUT,
            &mut upstream.write_attempt_timeout,
        );
        reader.read(
            &keys::UPSTREAM_ISSUE_ATTEMPT_TIMEOUT,
            &mut upstream.issue_attempt_timeout,
        );
        reader.read(
            &keys::UPSTREAM_OPERATION_TIMEOUT,
            &mut upstream.operation_timeout,
        );
        reader.read(&keys::UPSTREAM_MAX_WRITES, &mut upstream.max_writes);
        reader.read(&keys::UPSTREAM_SPARE, &mut upstream.spare);
        reader.read(&keys::UPSTREAM_MAX_IN_FLIGHT, &mut upstream.max_in_flight);
        reader.read(&keys::UPSTREAM_PROBE_INTERVAL, &mut upstream.probe_interval);
        targets::read(reader, upstream);

        policies::read(reader, &mut self.policy, &upstream.region);
        quotas::read(reader, &mut self.quota, upstream);

        reader.read(&keys::EMULATOR_LISTEN, &mut self.aws_port.listen);
        let emulator = &mut self.emulator;
        reader.read(&keys::EMULATOR_ACCOUNT_ID, &mut emulator.account_id);
        login_providers::read(reader, emulator);
        reader.read(&keys::EMULATOR_DATA_DIR, &mut emulator.data_dir);
        reader.read(&keys::EMULATOR_ISOLATION, &mut emulator.isolation);
        reader.read(&keys::EMULATOR_SEED, &mut emulator.seed);
        let quotas = &mut emulator.quotas;
        reader.read(&keys::EMULATOR_ENFORCE_QUOTAS, &mut quotas.enforced);
        reader.read(&keys::EMULATOR_QUOTAS, &mut quotas.overrides);
        faults::read(reader, emulator);
        reader.read(&keys::EMULATOR_CLOCK, &mut emulator.pace);
        reader.read(&keys::EMULATOR_SECRET_KEYS_FILE, &mut emulator.secret_keys);
        emulator.default_region.clone_from(&upstream.region);
        traces::read(reader, &mut self.traces);
        reader.read(&keys::LOG_FORMAT, &mut self.log.format);
        reader.read(&keys::LOG_LEVEL, &mut self.log.level);
    }
}

impl From<Config> for server::Parts {
    fn from(config: Config) -> Self {
        Self {
            server: config.server,
            tls: config.tls,
            admin: config.admin,
            authn: config.authn,
            policy: config.policy,
            quota: config.quota,
            audit: config.audit,
            upstream: config.upstream,
            emulator: config.emulator,
            aws_port: config.aws_port,
            debug: server::admin::Debug {
                configuration: config.effective,
                ..Default::default()
            },
        }
    }
}

/// Where the admin port of a server with this configuration listens; nothing where it is off.
/// What else is set is not looked into: who only asks may not read the server's files, and
/// does not know its flags.
pub fn admin_address(sources: &Sources) -> Result<Option<SocketAddr>, Mistakes> {
    let mut reader = reader::Reader::new(sources);
    let mut settings = server::admin::Settings::default();
    reader.read(&keys::ADMIN_LISTEN, &mut settings.listen);
    reader.finish().map(|()| settings.listen)
}

/// The variables of the process's environment that concern poolgate. A value that
/// is not UTF-8 is kept with replacement characters, so that it is reported as a
/// mistake and not passed over.
pub fn environment() -> Vec<(String, String)> {
    let text = |value: OsString| value.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .filter(|(name, _)| name.starts_with(sources::PREFIX))
        .collect()
}

#[cfg(test)]
mod tests;
