//! A body that tells how the call ended: gRPC says so in the trailers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::Call;
use super::messages::Messages;
use crate::status;

/// The body of an answer whose end is observed.
pub(super) struct Observed {
    inner: Body,
    messages: Messages,
    call: Call,
}

impl Observed {
    pub(super) fn new(inner: Body, call: Call) -> Self {
        Self {
            inner,
            messages: Messages::default(),
            call,
        }
    }
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    let count = self.messages.ended_in(piece);
                    self.call.observe.meter.sent(self.call.rpc, count);
                }
                if let Some(trailers) = frame.trailers_ref() {
                    let code = status::code_in(trailers);
                    self.call.end(code.unwrap_or(status::code_name(None)));
                }
            }
            Some(Err(_)) | None => self.call.end(status::code_name(None)),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
