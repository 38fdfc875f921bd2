"""What the benchmark makes of its figures."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from tools.benchmarks.chart import PANELS, chart
from tools.benchmarks.figures import Figures
from tools.benchmarks.process import Contestant
from tools.benchmarks.results import Results, median_of
from tools.benchmarks.table import aims, growth, table

SVG = "{http://www.w3.org/2000/svg}"


def figures(contestant: Contestant, jobs: int, *, over_s: float = 0.0, cpu_per_job_ms: float = 10.0) -> Figures:
    plain: dict[str, Any] = {field.name: 1 for field in fields(Figures)}
    told: dict[str, Any] = {"contestant": contestant, "jobs": jobs, "over_s": over_s, "cpu_per_job_ms": cpu_per_job_ms}
    return Figures(**(plain | told))


BURSTS = [
    figures(Contestant.EASEL, 10),
    figures(Contestant.PLAIN, 10),
    figures(Contestant.EASEL, 1000, cpu_per_job_ms=15.0),
    figures(Contestant.PLAIN, 1000, cpu_per_job_ms=8.0),
    figures(Contestant.EASEL, 1000, over_s=25.0, cpu_per_job_ms=99.0),
]


def test_the_chart_shows_every_burst_in_every_panel() -> None:
    picture = ET.fromstring(chart(BURSTS))
    texts = [each.text for each in picture.iter(f"{SVG}text")]
    bars = [each for each in picture.iter(f"{SVG}rect") if each.get("width") == "26"]
    assert len(bars) == 4 * len(PANELS)
    assert {panel.title for panel in PANELS} <= set(texts)
    assert {"1,000", "15.0", "8.0"} <= set(texts)
    assert "99.0" not in texts


def test_growth_is_told_from_the_smallest_burst_to_the_largest_and_marked_where_it_is_too_much() -> None:
    (line,) = [each for each in growth(BURSTS).splitlines() if "processor time" in each]
    assert line.split()[-3:] == ["1.50!", "0.80", "1.2"]


def test_a_missed_aim_is_marked() -> None:
    (line,) = [each for each in table(BURSTS).splitlines() if "idle subtracted" in each]
    assert line.split("ms")[1].split("  ")[-1].strip() == "12 | 8 | 10"
    assert line.split("ms")[1].split()[:5] == ["10.0", "10.0", "15.0!", "8.0", "99.0!"]


def test_a_single_burst_has_no_growth() -> None:
    assert growth(BURSTS[:1]) == ""


def test_aims_set_for_the_published_latency_are_not_held_against_another() -> None:
    slow = replace(figures(Contestant.EASEL, 1000), published=False, lag_mean_s=9.0, ack_p99_ms=1999.0)
    lines = table([slow, replace(slow, published=True)]).splitlines()
    marks = {line.split("  ")[1]: line.count("!") for line in lines if line.startswith("  ")}
    assert (marks["mean"], marks["p99"]) == (1, 2)


def test_of_several_runs_the_median_counts_and_the_worst_of_what_must_not_happen() -> None:
    quiet = replace(figures(Contestant.EASEL, 10), lost=0, lag_mean_s=0.5, edits_most=3)
    one = median_of([replace(quiet, lag_mean_s=9.0, edits_most=9), quiet, replace(quiet, lost=1, lag_mean_s=0.4)])
    assert (one.lag_mean_s, one.edits_most, one.lost, one.contestant) == (0.5, 3, 1, Contestant.EASEL)


def test_results_are_read_as_they_were_kept(tmp_path: Path) -> None:
    results = Results(BURSTS, runs=3, took_s=60.0, left_out=["a bot: not to be had"], failed=["a run: TimeoutError"])
    results.write(tmp_path / "results.json")
    assert Results.read(tmp_path / "results.json") == results


def test_a_figure_that_a_bot_cannot_have_is_kept_as_null(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    Results([replace(BURSTS[0], lag_mean_s=float("nan"))], runs=1, took_s=1.0).write(file)
    assert "NaN" not in file.read_text("utf-8")
    assert math.isnan(Results.read(file).bursts[0].lag_mean_s)


def test_every_aim_is_told_with_its_figure_and_whether_it_is_met() -> None:
    told = {" ".join(it.split()) for it in aims([*BURSTS, replace(BURSTS[0], jobs=200, idle_mb=71.0)]).splitlines()}
    assert {
        "processor time: per job, idle subtracted, ms, 10 at once 10.0 12 met",
        "processor time: per job, idle subtracted, ms, 1,000 at once 15.0 8 NOT MET",
        "processor time: per job, idle subtracted, ms, 1,000 within 25 s 99.0 10 NOT MET",
        "resident memory of the bot: idle 71.0 70 NOT MET",
        "start of the bot: processor time until then, s 1.00 0.6 NOT MET",
        "jobs: lost 1 0 NOT MET",
    } <= told
    assert not [it for it in told if "200 at once" in it and "processor" in it]
    assert aims(BURSTS[1:2]) == ""
    (asked,) = [
        it for it in aims([replace(BURSTS[-1], published=False, questions_per_task=5.0)]).splitlines() if "5.0" in it
    ]
    assert asked.split()[-3:] == ["3.2", "NOT", "MET"]


def test_a_figure_that_a_bot_cannot_have_is_no_missed_aim() -> None:
    (line,) = [it for it in table([replace(BURSTS[0], lag_mean_s=float("nan"))]).splitlines() if "  mean" in it]
    assert line.split()[1] == "–"
