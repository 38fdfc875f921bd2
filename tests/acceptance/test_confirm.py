"""A request over the price that a server has set is asked about first, and started once."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.discord.reply import Reply
from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import House, OpenHouse, a_day_long_enough, says, set_rules, with_pictures
from tests.acceptance.purses import prices
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
        again = await house.ben.forge(await house.ben.command("jobs"), yes)
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


@kinds
@abreast
async def test_the_first_card_and_the_question_say_what_it_costs_and_what_is_left(
    open_house: OpenHouse, kind: str
) -> None:
    models = ("grok-imagine-image", "grok-imagine-image-quality")
    variables = {
        "PRICE_LIST": ",".join(f"{model}:{size}=0.02" for model in models for size in ("1k", "2k")),
        "MAX_PICTURES_PER_USER_PER_DAY": "9",
        "MAX_SPEND_PER_SERVER_PER_MONTH": "1.00",
    }
    async with open_house(kind, variables=variables, latency=Latency.fixed(2.0)) as house:
        await asks_over(house, 50_000)
        reply = await house.ben.command("imagine", prompt="a fox", count=2)
        left = ("7 of your 9 pictures left today", "$0.96 of this server's $1.00 left this month")
        assert says("Costs about $0.04", *left)(reply.states[0]), reply.text
        assert says("Costs about $0.04", *left)(await reply.until(says("painting")))
        done = await reply.until(with_pictures)
        assert "left" not in done.text
        question = await asked(house, "another fox")
        assert says(*left)(question.message), question.text


@abreast
async def test_nobody_is_asked_about_a_price_that_the_budget_refuses(open_house: OpenHouse) -> None:
    await a_day_long_enough()
    async with open_house(variables={"PRICE_LIST": prices("0.02"), "MAX_SPEND_PER_DAY": "0.07"}) as house:
        await set_rules(house.ada, confirm_over="0.03")
        refused = await house.ben.command("imagine", prompt="too dear", count=4)
        assert says("This bot's budget per day is $0.07")(refused.message), refused.text
        assert "Confirm" not in refused.message.labels
        question = await house.ben.command("imagine", prompt="dear", count=3)
        assert "Confirm" in question.message.labels
        await (await house.ada.command("imagine", prompt="meanwhile")).until(with_pictures)
        late = await house.ben.press(question, "Confirm")
        assert says("$0.05 of it is left")(late.message), late.text
        assert [it.submission.prompt for it in house.image_api.accepted] == ["meanwhile"]


@abreast
async def test_where_nothing_is_limited_the_card_says_nothing_of_money(open_house: OpenHouse) -> None:
    async with open_house("sqlite", variables=PRICES) as house:
        reply = await house.ben.command("imagine", prompt="a fox")
        await reply.until(with_pictures)
        assert not [state.text for state in reply.states if "$" in state.text or "left" in state.text]
