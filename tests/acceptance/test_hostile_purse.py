"""The purse, as a thief would have it: every way round a budget, a block, a rule or a door, and every odd moment."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
import pytest_asyncio

from tests.acceptance.conftest import (
    House,
    a_day_long_enough,
    house_in,
    set_rules,
)
from tests.acceptance.every_way import Ways
from tests.acceptance.hostile import unhindered, wished
from tests.acceptance.purses import prices

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ways(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ways]:
    await a_day_long_enough()
    variables = {"MAX_JOBS_PER_USER": "50", "PRICE_LIST": prices(), "MAX_SPEND_PER_DAY": "900"}
    folder = tmp_path_factory.mktemp("house")
    async with house_in(folder, variables=variables) as house:
        yield await Ways.prepare(house, house.ben, folder)


async def _setting(house: House, **options: object) -> None:
    await set_rules(house.ada, **options)


async def _loses_role(house: House) -> None:
    """Members with a role alone may use it, and this one has lost it."""
    await set_rules(house.ada, allow_role="Curator")


async def _settings_anew(house: House, **variables: str) -> None:
    house.bot.set(**variables)
    await house.restart_bot()


OF_ALL = "the operator's budget is spent"
Bar = tuple[Callable[[House], Awaitable[None]], tuple[str, ...], Callable[[House], Awaitable[None]]]
#: What is put in the way, what is said then, and how it goes again.
BARS: Mapping[str, Bar] = {
    "the server's budget of the day is spent": (
        lambda house: _setting(house, spend_per_day="0.01"),
        ("This server's budget per day is $0.01",),
        lambda house: _setting(house, reset="Spend per day"),
    ),
    "the server's budget of the month is spent": (
        lambda house: _setting(house, spend_per_month="0.01"),
        ("This server's budget per month is $0.01",),
        lambda house: _setting(house, reset="Spend per month"),
    ),
    "the pictures of the day are used up": (
        lambda house: _setting(house, pictures_per_member_day=1),
        ("pictures",),
        lambda house: _setting(house, reset="Pictures per member and day"),
    ),
    "the member is blocked": (
        lambda house: _setting(house, block_member="Ben"),
        ("You may not use Easel in this server",),
        lambda house: _setting(house, block_member="Ben", remove=True),
    ),
    "the role is lost": (
        _loses_role,
        ("members with one of these roles only",),
        lambda house: _setting(house, allow_role="Curator", remove=True),
    ),
    "Easel works elsewhere now": (
        lambda house: _setting(house, allow_channel="general"),
        ("does not paint in this channel",),
        lambda house: _setting(house, allow_channel="general", remove=True),
    ),
    OF_ALL: (
        lambda house: _settings_anew(house, MAX_SPEND_PER_DAY="0.01"),
        ("This bot's budget per day is $0.01",),
        lambda house: _settings_anew(house, MAX_SPEND_PER_DAY="900"),
    ),
    "the operator has blocked the person": (
        lambda house: _settings_anew(house, BLOCKED_USERS=str(house.ben.user.id)),
        ("may not use this bot",),
        lambda house: _settings_anew(house, BLOCKED_USERS=""),
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alone_s(ways: Ways) -> float:
    return await wished(ways.house.ada.at("dm"))


async def test_while_nothing_is_in_the_way_every_way_buys_once(ways: Ways) -> None:
    assert await ways.all_paint() == len(await ways.open()) + 1


@pytest.mark.parametrize("what", BARS)
async def test_no_way_leads_round_what_is_put_in_the_way_while_forms_are_open(
    ways: Ways, alone_s: float, what: str
) -> None:
    """Somebody whom it does not concern has their picture meanwhile; a spent budget of the operator's concerns all."""
    put, words, away = BARS[what]
    acts = await ways.open()
    await put(ways.house)
    try:
        concerned = contextlib.nullcontext() if what == OF_ALL else unhindered(ways.house.ada.at("dm"), alone_s)
        async with concerned:
            await ways.none_starts(acts, *words)
    finally:
        await away(ways.house)
