"""Approvals where the bot dies, Discord refuses, pictures are gone, or rules change: each is asked and told once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest
import pytest_asyncio

from sandbox.discord.permissions import Permission
from sandbox.discord.reply import Reply
from tests.acceptance.conftest import PATIENT, House, eventually, house_in, says, typed
from tests.acceptance.drafting import POST, approve_drafts, asked, draft, posted, posts, questions
from tests.acceptance.troubles import LONG_AGO, dead, strikes
from tests.databases import execute, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOON_S = 10.0
TOKENS_HAVE_ENDED = "asked = json_set(asked, '$.target.token_expires_at', '2020-01-01T00:00:00+00:00')"
PROMPTS = (
    "doomed",
    "slow",
    "forgotten",
    "mentioned",
    "shut",
    "barred",
    "vanished",
    "late",
    "ruled",
    "contested",
    "stuck",
    "swift",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house where drafts are approved in #general, and where nothing but Easel keeps a message from coming twice."""
    rules, variables = replace(PATIENT, nonce_s=0.0), {"MAX_JOBS_PER_USER": "50"}
    async with house_in(tmp_path_factory.mktemp("house"), rules=rules, variables=variables) as whole:
        await approve_drafts(whole)
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def drafts(house: House) -> Mapping[str, Reply]:
    """All that is drafted here, painted side by side, by the adjective of its fox."""
    made = await asyncio.gather(*(draft(house.ben, f"a {it} fox") for it in PROMPTS))
    return dict(zip(PROMPTS, made, strict=True))


def messages_of(house: House, place: str) -> str:
    """The route of the messages of a place."""
    return f"/channels/{house.discord.world.place(house.ben.user, place).id}/messages"


async def decided(house: House, prompt: str, decision: str, within: float = 60.0) -> None:
    await house.ada.at("general").press(await asked(house, prompt, within), decision)


def change(house: House, values: str) -> None:
    """Let pass what passes while no bot is there. Only what is not over yet is changed."""
    execute(house.database, f"UPDATE approvals SET {values} WHERE asked IS NOT NULL")


async def over(house: House) -> None:
    await eventually(lambda: not rows(house.database, "SELECT 1 FROM approvals WHERE due_at IS NOT NULL"))


async def test_killed_at_each_step_it_is_asked_posted_and_told_once(house: House, drafts: Mapping[str, Reply]) -> None:
    fault = house.discord.faults.hang(f"POST {messages_of(house, 'general')}", processed=True)
    note = await house.ben.press(drafts["doomed"], POST)
    await strikes(fault)
    async with dead(house):
        pass
    question = await asked(house, "a doomed fox")
    assert len(questions(house, "a doomed fox")) == 1
    # Its post is written, and the question does not say so yet.
    fault = house.discord.faults.hang(f"PATCH {messages_of(house, 'general')}/{question.id}")
    await decided(house, "a doomed fox", "Approve")
    await strikes(fault)
    async with dead(house):
        pass
    post = await posted(house, "a doomed fox")
    await note.until(says("approved", str(post.id)))
    await over(house)
    assert len(posts(house, "a doomed fox")) == 1
    assert says("Approved by", str(post.id))(questions(house, "a doomed fox")[0])


async def test_a_post_that_takes_long_and_fails_is_waited_for_and_told(
    house: House, drafts: Mapping[str, Reply]
) -> None:
    world = house.discord.world
    fault = house.discord.faults.hang(f"POST {messages_of(house, 'pictures')}")
    note = await house.ben.press(drafts["slow"], POST)
    await decided(house, "a slow fox", "Approve")
    await strikes(fault)
    await eventually(lambda: rows(house.database, "SELECT 1 FROM approvals WHERE state = 'posting'"))
    world.deny("pictures", Permission.SEND_MESSAGES)
    async with dead(house):
        # A post that nobody takes is given up after a day.
        execute(house.database, f"UPDATE jobs SET received_at = '{LONG_AGO}', ready_at = '{LONG_AGO}' WHERE NOT told")
    try:
        await note.until(says("could not be posted"))
    finally:
        world.allow("pictures", Permission.SEND_MESSAGES)
    await over(house)
    assert says("could not be posted in")(questions(house, "a slow fox")[0])
    assert posts(house, "a slow fox") == []


async def test_once_the_press_is_long_ago_a_message_tells_once_what_was_decided(
    house: House, drafts: Mapping[str, Reply]
) -> None:
    for it in ("forgotten", "mentioned"):
        await house.ben.press(drafts[it], POST)
        await asked(house, f"a {it} fox")
    async with dead(house):
        change(house, TOKENS_HAVE_ENDED)
    await decided(house, "a mentioned fox", "Approve")
    await posted(house, "a mentioned fox")
    await eventually(lambda: any("approved this" in it.text for it in house.ben.sees()))
    fault = house.discord.faults.hang(f"POST {messages_of(house, 'dm')}", processed=True)
    await decided(house, "a forgotten fox", "Decline")
    await strikes(fault)
    async with dead(house):
        pass
    await over(house)
    assert len([it for it in house.ben.at("dm").sees() if "decided not to post" in it.text]) == 1
    assert len([it for it in house.ben.sees() if "approved this" in it.text]) == 1


async def test_where_direct_messages_are_closed_the_question_says_all(
    house: House, drafts: Mapping[str, Reply]
) -> None:
    await house.ben.press(drafts["shut"], POST)
    await asked(house, "a shut fox")
    async with dead(house):
        change(house, TOKENS_HAVE_ENDED)
    # Something in between refuses first: that is no final word, so it is tried again.
    house.discord.faults.answer(f"POST {messages_of(house, 'dm')}", 403, html=True)
    closed = house.discord.faults.answer(f"POST {messages_of(house, 'dm')}", 403, code=50007)
    await decided(house, "a shut fox", "Decline")
    await strikes(closed)
    await over(house)
    assert says("Declined by")(questions(house, "a shut fox")[0])


async def test_what_discord_does_not_take_is_asked_later_and_given_up_after_a_day(
    house: House, drafts: Mapping[str, Reply]
) -> None:
    await eventually(lambda: not rows(house.database, "SELECT 1 FROM server_log WHERE channel_id IS NOT NULL"))
    ours, faults = f"POST {messages_of(house, 'general')}", house.discord.faults
    waits = "SELECT 1 FROM approvals WHERE state = 'asking' AND worker_id IS NULL AND due_at IS NOT NULL"
    fault = faults.answer(ours, 403, code=50001, times=None)
    note = await house.ben.press(drafts["barred"], POST)
    await strikes(fault)
    await eventually(lambda: rows(house.database, waits))
    async with dead(house):
        change(house, f"due_at = '{LONG_AGO}'")
        fault = faults.answer(ours, 403, html=True, times=None)
    await strikes(fault)
    await eventually(lambda: rows(house.database, waits))
    async with dead(house):
        change(house, f"due_at = '{LONG_AGO}', made_at = '{LONG_AGO}'")
        faults.answer(ours, 403, code=50001, times=None)
    await note.until(says("could not be posted"))
    await over(house)
    faults.clear()
    assert questions(house, "a barred fox") == []


async def test_pictures_that_are_gone_are_told_and_those_that_may_come_are_waited_for(
    house: House, drafts: Mapping[str, Reply]
) -> None:
    faults, api = house.discord.faults, house.image_api
    faults.answer("GET /*attachments/*", 404, times=None)
    for task in api.tasks.values():
        task.fate = replace(task.fate, gone=True, address_life_s=0.0)
    note = await house.ben.press(drafts["vanished"], POST)
    await note.until(says("could not be posted"))
    for task in api.tasks.values():
        task.fate = replace(task.fate, gone=False, address_life_s=None)
    api.behaviour.switch_on("download-drop")
    await house.ben.press(drafts["late"], POST)
    await eventually(lambda: rows(house.database, "SELECT 1 FROM approvals WHERE worker_id IS NULL AND asked NOT NULL"))
    assert questions(house, "a late fox") == []
    api.behaviour.switch_off("download-drop")
    assert len((await asked(house, "a late fox")).pictures) == 1
    faults.clear()


async def test_a_rule_that_was_set_since_keeps_an_approved_draft_private(
    house: House, drafts: Mapping[str, Reply]
) -> None:
    note = await house.ben.press(drafts["ruled"], POST)
    await asked(house, "a ruled fox")
    await typed(house, "/settings block_word:ruled")
    async with dead(house):  # just after a moderator's press was written down
        change(house, "state = 'approved', decided_by = 1, decided_at = made_at, decision_id = 1, due_at = made_at")
    await note.until(says("a rule of"))
    await over(house)
    await typed(house, "/settings block_word:ruled remove:True")
    assert says("a rule of", "forbids it now")(questions(house, "a ruled fox")[0])
    assert posts(house, "a ruled fox") == []


async def test_only_moderators_close_a_question_by_a_button_that_is_none(
    house: House, drafts: Mapping[str, Reply]
) -> None:
    await house.ben.press(drafts["contested"], POST)
    question = await asked(house, "a contested fox")
    _, _, job, number = (question.buttons[0].custom_id or "").split(":")
    ids = [f"easel-approval:{it}:{number}" for it in ("close", f"approve:{job}:x", f"approve:{'0' * 16}")]
    for identity in ids:
        refused = await house.ben.at("general").forge(question, identity)
        assert refused.ephemeral
    assert house.ada.at("general").seen(question.id).labels == ["Approve", "Decline"]
    closed = await house.ada.at("general").forge(question, ids[-1])
    assert says("no longer open")(closed.message)
    assert house.ada.at("general").seen(question.id).labels == []


async def test_a_question_that_hangs_holds_up_no_other(house: House, drafts: Mapping[str, Reply]) -> None:
    await over(house)
    fault = house.discord.faults.hang(f"POST {messages_of(house, 'general')}")
    await house.ben.press(drafts["stuck"], POST)
    await strikes(fault)
    await house.ben.press(drafts["swift"], POST)
    await decided(house, "a swift fox", "Approve", SOON_S)
    await posted(house, "a swift fox", SOON_S)
    assert questions(house, "a stuck fox") == []
    house.discord.faults.remove(fault)
    await asked(house, "a stuck fox")
