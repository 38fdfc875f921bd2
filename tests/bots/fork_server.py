"""One process that has the whole bot imported and forks a bot for each start that a test asks for.

A start costs some 0.6 s of processor time, nearly all of it imports; a fork costs some milliseconds. The forked process
runs the same `main` with the same arguments in an environment of its own; tests of the command line start it for real.

Processes that run tests connect to its Unix socket. Messages are JSON lines, the file descriptors of a new process
beside them. The server imports nothing before the first of them comes. It has no thread and no event loop, so that a
fork is safe. It ends when nobody holds the other end of a pipe any more.
"""

from __future__ import annotations

import contextlib
import gc
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
from typing import TYPE_CHECKING, Any

from tests.bots import IMPORTS_ARE_MEASURED, MEASURED, TEST_FILE, WRITE_DOWN_AND_DIE

if TYPE_CHECKING:
    from coverage import Coverage

#: What a bot needs. The last ones are imported on first use, by those that need them.
MODULES = (
    *("bot.__main__", "bot.run", "bot.client", "cogs", "bot.ops.health.monitor", "bot.store.migrate"),
    *("alembic.command", "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite"),
)
MAX_MESSAGE = 1 << 20


class ForkServer:
    """Forks what is asked for, and tells whoever asked how it ended."""

    def __init__(self, listening: socket.socket, alive: int) -> None:
        """Connections come to `listening`; `alive` is the end to read of a pipe that nobody writes to."""
        self._listening = listening
        self._alive = alive
        self._woken, self._wakes = os.pipe()
        self._asked_by: dict[int, socket.socket] = {}  # whose bot a process is
        self._controls: list[socket.socket] = []

    def serve(self) -> None:
        """Until the pipe is closed at its other end."""
        os.set_blocking(self._wakes, False)
        signal.signal(signal.SIGCHLD, _wake)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        imported = False
        while True:
            ready, _, _ = select.select([self._alive, self._listening, self._woken, *self._controls], [], [])
            if self._alive in ready:
                self._end_what_is_left()
                return
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._tell_ends()
            if self._listening in ready:
                if not imported:
                    _import()
                    imported = True
                control, _ = self._listening.accept()
                self._controls.append(control)
                _tell(control, {"ready": True})
            for control in [it for it in self._controls if it in ready]:
                self._answer(control)

    def _answer(self, control: socket.socket) -> None:
        text, files = b"", list[int]()
        with contextlib.suppress(
            ConnectionError
        ):  # a process that was killed has broken off, and others are served still
            text, files, _, _ = socket.recv_fds(control, MAX_MESSAGE, 2)
        if not text:
            self._controls.remove(control)
            control.close()
            return
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for end in (self._listening, *self._controls):
                end.close()
            for end in (self._alive, self._woken, self._wakes):
                os.close(end)
            _become_a_bot(json.loads(text), files)
        for file in files:
            os.close(file)
        self._asked_by[pid] = control
        _tell(control, {"started": pid})

    def _end_what_is_left(self) -> None:
        """Of tests that were broken off: nobody else would ever end those bots."""
        for pid in self._asked_by:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _tell_ends(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            _tell(self._asked_by.pop(pid), {"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _import() -> None:
    """Import what a bot needs. Forks begin to measure by themselves, later."""
    measuring = _measuring()
    if measuring and not IMPORTS_ARE_MEASURED:
        measuring.stop()
    for name in MODULES:
        importlib.import_module(name)
    for name in sorted(importlib.import_module("bot.client").COGS):
        importlib.import_module(name)
    translations = importlib.import_module("bot.ui.kit.language")
    for language in translations.Language:  # each bot would read all catalogues
        translations.word("", "", language)
    gc.freeze()  # no bot is to look for garbage in what all of them share, nor to have a copy of it
    if measuring:
        measuring.stop()


def _wake(_: int, __: FrameType | None) -> None:
    """Do nothing: a handler must be there for the signal to reach the pipe."""


def _tell(control: socket.socket, message: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):  # who asked may be gone by now
        control.sendall(json.dumps(message).encode() + b"\n")


def _write_down_and_die(_: int, __: FrameType | None) -> None:
    """Keep what coverage has measured, then end as `kill -9` does, with nothing closed and nothing said."""
    if measuring := _measuring():
        measuring.stop()
        measuring.save()
    os.kill(os.getpid(), signal.SIGKILL)


def _become_a_bot(asked: Mapping[str, Any], files: Sequence[int]) -> None:
    """The rest of a forked process's life. Never returns."""
    from bot.__main__ import main  # imported in `_import`, after it was decided whether imports are measured
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
        measuring = _measuring()
        if measuring and not any(name.startswith("COVERAGE_") for name in os.environ):
            measuring.stop()  # see `tests.bots.unmeasured`
        elif measuring and TEST_FILE in os.environ:
            measuring.switch_context(os.environ[TEST_FILE])
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


def _measuring() -> Coverage | None:
    """What measures here. Coverage imports itself where it measures; else no bot is to hold it in its memory."""
    coverage = sys.modules.get("coverage")
    return coverage.Coverage.current() if coverage else None


if __name__ == "__main__":
    ForkServer(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])).serve()
