"""One process that has the whole bot imported and forks a bot for each start that a test asks for.

A start costs some 0.6 s of processor time, nearly all of it imports; a fork costs some milliseconds. The forked process
runs the same `main` with the same arguments in an environment of its own; tests of the command line start it for real.

Processes that run tests connect to its socket (tests/forking/server.py). Where it serves one of them alone, it imports
nothing before that one does.
"""

from __future__ import annotations

import importlib
import os
import posix
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

from tests.bots import MEASURED, TEST_FILE, WRITE_DOWN_AND_DIE
from tests.forking.server import ForkServer, measure_anew, measuring, share_all, stop_measuring, take_files

#: What a bot needs. The last ones are imported on first use, by those that need them.
MODULES = (
    *("bot.__main__", "bot.run", "bot.client", "cogs", "bot.ops.health.monitor", "bot.store.migrate"),
    *("alembic.command", "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite"),
)


def import_bot() -> None:
    """Import all that a bot needs, and read the catalogues, which each bot would read else."""
    for name in MODULES:
        importlib.import_module(name)
    for name in sorted(importlib.import_module("bot.client").COGS):
        importlib.import_module(name)
    translations = importlib.import_module("bot.ui.kit.language")
    for language in translations.Language:
        translations.word("", "", language)


def serve(listening: socket.socket, alive: int, prepare: Callable[[], None] = import_bot) -> None:
    """Fork bots until the pipe is closed. Here only imports are measured."""

    def ready() -> None:
        prepare()
        share_all()
        stop_measuring()

    ForkServer(listening, alive, _become_a_bot, ready).serve()


def _write_down_and_die(_: int, __: FrameType | None) -> None:
    """Keep what coverage has measured, then end as `kill -9` does, with nothing closed and nothing said."""
    _write_down()
    os.kill(os.getpid(), signal.SIGKILL)


def _write_down() -> None:
    if measures := measuring():
        measures.stop()
        measures.save()


def _become_a_bot(asked: Mapping[str, Any], files: Sequence[int]) -> None:
    """The rest of a forked process's life. Never returns."""
    from bot.__main__ import main  # imported in `import_bot`, as what this process measures
    from bot.config.waits import Waits

    arguments: list[str] = asked["arguments"]
    code = 1
    try:
        os.setpgid(0, 0)
        take_files((os.open(os.devnull, os.O_RDONLY), *files))
        os.environ.clear()
        os.environ.update(asked["environment"])
        if (measures := measure_anew()) and TEST_FILE in os.environ:  # here, as what is omitted is named from here
            measures.switch_context(os.environ[TEST_FILE])
        os.chdir(asked["folder"])
        if MEASURED:
            signal.signal(WRITE_DOWN_AND_DIE, _write_down_and_die)
        sys.argv = ["bot", *arguments]
        code = main(arguments, Waits(**asked["waits"]))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001  # it must not go on as a second server
        sys.excepthook(*sys.exc_info())  # pyright: ignore[reportArgumentType]
    sys.stdout.flush()
    sys.stderr.flush()
    _write_down()
    # Coverage's own `os._exit` would also write down what the servers before this measured.
    posix._exit(code)  # pyright: ignore[reportPrivateUsage]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
