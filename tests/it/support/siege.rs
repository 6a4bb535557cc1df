//! The real binary on its emulator, and a good caller whose calls go on whatever others do.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use poolgate::operation::Operation;
use poolgate::pb::ListIdentityPoolsRequest;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tonic::transport::Endpoint;

use super::metrics::{self, Metrics};
use super::process::Process;
use super::raw::{END_HEADERS, HEADERS, RawPeer, block, frame};

/// How often the good caller calls.
const PACE: Duration = Duration::from_millis(20);

/// After so many calls a process has what it needs to serve.
const WARM: usize = 100;

/// Long enough for whatever has no limit of its own.
pub const LONG: Duration = Duration::from_secs(60);

pub struct Siege {
    pub process: Process,
    pub address: SocketAddr,
    victim: JoinHandle<Fate>,
    /// How many calls the good caller has made.
    calls: watch::Receiver<usize>,
    over: oneshot::Sender<()>,
    before: (usize, Duration),
}

/// What became of the good caller's calls.
struct Fate {
    took: Vec<Duration>,
    errors: Vec<String>,
}

impl Siege {
    pub async fn begin(environment: &[(&str, &str)]) -> Self {
        let admin = [("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0")];
        Self::of(Process::start(&[&admin, environment].concat())).await
    }

    pub async fn of(process: Process) -> Self {
        Self::with(process, false).await
    }

    /// Calls that the good caller's own client has not put on the wire, because of a GOAWAY
    /// that came at that moment, are no errors: gRPC's clients make them again by themselves,
    /// and tonic's does not.
    pub async fn begin_where_connections_end(environment: &[(&str, &str)]) -> Self {
        let admin = [("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0")];
        let process = Process::start(&[&admin, environment].concat());
        Self::with(process, true).await
    }

    async fn with(process: Process, again: bool) -> Self {
        let address: SocketAddr = process.address.parse().unwrap();
        let (over, ended) = oneshot::channel();
        let (made, mut calls) = watch::channel(0);
        let victim = tokio::spawn(call_until(ended, address, made, again));
        calls.changed().await.unwrap();
        Self {
            before: process.usage(),
            process,
            address,
            victim,
            calls,
            over,
        }
    }

    /// A peer that has greeted.
    pub async fn peer(&self) -> RawPeer {
        RawPeer::connect(self.address).await
    }

    /// A connection from an address of this machine.
    pub async fn connect_from(&self, from: &str) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from.parse::<IpAddr>().unwrap(), 0).into())?;
        socket.connect(self.address).await
    }

    pub async fn metrics(&self) -> Metrics {
        metrics::read(self.process.admin().unwrap()).await
    }

    /// How much memory the process has more than at the beginning, in KiB.
    pub fn growth(&self) -> usize {
        self.process.usage().0.saturating_sub(self.before.0)
    }

    /// An attack that is made again ten times does not have the process grow by more than so
    /// many KiB. What it needs to serve at all, and to do anything of the kind, is there
    /// before.
    pub async fn grows_at_most(&self, most: usize, why: &str, attack: impl AsyncFn()) {
        attack().await;
        let mut calls = self.calls.clone();
        soon(calls.wait_for(|calls| *calls >= WARM)).await.unwrap();
        let before = self.growth();
        for _ in 0..10 {
            attack().await;
        }
        let settled = async {
            while self.growth() > before + most {
                // The allocator gives back what nobody wants any more when it is asked.
                self.metrics().await;
            }
        };
        let settled = tokio::time::timeout(LONG, settled).await;
        assert!(settled.is_ok(), "{why}: {before} to {} KiB", self.growth());
    }

    /// How long the process has computed for what is done.
    pub async fn computed_for(&self, what: impl Future<Output = ()>) -> Duration {
        let before = self.process.usage().1;
        what.await;
        self.process.usage().1 - before
    }

    /// Ends it: no call of the good caller has failed, the server lives, and nothing was
    /// worth a warning.
    pub async fn end(self, of: &str) -> Process {
        self.end_warned(of, "not authenticated").await
    }

    /// The same where a warning with this text may be in the log.
    #[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
    pub async fn end_warned(self, of: &str, warning: &str) -> Process {
        let _ = self.over.send(());
        let Fate { mut took, errors } = self.victim.await.unwrap();
        took.sort();
        let p99 = took[took.len() * 99 / 100];
        let (memory, computed) = self.process.usage();
        println!(
            "{of}: {} calls, p99 {p99:?}, memory {} to {memory} KiB, computed {:?}",
            took.len(),
            self.before.0,
            computed - self.before.1,
        );
        assert_eq!(errors, Vec::<String>::new(), "{of}");
        for line in self.process.log() {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            let is_harmless = ["INFO", "DEBUG"].contains(&line["level"].as_str().unwrap());
            let text = line.to_string();
            // That nobody has to say who calls is said at the start.
            let is_expected = text.contains(warning) || text.contains("not authenticated");
            assert!(is_harmless || is_expected, "{of}: {line}");
        }
        self.process
    }
}

async fn call_until(
    mut ended: oneshot::Receiver<()>,
    address: SocketAddr,
    made: watch::Sender<usize>,
    again: bool,
) -> Fate {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let channel = endpoint.connect().await.unwrap();
    let mut client = CognitoIdentityServiceClient::new(channel);
    let mut fate = Fate {
        took: Vec::new(),
        errors: Vec::new(),
    };
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while ended.try_recv().is_err() {
        pace.tick().await;
        let began = Instant::now();
        let answer = client.list_identity_pools(ListIdentityPoolsRequest::default());
        match answer.await {
            Ok(_) => fate.took.push(began.elapsed()),
            Err(status) if again && is_unsent(&status) => {}
            Err(status) => fate.errors.push(format!("{status:?}")),
        }
        made.send_modify(|calls| *calls += 1);
    }
    fate
}

/// A GOAWAY without an error only ends what the other end has not looked at (RFC 9113, 6.8).
fn is_unsent(status: &tonic::Status) -> bool {
    let mut causes = std::iter::successors(status.source(), |&cause| cause.source());
    causes.any(|cause| {
        let hyper: Option<&hyper::Error> = cause.downcast_ref();
        let h2: Option<&h2::Error> = cause.downcast_ref();
        hyper.is_some_and(|error| error.is_canceled() || error.is_closed())
            || h2.is_some_and(|error| {
                error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR)
            })
    })
}

/// The headers of a call, with these flags more.
pub fn head(stream: u32, operation: Operation, flags: u8) -> Vec<u8> {
    let headers: [(&str, &[u8]); 6] = [
        (":method", b"POST"),
        (":scheme", b"http"),
        (":path", operation.path().as_bytes()),
        (":authority", b"poolgate"),
        ("content-type", b"application/grpc"),
        ("te", b"trailers"),
    ];
    frame(HEADERS, END_HEADERS | flags, stream, &block(&headers))
}

/// Odd numbers, as clients number their streams.
pub fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}

/// What takes longer than anything has to is broken.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(LONG, what).await;
    ended.expect("an end within a minute")
}
