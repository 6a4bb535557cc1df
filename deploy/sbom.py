#!/usr/bin/env python3
"""Writes the bill of materials of the shipped binary, as CycloneDX 1.6 in JSON.

    deploy/sbom.py > poolgate.cdx.json

It lists what is linked into the binary (scope `required`) and what only builds it
(`excluded`), with licenses, the registry's hashes and who depends on whom. The same sources
give the same bytes; SOURCE_DATE_EPOCH adds a time. Wants cargo and Python 3.11.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TARGET = "x86_64-unknown-linux-gnu"


def main() -> None:
    """Prints the bill."""
    linked, used = tree("normal,no-proc-macro"), tree("normal,build")
    json.dump(bill(metadata(), linked, used, hashes()), sys.stdout, indent=2)
    print()


def metadata() -> dict[str, Any]:
    """What cargo says about the packages for the target."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    printed = subprocess.run(
        [*command, "--filter-platform", TARGET], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    found: dict[str, Any] = json.loads(printed.stdout)
    return found


def tree(edges: str) -> set[tuple[str, str]]:
    """The packages, by name and version, that cargo comes to over such edges. Unlike its
    metadata these are without what tests alone switch on."""
    command = ["cargo", "tree", "--locked", "--target", TARGET, "--prefix", "none"]
    printed = subprocess.run(
        [*command, "--edges", edges, "--format", "{p}"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    words = [line.split() for line in printed.stdout.splitlines() if line]
    return {(name, version.removeprefix("v")) for name, version, *_ in words}


def hashes() -> dict[tuple[str, str], str]:
    """The SHA-256 of packages, by name and version, as the lock file has them."""
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return {(one["name"], one["version"]): one["checksum"] for one in locked if "checksum" in one}


def bill(
    found: dict[str, Any],
    linked: set[tuple[str, str]],
    used: set[tuple[str, str]],
    checksums: dict[tuple[str, str], str],
) -> dict[str, Any]:
    """The bill of materials."""
    packages = {
        package["id"]: package
        for package in found["packages"]
        if (package["name"], package["version"]) in used
    }
    nodes = [node for node in found["resolve"]["nodes"] if node["id"] in packages]
    root = found["resolve"]["root"]
    components = [
        component(package, checksums, (package["name"], package["version"]) in linked)
        for package in packages.values()
        if package["id"] != root
    ]
    components.sort(key=lambda one: one["bom-ref"])
    dependencies = [
        {
            "ref": purl(packages[node["id"]]),
            "dependsOn": sorted(purl(packages[to]) for to in edges(node) if to in packages),
        }
        for node in nodes
    ]
    dependencies.sort(key=lambda one: str(one["ref"]))
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": component(packages[root], checksums, True) | {"type": "application"}
        },
        "components": components,
        "dependencies": dependencies,
    }
    name = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    document["serialNumber"] = name.urn
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        time = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)
        document["metadata"]["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ")
    return document


def edges(node: dict[str, Any]) -> set[str]:
    """Where a package's dependencies lead, but for those of its tests."""
    return {
        edge["pkg"]
        for edge in node["deps"]
        if any(kind["kind"] in (None, "build") for kind in edge["dep_kinds"])
    }


def component(
    package: dict[str, Any], checksums: dict[tuple[str, str], str], is_linked: bool
) -> dict[str, Any]:
    """One package."""
    name, version = package["name"], package["version"]
    described: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl(package),
        "name": name,
        "version": version,
        "scope": "required" if is_linked else "excluded",
        "purl": purl(package),
    }
    if package["description"]:
        described["description"] = " ".join(package["description"].split())
    if package["license"]:
        # Before SPDX, a slash stood for a choice.
        license_ = package["license"].replace("/", " OR ")
        described["licenses"] = [{"expression": license_}]
    if checksum := checksums.get((name, version)):
        described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        described["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return described


def purl(package: dict[str, Any]) -> str:
    """The package URL, which names a package everywhere."""
    return f"pkg:cargo/{package['name']}@{package['version']}"


if __name__ == "__main__":
    main()
