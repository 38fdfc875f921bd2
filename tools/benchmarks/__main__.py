"""Measure the bot under load: `python -m tools.benchmarks [--jobs 10,200] [--latency published|fixed:S] …`.

Beside it, on the same servers, the plain bot of baseline.py, and a published one where the package index has it. Each
burst is played several times and its median counts; the stream of jobs, which takes longest, is played once. With
nothing named it takes a quarter of an hour. With --year: what the database costs after a year.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.image_api.latency import PUBLISHED, Latency
from tools.benchmarks import published
from tools.benchmarks.burst import Plan, measure
from tools.benchmarks.figures import Figures, figures, other_ends
from tools.benchmarks.gallery import MOTIFS, Gallery
from tools.benchmarks.process import Contestant
from tools.benchmarks.results import Results, median_of
from tools.benchmarks.table import aims, growth, table
from tools.benchmarks.year import __main__ as year

SHOWN_LOG_LINES = 5
#: People who come one after the other, with so slow an API that nearly all their jobs are in flight together.
STREAM_OVER_S, STREAM_LATENCY = 25.0, Latency.fixed(30.0)
#: What --smoke sets: everything once, and no figure of time or memory that means anything.
SMOKE = {"jobs": (3,), "stream": 3, "runs": 1, "latency": Latency.fixed(0.3)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when Easel lost, delivered or bought twice, or a run failed. Missed aims are only told."""
    given = sys.argv[1:] if arguments is None else arguments
    if "--year" in given:
        return year.main([it for it in given if it != "--year"])
    parser = _parser()
    if "--smoke" in given:
        parser.set_defaults(**SMOKE)
    options = parser.parse_args(given)
    if not Path("/proc/self/schedstat").exists():
        print("The tools.benchmarks read Linux's /proc, which this machine has not.", file=sys.stderr)
        return 1
    left_out = list(_left_out(options.bot or list(Contestant)))
    options.bot = [it for it in options.bot or Contestant if not (left_out and it is Contestant.PUBLISHED)]
    results = _played(options, left_out)
    print("\n\n".join(filter(None, (*(told(results.bursts) for told in (table, growth, aims)), _remarks(results)))))
    sound = all(it.lost == it.twice == 0 for it in results.bursts if it.contestant == Contestant.EASEL)
    return 0 if sound and not results.failed else 1


def _played(options: argparse.Namespace, left_out: Sequence[str]) -> Results:
    """Every burst that was asked for. The file of results has each as soon as it is there, whatever comes after it."""
    began, gallery = time.monotonic(), Gallery(MOTIFS[:1] if options.smoke else MOTIFS)
    bursts: list[Figures] = []
    failed: list[str] = []
    results = Results(bursts, options.runs, 0.0, left_out, failed)
    for plan in _plans(options):
        at, runs = time.monotonic(), list[Figures]()
        for _ in range(1 if plan.over_s else options.runs):
            try:
                runs.append(asyncio.run(_measured(plan, gallery)))
            except Exception as error:  # noqa: BLE001  # whatever broke this run, the others are worth having
                failed.append(f"{_named(plan)}: {type(error).__name__}: {error}")
                print(f"  failed: {failed[-1]}", file=sys.stderr)
        if runs:
            bursts.append(median_of(runs))
        print(f"  took {time.monotonic() - at:.0f} s", file=sys.stderr)
        results = replace(results, took_s=time.monotonic() - began)
        if options.json:
            results.write(options.json)
    return results


def _left_out(contestants: Sequence[Contestant]) -> Iterator[str]:
    """The published bot with the reason, where it cannot be had."""
    if Contestant.PUBLISHED in contestants:
        try:
            published.interpreter()
        except OSError as error:
            yield f"{Contestant.PUBLISHED}: {error}"


def _remarks(results: Results) -> str:
    """How the figures came about."""
    how = (
        f"Each burst is the median of {results.runs} runs, the stream one run; all took {results.took_s / 60:.0f} min."
    )
    notes = [f"Left out: {reason}" for reason in results.left_out]
    return "\n".join([how, *notes, *(f"Failed: {reason}" for reason in results.failed)])


def _named(plan: Plan) -> str:
    return f"{plan.contestant}, {plan.jobs} jobs " + (f"within {plan.over_s:g} s" if plan.over_s else "at once")


async def _measured(plan: Plan, gallery: Gallery) -> Figures:
    print(f"{_named(plan)} …", file=sys.stderr, flush=True)
    seen = await measure(plan, gallery)
    for end, number in other_ends(seen).most_common():
        print(f"  {number} not delivered: {end}", file=sys.stderr)
    for line in seen.bot.log_lines[:SHOWN_LOG_LINES]:
        print(f"  the bot says: {line}", file=sys.stderr)
    return figures(seen)


def _plans(options: argparse.Namespace) -> Iterator[Plan]:
    """Bursts of growing size, the contestants one right after the other, and then a stream of jobs."""
    contestants = options.bot or list(Contestant)
    for jobs in options.jobs:
        for contestant in contestants:
            if contestant is not Contestant.PUBLISHED or jobs <= published.MOST_JOBS:
                yield _plan(options, contestant, jobs, options.latency, options.over)
    if options.stream:
        for contestant in (it for it in contestants if it is not Contestant.PUBLISHED):
            latency, over_s = (options.latency, 1.0) if options.smoke else (STREAM_LATENCY, STREAM_OVER_S)
            yield _plan(options, contestant, options.stream, latency, over_s)


def _plan(options: argparse.Namespace, contestant: Contestant, jobs: int, latency: Latency, over_s: float) -> Plan:
    smoke: dict[str, Any] = {"warm_up": 1, "settle_s": 0.2, "idle_s": 0.2} if options.smoke else {}
    return Plan(
        **smoke,
        jobs=jobs,
        contestant=contestant,
        latency=latency,
        count=options.count,
        edits=options.edits,
        over_s=over_s,
        seed=options.seed,
        variables=dict(options.set),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmarks",
        description="Many jobs at once through an unmodified bot, a local Discord and a local image API.",
    )
    add = parser.add_argument
    add("--year", action="store_true", help="measure the database after a year instead; --year --help says how")
    add("--jobs", type=_numbers, default=(10, 200, 1000), metavar="N,N", help="how many at once (10,200,1000)")
    add("--stream", type=int, default=1000, metavar="N", help="jobs one after the other, all in flight together (1000)")
    add("--bot", type=Contestant, action="append", help="Easel, plain or GPTDiscord; may be repeated (all)")
    add("--latency", type=_latency, default=PUBLISHED, metavar="published|fixed:S", help="of the image API")
    add("--count", type=int, choices=range(1, 5), default=1, help="pictures per job (1)")
    add("--edits", type=_share, default=0.0, metavar="SHARE", help="of the jobs that are edits, 0 to 1 (0)")
    add("--over", type=float, default=0.0, metavar="S", help="let people ask during S seconds instead of all at once")
    add("--seed", type=int, default=1, help="of the latencies (1)")
    add("--set", type=_variable, action="append", default=[], metavar="NAME=VALUE", help="a variable for the bot")
    add("--runs", type=int, choices=range(1, 10), default=3, help="of each burst, of which the median counts (3)")
    add("--smoke", action="store_true", help="three jobs of each kind without pauses: whether all of it runs")
    add("--json", type=Path, metavar="FILE", help="keep the figures there; tools.benchmarks.chart draws them")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    numbers = tuple(int(part) for part in text.split(","))
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError("at least one job is needed")
    return numbers


def _latency(text: str) -> Latency:
    kind, _, seconds = text.partition(":")
    if kind == "published" and not seconds:
        return PUBLISHED
    if kind == "fixed":
        return Latency.fixed(float(seconds))
    raise argparse.ArgumentTypeError("write published, or fixed: and the seconds")


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("a share is a number from 0 to 1")
    return share


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("write NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
