"""The dashboard and the alert rules: read by the real tools' checkers, and by eye for what those do not see.

Grafana itself is not run here: it is in no Debian package. What is held is the form it imports, and every query
by Prometheus's own parser.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from tests.monitoring import ALERT_TESTS, ALERTS, DASHBOARD, expressions, panels, promtool

GROUPS = ["Is it well?", "People", "Jobs", "Image API", "Discord", "Money", "Process"]


def test_the_rules_are_rules_and_each_says_what_to_do() -> None:
    promtool("check", "rules", "--lint-fatal", str(ALERTS))
    text = ALERTS.read_text("utf-8")
    assert text.count("- alert: ") == text.count("runbook: >-") == text.count("summary: ") > 5


def test_the_rules_fire_when_they_should() -> None:
    promtool("test", "rules", str(ALERT_TESTS))


def test_every_query_of_the_dashboard_is_one_that_prometheus_can_read(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{n}", "expr": it} for n, it in enumerate(expressions())]
    assert len(rules) > 30
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))  # JSON is YAML
    promtool("check", "rules", str(file))


def test_the_dashboard_is_ready_to_be_imported() -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    assert board["id"] is None  # an import makes a new one
    assert board["title"] == "Easel"
    assert [it["title"] for it in panels() if it["type"] == "row"] == GROUPS
    assert {it["name"] for it in board["templating"]["list"]} == {"datasource", "instance"}
    ids = [it["id"] for it in panels()]
    assert len(set(ids)) == len(ids)


def test_every_panel_asks_the_chosen_datasource_and_says_what_it_shows() -> None:
    for panel in panels():
        if panel["type"] == "row":
            continue
        assert panel["description"], panel["title"]
        sources = [panel["datasource"], *(it["datasource"] for it in panel["targets"])]
        assert all(it == {"type": "prometheus", "uid": "${datasource}"} for it in sources), panel["title"]
        assert len({it["refId"] for it in panel["targets"]}) == len(panel["targets"]) > 0


def test_no_panels_lie_over_each_other() -> None:
    places = [it["gridPos"] for it in panels()]
    assert all(it["x"] + it["w"] <= 24 for it in places)
    for a, b in itertools.combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        assert beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"], (a, b)
