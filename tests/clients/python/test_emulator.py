"""The emulator as boto3 sees it: every operation, with what it refuses."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore import UNSIGNED, xform_name
from botocore.exceptions import ClientError
from emulating import (
    ACCOUNT,
    DEVELOPER,
    FACEBOOK,
    GUEST_ROLE,
    NOBODY,
    REGION,
    USER_ROLE,
    Served,
    aws,
    emulator,
    without_metadata,
)

USER_POOL = {
    "ProviderName": "cognito-idp.us-west-2.amazonaws.com/us-west-2_111111111",
    "ClientId": "3n4b5urk1ft4fl3mg5e62d9ado",
    "ServerSideTokenCheck": False,
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """An emulator."""
    with emulator() as served:
        yield served


@pytest.fixture(scope="module")
def client(served: Served) -> Any:
    """A client that signs."""
    return aws("cognito-identity", served)


@pytest.fixture
def pool(client: Any) -> str:
    """A pool with roles, guests, Facebook and a developer's provider."""
    pool_id: str = client.create_identity_pool(
        IdentityPoolName="a pool",
        AllowUnauthenticatedIdentities=True,
        SupportedLoginProviders={FACEBOOK: "7"},
        DeveloperProviderName=DEVELOPER,
    )["IdentityPoolId"]
    client.set_identity_pool_roles(
        IdentityPoolId=pool_id,
        Roles={"authenticated": USER_ROLE, "unauthenticated": GUEST_ROLE},
    )
    return pool_id


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    """Type and text of the error that a call ends with."""
    with pytest.raises(ClientError) as raised:
        call()
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def arn(pool: str) -> str:
    """The ARN of a pool."""
    return f"arn:aws:cognito-identity:{REGION}:{ACCOUNT}:identitypool/{pool}"


def developer_identity(client: Any, pool: str, user: str) -> str:
    """The identity of a developer's user."""
    answer = client.get_open_id_token_for_developer_identity(
        IdentityPoolId=pool, Logins={DEVELOPER: user}
    )
    return str(answer["IdentityId"])


def test_a_created_pool_is_answered_as_aws_documents_it(client: Any) -> None:
    answer = client.create_identity_pool(
        IdentityPoolName="MyIdentityPool",
        AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[USER_POOL],
    )

    assert answer["IdentityPoolId"].startswith(f"{REGION}:")
    documented = {
        "IdentityPoolId": answer["IdentityPoolId"],
        "IdentityPoolName": "MyIdentityPool",
        "AllowUnauthenticatedIdentities": False,
        "CognitoIdentityProviders": [USER_POOL],
        "IdentityPoolTags": {},
    }
    assert without_metadata(answer) == documented
    described = client.describe_identity_pool(IdentityPoolId=answer["IdentityPoolId"])
    assert without_metadata(described) == documented


@pytest.mark.parametrize("name", ["no*star", "ünïcode", "n" * 129])
def test_a_pool_is_not_created_outside_the_model(client: Any, name: str) -> None:
    kind, message = refusal(
        lambda: client.create_identity_pool(
            IdentityPoolName=name, AllowUnauthenticatedIdentities=False
        )
    )

    assert kind == "ValidationException"
    assert message.startswith(
        f"1 validation error detected: Value '{name}' at 'identityPoolName' failed to satisfy"
    )


OUTSIDE_THE_MODEL: dict[str, dict[str, Any]] = {
    "CreateIdentityPool": {"IdentityPoolName": "*", "AllowUnauthenticatedIdentities": True},
    "DeleteIdentities": {"IdentityIdsToDelete": ["*"]},
    "DeleteIdentityPool": {"IdentityPoolId": "*"},
    "DescribeIdentity": {"IdentityId": "*"},
    "DescribeIdentityPool": {"IdentityPoolId": "*"},
    "GetCredentialsForIdentity": {"IdentityId": "*"},
    "GetId": {"IdentityPoolId": "*"},
    "GetIdentityPoolRoles": {"IdentityPoolId": "*"},
    "GetOpenIdToken": {"IdentityId": "*"},
    "GetOpenIdTokenForDeveloperIdentity": {"IdentityPoolId": "*", "Logins": {DEVELOPER: "a"}},
    "GetPrincipalTagAttributeMap": {"IdentityPoolId": "*", "IdentityProviderName": FACEBOOK},
    "ListIdentities": {"IdentityPoolId": NOBODY, "MaxResults": 61},
    "ListIdentityPools": {"MaxResults": 61},
    "ListTagsForResource": {"ResourceArn": "a" * 2049},
    "LookupDeveloperIdentity": {"IdentityPoolId": "*"},
    "MergeDeveloperIdentities": {
        "IdentityPoolId": NOBODY,
        "DeveloperProviderName": "*",
        "SourceUserIdentifier": "a",
        "DestinationUserIdentifier": "b",
    },
    "SetIdentityPoolRoles": {"IdentityPoolId": "*", "Roles": {}},
    "SetPrincipalTagAttributeMap": {"IdentityPoolId": "*", "IdentityProviderName": FACEBOOK},
    "TagResource": {"ResourceArn": "a" * 20, "Tags": {"t" * 129: ""}},
    "UnlinkDeveloperIdentity": {
        "IdentityId": "*",
        "IdentityPoolId": NOBODY,
        "DeveloperProviderName": DEVELOPER,
        "DeveloperUserIdentifier": "a",
    },
    "UnlinkIdentity": {"IdentityId": "*", "Logins": {}, "LoginsToRemove": []},
    "UntagResource": {"ResourceArn": "a" * 20, "TagKeys": ["t" * 129]},
    "UpdateIdentityPool": {
        "IdentityPoolId": NOBODY,
        "IdentityPoolName": "*",
        "AllowUnauthenticatedIdentities": True,
    },
}


def test_every_operation_refuses_what_is_outside_the_model(client: Any) -> None:
    assert set(OUTSIDE_THE_MODEL) == set(client.meta.service_model.operation_names)
    for operation, request in OUTSIDE_THE_MODEL.items():
        kind, message = refusal(partial(getattr(client, xform_name(operation)), **request))

        assert kind == "ValidationException", operation
        assert message.startswith("1 validation error detected: "), message


def test_a_pool_that_is_not_there_is_not_found(client: Any) -> None:
    not_found = ("ResourceNotFoundException", f"IdentityPool '{NOBODY}' not found.")
    for call in (
        lambda: client.describe_identity_pool(IdentityPoolId=NOBODY),
        lambda: client.delete_identity_pool(IdentityPoolId=NOBODY),
        lambda: client.update_identity_pool(
            IdentityPoolId=NOBODY, IdentityPoolName="p", AllowUnauthenticatedIdentities=False
        ),
        lambda: client.get_identity_pool_roles(IdentityPoolId=NOBODY),
        lambda: client.set_identity_pool_roles(IdentityPoolId=NOBODY, Roles={}),
        lambda: client.list_identities(IdentityPoolId=NOBODY, MaxResults=1),
        lambda: client.get_id(IdentityPoolId=NOBODY),
        lambda: client.get_open_id_token_for_developer_identity(
            IdentityPoolId=NOBODY, Logins={DEVELOPER: "ada"}
        ),
        lambda: client.lookup_developer_identity(
            IdentityPoolId=NOBODY, DeveloperUserIdentifier="ada"
        ),
        lambda: client.get_principal_tag_attribute_map(
            IdentityPoolId=NOBODY, IdentityProviderName=FACEBOOK
        ),
        lambda: client.set_principal_tag_attribute_map(
            IdentityPoolId=NOBODY, IdentityProviderName=FACEBOOK, UseDefaults=True
        ),
        lambda: client.merge_developer_identities(
            IdentityPoolId=NOBODY,
            DeveloperProviderName=DEVELOPER,
            SourceUserIdentifier="a",
            DestinationUserIdentifier="b",
        ),
    ):
        assert refusal(call) == not_found


def test_an_identity_that_is_not_there_is_not_found(client: Any) -> None:
    not_found = ("ResourceNotFoundException", f"Identity '{NOBODY}' not found.")
    for call in (
        lambda: client.describe_identity(IdentityId=NOBODY),
        lambda: client.get_open_id_token(IdentityId=NOBODY),
        lambda: client.get_credentials_for_identity(IdentityId=NOBODY),
        lambda: client.unlink_identity(
            IdentityId=NOBODY, Logins={FACEBOOK: "t"}, LoginsToRemove=[FACEBOOK]
        ),
    ):
        assert refusal(call) == not_found


def test_an_update_replaces_the_providers_and_keeps_tags_and_the_developers_name(
    client: Any, pool: str
) -> None:
    client.tag_resource(ResourceArn=arn(pool), Tags={"team": "a"})

    answer = client.update_identity_pool(
        IdentityPoolId=pool, IdentityPoolName="renamed", AllowUnauthenticatedIdentities=False
    )

    assert without_metadata(answer) == {
        "IdentityPoolId": pool,
        "IdentityPoolName": "renamed",
        "AllowUnauthenticatedIdentities": False,
        "DeveloperProviderName": DEVELOPER,
        "IdentityPoolTags": {"team": "a"},
    }


def test_a_deleted_pool_is_gone(client: Any, pool: str) -> None:
    assert without_metadata(client.delete_identity_pool(IdentityPoolId=pool)) == {}

    kind, _ = refusal(lambda: client.describe_identity_pool(IdentityPoolId=pool))
    assert kind == "ResourceNotFoundException"


def test_pools_are_listed_in_pages_and_in_their_region_only(served: Served) -> None:
    client = aws("cognito-identity", served, region="eu-north-1")
    created = {
        client.create_identity_pool(IdentityPoolName=name, AllowUnauthenticatedIdentities=False)[
            "IdentityPoolId"
        ]: name
        for name in ("MyIdentityPool", "AnotherIdentityPool", "IdentityPoolRegionA")
    }

    pages = client.get_paginator("list_identity_pools").paginate(MaxResults=2)
    listed = [pool for page in pages for pool in page["IdentityPools"]]

    assert {pool["IdentityPoolId"]: pool["IdentityPoolName"] for pool in listed} == created
    assert len(listed) == 3
    elsewhere = aws("cognito-identity", served, region="eu-central-2")
    assert elsewhere.list_identity_pools(MaxResults=60)["IdentityPools"] == []
    assert refusal(lambda: client.list_identity_pools(MaxResults=61)) == (
        "ValidationException",
        "1 validation error detected: Value '61' at 'maxResults' failed to satisfy constraint: "
        "Member must have value less than or equal to 60",
    )


def test_roles_are_set_shown_and_cleared(client: Any, pool: str) -> None:
    roles = {"authenticated": USER_ROLE, "unauthenticated": GUEST_ROLE}
    shown = client.get_identity_pool_roles(IdentityPoolId=pool)
    assert without_metadata(shown) == {"IdentityPoolId": pool, "Roles": roles}

    client.set_identity_pool_roles(IdentityPoolId=pool, Roles={})

    assert client.get_identity_pool_roles(IdentityPoolId=pool).get("Roles", {}) == {}
    foreign = "arn:aws:iam::999999999999:role/other"
    assert refusal(
        lambda: client.set_identity_pool_roles(
            IdentityPoolId=pool, Roles={"authenticated": foreign}
        )
    ) == ("NotAuthorizedException", f"Access to Role '{foreign}' is forbidden.")


def test_principal_tags_are_set_and_shown(client: Any, pool: str) -> None:
    wanted = {
        "IdentityPoolId": pool,
        "IdentityProviderName": FACEBOOK,
        "UseDefaults": False,
        "PrincipalTags": {"user": "sub"},
    }

    assert without_metadata(client.set_principal_tag_attribute_map(**wanted)) == wanted

    shown = client.get_principal_tag_attribute_map(
        IdentityPoolId=pool, IdentityProviderName=FACEBOOK
    )
    assert without_metadata(shown) == wanted


def test_tags_are_added_listed_and_removed(client: Any, pool: str) -> None:
    client.tag_resource(ResourceArn=arn(pool), Tags={"team": "a", "stage": "test"})
    client.untag_resource(ResourceArn=arn(pool), TagKeys=["team", "none"])

    assert client.list_tags_for_resource(ResourceArn=arn(pool))["Tags"] == {"stage": "test"}
    for call in (
        lambda: client.list_tags_for_resource(ResourceArn=pool),
        lambda: client.tag_resource(ResourceArn=pool, Tags={"a": "b"}),
        lambda: client.untag_resource(ResourceArn=pool, TagKeys=["a"]),
    ):
        kind, message = refusal(call)
        assert kind == "AccessDeniedException"
        assert message.endswith(f"on resource: {pool}")


def test_guests_are_new_each_time_and_only_where_they_are_allowed(client: Any, pool: str) -> None:
    guests = {client.get_id(IdentityPoolId=pool)["IdentityId"] for _ in range(3)}
    assert len(guests) == 3

    client.update_identity_pool(
        IdentityPoolId=pool, IdentityPoolName="p", AllowUnauthenticatedIdentities=False
    )
    refused = (
        "NotAuthorizedException",
        "Unauthenticated access is not supported for this identity pool.",
    )
    assert refusal(lambda: client.get_id(IdentityPoolId=pool)) == refused
    guest = guests.pop()
    assert refusal(lambda: client.get_open_id_token(IdentityId=guest)) == refused
    assert refusal(lambda: client.get_credentials_for_identity(IdentityId=guest)) == refused


def test_a_login_leads_to_the_same_identity_and_opens_it(client: Any, pool: str) -> None:
    logins = {FACEBOOK: "an access token"}
    identity = client.get_id(IdentityPoolId=pool, Logins=logins)["IdentityId"]

    assert client.get_id(IdentityPoolId=pool, Logins=logins)["IdentityId"] == identity
    assert client.describe_identity(IdentityId=identity)["Logins"] == [FACEBOOK]
    token = client.get_open_id_token(IdentityId=identity, Logins=logins)
    assert token["IdentityId"] == identity
    assert token["Token"].count(".") == 2
    credentials = client.get_credentials_for_identity(IdentityId=identity, Logins=logins)
    assert credentials["Credentials"]["AccessKeyId"].startswith("ASIA")
    forbidden = ("NotAuthorizedException", f"Access to Identity '{identity}' is forbidden.")
    assert refusal(lambda: client.get_open_id_token(IdentityId=identity)) == forbidden
    assert refusal(lambda: client.get_credentials_for_identity(IdentityId=identity)) == forbidden


def test_the_four_open_operations_need_no_credentials(served: Served, pool: str) -> None:
    client = aws("cognito-identity", served, signature_version=UNSIGNED)
    logins = {FACEBOOK: "another token"}

    identity = client.get_id(IdentityPoolId=pool, Logins=logins)["IdentityId"]
    client.get_open_id_token(IdentityId=identity, Logins=logins)
    client.get_credentials_for_identity(IdentityId=identity, Logins=logins)
    client.unlink_identity(IdentityId=identity, Logins=logins, LoginsToRemove=[FACEBOOK])

    assert client.get_id(IdentityPoolId=pool, Logins=logins)["IdentityId"] != identity


@pytest.mark.parametrize(("allowed", "flow"), [(None, "open"), (True, "open"), (False, "closed")])
def test_the_classic_flow_is_open_unless_it_is_closed_in_so_many_words(
    client: Any, allowed: bool | None, flow: str
) -> None:
    wanted = {} if allowed is None else {"AllowClassicFlow": allowed}
    created = client.create_identity_pool(
        IdentityPoolName="p", AllowUnauthenticatedIdentities=True, **wanted
    )
    assert created.get("AllowClassicFlow") is allowed
    guest = client.get_id(IdentityPoolId=created["IdentityPoolId"])["IdentityId"]

    if flow == "open":
        assert client.get_open_id_token(IdentityId=guest)["IdentityId"] == guest
    else:
        assert refusal(lambda: client.get_open_id_token(IdentityId=guest)) == (
            "InvalidParameterException",
            "Basic (classic) flow is not enabled, please use enhanced flow.",
        )


def test_a_pool_without_roles_gives_no_credentials(client: Any, pool: str) -> None:
    client.set_identity_pool_roles(IdentityPoolId=pool, Roles={})
    guest = client.get_id(IdentityPoolId=pool)["IdentityId"]

    assert refusal(lambda: client.get_credentials_for_identity(IdentityId=guest)) == (
        "InvalidIdentityPoolConfigurationException",
        "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
    )


def test_a_developers_users_are_looked_up_merged_and_unlinked(client: Any, pool: str) -> None:
    ada, grace = (developer_identity(client, pool, user) for user in ("ada", "grace"))
    assert ada != grace

    merged = client.merge_developer_identities(
        IdentityPoolId=pool,
        DeveloperProviderName=DEVELOPER,
        SourceUserIdentifier="grace",
        DestinationUserIdentifier="ada",
    )
    assert merged["IdentityId"] == ada
    found = client.lookup_developer_identity(IdentityPoolId=pool, IdentityId=ada)
    assert set(found["DeveloperUserIdentifierList"]) == {"ada", "grace"}

    client.unlink_developer_identity(
        IdentityId=ada,
        IdentityPoolId=pool,
        DeveloperProviderName=DEVELOPER,
        DeveloperUserIdentifier="grace",
    )
    found = client.lookup_developer_identity(IdentityPoolId=pool, DeveloperUserIdentifier="ada")
    assert without_metadata(found) == {
        "IdentityId": ada,
        "DeveloperUserIdentifierList": ["ada"],
    }
    kind, _ = refusal(
        lambda: client.unlink_developer_identity(
            IdentityId=NOBODY,
            IdentityPoolId=pool,
            DeveloperProviderName=DEVELOPER,
            DeveloperUserIdentifier="ada",
        )
    )
    assert kind == "ResourceNotFoundException"


def test_a_developers_token_opens_the_identity_and_the_providers_name_does_not(
    client: Any, pool: str
) -> None:
    token = client.get_open_id_token_for_developer_identity(
        IdentityPoolId=pool, Logins={DEVELOPER: "ada"}, TokenDuration=60
    )
    own = {"cognito-identity.amazonaws.com": token["Token"]}

    opened = client.get_credentials_for_identity(IdentityId=token["IdentityId"], Logins=own)

    assert opened["IdentityId"] == token["IdentityId"]
    kind, message = refusal(lambda: client.get_id(IdentityPoolId=pool, Logins={DEVELOPER: "ada"}))
    assert (kind, message) == (
        "NotAuthorizedException",
        "Please provide a valid public provider",
    )
    kind, _ = refusal(
        lambda: client.get_open_id_token_for_developer_identity(
            IdentityPoolId=pool, Logins={DEVELOPER: "ada"}, TokenDuration=86401
        )
    )
    assert kind == "ValidationException"


def test_identities_are_listed_in_pages_and_deleted(client: Any, pool: str) -> None:
    created = {client.get_id(IdentityPoolId=pool)["IdentityId"] for _ in range(3)}

    first = client.list_identities(IdentityPoolId=pool, MaxResults=2)
    second = client.list_identities(IdentityPoolId=pool, MaxResults=2, NextToken=first["NextToken"])
    listed = {one["IdentityId"] for page in (first, second) for one in page["Identities"]}
    assert listed == created
    assert "NextToken" not in second

    answer = client.delete_identities(IdentityIdsToDelete=sorted(created))
    assert without_metadata(answer) == {"UnprocessedIdentityIds": []}
    assert client.list_identities(IdentityPoolId=pool, MaxResults=60)["Identities"] == []
    kind, _ = refusal(lambda: client.delete_identities(IdentityIdsToDelete=["x"]))
    assert kind == "ValidationException"


def test_an_error_has_awss_headers(client: Any) -> None:
    with pytest.raises(ClientError) as raised:
        client.describe_identity_pool(IdentityPoolId=NOBODY)

    metadata = raised.value.response["ResponseMetadata"]
    headers = metadata["HTTPHeaders"]
    assert metadata["HTTPStatusCode"] == 400
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert headers["x-amzn-errortype"] == "ResourceNotFoundException:"
    assert headers["x-amzn-errormessage"] == f"IdentityPool '{NOBODY}' not found."
    assert metadata["RequestId"] == headers["x-amzn-requestid"]


def test_what_no_client_sends_gets_awss_errors_and_changes_nothing(
    client: Any, served: Served
) -> None:
    before = client.list_identity_pools(MaxResults=60)["IdentityPools"]
    target = {
        "x-amz-target": "AWSCognitoIdentityService.GetId",
        "content-type": "application/x-amz-json-1.1",
    }
    nested = '{"a":' * 10_000 + "1" + "}" * 10_000
    cases: list[tuple[str, str, dict[str, str], str, int, str]] = [
        ("POST", "/", target, "{", 400, "SerializationException"),
        ("POST", "/", target, nested, 400, "SerializationException"),
        ("POST", "/", target, "[" * 10_000, 400, "SerializationException"),
        ("POST", "/", target, '{"IdentityPoolId": 1}', 400, "SerializationException"),
        ("POST", "/", target, "x" * (2 * 1024 * 1024 + 1), 413, "RequestEntityTooLargeException"),
        ("POST", "/", {}, "{}", 400, "UnknownOperationException"),
        ("POST", "/", {"x-amz-target": "Other.GetId"}, "{}", 400, "UnknownOperationException"),
        ("POST", "/other", target, "{}", 400, "UnknownOperationException"),
        ("GET", "/", {}, "", 400, "UnknownOperationException"),
        ("DELETE", "/", target, "", 400, "UnknownOperationException"),
        (
            "POST",
            "/",
            {"x-amz-target": "AWSCognitoIdentityService.ListIdentityPools"},
            '{"MaxResults": 1}',
            400,
            "MissingAuthenticationTokenException",
        ),
    ]
    for method, path, headers, body, status, kind in cases:
        answer = raw(served, method, path, headers, body)
        what = f"{method} {path} {body[:20]}"
        assert answer.status == status, what
        assert json.loads(answer.body)["__type"] == kind, what

    assert client.list_identity_pools(MaxResults=60)["IdentityPools"] == before


def test_web_pages_may_call_the_open_operations_and_read_the_answers(served: Served) -> None:
    origin = {"origin": "https://app.example"}
    ask = {
        **origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-amz-target,x-amz-user-agent",
    }
    preflight = raw(served, "OPTIONS", "/", ask, "")
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    allowed = preflight.headers["access-control-allow-headers"].split(",")
    assert {"content-type", "x-amz-target", "x-amz-user-agent"} <= set(allowed)

    for operation, origins in (("GetId", "*"), ("ListIdentityPools", None)):
        headers = {**origin, "x-amz-target": f"AWSCognitoIdentityService.{operation}"}
        answer = raw(served, "POST", "/", headers, "{}")
        assert answer.headers.get("access-control-allow-origin") == origins
    exposed = raw(served, "POST", "/", {**origin, "x-amz-target": "?"}, "{}").headers
    assert exposed["access-control-expose-headers"] == (
        "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"
    )


class Answer:
    """An answer as it came over the wire."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()


def raw(served: Served, method: str, path: str, headers: dict[str, str], body: str) -> Answer:
    """Sends anything at all."""
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=20)
    try:
        connection.request(method, path, body=body.encode(), headers=headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()
