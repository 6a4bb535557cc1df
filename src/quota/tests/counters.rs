//! Where callers are counted, in the hands of a test: the same questions in memory and in
//! Redis, at times that the test says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::redis_server::RedisServer;
use crate::clock::Clock;
use crate::quota::key::Key;
use crate::quota::price::{Charged, Marked, Price, judge};
use crate::quota::redis::Charge;
use crate::quota::table::{CAPACITY, Table};
use crate::quota::{
    Asked, Limiter, Limits, OnStoreFailure, Redis, RedisSettings, Ruling, Shared, StoreMeter,
};

/// When Redis's time begins, in nanoseconds: in the year 2023, when numbers of Lua had long
/// been too short for it.
pub(super) const BEGINNING: u64 = 1_700_000_000_123_456_789;
const SECRET: &[u8] = b"a secret of more than thirty-two bytes";

/// A limiter, and the clock that its questions come by.
pub(super) struct Counter {
    pub(super) clock: Clock,
    pub(super) limiter: Limiter,
    origin: Instant,
    redis: Option<Arc<Connected>>,
}

/// Redis, connected, with its time in a test's hands.
pub(super) struct Connected {
    pub(super) server: RedisServer,
    pub(super) time: Arc<AtomicU64>,
    redis: Arc<Redis>,
    told: Arc<Told>,
    runtime: Runtime,
}

/// What is told of Redis.
#[derive(Default)]
struct Told {
    is_degraded: AtomicBool,
    failures: AtomicU64,
    damaged: AtomicU64,
}

/// The same limits in memory, and in Redis.
pub(super) fn counters(limits: &str) -> [Counter; 2] {
    let limits = Limits::parse(limits).unwrap();
    let redis = Arc::new(Connected::start());
    let in_redis = Counter::in_redis(&redis, &limits, 1);
    [Counter::in_memory(&limits), in_redis]
}

impl Counter {
    pub(super) fn in_memory(limits: &Limits) -> Self {
        let clock = super::clock();
        Self {
            limiter: Limiter::new(limits, clock.instant()),
            origin: clock.instant(),
            clock,
            redis: None,
        }
    }

    /// One of so many replicas that count there.
    pub(super) fn in_redis(redis: &Arc<Connected>, limits: &Limits, replicas: u32) -> Self {
        let clock = super::clock();
        let (store, now) = (Arc::clone(&redis.redis), clock.now());
        let shared = Shared::new(store, replicas, OnStoreFailure::Local, now);
        Self {
            limiter: Limiter::shared(limits, clock.instant(), SECRET, shared),
            origin: clock.instant(),
            clock,
            redis: Some(Arc::clone(redis)),
        }
    }

    pub(super) fn admit(&self, asked: &Asked<'_>, weight: u32) -> Ruling {
        match &self.redis {
            None => self.limiter.admit(asked, weight),
            Some(redis) => {
                redis.go_to(asked.at.duration_since(self.origin));
                redis.runtime.block_on(self.limiter.decide(asked, weight))
            }
        }
    }

    /// By the time that Redis has, whatever that is.
    pub(super) fn decide_at(&self, asked: &Asked<'_>) -> Ruling {
        let redis = self.redis.as_ref().unwrap();
        redis.runtime.block_on(self.limiter.decide(asked, 1))
    }

    pub(super) fn reload(&self, limits: &Limits) {
        self.limiter.reload(limits);
    }

    pub(super) fn admit_rest(&self, asked: &Asked<'_>, charged: u32, weight: u32) -> Ruling {
        match &self.redis {
            None => self.limiter.admit_rest(asked, charged, weight),
            Some(redis) => {
                redis.go_to(asked.at.duration_since(self.origin));
                let deciding = self.limiter.decide_rest(asked, charged, weight);
                redis.runtime.block_on(deciding)
            }
        }
    }
}

impl Connected {
    pub(super) fn start() -> Self {
        let server = RedisServer::start();
        let directory = tempfile::tempdir().unwrap();
        let url_file = directory.path().join("url");
        std::fs::write(&url_file, server.url()).unwrap();
        let settings = RedisSettings {
            url_file: Some(url_file),
            // A busy machine is no failure here.
            timeout: Duration::from_secs(10),
            ..RedisSettings::default()
        };
        let (time, told) = (Arc::new(AtomicU64::new(BEGINNING)), Arc::<Told>::default());
        let meter = Arc::clone(&told);
        let redis = Redis::by(&settings, &Clock::system(), meter, Arc::clone(&time));
        let redis = Arc::new(redis);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let keeper = Arc::clone(&redis);
        runtime.spawn(async move {
            keeper.keep_connected().await;
            drop(directory);
        });
        let connected = Self {
            server,
            time,
            redis,
            told,
            runtime,
        };
        connected.until_degraded(false);
        connected
    }

    pub(super) fn until_degraded(&self, degraded: bool) {
        let began = Instant::now();
        while self.told.is_degraded.load(Ordering::SeqCst) != degraded {
            assert!(began.elapsed() < Duration::from_secs(60));
            std::thread::yield_now();
        }
    }

    /// How many questions it has not answered.
    pub(super) fn failures(&self) -> u64 {
        self.told.failures.load(Ordering::SeqCst)
    }

    /// How many values were replaced since this was asked before.
    pub(super) fn damaged(&self) -> u64 {
        self.told.damaged.swap(0, Ordering::SeqCst)
    }

    fn go_to(&self, since: Duration) {
        let since = u64::try_from(since.as_nanos()).unwrap();
        self.time.store(BEGINNING + since, Ordering::SeqCst);
    }
}

/// What keeps what keys owe.
pub(super) trait Keeps {
    /// Everything is forgotten.
    fn clear(&mut self);
    fn charge(&self, key: Key, windows: &[Marked], price: Price, now: u64) -> Charged;
}

impl Keeps for Table {
    fn clear(&mut self) {
        *self = Table::new(CAPACITY);
    }

    fn charge(&self, key: Key, windows: &[Marked], price: Price, now: u64) -> Charged {
        Table::charge(self, key, windows, price, now)
    }
}

impl Keeps for Connected {
    fn clear(&mut self) {
        assert_eq!(self.server.ask("FLUSHALL"), "OK");
    }

    fn charge(&self, key: Key, windows: &[Marked], price: Price, now: u64) -> Charged {
        self.time.store(BEGINNING + now, Ordering::SeqCst);
        let charge = Charge {
            key,
            groups: [windows, &[]],
            price,
            known: &[],
        };
        let reckoned = self.runtime.block_on(self.redis.charge(&charge)).unwrap();
        assert_eq!(reckoned.now, BEGINNING + now);
        judge(windows, price, |index, _| reckoned.owed[index])
    }
}

impl StoreMeter for Told {
    fn store(&self, _: &[&'static str]) {}

    fn store_answered(&self, _: Duration) {}

    fn store_damaged(&self, values: u64) {
        self.damaged.fetch_add(values, Ordering::SeqCst);
    }

    fn store_failed(&self, _: &'static str) {
        self.failures.fetch_add(1, Ordering::SeqCst);
    }

    fn store_degraded(&self, degraded: bool) {
        self.is_degraded.store(degraded, Ordering::SeqCst);
    }

    fn store_missed(&self, _: &'static str) {}
}
