"""`poolgate emulate` as a process, and AWS's own clients pointed at it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("POOLGATE_BIN", ROOT / "target/debug/poolgate"))
REGION = "us-west-2"
ACCOUNT = "111111111111"
FACEBOOK = "graph.facebook.com"
DEVELOPER = "login.example"
USER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/Cognito_MyIdentityPoolAuth_Role"
GUEST_ROLE = f"arn:aws:iam::{ACCOUNT}:role/Cognito_MyIdentityPoolUnauth_Role"
NOBODY = f"{REGION}:11111111-1111-1111-1111-111111111111"


@dataclass(frozen=True)
class Served:
    """Where an emulator is served."""

    url: str
    admin: str


@contextmanager
def emulator(**settings: str) -> Iterator[Served]:
    """A running `poolgate emulate`, which has to end well when it is told to."""
    environment = {
        "POOLGATE_ADMIN__LISTEN": "127.0.0.1:0",
        "POOLGATE_EMULATOR__ACCOUNT_ID": ACCOUNT,
        "POOLGATE_LOG__FORMAT": "json",
        **settings,
    }
    command = [str(BINARY), "emulate", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
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
        yield Served(f"http://{served['address']}", f"http://{served['admin']}")
        process.terminate()
        process.communicate(timeout=20)
        assert process.returncode == 0, "requests were cut"
    finally:
        process.kill()
        process.communicate()


def aws(service: str, served: Served, region: str = REGION, **options: Any) -> Any:
    """A client of boto3 that sends everything once."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=served.url,
        aws_access_key_id=options.pop("key", "AKIAIOSFODNN7EXAMPLE"),
        aws_secret_access_key=options.pop("secret", "secret"),
        config=Config(retries={"total_max_attempts": 1}, **options),
    )


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer as AWS documents it."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
