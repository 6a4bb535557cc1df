//! What a caller costs whom no policy permits anything (reference: security, T-G4).

use poolgate::operation::Operation;
use tempfile::TempDir;
use tonic::Code;
use tonic::service::interceptor::InterceptedService;
use tonic_types::StatusExt;

use crate::support::app::App;
use crate::support::examples::{call_on, request};
use crate::support::guarded::Bearer;
use crate::support::house::{Rules, token};
use crate::support::wire::Wire;

const CALLERS: &str = r#"
[[tokens]]
name = "operator"
sha256 = "{operator}"
roles = ["operator"]

[[tokens]]
name = "stranger"
sha256 = "{stranger}"
"#;

/// What operators may hangs on tags for every operation; all guardrails are on.
const POLICIES: &str = r#"
@id("operators-look-after-pools-of-their-team")
permit (
  principal in Poolgate::Role::"operator",
  action in Poolgate::Action::"all",
  resource is Poolgate::IdentityPool
)
when { resource.hasTag("team") };

@id("operators-use-identities-of-their-team")
permit (
  principal in Poolgate::Role::"operator",
  action in Poolgate::Action::"all",
  resource is Poolgate::Identity
)
when { resource has pool && resource.pool.hasTag("team") };

@id("nobody-touches-what-is-frozen")
forbid (principal, action in Poolgate::Action::"all", resource is Poolgate::IdentityPool)
when { resource.hasTag("frozen") };
"#;

#[tokio::test]
async fn whom_no_policy_permits_anything_is_refused_without_asking_aws() {
    for &operation in Operation::ALL {
        let wire = Wire::echo();

        let refused = make(&wire, "stranger", operation).await.unwrap_err();

        assert_eq!(refused.code(), Code::PermissionDenied, "{operation}");
        let reason = refused.get_details_error_info().unwrap().reason;
        assert_eq!(reason, "NO_POLICY_PERMITS", "{operation}");
        assert_eq!(wire.sent().len(), 0, "{operation}");
    }
}

/// Otherwise the test above would hold for want of a policy that asks.
#[tokio::test]
async fn for_whom_a_policy_may_permit_it_aws_is_asked() {
    for operation in [
        Operation::DescribeIdentityPool,
        Operation::UpdateIdentityPool,
    ] {
        let wire = Wire::echo();

        let _ = make(&wire, "operator", operation).await;

        assert_eq!(
            wire.sent()[0].operation,
            "DescribeIdentityPool",
            "{operation}"
        );
    }
}

async fn make(
    wire: &Wire,
    caller: &str,
    operation: Operation,
) -> Result<serde_json::Value, tonic::Status> {
    let rules = Rules::new(CALLERS, &["operator", "stranger"], POLICIES);
    let directory = TempDir::new().unwrap();
    let engines = rules.engines(&directory);
    let (settings, upstream) = Default::default();
    let app = App::ruled(settings, upstream, wire.client(), engines).await;
    let bearer = Bearer::new(&format!("Bearer {}", token(caller)));
    let stack = InterceptedService::new(app.stack.clone(), bearer);
    call_on(stack, operation, &request(operation)).await
}
