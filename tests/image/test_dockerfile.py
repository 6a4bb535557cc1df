"""What the Dockerfile promises, as far as its text shows it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = "/usr/local/bin/poolgate"


@dataclass
class Instruction:
    """One instruction, with continued lines joined."""

    stage: int
    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """What follows the name, without flags."""
        return [word for word in self.text.split() if not word.startswith("--")]


def instructions() -> list[Instruction]:
    """The Dockerfile's instructions in order."""
    code = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M)
    found: list[Instruction] = []
    stage = -1
    for line in code.replace("\\\n", " ").splitlines():
        if line.strip():
            name, text = line.strip().split(maxsplit=1)
            stage += name == "FROM"
            found.append(Instruction(stage, name, text))
    return found


def final(name: str) -> list[Instruction]:
    """The instructions of a name in the stage that is shipped."""
    last = instructions()[-1].stage
    return [one for one in instructions() if one.stage == last and one.name == name]


def test_nothing_runs_as_root_and_there_is_no_shell() -> None:
    assert [one.text for one in final("USER")] == ["65532:65532"]
    assert final("RUN") == [], "the final stage has no shell to run anything"
    assert "distroless" in final("FROM")[0].text


def test_the_binary_is_started_without_a_shell() -> None:
    assert json.loads(final("ENTRYPOINT")[0].text) == [BINARY]
    check = final("HEALTHCHECK")[0].text
    assert json.loads(check[check.index("CMD ") + 4 :]) == [BINARY, "healthcheck", "--admin"]


def test_the_dependencies_are_built_before_the_sources_are_copied() -> None:
    build = [one for one in instructions() if one.stage == 0]
    first_build = next(i for i, one in enumerate(build) if "cargo build" in one.text)
    sources = next(i for i, one in enumerate(build) if one.name == "COPY" and "src" in one.words)

    copied = {word for one in build[:first_build] if one.name == "COPY" for word in one.words}
    assert first_build < sources
    assert copied == {"Cargo.toml", "Cargo.lock", "./"}
    assert all("--locked" in one.text for one in build if "cargo build" in one.text)


def test_every_file_that_is_copied_exists_and_is_sent() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line[1:] for line in ignored if line.startswith("!")]
    for one in instructions():
        if one.name == "COPY" and "--from=" not in one.text:
            for source in one.words[:-1]:
                assert (ROOT / source).exists(), source
                assert any(fnmatch(source, pattern) for pattern in sent), source


def test_the_profile_and_the_stand_ins_are_those_of_the_manifest() -> None:
    manifest = (ROOT / "Cargo.toml").read_text()
    text = "\n".join(one.text for one in instructions())
    assert "[profile.ship]" in manifest
    for path in re.findall(r'^path = "(.+)"$', manifest, flags=re.M):
        assert path in text, f"the layer of dependencies lacks a stand-in for {path}"
    version = re.search(r'^rust-version = "(\d+)\.(\d+)', manifest, flags=re.M)
    image = re.search(r"rust:(\d+)\.(\d+)", text)
    assert version and image
    assert tuple(map(int, image.groups())) >= tuple(map(int, version.groups()))


def test_the_ports_are_told_and_listening_outside_is_left_to_whoever_runs_it() -> None:
    assert [one.words for one in final("EXPOSE")] == [["50051", "9464"]]
    assert final("ENV") == []


def test_a_build_elsewhere_writes_the_paths_of_this_one() -> None:
    folders = [one.text for one in instructions() if one.name == "WORKDIR"]
    build = (ROOT / "deploy/build").read_text()
    assert folders == ["/build"]
    assert build.count("=$PWD=/build") == 2, "for Rust and for C"
    assert build.count("=$home=/usr/local/cargo") == 2
