"""grpcio does what the shipped service config says, and nobody writes code for it."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from serving import ROOT, SERVICE, Served, poolgate, stub

SERVICE_CONFIG = ROOT / "clients/service-config.json"
LIMITS = ROOT / "tests/clients/limits.toml"


def connect(address: str) -> grpc.Channel:
    """A connection as anybody would open it."""
    service_config = SERVICE_CONFIG.read_text()
    channel = grpc.insecure_channel(address, options=[("grpc.service_config", service_config)])
    return channel


@pytest.fixture
def served() -> Iterator[Served]:
    """A poolgate whose limits are soon used up."""
    with poolgate(
        POOLGATE_QUOTA__LIMITS_FILE=str(LIMITS), POOLGATE_ADMIN__LISTEN="127.0.0.1:0"
    ) as served:
        yield served


def refusals(served: Served, limit: str, method: str) -> int:
    """How often a limit has refused calls."""
    labels = f'{{limit="{limit}",grpc_method="{method}",decision="refused"}}'
    with urllib.request.urlopen(f"http://{served.admin}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(f"poolgate_quota_decisions_total{labels}"):
                return int(line.split()[-1])
    return 0


def test_who_is_over_a_limit_waits_as_told_and_is_admitted(
    served: Served, stubs: Path, pb: Any
) -> None:
    with connect(served.address) as channel:
        begun = time.monotonic()
        for _ in range(5):
            stub(channel).ListIdentityPools(pb.ListIdentityPoolsRequest())
        taken = time.monotonic() - begun

    assert taken >= 4 * 0.5, "the limit admits one each 500 ms"
    assert refusals(served, "slow", "ListIdentityPools") == 4, "one for each that had to wait"


def test_who_waits_as_told_is_admitted_on_the_next_try(
    served: Served, stubs: Path, pb: Any
) -> None:
    calls = 200
    with connect(served.address) as channel:
        begun = time.monotonic()
        created = {
            stub(channel)
            .CreateIdentityPool(
                pb.CreateIdentityPoolRequest(
                    identity_pool_name="a pool", allow_unauthenticated_identities=False
                )
            )
            .identity_pool.identity_pool_id
            for _ in range(calls)
        }
        taken = time.monotonic() - begun

    assert len(created) == calls
    assert taken >= (calls - 1) / 50, "the limit admits one each 20 ms"
    assert refusals(served, "quick", "CreateIdentityPool") <= (calls - 1) * 1.01


def test_a_wait_that_is_longer_than_the_deadline_is_not_begun(
    served: Served, stubs: Path, identities: Any
) -> None:
    with connect(served.address) as channel:
        codes = []
        begun = time.monotonic()
        for _ in range(2):
            with pytest.raises(grpc.RpcError) as caught:
                stub(channel).GetId(identities.GetIdRequest())
            codes.append(caught.value.code())
        taken = time.monotonic() - begun

    assert codes == [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED]
    assert taken < 10, "the service config's timeout"
    assert refusals(served, "once", "GetId") == 1, "it is not tried again"


METHODS = ["CreateIdentityPool", "DeleteIdentityPool", "GetId", "ListIdentityPools"]


def unavailable(calls: list[str]) -> grpc.GenericRpcHandler:
    """A service that is never there, and writes down who asks."""

    def handler(method: str) -> grpc.RpcMethodHandler:
        def refuse(_: empty_pb2.Empty, context: grpc.ServicerContext) -> None:
            calls.append(method)
            context.abort(grpc.StatusCode.UNAVAILABLE, "not there")

        return grpc.unary_unary_rpc_method_handler(
            refuse,
            request_deserializer=empty_pb2.Empty.FromString,
            response_serializer=empty_pb2.Empty.SerializeToString,
        )

    handlers = {method: handler(method) for method in METHODS}
    return grpc.method_handlers_generic_handler(SERVICE, handlers)


def test_what_may_have_been_done_is_not_done_again(stubs: Path, pb: Any, identities: Any) -> None:
    calls: list[str] = []
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[unavailable(calls)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    requests = [
        pb.CreateIdentityPoolRequest(),
        pb.DeleteIdentityPoolRequest(),
        identities.GetIdRequest(),
        pb.ListIdentityPoolsRequest(),
    ]
    try:
        with connect(f"127.0.0.1:{port}") as channel:
            for method, request in zip(METHODS, requests, strict=True):
                with pytest.raises(grpc.RpcError) as caught:
                    getattr(stub(channel), method)(request)
                assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    finally:
        server.stop(None)

    assert calls == [*METHODS[:3], *["ListIdentityPools"] * 5]
