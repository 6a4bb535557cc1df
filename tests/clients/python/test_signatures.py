"""Signatures that boto3 makes, held against the secrets that the emulator knows."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore import UNSIGNED
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from emulating import REGION, Served, aws, emulator

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


@pytest.mark.parametrize(
    ("secret", "token", "change", "kind"),
    [
        (SECRET, None, ("", ""), None),
        (SECRET, "a session/+=", ("", ""), None),
        ("another", None, ("", ""), "InvalidSignatureException"),
        (SECRET, None, ("X-Amz-Expires=300", "X-Amz-Expires=301"), "InvalidSignatureException"),
        (SECRET, None, ("X-Amz-Expires=300", "X-Amz-Expires=0"), "IncompleteSignatureException"),
        (SECRET, None, ("X-Amz-Signature", "X-Amz-Nothing"), "IncompleteSignatureException"),
    ],
    ids=["good", "session", "another secret", "longer life", "no life", "no signature"],
)
def test_a_request_signed_in_its_address_is_verified(
    served: Served, secret: str, token: str | None, change: tuple[str, str], kind: str | None
) -> None:
    body = b'{"MaxResults": 1}'
    headers = {
        "X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest(),
        "X-Amz-Target": "AWSCognitoIdentityService.ListIdentityPools",
    }
    request = AWSRequest("POST", served.url + "/", headers=headers)
    credentials = Credentials(KEY, secret, token)
    SigV4QueryAuth(credentials, "cognito-identity", REGION, expires=300).add_auth(request)
    url = str(request.url).replace(*change) if change[0] else str(request.url)

    headers["Content-Type"] = "application/x-amz-json-1.1"
    sent = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(sent, timeout=20) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        answer = json.load(error)

    assert answer.get("__type") == kind, answer
    assert ("IdentityPools" in answer) == (kind is None)
