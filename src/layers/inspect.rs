//! Reads the one message of a call.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use prost_reflect::{DynamicMessage, ReflectMessage, Value};
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::body::Body;

use super::{Gate, Request};
use crate::convert;
use crate::failure::Failure;
use crate::notes::Notes;
use crate::operation::Operation;
use crate::pb;

/// A gRPC frame's head: a flag for compression and four bytes of length.
const HEAD: usize = 5;

/// Fills the slot [`Subject`](crate::call::Subject), shared: what the call is about, in
/// AWS's terms and within AWS's bounds.
///
/// The body has to be exactly one uncompressed message. The same bytes are handed
/// on, so what was looked at here is what is sent. Message and subject are noted.
///
/// Messages of all callers together may take so many bytes while they are read;
/// what goes beyond is refused and not waited for.
#[derive(Clone, Debug)]
pub struct Inspect {
    max_message_bytes: usize,
    room: Arc<Semaphore>,
}

impl Gate for Inspect {
    const NAME: &'static str = "inspect";

    fn check(&self, request: Request) -> BoxFuture<'_, Result<Request, Failure>> {
        async move {
            let (mut parts, body) = request.into_parts();
            let Some(operation) = parts.extensions.get::<Operation>().copied() else {
                return Err(Failure::Internal {
                    cause: "no layer filled in the operation".to_owned(),
                });
            };
            if is_compressed(&parts.headers) {
                return Err(Failure::CompressedMessage);
            }
            let body = self.read(body).await?;
            let notes = parts.extensions.get::<Notes>().cloned();
            let notes = notes.unwrap_or_default();
            notes.set_message(body.slice(HEAD..));
            let message = decode(operation, body.slice(HEAD..))?;
            let subject = Arc::new(convert::subject(operation, &message)?);
            notes.set_subject(Arc::clone(&subject));
            parts.extensions.insert(subject);
            Ok(Request::from_parts(parts, Body::new(Full::new(body))))
        }
        .boxed()
    }
}

impl Inspect {
    /// Reads messages of at most so many bytes, and so many bytes at a time in all.
    pub fn new(max_message_bytes: usize, max_bytes_in_flight: usize) -> Self {
        Self {
            max_message_bytes,
            room: Arc::new(Semaphore::new(max_bytes_in_flight)),
        }
    }

    /// The frame of the one message, read no further than its bounds allow.
    async fn read(&self, mut body: Body) -> Result<Bytes, Failure> {
        let mut read = BytesMut::new();
        let mut room = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| malformed("the body ended early"))?;
            if let Ok(data) = frame.into_data() {
                read.extend_from_slice(&data);
                self.bound(&read)?;
            }
            if let (None, Some(length)) = (&room, announced(&read)) {
                room = Some(self.room_for(length)?);
            }
        }
        match announced(&read) {
            Some(length) if read.len() == HEAD + length => Ok(read.freeze()),
            _ => Err(malformed("the body ends before the message does")),
        }
    }

    fn room_for(&self, length: usize) -> Result<SemaphorePermit<'_>, Failure> {
        u32::try_from(length)
            .ok()
            .and_then(|length| self.room.try_acquire_many(length).ok())
            .ok_or(Failure::Overloaded)
    }

    /// Refuses as soon as the bytes so far show that they have to be.
    fn bound(&self, read: &[u8]) -> Result<(), Failure> {
        match read.first() {
            Some(0) | None => {}
            Some(1) => return Err(Failure::CompressedMessage),
            Some(_) => return Err(malformed("the compression flag is neither 0 nor 1")),
        }
        let Some(length) = announced(read) else {
            return Ok(());
        };
        if length > self.max_message_bytes {
            return Err(Failure::MessageTooLarge {
                limit: self.max_message_bytes,
            });
        }
        if read.len() > HEAD + length {
            return Err(malformed("a unary call has exactly one message"));
        }
        Ok(())
    }
}

fn is_compressed(headers: &http::HeaderMap) -> bool {
    headers
        .get("grpc-encoding")
        .is_some_and(|encoding| encoding != "identity")
}

/// The length of the message, once its head is there.
fn announced(read: &[u8]) -> Option<usize> {
    let mut head = read.get(1..HEAD)?;
    usize::try_from(head.get_u32()).ok()
}

fn decode(operation: Operation, message: Bytes) -> Result<DynamicMessage, Failure> {
    let name = format!("cognito.identity.v1.{operation}Request");
    let descriptor = pb::descriptors()
        .get_message_by_name(&name)
        .ok_or_else(|| Failure::Internal {
            cause: format!("`{name}` is not in the descriptors"),
        })?;
    let message = DynamicMessage::decode(descriptor, message)
        .map_err(|error| malformed(&error.to_string()))?;
    match is_misread(&message) {
        true => Err(malformed("a field has another wire type than its own")),
        false => Ok(message),
    }
}

/// Whether a field of the message came with a wire type that is not its own. It is kept
/// as unknown here, and the service could not decode it.
fn is_misread(message: &DynamicMessage) -> bool {
    let descriptor = message.descriptor();
    let mut unknown = message.unknown_fields();
    unknown.any(|field| descriptor.get_field(field.number()).is_some())
        || message.fields().any(|(_, value)| is_value_misread(value))
}

fn is_value_misread(value: &Value) -> bool {
    match value {
        Value::Message(message) => is_misread(message),
        Value::List(elements) => elements.iter().any(is_value_misread),
        Value::Map(entries) => entries.values().any(is_value_misread),
        _ => false,
    }
}

fn malformed(reason: &str) -> Failure {
    Failure::MalformedMessage(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::call::{Resource, Subject};

    fn frame(flag: u8, length: usize, message: &[u8]) -> Vec<u8> {
        let mut frame = vec![flag];
        frame.extend_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
        frame.extend_from_slice(message);
        frame
    }

    async fn inspect(body: Vec<u8>) -> Result<Request, Failure> {
        let mut request = http::Request::new(Body::new(Full::from(body)));
        request
            .extensions_mut()
            .insert(Operation::DescribeIdentityPool);
        Inspect::new(64, 1024).check(request).await
    }

    fn describe() -> Vec<u8> {
        pb::DescribeIdentityPoolRequest {
            identity_pool_id: "eu-west-1:0a".to_owned(),
        }
        .encode_to_vec()
    }

    #[tokio::test]
    async fn a_good_message_fills_the_slot_and_is_handed_on_byte_for_byte() {
        let message = describe();
        let body = frame(0, message.len(), &message);

        let request = inspect(body.clone()).await.unwrap();

        let subject = request.extensions().get::<Arc<Subject>>().unwrap();
        assert_eq!(subject.resource, Resource::Pool("eu-west-1:0a".to_owned()));
        let handed_on = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(handed_on, body);
    }

    #[tokio::test]
    async fn anything_but_exactly_one_small_plain_message_is_refused() {
        let message = describe();
        let one = frame(0, message.len(), &message);
        let two = [one.clone(), one.clone()].concat();
        let cases: [(&str, Vec<u8>, Failure); 7] = [
            (
                "nothing",
                vec![],
                malformed("the body ends before the message does"),
            ),
            (
                "half a head",
                vec![0, 0],
                malformed("the body ends before the message does"),
            ),
            (
                "half a message",
                one[..one.len() - 1].to_vec(),
                malformed("the body ends before the message does"),
            ),
            (
                "two messages",
                two,
                malformed("a unary call has exactly one message"),
            ),
            (
                "compressed",
                frame(1, message.len(), &message),
                Failure::CompressedMessage,
            ),
            (
                "a wrong flag",
                frame(7, 0, &[]),
                malformed("the compression flag is neither 0 nor 1"),
            ),
            (
                "too large, seen at its head",
                frame(0, 65, &[]),
                Failure::MessageTooLarge { limit: 64 },
            ),
        ];
        for (what, body, expected) in cases {
            assert_eq!(inspect(body).await.err(), Some(expected), "{what}");
        }
    }

    #[tokio::test]
    async fn a_message_that_has_no_room_beside_others_is_refused() {
        let inspect = Inspect::new(64, 100);
        let held = inspect.room_for(64).unwrap();
        let read = async || {
            let body = frame(0, 40, &[0; 40]);
            inspect.read(Body::new(Full::from(body))).await
        };

        assert_eq!(read().await.err(), Some(Failure::Overloaded));
        drop(held);
        assert!(read().await.is_ok());
    }

    #[tokio::test]
    async fn bytes_that_are_no_message_are_refused() {
        let failure = inspect(frame(0, 3, &[0xff, 0xff, 0xff])).await.err();

        assert!(matches!(failure, Some(Failure::MalformedMessage(_))));
    }
}
