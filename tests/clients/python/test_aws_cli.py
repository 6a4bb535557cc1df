"""The emulator under the AWS CLI: the examples of its handbook with their outputs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from emulating import GUEST_ROLE, NOBODY, REGION, USER_ROLE, Served, emulator

PROVIDER = (
    "ProviderName=cognito-idp.us-west-2.amazonaws.com/us-west-2_111111111,"
    "ClientId=3n4b5urk1ft4fl3mg5e62d9ado,ServerSideTokenCheck=false"
)
PROVIDERS = [
    {
        "ProviderName": "cognito-idp.us-west-2.amazonaws.com/us-west-2_111111111",
        "ClientId": "3n4b5urk1ft4fl3mg5e62d9ado",
        "ServerSideTokenCheck": False,
    }
]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """An emulator."""
    with emulator() as served:
        yield served


def run(served: Served, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the AWS CLI."""
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": "/dev/null",
        "PATH": "/usr/bin:/bin",
    }
    command = [sys.executable, "-m", "awscli", "--endpoint-url", served.url, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def aws(served: Served, *arguments: str) -> Any:
    """What a command of `cognito-identity` prints, which has to succeed."""
    ended = run(served, "cognito-identity", *arguments)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout) if ended.stdout.strip() else None


def test_the_examples_of_the_handbook_print_what_they_say(served: Served) -> None:
    created = aws(
        served,
        "create-identity-pool",
        "--identity-pool-name=MyIdentityPool",
        "--no-allow-unauthenticated-identities",
        f"--cognito-identity-providers={PROVIDER}",
    )
    pool = created["IdentityPoolId"]
    documented = {
        "IdentityPoolId": pool,
        "IdentityPoolName": "MyIdentityPool",
        "AllowUnauthenticatedIdentities": False,
        "CognitoIdentityProviders": PROVIDERS,
        # Younger than the examples.
        "IdentityPoolTags": {},
    }
    assert created == documented
    this = f"--identity-pool-id={pool}"
    assert aws(served, "describe-identity-pool", this) == documented

    roles = f"--roles=authenticated={USER_ROLE},unauthenticated={GUEST_ROLE}"
    assert aws(served, "set-identity-pool-roles", this, roles) is None
    assert aws(served, "get-identity-pool-roles", this) == {
        "IdentityPoolId": pool,
        "Roles": {"authenticated": USER_ROLE, "unauthenticated": GUEST_ROLE},
    }

    updated = aws(
        served,
        "update-identity-pool",
        this,
        "--identity-pool-name=Renamed",
        "--no-allow-unauthenticated-identities",
        f"--cognito-identity-providers={PROVIDER}",
    )
    assert updated == {**documented, "IdentityPoolName": "Renamed"}
    assert aws(served, "list-identity-pools", "--max-results=20") == {
        "IdentityPools": [{"IdentityPoolId": pool, "IdentityPoolName": "Renamed"}]
    }

    deleted = aws(served, "delete-identities", f"--identity-ids-to-delete={NOBODY}")
    assert deleted == {"UnprocessedIdentityIds": []}
    assert aws(served, "delete-identity-pool", this) is None
    assert aws(served, "list-identity-pools", "--max-results=20") == {"IdentityPools": []}


def test_an_error_is_told_in_awss_words(served: Served) -> None:
    ended = run(
        served, "cognito-identity", "describe-identity-pool", f"--identity-pool-id={NOBODY}"
    )

    assert ended.returncode != 0
    assert "(ResourceNotFoundException) when calling the DescribeIdentityPool" in ended.stderr
    assert f"IdentityPool '{NOBODY}' not found." in ended.stderr
