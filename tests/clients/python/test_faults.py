"""Faults on purpose and the clock, as boto3 takes them."""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from emulating import DEVELOPER, Served, aws, emulator


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """An emulator whose luck follows from a seed."""
    with emulator(POOLGATE_EMULATOR__SEED="7") as served:
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[Any]:
    """A client; afterwards nothing goes wrong any more."""
    yield aws("cognito-identity", served)
    admin(served, "DELETE", "faults")


def admin(served: Served, method: str, path: str, body: Any = None) -> Any:
    """Asks the admin port."""
    data = None if body is None else json.dumps(body).encode()
    url = f"{served.admin}/emulator/{path}"
    request = urllib.request.Request(url, data=data, method=method)
    with urllib.request.urlopen(request, timeout=20) as response:
        text = response.read()
    return json.loads(text) if text else None


def rules(served: Served, *rules: dict[str, Any]) -> None:
    """Sets the rules."""
    admin(served, "PUT", "faults", {"rules": list(rules)})


def code(call: Callable[[], Any]) -> str | None:
    """The code of the error that a call ends with, if it does."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


def test_calls_are_refused_as_a_rule_says_and_others_are_not(served: Served, client: Any) -> None:
    rules(
        served,
        {"operations": ["ListIdentityPools"], "fault": "throttle", "every": 2},
        {"operations": ["CreateIdentityPool"], "fault": "error", "code": "LimitExceededException"},
    )

    listed = [code(lambda: client.list_identity_pools(MaxResults=1)) for _ in range(4)]
    created = code(
        lambda: client.create_identity_pool(
            IdentityPoolName="p", AllowUnauthenticatedIdentities=True
        )
    )

    assert listed == [None, "TooManyRequestsException"] * 2
    assert created == "LimitExceededException"
    shown = admin(served, "GET", "faults")["rules"]
    assert [(rule["seen"], rule["hit"]) for rule in shown] == [(4, 2), (1, 1)]


@pytest.mark.parametrize(("fault", "made"), [("lose-request", 0), ("lose-answer", 1)])
def test_a_connection_ends_before_or_after_the_work_is_done(
    served: Served, client: Any, fault: str, made: int
) -> None:
    before = len(client.list_identity_pools(MaxResults=60)["IdentityPools"])
    rules(served, {"operations": ["CreateIdentityPool"], "fault": fault})

    with pytest.raises(ConnectionClosedError):
        client.create_identity_pool(IdentityPoolName="p", AllowUnauthenticatedIdentities=True)

    after = len(client.list_identity_pools(MaxResults=60)["IdentityPools"])
    assert after - before == made


def test_a_connection_ends_in_the_middle_of_an_answer(served: Served, client: Any) -> None:
    pool = client.create_identity_pool(IdentityPoolName="p", AllowUnauthenticatedIdentities=True)
    rules(served, {"operations": ["GetId"], "fault": "cut-answer"})
    headers = {
        "x-amz-target": "AWSCognitoIdentityService.GetId",
        "content-type": "application/x-amz-json-1.1",
    }
    body = json.dumps({"IdentityPoolId": pool["IdentityPoolId"]}).encode()
    request = urllib.request.Request(served.url, data=body, headers=headers)

    # boto3 takes half of an answer for one without members.
    with (
        pytest.raises(http.client.IncompleteRead) as raised,
        urllib.request.urlopen(request, timeout=20) as response,
    ):
        response.read()

    assert raised.value.partial.startswith(b'{"Identity')
    listed = client.list_identities(IdentityPoolId=pool["IdentityPoolId"], MaxResults=60)
    assert len(listed["Identities"]) == 1


def test_a_call_that_is_held_up_holds_up_no_other(served: Served, client: Any) -> None:
    rules(served, {"operations": ["DescribeIdentityPool"], "fault": "delay", "delay": "2s"})
    pool = client.create_identity_pool(IdentityPoolName="p", AllowUnauthenticatedIdentities=True)
    with ThreadPoolExecutor() as threads:
        started = time.monotonic()
        slow = threads.submit(client.describe_identity_pool, IdentityPoolId=pool["IdentityPoolId"])

        client.list_identity_pools(MaxResults=1)

        assert not slow.done()
        slow.result(timeout=20)
        assert time.monotonic() - started >= 2


def test_a_token_expires_when_the_clock_is_turned(served: Served, client: Any) -> None:
    pool = client.create_identity_pool(
        IdentityPoolName="p",
        AllowUnauthenticatedIdentities=False,
        DeveloperProviderName=DEVELOPER,
    )["IdentityPoolId"]
    answer = client.get_open_id_token_for_developer_identity(
        IdentityPoolId=pool, Logins={DEVELOPER: "ada"}
    )
    logins = {"cognito-identity.amazonaws.com": answer["Token"]}
    client.get_open_id_token(IdentityId=answer["IdentityId"], Logins=logins)

    turned = admin(served, "POST", "clock", {"advance": "16m"})

    assert turned == {"now": turned["now"]}
    with pytest.raises(ClientError) as raised:
        client.get_open_id_token(IdentityId=answer["IdentityId"], Logins=logins)
    assert raised.value.response["Error"]["Message"].startswith(
        "Invalid login token. Token expired"
    )
