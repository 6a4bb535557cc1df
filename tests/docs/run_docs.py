#!/usr/bin/env python3
r"""Runs the commands in Markdown files and compares what they print.

Blocks of language `console` are sessions: a line that begins with `$ ` is a command,
which goes on after a `\` at its end, in open quotes and in a heredoc; what follows is
its output. Every command has to succeed, and where output is shown, to print that.

In shown output `…` stands for anything on the line, a line of only `…` for any
number of lines, a time for any time, and a UUID for the UUID that is printed in its
place: from then on it stands for that one, also in commands.

Blocks of language `sh` are run as a whole and have to succeed. `no-run` behind the
language leaves a block out; an HTML comment above it, `<!-- no-run: reason -->`, says
why.

Each file has one shell, so variables persist. A command that ends in `&` stays in the
background until the file's end; if it starts poolgate, `/readyz` is awaited.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,}) *(?P<info>[^`]*)$")
REASON = re.compile(r"<!--\s*no-run:\s*(?P<reason>.+?)\s*-->", re.S)
HEREDOC = re.compile(r"<<(?P<dash>-?) *(?P<quote>['\"]?)(?P<word>\w+)(?P=quote)")
UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b")
TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
SERVER = re.compile(r"(?:^|[\s/])(?:poolgate|cargo run)\b")
ANY = "…"


@dataclass
class Command:
    """A command and what it should print."""

    line: int
    text: str
    expected: list[str] | None = None

    @property
    def is_background(self) -> bool:
        """Whether it ends in a single `&`."""
        return bool(re.search(r"(?<!&)&$", self.text.rstrip()))

    @property
    def title(self) -> str:
        """Its first line."""
        first, *rest = self.text.splitlines()
        return first + (f" {ANY}" if rest else "")


@dataclass
class Block:
    """A fenced block that is a session or a script."""

    line: int
    language: str
    lines: list[str]
    no_run: bool
    reason: str | None


@dataclass
class Outcome:
    """What became of the commands of a file."""

    passed: int = 0
    failed: int = 0
    left_out: int = 0
    names: dict[str, str] = field(default_factory=dict)


def blocks(text: str) -> list[Block]:
    """The blocks of a document that are sessions or scripts."""
    found: list[Block] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opening = FENCE.match(lines[at])
        if not opening:
            at += 1
            continue
        start = at + 1
        at = start
        while at < len(lines) and lines[at].strip() != opening["fence"]:
            at += 1
        words = opening["info"].split()
        if words and words[0] in ("console", "sh"):
            indent = len(opening["indent"])
            before = "\n".join(lines[max(0, start - 8) : start - 1]).rstrip()
            reasons = list(REASON.finditer(before))
            reason = reasons[-1] if reasons and reasons[-1].end() == len(before) else None
            found.append(
                Block(
                    start + 1,
                    words[0],
                    [
                        line[indent:] if line[:indent].isspace() else line
                        for line in lines[start:at]
                    ],
                    "no-run" in words[1:],
                    reason["reason"] if reason else None,
                )
            )
        at += 1
    return found


def commands(block: Block) -> list[Command]:
    """The commands of a block."""
    if block.language == "sh":
        return [Command(block.line, "\n".join(block.lines))]
    found: list[Command] = []
    at = 0
    while at < len(block.lines):
        line = block.lines[at]
        number = block.line + at
        at += 1
        if not line.startswith("$ "):
            if not found:
                raise SystemExit(f"line {number}: a session begins with `$ `")
            found[-1].expected = [*(found[-1].expected or []), line]
            continue
        text = [line[2:]]
        while at < len(block.lines) and not block.lines[at].startswith("$ ") and is_open(text):
            text.append(block.lines[at].removeprefix("> "))
            at += 1
        for heredoc in HEREDOC.finditer("\n".join(text)):
            while at < len(block.lines):
                text.append(block.lines[at])
                at += 1
                last = text[-1].lstrip("\t") if heredoc["dash"] else text[-1]
                if last == heredoc["word"]:
                    break
        found.append(Command(number, "\n".join(text)))
    return found


def is_open(text: list[str]) -> bool:
    """Whether the shell would ask for another line."""
    if text[-1].endswith("\\"):
        return True
    checked = subprocess.run(
        ["bash", "-n", "-c", "\n".join(text)], capture_output=True, text=True, check=False
    )
    return bool(re.search(r"unexpected (EOF|end of file)", checked.stderr))


def matches(expected: list[str], actual: list[str], names: dict[str, str]) -> bool:
    """Whether the output is as shown; learns which UUID stands for which."""
    if not expected:
        return not actual
    if expected[0].strip() == ANY:
        for skipped in range(len(actual) + 1):
            tried = dict(names)
            if matches(expected[1:], actual[skipped:], tried):
                names.update(tried)
                return True
        return False
    tried = dict(names)
    if not actual or not line_matches(expected[0], actual[0], tried):
        return False
    if not matches(expected[1:], actual[1:], tried):
        return False
    names.update(tried)
    return True


def line_matches(expected: str, actual: str, names: dict[str, str]) -> bool:
    """Whether one line is as shown."""
    pattern = ""
    shown: list[str] = []
    rest = one_space(expected)
    special = re.compile(f"(?P<any>{ANY})|(?P<uuid>{UUID.pattern})|(?P<time>{TIME.pattern})")
    while found := special.search(rest):
        pattern += re.escape(rest[: found.start()])
        if found["any"]:
            pattern += ".*"
        elif found["time"]:
            pattern += TIME.pattern
        else:
            shown.append(found["uuid"])
            pattern += f"({UUID.pattern})"
        rest = rest[found.end() :]
    result = re.fullmatch(pattern + re.escape(rest), one_space(actual))
    if result is None:
        return False
    for name, real in zip(shown, result.groups(), strict=True):
        taken = [other for other, value in names.items() if value == real and other != name]
        if names.setdefault(name, real) != real or taken:
            return False
    return True


def one_space(line: str) -> str:
    """Runs of spaces behind the indentation count as one."""
    indent = len(line) - len(line.lstrip())
    return line[:indent] + re.sub(r"\s+", " ", line[indent:]).rstrip()


class Shell:
    """A bash that keeps its variables from command to command."""

    def __init__(self, folder: Path, search: list[str]) -> None:
        self.scratch = tempfile.TemporaryDirectory()
        self.status, write = os.pipe()
        environment = dict(os.environ, NO_COLOR="1", TERM="dumb", CARGO_TERM_COLOR="never")
        environment["PATH"] = os.pathsep.join([*search, environment["PATH"]])
        self.bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            cwd=folder,
            env=environment,
            pass_fds=[write],
            start_new_session=True,
        )
        self.reply = write
        os.close(write)
        # Jobs as at a terminal: `%1` names one, and Ctrl-C's signal reaches it.
        self.send("set -m\n")

    def run(self, text: str, timeout: float) -> tuple[int | None, str]:
        """Runs a command; gives back its exit code, or nothing if it did not end."""
        folder = Path(self.scratch.name)
        script, out = folder / "command", folder / f"out-{time.monotonic_ns()}"
        script.write_text(text + "\n")
        line = f". '{script}' >'{out}' 2>&1 </dev/null {self.reply}>&-; "
        line += f'printf \'%s %s\\n\' "$?" "$!" >&{self.reply}\n'
        self.send(line)
        until = time.monotonic() + timeout
        code = None
        while code is None and time.monotonic() < until:
            if select.select([self.status], [], [], 0.1)[0]:
                words = os.read(self.status, 100).split()
                if not words:
                    break
                code = int(words[0])
                self.background = int(words[1]) if len(words) > 1 else None
            elif self.bash.poll() is not None:
                break
        self.output = out
        return code, out.read_text(errors="replace") if out.exists() else ""

    def send(self, line: str) -> None:
        """Types a line."""
        assert self.bash.stdin is not None
        self.bash.stdin.write(line.encode())
        self.bash.stdin.flush()

    def close(self) -> None:
        """Ends the shell and all that it started."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            for process in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, sent)
            deadline = time.monotonic() + 10
            while self.processes() and time.monotonic() < deadline:
                time.sleep(0.05)
        self.bash.wait()
        os.close(self.status)
        self.scratch.cleanup()

    def processes(self) -> list[int]:
        """What still runs in the shell's session."""
        self.bash.poll()
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                # Behind the name in parentheses: state, parent, group, session.
                words = status.read_text().rpartition(")")[2].split()
                if int(words[3]) == self.bash.pid and words[0] != "Z":
                    found.append(int(status.parent.name))
        return found


def is_ready(url: str) -> bool:
    """Whether the server says that it is ready."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_until_ready(shell: Shell, url: str, timeout: float) -> str | None:
    """Waits; gives back what went wrong."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if is_ready(url):
            return None
        if shell.background is not None and not Path(f"/proc/{shell.background}").exists():
            return "ended before it was ready"
        time.sleep(0.1)
    return f"{url} was not ready in {timeout:.0f} s"


def run_command(
    shell: Shell, command: Command, names: dict[str, str], options: argparse.Namespace
) -> str | None:
    """Runs one command; gives back what is wrong with it."""
    text = UUID.sub(lambda found: names.get(found[0], found[0]), command.text)
    starts_server = command.is_background and SERVER.search(text)
    if starts_server and is_ready(options.ready_url):
        return f"{options.ready_url} answers before the server is started: another one runs"
    code, output = shell.run(text, options.timeout)
    if code is None:
        return f"did not end in {options.timeout:.0f} s, or ended the shell\n{output}"
    if command.is_background:
        problem = None
        if starts_server:
            problem = wait_until_ready(shell, options.ready_url, options.ready_timeout)
        if problem:
            return f"{problem}\n{shell.output.read_text(errors='replace')}"
        return None
    if code != 0:
        return f"ended with {code}\n{output}"
    if command.expected is None:
        return None
    expected, actual = trimmed(command.expected), trimmed(output.splitlines())
    if matches(expected, actual, names):
        return None
    return "\n".join(["expected:", *expected, "printed:", *actual])


def trimmed(lines: list[str]) -> list[str]:
    """The lines without empty ones at the end."""
    lines = [line.rstrip() for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def run_file(path: Path, options: argparse.Namespace) -> Outcome:
    """Runs all sessions of a file."""
    outcome = Outcome()
    shell = Shell(options.folder, [str(one.resolve()) for one in options.path])
    try:
        for block in blocks(path.read_text()):
            if block.no_run:
                if block.reason is None:
                    outcome.failed += 1
                    print(f"FAILED   {path}:{block.line}: `no-run` without a reason above")
                else:
                    outcome.left_out += 1
                    print(f"not run  {path}:{block.line}: {block.reason}")
                continue
            for command in commands(block):
                where = f"{path}:{command.line}: $ {command.title}"
                if outcome.failed:
                    outcome.left_out += 1
                    print(f"not run  {where}: an earlier one failed")
                    continue
                problem = run_command(shell, command, outcome.names, options)
                if problem is None:
                    outcome.passed += 1
                    print(f"passed   {where}")
                else:
                    outcome.failed += 1
                    print(f"FAILED   {where}")
                    print("\n".join(f"         {line}" for line in problem.splitlines()))
                sys.stdout.flush()
    finally:
        shell.close()
    return outcome


def main(arguments: list[str] | None = None) -> int:
    """Runs all files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where commands run")
    parser.add_argument("--path", type=Path, action="append", default=[], help="put before PATH")
    parser.add_argument("--ready-url", default="http://127.0.0.1:9464/readyz")
    parser.add_argument("--ready-timeout", type=float, default=900)
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for one command")
    options = parser.parse_args(arguments)

    outcomes = [run_file(path, options) for path in options.files]
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    left_out = sum(outcome.left_out for outcome in outcomes)
    print(f"{passed} passed, {failed} failed, {left_out} not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
