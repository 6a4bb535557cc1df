//! What is set about limits: keys, and the file they name.

use super::key::AnyKey;
use super::keys;
use super::reader::Reader;
use crate::quota::{InForce, OnStoreFailure, Settings, Store};
use crate::upstream;

/// Reads the keys, then the limits themselves, so that their mistakes are told with all
/// others.
pub(super) fn read(reader: &mut Reader, settings: &mut Settings, upstream: &upstream::Settings) {
    reader.read(&keys::QUOTA_LIMITS_FILE, &mut settings.limits_file);
    reader.read(&keys::QUOTA_IN_FORCE, &mut settings.in_force);
    reader.read(
        &keys::QUOTA_FAILED_AUTHENTICATIONS,
        &mut settings.failed_authentications,
    );
    settings.faces_aws = upstream.kind == upstream::Kind::Aws;
    reader.read(&keys::QUOTA_REPLICAS, &mut settings.replicas);
    store(reader, settings);
    let Some(file) = settings.limits_file.clone() else {
        return;
    };
    settings.regions.clone_from(&upstream.regions);
    match settings.read_limits(&file) {
        Ok(limits) => settings.limits = limits,
        Err(mistakes) => {
            for mistake in mistakes {
                reader.contradiction(&keys::QUOTA_LIMITS_FILE, mistake);
            }
        }
    }
    if settings.in_force == InForce::Never && !reader.is_wrong(&keys::QUOTA_IN_FORCE) {
        let never = keys::QUOTA_IN_FORCE.path;
        let reason = format!("has no effect with {never} = \"never\"");
        reader.contradiction(&keys::QUOTA_LIMITS_FILE, reason);
    }
}

/// Where callers are counted, and the files that are wanted for it.
fn store(reader: &mut Reader, settings: &mut Settings) {
    reader.read(&keys::QUOTA_STORE, &mut settings.store);
    reader.read(
        &keys::QUOTA_ON_STORE_FAILURE,
        &mut settings.on_store_failure,
    );
    let redis = &mut settings.redis;
    reader.read(&keys::QUOTA_REDIS_URL_FILE, &mut redis.url_file);
    reader.read(&keys::QUOTA_REDIS_KEY_FILE, &mut redis.key_file);
    reader.read(&keys::QUOTA_REDIS_CLUSTER, &mut redis.cluster);
    reader.read(&keys::QUOTA_REDIS_CA_FILE, &mut redis.ca_file);
    reader.read(&keys::QUOTA_REDIS_TIMEOUT, &mut redis.timeout);
    if reader.is_wrong(&keys::QUOTA_STORE) {
        return;
    }
    if settings.store == Store::Memory {
        let is_told = settings.on_store_failure != OnStoreFailure::default();
        let lonely: [(&dyn AnyKey, bool); 5] = [
            (&keys::QUOTA_REDIS_URL_FILE, redis.url_file.is_some()),
            (&keys::QUOTA_REDIS_KEY_FILE, redis.key_file.is_some()),
            (&keys::QUOTA_REDIS_CLUSTER, redis.cluster),
            (&keys::QUOTA_REDIS_CA_FILE, redis.ca_file.is_some()),
            (&keys::QUOTA_ON_STORE_FAILURE, is_told),
        ];
        for (key, is_set) in lonely {
            if is_set {
                let reason = format!("wants {} = \"redis\"", keys::QUOTA_STORE.path);
                reader.contradiction(key, reason);
            }
        }
        return;
    }
    let checked: [(&dyn AnyKey, Result<(), String>); 3] = [
        (&keys::QUOTA_REDIS_URL_FILE, redis.check_url()),
        (&keys::QUOTA_REDIS_KEY_FILE, redis.secret().map(drop)),
        (&keys::QUOTA_REDIS_CA_FILE, redis.check_authorities()),
    ];
    for (key, checked) in checked {
        let is_set = reader.found(key).is_some();
        match checked {
            Ok(()) => {}
            Err(reason) if is_set => reader.contradiction(key, reason),
            Err(_) => {
                let reason = format!(
                    "not set, and {} = \"redis\" wants it",
                    keys::QUOTA_STORE.path
                );
                reader.contradiction(key, reason);
            }
        }
    }
    if settings.in_force == InForce::Never && !reader.is_wrong(&keys::QUOTA_IN_FORCE) {
        let never = keys::QUOTA_IN_FORCE.path;
        let reason = format!("has no effect with {never} = \"never\"");
        reader.contradiction(&keys::QUOTA_STORE, reason);
    }
}

/// The limits in force, in lines that a TOML file may have.
pub(super) fn told(settings: &Settings) -> String {
    format!("{}{}", of_callers(settings), of_account(settings))
}

fn of_account(settings: &Settings) -> String {
    if !settings.guards_account() {
        return "\n# The account's quotas are not guarded.\n".to_owned();
    }
    let mut text = "\n# The account's quotas are guarded:\n".to_owned();
    for line in settings.limits.account().to_string().lines() {
        text.push_str(&format!("#   {line}\n"));
    }
    text
}

fn of_callers(settings: &Settings) -> String {
    if !settings.is_on() {
        return "\n# Callers are not limited.\n".to_owned();
    }
    let mut text =
        "\n# Limits; of those that fit a call, the first with a rate and the first with a number in \
         flight count:\n"
            .to_owned();
    for limit in settings.limits.iter() {
        text.push_str(&format!("#   {limit}\n"));
    }
    text
}
