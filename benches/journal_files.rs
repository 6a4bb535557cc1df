//! How fast a journal is checked and searched: `cargo bench --bench journal_files`.
//!
//! One thread reads four files of about 60 MB each, which the system has in memory.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot be set up stops"
)]

#[path = "../tests/it/support/journal.rs"]
mod journal;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::SystemTime;

use divan::Bencher;
use divan::counter::BytesCount;
use journal::{Journal, access_key};
use poolgate::audit::Listing;
use poolgate::audit::verify::{Settings, Verdict, verify};
use poolgate::audit::who::{Filter, Find, search};
use tempfile::TempDir;

const FILES: u64 = 4;
/// In each file.
const CALLS: u64 = 32_000;
const LEAST_BYTES: u64 = 200_000_000;

static MADE: LazyLock<Made> = LazyLock::new(Made::new);

fn main() {
    divan::main();
}

/// Lines, chain and calls.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn check(bencher: Bencher<'_, '_>) {
    let settings = Settings {
        keys: Vec::new(),
        threads: 1,
    };
    bencher
        .counter(BytesCount::new(MADE.bytes))
        .bench_local(|| {
            let report = verify(&MADE.path, &settings, &|_| {}).expect("a journal");
            assert_eq!(report.verdict(), Verdict::Clean);
        });
}

/// The one record of an access key.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn who_got_a_key(bencher: Bencher<'_, '_>) {
    let filter = Filter {
        access_key: Some(MADE.key.clone()),
        ..Filter::default()
    };
    find(bencher, &filter, |found| found == 1);
}

/// What a caller did, a tenth of all.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn what_a_caller_did(bencher: Bencher<'_, '_>) {
    let filter = Filter {
        caller: Some("https://issuer.example|user-3".to_owned()),
        ..Filter::default()
    };
    find(bencher, &filter, |found| found > 1000);
}

/// No line answers, and of each the time is looked at.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn what_was_before_all(bencher: Bencher<'_, '_>) {
    let filter = Filter {
        until: Some(SystemTime::UNIX_EPOCH),
        ..Filter::default()
    };
    find(bencher, &filter, |found| found == 0);
}

fn find(bencher: Bencher<'_, '_>, filter: &Filter, is_right: impl Fn(u64) -> bool) {
    let listing = Listing::of(&MADE.path).expect("a journal");
    bencher
        .counter(BytesCount::new(MADE.bytes))
        .bench_local(|| {
            let found = &mut |_: &Find<'_>| ControlFlow::Continue(());
            let searched = search(&listing, filter, found, &mut |_| {});
            assert!(is_right(searched.found));
        });
}

struct Made {
    path: PathBuf,
    bytes: u64,
    /// A key in the middle.
    key: String,
    _folder: TempDir,
}

impl Made {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut journal = Journal::new(folder.path());
        let mut last = 0;
        for file in 0..FILES {
            for _ in 0..CALLS {
                last = journal.call();
            }
            if file + 1 < FILES {
                journal.rotate();
            }
        }
        journal.flush();
        let path = journal.path();
        let bytes = Listing::of(&path).expect("a journal").bytes();
        assert!(bytes >= LEAST_BYTES, "{bytes}");
        // Every third call hands out credentials.
        let key = access_key(last / 6 * 3);
        Self {
            path,
            bytes,
            key,
            _folder: folder,
        }
    }
}
