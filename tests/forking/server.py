"""A process that forks another for each request, at its Unix socket.

Messages are JSON lines, the file descriptors of the new process beside the request. The server has no thread and no
event loop, so that a fork is safe. It ends when nobody holds the other end of a pipe any more.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import json
import os
import random
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coverage import Coverage

MAX_MESSAGE = 1 << 20
MAX_FILES = 3

#: The rest of a forked process's life, out of what was asked for and the files that came with it. It never returns.
Become = Callable[[Mapping[str, Any], Sequence[int]], None]


class ForkServer:
    """Forks what is asked for, and tells whoever asked how it ended."""

    def __init__(self, listening: socket.socket, alive: int, become: Become, prepare: Callable[[], None]) -> None:
        """Connections come to `listening`; `alive` is the end to read of a pipe that nobody writes to.

        `prepare` runs before the first connection is taken.
        """
        self._listening = listening
        self._alive = alive
        self._become = become
        self._prepare = prepare
        self._woken, self._wakes = os.pipe()
        self._asked_by: dict[int, socket.socket] = {}  # whose a process is
        self._controls: list[socket.socket] = []

    def serve(self) -> None:
        """Until the pipe is closed at its other end."""
        os.set_blocking(self._wakes, False)
        signal.signal(signal.SIGCHLD, _wake)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        prepared = False
        while True:
            ready, _, _ = select.select([self._alive, self._listening, self._woken, *self._controls], [], [])
            if self._alive in ready:
                self._end_what_is_left()
                return
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._tell_ends()
            if self._listening in ready:
                if not prepared:
                    self._prepare()
                    prepared = True
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
            text, files, _, _ = socket.recv_fds(control, MAX_MESSAGE, MAX_FILES)
        if not text:
            self._controls.remove(control)
            control.close()
            return
        pid = os.fork()
        if pid == 0:
            self._leave()
            self._become(json.loads(text), files)
            raise AssertionError("a forked process would go on as a second server")
        for file in files:
            os.close(file)
        self._asked_by[pid] = control
        _tell(control, {"started": pid})

    def _leave(self) -> None:
        """In a forked process: keep nothing that is the server's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for end in (self._listening, *self._controls):
            end.close()
        for end in (self._alive, self._woken, self._wakes):
            os.close(end)
        random.seed()  # or all would draw the same numbers

    def _end_what_is_left(self) -> None:
        """Of tests that were broken off: nobody else would ever end those processes."""
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
            if pid in self._asked_by:
                _tell(self._asked_by.pop(pid), {"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def take_files(files: Sequence[int]) -> None:
    """Make these the standard files of this process, from input on."""
    for standard, file in enumerate(files):
        os.dup2(file, standard)
    for file in files:
        os.close(file)


def share_all() -> None:
    """Let no forked process look for garbage in what all of them share, nor have a copy of it."""
    inspect.stack()  # coverage asks for it in each fork, and the first time takes 0.1 s with so many modules
    gc.collect()
    gc.freeze()


def measuring() -> Coverage | None:
    """What measures here. Coverage imports itself where it measures; else no bot is to hold it in its memory."""
    coverage = sys.modules.get("coverage")
    return coverage.Coverage.current() if coverage else None


def stop_measuring() -> None:
    """Measure no more, as what is forked from here begins anew."""
    if measures := measuring():
        measures.stop()


def measure_anew() -> Coverage | None:
    """In a forked process: measure where its environment says so."""
    if not any(name.startswith("COVERAGE_") for name in os.environ):
        return None  # see `tests.bots.unmeasured`
    from coverage import process_startup

    return process_startup(force=True)


def _wake(_: int, __: FrameType | None) -> None:
    """Do nothing: a handler must be there for the signal to reach the pipe."""


def _tell(control: socket.socket, message: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):  # who asked may be gone by now
        control.sendall(json.dumps(message).encode() + b"\n")
