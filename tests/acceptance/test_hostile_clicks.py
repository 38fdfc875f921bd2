"""One account that presses, types and forges as fast as it can: an honest person's picture comes as if alone."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Mapping

import pytest

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from tests.acceptance.conftest import OpenHouse, a_day_long_enough, set_rules, with_pictures
from tests.acceptance.hostile import MOST_DELAY_S, stranger, watched, wished
from tests.acceptance.purses import prices, spent

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: How many acts are under way at a time.
AT_ONCE = 30
NASTY = "@everyone \u202e **x** [y](https://evil.example) " + "e\u0301" * 100

Act = Callable[[Person, Reply, int], Awaitable[object]]
FLOODS: Mapping[str, Act] = {
    "one button": lambda who, made, _n: who.press(made, "Details"),
    "Again, beyond the purse": lambda who, made, _n: who.press(made, "Again"),
    "commands beyond the purse": lambda who, _made, n: who.command("imagine", prompt=f"{NASTY} {n}", count=4),
    "forged ids": lambda who, made, n: who.forge(
        made, ("easel:", "easel:again:", "easel-settings:", "x" * 90)[n % 4] + str(n)
    ),
    "suggestions": lambda who, _made, n: who.autocomplete("imagine", "preset", NASTY[: n % 90 + 1]),
    "lists": lambda who, _made, n: who.command(("gallery", "usage", "jobs", "presets")[n % 4]),
}


async def test_a_flood_of_clicks_and_names_holds_up_nobody_and_spends_nothing(open_house: OpenHouse) -> None:
    await a_day_long_enough()
    variables = {"PRICE_LIST": prices(), "MAX_SPEND_PER_DAY": "5"}
    async with open_house(variables=variables) as house:
        mean = stranger(house, 1)
        made = await mean.command("imagine", prompt="mine")
        await made.until(with_pictures)
        alone = await wished(house.ben)
        await set_rules(house.ada, pictures_per_member_day=3)
        before = spent(house)
        async with watched(house):
            over = asyncio.Event()
            flood = asyncio.create_task(_flood(mean, made, over))
            late_s = await wished(house.ben) - alone
            over.set()
            assert await flood > AT_ONCE
        assert late_s < MOST_DELAY_S
        # Beside the honest picture no more than the two that the member had left of the day.
        assert spent(house) - before <= (1 + 2) * 20_000
        assert len(house.submissions()) <= 2 + (1 + 2)


async def _flood(mean: Person, made: Reply, over: asyncio.Event) -> int:
    """Do all that until it is over; returns how many acts that were."""
    numbers = itertools.count()

    async def go_on() -> None:
        while not over.is_set():
            number = next(numbers)
            act = list(FLOODS.values())[number % len(FLOODS)]
            # What a client would not even send, or nobody answers.
            with contextlib.suppress(InvalidCommand, LookupError, TimeoutError):
                await act(mean, made, number)

    await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
    return next(numbers)
