//! What the audit journal costs: `cargo bench --bench audit`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    reason = "a benchmark that cannot be set up stops"
)]

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use futures_util::future::join_all;
use poolgate::audit::journal::{Durability, Kind};
use poolgate::audit::line::Draft;
use poolgate::audit::{Journal, Meter, Origin, Settings};
use poolgate::clock::Clock;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// What a record costs at least: its bytes written and synced by nobody else's help.
#[divan::bench(sample_count = 1_000, sample_size = 1)]
fn write_and_sync(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bare");
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .append(true)
        .open(path)
        .expect("a file");
    let line = vec![b'x'; draft().bytes()];
    bencher.bench_local(|| {
        file.write_all(&line).expect("written");
        file.sync_data().expect("synced");
    });
}

/// One record, and nobody else has any.
#[divan::bench(sample_count = 1_000, sample_size = 1)]
fn lone_record(bencher: Bencher<'_, '_>) {
    let open = Open::new();
    bencher.bench_local(|| open.runtime.block_on(open.record()));
}

/// So many who each wait for their record.
#[divan::bench(args = [64, 1_024], sample_count = 200, sample_size = 1)]
fn records_at_once(bencher: Bencher<'_, '_>, count: usize) {
    let open = Open::new();
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        open.runtime
            .block_on(join_all((0..count).map(|_| open.record())))
    });
}

struct Open {
    runtime: Runtime,
    journal: Journal,
    draft: Draft,
    _folder: TempDir,
}

impl Open {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings {
            file: Some(folder.path().join("audit.jsonl")),
            ..Settings::default()
        };
        let origin = Origin {
            region: "eu-west-1".to_owned(),
            account_id: None,
            instance: "bench".to_owned(),
        };
        let (clock, meter) = (Clock::system(), Arc::new(Nobody));
        let closed = Box::new(|| ());
        let journal = Journal::open(&settings, origin, &clock, meter, Vec::new(), closed);
        Self {
            runtime: Runtime::new().expect("a runtime"),
            journal: journal.expect("a journal"),
            draft: draft(),
            _folder: folder,
        }
    }

    async fn record(&self) {
        let place = self.journal.place().await.expect("a place");
        let written = place.close(self.draft.clone(), Kind::Other, Durability::Synced);
        written.await.expect("durable");
    }
}

/// As long as the record of a call.
fn draft() -> Draft {
    let record = json!({"eventName": "GetId", "requestParameters": "x".repeat(1_000)});
    Draft::new(&record, &json!({"phase": "outcome"})).expect("an object")
}

struct Nobody;

impl Meter for Nobody {
    fn written(&self, _: usize, _: usize, _: bool) {}
    fn failed(&self) {}
    fn failing(&self, _: bool) {}
}
