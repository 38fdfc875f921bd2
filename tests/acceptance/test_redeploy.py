"""A redeploy on PostgreSQL: the new process starts before the old one stops."""

from __future__ import annotations

import asyncio

from sandbox.image_api.latency import Latency
from tests.acceptance.conftest import PATIENCE_S, OpenHouse, with_pictures
from tests.bots.forked import ForkedBot


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
