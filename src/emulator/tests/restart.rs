use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;

#[test]
fn everything_is_there_after_a_restart() {
    let world = World::on_disk();
    let pool = world.pool(json!({"DeveloperProviderName": DEVELOPER}));
    let ann = world.identity(&pool, user("ann"));
    let gone = world.identity(&pool, json!({}));
    world.ok("DeleteIdentities", json!({"IdentityIdsToDelete": [gone]}));
    let body = json!({"IdentityId": ann, "Logins": user("ann")});
    let token = world.ok("GetOpenIdToken", body)["Token"].clone();
    let before = world.emulator.snapshot().unwrap();

    let world = world.restarted();

    assert_eq!(world.emulator.snapshot().unwrap(), before);
    assert_eq!(world.identity(&pool, user("ann")), ann);
    let logins = json!({OWN: token});
    let body = json!({"IdentityId": ann, "Logins": logins});
    assert!(
        world.call("GetCredentialsForIdentity", body).is_ok(),
        "a token of before is verified"
    );
}

#[test]
fn a_reset_and_a_restore_last_over_a_restart() {
    let world = World::on_disk();
    let pool = world.pool(json!({}));
    let snapshot = world.emulator.snapshot().unwrap();
    world.emulator.reset().unwrap();

    let world = world.restarted();
    assert!(
        world
            .call("DescribeIdentityPool", json!({"IdentityPoolId": pool}))
            .is_err()
    );
    world.emulator.restore(snapshot.clone()).unwrap();

    let world = world.restarted();
    assert_eq!(world.emulator.snapshot().unwrap(), snapshot);
}

#[test]
fn a_directory_belongs_to_one_emulator_at_a_time() {
    let world = World::on_disk();

    let refused = Emulator::open(world.settings(), Clock::system()).unwrap_err();

    let directory = world.data();
    assert_eq!(
        refused.to_string(),
        format!(
            "the data directory `{}` is in use by another process",
            directory.display()
        )
    );
}

#[test]
fn nobody_else_may_read_what_is_kept() {
    let world = World::on_disk();
    world.emulator.jwks().unwrap();

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&world.data()), 0o700);
    for file in ["lock", "state.redb", "signing-key.pk8"] {
        assert_eq!(mode(&world.data().join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is() {
    let (directory, settings) = kept();
    let path = directory.path().join("data/state.redb");
    let good = fs::read(&path).unwrap();
    let mut damaged: Vec<Vec<u8>> = vec![
        b"nonsense".to_vec(),
        good[..good.len() / 2].to_vec(),
        vec![0; good.len()],
    ];
    let pool = good.windows(4).position(|four| four == b"Pool").unwrap();
    for position in [0, pool] {
        let mut flipped = good.clone();
        flipped[position] ^= 1;
        damaged.push(flipped);
    }
    for (number, content) in damaged.into_iter().enumerate() {
        fs::write(&path, &content).unwrap();

        let refused = Emulator::open(settings.clone(), Clock::system());

        assert!(
            matches!(refused, Err(OpenError::Damaged { .. })),
            "{number}: {refused:?}"
        );
        assert!(fs::read(&path).unwrap() == content, "{number}");
    }
    fs::write(&path, &good).unwrap();
    assert!(Emulator::open(settings, Clock::system()).is_ok());
}

#[test]
fn a_damaged_key_is_refused_and_left_as_it_is() {
    let (directory, settings) = kept();
    let path = directory.path().join("data/signing-key.pk8");
    fs::write(&path, "nonsense").unwrap();

    let refused = Emulator::open(settings, Clock::system()).unwrap_err();

    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), b"nonsense");
}

#[test]
fn a_file_of_a_newer_version_is_refused_and_left_as_it_is() {
    let (directory, settings) = kept();
    let path = directory.path().join("data/state.redb");
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, u64>::new("meta");
    transaction
        .open_table(meta)
        .unwrap()
        .insert("format", 2)
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    let before = fs::read(&path).unwrap();

    let refused = Emulator::open(settings, Clock::system()).unwrap_err();

    assert!(
        refused.to_string().ends_with(
            "has format 2, written by a newer version of poolgate; this version knows format 1"
        ),
        "{refused}"
    );
    assert!(fs::read(&path).unwrap() == before);
}

/// A directory with a pool in it, and an emulator's settings for it.
fn kept() -> (TempDir, Settings) {
    let world = World::on_disk();
    world.pool(json!({}));
    let settings = world.settings();
    (world.directory.unwrap(), settings)
}

impl World {
    fn data(&self) -> PathBuf {
        self.directory.as_ref().unwrap().path().join("data")
    }

    fn settings(&self) -> Settings {
        Settings {
            data_dir: Some(self.data()),
            ..Settings::default()
        }
    }

    fn restarted(self) -> Self {
        let settings = self.settings();
        drop(self.emulator);
        let mut world = Self::with(settings);
        world.directory = self.directory;
        world
    }
}
