"""The chart of a month, drawn in a process of its own: Pillow is not imported here, and nobody waits long for it.

The chart only repeats figures that the text says too. Where it can't be drawn in time, the text goes out alone. It
takes 30 MB, so it has a turn of its own among the processes that open pictures.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from bot.pictures.turns import Lane, Turns

log = structlog.stdlib.get_logger(__name__)

PATIENCE_S = 20.0
TURN_PATIENCE_S = 3.0  # for the place in which it is drawn
_PROJECT = Path(__file__).resolve().parents[2]


async def month(
    days: Sequence[float], *, today: int, amount: str, point: str, user_id: int, turns: Turns
) -> bytes | None:
    """A PNG with a bar for each day; None where it could not be drawn, which nobody should fail for.

    `amount` is how the reader writes an amount of money, as `${amount}`; empty where the bars count pictures. `point`
    stands before the decimals. `user_id` is the reader's, who waits for one of `turns`.
    """
    ask = json.dumps({"days": list(days), "today": today, "amount": amount, "point": point})
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(TURN_PATIENCE_S):
                await stack.enter_async_context(turns.turn(turns.work(user_id), Lane.DELIVERY))
        except TimeoutError:
            log.info("the chart is left out: pictures are being opened all the time")
            return None
        return await asyncio.to_thread(_draw, ask)


def _draw(ask: str) -> bytes | None:
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the program is our own
            [sys.executable, "-m", "bot.pictures.chart_process", ask],
            cwd=_PROJECT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            check=True,
            process_group=0,  # a Ctrl-C in the terminal is for the bot to handle
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("the chart could not be drawn", error=type(error).__name__)
        return None
    return done.stdout
