//! A request on its way through: keys are fetched first, what takes long goes to a thread
//! of its own, and a rule may have it end badly. The same for an SDK in process and for
//! what comes over a socket.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body::{Body, Frame};

use super::error::Error;
use super::faults::{End, Fate};
use super::{Emulator, Rules, protocol};

/// What comes back.
#[derive(Debug)]
pub enum Reply {
    /// An answer.
    Whole(Response<Bytes>),
    /// An answer of which the second half is missing, after which the connection is gone.
    Cut(Response<HalfBody>),
    /// Nothing: the connection is gone.
    Lost,
}

/// The first half of a body, then a lost connection.
#[derive(Debug)]
pub struct HalfBody {
    half: Option<Bytes>,
    sent: bool,
}

impl Emulator {
    /// Puts rules in the place of those in force.
    pub fn set_faults(&self, rules: Rules) {
        self.faults.replace(rules);
    }

    /// The rules in force, as they are written, with how many calls each has seen and hit.
    pub fn faults(&self) -> serde_json::Value {
        self.faults.shown()
    }

    /// What becomes of a request, if a rule has something for it.
    pub(super) fn fate(&self, request: &Request<Bytes>) -> Fate {
        protocol::operation(request)
            .map(|operation| self.faults.fate(operation))
            .unwrap_or_default()
    }

    /// Has `answer` answer a request, and its fate befall it. The answer of one that
    /// `takes_long` comes from another thread.
    pub(super) async fn reply(
        self: &Arc<Self>,
        request: Request<Bytes>,
        fate: Fate,
        takes_long: bool,
        answer: fn(&Self, &Request<Bytes>) -> Response<Bytes>,
    ) -> Reply {
        if !fate.delay.is_zero() {
            tokio::time::sleep(fate.delay).await;
        }
        match fate.end {
            End::Refused(error) => return Reply::Whole(protocol::write(Err(error))),
            End::RequestLost => return Reply::Lost,
            End::Well | End::AnswerLost | End::AnswerCut => {}
        }
        if self.needs_keys(&request) {
            self.prepare(&request).await;
        }
        let response = match takes_long {
            true => {
                let emulator = Arc::clone(self);
                tokio::task::spawn_blocking(move || answer(&emulator, &request))
                    .await
                    .unwrap_or_else(|_| protocol::write(Err(Error::internal())))
            }
            false => answer(self, &request),
        };
        match fate.end {
            End::AnswerLost => Reply::Lost,
            End::AnswerCut => Reply::Cut(half_of(response)),
            _ => Reply::Whole(response),
        }
    }
}

/// It says how long the whole would have been.
fn half_of(response: Response<Bytes>) -> Response<HalfBody> {
    let length = response.body().len();
    let mut cut = response.map(|mut body| HalfBody {
        half: Some(body.split_to(length / 2)),
        sent: false,
    });
    cut.headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    cut
}

impl Body for HalfBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        // Time for whoever writes to a socket to send the half.
        if !self.sent {
            self.sent = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(lost())))
    }
}

/// What a client sees of a connection that is gone.
pub(super) fn lost() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "connection lost on purpose")
}
