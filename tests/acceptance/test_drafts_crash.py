"""Approvals after `kill -9`, with two processes, and once tokens have died: each question, post and word once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sandbox.discord.faults import Fault
from sandbox.discord.reply import Reply
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import PATIENT, House, OpenHouse, eventually, says
from tests.acceptance.drafting import POST, approve_drafts, asked, draft, posted, posts, questions
from tests.acceptance.workers import a_worker
from tests.databases import KINDS, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE_S = 60.0
SETTLED_S = 2.0
#: So that nothing but Easel's own look keeps a message from being sent twice.
FORGETFUL = replace(PATIENT, nonce_s=0.0)


async def killed_at(house: House, fault: Fault) -> None:
    """Kill the bot while Discord has its request, and start it again where everything answers."""
    async with asyncio.timeout(PATIENCE_S):
        await fault.struck.wait()
    await house.kill_bot()
    house.discord.faults.clear()
    await house.start_bot()


def messages_of(house: House, place: str) -> str:
    """The request that posts in a channel."""
    return f"POST /channels/{house.discord.world.place(house.ben.user, place).id}/messages"


async def settled(house: House, state: str) -> None:
    """Everything is done, and stays as it is."""
    done = f"SELECT 1 FROM approvals WHERE state = '{state}' AND due_at IS NULL"
    await eventually(lambda: rows(house.database, done), PATIENCE_S)
    await asyncio.sleep(SETTLED_S)


async def pressed(house: House, prompt: str) -> Reply:
    await approve_drafts(house)
    return await house.ben.press(await draft(house.ben, prompt), POST)


async def approve(house: House, prompt: str) -> None:
    await house.ada.at("general").press(await asked(house, prompt, PATIENCE_S), "Approve")


@pytest.mark.parametrize("processed", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_killed_with_the_question_on_its_way_it_stands_once(
    open_house: OpenHouse, kind: str, processed: bool
) -> None:
    async with open_house(kind, rules=FORGETFUL) as house:
        await approve_drafts(house)
        private = await draft(house.ben, "a doomed fox")
        await eventually(lambda: not rows(house.database, "SELECT 1 FROM server_log WHERE channel_id IS NOT NULL"))
        fault = house.discord.faults.hang(messages_of(house, "general"), processed=processed)
        await house.ben.press(private, POST)
        await killed_at(house, fault)
        await asked(house, "a doomed fox", PATIENCE_S)
        await asyncio.sleep(SETTLED_S)
        assert len(questions(house, "a doomed fox")) == 1
        await approve(house, "a doomed fox")
        await posted(house, "a doomed fox", PATIENCE_S)


@pytest.mark.parametrize("processed", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_killed_with_the_post_on_its_way_it_stands_once(
    open_house: OpenHouse, kind: str, processed: bool
) -> None:
    async with open_house(kind, rules=FORGETFUL) as house:
        note = await pressed(house, "a late fox")
        await asked(house, "a late fox")
        fault = house.discord.faults.hang(messages_of(house, "pictures"), processed=processed)
        await approve(house, "a late fox")
        await killed_at(house, fault)
        post = await posted(house, "a late fox", PATIENCE_S)
        await settled(house, "posted")
        assert len(posts(house, "a late fox")) == len(house.image_api.accepted) == 1
        assert says("Approved by", str(post.id))(questions(house, "a late fox")[0])
        assert says("approved", str(post.id))(note.message)


@pytest.mark.parametrize("decision", ["Approve", "Decline"])
@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_killed_before_the_question_says_what_was_decided(
    open_house: OpenHouse, kind: str, decision: str
) -> None:
    async with open_house(kind, rules=FORGETFUL) as house:
        note = await pressed(house, "a decided fox")
        question = await asked(house, "a decided fox")
        edit = f"PATCH /channels/{house.discord.world.channel('general').id}/messages/{question.id}"
        fault = house.discord.faults.hang(edit, processed=True)
        await house.ada.at("general").press(question, decision)
        await killed_at(house, fault)
        await settled(house, "posted" if decision == "Approve" else "declined")
        assert len(posts(house, "a decided fox")) == (decision == "Approve")
        assert says(f"{decision}d by")(questions(house, "a decided fox")[0])
        assert says("A moderator")(note.message)
        assert questions(house, "a decided fox")[0].labels == []


@pytest.mark.parametrize(("decision", "killed"), [("Approve", False), ("Decline", False), ("Decline", True)])
@abreast
async def test_once_the_press_is_long_ago_a_message_tells_what_was_decided(
    open_house: OpenHouse, decision: str, killed: bool
) -> None:
    async with open_house(rules=replace(FORGETFUL, interaction_age_s=890.0, token_lifetime_s=12.0)) as house:
        await pressed(house, "a forgotten fox")
        question = await asked(house, "a forgotten fox")
        await asyncio.sleep(8)  # Easel uses a token no longer than it lives
        told_in = "pictures" if decision == "Approve" else "dm"
        fault = None
        if killed:
            fault = house.discord.faults.hang(messages_of(house, told_in), processed=True)
        await house.ada.at("general").press(question, decision)
        if fault is not None:
            await killed_at(house, fault)
        await settled(house, "posted" if decision == "Approve" else "declined")
        words = "approved this" if decision == "Approve" else "decided not to post"
        await eventually(lambda: any(words in it.text for it in house.ben.at(told_in).sees()), PATIENCE_S)
        assert len([it for it in house.ben.at(told_in).sees() if words in it.text]) == 1


@abreast
async def test_of_two_processes_each_step_is_done_once(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    variables = {"MAX_JOBS_PER_USER": "50"}
    async with (
        open_house("postgresql", rules=FORGETFUL, variables=variables) as house,
        a_worker(house, tmp_path_factory),
    ):
        await approve_drafts(house)
        prompts = [f"a shared fox {number}" for number in range(5)]
        drafts = await asyncio.gather(*(draft(house.ben, it) for it in prompts))
        await asyncio.gather(*(house.ben.press(it, POST) for it in drafts))
        for prompt in prompts:
            await approve(house, prompt)
        for prompt in prompts:
            await posted(house, prompt, PATIENCE_S)
        await eventually(lambda: not rows(house.database, "SELECT 1 FROM approvals WHERE due_at IS NOT NULL"))
        await asyncio.sleep(SETTLED_S)
        assert [len(posts(house, it)) for it in prompts] == [1] * 5
        assert [len(questions(house, it)) for it in prompts] == [1] * 5


@abreast
async def test_a_worker_finishes_what_a_killed_bot_has_begun(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with open_house("postgresql", rules=FORGETFUL) as house, a_worker(house, tmp_path_factory):
        await pressed(house, "an orphaned fox")
        question = await asked(house, "an orphaned fox")
        fault = house.discord.faults.hang(messages_of(house, "pictures"), processed=True)
        await house.ada.at("general").press(question, "Approve")
        async with asyncio.timeout(PATIENCE_S):
            await fault.struck.wait()
        await house.kill_bot()
        house.discord.faults.clear()
        await settled(house, "posted")
        assert len(posts(house, "an orphaned fox")) == 1
