//! The fields of a record, and what each says: the table of docs/audit.md.
//!
//! A test compares the table with the fields that records have, and with the schema in
//! `tests/audit/record.schema.json`. Members of requests and of answers are AWS's own, and
//! the list in `redact` says which there are.

use std::fmt::Write;

/// The path of a field, with `[]` for elements of a list and `*` for keys that are not
/// fixed, and what it says.
type Field = (&'static str, &'static str);

const FIELDS: &[Field] = &[
    ("eventVersion", "the version of CloudTrail's format, `1.11`"),
    (
        "userIdentity.type",
        "how the caller proved who it is: `WebIdentityUser` (JSON Web Token), `MutualTLS`, `StaticToken`, `UnixProcess` (words of ours, AWS has none), `Unknown`; `AWSService` is poolgate itself",
    ),
    (
        "userIdentity.principalId",
        "the caller's name, as in policies",
    ),
    ("userIdentity.accountId", "the AWS account that is called"),
    (
        "userIdentity.userName",
        "the token's subject, or the name of the static token or of the process",
    ),
    (
        "userIdentity.identityProvider",
        "the host of the token's issuer",
    ),
    (
        "userIdentity.sessionContext.attributes.creationDate",
        "when the token was issued",
    ),
    (
        "userIdentity.sessionContext.webIdFederationData.federatedProvider",
        "the token's issuer",
    ),
    (
        "userIdentity.invokedBy",
        "`poolgate.internal`, of what the journal says of itself",
    ),
    (
        "eventTime",
        "when the call ended, or of an intent when it was about to be made; UTC, whole seconds",
    ),
    (
        "eventSource",
        "`cognito-identity.amazonaws.com`, or `poolgate.internal` for what the journal says of itself and for intents, so that who counts calls counts none twice",
    ),
    (
        "eventName",
        "the operation; `UnknownOperation` where there is none of that name",
    ),
    (
        "awsRegion",
        "the region of the pool or identity, or else the one that is set",
    ),
    (
        "sourceIPAddress",
        "the address that the connection came from; `127.0.0.1` for the Unix socket",
    ),
    ("userAgent", "what the caller calls itself"),
    (
        "errorCode",
        "AWS's code, or the reason of poolgate's own errors; absent where the call succeeded",
    ),
    (
        "errorMessage",
        "AWS's message where it is known to hold nothing secret, or poolgate's own",
    ),
    (
        "requestID",
        "AWS's identifier of the last request that it answered; poolgate's name of the call where there is none",
    ),
    ("eventID", "the identifier of this record"),
    (
        "readOnly",
        "whether the operation changes nothing and hands nothing out",
    ),
    ("resources[].ARN", "the pool that is named, or was made"),
    ("resources[].accountId", "its account"),
    ("resources[].type", "`AWS::Cognito::IdentityPool`"),
    (
        "eventType",
        "`AwsApiCall`, or `AwsServiceEvent` for what the journal says of itself",
    ),
    ("apiVersion", "the version of AWS's interface, `2014-06-30`"),
    (
        "managementEvent",
        "whether CloudTrail counts the operation as management",
    ),
    ("recipientAccountId", "the AWS account that is called"),
    (
        "sharedEventID",
        "what intent and outcome of a call share; it is poolgate's own",
    ),
    (
        "serviceEventDetails.reason",
        "why another file was begun: `first`, `size`, `age`, `asked`, `moved`, `truncated`, `lengthened`",
    ),
    (
        "serviceEventDetails.previousSeq",
        "the number of the last line of the file before",
    ),
    ("serviceEventDetails.previousHash", "the hash of that line"),
    (
        "serviceEventDetails.intents[][]",
        "calls under way: `sharedEventID`, `eventID` of the intent, operation",
    ),
    (
        "serviceEventDetails.cutBytes",
        "how much was cut off the end that a crash left",
    ),
    ("serviceEventDetails.kept", "the file where it is kept"),
    (
        "serviceEventDetails.count",
        "how many calls were refused and have no record of their own",
    ),
    (
        "serviceEventDetails.byReason.*",
        "how many for which reason",
    ),
    ("serviceEventDetails.from", "when the first of them was"),
    ("serviceEventDetails.until", "when the last was"),
    (
        "addendum.reason",
        "`UPDATED_DATA`: the outcome of a call whose process ended before it",
    ),
    ("addendum.updatedFields", "`errorCode`"),
    ("addendum.originalEventID", "the `eventID` of the intent"),
    (
        "eventCategory",
        "`Management` or `Data`, as CloudTrail has it for the operation",
    ),
    (
        "tlsDetails.tlsVersion",
        "the version of TLS, where the connection has it",
    ),
    ("tlsDetails.cipherSuite", "its cipher suite"),
    (
        "tlsDetails.clientProvidedHostHeader",
        "what the caller calls this server",
    ),
    ("additionalEventData.phase", "`intent` or `outcome`"),
    (
        "additionalEventData.instanceId",
        "the name of the instance, `audit.instance`",
    ),
    (
        "additionalEventData.requestId",
        "the call's name, as its caller knows it: `x-request-id`",
    ),
    (
        "additionalEventData.caller",
        "the caller's name, as in policies",
    ),
    (
        "additionalEventData.credentialId",
        "the serial number of the caller's certificate, or the `jti` of its token",
    ),
    (
        "additionalEventData.process.uid",
        "the user that the other side of the Unix socket runs as, as the kernel says",
    ),
    ("additionalEventData.process.gid", "its group"),
    (
        "additionalEventData.process.pid",
        "its number when it connected, where the kernel tells it",
    ),
    (
        "additionalEventData.grpcStatus",
        "what the caller was answered",
    ),
    (
        "additionalEventData.callerSaw",
        "the same, where the call went on without its caller",
    ),
    (
        "additionalEventData.reason",
        "the reason that the caller was told",
    ),
    (
        "additionalEventData.decision",
        "what the policies made of it: `allowed`, `forbidden`, `not_permitted`, `error`",
    ),
    (
        "additionalEventData.policyIds[]",
        "the policies that decided",
    ),
    (
        "additionalEventData.target",
        "the target whose account was called, where targets are set up",
    ),
    (
        "additionalEventData.requestedTarget",
        "the target that the call named, in the caller's words, where it did not go there: there is none of the name, or it does not answer for the region or the account",
    ),
    (
        "additionalEventData.quotaLimit",
        "the limit that the call was counted by",
    ),
    (
        "additionalEventData.quotaRemaining",
        "how many calls that limit had left",
    ),
    (
        "additionalEventData.quotaWaitMs",
        "how long it waited for its turn at the account's quota, in milliseconds; absent where it did not wait",
    ),
    (
        "additionalEventData.durationMs",
        "how long it took, in milliseconds",
    ),
    (
        "additionalEventData.deadlineMs",
        "how long it might have taken, in milliseconds",
    ),
    (
        "additionalEventData.attempts",
        "how often it was put on the wire",
    ),
    (
        "additionalEventData.awsRequestIds[]",
        "AWS's identifiers of all attempts that were answered, where there are several; the last eight",
    ),
    (
        "additionalEventData.responseItems",
        "how long the list is that was answered",
    ),
    (
        "additionalEventData.requestDigest",
        "the HMAC-SHA-256 of the request's message with the key of `audit.mac_key_file`, its first half; without a key, nothing",
    ),
    (
        "additionalEventData.traceId",
        "the trace that the call is part of: that of its spans where traces are exported, or that of `traceparent`",
    ),
    (
        "additionalEventData.path.bytes",
        "of a method that there is not: the length of its path",
    ),
    ("additionalEventData.path.sha256", "and its SHA-256"),
    (
        "additionalEventData.unverified.xForwardedFor",
        "what somebody says of where the call came from; nobody has verified it",
    ),
    (
        "additionalEventData.truncated[]",
        "the members of which not all is shown",
    ),
    ("additionalEventData.seq", "its number in the journal"),
    (
        "additionalEventData.prevHash",
        "the hash of the line before",
    ),
    ("additionalEventData.hash", "its own"),
];

/// The fields as a Markdown table.
pub fn reference() -> String {
    let mut table = String::from("| Field | Says |\n|---|---|\n");
    for (path, says) in FIELDS {
        // Writing into a `String` cannot fail.
        let _ = writeln!(table, "| `{path}` | {says} |");
    }
    table
}

#[cfg(test)]
mod tests;
