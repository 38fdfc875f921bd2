"""Signals: the first SIGTERM or SIGINT begins an orderly end, and none lasts longer than promised.

What is being written is finished, and everything else is left to the next start, which finds it in the database. A
hard end after the deadline therefore loses nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import structlog

log = structlog.stdlib.get_logger(__name__)

#: From the signal to the end of the process, at most: 20 s are promised.
DEADLINE_S = 18.5
CANCEL_AGAIN_S = 2.0


def leave_on_signals(task: asyncio.Task[None]) -> None:
    """Cancel `task` at the first SIGTERM or SIGINT; its way out is the orderly end. A second SIGINT ends at once."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _leave, task, number)


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended.

    Once is not enough: `asyncio.wait_for` of Python 3.11 drops a cancellation that comes while what it waits for is
    done already, and discord.py connects to its gateway in one.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN_S)


def _leave(task: asyncio.Task[None], number: signal.Signals) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: None)
    loop.remove_signal_handler(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    log.info("stopping: no new job is taken, what is being written is finished", signal=number.name)
    deadline = threading.Timer(DEADLINE_S, _end_now)
    deadline.daemon = True
    deadline.start()
    task.cancel()


def _end_now() -> None:
    """Every step of a job is committed before it is done, so what is cut off here goes on at the next start."""
    log.warning("the orderly end took too long; the rest is left to the next start")
    os._exit(0)
