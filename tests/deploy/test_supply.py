"""The bill of materials is CycloneDX, and lists what cargo builds."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[2]


def test_the_bill_is_cyclonedx_and_lists_what_is_built() -> None:
    printed = output(str(ROOT / "deploy/sbom.py"))

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(printed) is None
    bill = json.loads(printed)
    listed = {f"{one['name']} v{one['version']}" for one in bill["components"]}
    tree = output("cargo", "tree", "--locked", "--edges", "normal,build", "--prefix", "none")
    built = {" ".join(line.split()[:2]) for line in tree.splitlines() if line}
    built = {one for one in built if not one.startswith("poolgate ")}
    assert len(listed & built) >= 0.95 * len(built), built - listed
    assert all(one["licenses"] and one["hashes"] for one in bill["components"])
    known = {one["bom-ref"] for one in [bill["metadata"]["component"], *bill["components"]]}
    for one in bill["dependencies"]:
        assert {one["ref"], *one["dependsOn"]} <= known
    assert printed == output(str(ROOT / "deploy/sbom.py")), "the same sources, the same bytes"


def output(*command: str) -> str:
    printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return printed.stdout
