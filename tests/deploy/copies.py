"""Writes the alerts for the Prometheus operator from those for Prometheus itself.

python tests/deploy/copies.py
"""

from __future__ import annotations

from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus/alerts.yaml"
RULE = DEPLOY / "kubernetes/prometheus-operator/prometheusrule.yaml"
HEAD = """\
# Written by tests/deploy/copies.py from deploy/prometheus/alerts.yaml.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: poolgate
spec:
"""


def rule() -> str:
    """The alerts as a resource."""
    lines = ALERTS.read_text().splitlines()
    groups = lines[lines.index("groups:") :]
    return HEAD + "".join(f"  {line}".rstrip() + "\n" for line in groups)


if __name__ == "__main__":
    RULE.write_text(rule())
