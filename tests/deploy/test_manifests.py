"""The manifests and the chart are what Kubernetes takes, and what poolgate takes.

POOLGATE_BINARY names the binary that reads their configuration.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from rendered import (
    CHART,
    COMMANDS,
    DEPLOY,
    HELM,
    Resource,
    container,
    mounted,
    of_kind,
    pod,
    printed,
    rendered,
    workload,
)

BINARY = str(Path(os.environ.get("POOLGATE_BINARY", "target/release/poolgate")).resolve())
# The oldest that the chart is for, and the newest whose schemas are at hand.
VERSIONS = ["1.28", "1.37"]
CUSTOM = ("Certificate", "ServiceMonitor", "PrometheusRule")
# Secrets that whoever installs poolgate makes.
SECRETS = {"poolgate-tls", "poolgate-audit"}

everywhere = pytest.mark.parametrize("name", COMMANDS)


@everywhere
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_field(name: str, version: str) -> None:
    for resource in rendered(name):
        if resource["kind"] not in CUSTOM:
            kubernetes_validate.validate(resource, version, strict=True)


@everywhere
def test_the_operators_know_every_field(name: str) -> None:
    checked = custom(of_kind(rendered(name), *CUSTOM))
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr


def test_a_field_that_an_operator_does_not_know_is_noticed() -> None:
    monitor: dict[str, object] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "planted"},
        "spec": {"selector": {}, "endpoints": [{"port": "admin", "intervall": "15s"}]},
    }
    assert "/spec/endpoints/0/intervall is not known" in custom([monitor]).stdout


def custom(resources: list[dict[str, object]]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", "custom_resources.js"],
        cwd=Path(__file__).parent,
        input=json.dumps(resources),
        capture_output=True,
        text=True,
        check=False,
    )


@everywhere
def test_poolgate_takes_the_configuration_that_its_pods_find(name: str, tmp_path: Path) -> None:
    checked = check(rendered(name), tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")


def check(resources: list[Resource], root: Path) -> subprocess.CompletedProcess[str]:
    """What `poolgate check` says of the files and variables of a pod, which are below a root."""
    stand_ins = secrets()
    moved = {"/etc/poolgate": f"{root}/etc", "/var/lib/poolgate": f"{root}/var"}
    (root / "var").mkdir(parents=True)

    def here(text: str) -> str:
        for place, folder in moved.items():
            text = text.replace(place, folder)
        return text

    for place, content in mounted(resources):
        path = Path(here(place))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(stand_ins[path.name] if content is None else here(content))
    environment = {
        one["name"]: here(one.get("value", "pod-0")) for one in container(resources)["env"]
    }
    arguments = [here(word) for word in container(resources)["args"]]
    assert arguments[0] == "serve"
    return subprocess.run(
        [BINARY, "check", *arguments[1:]],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_policy_of_the_values_is_in_force_and_the_example_can_be_left_out(
    tmp_path: Path,
) -> None:
    added = ["--set-string", r"policies.guard\.cedar=nothing;"]
    values = tmp_path / "values.yaml"
    values.write_text("policies: { applications.cedar: null }\n")

    beside = check(printed([*HELM, *added]), tmp_path / "beside")
    alone = check(printed([*HELM, *added, "--values", str(values)]), tmp_path / "alone")

    for told in (beside, alone):
        assert told.returncode == 78
        assert "guard.cedar:1:" in told.stderr
    assert (tmp_path / "beside/etc/policies/applications.cedar").exists()
    assert not (tmp_path / "alone/etc/policies/applications.cedar").exists()


def test_numbers_of_a_file_of_values_keep_their_form(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(
        "environment:\n"
        "  POOLGATE_AUDIT__ROTATE_BYTES: 67108864\n"
        "  POOLGATE_UPSTREAM__ACCOUNT_ID: 123456789012\n"
        "  POOLGATE_TRACES__SAMPLE_RATIO: 0.05\n"
        "  POOLGATE_SERVER__REFLECTION: false\n"
    )

    resources = printed([*HELM, "--values", str(values)])

    environment = {one["name"]: one.get("value") for one in container(resources)["env"]}
    assert environment["POOLGATE_AUDIT__ROTATE_BYTES"] == "67108864"
    assert environment["POOLGATE_UPSTREAM__ACCOUNT_ID"] == "123456789012"
    assert environment["POOLGATE_TRACES__SAMPLE_RATIO"] == "0.05"
    assert environment["POOLGATE_SERVER__REFLECTION"] == "false"
    checked = check(resources, tmp_path / "root")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("release", ["1shop", "my.shop", "1.poolgate", "9" * 53, "shop"])
def test_whatever_the_release_is_called_kubernetes_takes_the_names(release: str) -> None:
    command = [release if word == "release" else word for word in HELM]
    for resource in printed(command):
        # RFC 1035, and a StatefulSet adds a number and a hash.
        name = resource["metadata"]["name"]
        assert re.fullmatch(r"[a-z]([-a-z0-9]{0,58}[a-z0-9])?", name), name


@everywhere
def test_pods_may_do_nothing_that_poolgate_does_not_need(name: str) -> None:
    settings = pod(rendered(name))
    assert settings["automountServiceAccountToken"] is False
    assert settings["securityContext"]["runAsNonRoot"] is True
    assert settings["securityContext"]["runAsUser"] == 65532
    assert settings["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(rendered(name))["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@everywhere
def test_what_is_referred_to_is_there(name: str) -> None:
    resources = rendered(name)
    settings, one = pod(resources), container(resources)
    labels = workload(resources)["spec"]["template"]["metadata"]["labels"]
    ports = {port["name"]: port["containerPort"] for port in one["ports"]}
    accounts = {account["metadata"]["name"] for account in of_kind(resources, "ServiceAccount")}

    def selects_pods(selector: dict[str, str]) -> bool:
        return bool(selector) and selector.items() <= labels.items()

    assert settings["serviceAccountName"] in accounts
    assert selects_pods(workload(resources)["spec"]["selector"]["matchLabels"])
    for service in of_kind(resources, "Service"):
        assert service["spec"]["clusterIP"] == "None", "gRPC clients balance themselves"
        assert selects_pods(service["spec"]["selector"])
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= set(ports)
        for monitor in of_kind(resources, "ServiceMonitor"):
            wanted = monitor["spec"]["selector"]["matchLabels"]
            assert wanted.items() <= service["metadata"]["labels"].items()
            named = {port["name"] for port in service["spec"]["ports"]}
            assert {end["port"] for end in monitor["spec"]["endpoints"]} <= named
    for budget in of_kind(resources, "PodDisruptionBudget"):
        assert selects_pods(budget["spec"]["selector"]["matchLabels"])
    for policy in of_kind(resources, "NetworkPolicy"):
        assert selects_pods(policy["spec"]["podSelector"]["matchLabels"])
        for rule in policy["spec"]["ingress"]:
            for peer in rule["from"]:
                callers = peer.get("podSelector", {}).get("matchLabels", {})
                assert not callers.keys() & labels.keys(), "others call, not poolgate's pods"
            assert {port["port"] for port in rule["ports"]} <= set(ports.values())
    for scaler in of_kind(resources, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        assert target["kind"] == workload(resources)["kind"]
        assert target["name"] == workload(resources)["metadata"]["name"]
        assert "replicas" not in workload(resources)["spec"], "the autoscaler's alone"
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert one[probe]["httpGet"]["port"] in ports
    volumes = {volume["name"] for volume in settings["volumes"]}
    claims = workload(resources)["spec"].get("volumeClaimTemplates", [])
    volumes |= {claim["metadata"]["name"] for claim in claims}
    assert {mount["name"] for mount in one["volumeMounts"]} == volumes
    for volume in settings["volumes"]:
        for source in volume.get("projected", {}).get("sources", []):
            assert source.get("secret", {}).get("name", "poolgate-tls") in SECRETS


@everywhere
def test_a_pod_has_the_time_that_its_drain_takes(name: str) -> None:
    resources = rendered(name)
    texts = [text for place, text in mounted(resources) if place.endswith("/poolgate.toml")]
    given = dict(re.findall(r'^(drain_\w+) = "(\d+)s"', texts[0] or "", flags=re.M))
    longest = int(given.get("drain_notice", 5)) + int(given.get("drain_grace", 25))
    assert pod(resources)["terminationGracePeriodSeconds"] >= longest + 10


def test_the_chart_refuses_values_that_it_does_not_know() -> None:
    for wrong in (
        "replica=3",
        "journal.persistant=false",
        "image.digest=latest",
        "autoscaling.minReplicas=7",
        r"policies.guard=permit",
    ):
        refused = subprocess.run(
            [*HELM, "--set", wrong], capture_output=True, text=True, check=False
        )
        assert refused.returncode != 0, wrong


def test_the_chart_and_the_manifests_have_the_version_of_the_package() -> None:
    manifest = (DEPLOY.parent / "Cargo.toml").read_text()
    version = re.search(r'^version = "(.+)"$', manifest, flags=re.M)
    assert version
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == version[1]
    for name in ("kustomize", "helm"):
        assert container(rendered(name))["image"].endswith(f":{version[1]}")


def test_helm_finds_no_fault() -> None:
    command = ["helm", "lint", "--strict", str(CHART)]
    for values in [[], *(["--values", str(one)] for one in (CHART / "ci").iterdir())]:
        subprocess.run([*command, *values], check=True, capture_output=True)


def secrets() -> dict[str, str]:
    """Stand-ins for the files of secrets, by their names."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("poolgate")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return {
        "tls.crt": public,
        "tls.key": private,
        "ca.crt": public,
        "mac-key": "a stand-in of more than 32 bytes, as is wanted",
        "signing-key.pem": private,
    }
