"""The classic flow to its end: a token of the emulator opens a role at its STS."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError
from emulating import (
    ACCOUNT,
    DEVELOPER,
    GUEST_ROLE,
    USER_ROLE,
    Served,
    aws,
    emulator,
    without_metadata,
)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """An emulator."""
    with emulator() as served:
        yield served


@pytest.fixture(scope="module")
def cognito(served: Served) -> Any:
    """A client of Cognito Identity that signs."""
    return aws("cognito-identity", served)


@pytest.fixture(scope="module")
def sts(served: Served) -> Any:
    """A client of STS as applications have it, which hold no credentials yet."""
    return aws("sts", served, signature_version=UNSIGNED)


@pytest.fixture
def pool(cognito: Any) -> str:
    """A pool with a role for users and one for guests."""
    pool_id: str = cognito.create_identity_pool(
        IdentityPoolName="a pool",
        AllowUnauthenticatedIdentities=True,
        DeveloperProviderName=DEVELOPER,
    )["IdentityPoolId"]
    cognito.set_identity_pool_roles(
        IdentityPoolId=pool_id,
        Roles={"authenticated": USER_ROLE, "unauthenticated": GUEST_ROLE},
    )
    return pool_id


def guest_token(cognito: Any, pool: str) -> str:
    """The token of a new guest."""
    guest = cognito.get_id(IdentityPoolId=pool)["IdentityId"]
    return str(cognito.get_open_id_token(IdentityId=guest)["Token"])


def refusal(sts: Any, **wanted: Any) -> tuple[str, str]:
    """Code and text of the error that AssumeRoleWithWebIdentity ends with."""
    with pytest.raises(ClientError) as raised:
        sts.assume_role_with_web_identity(**{"RoleSessionName": "app", **wanted})
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_the_caller_is_the_account(served: Served) -> None:
    caller = aws("sts", served).get_caller_identity()

    assert without_metadata(caller) == {
        "UserId": ACCOUNT,
        "Account": ACCOUNT,
        "Arn": f"arn:aws:iam::{ACCOUNT}:root",
    }


def test_a_caller_without_a_signature_is_nobody(sts: Any) -> None:
    with pytest.raises(ClientError) as raised:
        sts.get_caller_identity()

    assert raised.value.response["Error"]["Code"] == "MissingAuthenticationToken"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_guest_gets_the_guests_role_for_as_long_as_it_asks(
    cognito: Any, sts: Any, pool: str
) -> None:
    token = guest_token(cognito, pool)

    answer = sts.assume_role_with_web_identity(
        RoleArn=GUEST_ROLE, RoleSessionName="app", WebIdentityToken=token, DurationSeconds=900
    )

    assert answer["Audience"] == pool
    assert answer["Provider"] == "cognito-identity.amazonaws.com"
    assert answer["AssumedRoleUser"]["Arn"] == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/Cognito_MyIdentityPoolUnauth_Role/app"
    )
    credentials = answer["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    left = credentials["Expiration"] - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(seconds=600) < left <= datetime.timedelta(seconds=900)


def test_a_user_gets_the_users_role(cognito: Any, sts: Any, pool: str) -> None:
    token = cognito.get_open_id_token_for_developer_identity(
        IdentityPoolId=pool, Logins={DEVELOPER: "ada"}
    )

    answer = sts.assume_role_with_web_identity(
        RoleArn=USER_ROLE, RoleSessionName="app", WebIdentityToken=token["Token"]
    )

    assert answer["SubjectFromWebIdentityToken"] == token["IdentityId"]


def test_a_role_that_does_not_trust_the_token_is_denied(cognito: Any, sts: Any, pool: str) -> None:
    token = guest_token(cognito, pool)
    denied = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")

    other = f"arn:aws:iam::{ACCOUNT}:role/other"
    for role in (USER_ROLE, other):
        assert refusal(sts, RoleArn=role, WebIdentityToken=token) == denied

    cognito.delete_identity_pool(IdentityPoolId=pool)
    assert refusal(sts, RoleArn=GUEST_ROLE, WebIdentityToken=token) == denied


def test_a_token_of_somebody_else_or_none_at_all_is_invalid(
    cognito: Any, sts: Any, pool: str
) -> None:
    header, payload, signature = guest_token(cognito, pool).split(".")
    for token in ("opaque token", f"{header}.{payload}.{signature[::-1]}", "a.b.c"):
        code, _ = refusal(sts, RoleArn=GUEST_ROLE, WebIdentityToken=token)
        assert code == "InvalidIdentityToken"


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({"DurationSeconds": 43_201}, "Value '43201' at 'durationSeconds'"),
        ({"RoleSessionName": "no spaces"}, "Value 'no spaces' at 'roleSessionName'"),
        ({"RoleArn": "r" * 2049}, f"Value '{'r' * 2049}' at 'roleArn'"),
        ({"WebIdentityToken": "t" * 20_001}, "Value at 'webIdentityToken'"),
        ({"RoleArn": "not:an:arn:at:all:of:a:role"}, "not:an:arn:at:all:of:a:role is invalid"),
    ],
)
def test_what_is_outside_the_model_is_told(sts: Any, wanted: dict[str, Any], text: str) -> None:
    code, message = refusal(sts, **{"RoleArn": GUEST_ROLE, "WebIdentityToken": "token", **wanted})

    assert code == "ValidationError"
    assert text in message
