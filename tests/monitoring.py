"""The dashboard and the alert rules, as tests look at them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

DEPLOY = Path(__file__).parents[1] / "deploy"
DASHBOARD, ALERTS, ALERT_TESTS = DEPLOY / "grafana.json", DEPLOY / "alerts.yml", DEPLOY / "alerts.test.yml"
_METRIC = re.compile(r"\b(?:easel|process)_[a-z_]+\b")


def promtool(*arguments: str, text: str | None = None) -> str:
    """What Prometheus's own checker says to this; fails the test where it finds a fault, skips where it is missing."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: on Debian it is part of the package prometheus")
    command = [program, *arguments]
    judged = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, cwd=DEPLOY, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    return judged.stdout


def panels() -> list[dict[str, Any]]:
    """All panels of the dashboard, rows included."""
    return cast("list[dict[str, Any]]", json.loads(DASHBOARD.read_text("utf-8"))["panels"])


def expressions() -> Iterator[str]:
    """Every query of the dashboard, as Prometheus sees it once Grafana has put its variables in."""
    for panel in panels():
        for target in panel.get("targets", []):
            yield str(target["expr"]).replace("$__rate_interval", "5m").replace("$instance", ".*")


def metrics_used() -> set[str]:
    """Every metric that the dashboard or a rule asks for."""
    rules = "\n".join(line for line in ALERTS.read_text("utf-8").splitlines() if not line.lstrip().startswith("#"))
    return set(_METRIC.findall("\n".join([*expressions(), rules])))


def metrics_in(text: str) -> set[str]:
    """Every metric that an answer of `/metrics` declares, a histogram's and summary's parts by their own names."""
    found = set[str]()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        found |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}
    return found
