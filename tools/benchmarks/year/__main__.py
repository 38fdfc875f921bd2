"""Measure a year: `python -m tools.benchmarks --year [--jobs N] [--kinds sqlite,postgresql] [--only WORDS] …`.

It prints, for every act that touches the database, the median and the worst of ten runs at a million ended jobs, beside
the same at a thousand, warm and cold; and how long a request waits for its row while somebody reads a list.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.databases import KINDS, why_no_postgres
from tools.benchmarks.year.approvals import APPROVALS
from tools.benchmarks.year.background import BACKGROUND
from tools.benchmarks.year.bounds import small_machine
from tools.benchmarks.year.commands import COMMANDS
from tools.benchmarks.year.databases import Place, postgresql, postgresql_place, sqlite_place
from tools.benchmarks.year.measuring import cold, cold_crowd, crowd, warm
from tools.benchmarks.year.report import Findings, acts_table, crowd_table, missed
from tools.benchmarks.year.shape import Shape
from tools.benchmarks.year.world import Act

ACTS = (*COMMANDS, *APPROVALS, *BACKGROUND)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a median misses its goal."""
    options = _parser().parse_args(arguments)
    acts = [it for it in ACTS if any(word in it.name for word in options.only.split(","))]
    options.folder.mkdir(parents=True, exist_ok=True)
    kinds = options.kinds.split(",")
    if "postgresql" in kinds and (why := why_no_postgres()):
        print(f"PostgreSQL is left out: {why}.", file=sys.stderr)
        kinds.remove("postgresql")
    found: list[Findings] = []
    sizes = list(dict.fromkeys((options.beside, options.jobs)))
    for kind in kinds:
        for jobs in sizes:
            with _place(kind, Shape(jobs), options.folder) as place:
                found.append(_measured(place, acts, options))
            if options.json:  # each time: the whole takes an hour, and a run may be stopped
                options.json.write_text(json.dumps([asdict(it) for it in found], indent=1) + "\n")
        of_kind = found[-len(sizes) :]
        print("\n\n".join(filter(None, [acts_table(of_kind), *map(crowd_table, of_kind)])), flush=True)
    return 1 if missed(found) else 0


@contextmanager
def _place(kind: str, shape: Shape, folder: Path) -> Generator[Place]:
    """A filled database, in a bounded place once it is filled."""
    if kind == "sqlite":
        with sqlite_place(folder, shape) as place, small_machine(folder) as said:
            _tell(*said)
            yield place
        return
    with postgresql(folder) as server, postgresql_place(server, shape) as place:
        # The server belongs to whoever starts it, so it is started anew on either side of the bounds.
        server.stop()
        try:
            with small_machine(folder) as said:
                _tell(*said)
                server.start()
                try:
                    yield place
                finally:
                    server.stop()
        finally:
            server.start()


def _measured(place: Place, acts: Sequence[Act], options: argparse.Namespace) -> Findings:
    found = Findings(place.kind, place.shape.jobs)
    what = f"{place.kind}, {place.shape.jobs:,} jobs"
    lists = [it for it in acts if it.is_list]
    if options.cold:
        found.cold = cold(place, acts, options.cold, lambda name: _tell(f"{what}, cold: {name}"))
    if options.warm:
        _tell(f"{what}, warm")
        found.warm = warm(place, acts, options.warm)
    if options.crowd and lists and place.shape.jobs == options.jobs:
        found.crowd = crowd(place, lists, lambda name: _tell(f"{what}, requests meanwhile: {name}"))
        found.cold_crowd = cold_crowd(place, lists, lambda name: _tell(f"{what}, cold, requests meanwhile: {name}"))
    return found


def _tell(*sentences: str) -> None:
    for sentence in sentences:
        print(sentence, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmarks --year", description="What each act on the database takes after a year."
    )
    add = parser.add_argument
    add("--jobs", type=int, default=1_000_000, metavar="N", help="ended jobs (1,000,000)")
    add("--beside", type=int, default=1_000, metavar="N", help="ended jobs of the database beside it (1,000)")
    add("--kinds", default=",".join(KINDS), help="of databases (sqlite,postgresql)")
    add("--only", default="", metavar="WORDS", help="acts whose name has one of these, with commas between")
    add("--warm", type=int, default=10, metavar="N", help="runs of each act; 0 leaves them out (10)")
    add("--cold", type=int, default=10, metavar="N", help="runs on a database in no memory; 0 leaves them out (10)")
    add(
        "--crowd",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="how long requests wait while lists are read",
    )
    add("--json", type=Path, metavar="FILE", help="write all times there, too")
    kept = Path(tempfile.gettempdir(), "easel-year")
    add("--folder", type=Path, default=kept, metavar="FOLDER", help=f"where the databases are kept ({kept})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
