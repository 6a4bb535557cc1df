"""The image serves where nothing but one folder can be written and nothing is allowed.

POOLGATE_BINARY names the binary that it is built around.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from container import USER, Builder, Runner, free_port

BINARY = str(Path(os.environ.get("POOLGATE_BINARY", "target/release/poolgate")).resolve())
VOLUME = "/var/lib/poolgate"
POOL = '{"identity_pool_name": "shop", "allow_unauthenticated_identities": false}'


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp("image")
    builder = Builder(folder)
    builder.base()
    image = builder.build(Path(BINARY))
    yield Runner(folder, builder.unpack(image), builder.settings(image))
    builder.run("rm", "--all")
    builder.run("rmi", "--all", "--force")
    shutil.rmtree(folder, ignore_errors=True)


def call(port: int, *arguments: str) -> str:
    address = f"127.0.0.1:{port}"
    command = [BINARY, "call", "--address", address, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_the_image_says_what_the_dockerfile_says(runner: Runner) -> None:
    settings = runner.settings
    assert settings["User"] == "65532:65532"
    assert settings["Entrypoint"] == ["/usr/local/bin/poolgate"]
    assert settings["StopSignal"] == "SIGTERM"
    assert set(settings["ExposedPorts"]) == {"50051/tcp", "9464/tcp"}
    check = ["/usr/local/bin/poolgate", "healthcheck", "--admin"]
    assert settings["Healthcheck"]["Test"] == ["CMD", *check]
    assert settings["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_it_serves_as_any_user_without_rights_and_keeps_what_it_has_to(runner: Runner) -> None:
    port, admin = free_port(), free_port()
    environment = {
        "POOLGATE_SERVER__LISTEN": f"127.0.0.1:{port}",
        "POOLGATE_SERVER__DRAIN_NOTICE": "0s",
        "POOLGATE_ADMIN__LISTEN": f"127.0.0.1:{admin}",
        "POOLGATE_AUDIT__FILE": f"{VOLUME}/audit.jsonl",
        "POOLGATE_EMULATOR__DATA_DIR": f"{VOLUME}/emulator",
    }
    settings = runner.settings

    with runner.container([], environment) as container:
        container.wait_until_ready(admin)

        kernel = container.status()
        assert kernel["Uid"].split() == [str(USER)] * 4
        assert kernel["Gid"].split() == [str(USER)] * 4
        assert kernel["NoNewPrivs"] == "1"
        assert kernel["Seccomp"] == "2"
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(kernel[kind], 16) == 0, kind
        assert "ro" in kernel["root"].split(","), "the root file system is read-only"

        call(port, "CreateIdentityPool", POOL)
        assert json.loads(call(port, "ListIdentityPools"))["identity_pools"]
        healthy = container.also(*settings["Healthcheck"]["Test"][1:])
        assert healthy.returncode == 0, healthy.stderr
        stopped = container.stop(settings["StopSignal"])
        assert stopped == 0, container.log.read_text()

        journal = container.volume / "audit.jsonl"
        command = [BINARY, "audit", "verify", str(journal)]
        verified = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        assert verified.stdout.splitlines()[0] == "clean"
        names = [json.loads(line)["eventName"] for line in journal.read_text().splitlines()]
        assert names.count("CreateIdentityPool") == 2, "the intent and the outcome"


def test_it_says_so_when_its_journal_cannot_be_written(runner: Runner) -> None:
    environment = {
        "POOLGATE_SERVER__LISTEN": f"127.0.0.1:{free_port()}",
        "POOLGATE_ADMIN__LISTEN": "off",
        "POOLGATE_AUDIT__FILE": "/usr/share/doc/poolgate/audit.jsonl",
    }

    with runner.container([], environment) as container:
        code = container.child.wait(timeout=30)

        assert code == 69, container.log.read_text()
        assert "Read-only file system" in container.log.read_text()


def test_it_does_not_open_itself_to_other_machines(runner: Runner) -> None:
    environment = {"POOLGATE_SERVER__LISTEN": f"0.0.0.0:{free_port()}"}

    with runner.container([], environment) as container:
        code = container.child.wait(timeout=30)

        assert code == 78, container.log.read_text()
        assert "other machines can reach this address" in container.log.read_text()
