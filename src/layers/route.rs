//! From the path to the operation.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Gate, Request};
use crate::failure::Failure;
use crate::operation::Operation;
use crate::rpc::Rpc;

/// Puts the [`Operation`] of the request's path into its slot.
///
/// The path has to be the operation's to the byte, without a query: the router
/// below looks at less than the whole of it (reference: security, F10), so what
/// it would take for a method must not pass here as another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Route;

impl Gate for Route {
    const NAME: &'static str = "route";

    fn check(&self, mut request: Request) -> BoxFuture<'_, Result<Request, Failure>> {
        async move {
            let uri = request.uri();
            let path = uri.path_and_query().map_or("", |path| path.as_str());
            let operation = Operation::from_path(path).ok_or(Failure::UnknownMethod)?;
            request.extensions_mut().insert(operation);
            Ok(request)
        }
        .boxed()
    }
}

/// Refuses services that poolgate does not have, in its own words.
#[derive(Clone, Copy, Debug, Default)]
pub struct KnownService;

impl Gate for KnownService {
    const NAME: &'static str = "know service";

    fn check(&self, request: Request) -> BoxFuture<'_, Result<Request, Failure>> {
        async move {
            if Rpc::of_path(request.uri().path()).is_known_service() {
                Ok(request)
            } else {
                Err(Failure::UnknownMethod)
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use tonic::body::Body;

    use super::*;

    async fn route(uri: &str) -> Result<Request, Failure> {
        let request = http::Request::builder()
            .uri(uri)
            .body(Body::empty())
            .unwrap();
        Route.check(request).await
    }

    #[tokio::test]
    async fn every_operation_has_its_path() {
        for operation in Operation::ALL {
            let request = route(operation.path()).await.unwrap();
            assert_eq!(request.extensions().get(), Some(operation));
        }
    }

    #[tokio::test]
    async fn no_other_spelling_is_an_operation() {
        let path = Operation::GetId.path();
        for spelling in [
            format!("{path}?x=y"),
            format!("{path}?"),
            format!("{path}/"),
            format!("{path};x"),
            path.replace("GetId", "getid"),
            path.replace("GetId", "%47etId"),
            path.replacen('/', "//", 1),
            path.replace("/GetId", "/./GetId"),
            "/".to_owned(),
            "*".to_owned(),
        ] {
            assert_eq!(
                route(&spelling).await.err(),
                Some(Failure::UnknownMethod),
                "{spelling}"
            );
        }
    }
}
