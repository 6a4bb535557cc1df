"""What several files of tests stand on."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import grpc_tools
import pytest
from grpc_tools import protoc
from serving import ROOT


@pytest.fixture(scope="session")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the generated stubs are; they can be imported."""
    folder = tmp_path_factory.mktemp("stubs")
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    files = [str(path) for path in sorted(ROOT.glob("proto/**/*.proto"))]
    arguments = [f"-I{ROOT / 'proto'}", f"-I{well_known}"]
    arguments += [f"--python_out={folder}", f"--grpc_python_out={folder}", *files]
    assert protoc.main(["protoc", *arguments]) == 0
    sys.path.insert(0, str(folder))
    return folder


@pytest.fixture(scope="session")
def pb(stubs: Path) -> Any:
    """The messages of pools."""
    return importlib.import_module("cognito.identity.v1.pools_pb2")


@pytest.fixture(scope="session")
def identities(stubs: Path) -> Any:
    """The messages of identities."""
    return importlib.import_module("cognito.identity.v1.identities_pb2")
