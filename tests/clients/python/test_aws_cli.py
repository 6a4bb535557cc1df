"""The emulator under the AWS CLI: the examples of its handbook with their outputs."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awscli
import pytest
from emulating import GUEST_ROLE, NOBODY, REGION, USER_ROLE, Served, emulator

HANDBOOK = Path(awscli.__file__).parent / "examples/cognito-identity"
# The handbook creates a pool with one user pool and shows another.
MISPRINT = ("us-west-2_aaaaaaaaa", "us-west-2_111111111")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """An emulator."""
    with emulator() as served:
        yield served


def run(served: Served, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the AWS CLI."""
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": "/dev/null",
        "PATH": "/usr/bin:/bin",
    }
    command = [sys.executable, "-m", "awscli", "--endpoint-url", served.url, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def aws(served: Served, *arguments: str) -> Any:
    """What a command of `cognito-identity` prints, which has to succeed."""
    ended = run(served, "cognito-identity", *arguments)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout) if ended.stdout.strip() else None


@dataclass(frozen=True)
class Example:
    """A command of the AWS CLI's own handbook, and what it says is printed."""

    arguments: list[str]
    output: Any

    @staticmethod
    def read(name: str, pool: str) -> Example:
        """The example of a command, about a pool of ours in the place of theirs."""
        text = (HANDBOOK / f"{name}.rst").read_text().replace(*MISPRINT)
        command, _, output = text.partition("Output::")
        start = command.index("aws cognito-identity")
        command = command[start:].split("This command produces no output")[0]
        arguments = shlex.split(command.replace("\\\n", " ").replace(NOBODY, pool))
        return Example(arguments[2:], json.loads(output) if output else None)


def run_example(served: Served, name: str, pool: str = NOBODY) -> tuple[Any, Any]:
    """What the command prints, and what the handbook says it does.

    The pool has the handbook's name in both, and its tags, which are younger than the
    handbook, have to be none.
    """
    example = Example.read(name, pool)
    printed = aws(served, *example.arguments)
    if printed is None:
        return None, example.output
    text = json.dumps(printed).replace(printed.get("IdentityPoolId", NOBODY), NOBODY)
    shown = json.loads(text)
    assert shown.pop("IdentityPoolTags", {}) == {}
    return shown, example.output


def test_all_examples_of_the_handbook_print_what_it_says(served: Served) -> None:
    printed, documented = run_example(served, "create-identity-pool")
    assert printed == documented
    [made] = aws(served, "list-identity-pools", "--max-results=20")["IdentityPools"]
    pool = made["IdentityPoolId"]

    for name in ("describe-identity-pool", "update-identity-pool", "delete-identities"):
        printed, documented = run_example(served, name, pool)
        assert printed == documented, name

    assert run_example(served, "set-identity-pool-roles", pool) == (None, None)
    set_alone = aws(served, "get-identity-pool-roles", f"--identity-pool-id={pool}")
    assert set_alone["Roles"] == {"authenticated": USER_ROLE}
    # What the handbook shows next has a role for guests, too.
    both = f"--roles=authenticated={USER_ROLE},unauthenticated={GUEST_ROLE}"
    aws(served, "set-identity-pool-roles", f"--identity-pool-id={pool}", both)
    printed, documented = run_example(served, "get-identity-pool-roles", pool)
    assert printed == documented

    for name in ("AnotherIdentityPool", "IdentityPoolRegionA"):
        aws(
            served,
            "create-identity-pool",
            f"--identity-pool-name={name}",
            "--no-allow-unauthenticated-identities",
        )
    printed, documented = run_example(served, "list-identity-pools")
    assert names(printed) == names(documented)

    assert run_example(served, "delete-identity-pool", pool) == (None, None)
    left = aws(served, "list-identity-pools", "--max-results=20")
    assert names(left) == ["AnotherIdentityPool", "IdentityPoolRegionA"]
    covered = {path.stem for path in HANDBOOK.glob("*.rst")}
    assert covered == RUN


RUN = {
    "create-identity-pool",
    "delete-identities",
    "delete-identity-pool",
    "describe-identity-pool",
    "get-identity-pool-roles",
    "list-identity-pools",
    "set-identity-pool-roles",
    "update-identity-pool",
}


def names(listed: Any) -> list[str]:
    """The names of listed pools; each has an identifier and nothing else."""
    pools = listed["IdentityPools"]
    assert all(set(pool) == {"IdentityPoolId", "IdentityPoolName"} for pool in pools)
    return sorted(pool["IdentityPoolName"] for pool in pools)


def test_an_error_is_told_in_awss_words(served: Served) -> None:
    ended = run(
        served, "cognito-identity", "describe-identity-pool", f"--identity-pool-id={NOBODY}"
    )

    assert ended.returncode != 0
    assert "(ResourceNotFoundException) when calling the DescribeIdentityPool" in ended.stderr
    assert f"IdentityPool '{NOBODY}' not found." in ended.stderr
