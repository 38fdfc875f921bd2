"""A clock that is off is told by the running bot, once; one that is right, and other machines' dates, are not."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from bot.image_api.wire.answers import ApiAnswer
from bot.ops.clock_watch import ClockWatch
from tests.acceptance.little_discord import LittleDiscord
from tests.acceptance.processes import forked_easel, variables


@pytest.mark.parametrize(
    ("ahead_s", "told"),
    [(45.0, "s behind that of Discord: let it be set by NTP"), (-3600.0, "s ahead of that of Discord"), (9.0, None)],
)
async def test_a_running_bot_tells_once_that_its_clock_is_off(tmp_path: Path, ahead_s: float, told: str | None) -> None:
    async with (
        LittleDiscord(clock_ahead_s=ahead_s).open() as discord,
        forked_easel(tmp_path, **variables(discord.api_url)) as bot,
    ):
        await bot.line("Easel is at work")
        if told:
            await bot.line(told)
        await asyncio.sleep(0.5)
        assert bot.output.count("The clock of this machine is") == (1 if told else 0)


def answer(ahead_s: float, **headers: str) -> ApiAnswer:
    date = formatdate(time.time() + ahead_s, usegmt=True)
    return ApiAnswer(200, b"{}", {"content-type": "application/json", "date": date, **headers})


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [it.getMessage() for it in caplog.records if "The clock of this machine" in it.getMessage()]


def test_the_image_api_tells_the_time_too(caplog: pytest.LogCaptureFixture) -> None:
    clock = ClockWatch()
    for _ in range(5):
        clock.hears(answer(300))
    (line,) = lines(caplog)
    assert "behind that of the image API" in line


def test_one_late_answer_and_dates_that_are_not_of_the_moment_mean_nothing(caplog: pytest.LogCaptureFixture) -> None:
    clock = ClockWatch()
    for _ in range(4):
        clock.hears(answer(300))
        clock.hears(answer(0))
        clock.hears(answer(-86_400, age="86400"))
        clock.hears(answer(-86_400, **{"content-type": "image/png"}))
        clock.hears(ApiAnswer(200, b"{}", {"content-type": "application/json", "date": "yesterday"}))
    assert lines(caplog) == []
