"""Asks the fork server for bots, and watches them as asyncio watches a process that it started."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import asdict
from functools import cache
from pathlib import Path

from bot.config.waits import WAITS, Waits
from sandbox.bot_process import PROJECT, BotProcess
from tests.bots import ALWAYS_MEASURED, FORK_SERVER, MEASURED, SHARED, WRITE_DOWN_AND_DIE
from tests.forking import serving as forking

START_S = 60.0
#: A bot that is stopped, or busy with what lets no signal through, gets no time to write down what it ran.
LAST_WORDS_S = 3.0


class ForkedProcess:
    """A process of the fork server's: as much of `asyncio.subprocess.Process` as a bot's owner uses."""

    def __init__(self, pid: int, end: Future[int]) -> None:
        self.pid = pid
        self._end = end

    @property
    def returncode(self) -> int | None:
        return self._end.result() if self._end.done() else None

    async def wait(self) -> int:
        return await asyncio.wrap_future(self._end)

    def send_signal(self, number: int) -> None:
        if not self._end.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """`kill -9`. Where coverage is measured, what the bot ran until then would be lost with it: see MEASURED."""
        if MEASURED:
            self.send_signal(WRITE_DOWN_AND_DIE)
            at_last = threading.Timer(LAST_WORDS_S, self.send_signal, [signal.SIGKILL])
            at_last.daemon = True
            at_last.start()
        else:
            self.send_signal(signal.SIGKILL)


class Ends:
    """How forked processes ended, by their ids. A system gives an id again after some 30,000 others."""

    def __init__(self) -> None:
        self._ends: dict[int, Future[int]] = {}

    def started(self, pid: int) -> ForkedProcess:
        self._ends[pid] = end = Future[int]()
        return ForkedProcess(pid, end)

    def ended(self, pid: int, code: int) -> None:
        self._ends.pop(pid).set_result(code)


class ForkClient:
    """A connection to the server, which may serve several processes that run tests side by side."""

    def __init__(self, folder: Path) -> None:
        self._control = socket.socket(socket.AF_UNIX)
        self._control.connect(str(folder / FORK_SERVER))
        self._asking = threading.Lock()
        self._started: Future[ForkedProcess] = Future()
        self._ready: Future[bool] = Future()
        self._ends = Ends()
        self._listening = threading.Thread(target=self._listen, name="fork server", daemon=True)
        self._listening.start()
        self._ready.result(START_S)

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        out: int = 1,
        err: int = 2,
        folder: Path = PROJECT,
        waits: Waits = WAITS,
    ) -> ForkedProcess:
        """Fork a bot that works in `folder` and writes to the files `out` and `err`; else where this process does."""
        asked = {
            "arguments": list(arguments),
            "environment": {**MEASURED, **environment},
            "folder": str(folder),
            "waits": asdict(waits),
        }
        with self._asking:
            self._started = Future()
            socket.send_fds(self._control, [json.dumps(asked).encode()], [out, err])
            return self._started.result(START_S)

    def close(self) -> None:
        """Nobody is told any more how bots end. Those that still run go on."""
        self._control.shutdown(socket.SHUT_RDWR)
        self._listening.join()
        self._control.close()

    def _listen(self) -> None:
        for line in self._control.makefile("rb"):
            told = json.loads(line)
            if "ready" in told:
                self._ready.set_result(True)
            elif "started" in told:
                self._started.set_result(self._ends.started(told["started"]))
            else:
                self._ends.ended(told["ended"], told["code"])


def serving(folder: Path) -> AbstractContextManager[None]:
    """A fork server of bots in this folder, for whoever connects."""
    return forking.serving("tests.bots.fork_server", [folder / FORK_SERVER], environment=ALWAYS_MEASURED)


_MAKING = threading.Lock()


def fork_server() -> ForkClient:
    """The one that processes side by side share; else this process's own, made when the first bot is asked for."""
    with _MAKING:  # tests side by side ask for it at once
        return _fork_server()


@cache
def _fork_server() -> ForkClient:
    keeping = ExitStack()
    atexit.register(keeping.close)
    folder = Path(os.environ.get(SHARED) or keeping.enter_context(tempfile.TemporaryDirectory(prefix="easel-forks-")))
    if SHARED not in os.environ:
        keeping.enter_context(serving(folder))
    return keeping.enter_context(closing(ForkClient(folder)))


class ForkedBot(BotProcess):
    """The sandbox's bot, forked instead of started."""

    async def start(self) -> None:
        if self.is_running:
            return
        arguments = ("run", "--env-file", os.devnull)
        out, err = (1, 2) if self._output is None else (self._output, self._output)
        # On PostgreSQL files lie where the bot works, and nothing of a test belongs into the project.
        folder = Path(self._environment.get("TMPDIR", PROJECT))
        forked = await asyncio.to_thread(
            lambda: fork_server().start(arguments, self._environment, out=out, err=err, folder=folder)
        )
        self._process = forked  # pyright: ignore[reportAttributeAccessIssue] it does all that is asked of it
