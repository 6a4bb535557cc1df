//! The order of the layers, in one place, with reasons.
//!
//! Two rings: the outer one is around every service, the inner one around ours
//! alone, so that health and reflection answer when our own rules cannot.

use std::convert::Infallible;
use std::sync::Arc;

use tonic::service::{LayerExt, Routes};
use tonic_health::pb::health_server::{Health, HealthServer};
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;

use crate::audit::Recorder;
use crate::clock::Clock;
use crate::layers::{
    Around, CatchPanic, Context, Deadlines, Gated, Inspect, Intend, Judged, KnownService, Lifetime,
    Meter, Observe, PerAddress, Record, Request, Response, Route, Streams, Targets,
};
use crate::pb::cognito_identity_service_server::CognitoIdentityServiceServer;
use crate::quota::Addresses;
use crate::service::Service;
use crate::telemetry::Metrics;
use crate::upstream::Upstream;

use super::{Rules, Settings, health, reflection};

/// What the messages of all callers together may take while they are read.
const MAX_BYTES_IN_FLIGHT: usize = 64 * 1024 * 1024;

/// How many health checks are watched (reference: "Defaults for every limit", calls), in all
/// beyond the first of each connection.
const WATCHES_ON_A_CONNECTION: usize = 4;
const WATCHES: usize = 256;

/// The same of streams of reflection, and how often they are begun from an address: for
/// people and their tools, which ask for a few files and go.
const REFLECTIONS_ON_A_CONNECTION: usize = 4;
const REFLECTIONS: usize = 64;
const REFLECTIONS_PER_SECOND: u64 = 20;
const REFLECTIONS_AT_ONCE: u64 = 200;

/// Our service with the inner ring, as the first of the routes.
pub fn inner(
    settings: &Settings,
    rules: &Rules,
    recorder: Option<Arc<Recorder>>,
    upstream: Arc<Upstream>,
    meter: &Arc<dyn Meter>,
    clock: &Clock,
) -> Routes {
    let intend = recorder.as_ref().map(|_| Around::new(Gated(Intend)));
    let record = recorder.map(|recorder| Around::new(Record::new(recorder)));
    let panics = Arc::clone(meter);
    let authorize = rules.authorize(&upstream, meter, clock, Judged::Operations);
    let (limit, weigh) = rules.limit(meter, clock).unzip();
    let targets = Targets::new(Arc::clone(&upstream), rules.policies.is_some());
    let service = CognitoIdentityServiceServer::new(Service::new(upstream, clock.clone()))
        .max_decoding_message_size(settings.max_message_bytes);
    let ring = ServiceBuilder::new()
        // Around everything that can refuse, because refusals are recorded too.
        .option_layer(record)
        // Inside of it, because what panics has a record as well, before its answer leaves.
        .layer(Around::new(CatchPanic::new(move || panics.panicked())))
        // First of all that decides, because everything below is keyed on the operation and never on
        // the path.
        .layer(Around::new(Gated(Route)))
        // Around all that can wait, because a caller's deadline also covers the
        // reading of its message and the fetching of keys.
        .layer(Around::new(deadlines(settings, clock)))
        // Around the one that tells who calls, because verifying credentials is dear, and
        // whoever sends bad ones without end is not to have it.
        .option_layer(rules.brake(meter, clock))
        // Before the message is read, because strangers are not read.
        .layer(rules.authenticate(meter))
        // As soon as it is known who calls, because a caller who is over its limit costs no
        // reading and no policies, and probing for permissions has its price.
        .option_layer(limit)
        // After the cheaper refusals, because reading a message is dear, and what it
        // finds is what the service sends.
        .layer(Around::new(Gated(Inspect::new(
            settings.max_message_bytes,
            MAX_BYTES_IN_FLIGHT.max(settings.max_message_bytes),
        ))))
        // After the message is read, because only then is it known what the call weighs;
        // what is known without it was charged before.
        .option_layer(weigh)
        // After the message is read, because the region of its resource chooses, too; before
        // policies are asked, because they judge where the call goes, and who is told that it
        // goes nowhere.
        .layer(Around::new(Gated(targets)))
        // As soon as nothing is left that needs no AWS, because what policies look up there
        // takes the caller's turn.
        .layer(rules.flow())
        // After all of them, because policies ask for everything that they have found.
        .option_layer(authorize)
        // Last, because what is intended is what will be done.
        .option_layer(intend);
    Routes::new(ring.named_layer(service))
}

/// Adds reflection for callers who are known, and who may by the policies. A stream may ask
/// as much as it likes, so that streams are bounded: in how many there are, and in how long
/// they last.
pub fn add_reflection(
    routes: Routes,
    settings: &Settings,
    rules: &Rules,
    upstream: &Arc<Upstream>,
    meter: &Arc<dyn Meter>,
    clock: &Clock,
) -> Result<Routes, reflection::Error> {
    let addresses = Addresses::new(
        "reflection",
        REFLECTIONS_PER_SECOND,
        REFLECTIONS_AT_ONCE,
        clock.instant(),
    );
    let often = PerAddress::new(Arc::new(addresses), clock.clone());
    let ring = ServiceBuilder::new()
        // First, because a look at the address costs least.
        .layer(Around::new(Gated(often)))
        // Before anybody is asked, because strangers take places as well.
        .layer(Around::new(Streams::new(
            "ServerReflectionInfo",
            REFLECTIONS_ON_A_CONNECTION,
            REFLECTIONS,
        )))
        // Inside of it, because what has ended has to give its place back.
        .layer(Around::new(Lifetime(settings.max_deadline)))
        .layer(Around::new(deadlines(settings, clock)))
        .option_layer(rules.brake(meter, clock))
        .layer(rules.authenticate(meter))
        .option_layer(rules.authorize(upstream, meter, clock, Judged::Reflection));
    Ok(routes
        .add_service(ring.named_layer(reflection::v1()?))
        .add_service(ring.named_layer(reflection::v1alpha()?)))
}

/// Adds health, with a deadline of its own because a check whose request never ends
/// would be open for ever, and bounds on its watches because they never end.
pub fn add_health<S: Health>(
    routes: Routes,
    health: HealthServer<S>,
    settings: &Settings,
    clock: &Clock,
) -> Routes {
    let ring = ServiceBuilder::new()
        .layer(Around::new(Streams::new(
            "Watch",
            WATCHES_ON_A_CONNECTION,
            WATCHES,
        )))
        .layer(Around::new(deadlines(settings, clock)));
    routes.add_service(ring.named_layer(health))
}

fn deadlines(settings: &Settings, clock: &Clock) -> Deadlines {
    Deadlines {
        default: settings.default_deadline,
        max: settings.max_deadline,
        clock: clock.clone(),
    }
}

/// The whole of poolgate as one service.
pub type Stack = BoxCloneSyncService<Request, Response, Infallible>;

/// Every service with its layers: ours, health and reflection.
pub(super) fn whole(
    settings: &Settings,
    rules: &Rules,
    recorder: Option<Arc<Recorder>>,
    upstream: Arc<Upstream>,
    health: &health::Health,
    metrics: &Arc<Metrics>,
    clock: &Clock,
) -> Result<Stack, reflection::Error> {
    let meter: Arc<dyn Meter> = Arc::clone(metrics) as _;
    let mut routes = inner(
        settings,
        rules,
        recorder,
        Arc::clone(&upstream),
        &meter,
        clock,
    );
    routes = add_health(routes, health.service(), settings, clock);
    if settings.reflection {
        routes = add_reflection(routes, settings, rules, &upstream, &meter, clock)?;
    }
    Ok(outer(routes, meter, clock))
}

/// All services with the outer ring.
pub fn outer(routes: Routes, meter: Arc<dyn Meter>, clock: &Clock) -> Stack {
    let panics = Arc::clone(&meter);
    let stack = ServiceBuilder::new()
        // Outermost, because every answer counts, also a refusal and a panic's.
        .layer(Around::new(Observe::new(meter, clock.clone())))
        // Before anything can fail, because every answer carries the call's name;
        // and what is not gRPC has no business further down.
        .layer(Around::new(Context))
        // Inside the two, because a panic's answer is counted and named like any
        // other; outside all else, because anything else may be what panics.
        .layer(Around::new(CatchPanic::new(move || panics.panicked())))
        // Last of the outer ring, because what nobody serves has no inner ring.
        .layer(Around::new(Gated(KnownService)))
        .service(routes.prepare());
    BoxCloneSyncService::new(stack)
}
