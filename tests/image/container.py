"""Builds the image and runs it, without a daemon and without a registry.

buildah builds the Dockerfile. What a registry would give stands in: the base image is
made from Debian's packages, and the stage that compiles is the folder with a binary that
is built already. runc runs the result as `docker run --read-only --cap-drop ALL --user
… --security-opt no-new-privileges` would, with the seccomp profile that engines have.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BASE = "gcr.io/distroless/cc-debian12:nonroot"
# What that image holds, as its name says: a C library, what GCC's code needs, the names
# of protocols and time zones.
PACKAGES = ["base-files", "libc6", "libgcc-s1", "netbase", "tzdata"]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
SECCOMP = Path("/usr/share/containers/seccomp.json")
# Neither root nor the user of the image: whoever runs it chooses.
USER = 54321


class Builder:
    """buildah with a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str) -> str:
        """Runs a command of buildah; gives back what it prints."""
        places = ["--root", str(self.folder / "storage"), "--runroot", str(self.folder / "run")]
        command = ["buildah", *places, "--storage-driver", "vfs", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def base(self) -> None:
        """Makes the base image."""
        packages, files = self.folder / "packages", self.folder / "base"
        packages.mkdir()
        subprocess.run(["apt-get", "download", "-qq", *PACKAGES], cwd=packages, check=True)
        for package in packages.iterdir():
            subprocess.run(["dpkg-deb", "--extract", str(package), str(files)], check=True)
        (files / "etc/ssl/certs").mkdir(parents=True)
        shutil.copy(CERTIFICATES, files / "etc/ssl/certs")
        container = self.run("from", "scratch")
        self.run("copy", "--quiet", container, str(files), "/")
        self.run("config", "--user", "65532", container)
        self.run("commit", "--quiet", container, BASE)

    def build(self, binary: Path) -> str:
        """Builds the Dockerfile around a binary; gives back the image."""
        built = self.folder / "built/build/target/ship"
        built.mkdir(parents=True)
        shutil.copy(binary, built)
        self.run(
            *["build", "--quiet", "--isolation", "chroot", "--pull-never", "--format", "docker"],
            *["--build-context", f"build={self.folder / 'built'}", "--tag", "poolgate", str(ROOT)],
        )
        return "poolgate"

    def settings(self, image: str) -> dict[str, Any]:
        """What the image says about how it is run."""
        found: dict[str, Any] = json.loads(self.run("inspect", "--type", "image", image))
        settings: dict[str, Any] = found["Docker"]["config"]
        return settings

    def unpack(self, image: str) -> Path:
        """The image's files."""
        return Path(self.run("mount", self.run("from", "--pull-never", image)))


@dataclass
class Runner:
    """Runs commands in a file system of an image."""

    folder: Path
    files: Path
    settings: dict[str, Any]
    names: list[str] = field(default_factory=list)

    @contextmanager
    def container(self, arguments: list[str], environment: dict[str, str]) -> Iterator[Container]:
        """A container that runs the image's program, with one folder that it may write to."""
        bundle = self.folder / f"bundle-{len(self.names)}"
        volume = bundle / "volume"
        volume.mkdir(parents=True)
        os.chown(volume, USER, USER)
        name = f"poolgate-{os.getpid()}-{len(self.names)}"
        self.names.append(name)
        subprocess.run(["runc", "spec"], cwd=bundle, check=True)
        written = json.loads((bundle / "config.json").read_text())
        command = [*self.settings["Entrypoint"], *arguments]
        spec = confined(written, self.files, volume, command, environment)
        (bundle / "config.json").write_text(json.dumps(spec))
        state = ["runc", "--root", str(self.folder / "runc")]
        with (bundle / "log").open("w") as log:
            child = subprocess.Popen([*state, "run", name], cwd=bundle, stderr=log, stdout=log)
            try:
                yield Container([*state], name, child, volume, bundle / "log")
            finally:
                subprocess.run([*state, "delete", "--force", name], check=False)
                child.wait(timeout=30)


@dataclass
class Container:
    """A container that was started."""

    runc: list[str]
    name: str
    child: subprocess.Popen[bytes]
    volume: Path
    log: Path

    def wait_until_ready(self, port: int) -> None:
        """Waits for `/readyz`."""
        until = time.monotonic() + 30
        while time.monotonic() < until and self.child.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise AssertionError(f"not ready\n{self.log.read_text()}")

    def status(self) -> dict[str, str]:
        """What the kernel says about its first process."""
        state = subprocess.run(
            [*self.runc, "state", self.name], check=True, stdout=subprocess.PIPE, text=True
        )
        pid = json.loads(state.stdout)["pid"]
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        root = next(
            line.split()[3]
            for line in Path(f"/proc/{pid}/mounts").read_text().splitlines()
            if line.split()[1] == "/"
        )
        return {"root": root, **dict(line.split(":\t", 1) for line in lines if ":\t" in line)}

    def also(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs another command inside, as health checks do."""
        return subprocess.run(
            [*self.runc, "exec", self.name, *command], capture_output=True, text=True, check=False
        )

    def stop(self, sent: str) -> int:
        """Sends the image's signal, and gives back the exit code."""
        number = signal.Signals[sent].value
        subprocess.run([*self.runc, "kill", self.name, str(number)], check=True)
        return self.child.wait(timeout=45)


def confined(
    spec: dict[str, Any],
    files: Path,
    volume: Path,
    command: list[str],
    environment: dict[str, str],
) -> dict[str, Any]:
    """The settings of runc with everything shut that an operator can shut."""
    process, linux = spec["process"], spec["linux"]
    process.update(terminal=False, noNewPrivileges=True, args=command, cwd="/")
    process["user"] = {"uid": USER, "gid": USER}
    process["capabilities"] = {kind: [] for kind in process["capabilities"]}
    process["env"] = [f"{name}={value}" for name, value in environment.items()]
    spec["root"] = {"path": str(files), "readonly": True}
    # Cgroups are the engine's, and differ from machine to machine.
    spec["mounts"] = [mount for mount in spec["mounts"] if mount["type"] != "cgroup"]
    spec["mounts"].append(
        {
            "destination": "/var/lib/poolgate",
            "type": "bind",
            "source": str(volume),
            "options": ["rbind", "rw", "nosuid", "nodev", "noexec"],
        }
    )
    # The network is the machine's, so that its loopback reaches the ports.
    linux["namespaces"] = [
        one for one in linux["namespaces"] if one["type"] not in ("network", "cgroup")
    ]
    linux.pop("resources", None)
    linux["seccomp"] = seccomp()
    return spec


def seccomp() -> dict[str, Any]:
    """The profile that engines have, for a container without capabilities."""
    profile = json.loads(SECCOMP.read_text())
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    rules = [
        {
            "names": rule["names"],
            "action": rule["action"],
            "args": rule.get("args") or [],
        }
        | ({"errnoRet": rule["errnoRet"]} if "errnoRet" in rule else {})
        for rule in profile["syscalls"]
        if not rule.get("includes", {}).get("caps")
        and architecture in rule.get("includes", {}).get("arches", [architecture])
        and architecture not in rule.get("excludes", {}).get("arches", [])
    ]
    return {"defaultAction": profile["defaultAction"], "syscalls": rules}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
