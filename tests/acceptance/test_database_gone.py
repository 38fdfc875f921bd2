"""The database takes no connection for some seconds: everybody is told, nothing is lost, all goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tests.acceptance.conftest import House, OpenHouse, says, typed
from tests.acceptance.drafting import POST, approve_drafts, asked, draft
from tests.acceptance.showcases import choose_showcase, painted, stands, star_of
from tests.databases import PostgresServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Longer than any of what Easel does by itself waits before it looks again.
OUTAGE_S = 2.5

COMMANDS = ("jobs", "usage", "privacy", "presets", "gallery", "preferences")


@asynccontextmanager
async def outage(house: House, server: PostgresServer) -> AsyncGenerator[None]:
    """Nobody gets a connection to the house's database, and those that stood are broken."""
    name = house.database.rpartition("/")[2]
    server.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    try:
        yield
    finally:
        server.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")


async def test_everybody_is_told_and_all_goes_on_by_itself(open_house: OpenHouse, postgres: PostgresServer) -> None:
    async with open_house("postgresql", variables={"MAX_JOBS_PER_USER": "50"}) as house:
        ada, ben = house.ada, house.ben
        await choose_showcase(house)
        await approve_drafts(house)
        await typed(house, "/settings report_channel:#general")
        await typed(house, "/settings rule:Reply to edit value:on")
        public, private = await asyncio.gather(painted(ben, "a lasting fox"), draft(ben, "a waiting fox"))
        details, star = await ada.press(public, "Details"), star_of(public.message)
        bought = len(house.submissions())
        async with outage(house, postgres):
            over = asyncio.get_running_loop().time() + OUTAGE_S
            asked_meanwhile = await asyncio.gather(
                *(ada.press(public, it) for it in ("Again", "Details", "Delete", star)),
                *(ben.press(private, POST), ada.press(details, "Report"), ada.press(details, "Save as preset")),
                *(ada.command(it) for it in COMMANDS),
                ada.command("settings", max_count=2),
                *(ada.user_menu("Block from Easel", "Ben"), ada.message_menu("Edit image", public)),
            )
            for answer in asked_meanwhile:
                assert answer.error is None, answer.interaction.data
                told = await answer.until(lambda it: not it.loading)
                assert says("cannot write down your request right now")(told), told.text
            assert says("Easel paints pictures from your words")((await ada.command("help")).message)
            assert await ada.autocomplete("settings", "value", "", rule="Preset when none is named") == []
            assert await ada.autocomplete("imagine", "preset", "") == []
            await ben.reply(public, "@Easel make it blue")
            await asyncio.sleep(over - asyncio.get_running_loop().time())
        assert len(house.submissions()) == bought
        assert says("shown in")((await ada.press(public, star)).message)
        await stands(house, "a lasting fox")
        assert says("a moderator decides")((await ben.press(private, POST)).message)
        assert (await asked(house, "a waiting fox")).pictures
        assert house.bot.is_running
