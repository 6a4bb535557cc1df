"""Signatures that boto3 makes, held against the secrets that the emulator knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError
from emulating import Served, aws, emulator

KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An emulator that knows one secret."""
    path: Path = tmp_path_factory.mktemp("secrets") / "keys"
    path.write_text(f"# who may call\n{KEY}:{SECRET}\n")
    with emulator(POOLGATE_EMULATOR__SECRET_KEYS_FILE=str(path)) as served:
        yield served


def test_the_right_secret_opens(served: Served) -> None:
    client = aws("cognito-identity", served, key=KEY, secret=SECRET)

    assert client.list_identity_pools(MaxResults=1)["IdentityPools"] == []


@pytest.mark.parametrize(
    ("key", "secret", "kind"),
    [
        (KEY, "another secret", "InvalidSignatureException"),
        ("AKIANOBODY", SECRET, "UnrecognizedClientException"),
    ],
)
def test_another_secret_and_another_key_do_not(
    served: Served, key: str, secret: str, kind: str
) -> None:
    client = aws("cognito-identity", served, key=key, secret=secret)

    with pytest.raises(ClientError) as raised:
        client.list_identity_pools(MaxResults=1)

    assert raised.value.response["Error"]["Code"] == kind


def test_the_open_operations_stay_open(served: Served) -> None:
    signed = aws("cognito-identity", served, key=KEY, secret=SECRET)
    pool = signed.create_identity_pool(IdentityPoolName="p", AllowUnauthenticatedIdentities=True)
    client = aws("cognito-identity", served, signature_version=UNSIGNED)

    assert client.get_id(IdentityPoolId=pool["IdentityPoolId"])["IdentityId"]
