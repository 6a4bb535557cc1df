//! What the tests stand on.
//!
//! * [`app::App`] is poolgate without a socket: a generated client over the whole
//!   stack of layers, over the real SDK, over the emulator or a [`wire::Wire`].
//! * [`arbitrary`] makes random requests within the bounds of AWS's model.
//! * [`bad_values`] are texts that are meant to break what they get into.
//! * [`certificates::Authority`] makes certificates for TLS, good ones and bad ones.
//! * [`collector::Collector`] takes logs over OTLP, [`span_collector::SpanCollector`] traces
//!   and [`syslog::Syslog`] messages, each on a real socket and as a test wants.
//! * [`direct::Direct`] is the emulator without poolgate around it.
//! * [`examples`] has a request of every operation and makes calls generically.
//! * [`fuzz::Target`] is what random input is thrown at, here and by `fuzz/`.
//! * [`guarded::Guarded`] has a caller and policies for the real binary, and
//!   [`house::House`] as many of both as a test writes, for poolgate in this process.
//! * [`journal::Journal`] writes an audit journal, with digests if they are wanted.
//! * [`memory_limit::MemoryLimit`] has the kernel kill who takes more memory.
//! * [`metrics`] reads what poolgate counts, [`records`] what it records.
//! * [`process::Process`] is the real binary, [`fake_aws::FakeAws`] an endpoint on a real
//!   socket that misbehaves.
//! * [`raw::RawPeer`] speaks HTTP/2 by hand.
//! * [`redis_server::RedisServer`] is a real Redis that a test has to itself.
//! * [`rush::Rush`] has many callers at once, in minutes that pass in moments.
//! * [`siege::Siege`] is the real binary with a good caller beside bad ones.
//! * [`sts::Sts`] is AWS's Security Token Service on a real socket, as a test wants it.
//! * [`told::told`] is what the environment says that makes a test longer.
//! * [`tokens::Issuer`] signs tokens and serves its keys.
//! * [`turnstile::Turnstile`] is poolgate on a real socket with limits and with a clock that
//!   a test turns.
//! * [`wire::Wire`] takes the place of the network under the SDK: it keeps every
//!   request and answers as it is told.

pub mod admin;
pub mod app;
pub mod arbitrary;
pub mod bad_values;
pub mod certificates;
pub mod collector;
pub mod direct;
pub mod each_once;
pub mod examples;
pub mod fake_aws;
pub mod fuzz;
pub mod guarded;
pub mod house;
pub mod journal;
pub mod memory_limit;
pub mod metrics;
pub mod process;
pub mod raw;
pub mod records;
pub mod redis_server;
pub mod rush;
pub mod siege;
pub mod span_collector;
pub mod sts;
pub mod syslog;
pub mod tokens;
pub mod told;
pub mod turnstile;
pub mod wire;
