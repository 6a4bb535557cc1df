//! What stands in front of the operations on a socket: pages for browsers and token
//! verifiers, and the permission for web pages to call us.
//!
//! In process, the SDK talks to the operations directly; nothing of this is needed.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::error::{Error, Kind};
use super::signature::{self, Known};
use super::{Emulator, Reply, protocol, region, sts};
use crate::operation::Signing;

/// The largest body that is read.
pub const MOST_BODY_BYTES: usize = 2 * 1024 * 1024;

/// Where the key set is; the odd name is the real one.
const KEYS: &str = "/.well-known/jwks_uri";
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// What a web page may read of an answer.
const EXPOSED: &str = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date";

/// What a web page may send: what the SDK for JavaScript sends in browsers to operations
/// without a signature. The star does not stand for `authorization`.
const ALLOWED: &str = "*,content-type,x-amz-date,x-amz-content-sha256,x-amz-target,\
    x-amz-user-agent,x-amzn-trace-id,amz-sdk-invocation-id,amz-sdk-request,cache-control";

/// AWS's text for a key that it does not know, and why that is so here.
const PAGE_REFUSED: &str = "The security token included in the request is invalid. A web \
    page has to sign with a key whose secret the emulator knows.";

impl Emulator {
    /// Replies to a request that came over a socket, whatever it is.
    pub async fn serve(self: &Arc<Self>, request: Request<Bytes>) -> Reply {
        if request.method() == Method::OPTIONS {
            return Reply::Whole(preflight());
        }
        let cors = may_be_called_by_web_pages(&request);
        let (fate, takes_long) = (self.fate(&request), self.takes_long(&request));
        let answer = Self::page_or_operation;
        let mut reply = self.reply(request, fate, takes_long, answer).await;
        match &mut reply {
            Reply::Whole(response) if cors => allow_web_pages(response.headers_mut()),
            Reply::Cut(response) if cors => allow_web_pages(response.headers_mut()),
            _ => {}
        }
        reply
    }

    /// Whether the answer takes too long for a thread that serves others. The key set
    /// may have to wait for the key.
    fn takes_long(&self, request: &Request<Bytes>) -> bool {
        self.is_slow(request) || request.uri().path() == KEYS
    }

    fn page_or_operation(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let read = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            KEYS if read => match self.jwks() {
                Ok(keys) => page(&keys),
                Err(_) => protocol::write(Err(Error::internal())),
            },
            DISCOVERY if read => page(&self.discovery(request)),
            "/" if sts::is_meant(request) => sts::handle(self, request),
            "/" => match self.check_signature(request) {
                Ok(()) => self.handle(request),
                Err(error) => protocol::write(Err(error)),
            },
            // unverified: AWS's answer to paths that it does not have.
            _ => protocol::write(Err(Error::new(Kind::UnknownOperation, ""))),
        }
    }

    /// What is not an operation is refused for that, whatever its signature is.
    fn check_signature(&self, request: &Request<Bytes>) -> Result<(), Error> {
        let Some(operation) = protocol::operation(request) else {
            return Ok(());
        };
        if operation.signing() == Signing::Signed {
            self.refuse_pages(request)?;
        }
        self.verify(request, "cognito-identity")
    }

    /// Refuses web pages what wants a signature: while every signature is good, any page that
    /// somebody has open could make one.
    pub(super) fn refuse_pages(&self, request: &Request<Bytes>) -> Result<(), Error> {
        let is_of_a_page = request.headers().contains_key(header::ORIGIN);
        let is_any_good = self.settings.secret_keys.is_empty();
        match is_of_a_page && is_any_good && signature::is_signed(request) {
            true => Err(Error::new(Kind::UnrecognizedClient, PAGE_REFUSED)),
            false => Ok(()),
        }
    }

    /// Holds the signature of a request for a service against the keys that are known.
    pub(super) fn verify(&self, request: &Request<Bytes>, service: &str) -> Result<(), Error> {
        let known = Known {
            keys: &self.settings.secret_keys,
            issued: &self.issued,
            seconds: self.clock.epoch_seconds(),
        };
        signature::check(request, service, known, self.outside.now())
    }

    /// The discovery document. Its issuer is the real one, as in the tokens; its keys
    /// are here.
    ///
    /// unverified: the members besides the issuer and the keys.
    fn discovery(&self, request: &Request<Bytes>) -> Value {
        let issuer = region::issuer(&self.settings.default_region);
        let keys = match authority(request) {
            Some(authority) => format!("http://{authority}{KEYS}"),
            None => format!("https://{issuer}{KEYS}"),
        };
        json!({
            "issuer": format!("https://{issuer}"),
            "jwks_uri": keys,
            "authorization_endpoint": format!("http://authorization_endpoint.{issuer}"),
            "subject_types_supported": ["public"],
            "response_types_supported": ["token", "id_token", "token id_token"],
            "id_token_signing_alg_values_supported": ["RS512"],
        })
    }
}

/// The answer to a body above [`MOST_BODY_BYTES`].
///
/// unverified: status and type; AWS's bound is not on record.
pub fn too_large() -> Response<Bytes> {
    let error = Error::new(Kind::RequestEntityTooLarge, "Request body is too large.");
    let mut response = protocol::write(Err(error));
    allow_web_pages(response.headers_mut());
    response
}

/// Web pages call the operations without a signature, and STS's actions without one. Whoever
/// holds credentials of an administrator is not a web page, and does not let one look on.
fn may_be_called_by_web_pages(request: &Request<Bytes>) -> bool {
    if sts::is_meant(request) {
        return !sts::wants_signature(request);
    }
    protocol::operation(request).is_none_or(|operation| operation.signing() == Signing::Unsigned)
}

fn preflight() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    allow_web_pages(headers);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET,POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED),
        (header::ACCESS_CONTROL_MAX_AGE, "172800"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn allow_web_pages(headers: &mut HeaderMap) {
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
}

fn page(content: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(content.to_string()));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// The name under which the client reached us.
fn authority(request: &Request<Bytes>) -> Option<http::uri::Authority> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let authority: http::uri::Authority = host.parse().ok()?;
    (!authority.as_str().contains('@')).then_some(authority)
}
