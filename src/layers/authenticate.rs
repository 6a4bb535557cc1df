//! Who calls.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::AUTHORIZATION;

use super::{Gate, Meter, Request};
use crate::authn::Authenticator;
use crate::caller::{Caller, Peer};
use crate::failure::Failure;
use crate::notes::Notes;

/// Fills the slot [`Caller`] from the connection's certificate or
/// process and the `authorization` metadata, or answers UNAUTHENTICATED.
///
/// Nothing else in a request says who calls. The metadata ends here: nothing below sees a
/// caller's token.
pub struct Authenticate {
    authenticator: Option<Arc<Authenticator>>,
    meter: Arc<dyn Meter>,
}

impl Authenticate {
    /// Asks `authenticator`. Without one nobody is asked, and every caller is anonymous,
    /// whatever it shows.
    pub fn new(authenticator: Option<Arc<Authenticator>>, meter: Arc<dyn Meter>) -> Self {
        Self {
            authenticator,
            meter,
        }
    }
}

impl Authenticate {
    fn ask<'a>(
        &'a self,
        authenticator: &'a Authenticator,
        request: &'a Request,
    ) -> impl Future<Output = Result<Caller, Failure>> + Send + use<'a> {
        let peer = request.extensions().get::<Peer>();
        let authorization = request.headers().get_all(AUTHORIZATION).iter();
        let asked = authenticator.authenticate(peer, authorization.map(HeaderValue::as_bytes));
        async move {
            asked.await.map_err(|refusal| {
                self.meter.authenticated(refusal.method.as_str(), "refused");
                Failure::from(refusal)
            })
        }
    }
}

impl Gate for Authenticate {
    const NAME: &'static str = "authenticate";

    fn check(&self, mut request: Request) -> BoxFuture<'_, Result<Request, Failure>> {
        async move {
            let caller = match &self.authenticator {
                Some(authenticator) => self.ask(authenticator, &request).await?,
                None => Caller::anonymous(),
            };
            self.meter.authenticated(caller.proof().name(), "ok");
            if let Some(notes) = request.extensions().get::<Notes>() {
                notes.set_caller(&caller);
            }
            request.headers_mut().remove(AUTHORIZATION);
            request.extensions_mut().insert(caller);
            Ok(request)
        }
        .boxed()
    }
}
