"""Measure the bot under load: `python -m tools.benchmarks [--jobs 10,200] [--latency published|fixed:S] …`.

Beside it, on the same servers, the plain bot of baseline.py. With --year: what the database costs after a year.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from sandbox.image_api.latency import PUBLISHED, Latency
from tools.benchmarks.burst import Plan, measure
from tools.benchmarks.chart import chart
from tools.benchmarks.figures import Figures, figures, other_ends
from tools.benchmarks.gallery import Gallery
from tools.benchmarks.process import Contestant
from tools.benchmarks.table import growth, table
from tools.benchmarks.year import __main__ as year

SHOWN_LOG_LINES = 5
#: People who come one after the other, with so slow an API that nearly all their jobs are in flight together.
STREAM_OVER_S, STREAM_LATENCY = 25.0, Latency.fixed(30.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when Easel lost, delivered or bought twice. Missed aims are only marked."""
    given = sys.argv[1:] if arguments is None else arguments
    if "--year" in given:
        return year.main([it for it in given if it != "--year"])
    options = _parser().parse_args(given)
    if not Path("/proc/self/schedstat").exists():
        print("The tools.benchmarks read Linux's /proc, which this machine has not.", file=sys.stderr)
        return 1
    gallery = Gallery()
    bursts = [asyncio.run(_measured(plan, gallery)) for plan in _plans(options)]
    print("\n\n".join(filter(None, (table(bursts), growth(bursts)))))
    if options.json:
        options.json.write_text(json.dumps([asdict(burst) for burst in bursts], indent=2) + "\n")
    if options.chart:
        options.chart.write_text(chart(bursts), "utf-8")
    sound = all(it.lost == it.twice == 0 for it in bursts if it.contestant == Contestant.EASEL)
    return 0 if sound else 1


async def _measured(plan: Plan, gallery: Gallery) -> Figures:
    when = f"within {plan.over_s:g} s" if plan.over_s else "at once"
    print(f"{plan.contestant}, {plan.jobs} jobs {when} …", file=sys.stderr, flush=True)
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
            yield _plan(options, contestant, jobs, options.latency, options.over)
    if options.stream:
        for contestant in contestants:
            yield _plan(options, contestant, options.stream, STREAM_LATENCY, STREAM_OVER_S)


def _plan(options: argparse.Namespace, contestant: Contestant, jobs: int, latency: Latency, over_s: float) -> Plan:
    return Plan(
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
    add("--bot", type=Contestant, action="append", help="Easel or plain; given twice or not at all, both")
    add("--latency", type=_latency, default=PUBLISHED, metavar="published|fixed:S", help="of the image API")
    add("--count", type=int, choices=range(1, 5), default=1, help="pictures per job (1)")
    add("--edits", type=_share, default=0.0, metavar="SHARE", help="of the jobs that are edits, 0 to 1 (0)")
    add("--over", type=float, default=0.0, metavar="S", help="let people ask during S seconds instead of all at once")
    add("--seed", type=int, default=1, help="of the latencies (1)")
    add("--set", type=_variable, action="append", default=[], metavar="NAME=VALUE", help="a variable for the bot")
    add("--chart", type=Path, metavar="FILE", help="draw the figures there, as SVG")
    add("--json", type=Path, metavar="FILE", help="write the figures there, too")
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
