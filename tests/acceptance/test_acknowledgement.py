"""Acknowledgements of which nobody knows at first whether Discord has taken them."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from bot.jobs.runner import LEASE
from sandbox.discord.reply import Reply
from sandbox.discord.rules import DEFAULT_RULES
from tests.acceptance.conftest import LONG_AGO, OpenHouse, eventually, final, says, with_pictures
from tests.databases import KINDS, execute, rows

CALLBACK = "POST /interactions/*/callback"
CROWD = 120


async def test_one_that_was_taken_counts_though_its_repetition_was_refused(open_house: OpenHouse) -> None:
    async with open_house() as house:
        house.discord.faults.answer(CALLBACK, 500, processed=True)
        house.discord.faults.answer(CALLBACK, 429, via=False)
        reply = await house.ada.command("imagine", prompt="a red fox")
        assert (await reply.until(with_pictures)).pictures
        assert len(house.submissions()) == 1


async def test_one_is_looked_for_as_long_as_it_takes_discord_to_answer(open_house: OpenHouse) -> None:
    async with open_house() as house:
        house.discord.faults.reset(CALLBACK, processed=True)
        house.discord.faults.answer("GET /webhooks/*/messages/*", 429, times=6, via=False)
        reply = await house.ada.command("imagine", prompt="a red fox")
        assert (await reply.until(with_pictures, 60)).pictures
        assert len(house.submissions()) == 1


@pytest.mark.parametrize("page", [True, False], ids=["a page", "an empty object"])
async def test_an_answer_that_cannot_be_understood_delays_nothing(open_house: OpenHouse, *, page: bool) -> None:
    async with open_house() as house:
        fault = house.discord.faults.answer(CALLBACK, 200, processed=True, html=page)
        reply = await house.ada.command("imagine", prompt="a red fox")
        assert (await reply.until(with_pictures, LEASE.total_seconds() / 2)).pictures
        assert fault.hits == len(house.submissions()) == 1


def stands(reply: Reply) -> bool:
    """Whether the person sees a job's card."""
    return bool(reply.states) and "Cancel" in reply.states[0].labels


@pytest.mark.lengthy
@pytest.mark.parametrize("kind", KINDS)
async def test_killed_in_the_middle_of_a_crowd_every_card_that_stands_is_painted_and_nothing_else_is_bought(
    open_house: OpenHouse, kind: str
) -> None:
    """What follows an answer waits while others are unanswered: their cards stand, and their rows say *received*."""
    variables = {"MAX_JOBS_PER_USER": "1000"}
    async with open_house(kind, variables=variables, rules=DEFAULT_RULES) as house:
        crowd = [asyncio.create_task(house.ada.command("imagine", prompt=f"wish {it}")) for it in range(CROWD)]
        async with asyncio.timeout(60):
            while len(house.ada.sees()) < 3:
                await asyncio.sleep(0.001)
        await house.kill_bot()
        before = Counter(state for (state,) in rows(house.database, "SELECT state FROM jobs"))
        replies = dict(enumerate(await asyncio.gather(*crowd)))
        seen = {f"wish {number}" for number, reply in replies.items() if stands(reply)}
        assert before["received"]
        assert seen
        await house.start_bot()
        for number, reply in replies.items():
            if f"wish {number}" in seen:
                await reply.until(lambda it: with_pictures(it) or "Nobody knows" in it.text)
        bought = Counter(it.submission.prompt for it in house.image_api.accepted)
        assert set(bought) <= seen
        assert set(bought.values()) == {1}
        assert len(house.with_pictures()) == len(
            {picture.alt for it in house.with_pictures() for picture in it.pictures}
        )


@pytest.mark.parametrize("kind", KINDS)
async def test_where_nobody_can_look_for_the_answer_any_more_a_click_and_jobs_say_that_nothing_was_started(
    open_house: OpenHouse, kind: str
) -> None:
    """A card stands in private, or where the bot is no member, its row says *received*, and its token has ended."""
    async with open_house(kind) as house:
        elsewhere = house.discord.person("Ada", "elsewhere")
        house.discord.faults.hang(CALLBACK, processed=True, times=2)
        private = await house.ada.command("imagine", prompt="a shy fox", private=True)
        installed = await elsewhere.command("imagine", prompt="a far fox")
        await house.kill_bot()
        house.discord.faults.clear()
        await asyncio.to_thread(execute, house.database, f"UPDATE jobs SET token_expires_at = '{LONG_AGO}'")
        house.discord.expire_tokens()
        await house.start_bot()
        ended = "SELECT COUNT(*) FROM jobs WHERE state = 'failed'"
        await eventually(lambda: rows(house.database, ended) == [(2,)])
        listed = await house.ada.command("jobs")
        assert says("Not started", "a shy fox", "a far fox")(listed.message)
        for person, reply in ((house.ada, private), (elsewhere, installed)):
            assert stands(reply)
            await person.press(reply, "Cancel")
            assert says("Not started", "interrupted", "nothing was charged")(await reply.until(final)), reply.text
        assert not house.submissions()
        again = await house.ada.press(listed, "Again")
        assert (await again.until(with_pictures)).pictures
        assert len(house.submissions()) == 1
