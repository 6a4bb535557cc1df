"""The unit is one that systemd takes, and leaves little open."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

UNIT = Path(__file__).resolve().parents[2] / "deploy/systemd/poolgate.service"
BINARY = str(Path(os.environ.get("POOLGATE_BINARY", "target/release/poolgate")).resolve())


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    here = tmp_path / UNIT.name
    here.write_text(UNIT.read_text().replace("/usr/local/bin/poolgate", BINARY))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(here)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_unit_leaves_little_open() -> None:
    # From 0, nothing, to 10, everything, in tenths: 1.2 as it is.
    subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", str(UNIT)],
        check=True,
        capture_output=True,
    )


def test_the_unit_waits_for_the_drain() -> None:
    seconds = re.search(r"^TimeoutStopSec=(\d+)s$", UNIT.read_text(), flags=re.M)
    assert seconds and int(seconds[1]) >= 5 + 25 + 10


def test_nothing_ends_the_unit_for_good_but_a_mistake_of_whoever_set_it_up() -> None:
    settings = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line)
    assert settings["Restart"] == "on-failure"
    assert settings["StartLimitIntervalSec"] == "0"
    assert settings["RestartPreventExitStatus"] == "2 78"


def test_the_unit_knows_who_calls_over_the_unix_socket() -> None:
    text = UNIT.read_text()
    assert not re.search(r"^PrivateUsers=", text, flags=re.M), "peers would be user 65534"
    assert re.search(r"^RestrictAddressFamilies=.*AF_UNIX", text, flags=re.M)
