"""grpcio over the Unix socket, where the kernel says who calls."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import grpc
from serving import poolgate, stub

# Its own name for the server is the socket's path, which HTTP/2 does not allow.
OPTIONS = [("grpc.default_authority", "localhost")]


def test_a_process_calls_without_a_secret_and_its_policies_know_it(tmp_path: Path, pb: Any) -> None:
    socket = tmp_path / "grpc.sock"
    callers = tmp_path / "callers.toml"
    callers.write_text(f'[[processes]]\nname = "python"\nuid = {os.getuid()}\n')
    policies = tmp_path / "python.cedar"
    policies.write_text(
        '@id("python") permit (principal == Poolgate::Caller::"process:python",'
        ' action == Poolgate::Action::"ListIdentityPools", resource);'
    )
    settings = {
        "POOLGATE_SERVER__UNIX_SOCKET": str(socket),
        "POOLGATE_AUTHN__CALLERS_FILE": str(callers),
        "POOLGATE_POLICY__FILES": str(policies),
    }

    with (
        poolgate(**settings) as served,
        grpc.insecure_channel(f"unix://{socket}", options=OPTIONS) as here,
        grpc.insecure_channel(served.address) as elsewhere,
    ):
        listed = stub(here).ListIdentityPools(pb.ListIdentityPoolsRequest())
        assert list(listed.identity_pools) == []
        try:
            stub(elsewhere).ListIdentityPools(pb.ListIdentityPoolsRequest())
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAUTHENTICATED
        else:
            raise AssertionError("a caller of the network is nobody")
