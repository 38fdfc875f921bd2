"""`python -m tools.torture`: exit code 0 when every promise was kept, 1 otherwise."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

from tests.databases import KINDS, PostgresServer, postgres_server, sqlite_url, why_no_postgres
from tools.torture.run import SETTLE_S, SUBMISSIONS_PER_S, Plan, torture

LOGS = Path(tempfile.gettempdir()) / "easel-torture-logs"


def main() -> int:
    """Read the command line, torture, tell."""
    options = _parser().parse_args()
    several = options.shards > 1 or options.workers
    kind = options.database or ("postgresql" if several else "sqlite")
    if several and kind == "sqlite":
        return _refuse("A SQLite file is one process's alone: leave --shards and --workers out.")
    if kind == "postgresql" and (missing := why_no_postgres()):
        return _refuse(f"This needs PostgreSQL, but {missing}.")
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    settle_s = max(SETTLE_S, options.jobs / SUBMISSIONS_PER_S * 1.5) if options.hard else SETTLE_S
    settle_s = options.settle or settle_s
    plan = Plan(
        *(options.jobs, options.kills, seed, options.shards, options.workers, options.within),
        settle_s=settle_s,
        hard=options.hard,
        logs=options.logs / kind,
    )
    _say(f"{plan.jobs} jobs on {kind}, seed {seed}, {len(plan.members())} processes …")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="easel-torture-") as name, _database(kind, Path(name)) as (url, server):
        counted = asyncio.run(torture(plan, url, Path(name), server))
    _say(counted.table())
    _say(f"{'seconds':<42}{time.monotonic() - began:>8.0f}")
    _say(f"The ends of the bots' logs lie in {plan.logs}.")
    return 0 if counted.holds else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.torture", description=__doc__)
    parser.add_argument("--jobs", type=int, default=300, help="commands that people use (300)")
    parser.add_argument("--kills", type=int, default=10, help="how often a process is killed (10)")
    parser.add_argument("--within", type=float, default=90.0, metavar="S", help="seconds for all of that (90)")
    parser.add_argument("--settle", type=float, metavar="S", help="seconds until all has ended, once all is well again")
    parser.add_argument("--seed", type=int, help="begin of the dice; without it any")
    parser.add_argument("--database", choices=KINDS, help="where jobs are kept (sqlite, with several processes not)")
    parser.add_argument(
        "--logs", type=Path, default=LOGS, metavar="FOLDER", help=f"where the bots' logs are kept ({LOGS})"
    )
    parser.add_argument("--shards", type=int, default=1, help="bots, each with its part of the servers (1)")
    parser.add_argument("--workers", type=int, default=0, help="processes of `python -m bot work` beside them (0)")
    parser.add_argument(
        "--hard",
        action="store_true",
        help="also slow disks, frozen processes, clocks apart, and an API of 5 submissions a second",
    )
    return parser


@contextlib.contextmanager
def _database(kind: str, folder: Path) -> Generator[tuple[str, PostgresServer | None]]:
    if kind == "sqlite":
        yield sqlite_url(folder), None
        return
    with postgres_server() as server:
        yield server.create_database(), server


if __name__ == "__main__":
    sys.exit(main())
