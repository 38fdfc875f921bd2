"""Stars and posts after `kill -9`, and with two processes: each post made once, removed once, the last count shown."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sandbox.discord.faults import Fault
from sandbox.discord.reply import Reply
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import PATIENT, House, OpenHouse, eventually
from tests.acceptance.showcases import choose_showcase, gone, newcomers, painted, shown, stands, star, star_of
from tests.acceptance.workers import a_worker
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = ("sqlite", "postgresql")
PATIENCE_S = 60.0  # the lease of a dead process runs out within twenty seconds
#: So that nothing but Easel's own look keeps a post from being made twice.
FORGETFUL = replace(PATIENT, nonce_s=0.0)
SETTLED_S = 3.0


async def struck(fault: Fault) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await fault.struck.wait()


async def killed_at(house: House, fault: Fault) -> None:
    """Kill the bot while Discord has its request, and start it again where everything answers."""
    await struck(fault)
    await house.bot.kill()
    house.discord.faults.clear()
    await house.start_bot()


def post_of(house: House, place: str) -> str:
    """The request that posts in a showcase."""
    channel = house.discord.world.channel(place)
    return f"POST /channels/{channel.id}/{'threads' if place == 'forum' else 'messages'}"


def places(house: House) -> list[str]:
    """Where posts may stand: the channel, and every thread of the forum."""
    world = house.discord.world
    forum = world.channel("forum")
    return ["general", *(it.key for it in world.channels.values() if it.parent is forum and not it.deleted)]


def all_shown(house: House, prompt: str) -> int:
    return sum(len(shown(house, prompt, place)) for place in places(house))


async def one_post(house: House, prompt: str) -> None:
    """There is one post at last, and there stays one."""
    await eventually(lambda: all_shown(house, prompt), PATIENCE_S)
    await eventually(lambda: states(house) == ["posted"], PATIENCE_S)
    await asyncio.sleep(SETTLED_S)
    assert all_shown(house, prompt) == 1


def states(house: House) -> list[object]:
    return [row[0] for row in rows(house.database, "SELECT post FROM showcase ORDER BY job_seq")]


async def starred(house: House, prompt: str) -> Reply:
    reply = await painted(house.ben, prompt)
    await star(house.ada, reply)
    return reply


@pytest.mark.parametrize("place", ["general", "forum"])
@pytest.mark.parametrize("processed", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_a_post_is_made_once_though_the_bot_is_killed_in_its_middle(
    open_house: OpenHouse, kind: str, processed: bool, place: str
) -> None:
    async with open_house(kind, rules=FORGETFUL) as house:
        await choose_showcase(house, place)
        fault = house.discord.faults.hang(post_of(house, place), processed=processed)
        await starred(house, "a doomed fox")
        await killed_at(house, fault)
        await one_post(house, "a doomed fox")


@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_the_last_count_is_shown_though_the_bot_is_killed_before_its_edit(
    open_house: OpenHouse, kind: str
) -> None:
    async with open_house(kind) as house:
        await choose_showcase(house, stars=50)
        reply = await painted(house.ada, "a counted fox")
        fault = house.discord.faults.hang(f"PATCH /channels/*/messages/{reply.message.id}", processed=True)
        fans = newcomers(house, 5)
        await star(fans[0], reply)
        await struck(fault)
        await asyncio.gather(*(star(fan, reply) for fan in fans[1:]))
        await killed_at(house, fault)
        await reply.until(lambda it: star_of(it) == "☆ 5", PATIENCE_S)
        assert len(reply.pictures) == 1


@pytest.mark.parametrize("processed", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_a_removal_is_finished_though_the_bot_is_killed_in_its_middle(
    open_house: OpenHouse, kind: str, processed: bool
) -> None:
    async with open_house(kind) as house:
        await choose_showcase(house)
        reply = await starred(house, "a fleeting fox")
        post = await stands(house, "a fleeting fox")
        await eventually(lambda: states(house) == ["posted"])
        fault = house.discord.faults.hang(f"DELETE /channels/*/messages/{post.id}", processed=processed)
        question = await house.ben.press(reply, "Delete")
        await house.ben.press(question, "Yes, delete")
        await killed_at(house, fault)
        await gone(house, "a fleeting fox", within=PATIENCE_S)
        await eventually(lambda: states(house) == [], PATIENCE_S)


@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_a_post_that_is_unwanted_before_it_stands_does_not_stay(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind) as house:
        await choose_showcase(house)
        fault = house.discord.faults.hang(post_of(house, "general"), processed=True)
        reply = await starred(house, "a withdrawn fox")
        await struck(fault)
        await house.ben.press(await house.ben.press(reply, "Delete"), "Yes, delete")
        await eventually(lambda: states(house) == ["removing"])
        house.discord.faults.clear()
        await eventually(lambda: states(house) == [], PATIENCE_S)
        assert all_shown(house, "a withdrawn fox") == 0


@abreast
async def test_two_processes_post_once_and_count_together(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with (
        open_house("postgresql", rules=FORGETFUL, variables={"MAX_JOBS_PER_USER": "20"}) as house,
        a_worker(house, tmp_path_factory),
    ):
        await choose_showcase(house, stars=3)
        prompts = [f"fox number {number}" for number in range(5)]
        replies = [await painted(house.ada, prompt) for prompt in prompts]
        fans = newcomers(house, 10)
        await asyncio.gather(*(star(fan, reply) for fan in fans for reply in replies))
        for prompt, reply in zip(prompts, replies, strict=True):
            await stands(house, prompt, within=PATIENCE_S)
            await reply.until(lambda it: star_of(it) == "☆ 10", PATIENCE_S)
        await asyncio.sleep(SETTLED_S)
        assert [all_shown(house, prompt) for prompt in prompts] == [1] * 5


@abreast
async def test_a_worker_finishes_what_a_killed_bot_has_announced(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with open_house("postgresql", rules=FORGETFUL) as house, a_worker(house, tmp_path_factory):
        await choose_showcase(house)
        fault = house.discord.faults.hang(post_of(house, "general"), processed=True)
        await starred(house, "an orphaned fox")
        await struck(fault)
        await house.bot.kill()
        house.discord.faults.clear()
        await one_post(house, "an orphaned fox")


@abreast
async def test_a_star_before_the_delivery_is_written_down_is_not_lost(open_house: OpenHouse) -> None:
    """The pictures can be seen while Discord's answer to their upload is still on its way."""
    async with open_house(rules=FORGETFUL) as house:
        await choose_showcase(house)
        house.discord.faults.slow("PATCH /webhooks/*/messages/*", 3.0, times=None, processed=True)
        reply = await painted(house.ben, "a hasty fox")
        await star(house.ada, reply)
        assert rows(house.database, "SELECT state FROM jobs") == [("delivering",)]
        house.discord.faults.clear()
        await stands(house, "a hasty fox", within=PATIENCE_S)
