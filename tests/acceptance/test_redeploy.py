"""Two processes with one token: a redeploy on PostgreSQL, and two bots that know nothing of each other."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sandbox.image_api.latency import Latency
from tests.acceptance.conftest import PATIENCE_S, OpenHouse, eventually, house_in, with_pictures
from tests.bots.forked import ForkedBot
from tests.databases import rows, sqlite_url


async def test_while_two_processes_have_the_same_shard_every_command_starts_one_job(open_house: OpenHouse) -> None:
    variables = {"MAX_JOBS_PER_USER": "50"}
    async with open_house("postgresql", variables=variables, latency=Latency.fixed(1.0)) as house:
        new = ForkedBot(
            {
                "DISCORD_TOKEN": house.discord.token,
                "DISCORD_API_URL": house.discord.api_url,
                "DATABASE_URL": house.database,
                "UNIALL_API_KEY": "sandbox",
                "UNIALL_BASE_URL": house.image_api.base_url,
                "LOG_LEVEL": "WARNING",
                **variables,
            }
        )
        try:
            await new.start()
            await house.discord.wait_for_bot(PATIENCE_S, sessions=2)
            replies = [await house.ada.command("imagine", prompt=f"both {number}") for number in range(6)]
            stopping = asyncio.create_task(house.bot.stop())
            replies += [await house.ada.command("imagine", prompt=f"changing {number}") for number in range(6)]
            await stopping
            replies += [await house.ada.command("imagine", prompt=f"new {number}") for number in range(3)]
            assert [reply.error for reply in replies if reply.error] == []
            for reply in replies:
                await reply.until(with_pictures, 60)
            prompts = [it.submission.prompt for it in house.image_api.accepted]
            assert len(prompts) == len(set(prompts)) == len(replies)
        finally:
            await new.stop()


async def test_two_bots_with_databases_of_their_own_buy_what_both_are_asked_for_once(tmp_path: Path) -> None:
    """Discord takes one of the two acknowledgements. The other bot finds a reply that is not its job's."""
    other = tmp_path / "other"
    other.mkdir()
    variables = {"MAX_JOBS_PER_USER": "50"}
    async with house_in(tmp_path, variables=variables, latency=Latency.fixed(1.0)) as house:
        second = ForkedBot(
            {
                "DISCORD_TOKEN": house.discord.token,
                "DISCORD_API_URL": house.discord.api_url,
                "DATABASE_URL": sqlite_url(other),
                "UNIALL_API_KEY": "sandbox",
                "UNIALL_BASE_URL": house.image_api.base_url,
                "LOG_LEVEL": "WARNING",
                **variables,
            }
        )
        try:
            await second.start()
            await house.discord.wait_for_bot(PATIENCE_S, sessions=2)
            replies = [await house.ada.command("imagine", prompt=f"fox {number}") for number in range(6)]
            for reply in replies:
                await reply.until(with_pictures, 60)
            still = "SELECT id FROM jobs WHERE told = 0"
            await eventually(lambda: not [*rows(house.database, still), *rows(sqlite_url(other), still)], 60)
            prompts = [it.submission.prompt for it in house.image_api.accepted]
            assert len(prompts) == len(set(prompts)) == len(replies)
            both = [*rows(house.database, "SELECT id FROM jobs"), *rows(sqlite_url(other), "SELECT id FROM jobs")]
            assert len(both) == 2 * len(replies)
            assert all(len(reply.message.pictures) == 1 for reply in replies)
        finally:
            await second.stop()
