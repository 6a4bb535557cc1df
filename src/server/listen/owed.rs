//! What a peer is owed, and whether it takes it.
//!
//! A peer that asks and does not take the answers has us keep them: it gives no window, or
//! does not read. Neither hyper nor h2 has a bound for that, and a keepalive does not help
//! against a peer that answers it (reference: security, F13). Here it is watched from both
//! sides: on the wire, which answers have begun and not ended and when a frame of each went
//! out last; above, how many answers have nothing to give at present, as the watches of
//! health have most of the time. When more answers stand still than have nothing to give, and
//! no part of any answer goes out, it is the peer who takes none. One who takes a little now
//! and then is served as long as its connection may last.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body::{Frame, SizeHint};
use tokio::time::sleep;

use super::heads::{ACK, DATA, HEADERS, Head, Heads, RST_STREAM, SETTINGS};
use crate::clock::Clock;

/// What one peer is owed. Cheap to clone; clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Owed(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The answers that have begun on the wire and not ended, and when a frame of each went
    /// out last.
    answers: BTreeMap<u32, Instant>,
    /// How many answers have nothing to give at present.
    resting: usize,
    /// When one of those went on.
    resumed: Instant,
    /// When a part of any answer went out last: those of one connection share its window, and
    /// come one after the other to a peer who takes little at a time.
    given: Instant,
    /// Since when nothing could be written.
    blocked: Option<Instant>,
    /// Since when our settings are not acknowledged.
    greeted: Option<Instant>,
}

/// What a peer has not done for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    Read,
    Take,
    Acknowledge,
}

impl fmt::Display for Overdue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Read => "it does not read",
            Self::Take => "it gives no window for its answers",
            Self::Acknowledge => "it does not acknowledge our settings",
        })
    }
}

impl Owed {
    /// Nothing yet but the acknowledgement of our settings.
    pub(super) fn new(clock: Clock) -> Self {
        let now = clock.instant();
        Self(Arc::new(Shared {
            clock,
            state: Mutex::new(State {
                answers: BTreeMap::new(),
                resting: 0,
                resumed: now,
                given: now,
                blocked: None,
                greeted: Some(now),
            }),
        }))
    }

    /// A frame has come from the peer.
    pub(super) fn received(&self, head: Head) {
        match head.kind {
            RST_STREAM => drop(self.state().answers.remove(&head.stream)),
            SETTINGS if head.flags & ACK != 0 => self.state().greeted = None,
            _ => {}
        }
    }

    /// Bytes have gone out to the peer, whose heads `heads` reads.
    pub(super) fn sent<'a>(&self, heads: &mut Heads, slices: impl IntoIterator<Item = &'a [u8]>) {
        let mut state = self.state();
        let mut now = None;
        for bytes in slices {
            let read: Result<(), Infallible> = heads.read(bytes, |head| {
                if head.kind == RST_STREAM || head.ends_stream() {
                    state.answers.remove(&head.stream);
                } else if matches!(head.kind, HEADERS | DATA) {
                    let now = *now.get_or_insert_with(|| self.0.clock.instant());
                    state.answers.insert(head.stream, now);
                }
                if head.kind == DATA {
                    state.given = *now.get_or_insert_with(|| self.0.clock.instant());
                }
                Ok(())
            });
            let Ok(()) = read;
        }
    }

    /// Whether something could be written.
    pub(super) fn blocked(&self, is_so: bool) {
        let now = is_so.then(|| self.0.clock.instant());
        self.state().blocked = now;
    }

    /// Ends when the peer has not done for so long what it has to.
    pub(super) async fn overdue(&self, patience: Duration) -> Overdue {
        loop {
            let (due, what) = self.due(patience);
            let left = due.saturating_duration_since(self.0.clock.instant());
            if left.is_zero() {
                return what;
            }
            sleep(left).await;
        }
    }

    /// When which of what the peer has to do will be overdue, as it looks now.
    fn due(&self, patience: Duration) -> (Instant, Overdue) {
        let state = self.state();
        let mut since: Vec<Instant> = state.answers.values().copied().collect();
        since.sort_unstable();
        // Those that have nothing to give may be the ones that stand still longest.
        let answers = since.get(state.resting).copied();
        let answers =
            answers.map(|since| (since.max(state.resumed).max(state.given), Overdue::Take));
        let blocked = state.blocked.map(|since| (since, Overdue::Read));
        let greeted = state.greeted.map(|since| (since, Overdue::Acknowledge));
        let all = [answers, blocked, greeted].into_iter().flatten();
        // What is owed from now on is not overdue before that.
        let nothing = || (self.0.clock.instant(), Overdue::Take);
        let (since, what) = all.min_by_key(|(since, _)| *since).unwrap_or_else(nothing);
        (since + patience, what)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of an answer, which tells when it has nothing to give.
pub(super) struct Answer<B> {
    body: B,
    owed: Owed,
    rests: bool,
}

impl<B> Answer<B> {
    pub(super) fn new(body: B, owed: Owed) -> Self {
        Self {
            body,
            owed,
            rests: false,
        }
    }

    fn rest(&mut self, rests: bool) {
        if self.rests == rests {
            return;
        }
        self.rests = rests;
        let now = self.owed.0.clock.instant();
        let mut state = self.owed.state();
        if rests {
            state.resting += 1;
        } else {
            state.resting = state.resting.saturating_sub(1);
            state.resumed = now;
        }
    }
}

impl<B> Drop for Answer<B> {
    fn drop(&mut self) {
        self.rest(false);
    }
}

impl<B: http_body::Body + Unpin> http_body::Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.rest(polled.is_pending());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio::time::{advance, timeout};

    use super::*;
    use crate::server::listen::heads::END_STREAM;
    use crate::server::testing::raw_frame;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_has_taken_everything_is_never_overdue() {
        let mut peer = Watched::greeted();

        peer.sends(&[(HEADERS, 0, 1), (DATA, 0, 1), (HEADERS, END_STREAM, 1)]);
        peer.sends(&[(HEADERS, 0, 3)]);
        peer.sends(&[(RST_STREAM, 0, 3)]);
        peer.sends(&[(HEADERS, 0, 5)]);
        peer.owed.received(head(RST_STREAM, 0, 5));

        peer.waits_for_ever().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_has_so_long_since_it_took_something_of_any_answer() {
        let mut peer = Watched::greeted();
        peer.sends(&[(HEADERS, 0, 1), (HEADERS, 0, 3)]);
        // They share the window of their connection: one waits for the other.
        for _ in 0..5 {
            advance(Duration::from_secs(6)).await;
            peer.sends(&[(DATA, 0, 1)]);
        }

        assert_eq!(peer.overdue_after().await, (10, Overdue::Take));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_has_nothing_to_give_is_not_owed_and_hides_no_other() {
        let mut peer = Watched::greeted();
        let (sender, receiver) = tokio::sync::mpsc::channel::<bytes::Bytes>(1);
        let frames = futures_util::stream::unfold(receiver, async |mut receiver| {
            let bytes = receiver.recv().await?;
            Some((Ok::<_, Infallible>(Frame::data(bytes)), receiver))
        });
        let body = http_body_util::StreamBody::new(Box::pin(frames));
        let mut watch = Answer::new(body, peer.owed.clone());

        peer.sends(&[(HEADERS, 0, 1)]);
        assert!(timeout(PATIENCE * 3, watch.frame()).await.is_err());
        peer.waits_for_ever().await;

        peer.sends(&[(HEADERS, 0, 3)]);
        assert_eq!(peer.overdue_after().await, (10, Overdue::Take));
        peer.sends(&[(HEADERS, END_STREAM, 3)]);

        // From here on it is owed.
        sender.send("news".into()).await.unwrap();
        watch.frame().await.unwrap().unwrap();
        assert_eq!(peer.overdue_after().await, (10, Overdue::Take));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_overdue_until_it_does() {
        let peer = Watched::greeted();

        peer.owed.blocked(true);
        assert_eq!(peer.overdue_after().await, (10, Overdue::Read));

        peer.owed.blocked(false);
        peer.waits_for_ever().await;
    }

    #[tokio::test(start_paused = true)]
    async fn our_settings_are_to_be_acknowledged() {
        let peer = Watched::new();
        assert_eq!(peer.overdue_after().await, (10, Overdue::Acknowledge));

        peer.owed.received(head(SETTINGS, ACK, 0));
        peer.waits_for_ever().await;
    }

    struct Watched {
        owed: Owed,
        heads: Heads,
    }

    impl Watched {
        fn new() -> Self {
            Self {
                owed: Owed::new(Clock::of_runtime()),
                heads: Heads::default(),
            }
        }

        fn greeted() -> Self {
            let peer = Self::new();
            peer.owed.received(head(SETTINGS, ACK, 0));
            peer
        }

        fn sends(&mut self, frames: &[(u8, u8, u32)]) {
            let frame = |&(kind, flags, stream)| raw_frame(kind, flags, stream, b"payload");
            let bytes: Vec<u8> = frames.iter().flat_map(frame).collect();
            self.owed.sent(&mut self.heads, [bytes.as_slice()]);
        }

        async fn overdue_after(&self) -> (u64, Overdue) {
            let began = tokio::time::Instant::now();
            let what = self.owed.overdue(PATIENCE).await;
            (began.elapsed().as_secs(), what)
        }

        async fn waits_for_ever(&self) {
            let waiting = self.owed.overdue(PATIENCE);
            assert!(timeout(PATIENCE * 100, waiting).await.is_err());
        }
    }

    fn head(kind: u8, flags: u8, stream: u32) -> Head {
        Head {
            kind,
            flags,
            stream,
            length: 0,
        }
    }
}
