//! What a peer is owed, and whether it takes it.
//!
//! A peer that asks and does not take the answers has us keep them: it gives no window, or
//! does not read. Neither hyper nor h2 has a bound for that, and a keepalive does not help
//! against a peer that answers it (reference: security, F13). Here it is watched from both
//! sides: on the wire, which answers have begun and not ended and how much of them goes out;
//! above, how many answers have nothing to give at present, as the watches of health have
//! most of the time. When more answers stand still than have nothing to give, it is the peer
//! who takes none.
//!
//! One who takes a little now and then would be served as long as its connection may last.
//! So what it takes buys time, a second for each [`RATE`] bytes, and never more than its
//! patience in all: who is slower on average is cut, too.

use std::collections::BTreeSet;
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

/// How many bytes of its answers a peer has to take in a second, on average: what ASP.NET
/// Core's server asks for (Kestrel, `MinResponseDataRate`).
const RATE: u64 = 240;

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
    /// The answers that have begun on the wire and not ended.
    answers: BTreeSet<u32>,
    /// How many answers have nothing to give at present.
    resting: usize,
    /// Since when the peer has not taken enough of what it is owed.
    since: Instant,
    /// Since when it is owed nothing. Only as much of what it has not taken is forgotten as
    /// it is owed nothing: else a watch that comes and goes would hide the rest.
    quits: Option<Instant>,
    /// Since when not enough of what there is could be written.
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
            Self::Read => "it does not read, or next to nothing",
            Self::Take => "it gives no window for its answers, or next to none",
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
                answers: BTreeSet::new(),
                resting: 0,
                since: now,
                quits: Some(now),
                blocked: None,
                greeted: Some(now),
            }),
        }))
    }

    /// A frame has come from the peer.
    pub(super) fn received(&self, head: Head) {
        match head.kind {
            RST_STREAM => self.change(|state| {
                state.answers.remove(&head.stream);
            }),
            SETTINGS if head.flags & ACK != 0 => self.state().greeted = None,
            _ => {}
        }
    }

    /// Bytes have gone out to the peer, whose heads `heads` reads.
    pub(super) fn sent<'a>(&self, heads: &mut Heads, slices: impl IntoIterator<Item = &'a [u8]>) {
        let (mut taken, mut written) = (0, 0);
        self.change(|state| {
            let was_owed = state.quits.is_none();
            for bytes in slices {
                written += bytes.len();
                let read: Result<(), Infallible> = heads.read(bytes, |head| {
                    if head.kind == DATA {
                        taken += head.length;
                    }
                    if head.kind == RST_STREAM || head.ends_stream() {
                        state.answers.remove(&head.stream);
                    } else if matches!(head.kind, HEADERS | DATA) {
                        state.answers.insert(head.stream);
                    }
                    Ok(())
                });
                let Ok(()) = read;
            }
            if was_owed || state.blocked.is_some() {
                let now = self.0.clock.instant();
                state.since = bought(state.since, taken).min(now);
                // Who has caught up reads.
                let since = state.blocked.map(|since| bought(since, written));
                state.blocked = since.filter(|since| *since < now);
            }
        });
    }

    /// Nothing more could be written for now.
    pub(super) fn blocked(&self) {
        let mut state = self.state();
        state.blocked = state.blocked.or_else(|| Some(self.0.clock.instant()));
    }

    /// Everything there was has been written.
    pub(super) fn flushed(&self) {
        self.state().blocked = None;
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
        let answers = match state.quits {
            None => Some((state.since, Overdue::Take)),
            Some(_) => None,
        };
        let blocked = state.blocked.map(|since| (since, Overdue::Read));
        let greeted = state.greeted.map(|since| (since, Overdue::Acknowledge));
        let all = [answers, blocked, greeted].into_iter().flatten();
        // What is owed from now on is not overdue before that.
        let nothing = || (self.0.clock.instant(), Overdue::Take);
        let (since, what) = all.min_by_key(|(since, _)| *since).unwrap_or_else(nothing);
        (since + patience, what)
    }

    /// Changes what the peer is owed.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let is_owed = state.answers.len() > state.resting;
        match (state.quits, is_owed) {
            (None, true) | (Some(_), false) => {}
            (None, false) => state.quits = Some(self.0.clock.instant()),
            (Some(quits), true) => {
                let now = self.0.clock.instant();
                let forgotten = 2 * now.saturating_duration_since(quits);
                state.since = (state.since + forgotten).min(now);
                state.quits = None;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The moment that so many bytes bring forward.
fn bought(since: Instant, bytes: usize) -> Instant {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    since + Duration::from_millis(bytes.saturating_mul(1_000) / RATE)
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
        self.owed.change(|state| match rests {
            true => state.resting += 1,
            false => state.resting = state.resting.saturating_sub(1),
        });
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
    use futures_util::FutureExt;
    use http_body_util::BodyExt;
    use tokio::time::{advance, timeout};

    use super::*;
    use crate::server::listen::heads::{END_STREAM, PING};
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
    async fn a_peer_that_takes_enough_on_average_has_its_time_from_then_on() {
        let mut peer = Watched::greeted();
        peer.sends(&[(HEADERS, 0, 1), (HEADERS, 0, 3)]);
        // They share the window of their connection: one waits for the other.
        for _ in 0..100 {
            advance(Duration::from_secs(6)).await;
            peer.sends_data(1, 6 * 240);
        }

        // More at once buys no more than the time there is.
        peer.sends_data(1, 1_000_000);
        assert_eq!(peer.overdue_after().await, (10, Overdue::Take));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_next_to_nothing_now_and_then_is_overdue_all_the_same() {
        let mut peer = Watched::greeted();
        peer.sends(&[(HEADERS, 0, 1)]);
        for _ in 0..9 {
            advance(Duration::from_secs(1)).await;
            peer.sends_data(1, 120);
        }

        // Half of the time that has gone is paid for.
        assert_eq!(peer.overdue_after().await, (5, Overdue::Take));

        let mut peer = Watched::greeted();
        peer.owed.blocked();
        for _ in 0..9 {
            advance(Duration::from_secs(1)).await;
            peer.sends(&[(PING, 0, 0)]);
            peer.owed.blocked();
        }
        assert_eq!(peer.overdue_after().await, (1, Overdue::Read));
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_an_answer_counts_as_taken() {
        let mut peer = Watched::greeted();
        for number in 0..100 {
            let stream = 2 * number + 1;
            peer.sends(&[(HEADERS, 0, stream)]);
            advance(Duration::from_secs(6)).await;
            let data = raw_frame(DATA, 0, stream, &[0; 6 * 240]);
            let end = raw_frame(HEADERS, END_STREAM, stream, b"trailers");
            peer.owed.sent(&mut peer.heads, [data.as_slice(), &end]);
        }

        peer.waits_for_ever().await;
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_come_and_go_hide_none_that_is_not_taken() {
        let mut peer = Watched::greeted();
        peer.sends(&[(HEADERS, 0, 1)]);
        for number in 0..9 {
            advance(Duration::from_secs(1)).await;
            // A watch begins, has nothing to give, and is given up.
            let mut watch = Answer::new(nothing(), peer.owed.clone());
            assert!(watch.frame().now_or_never().is_none());
            peer.sends(&[(HEADERS, 0, 3 + 2 * number)]);
            peer.owed.received(head(RST_STREAM, 0, 3 + 2 * number));
            drop(watch);
        }

        assert_eq!(peer.overdue_after().await, (1, Overdue::Take));

        // Who is owed nothing for as long begins anew.
        peer.owed.received(head(RST_STREAM, 0, 1));
        advance(PATIENCE).await;
        peer.sends(&[(HEADERS, 0, 101)]);
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

        advance(PATIENCE).await;
        // From here on it is owed.
        sender.send("news".into()).await.unwrap();
        watch.frame().await.unwrap().unwrap();
        assert_eq!(peer.overdue_after().await, (10, Overdue::Take));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_overdue_until_it_does() {
        let peer = Watched::greeted();

        peer.owed.blocked();
        assert_eq!(peer.overdue_after().await, (10, Overdue::Read));

        peer.owed.flushed();
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

        /// An answer's next so many bytes.
        fn sends_data(&mut self, stream: u32, count: usize) {
            let bytes = raw_frame(DATA, 0, stream, &vec![0; count]);
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

    /// What a watch has to give as long as nothing changes.
    fn nothing() -> impl http_body::Body<Data = bytes::Bytes, Error = Infallible> + Unpin {
        http_body_util::StreamBody::new(futures_util::stream::pending())
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
