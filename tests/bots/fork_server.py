"""One process that has the whole bot imported and forks a bot for each start that a test asks for.

A start costs some 0.6 s of processor time, nearly all of it imports; a fork costs some milliseconds. The forked process
runs the same `main` with the same arguments in an environment of its own; tests of the command line start it for real.

Messages are JSON lines over a Unix socket, the file descriptors of a new process beside them. The server has no thread
and no event loop, so that a fork is safe. It ends when the other end of the socket is closed.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

from tests.bots import IMPORTS_ARE_MEASURED, MEASURED, WRITE_DOWN_AND_DIE

#: What a bot needs. The last ones are imported on first use, by those that need them.
MODULES = (
    *("bot.__main__", "bot.run", "bot.client", "cogs", "bot.ops.health.monitor", "bot.store.migrate"),
    *("alembic.command", "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite"),
)
MAX_MESSAGE = 1 << 20


def serve(control: socket.socket) -> None:
    """Fork what is asked for, and tell how it ended, until the socket is closed."""
    if not IMPORTS_ARE_MEASURED:
        _stop_measuring()  # each fork begins to measure by itself
    for name in MODULES:
        importlib.import_module(name)
    for name in sorted(importlib.import_module("bot.client").COGS):
        importlib.import_module(name)
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, _wake)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    _tell(control, {"ready": True})
    while True:
        ready, _, _ = select.select([control, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _tell_ends(control)
        if control in ready:
            text, files, _, _ = socket.recv_fds(control, MAX_MESSAGE, 2)
            if not text:
                return
            asked: dict[str, Any] = json.loads(text)
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                control.close()
                os.close(woken)
                os.close(wakes)
                _become_a_bot(asked, files)
            for file in files:
                os.close(file)
            _tell(control, {"started": pid})


def _wake(_: int, __: FrameType | None) -> None:
    """Do nothing: a handler must be there for the signal to reach the pipe."""


def _tell(control: socket.socket, message: Mapping[str, Any]) -> None:
    control.sendall(json.dumps(message).encode() + b"\n")


def _tell_ends(control: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(control, {"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _write_down_and_die(_: int, __: FrameType | None) -> None:
    """Keep what coverage has measured, then end as `kill -9` does, with nothing closed and nothing said."""
    from coverage import Coverage

    measuring = Coverage.current()
    if measuring is not None:
        measuring.stop()
        measuring.save()
    os.kill(os.getpid(), signal.SIGKILL)


def _become_a_bot(asked: Mapping[str, Any], files: Sequence[int]) -> None:
    """The rest of a forked process's life. Never returns."""
    from bot.__main__ import main  # imported in `serve`, after it was decided whether imports are measured
    from bot.config.waits import Waits

    arguments: list[str] = asked["arguments"]
    code = 1
    try:
        os.setpgid(0, 0)
        os.chdir(asked["folder"])
        nothing = os.open(os.devnull, os.O_RDONLY)
        for file, standard in ((nothing, 0), (files[0], 1), (files[1], 2)):
            os.dup2(file, standard)
        for file in (nothing, *files):
            os.close(file)
        os.environ.clear()
        os.environ.update(asked["environment"])
        if "coverage" in sys.modules and not any(name.startswith("COVERAGE_") for name in os.environ):
            _stop_measuring()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if MEASURED:
            signal.signal(WRITE_DOWN_AND_DIE, _write_down_and_die)
        random.seed()  # or all bots would draw the same numbers
        sys.argv = ["bot", *arguments]
        code = main(arguments, Waits(**asked["waits"]))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001  # it must not go on as a second server
        sys.excepthook(*sys.exc_info())  # pyright: ignore[reportArgumentType]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _stop_measuring() -> None:
    """See `tests.bots.unmeasured`. Coverage is imported by itself, where it measures."""
    from coverage import Coverage

    if measuring := Coverage.current():
        measuring.stop()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
