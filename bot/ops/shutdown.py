"""Signals: the first SIGTERM or SIGINT begins an orderly end, and none lasts longer than promised.

What is being written is finished, and everything else is left to the next start, which finds it in the database. A
hard end after the deadline therefore loses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial

import structlog

log = structlog.stdlib.get_logger(__name__)

#: From the signal to the end of the process, at most: 20 s are promised.
DEADLINE_S = 18.5
CANCEL_AGAIN_S = 2.0

#: What asks a process to end. Windows has no SIGTERM that could be caught; Ctrl-Break is the nearest thing there.
END_SIGNALS = (signal.SIGBREAK, signal.SIGINT) if sys.platform == "win32" else (signal.SIGTERM, signal.SIGINT)


def catch(number: signal.Signals, act: Callable[[], object]) -> None:
    """Call `act` in the running event loop whenever this signal comes.

    The event loop of Windows takes no signal handlers, so there the interpreter's own hands the signal over.
    """
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(number, act)
    except NotImplementedError:

        def hand_over(*_: object) -> None:
            loop.call_soon_threadsafe(act)

        signal.signal(number, hand_over)


def ignore(number: signal.Signals) -> None:
    """Let this signal pass from now on, also once the event loop is closed. Other programs started here get it anew."""
    catch_no_more(number)
    signal.signal(number, lambda _, __: None)


def catch_no_more(number: signal.Signals) -> None:
    """Let this signal end the process at once again."""
    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().remove_signal_handler(number)
    signal.signal(number, signal.SIG_DFL)


def leave_on_signals(task: asyncio.Task[None]) -> None:
    """Cancel `task` at the first SIGTERM or SIGINT; its way out is the orderly end. A second SIGINT ends at once."""
    for number in END_SIGNALS:
        catch(number, partial(_leave, task, number))


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended.

    Once is not enough: `asyncio.wait_for` of Python 3.11 drops a cancellation that comes while what it waits for is
    done already, and discord.py connects to its gateway in one.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN_S)


def _leave(task: asyncio.Task[None], number: signal.Signals) -> None:
    for other in END_SIGNALS:
        ignore(other)
    catch_no_more(signal.SIGINT)
    log.info("stopping: no new job is taken, what is being written is finished", signal=number.name)
    deadline = threading.Timer(DEADLINE_S, _end_now)
    deadline.daemon = True
    deadline.start()
    task.cancel()


def _end_now() -> None:
    """Every step of a job is committed before it is done, so what is cut off here goes on at the next start."""
    log.warning("the orderly end took too long; the rest is left to the next start")
    os._exit(0)
