//! A collector that takes traces over OTLP/gRPC.

use std::sync::{Arc, Mutex};

use futures_util::Stream;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::{TcpListener, TcpStream};
use tonic::{Request, Response, Status};

/// A collector that keeps every span.
pub struct SpanCollector {
    pub url: String,
    taken: Arc<Taken>,
}

#[derive(Default)]
struct Taken {
    spans: Mutex<Vec<Span>>,
    resources: Mutex<Vec<Resource>>,
}

impl SpanCollector {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taken = Arc::<Taken>::default();
        let service = TraceServiceServer::new(Kept(Arc::clone(&taken)));
        let serving = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(serving.serve_with_incoming(connections(listener)));
        Self { url, taken }
    }

    /// Every span that has come.
    pub fn spans(&self) -> Vec<Span> {
        self.taken.spans.lock().unwrap().clone()
    }

    /// What they say of where they come from, once for each export.
    pub fn resources(&self) -> Vec<Resource> {
        self.taken.resources.lock().unwrap().clone()
    }
}

fn connections(listener: TcpListener) -> impl Stream<Item = std::io::Result<TcpStream>> {
    futures_util::stream::unfold(listener, async |listener| {
        let accepted = listener.accept().await;
        Some((accepted.map(|(stream, _)| stream), listener))
    })
}

struct Kept(Arc<Taken>);

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for of_resource in request.into_inner().resource_spans {
            let scopes = of_resource.scope_spans.into_iter();
            let spans = scopes.flat_map(|scope| scope.spans);
            self.0.spans.lock().unwrap().extend(spans);
            let mut resources = self.0.resources.lock().unwrap();
            resources.extend(of_resource.resource);
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
