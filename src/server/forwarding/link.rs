//! The way to a target, of whichever kind.

use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use rustls::ClientConfig;

use super::collector::Collector;
use super::datagrams::Datagrams;
use super::stream::Stream;
use crate::audit::forward::{Failed, Line, MOST_LINES, Skipped, Target, Way};
use crate::clock::Clock;

/// How long a connection has to live on after lines were handed over, before they count as
/// taken. TCP itself gives up sooner, see [`super::stream`].
const SETTLED_AFTER: Duration = Duration::from_secs(5);

/// The way to a target. It is open only once something was sent.
pub(super) enum Link {
    Collector(Box<Collector>),
    Stream(Stream),
    Datagrams(Datagrams),
}

impl Link {
    pub(super) fn to(
        target: &Target,
        trust: Option<&Arc<ClientConfig>>,
        headers: &HeaderMap,
        headers_file: Option<&Path>,
        clock: &Clock,
    ) -> Self {
        let process = std::process::id();
        match &target.way {
            Way::SyslogTcp(peer) => Self::Stream(Stream::new(peer, None, process)),
            Way::SyslogTls(peer) => Self::Stream(Stream::new(peer, trust, process)),
            Way::SyslogUdp(peer) => Self::Datagrams(Datagrams::udp(peer, process)),
            Way::SyslogUnix(path) => Self::Datagrams(Datagrams::unix(path, process)),
            Way::Otlp(uri) => {
                let collector = Collector::new(uri, trust, headers, headers_file, clock);
                Self::Collector(Box::new(collector))
            }
        }
    }

    /// How many lines it can be sent at once.
    pub(super) fn most_lines(&self) -> usize {
        match self {
            Self::Collector(_) | Self::Stream(_) => MOST_LINES,
            Self::Datagrams(_) => 1,
        }
    }

    /// How long after lines were sent they count as taken, if nothing fails.
    pub(super) fn settled_after(&self) -> Duration {
        match self {
            Self::Stream(_) => SETTLED_AFTER,
            Self::Collector(_) | Self::Datagrams(_) => Duration::ZERO,
        }
    }

    /// Why a line is left out that will never be taken.
    pub(super) fn skips(&self) -> Skipped {
        match self {
            Self::Datagrams(_) => Skipped::TooLong,
            Self::Collector(_) | Self::Stream(_) => Skipped::Refused,
        }
    }

    /// Sends lines, and tells how many of them the target rejects.
    ///
    /// # Errors
    ///
    /// When they were not taken.
    pub(super) async fn send(&mut self, lines: &[Line]) -> Result<u64, Failed> {
        match self {
            Self::Collector(collector) => collector.send(lines).await,
            Self::Stream(stream) => stream.send(lines).await.map(|()| 0),
            Self::Datagrams(datagrams) => datagrams.send(lines).await.map(|()| 0),
        }
    }

    /// Waits until the connection has ended, and tells why. Without one that is never. Can
    /// be dropped and called again.
    pub(super) async fn closed(&mut self) -> String {
        match self {
            Self::Stream(stream) => stream.closed().await,
            Self::Collector(_) | Self::Datagrams(_) => pending().await,
        }
    }

    /// Ends the connection. Tells whether the other end has read all that was sent.
    pub(super) async fn end(&mut self) -> bool {
        match self {
            Self::Stream(stream) => stream.end().await,
            Self::Collector(_) | Self::Datagrams(_) => false,
        }
    }
}
