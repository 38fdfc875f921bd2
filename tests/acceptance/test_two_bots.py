"""Two bots on one PostgreSQL, each with a shard and a server of its own, and one budget for both."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandbox.discord.clients import InvalidCommand
from tests.acceptance.conftest import a_day_long_enough, eventually, final, says
from tests.acceptance.towns import PATIENCE_S, a_town
from tests.databases import PostgresServer, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICE, ROOM, CROWD = 20_000, 20, 50  # micros of a dollar, requests that the budget has room for, people
FAILS, CANCELS = 5, 4


async def test_a_crowd_in_two_servers_never_overruns_the_budget_of_both_and_no_slot_is_lost(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    await a_day_long_enough()
    async with a_town(await asyncio.to_thread(postgres.ready_database), tmp_path) as town:
        watching = asyncio.create_task(town.watch())

        failing = await town.ask(town.crowd[:FAILS], "no money [[balance]]")
        assert len(failing) == FAILS
        for _, reply in failing:
            await reply.until(final, PATIENCE_S)
        assert town.spent() == 0  # what failed uncharged has given its slot back

        taken = await town.ask(town.crowd, "a red fox")
        assert len(taken) == ROOM
        cancelled = 0
        for person, reply in [it for it in taken if says("in line")(it[1].message)][-CANCELS:]:
            try:
                await person.press(reply, "Cancel")
            except InvalidCommand:
                continue  # it has been painted meanwhile
            cancelled += 1
        assert cancelled
        await town.kill_and_restart(town.bots[1])
        ends = [await reply.until(final, PATIENCE_S) for _, reply in taken]
        given_back = sum(says("cancelled")(message) for message in ends)
        assert given_back
        await eventually(lambda: town.spent() == (ROOM - given_back) * PRICE)

        again = await town.ask(town.crowd, "another fox")
        assert len(again) == given_back
        for _, reply in again:
            await reply.until(final, PATIENCE_S)
        await eventually(lambda: rows(town.database, "SELECT job_id FROM ledger WHERE settled_at IS NULL") == [])
        watching.cancel()
        assert town.most_spent == town.spent() == ROOM * PRICE
        assert len(town.api.accepted) <= ROOM
