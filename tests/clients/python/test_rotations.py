"""grpcio loses no call where connections grow old and are told to go away."""

from __future__ import annotations

import time
import urllib.request
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from serving import Served, poolgate, stub

ROTATIONS = 10


def grown_old(served: Served) -> int:
    """How many connections were told to go because of their age."""
    with urllib.request.urlopen(f"http://{served.admin}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith('poolgate_connections_ended_total{reason="age"}'):
                return int(line.split()[-1])
    return 0


def test_ten_rotations_cost_no_call(stubs: Path, pb: Any) -> None:
    with (
        poolgate(
            POOLGATE_SERVER__MAX_CONNECTION_AGE="1s", POOLGATE_ADMIN__LISTEN="127.0.0.1:0"
        ) as served,
        grpc.insecure_channel(served.address) as channel,
        futures.ThreadPoolExecutor(4) as workers,
    ):
        client = stub(channel)
        gives_up = time.monotonic() + 60

        def work(_: int) -> int:
            answered = 0
            while grown_old(served) < ROTATIONS and time.monotonic() < gives_up:
                for _ in range(50):
                    # One that fails ends the test.
                    client.ListIdentityPools(pb.ListIdentityPoolsRequest(), timeout=10)
                    answered += 1
            return answered

        answered = sum(workers.map(work, range(4)))
        rotations = grown_old(served)

    assert rotations >= ROTATIONS, f"{rotations} rotations"
    assert answered > 100
    print(f"{answered} calls over {rotations} rotations")
