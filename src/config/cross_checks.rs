//! Contradictions between keys that are each fine alone.

use std::net::SocketAddr;

use super::Config;
use super::key::AnyKey;
use super::keys;
use super::reader::Reader;
use crate::audit::Unrecorded;
use crate::emulator::Overrides;
use crate::server::tls::Settings as TlsSettings;
use crate::server::{Plaintext, Unauthenticated};
use crate::upstream::Kind;

/// Adds every contradiction to the reader's mistakes.
pub(super) fn run(config: &Config, reader: &mut Reader) {
    listeners(config, reader);
    callers(config, reader);
    records(config, reader);
    deadlines(config, reader);
    regions(config, reader);
    endpoint(config, reader);
    quotas(config, reader);
}

fn listeners(config: &Config, reader: &mut Reader) {
    let server = &config.server;
    let (grpc, admin) = (Some(server.listen), config.admin.listen);
    let is_open = server.unauthenticated == Unauthenticated::Everywhere;
    if is_beyond_loopback(server.listen) {
        let mut reasons = Vec::new();
        if !is_closed(config) && !is_open {
            reasons.push(format!(
                "callers are not authenticated; set {}, or listen on 127.0.0.1, or write \
                 `{} = \"everywhere\"` to let everybody in",
                keys::AUTHN_CALLERS_FILE.path,
                keys::SERVER_UNAUTHENTICATED.path
            ));
        }
        if server.plaintext == Plaintext::Loopback && !tls_is_meant(reader) {
            reasons.push(format!(
                "nothing is encrypted; set {} and {}, or write `{} = \"everywhere\"`",
                keys::TLS_CERTIFICATE_FILE.path,
                keys::TLS_KEY_FILE.path,
                keys::SERVER_PLAINTEXT.path
            ));
        }
        if !reasons.is_empty() {
            let reasons = reasons.join("; and ");
            let reason = format!("other machines can reach this address and {reasons}");
            let compared: [&dyn AnyKey; 3] = [
                &keys::SERVER_UNAUTHENTICATED,
                &keys::AUTHN_CALLERS_FILE,
                &keys::SERVER_PLAINTEXT,
            ];
            add(reader, &keys::SERVER_LISTEN, &compared, reason);
        }
    }
    // Over the emulator's listener goes nothing that is worth hiding.
    if config.aws_port.listen.is_some_and(is_beyond_loopback) && !is_open {
        let reason = format!(
            "other machines can reach this address, where the emulator knows no callers; \
             listen on 127.0.0.1, or write `{} = \"everywhere\"` to let everybody in",
            keys::SERVER_UNAUTHENTICATED.path
        );
        let compared: [&dyn AnyKey; 1] = [&keys::SERVER_UNAUTHENTICATED];
        add(reader, &keys::EMULATOR_LISTEN, &compared, reason);
    }
    // Whoever reaches it mints login tokens, and sees and changes everything.
    let admin_has_the_emulator = config.upstream.kind == Kind::Emulator;
    if admin.is_some_and(is_beyond_loopback) && admin_has_the_emulator && !is_open {
        let reason = format!(
            "other machines can reach this address, where the emulator is shown, changed and \
             forgotten by whoever asks; listen on 127.0.0.1, or write `{} = \"everywhere\"`",
            keys::SERVER_UNAUTHENTICATED.path
        );
        let compared: [&dyn AnyKey; 2] = [&keys::SERVER_UNAUTHENTICATED, &keys::UPSTREAM_KIND];
        add(reader, &keys::ADMIN_LISTEN, &compared, reason);
    }
    let pairs: [(&dyn AnyKey, _, &dyn AnyKey, _); 3] = [
        (&keys::ADMIN_LISTEN, admin, &keys::SERVER_LISTEN, grpc),
        (
            &keys::EMULATOR_LISTEN,
            config.aws_port.listen,
            &keys::SERVER_LISTEN,
            grpc,
        ),
        (
            &keys::EMULATOR_LISTEN,
            config.aws_port.listen,
            &keys::ADMIN_LISTEN,
            admin,
        ),
    ];
    for (key, address, other_key, other) in pairs {
        if let (Some(address), Some(other)) = (address, other)
            && same(address, other)
        {
            let reason = format!("the same address as {}", other_key.path());
            add(reader, key, &[other_key], reason);
        }
    }
    if config.aws_port.listen.is_some() && config.upstream.kind != Kind::Emulator {
        let reason = format!("wants {} = \"emulator\"", keys::UPSTREAM_KIND.path);
        add(
            reader,
            &keys::EMULATOR_LISTEN,
            &[&keys::UPSTREAM_KIND],
            reason,
        );
    }
}

/// Who calls AWS through poolgate is known, and what those who are known may do is said.
fn callers(config: &Config, reader: &mut Reader) {
    if config.upstream.kind == Kind::Aws && !is_closed(config) {
        let reason = format!(
            "calls to AWS want callers who prove who they are; set `{}`",
            keys::AUTHN_CALLERS_FILE.path
        );
        let compared: [&dyn AnyKey; 1] = [&keys::AUTHN_CALLERS_FILE];
        add(reader, &keys::UPSTREAM_KIND, &compared, reason);
    }
    if is_closed(config) && !config.policy.is_on() {
        let reason = format!(
            "callers are told apart, and nothing says what they may do; set `{}`",
            keys::POLICY_FILES.path
        );
        let compared: [&dyn AnyKey; 1] = [&keys::POLICY_FILES];
        add(reader, &keys::AUTHN_CALLERS_FILE, &compared, reason);
    }
    let tls = config.tls.as_ref();
    let asks_certificates = tls.is_some_and(TlsSettings::asks_for_certificates);
    let callers = &config.authn.callers;
    let asks_processes = config.server.unix_socket.is_some() && callers.know_processes();
    let asks_nobody = !asks_certificates && !asks_processes;
    if is_closed(config) && callers.want_certificates() && asks_nobody {
        let reason = match callers.know_processes() {
            true => format!(
                "lets nobody in but processes and client certificates, and neither is asked \
                 for; set `{}` or `{}`",
                keys::SERVER_UNIX_SOCKET.path,
                keys::TLS_CLIENT_CA_FILE.path
            ),
            false => format!(
                "lets nobody in without a client certificate, and clients are not asked for \
                 one; set `{}`, or let issuers or tokens do",
                keys::TLS_CLIENT_CA_FILE.path
            ),
        };
        let compared: [&dyn AnyKey; 4] = [
            &keys::SERVER_UNIX_SOCKET,
            &keys::TLS_CLIENT_CA_FILE,
            &keys::TLS_CERTIFICATE_FILE,
            &keys::TLS_KEY_FILE,
        ];
        add(reader, &keys::AUTHN_CALLERS_FILE, &compared, reason);
    }
}

/// What is done at AWS through poolgate is recorded.
fn records(config: &Config, reader: &mut Reader) {
    let is_allowed = config.audit.is_on() || config.audit.unrecorded == Unrecorded::Everywhere;
    if config.upstream.kind == Kind::Aws && !is_allowed {
        let reason = format!(
            "calls to AWS want a record of each; set `{}`, or `{} = true`, or write \
             `{} = \"everywhere\"` to do without",
            keys::AUDIT_FILE.path,
            keys::AUDIT_STDOUT.path,
            keys::AUDIT_UNRECORDED.path
        );
        let compared: [&dyn AnyKey; 3] = [
            &keys::AUDIT_FILE,
            &keys::AUDIT_STDOUT,
            &keys::AUDIT_UNRECORDED,
        ];
        add(reader, &keys::UPSTREAM_KIND, &compared, reason);
    }
}

/// Whether every caller has to prove who it is.
fn is_closed(config: &Config) -> bool {
    config.authn.callers_file.is_some()
}

/// Whether TLS is set up, with mistakes or without: then it is not plain text that is
/// wanted.
fn tls_is_meant(reader: &Reader) -> bool {
    let keys: [&dyn AnyKey; 2] = [&keys::TLS_CERTIFICATE_FILE, &keys::TLS_KEY_FILE];
    keys.iter().any(|key| reader.found(*key).is_some())
}

fn deadlines(config: &Config, reader: &mut Reader) {
    if config.server.default_deadline > config.server.max_deadline {
        let reason = format!("longer than {}", keys::SERVER_MAX_DEADLINE.path);
        add(
            reader,
            &keys::SERVER_DEFAULT_DEADLINE,
            &[&keys::SERVER_MAX_DEADLINE],
            reason,
        );
    }
}

fn regions(config: &Config, reader: &mut Reader) {
    let upstream = &config.upstream;
    if !upstream.regions.contains(&upstream.region) {
        let reason = format!("not among {}", keys::UPSTREAM_REGIONS.path);
        add(
            reader,
            &keys::UPSTREAM_REGION,
            &[&keys::UPSTREAM_REGIONS],
            reason,
        );
    }
}

fn endpoint(config: &Config, reader: &mut Reader) {
    let upstream = &config.upstream;
    if upstream.endpoint_url.is_none() {
        return;
    }
    // Left alone, calls meant for that endpoint would be answered by the emulator.
    if upstream.kind == Kind::Emulator {
        let reason = format!("wants {} = \"aws\"", keys::UPSTREAM_KIND.path);
        add(
            reader,
            &keys::UPSTREAM_ENDPOINT_URL,
            &[&keys::UPSTREAM_KIND],
            reason,
        );
    }
    let choices: [(&dyn AnyKey, bool); 2] = [
        (&keys::UPSTREAM_FIPS, upstream.fips),
        (&keys::UPSTREAM_DUAL_STACK, upstream.dual_stack),
    ];
    for (key, chosen) in choices {
        if chosen {
            let reason = format!(
                "chooses among AWS's endpoints, but {} names one",
                keys::UPSTREAM_ENDPOINT_URL.path
            );
            add(reader, key, &[&keys::UPSTREAM_ENDPOINT_URL], reason);
        }
    }
}

fn quotas(config: &Config, reader: &mut Reader) {
    let quotas = &config.emulator.quotas;
    if !quotas.enforced && quotas.overrides != Overrides::default() {
        let reason = format!("wants {} = true", keys::EMULATOR_ENFORCE_QUOTAS.path);
        let compared: [&dyn AnyKey; 1] = [&keys::EMULATOR_ENFORCE_QUOTAS];
        add(reader, &keys::EMULATOR_QUOTAS, &compared, reason);
    }
}

/// Reports at `key`, unless one of the keys it is compared with has a mistake of
/// its own: then its default was compared.
fn add(reader: &mut Reader, key: &dyn AnyKey, compared: &[&dyn AnyKey], reason: String) {
    if reader.is_wrong(key) || compared.iter().any(|other| reader.is_wrong(*other)) {
        return;
    }
    reader.contradiction(key, reason);
}

fn same(one: SocketAddr, other: SocketAddr) -> bool {
    let overlap =
        one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && overlap
}

fn is_beyond_loopback(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}
