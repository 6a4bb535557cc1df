"""Assertions that an implementation of XML Signature which is not ours has signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from emulating import ACCOUNT, GUEST_ROLE, USER_ROLE, Served, aws, emulator
from lxml import etree
from saml import ARN, ASSERTION, Provider, packed, response, with_signed_assertion

SAML = ARN.format(account=ACCOUNT)


@pytest.fixture(scope="module")
def provider() -> Provider:
    """A provider of identities."""
    return Provider()


@pytest.fixture(scope="module")
def served(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An emulator that knows the provider's metadata."""
    path: Path = tmp_path_factory.mktemp("saml") / "metadata.xml"
    path.write_text(provider.metadata())
    with emulator(POOLGATE_EMULATOR__SAML_METADATA=f"{SAML}={path}") as served:
        yield served


@pytest.fixture(scope="module")
def client(served: Served) -> Any:
    """A client of Cognito Identity."""
    return aws("cognito-identity", served)


@pytest.fixture(scope="module")
def pool(client: Any) -> str:
    """A pool that trusts the provider."""
    pool_id: str = client.create_identity_pool(
        IdentityPoolName="a pool",
        AllowUnauthenticatedIdentities=False,
        SamlProviderARNs=[SAML],
    )["IdentityPoolId"]
    client.set_identity_pool_roles(
        IdentityPoolId=pool_id,
        Roles={"authenticated": USER_ROLE, "unauthenticated": GUEST_ROLE},
    )
    return pool_id


def document(subject: str = "ann", minutes: int = 0) -> etree._Element:
    """A response of the provider, made some minutes from now."""
    return response(subject, USER_ROLE, SAML, datetime.now(UTC) + timedelta(minutes=minutes))


def test_a_signed_assertion_or_response_leads_to_its_user_and_opens_credentials(
    client: Any, pool: str, provider: Provider
) -> None:
    logins = [
        {SAML: packed(signed)}
        for signed in (
            with_signed_assertion(provider, document()),
            provider.sign(document()),
            provider.sign(with_signed_assertion(provider, document())),
        )
    ]

    found = {client.get_id(IdentityPoolId=pool, Logins=one)["IdentityId"] for one in logins}

    assert len(found) == 1
    opened = client.get_credentials_for_identity(IdentityId=found.pop(), Logins=logins[0])
    assert opened["Credentials"]["AccessKeyId"].startswith("ASIA")


def forged(provider: Provider) -> etree._Element:
    """A signed assertion about somebody else now."""
    signed = with_signed_assertion(provider, document())
    signed.find(f"{ASSERTION}//{{*}}NameID").text = "eve"
    return signed


def wrapped(provider: Provider) -> etree._Element:
    """A signed assertion behind a forged one."""
    signed = with_signed_assertion(provider, document())
    signed.insert(0, document("eve").find(ASSERTION))
    return signed


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda _: document(), "Couldn't verify signed token."),
        (forged, "Couldn't verify signed token."),
        (wrapped, "Not a valid SAML assertion."),
        (
            lambda _: with_signed_assertion(Provider(), document()),
            "Couldn't verify signed token.",
        ),
        (
            lambda provider: with_signed_assertion(provider, document(minutes=-20)),
            "Token expired: ",
        ),
        (
            lambda provider: with_signed_assertion(provider, document(minutes=20)),
            "Not a valid SAML assertion.",
        ),
    ],
    ids=["unsigned", "forged", "wrapped", "another key", "expired", "not good yet"],
)
def test_what_the_provider_did_not_sign_or_not_for_now_is_refused(
    client: Any,
    pool: str,
    provider: Provider,
    made: Callable[[Provider], etree._Element],
    reason: str,
) -> None:
    with pytest.raises(ClientError) as raised:
        client.get_id(IdentityPoolId=pool, Logins={SAML: packed(made(provider))})

    error = raised.value.response["Error"]
    assert error["Code"] == "NotAuthorizedException"
    assert error["Message"].startswith(f"Invalid login token. {reason}")
