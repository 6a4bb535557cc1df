//! The 23 operations. Each takes its input, which keeps the model, and the call it
//! belongs to, and answers with its output or AWS's error.

mod credentials;
mod developer;
mod developer_users;
mod identities;
mod open_id;
mod pool_rules;
mod pools;
mod principal_tags;
mod proof;
mod roles;
mod tags;

use std::sync::MutexGuard;

pub(super) use credentials::Credentials;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::{Error, Kind};
use super::logins::Verifier;
use super::pool::Pool;
use super::protocol::WellFormed;
use super::region;
use super::store::{Store, Viewer, is_a_tenant};
use super::{Emulator, Isolation};
use crate::operation::{Effect, Operation, Signing};

/// The call that an operation works for.
struct Call<'a> {
    emulator: &'a Emulator,
    region: String,
    viewer: Viewer,
}

/// The JSON of an answer, empty for an operation without output.
pub(super) type Output = Vec<u8>;

/// Does what a request asks for.
///
/// What was changed is durable before the answer is given, where it is kept at all.
/// That holds for what others have changed, too, because the answer may rest on it.
pub(super) fn run(emulator: &Emulator, request: WellFormed) -> Result<Output, Error> {
    let WellFormed {
        operation,
        region,
        access_key,
        body,
    } = request;
    let call = &Call {
        emulator,
        region,
        viewer: viewer(emulator.settings.isolation, operation, access_key)?,
    };
    let Some(disk) = &emulator.disk else {
        return dispatch(call, operation, body);
    };
    if disk.has_failed() {
        return Err(Error::internal());
    }
    let output = dispatch(call, operation, body)?;
    if operation.effect() != Effect::Read {
        disk.keep(&emulator.store).map_err(|_| Error::internal())?;
    }
    Ok(output)
}

/// Whose store a request is about. Without a signature, the names in the request find
/// it.
fn viewer(isolation: Isolation, operation: Operation, access_key: String) -> Result<Viewer, Error> {
    match (isolation, operation.signing()) {
        (Isolation::PerAccessKey, Signing::Signed) if !is_a_tenant(&access_key) => Err(Error::new(
            Kind::UnrecognizedClient,
            "The security token included in the request is invalid.",
        )),
        (Isolation::PerAccessKey, Signing::Signed) => Ok(Viewer::only(access_key)),
        _ => Ok(Viewer::default()),
    }
}

fn dispatch(
    call: &Call<'_>,
    operation: Operation,
    body: Map<String, Value>,
) -> Result<Output, Error> {
    match operation {
        Operation::CreateIdentityPool => output(call, body, pools::create),
        Operation::DescribeIdentityPool => output(call, body, pools::describe),
        Operation::UpdateIdentityPool => output(call, body, pools::update),
        Operation::DeleteIdentityPool => nothing(call, body, pools::delete),
        Operation::ListIdentityPools => output(call, body, pools::list),
        Operation::GetIdentityPoolRoles => output(call, body, roles::get),
        Operation::SetIdentityPoolRoles => nothing(call, body, roles::set),
        Operation::GetPrincipalTagAttributeMap => output(call, body, principal_tags::get),
        Operation::SetPrincipalTagAttributeMap => output(call, body, principal_tags::set),
        Operation::TagResource => output(call, body, tags::tag),
        Operation::UntagResource => output(call, body, tags::untag),
        Operation::ListTagsForResource => output(call, body, tags::list),
        Operation::GetId => output(call, body, identities::get_id),
        Operation::GetOpenIdToken => output(call, body, credentials::open_id_token),
        Operation::GetCredentialsForIdentity => output(call, body, credentials::credentials),
        Operation::UnlinkIdentity => nothing(call, body, identities::unlink),
        Operation::GetOpenIdTokenForDeveloperIdentity => output(call, body, developer::token),
        Operation::LookupDeveloperIdentity => output(call, body, developer_users::lookup),
        Operation::MergeDeveloperIdentities => output(call, body, developer_users::merge),
        Operation::UnlinkDeveloperIdentity => nothing(call, body, developer_users::unlink),
        Operation::DescribeIdentity => output(call, body, identities::describe),
        Operation::ListIdentities => output(call, body, identities::list),
        Operation::DeleteIdentities => output(call, body, identities::delete),
    }
}

impl Call<'_> {
    fn store(&self) -> MutexGuard<'_, Store> {
        let mut store = self.emulator.store();
        store.look_as(&self.viewer);
        store
    }

    /// A pool as it is at this moment. Logins are verified with it while others use the
    /// store, where the pool is looked up anew then: it may have gone.
    fn pool(&self, pool_id: &str) -> Result<Pool, Error> {
        self.store().pool(&self.region, pool_id).cloned()
    }

    fn account(&self) -> &str {
        &self.emulator.settings.account_id
    }

    /// Seconds since the epoch.
    fn now(&self) -> u64 {
        self.emulator.clock.epoch_seconds()
    }

    /// The same with milliseconds, as dates are written.
    fn date(&self) -> f64 {
        self.emulator
            .clock
            .now()
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .map_or(0.0, |since| (since.as_secs_f64() * 1000.0).round() / 1000.0)
    }

    /// What login tokens are held against.
    fn verifier(&self) -> Verifier<'_> {
        Verifier {
            issuers: &self.emulator.issuers,
            now: self.now(),
        }
    }

    fn pool_arn(&self, pool_id: &str) -> String {
        region::pool_arn(&self.region, self.account(), pool_id)
    }
}

fn output<In: DeserializeOwned, Out: Serialize>(
    call: &Call<'_>,
    body: Map<String, Value>,
    operation: impl FnOnce(&Call<'_>, In) -> Result<Out, Error>,
) -> Result<Output, Error> {
    let output = operation(call, input(body)?)?;
    serde_json::to_vec(&output).map_err(|_| Error::internal())
}

fn nothing<In: DeserializeOwned>(
    call: &Call<'_>,
    body: Map<String, Value>,
    operation: impl FnOnce(&Call<'_>, In) -> Result<(), Error>,
) -> Result<Output, Error> {
    operation(call, input(body)?)?;
    Ok(Output::new())
}

/// The types were checked before, so this fails for a number beyond every bound only.
fn input<In: DeserializeOwned>(body: Map<String, Value>) -> Result<In, Error> {
    serde_json::from_value(Value::Object(body))
        .map_err(|_| Error::serialization("The body does not have the expected form."))
}
