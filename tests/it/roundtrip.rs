//! From the proto through the SDK over the wire and all the way back: nothing is
//! lost, and nothing that was unset is set.

use poolgate::operation::Operation;
use poolgate::{convert, model, pb};
use proptest::prelude::*;
use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::Value;

use crate::support::app::App;
use crate::support::arbitrary;
use crate::support::wire::Wire;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_pool_comes_back_as_it_went(pool in arbitrary::pool()) {
        let request = pb::UpdateIdentityPoolRequest {
            identity_pool: Some(pool.clone()),
            update_mask: None,
        };

        let (sent, back) = exchange(Wire::echo(), async move |mut app: App| {
            app.client.update_identity_pool(request).await
        });

        prop_assert_eq!(sent, parameters(Operation::UpdateIdentityPool, &pool));
        prop_assert!(back.identity_pool == Some(pool));
    }

    #[test]
    fn roles_come_back_as_they_went(request in arbitrary::roles()) {
        let set = request.clone();
        let (sent, _) = exchange(Wire::echo(), async move |mut app: App| {
            app.client.set_identity_pool_roles(set).await
        });
        let stored = sent.clone();
        let get = pb::GetIdentityPoolRolesRequest {
            identity_pool_id: request.identity_pool_id.clone(),
        };
        let (_, back) = exchange(
            Wire::answering(move |_| (200, stored.clone())),
            async move |mut app: App| app.client.get_identity_pool_roles(get).await,
        );

        prop_assert_eq!(sent, parameters(Operation::SetIdentityPoolRoles, &request));
        prop_assert_eq!(back.identity_pool_id, request.identity_pool_id);
        prop_assert_eq!(back.roles, request.roles);
        prop_assert_eq!(back.role_mappings, request.role_mappings);
    }

    #[test]
    fn a_principal_tag_map_comes_back_as_it_went(request in arbitrary::principal_tags()) {
        let set = request.clone();

        let (sent, back) = exchange(Wire::echo(), async move |mut app: App| {
            app.client.set_principal_tag_attribute_map(set).await
        });

        prop_assert_eq!(sent, parameters(Operation::SetPrincipalTagAttributeMap, &request));
        prop_assert_eq!(back.identity_pool_id, request.identity_pool_id);
        prop_assert_eq!(back.identity_provider_name, request.identity_provider_name);
        prop_assert_eq!(back.use_defaults, request.use_defaults);
        prop_assert_eq!(back.principal_tags, request.principal_tags);
    }
}

/// The request as the layers see it, which has to be what is sent.
fn parameters(operation: Operation, message: &impl Message) -> Value {
    let name = match operation {
        Operation::UpdateIdentityPool => "cognito.identity.v1.IdentityPool".to_owned(),
        _ => format!("cognito.identity.v1.{operation}Request"),
    };
    let descriptor = pb::descriptors().get_message_by_name(&name).unwrap();
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).unwrap();
    Value::Object(convert::parameters(model::input(operation), &message))
}

/// Makes one call through the whole stack over `wire`: what was sent, and what
/// came back.
fn exchange<T>(
    wire: Wire,
    call: impl AsyncFnOnce(App) -> Result<tonic::Response<T>, tonic::Status>,
) -> (Value, T) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answer = runtime.block_on(async { call(App::wire(&wire).await).await });
    let sent = wire.sent().into_iter().next().unwrap();
    (sent.body, answer.unwrap().into_inner())
}
