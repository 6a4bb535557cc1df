//! Contradictions between keys that are each fine alone.

use std::net::SocketAddr;

use super::Config;
use super::key::AnyKey;
use super::keys;
use super::reader::Reader;
use crate::emulator::Overrides;
use crate::server::{Plaintext, Unauthenticated};
use crate::upstream::Kind;

/// Adds every contradiction to the reader's mistakes.
pub(super) fn run(config: &Config, reader: &mut Reader) {
    listeners(config, reader);
    deadlines(config, reader);
    regions(config, reader);
    endpoint(config, reader);
    quotas(config, reader);
}

fn listeners(config: &Config, reader: &mut Reader) {
    let server = &config.server;
    let (grpc, admin) = (Some(server.listen), config.admin.listen);
    let strangers = server.unauthenticated == Unauthenticated::Loopback;
    let plain = server.plaintext == Plaintext::Loopback && !tls_is_meant(reader);
    // Over the emulator's listener goes nothing that is worth hiding.
    let open: [(&dyn AnyKey, Option<SocketAddr>, bool); 2] = [
        (&keys::SERVER_LISTEN, grpc, plain),
        (&keys::EMULATOR_LISTEN, config.aws_port.listen, false),
    ];
    for (key, address, plain) in open {
        if address.is_none_or(|address| address.ip().to_canonical().is_loopback()) {
            continue;
        }
        let mut reasons = Vec::new();
        if strangers {
            reasons.push(format!(
                "callers are not authenticated; \
                 listen on 127.0.0.1, or write `{} = \"everywhere\"` to let everybody in",
                keys::SERVER_UNAUTHENTICATED.path
            ));
        }
        if plain {
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
            let compared: [&dyn AnyKey; 2] =
                [&keys::SERVER_UNAUTHENTICATED, &keys::SERVER_PLAINTEXT];
            add(reader, key, &compared, reason);
        }
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
