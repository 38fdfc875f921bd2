"""What tests cost in processor time, file by file: `make test-costs`, or `pytest -p tools.test_costs` and some files.

Processor time says what wall time hides where tests run side by side and wait. It is told in seconds, of the process
that runs the tests (collection, set-up, call and teardown) and of the processes that a file's tests started, by kind.
The whole is written to `.pytest_cache/costs.json`. Needs Linux.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")
OWN = ("collection", "setup", "call", "teardown")
Files = dict[str, dict[str, float]]
KINDS: tuple[str, ...] = ("bots", "started", "postgres", "browser")


class Costs:
    """Seconds of processor time by file and part."""

    def __init__(self) -> None:
        self.files: Files = defaultdict(lambda: defaultdict(float))
        self._own = time.process_time()
        self._theirs = children()
        self._began = time.monotonic()
        self._file = ""

    def note(self, file: str, part: str) -> None:
        """What ran since the last note was this part of this file."""
        now = time.process_time()
        self.files[file][part] += now - self._own
        self._own = now

    def enter(self, file: str) -> None:
        """Another file begins: what children used until here was the last one's."""
        if file == self._file:
            return
        now, moment = children(), time.monotonic()
        if self._file:
            for kind in KINDS:
                self.files[self._file][kind] += now[kind] - self._theirs[kind]
            self.files[self._file]["wall"] += moment - self._began
        self._file, self._theirs, self._began = file, now, moment


def children() -> dict[str, float]:
    """Seconds that all processes below this one have used so far, by kind, living and ended ones."""
    found = {int(entry.name): _stat(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    used: dict[str, float] = dict.fromkeys(KINDS, 0.0)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    used["started"] += ended.ru_utime + ended.ru_stime
    below: dict[int, list[int]] = defaultdict(list)
    for pid, stat in found.items():
        if stat:
            below[stat[0]].append(pid)

    def add(pid: int, kind: str) -> None:
        for child in below[pid]:
            stat = found[child]
            assert stat is not None
            its = _kind(child, stat[1]) if kind == "started" else kind
            used[its] += stat[2]
            add(child, its)

    add(os.getpid(), "started")
    return used


def _stat(entry: Path) -> tuple[int, str, float] | None:
    """Parent, name, and seconds used by it and by those of its children that it has waited for."""
    try:
        text = (entry / "stat").read_text()
    except OSError:
        return None
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    return int(fields[1]), name, sum(map(int, fields[11:15])) / TICKS


def _kind(pid: int, name: str) -> str:
    if name == "postgres":
        return "postgres"
    if name == "node" or name.startswith(("chrom", "headless")):
        return "browser"
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return "started"
    return "bots" if b"tests.bots.fork_server" in line else "started"


_COSTS = Costs()


def pytest_configure() -> None:
    # PostgreSQL leaves the process that starts it; so it stays below this one.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    report = yield
    _COSTS.note(_name(collector) if isinstance(collector, pytest.Module) else "(all)", "collection")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    _COSTS.note("(all)", "collection")
    _COSTS.enter(_name(item))
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    _COSTS.note(_name(item), call.when)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    _COSTS.enter("(end)")
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["costs"] = {file: dict(parts) for file, parts in _COSTS.files.items()}


def _name(node: pytest.Item | pytest.Collector) -> str:
    return node.nodeid.partition("::")[0]


_ALL: Files = defaultdict(lambda: defaultdict(float))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _add(getattr(node, "workeroutput", {}).get("costs", {}))


def _add(files: Mapping[str, Mapping[str, float]]) -> None:
    for file, parts in files.items():
        _sum(_ALL[file], parts)


def _sum(into: dict[str, float], parts: Mapping[str, float]) -> None:
    for part, seconds in parts.items():
        into[part] += seconds


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not _ALL:
        _add(_COSTS.files)
    Path(config.rootpath / ".pytest_cache" / "costs.json").write_text(json.dumps(_ALL, indent=1, sort_keys=True))
    columns = ("wall", *OWN, *KINDS)
    write = terminalreporter.write_line
    write("processor s".rjust(11) + "".join(it.rjust(11) for it in columns))
    total: dict[str, float] = defaultdict(float)
    for file, parts in sorted(_ALL.items(), key=lambda it: -processor(it[1])):
        _sum(total, parts)
        write(_line(parts, columns) + f"  {file}")
    write(_line(total, columns) + "  all")


def processor(parts: Mapping[str, float]) -> float:
    return sum(parts.get(it, 0.0) for it in (*OWN, *KINDS))


def _line(parts: Mapping[str, float], columns: Iterable[str]) -> str:
    return "".join(f"{it:11.2f}" for it in (processor(parts), *(parts.get(column, 0.0) for column in columns)))
