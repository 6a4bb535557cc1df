"""poolgate as a process, and the generated client over a connection to it."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("POOLGATE_BIN", ROOT / "target/debug/poolgate"))
SERVICE = "cognito.identity.v1.CognitoIdentityService"


@dataclass(frozen=True)
class Served:
    """Where a poolgate is served."""

    address: str
    admin: str | None


@contextmanager
def poolgate(**settings: str) -> Iterator[Served]:
    """A running poolgate, which has to end well when it is told to."""
    environment = {
        "POOLGATE_SERVER__LISTEN": "127.0.0.1:0",
        "POOLGATE_ADMIN__LISTEN": "off",
        "POOLGATE_SERVER__DRAIN_NOTICE": "0s",
        "POOLGATE_LOG__FORMAT": "json",
        **settings,
    }
    process = subprocess.Popen([BINARY], env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        log = []
        for line in process.stderr:
            log.append(line)
            served = json.loads(line) if line.startswith("{") else {}
            if "address" in served:
                break
        else:
            pytest.fail("poolgate ended at its start:\n" + "".join(log))
        # Read on, or a full pipe would stop the process.
        reader = threading.Thread(target=process.stderr.read)
        reader.start()
        yield Served(served["address"], served.get("admin"))
        process.terminate()
        process.wait(timeout=20)
        reader.join()
        assert process.returncode == 0, "the drain did not end well"
    finally:
        process.kill()
        process.wait()


def stub(channel: grpc.Channel) -> Any:
    """The generated client over a connection."""
    module = importlib.import_module("cognito.identity.v1.cognito_identity_service_pb2_grpc")
    return module.CognitoIdentityServiceStub(channel)
