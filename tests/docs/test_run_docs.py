"""Tests of the runner with small documents."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import run_docs

Run = Callable[[str], tuple[int, str]]

# Serves `/readyz` on the port in its environment, as poolgate does.
SERVER = f"""#!{sys.executable}
import http.server, os
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
"""

# Prints another UUID and the present time whenever it is called.
POOL = """#!/usr/bin/env bash
printf '{\\n  "id":  "eu-west-1:%s",\\n  "at": "%s"\\n}\\n' \
  "$(cat /proc/sys/kernel/random/uuid)" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
"""


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


@pytest.fixture
def run(tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a document; gives back the exit code and the report."""
    for name, content in (("poolgate", SERVER), ("make-pool", POOL)):
        program = tmp_path / name
        program.write_text(content)
        program.chmod(0o755)

    def run(document: str) -> tuple[int, str]:
        path = tmp_path / "README.md"
        path.write_text(document)
        code = run_docs.main(
            [
                str(path),
                f"--folder={tmp_path}",
                f"--path={tmp_path}",
                f"--ready-url=http://127.0.0.1:{port}/readyz",
                "--ready-timeout=20",
                "--timeout=20",
            ]
        )
        return code, capsys.readouterr().out

    return run


def test_a_session_is_run_with_variables_continuations_heredocs_and_a_server(
    run: Run, port: int
) -> None:
    code, report = run(f"""
# Title

```console
$ export PORT={port}
$ poolgate serve &
$ who=world
$ echo "hello \\
> $who"
hello world
$ cat <<'END'
one $who
two
END
one $who
…
$ (echo "a:  b at 12:31"; exit 3) || echo "exit code $?"
a: b at …
exit code 3
$ echo 'a quote
  goes on' | wc -l
2
$ kill -INT %1 && wait
…
$ poolgate serve &
```

1. In a list:

   ```sh
   test "$who" = world
   ```

```rust
this is not run
```

<!-- no-run: needs an account -->
```console no-run
$ rm -rf /nowhere
```
""")

    assert code == 0, report
    assert "10 passed, 0 failed, 1 not run" in report
    assert "needs an account" in report
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "the server is still running"


def test_a_uuid_stands_for_the_one_that_was_printed(run: Run) -> None:
    code, report = run("""
```console
$ make-pool | tee made
{
  "id": "eu-west-1:5f4ad60e-96ae-4b8f-9a4e-1c1d2f9a3b10",
  "at": "2026-01-31T12:00:00Z"
}
$ grep -c 5f4ad60e-96ae-4b8f-9a4e-1c1d2f9a3b10 made
1
```
""")
    assert code == 0, report

    code, report = run("""
```console
$ make-pool; make-pool
{
  "id": "eu-west-1:5f4ad60e-96ae-4b8f-9a4e-1c1d2f9a3b10",
…
  "id": "eu-west-1:5f4ad60e-96ae-4b8f-9a4e-1c1d2f9a3b10",
…
```
""")
    assert code == 1, "two pools are taken for one"


@pytest.mark.parametrize(
    ("why", "body", "says"),
    [
        ("other output", "$ echo one\ntwo", "printed:"),
        ("a line too many", "$ printf 'one\\ntwo\\n'\none", "printed:"),
        ("a line too few", "$ echo one\none\ntwo", "printed:"),
        ("a failure without output", "$ false", "ended with 1"),
        ("a failure with the right output", "$ (echo one; false)\none", "ended with 1"),
        ("the shell is left", "$ exit 0", "or ended the shell"),
        ("a server that ends", "$ PORT=none poolgate &", "ended before it was ready"),
    ],
)
def test_a_command_that_does_otherwise_fails(run: Run, why: str, body: str, says: str) -> None:
    code, report = run(f"```console\n{body}\n$ echo after\nafter\n```\n")

    assert code == 1, why
    assert says in report
    assert "$ echo after: an earlier one failed" in report


def test_leaving_out_a_block_wants_a_reason(run: Run) -> None:
    code, report = run("```console no-run\n$ true\n```\n")

    assert code == 1
    assert "without a reason" in report
