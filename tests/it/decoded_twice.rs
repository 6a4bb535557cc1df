//! A message is decoded twice: for policies, and for what is sent to AWS. Both have to see
//! the same (reference: security, T-Z5), whatever tricks the bytes play: fields that come
//! twice, messages and map entries that are merged, fields out of order, unknown ones.
//!
//! What only one of the two can read goes nowhere: the layer refuses it, or the service.

use poolgate::operation::Operation;
use poolgate::pb;
use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message;
use prost_reflect::DynamicMessage;

use crate::support::examples;

/// So many for each operation; 23 times as many in all.
const CASES: u32 = 9_000;

/// One change to the bytes of a message.
#[derive(Clone, Debug)]
enum Trick {
    /// The whole message once more, or the message of another operation: fields that are
    /// there twice are merged, or the last one wins.
    Append(Index),
    /// A piece of the message once more, somewhere else.
    Copy(Index, Index, Index),
    /// Other bytes in some place.
    Overwrite(Index, Vec<u8>),
    /// Bytes put in between.
    Insert(Index, Vec<u8>),
    /// The end is missing.
    Cut(Index),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn policies_and_aws_see_the_same_message(tricks in prop::collection::vec(trick(), 0..4)) {
        for &operation in Operation::ALL {
            let bytes = tricks.iter().fold(example(operation), play);
            same(operation, &bytes)?;
        }
    }
}

/// The same message both ways, where both can read it.
fn same(operation: Operation, bytes: &[u8]) -> Result<(), TestCaseError> {
    macro_rules! compare {
        ($($operation:ident => $request:ident,)+) => {
            match operation {
                $(Operation::$operation => compare::<pb::$request>(operation, bytes),)+
            }
        };
    }
    compare! {
        CreateIdentityPool => CreateIdentityPoolRequest,
        DescribeIdentityPool => DescribeIdentityPoolRequest,
        UpdateIdentityPool => UpdateIdentityPoolRequest,
        DeleteIdentityPool => DeleteIdentityPoolRequest,
        ListIdentityPools => ListIdentityPoolsRequest,
        GetIdentityPoolRoles => GetIdentityPoolRolesRequest,
        SetIdentityPoolRoles => SetIdentityPoolRolesRequest,
        GetPrincipalTagAttributeMap => GetPrincipalTagAttributeMapRequest,
        SetPrincipalTagAttributeMap => SetPrincipalTagAttributeMapRequest,
        TagResource => TagResourceRequest,
        UntagResource => UntagResourceRequest,
        ListTagsForResource => ListTagsForResourceRequest,
        GetId => GetIdRequest,
        GetOpenIdToken => GetOpenIdTokenRequest,
        GetCredentialsForIdentity => GetCredentialsForIdentityRequest,
        UnlinkIdentity => UnlinkIdentityRequest,
        GetOpenIdTokenForDeveloperIdentity => GetOpenIdTokenForDeveloperIdentityRequest,
        LookupDeveloperIdentity => LookupDeveloperIdentityRequest,
        MergeDeveloperIdentities => MergeDeveloperIdentitiesRequest,
        UnlinkDeveloperIdentity => UnlinkDeveloperIdentityRequest,
        DescribeIdentity => DescribeIdentityRequest,
        ListIdentities => ListIdentitiesRequest,
        DeleteIdentities => DeleteIdentitiesRequest,
    }
}

fn compare<M: Message + Default + PartialEq>(
    operation: Operation,
    bytes: &[u8],
) -> Result<(), TestCaseError> {
    let seen = DynamicMessage::decode(descriptor(operation), bytes);
    let sent = M::decode(bytes);
    match (seen, sent) {
        (Ok(seen), Ok(sent)) => {
            let seen: M = seen.transcode_to().unwrap();
            // Some messages hold secrets and have no `Debug`.
            prop_assert!(seen == sent, "{operation}: {bytes:?}");
        }
        (Err(_), _) | (_, Err(_)) => {}
    }
    Ok(())
}

fn trick() -> impl Strategy<Value = Trick> {
    let index = any::<Index>;
    let bytes = || prop::collection::vec(any::<u8>(), 1..12);
    prop_oneof![
        index().prop_map(Trick::Append),
        (index(), index(), index()).prop_map(|(from, to, at)| Trick::Copy(from, to, at)),
        (index(), bytes()).prop_map(|(at, bytes)| Trick::Overwrite(at, bytes)),
        (index(), bytes()).prop_map(|(at, bytes)| Trick::Insert(at, bytes)),
        index().prop_map(Trick::Cut),
    ]
}

fn play(mut message: Vec<u8>, trick: &Trick) -> Vec<u8> {
    let place = |index: &Index, message: &[u8]| index.index(message.len() + 1);
    match trick {
        Trick::Append(which) => {
            message.extend(example(Operation::ALL[which.index(Operation::ALL.len())]));
        }
        Trick::Copy(from, to, at) => {
            let (from, to) = (place(from, &message), place(to, &message));
            let piece = message[from.min(to)..from.max(to)].to_vec();
            let at = place(at, &message);
            message.splice(at..at, piece);
        }
        Trick::Overwrite(at, bytes) => {
            let at = place(at, &message);
            let end = message.len().min(at + bytes.len());
            message.splice(at..end, bytes.iter().copied());
        }
        Trick::Insert(at, bytes) => {
            let at = place(at, &message);
            message.splice(at..at, bytes.iter().copied());
        }
        Trick::Cut(at) => {
            let at = place(at, &message);
            message.truncate(at);
        }
    }
    message
}

fn example(operation: Operation) -> Vec<u8> {
    let request = examples::request(operation);
    let message = DynamicMessage::deserialize(descriptor(operation), request).unwrap();
    message.encode_to_vec()
}

fn descriptor(operation: Operation) -> prost_reflect::MessageDescriptor {
    pb::descriptors()
        .get_message_by_name(&format!("cognito.identity.v1.{operation}Request"))
        .unwrap()
}
