//! What reaches AWS, and how.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_cognitoidentity::operation::update_identity_pool::builders::UpdateIdentityPoolInputBuilder;
use futures_util::poll;
use poolgate::call::RequestId;
use poolgate::caller::Caller;
use poolgate::clock::Clock;
use poolgate::failure::Failure;
use poolgate::operation::{Operation, ResourceField, Signing};
use poolgate::pool_field::PoolField;
use poolgate::telemetry::Metrics;
use poolgate::upstream::{Outgoing, Upstream};
use poolgate::{pb, server, upstream};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::app::App;
use crate::support::examples::{self, call};
use crate::support::wire::Wire;

#[tokio::test]
async fn unsigned_operations_carry_no_credentials_and_all_others_are_signed() {
    for &operation in Operation::ALL {
        let wire = Wire::echo();
        let app = App::wire(&wire).await;

        // What comes back is of no interest here.
        let _ = call(&app, operation, &examples::request(operation)).await;

        let sent = wire.sent();
        assert_eq!(sent[0].operation, operation.name());
        let signed = sent[0].authorization.is_some();
        assert_eq!(
            signed,
            operation.signing() == Signing::Signed,
            "{operation}"
        );
    }
}

#[tokio::test]
async fn a_call_goes_to_the_region_its_resource_is_in() {
    for &operation in Operation::ALL {
        let wire = Wire::echo();
        let app = App::wire(&wire).await;
        let request = examples::request(operation)
            .to_string()
            .replace("us-east-1", "eu-west-1");

        let _ = call(&app, operation, &serde_json::from_str(&request).unwrap()).await;

        let region = match operation.resource_field() {
            ResourceField::Account => "us-east-1",
            _ => "eu-west-1",
        };
        let expected = format!("cognito-identity.{region}.amazonaws.com");
        assert_eq!(wire.sent()[0].host, expected, "{operation}");
    }
}

#[tokio::test]
async fn a_region_that_is_not_configured_is_refused_by_its_field() {
    let wire = Wire::echo();
    let app = App::wire(&wire).await;
    for &operation in Operation::ALL {
        let field = match operation.resource_field() {
            ResourceField::Account => continue,
            ResourceField::Pool(field)
            | ResourceField::Identity(field)
            | ResourceField::Identities(field)
            | ResourceField::PoolArn(field) => field,
        };
        let request = examples::request(operation)
            .to_string()
            .replace("us-east-1", "xx-moon-9");

        let status = call(&app, operation, &serde_json::from_str(&request).unwrap())
            .await
            .unwrap_err();

        assert_eq!(status.code(), Code::InvalidArgument, "{operation}");
        assert_eq!(
            status.get_details_error_info().unwrap().reason,
            "UNKNOWN_REGION"
        );
        let bad_request = status.get_details_bad_request().unwrap();
        assert_eq!(bad_request.field_violations[0].field, field);
    }
    assert!(wire.sent().is_empty());
}

#[tokio::test]
async fn the_regions_can_be_narrowed() {
    let wire = Wire::echo();
    let narrowed = upstream::Settings {
        regions: vec!["us-east-1".to_owned()],
        ..Default::default()
    };
    let mut app = App::with(server::Settings::default(), narrowed, wire.client()).await;
    let request = pb::DescribeIdentityPoolRequest {
        identity_pool_id: "eu-west-1:0a".to_owned(),
    };

    let status = app
        .client
        .describe_identity_pool(request)
        .await
        .err()
        .unwrap();

    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "UNKNOWN_REGION"
    );
}

/// `GetId` is unsigned, so that no credentials have to be there.
#[tokio::test]
async fn fips_and_dual_stack_choose_awss_endpoints_and_a_url_overrules_them() {
    let set = |fips, dual_stack, url: Option<&str>| upstream::Settings {
        kind: upstream::Kind::Aws,
        fips,
        dual_stack,
        endpoint_url: url.map(str::to_owned),
        ..Default::default()
    };
    // AWS's ordinary address speaks IPv6 already; only with FIPS there is another.
    let proxy = Some("https://proxy.example:8443");
    let cases = [
        (
            set(false, false, None),
            "cognito-identity.eu-west-1.amazonaws.com",
        ),
        (
            set(true, false, None),
            "cognito-identity-fips.eu-west-1.amazonaws.com",
        ),
        (
            set(false, true, None),
            "cognito-identity.eu-west-1.amazonaws.com",
        ),
        (
            set(true, true, None),
            "cognito-identity-fips.eu-west-1.api.aws",
        ),
        (set(false, false, proxy), "proxy.example"),
    ];
    let request = examples::request(Operation::GetId).to_string();
    let request = serde_json::from_str(&request.replace("us-east-1", "eu-west-1")).unwrap();
    for (settings, host) in cases {
        let wire = Wire::answering(|_| (200, json!({"IdentityId": "eu-west-1:0a"})));
        let app = App::with(server::Settings::default(), settings, wire.client()).await;

        call(&app, Operation::GetId, &request).await.unwrap();

        assert_eq!(wire.sent()[0].host, host);
        assert!(wire.sent()[0].authorization.is_none());
    }
}

#[tokio::test]
async fn every_answer_has_the_calls_name_and_awss_own() {
    let wire = Wire::echo();
    let mut app = App::wire(&wire).await;
    let list = || tonic::Request::new(pb::ListIdentityPoolsRequest::default());

    let mut named = list();
    named
        .metadata_mut()
        .insert("x-request-id", "mine-1".parse().unwrap());
    let answer = app.client.list_identity_pools(named).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "mine-1");
    assert_eq!(answer.metadata().get("x-amzn-requestid").unwrap(), "wire-1");

    let mut unusable = list();
    unusable
        .metadata_mut()
        .insert("x-request-id", "two words".parse().unwrap());
    let answer = app.client.list_identity_pools(unusable).await.unwrap();
    let id = answer
        .metadata()
        .get("x-request-id")
        .unwrap()
        .to_str()
        .unwrap();
    assert!(RequestId::from_caller(id).is_some() && id != "two words");

    let refused = pb::ListIdentityPoolsRequest {
        max_results: 61,
        ..Default::default()
    };
    let status = app.client.list_identity_pools(refused).await.err().unwrap();
    let id = status
        .metadata()
        .get("x-request-id")
        .unwrap()
        .to_str()
        .unwrap();
    assert_eq!(status.get_details_request_info().unwrap().request_id, id);
}

#[tokio::test]
async fn an_error_of_aws_keeps_its_words_and_names() {
    let mut app = App::emulator().await;
    let request = pb::DescribeIdentityPoolRequest {
        identity_pool_id: "us-east-1:00000000-0000-4000-8000-000000000000".to_owned(),
    };

    let status = app
        .client
        .describe_identity_pool(request.clone())
        .await
        .err()
        .unwrap();

    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(
        status.message(),
        format!("IdentityPool '{}' not found.", request.identity_pool_id)
    );
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.domain, "cognito-identity.amazonaws.com");
    assert_eq!(info.reason, "RESOURCE_NOT_FOUND");
    assert_eq!(info.metadata["awsErrorCode"], "ResourceNotFoundException");
    assert_eq!(info.metadata["operation"], "DescribeIdentityPool");
    assert_eq!(info.metadata["httpStatus"], "400");
    let aws_request_id = status.metadata().get("x-amzn-requestid").unwrap();
    assert_eq!(
        info.metadata["awsRequestId"],
        aws_request_id.to_str().unwrap()
    );
    assert_eq!(
        status.get_details_resource_info().unwrap().resource_name,
        request.identity_pool_id
    );
}

/// The SDK fills in required members that are missing, so that an empty answer looks
/// like a pool without a name.
#[tokio::test]
async fn an_answer_that_lacks_what_aws_always_returns_is_no_success() {
    for &operation in Operation::ALL {
        let app = App::wire(&Wire::answering(|_| (200, json!({})))).await;

        let answer = call(&app, operation, &examples::request(operation)).await;

        let Err(status) = answer else {
            // Void operations and lists may be empty.
            let empty = answer.unwrap();
            assert_eq!(empty, json!({}), "{operation}");
            continue;
        };
        let reason = status.get_details_error_info().unwrap().reason;
        let expected = if operation.leaves_doubt() {
            "OUTCOME_UNKNOWN"
        } else {
            "UPSTREAM_ANSWER_UNREADABLE"
        };
        assert_eq!(reason, expected, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_ends_with_its_own_time_out() {
    let settings = upstream::Settings {
        operation_timeout: Duration::from_millis(300),
        ..Default::default()
    };
    let wire = Wire::silent();
    let mut app = App::with(server::Settings::default(), settings, wire.client()).await;
    let begun = tokio::time::Instant::now();

    let request = pb::ListIdentityPoolsRequest::default();
    let status = app.client.list_identity_pools(request).await.err().unwrap();

    let reason = status.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "UPSTREAM_TIMEOUT");
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "time is paused, so exact"
    );
}

#[tokio::test]
async fn writes_under_way_are_bounded_whoever_has_gone() {
    let settings = upstream::Settings {
        max_writes: 2,
        ..Default::default()
    };
    let wire = Wire::silent();
    let app = App::with(server::Settings::default(), settings, wire.client()).await;
    let create = || examples::request(Operation::CreateIdentityPool);
    for begun_before in 0..2 {
        // Begun and given up.
        let request = create();
        let mut begun = Box::pin(call(&app, Operation::CreateIdentityPool, &request));
        while wire.sent().len() == begun_before {
            assert!(futures_util::poll!(begun.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(app.writes.len(), 2);

    let status = call(&app, Operation::CreateIdentityPool, &create())
        .await
        .unwrap_err();

    assert_eq!(status.code(), Code::ResourceExhausted);
    let reason = status.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "TOO_MANY_WRITES");
    assert_eq!(wire.sent().len(), 2);
}

/// 8 KiB of headers are what common clients accept; AWS's own texts and a caller's
/// own values may be of any length and script.
#[tokio::test]
async fn a_status_fits_the_headers_of_common_clients() {
    let wide = "€".repeat(129);
    let provider = json!({"provider_name": "p", "client_id": wide});
    let own = [
        (
            Operation::DeleteIdentities,
            json!({"identity_ids_to_delete": vec!["€".repeat(60); 60]}),
        ),
        (
            Operation::CreateIdentityPool,
            json!({
                "identity_pool_name": wide, "allow_unauthenticated_identities": true,
                "cognito_identity_providers": vec![provider; 20],
            }),
        ),
        (
            Operation::UpdateIdentityPool,
            json!({"update_mask": "", "identity_pool": {"identity_pool_id": wide}}),
        ),
    ];
    let app = App::wire(&Wire::echo()).await;
    for (operation, request) in own {
        assert_fits(&call(&app, operation, &request).await.unwrap_err());
    }

    for code in [
        "ValidationException",
        "ResourceNotFoundException",
        "LimitExceededException",
    ] {
        let text = format!(
            "1 validation error detected: Value '{}' at 'x' failed to satisfy constraint: y",
            "€".repeat(3000)
        );
        let wire = Wire::answering(move |_| (400, json!({"__type": code, "message": text})));
        let app = App::wire(&wire).await;
        let operation = Operation::DescribeIdentityPool;
        assert_fits(
            &call(&app, operation, &examples::request(operation))
                .await
                .unwrap_err(),
        );
    }
    let wire = Wire::answering(|_| (400, json!({"__type": "X".repeat(9000), "message": "m"})));
    let app = App::wire(&wire).await;
    let operation = Operation::DescribeIdentityPool;
    assert_fits(
        &call(&app, operation, &examples::request(operation))
            .await
            .unwrap_err(),
    );
}

fn assert_fits(status: &tonic::Status) {
    let headers = status.clone().into_http::<()>().headers().clone();
    let size: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 32)
        .sum();
    assert!(size < 8000, "{size} bytes: {}", status.message());
    assert!(status.get_details_error_info().is_some());
}

#[tokio::test]
async fn a_change_whose_time_passes_while_it_waits_for_its_pool_is_not_sent() {
    let gate = Arc::new(Semaphore::new(0));
    let wire = Wire::echo().holding("UpdateIdentityPool", &gate);
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    let upstream = Upstream::metered(
        upstream::Settings::default(),
        Some(wire.client()),
        TaskTracker::new(),
        clock.clone(),
        Arc::new(Metrics::new()).of_upstream(),
    )
    .await;
    let pool = "us-east-1:0a";
    let outgoing = |seconds| Outgoing {
        operation: Operation::UpdateIdentityPool,
        target: Default::default(),
        region: Some("us-east-1".to_owned()),
        pool_id: Some(pool.to_owned()),
        caller: Caller::anonymous(),
        flow: Default::default(),
        held: Default::default(),
        left: Duration::from_secs(seconds),
        notes: Default::default(),
        tenant: None,
    };
    let change = || {
        UpdateIdentityPoolInputBuilder::default()
            .identity_pool_id(pool)
            .identity_pool_name("p")
            .allow_unauthenticated_identities(false)
    };
    let whole = |seconds| {
        let input = change();
        let send = |aws| async move { input.send_with(&aws).await };
        Box::pin(upstream.call(outgoing(seconds), send))
    };
    let fields = [PoolField::IdentityPoolName];

    let mut first = whole(60);
    assert!(poll!(first.as_mut()).is_pending());
    while wire.sent().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut late = whole(1);
    let part = upstream.update_fields(outgoing(1), change(), &fields, &clock, |_| {});
    let mut late_in_part = Box::pin(part);
    assert!(poll!(late.as_mut()).is_pending());
    assert!(poll!(late_in_part.as_mut()).is_pending());
    // No more is left then than the answer's own way takes.
    clock.advance(Duration::from_secs(1) - upstream::DEADLINE_MARGIN);
    gate.add_permits(9);

    first.await.unwrap();
    assert_eq!(late.await.err(), Some(Failure::DeadlineExceeded));
    assert_eq!(late_in_part.await.err(), Some(Failure::DeadlineExceeded));
    assert_eq!(wire.sent().len(), 1);
}
