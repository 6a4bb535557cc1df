//! Counts the messages in a body by the lengths that gRPC writes before them
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>, Length-Prefixed-Message).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::Meter;
use crate::rpc::Rpc;

/// A flag and a length.
const PREFIX: usize = 5;

/// Finds where messages end, in a body that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// What has come of the next prefix.
    prefix: [u8; PREFIX],
    come: usize,
    /// What is still to come of the message behind it.
    left: usize,
}

impl Messages {
    /// How many messages end in this piece.
    pub(super) fn ended_in(&mut self, mut piece: &[u8]) -> u64 {
        let mut ended = 0;
        loop {
            if self.come == PREFIX {
                let taken = self.left.min(piece.len());
                self.left -= taken;
                piece = piece.get(taken..).unwrap_or_default();
                if self.left > 0 {
                    return ended;
                }
                self.come = 0;
                ended += 1;
            }
            let Some((&byte, rest)) = piece.split_first() else {
                return ended;
            };
            piece = rest;
            if let Some(place) = self.prefix.get_mut(self.come) {
                *place = byte;
            }
            self.come += 1;
            let [_, length @ ..] = self.prefix;
            self.left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        }
    }
}

/// The body of a request whose messages are counted.
pub(super) struct Received {
    inner: Body,
    messages: Messages,
    meter: Arc<dyn Meter>,
    rpc: Rpc,
}

impl Received {
    pub(super) fn new(inner: Body, meter: Arc<dyn Meter>, rpc: Rpc) -> Self {
        Self {
            inner,
            messages: Messages::default(),
            meter,
            rpc,
        }
    }
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(piece) = frame.data_ref()
        {
            let count = self.messages.ended_in(piece);
            self.meter.received(self.rpc, count);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn messages_are_found_however_the_body_is_cut(
            lengths in prop::collection::vec(0_usize..300, 0..20),
            cuts in prop::collection::vec(1_usize..40, 1..20),
            lost in 0_usize..5,
        ) {
            let mut body = Vec::new();
            for length in &lengths {
                body.push(0);
                body.extend(u32::try_from(*length).unwrap().to_be_bytes());
                body.extend(std::iter::repeat_n(7, *length));
            }
            // The beginning of one that never comes.
            body.extend(std::iter::repeat_n(0, lost));
            let (mut messages, mut found) = (Messages::default(), 0);
            let mut cuts = cuts.iter().cycle();
            let mut rest = body.as_slice();
            while !rest.is_empty() {
                let (piece, others) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                found += messages.ended_in(piece);
                rest = others;
            }
            prop_assert_eq!(found, lengths.len() as u64);
        }
    }
}
