"""poolgate as a client in another language sees it.

The stubs are generated from `proto/` by grpcio-tools (`conftest.py`), and the real binary
is started on its emulator: `POOLGATE_BIN`, or else `target/debug/poolgate` (`serving.py`).
"""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from grpc_status import rpc_status
from serving import SERVICE, poolgate, stub

TOKEN = "a-token-of-these-tests-only"
AUTHORIZATION = ("authorization", f"Bearer {TOKEN}")


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings with one caller, who may do everything."""
    folder = tmp_path_factory.mktemp("known")
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    callers = folder / "callers.toml"
    callers.write_text(f'[[tokens]]\nname = "test"\nsha256 = "{digest}"\n')
    policies = folder / "all.cedar"
    policies.write_text('@id("all") permit (principal, action, resource);')
    return {
        "POOLGATE_AUTHN__CALLERS_FILE": str(callers),
        "POOLGATE_POLICY__FILES": str(policies),
    }


@pytest.fixture(scope="session")
def channel() -> Iterator[grpc.Channel]:
    """A connection to a poolgate on its emulator."""
    with poolgate() as served, grpc.insecure_channel(served.address) as channel:
        yield channel


@pytest.fixture(scope="session")
def client(channel: grpc.Channel, stubs: Path) -> Any:
    """The generated client."""
    return stub(channel)


def details(error: grpc.RpcError) -> status_pb2.Status:
    """The status with its details, which the trailers hold in binary."""
    status = rpc_status.from_call(error)
    assert status is not None, f"no details: {error}"
    return status


def detail(error: grpc.RpcError, kind: Any) -> Any:
    """The one detail of a kind."""
    for packed in details(error).details:
        found = kind()
        if packed.Unpack(found):
            return found
    raise AssertionError(f"no {kind.__name__} in {details(error)}")


def flow(pool: Any) -> bool | None:
    """`allow_classic_flow`, where absent is neither true nor false."""
    return pool.allow_classic_flow if pool.HasField("allow_classic_flow") else None


@pytest.mark.parametrize("wanted", [None, False, True])
def test_classic_flow_is_absent_false_or_true_from_create_on(
    client: Any, pb: Any, wanted: bool | None
) -> None:
    request = pb.CreateIdentityPoolRequest(
        identity_pool_name="a pool",
        allow_unauthenticated_identities=False,
        allow_classic_flow=wanted,
    )

    created = client.CreateIdentityPool(request).identity_pool
    described = client.DescribeIdentityPool(
        pb.DescribeIdentityPoolRequest(identity_pool_id=created.identity_pool_id)
    ).identity_pool

    assert flow(created) is wanted
    assert flow(described) is wanted
    assert described.HasField("allow_unauthenticated_identities")


@pytest.mark.parametrize("before", [None, False, True])
@pytest.mark.parametrize("after", [None, False, True])
def test_an_update_changes_classic_flow_to_each_state(
    client: Any, pb: Any, before: bool | None, after: bool | None
) -> None:
    pool = client.CreateIdentityPool(
        pb.CreateIdentityPoolRequest(
            identity_pool_name="a pool",
            allow_unauthenticated_identities=True,
            allow_classic_flow=before,
        )
    ).identity_pool

    changed = pb.IdentityPool(identity_pool_id=pool.identity_pool_id, identity_pool_name="renamed")
    kept = client.UpdateIdentityPool(
        pb.UpdateIdentityPoolRequest(
            identity_pool=changed, update_mask=FieldMask(paths=["identity_pool_name"])
        )
    ).identity_pool
    if after is not None:
        changed.allow_classic_flow = after
    set_ = client.UpdateIdentityPool(
        pb.UpdateIdentityPoolRequest(
            identity_pool=changed, update_mask=FieldMask(paths=["allow_classic_flow"])
        )
    ).identity_pool

    assert (kept.identity_pool_name, flow(kept)) == ("renamed", before)
    assert (set_.identity_pool_name, flow(set_)) == ("renamed", after)
    assert set_.allow_unauthenticated_identities


def test_a_pool_that_does_not_exist_is_not_found_and_aws_says_so(client: Any, pb: Any) -> None:
    nowhere = "us-east-1:00000000-0000-4000-8000-000000000000"

    with pytest.raises(grpc.RpcError) as caught:
        client.DescribeIdentityPool(pb.DescribeIdentityPoolRequest(identity_pool_id=nowhere))

    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    info = detail(caught.value, error_details_pb2.ErrorInfo)
    assert info.domain == "cognito-identity.amazonaws.com"
    assert info.reason == "RESOURCE_NOT_FOUND"
    assert nowhere in details(caught.value).message


def test_a_value_out_of_bounds_is_named_by_its_field(client: Any, pb: Any) -> None:
    request = pb.CreateIdentityPoolRequest(
        identity_pool_name="a pool",
        allow_unauthenticated_identities=False,
        cognito_identity_providers=[pb.CognitoIdentityProvider(client_id="not valid!")],
    )

    with pytest.raises(grpc.RpcError) as caught:
        client.CreateIdentityPool(request)

    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    bad = detail(caught.value, error_details_pb2.BadRequest)
    # google.rpc counts from 1.
    assert [violation.field for violation in bad.field_violations] == [
        "cognito_identity_providers[1].client_id"
    ]


@pytest.fixture
def silent() -> Iterator[str]:
    """An endpoint that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("why", "setting", "timeout"),
    [("the caller's deadline", "60s", 0.4), ("poolgate's own", "400ms", None)],
)
def test_a_call_ends_at_its_deadline(
    stubs: Path,
    identities: Any,
    silent: str,
    known: dict[str, str],
    why: str,
    setting: str,
    timeout: float | None,
) -> None:
    with (
        poolgate(
            POOLGATE_UPSTREAM__KIND="aws",
            POOLGATE_AUDIT__UNRECORDED="everywhere",
            POOLGATE_UPSTREAM__ENDPOINT_URL=silent,
            POOLGATE_SERVER__DEFAULT_DEADLINE=setting,
            **known,
        ) as served,
        grpc.insecure_channel(served.address) as channel,
    ):
        request = identities.GetIdRequest(identity_pool_id="us-east-1:0a")
        begun = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            stub(channel).GetId(request, timeout=timeout, metadata=[AUTHORIZATION])
        taken = time.monotonic() - begun

    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED, why
    assert 0.3 < taken < 5, why


def test_reflection_tells_the_whole_protocol(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(database)

    service = pool.FindServiceByName(SERVICE)
    message = pool.FindMessageTypeByName("cognito.identity.v1.IdentityPool")

    assert SERVICE in database.get_services()
    assert len(service.methods) == 23
    assert message.fields_by_name["allow_classic_flow"].has_presence


@pytest.mark.parametrize("service", ["", SERVICE])
def test_health_says_serving(channel: grpc.Channel, service: str) -> None:
    health = health_pb2_grpc.HealthStub(channel)

    answer = health.Check(health_pb2.HealthCheckRequest(service=service))

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_callers_are_told_apart_by_their_token(stubs: Path, pb: Any, known: dict[str, str]) -> None:
    request = pb.ListIdentityPoolsRequest()
    with poolgate(**known) as served, grpc.insecure_channel(served.address) as channel:
        answer = stub(channel).ListIdentityPools(request, metadata=[AUTHORIZATION])
        with pytest.raises(grpc.RpcError) as caught:
            stub(channel).ListIdentityPools(request, metadata=[("authorization", "Bearer x")])

    assert not answer.identity_pools
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert caught.value.details() == "the call carries no valid credentials"
