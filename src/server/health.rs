//! Whether the process can serve: `grpc.health.v1` for load balancers, and the same
//! answer for the admin listener.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{Mutex, watch};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::pb;

/// Requests hold a service name; anything longer is a mistake.
const MAX_REQUEST_BYTES: usize = 1024;

/// The whole process, and our service. An AWS that fails is not part of it unless
/// operators ask for it: another instance would see the same outage.
const SERVICES: [&str; 2] = ["", pb::SERVICE_NAME];

/// Where the process is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not everything is set up.
    Starting,
    /// Calls are welcome.
    Ready,
    /// Calls would be welcome, if it were not for this.
    Unfit(BTreeSet<Unfit>),
    /// The end has begun.
    Draining,
}

/// What keeps a process that is set up from serving as it should. Whoever says so sees to it
/// that it does not come and go with every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfit {
    /// Writing the journal has failed several times in a row.
    Journal,
    /// Callers come with tokens of issuers, and no key of any of them is at hand.
    Keys,
    /// AWS was asked, as `upstream.probe_interval` wants it, and nothing came of it.
    Upstream,
}

impl Unfit {
    /// What probes are told.
    pub fn reason(self) -> &'static str {
        match self {
            Unfit::Journal => "the audit journal cannot be written",
            Unfit::Keys => "the keys of no issuer of tokens are at hand",
            Unfit::Upstream => "no target of the upstream answers its probe",
        }
    }
}

/// Tells load balancers and probes where the process is in its life.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
    life: watch::Sender<Life>,
    /// Held while statuses are told, so that the last one told is the newest.
    telling: Arc<Mutex<()>>,
}

#[derive(Clone, Debug)]
struct Life {
    /// As if nothing were wrong.
    state: State,
    /// What is wrong.
    unfit: BTreeSet<Unfit>,
}

impl Life {
    fn state(&self) -> State {
        match &self.state {
            State::Ready if !self.unfit.is_empty() => State::Unfit(self.unfit.clone()),
            state => state.clone(),
        }
    }
}

impl Health {
    /// A process that is starting.
    pub async fn new() -> Self {
        let health = Self {
            reporter: HealthReporter::new(),
            life: watch::Sender::new(Life {
                state: State::Starting,
                unfit: BTreeSet::new(),
            }),
            telling: Arc::default(),
        };
        health.set(State::Starting).await;
        health
    }

    /// The service to add to the routes.
    pub fn service(&self) -> HealthServer<HealthService> {
        let service = HealthService::from_health_reporter(self.reporter.clone());
        HealthServer::new(service).max_decoding_message_size(MAX_REQUEST_BYTES)
    }

    /// Where the process is in its life.
    pub fn state(&self) -> State {
        self.life.borrow().state()
    }

    /// Changes where the process is in its life and tells those who watch.
    pub async fn set(&self, state: State) {
        self.life.send_modify(|life| life.state = state);
        if let State::Unfit(unfit) = self.state() {
            for reason in unfit.into_iter().map(Unfit::reason) {
                tracing::warn!(reason, "health: not ready");
            }
        }
        self.tell().await;
    }

    /// Says whether this keeps the process from serving as it should.
    pub async fn note(&self, what: Unfit, is_so: bool) {
        let is_new = self.life.send_if_modified(|life| match is_so {
            true => life.unfit.insert(what),
            false => life.unfit.remove(&what),
        });
        if !is_new {
            return;
        }
        let (reason, state) = (what.reason(), self.state());
        match (is_so, &state) {
            (true, State::Unfit(_)) => tracing::warn!(reason, "health: not ready"),
            (false, State::Unfit(_)) => {
                tracing::info!(reason, "health: not ready, but no longer for this")
            }
            (false, State::Ready) => tracing::info!(reason, "health: ready, this is no longer so"),
            // Nothing is welcome yet, or any more.
            (_, _) => {}
        }
        self.tell().await;
    }

    async fn tell(&self) {
        let _telling = self.telling.lock().await;
        let status = match self.state() {
            State::Ready => ServingStatus::Serving,
            State::Starting | State::Unfit(_) | State::Draining => ServingStatus::NotServing,
        };
        for service in SERVICES {
            self.reporter.set_service_status(service, status).await;
        }
    }

    /// Ends the streams of those who watch; otherwise they would hold their
    /// connections open for ever.
    pub async fn end_watches(&self) {
        let mut reporter = self.reporter.clone();
        for service in SERVICES {
            reporter.clear_service_status(service).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Request;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    use super::*;

    #[tokio::test]
    async fn the_process_serves_from_ready_until_drain() {
        let health = Health::new().await;

        for (state, status) in [
            (State::Starting, ServingStatus::NotServing),
            (State::Ready, ServingStatus::Serving),
            (State::Draining, ServingStatus::NotServing),
        ] {
            health.set(state).await;
            for service in SERVICES {
                assert_eq!(check(&health, service).await.unwrap(), status as i32);
            }
        }
    }

    #[tokio::test]
    async fn a_process_that_cannot_serve_as_it_should_says_so_until_it_can() {
        let health = Health::new().await;
        let status = async || check(&health, "").await.unwrap();

        health.note(Unfit::Journal, true).await;
        assert_eq!(health.state(), State::Starting);
        health.set(State::Ready).await;
        health.note(Unfit::Keys, true).await;
        let both = BTreeSet::from([Unfit::Journal, Unfit::Keys]);
        assert_eq!(health.state(), State::Unfit(both));
        health.note(Unfit::Journal, false).await;
        assert_eq!(status().await, ServingStatus::NotServing as i32);
        health.note(Unfit::Keys, false).await;
        assert_eq!(status().await, ServingStatus::Serving as i32);
        health.set(State::Draining).await;
        health.note(Unfit::Journal, true).await;
        health.note(Unfit::Journal, false).await;
        assert_eq!(status().await, ServingStatus::NotServing as i32);
    }

    #[tokio::test]
    async fn a_service_that_is_not_here_is_not_found() {
        let health = Health::new().await;

        let code = check(&health, "some.other.Service").await.unwrap_err();

        assert_eq!(code, tonic::Code::NotFound);
    }

    #[tokio::test]
    async fn who_watches_sees_the_drain_and_then_the_end() {
        let health = Health::new().await;
        health.set(State::Ready).await;
        let mut client = HealthClient::new(health.service());
        let request = Request::new(HealthCheckRequest::default());
        let mut statuses = client.watch(request).await.unwrap().into_inner();

        let first = statuses.message().await.unwrap().unwrap().status;
        health.set(State::Draining).await;
        health.end_watches().await;

        assert_eq!(first, ServingStatus::Serving as i32);
        let second = statuses.message().await.unwrap().unwrap().status;
        assert_eq!(second, ServingStatus::NotServing as i32);
        assert!(statuses.message().await.unwrap().is_none());
    }

    async fn check(health: &Health, service: &str) -> Result<i32, tonic::Code> {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let mut client = HealthClient::new(health.service());
        let response = client.check(Request::new(request)).await;
        response
            .map(|response| response.into_inner().status)
            .map_err(|status| status.code())
    }
}
