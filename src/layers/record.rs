//! Every call leaves a record.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http::header::USER_AGENT;
use http_body_util::{BodyExt, Full};
use tonic::body::Body;

use super::{Answer, Gate, Next, Refused, Request, Response, Wrap};
use crate::audit::{Begun, Entry, Recorder, Unavailable};
use crate::caller::Peer;
use crate::failure::Failure;
use crate::notes::Notes;
use crate::operation::Operation;
use crate::status;
use crate::trace;

/// Opens an entry for each call, hands it down, and closes it before the answer leaves:
/// with the answer, or, when nobody waits for one any more, as soon as nobody works on the
/// call.
///
/// It stands around every layer that can refuse. A call that cannot be recorded is
/// answered UNAVAILABLE and not made; one whose outcome cannot be recorded is answered so
/// where it may be made again.
pub struct Record(Arc<Recorder>);

impl Record {
    /// Records with `recorder`.
    pub fn new(recorder: Arc<Recorder>) -> Self {
        Self(recorder)
    }
}

impl Wrap for Record {
    fn around(self: Arc<Self>, mut request: Request, next: Next) -> Answer {
        let refused = Refused::of(&request);
        let notes = request.extensions().get::<Notes>().cloned();
        let notes = notes.unwrap_or_default();
        let begun = begun(&request);
        async move {
            let entry = match Recorder::begin(&self.0, begun).await {
                Ok(entry) => Arc::new(entry),
                Err(unavailable) => return refused.answer(&unavailable.into()),
            };
            let closing = Arc::clone(&entry);
            notes.at_end(move |told| closing.abandon(told));
            let response = match entry.refusal() {
                Some(unavailable) => refused.answer(&unavailable.into()),
                None => {
                    request.extensions_mut().insert(Arc::clone(&entry));
                    next(request).await
                }
            };
            let (response, code) = whole(response).await;
            match entry.close(&notes, code).await {
                Ok(()) => response,
                Err(unavailable) => refused.answer(&unrecorded(&entry, &notes, unavailable)),
            }
        }
        .boxed()
    }
}

/// Records that a call that changes or hands out something is about to be made, durably,
/// or refuses it.
///
/// It stands below every layer that can refuse.
#[derive(Clone, Copy, Debug, Default)]
pub struct Intend;

impl Gate for Intend {
    const NAME: &'static str = "intend";

    fn check(&self, request: Request) -> BoxFuture<'_, Result<Request, Failure>> {
        async move {
            let extensions = request.extensions();
            let (Some(entry), Some(notes)) =
                (extensions.get::<Arc<Entry>>(), extensions.get::<Notes>())
            else {
                return Err(Failure::Internal {
                    cause: "no layer opened an entry".to_owned(),
                });
            };
            entry.intend(notes).await.map_err(Failure::from)?;
            Ok(request)
        }
        .boxed()
    }
}

impl From<Unavailable> for Failure {
    fn from(unavailable: Unavailable) -> Self {
        Failure::AuditUnavailable {
            cause: unavailable.to_string(),
        }
    }
}

/// The failure of a call that was answered and could not be recorded.
fn unrecorded(entry: &Entry, notes: &Notes, unavailable: Unavailable) -> Failure {
    let leaves_doubt = entry.operation().is_some_and(Operation::leaves_doubt);
    match leaves_doubt && notes.settled().is_some() {
        true => Failure::Unrecorded {
            cause: unavailable.to_string(),
        },
        false => unavailable.into(),
    }
}

fn begun(request: &Request) -> Begun {
    let headers = request.headers();
    let text = |name: &str| text(headers, name);
    let uri = request.uri();
    Begun {
        path: uri
            .path_and_query()
            .map_or("", |path| path.as_str())
            .to_owned(),
        peer: request.extensions().get::<Peer>().cloned(),
        authority: uri.authority().map(|name| name.as_str().to_owned()),
        user_agent: text(USER_AGENT.as_str()),
        forwarded_for: text("x-forwarded-for"),
        trace_id: trace::current(headers).map(|id| id.to_string()),
    }
}

/// A header as text; what is no text in it is replaced.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The answer with its body in memory, and its gRPC code in a word. Our answers are one
/// message at most, and are there as soon as they begin.
async fn whole(response: Response) -> (Response, &'static str) {
    let (parts, body) = response.into_parts();
    if let Some(code) = status::code_in(&parts.headers) {
        return (http::Response::from_parts(parts, body), code);
    }
    match body.collect().await {
        Ok(collected) => {
            let trailers = collected.trailers().cloned().unwrap_or_default();
            let code = status::code_in(&trailers).unwrap_or(status::code_name(None));
            let body = Full::<Bytes>::new(collected.to_bytes());
            let body = body.with_trailers(std::future::ready(Some(Ok(trailers))));
            (http::Response::from_parts(parts, Body::new(body)), code)
        }
        Err(failed) => {
            let code = status::code_of(&failed);
            (failed.into_http(), code)
        }
    }
}
