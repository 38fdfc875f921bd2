"""Forks the processes that run tests side by side (xdist's workers) from one that has read all tests.

Reading them takes seconds, most of it imports, and each worker would do it again: an eighth of what the tests cost in
all. This process reads them as `pytest --collect-only` does. A worker that is forked from it then finds each module
imported, and only has to gather the tests.

The fork server of the bots (tests/bots/fork_server.py) is forked from the same process, before it has imported pytest.

xdist starts a worker by a command line of its own; `worker_client.py` is the program in it. It asks for a worker and
lends it its standard files, through which xdist talks to it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pkgutil
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.bots import ALWAYS_MEASURED, FORK_SERVER, fork_server
from tests.forking import serving as forking
from tests.forking.server import ForkServer, measure_anew, measuring, share_all, stop_measuring, take_files

WORKERS = "workers"
#: Names the file that tells coverage what to measure, in what runs side by side.
MEASURED_BY = "TESTS_MEASURED_BY"
CLIENT = Path(__file__).with_name("worker_client.py")


def worker_command(folder: Path) -> str:
    """What xdist starts for each worker, as it wants to have it written. Site packages would take it 0.1 s."""
    return f"popen//python={sys.executable} -I -S {CLIENT} {folder / WORKERS}"


def serving(folder: Path, tests: Sequence[str]) -> AbstractContextManager[None]:
    """Both fork servers in this folder. `tests` are the arguments that select what pytest reads."""
    addresses = (folder / FORK_SERVER, folder / WORKERS)
    return forking.serving("tests.forking.workers", addresses, tests, environment=_measured())


def _measured() -> Mapping[str, str]:
    by = os.environ.get(MEASURED_BY)
    return {"COVERAGE_PROCESS_START": str(forking.PROJECT / by)} if by else ALWAYS_MEASURED


def main() -> None:
    """Serve as told on the command line."""
    bots, workers = (socket.socket(fileno=int(it)) for it in sys.argv[1:3])
    alive = int(sys.argv[3])
    measured = _measure_imports() if measuring() else 0
    fork_server.import_bot()
    others = os.fork()
    if others == 0:
        workers.close()
        fork_server.serve(bots, alive, prepare=lambda: None)
        return
    bots.close()
    _read(sys.argv[4:])
    ForkServer(workers, alive, _become_a_worker, prepare=lambda: None).serve()
    for child in filter(None, (measured, others)):
        with contextlib.suppress(ChildProcessError):  # it has ended long ago
            os.waitpid(child, 0)


def _measure_imports() -> int:
    """Measure all imports of the product in a process of their own, because everybody waits for this one."""
    child = os.fork()
    if child == 0:
        for name in ("bot", "cogs"):
            for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
                importlib.import_module(module.name)
        sys.exit()
    stop_measuring()
    return child


def _read(tests: Sequence[str]) -> None:
    import pytest  # of which no bot is to know

    class Modules:
        """A plugin that has pytest import all modules of tests, and make no test of what they hold."""

        def pytest_pycollect_makeitem(self) -> list[pytest.Item]:
            return []

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        # What goes wrong here goes wrong in each worker, too, and is told there.
        pytest.main(["--collect-only", "-p", "no:rerunfailures", "-p", "no:cacheprovider", *tests], plugins=[Modules()])
    share_all()


def _become_a_worker(_: Mapping[str, Any], files: Sequence[int]) -> None:
    """What `python -c` is with the line that xdist gives it: the rest comes through standard input."""
    take_files(files)
    measure_anew()
    sys.argv = ["-c"]
    sys.modules["__main__"] = main = ModuleType("__main__")
    exec(eval(sys.stdin.readline()), main.__dict__)
    sys.exit()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    main()
