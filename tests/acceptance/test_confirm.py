"""A request over the price that a server has set is asked about first, and started once."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.discord.reply import Reply
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import House, OpenHouse, says, with_pictures
from tests.databases import execute, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")
kinds = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])

PRICES = {"PRICE_LIST": "grok-imagine-image:1k=0.02"}


async def asks_over(house: House, micros: int) -> None:
    """Set the limit in the database, as /settings does."""
    guild = house.discord.world.channel("pictures").guild
    assert guild is not None
    for statement in (
        "INSERT INTO rules (guild_id, channel_id, value, changed_by, changed_at) "
        f"VALUES ({guild.id}, 0, '{{\"confirm_over\": {micros}}}', 1, '2026-01-01 12:00:00.000000')",
        f"INSERT INTO meta (name, value) VALUES ('rules:{guild.id}', 'first')",
    ):
        await asyncio.to_thread(execute, house.database, statement)


async def asked(house: House, prompt: str) -> Reply:
    question = await house.ben.command("imagine", prompt=prompt, count=4)
    assert question.ephemeral
    assert says("This costs about $0.08", prompt, "over $0.05")(question.message)
    assert not [it for it in house.image_api.accepted if it.submission.prompt == prompt]
    return question


@kinds
@abreast
async def test_a_dear_request_starts_once_and_only_after_a_yes(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind, variables=PRICES) as house:
        await house.kill_bot()
        await asks_over(house, 50_000)
        await house.start_bot()
        await (await house.ben.command("imagine", prompt="cheap")).until(with_pictures)
        question = await asked(house, "dear")
        await house.restart_bot()
        yes = next(it.custom_id for it in question.buttons if it.label == "Confirm") or ""
        reply = await house.ben.press(question, "Confirm")
        message = await reply.until(with_pictures)
        assert not message.ephemeral
        assert message.id != question.message.id
        await question.until_deleted()
        again = await house.ben.forge(reply, yes)
        assert says("answered already")(again.message)
        assert [it.submission.prompt for it in house.image_api.accepted] == ["cheap", "dear"]


@abreast
async def test_not_now_starts_nothing_and_others_cannot_answer(open_house: OpenHouse) -> None:
    async with open_house(variables=PRICES) as house:
        await house.kill_bot()
        await asks_over(house, 50_000)
        await house.start_bot()
        question = await asked(house, "not now")
        yes = next(it.custom_id for it in question.buttons if it.label == "Confirm") or ""
        panel = await house.ada.command("jobs")
        assert says("answered already")((await house.ada.forge(panel, yes)).message)
        await house.ben.press(question, "Not now")
        assert says("Nothing was started")(question.message)
        assert rows(house.database, "SELECT COUNT(*) FROM drafts") == [(0,)]
        assert not house.image_api.accepted
