"""What kustomize and helm make of `deploy/`, and what pods of that would find in their files."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
CHART = DEPLOY / "helm/poolgate"
HELM = ["helm", "template", "release", str(CHART), "--namespace", "default"]
COMMANDS = {
    "kustomize": ["kubectl", "kustomize", str(DEPLOY / "kubernetes")],
    "helm": HELM,
    "helm, the emulator": [*HELM, "--values", str(CHART / "ci/emulator.yaml")],
    "helm, everything": [*HELM, "--values", str(CHART / "ci/everything.yaml")],
}

Resource = dict[str, Any]


@functools.cache
def rendered(name: str) -> list[Resource]:
    """The resources."""
    return printed(COMMANDS[name])


def printed(command: list[str]) -> list[Resource]:
    """The resources that a command prints."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def of_kind(resources: list[Resource], *kinds: str) -> list[Resource]:
    """Those of some kinds."""
    return [one for one in resources if one["kind"] in kinds]


def workload(resources: list[Resource]) -> Resource:
    """The one that makes pods."""
    (found,) = of_kind(resources, "StatefulSet", "Deployment")
    return found


def pod(resources: list[Resource]) -> Resource:
    """What its pods are like."""
    spec: Resource = workload(resources)["spec"]["template"]["spec"]
    return spec


def container(resources: list[Resource]) -> Resource:
    """Their one container."""
    (found,) = pod(resources)["containers"]
    assert isinstance(found, dict)
    return found


def mounted(resources: list[Resource]) -> Iterator[tuple[str, str | None]]:
    """The files that a pod finds, with their content, which of secrets is not known here."""
    folders = {one["name"]: one["mountPath"] for one in container(resources)["volumeMounts"]}
    maps = {one["metadata"]["name"]: one["data"] for one in of_kind(resources, "ConfigMap")}
    for volume in pod(resources)["volumes"]:
        for source in volume.get("projected", {}).get("sources", []):
            folder = folders[volume["name"]]
            if "secret" in source:
                for item in source["secret"]["items"]:
                    yield f"{folder}/{item['path']}", None
            else:
                data = maps[source["configMap"]["name"]]
                items = source["configMap"].get("items")
                for item in items or [{"key": key, "path": key} for key in data]:
                    yield f"{folder}/{item['path']}", data[item["key"]]
