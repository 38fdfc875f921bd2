"""The benchmark runs, counts rightly and fills every column. Times and memory are never judged in a test."""

from __future__ import annotations

import asyncio
import math
from dataclasses import fields
from pathlib import Path

import pytest

from sandbox.image_api.latency import Latency
from tools.benchmarks.__main__ import main
from tools.benchmarks.burst import Plan, measure
from tools.benchmarks.chart import main as draw
from tools.benchmarks.figures import Figures, figures
from tools.benchmarks.gallery import MOTIFS, Gallery
from tools.benchmarks.process import Contestant
from tools.benchmarks.results import Results
from tools.benchmarks.table import ROWS, Row, table

JOBS = 3


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the benchmark reads Linux's /proc")
async def test_the_smallest_benchmark_counts_rightly_and_fills_every_column(tmp_path: Path) -> None:
    gallery = Gallery(MOTIFS[:1])
    plans = [
        Plan(JOBS, contestant, Latency.fixed(0.3), count=2, warm_up=1, settle_s=0.2, idle_s=0.2)
        for contestant in (Contestant.EASEL, Contestant.PLAIN)
    ]
    bursts = [figures(seen) for seen in await asyncio.gather(*(measure(plan, gallery) for plan in plans))]
    for it in bursts:
        assert (it.delivered, it.accepted, it.refused, it.lost, it.twice) == (JOBS, JOBS, 0, 0, 0)
        assert it.questions_per_task >= 1
        assert it.edits_per_job >= 1
        assert it.peak_mb >= it.idle_mb > 0
        numbers = [getattr(it, field.name) for field in fields(Figures) if field.name != "contestant"]
        assert not any(math.isnan(number) for number in numbers)
    assert bursts[0].exit_code == 0
    printed = table(bursts)
    assert all((row.label if isinstance(row, Row) else row) in printed for row in ROWS)
    Results(bursts, runs=1, took_s=1.0).write(tmp_path / "results.json")
    assert draw([str(tmp_path / "results.json"), str(tmp_path / "chart.svg")]) == 0
    assert "Easel" in (tmp_path / "chart.svg").read_text()


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the benchmark reads Linux's /proc")
def test_a_bot_that_does_not_start_costs_the_bench_no_other_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results.json"
    bots = ["--bot", Contestant.EASEL, "--bot", Contestant.PLAIN]
    # The plain bot does not know this variable.
    assert main(["--smoke", "--stream", "0", *bots, "--set", "UNIALL_MODE=none", "--json", str(file)]) == 1
    results = Results.read(file)
    assert {it.contestant for it in results.bursts} == {Contestant.PLAIN}
    assert all(it.delivered == it.jobs for it in results.bursts)
    assert "UNIALL_MODE is no word that is known here" in results.failed[0]
    assert results.failed[0] in capsys.readouterr().out
