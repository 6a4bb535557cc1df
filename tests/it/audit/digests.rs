//! Digests over restarts and crashes.

use std::fs;
use std::io::Read;

use flate2::read::GzDecoder;
use poolgate::audit::digest::{Digests, Maker};
use poolgate::audit::sign::PublicKey;
use poolgate::audit::verify::{Settings, Verdict, What, verify};

use super::{Made, clock};
use crate::support::journal::{Journal, signing_key};

#[test]
fn two_digests_never_end_in_the_same_second_and_a_full_hour_has_one_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    fs::write(&key, signing_key()).unwrap();
    let mut journal = Journal::new(folder.path());
    journal.rotate();
    let mut maker = Maker::open(&journal.settings(&key), journal.now())
        .unwrap()
        .unwrap();
    assert!(maker.make(journal.now(), false).unwrap().digest.is_some());
    let at = journal.now();
    journal.rotate();

    let waits = maker.make(at, false).unwrap();
    assert_eq!((waits.digest, maker.is_waiting()), (None, true));
    let made = maker.make(journal.now(), false).unwrap();
    assert_eq!((made.compressed, maker.is_waiting()), (1, false));
    assert_eq!(maker.make(journal.now(), false).unwrap().digest, None);
    assert!(
        maker
            .make(maker.next_hour(), false)
            .unwrap()
            .digest
            .is_some()
    );
    let made = Made {
        folder: folder.path().to_owned(),
        path: journal.path(),
        key,
    };
    journal.flush();
    let report = made.verify();
    assert_eq!(
        (report.verdict(), report.digests.count),
        (Verdict::Clean, 3)
    );
}

/// The folder is put into every state that a kill can leave.
#[test]
fn whenever_the_process_is_killed_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), true);
    let last = made.closed().pop().unwrap();
    let plain = last.with_extension("");
    let digests = || {
        let mut names: Vec<_> = fs::read_dir(folder.path().join("digests"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        names
    };
    let unzip = || {
        let mut content = Vec::new();
        let zipped = fs::File::open(&last).unwrap();
        GzDecoder::new(zipped).read_to_end(&mut content).unwrap();
        fs::write(&plain, content).unwrap();
    };
    for (state, why) in [
        (0, "the digest is there, the file is not compressed"),
        (1, "the file is compressed and the plain one still there"),
        (2, "the compressed one is half written"),
        (3, "a signature is written and its digest is not"),
    ] {
        unzip();
        match state {
            0 => fs::remove_file(&last).unwrap(),
            1 => {}
            2 => {
                fs::remove_file(&last).unwrap();
                let half = format!("{}.tmp", last.display());
                fs::write(half, [0x1f, 0x8b]).unwrap();
            }
            _ => {
                let orphan = "digests/audit-20261126T050000Z.json.gz.sig";
                fs::write(folder.path().join(orphan), "00\n").unwrap();
                fs::write(folder.path().join("digests/x.json.gz.tmp"), "").unwrap();
            }
        }
        let journal = Journal::new(&folder.path().join("elsewhere"));
        let mut settings = journal.settings(&made.key);
        settings.journal.clone_from(&made.path);
        let before = digests().len();

        let mut maker = Maker::open(&settings, journal.now()).unwrap().unwrap();
        let done = maker.make(journal.now(), false).unwrap();

        assert_eq!((done.digest, done.compressed), (None, 1), "{why}");
        assert!(!plain.exists() && last.exists(), "{why}");
        assert_eq!(digests().len(), before - usize::from(state == 3), "{why}");
        let _ = fs::remove_file(folder.path().join("digests/x.json.gz.tmp"));
        let report = made.verify();
        assert_eq!(report.verdict(), Verdict::Clean, "{why}: {report:?}");
    }
}

#[test]
fn a_file_that_was_changed_before_it_was_compressed_is_left_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), true);
    let last = made.closed().pop().unwrap();
    let plain = last.with_extension("");
    fs::remove_file(&last).unwrap();
    fs::write(&plain, "forged\n").unwrap();
    let journal = Journal::new(&folder.path().join("elsewhere"));
    let mut settings = journal.settings(&made.key);
    settings.journal.clone_from(&made.path);

    let mut maker = Maker::open(&settings, journal.now()).unwrap().unwrap();
    let error = maker.make(journal.now(), false).unwrap_err().to_string();

    assert!(error.contains("is not what its digest has"), "{error}");
    assert!(plain.exists());
    assert_eq!(made.verify().verdict(), Verdict::Broken);
}

#[test]
fn the_chain_of_digests_goes_on_with_a_new_key_and_each_key_has_to_be_given() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), true);
    let old = PublicKey::read(&made.key).unwrap();
    fs::write(&made.key, signing_key()).unwrap();
    let new = PublicKey::read(&made.key).unwrap();
    let journal = Journal::new(&folder.path().join("elsewhere"));
    let mut settings = journal.settings(&made.key);
    settings.journal.clone_from(&made.path);
    let mut maker = Maker::open(&settings, journal.now()).unwrap().unwrap();
    maker.make(maker.next_hour(), false).unwrap();
    let with = |keys: &[&PublicKey]| {
        let keys = keys.iter().map(|key| (*key).clone()).collect();
        verify(&made.path, &Settings { keys, threads: 1 }, &|_| {}).unwrap()
    };

    assert_eq!(with(&[&old, &new]).verdict(), Verdict::Clean);
    assert_eq!(with(&[&new, &old]).digests.signed, 7);
    let faults = with(&[&old]).faults;
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].what, What::OtherKey(new.fingerprint()));
}

#[test]
fn what_is_closed_is_in_a_digest_when_the_thread_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    fs::write(&key, signing_key()).unwrap();
    let mut journal = Journal::new(folder.path());
    let digests = Digests::open(&journal.settings(&key), &clock(&journal)).unwrap();
    for _ in 0..5 {
        journal.call();
        journal.rotate();
        digests.closed();
    }
    journal.flush();

    drop(digests);

    let made = Made {
        folder: folder.path().to_owned(),
        path: journal.path(),
        key,
    };
    let report = made.verify();
    assert_eq!(
        (report.verdict(), report.digests.files),
        (Verdict::Clean, 5),
        "{report:?}"
    );
    assert!(
        made.closed()
            .iter()
            .all(|path| path.extension().unwrap() == "gz")
    );
}

#[test]
fn without_a_key_there_are_no_digests_and_files_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(folder.path());
    journal.rotate();
    journal.flush();
    let mut settings = journal.settings(folder.path());
    settings.signing_key_file = None;

    let digests = Digests::open(&settings, &clock(&journal)).unwrap();
    digests.closed();
    drop(digests);

    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
