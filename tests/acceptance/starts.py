"""Starts of the real process, and how one that cannot work ends."""

from __future__ import annotations

from tests.acceptance.little_discord import TOKEN
from tests.acceptance.processes import KEY, Easel

START_S = 30.0  # a start that cannot work ends within it, on a machine that does much else; alone, within ten


AT_WORK = "Easel is at work"


async def failed_start(bot: Easel) -> tuple[int, list[str]]:
    """Exit code and sentences of a start that cannot work."""
    code = await bot.wait(START_S)
    assert "Traceback" not in bot.output
    assert KEY not in bot.output
    assert TOKEN not in bot.output
    return code, bot.err
