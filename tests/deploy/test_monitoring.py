"""The rules are Prometheus's, and fire when they should. Their metrics are checked with the
code (`tests/it/shipped.rs`)."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import yaml
from copies import ALERTS, DEPLOY, RULE, rule


def test_prometheus_takes_the_rules_and_they_fire_when_they_should() -> None:
    for command in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]):
        subprocess.run(["promtool", *command], cwd=ALERTS.parent, check=True)


def test_every_alert_is_seen_to_fire() -> None:
    alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text())
    tested = (ALERTS.parent / "alerts_test.yaml").read_text()
    for alert in alerts:
        assert f'{{alertname="{alert}"}}' in tested, alert


def test_the_operator_gets_the_same_rules() -> None:
    assert RULE.read_text() == rule(), "write it with `python tests/deploy/copies.py`"
    assert yaml.safe_load(rule())["spec"] == yaml.safe_load(ALERTS.read_text())


def test_prometheus_can_read_every_query_of_the_dashboard(tmp_path: Path) -> None:
    dashboard = json.loads((DEPLOY / "grafana/poolgate.json").read_text())
    queries = [
        target["expr"].replace("$__rate_interval", "5m").replace("$__range", "1h")
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]
    rules = [{"record": f"poolgate:query:{i}", "expr": query} for i, query in enumerate(queries)]
    written = tmp_path / "rules.yaml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    subprocess.run(["promtool", "check", "rules", str(written)], check=True)
    assert len(queries) > 20


def test_panels_have_numbers_of_their_own_and_lie_side_by_side() -> None:
    panels = json.loads((DEPLOY / "grafana/poolgate.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
